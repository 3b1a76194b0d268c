# SPDX-License-Identifier: EUPL-1.2
"""Numbers of words that follow one another: what answers a phrase without opening a text.

A pair is one block of AES under a key of its record; a quarter of it is kept, so two pairs may share a
number: a phrase found by one is one that may be there, seldom another. docs/decisions/0048.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from carnet.documents.text.queries import Hasher

MOST = 20_000  # pairs of a document; one with more has its phrases looked for in its text


def numbers(hasher: Hasher, cid: int, said: Sequence[str]) -> list[int]:
    """What stands for each pair of words of a text, in no order that says where they stood."""
    every = {_word(hasher, one) + _word(hasher, next) for one, next in pairwise(said)}
    if not every:
        return []
    # A permutation of single blocks under a secret key, each block once: no mode is needed.
    sealer = Cipher(AES(hasher.long(f"text.pairs.{cid}".encode())), ECB()).encryptor()  # noqa: S305
    sealed = sealer.update(b"".join(every))
    return sorted({each for each, _ in struct.iter_unpack(">i12s", sealed)})


@lru_cache(1 << 15)
def _word(hasher: Hasher, word: str) -> bytes:
    """Eight bytes of a word, the same in all records: they never rest."""
    return struct.pack(">q", hasher.number(f"text.word\0{word}"))
