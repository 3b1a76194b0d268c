# SPDX-License-Identifier: EUPL-1.2
"""Keyed hashes: what search compares without the database knowing what it compares."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

ANY = "*"  # any system


class Hasher:
    """64-bit keyed BLAKE2b of what is searched; the key never enters the database."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._keyed = blake2b(digest_size=8, key=key).copy  # quicker than to begin anew
        # The same codes and persons come again and again in what is loaded.
        self._again = lru_cache(1 << 14)(self.number)

    def number(self, text: str) -> int:
        """A signed 64-bit number."""
        hashed = self._keyed()
        hashed.update(text.encode())
        return int.from_bytes(hashed.digest(), "big", signed=True)

    def token(self, rtype: int, param: int, system: str | None, code: str) -> int:
        """A token of one system; "*" stands for any, None for none."""
        # U+0000 is in no text, so a system that holds a bar is never taken for another pair.
        return self._again(f"{rtype}.{param}|{system or ''}\0{code}")

    def system(self, rtype: int, param: int, system: str) -> int:
        """Any code of one system (`system|`)."""
        return self._again(f"{rtype}.{param}s{system}")

    def reference(self, rtype: int, param: int, target: str) -> int:
        """A reference, `Patient/abc` or an absolute address."""
        return self._again(f"{rtype}.{param}>{target}")

    def uri(self, rtype: int, param: int, uri: str) -> int:
        """An exact uri."""
        return self.number(f"{rtype}.{param}={uri}")

    def start(self, rtype: int, param: int, text: str) -> int:
        """The beginning of a sealed string."""
        return self.number(f"{rtype}.{param}^{text}")

    def client_id(self, rtype: int, chosen: str) -> int:
        """A client-chosen id."""
        return self.number(f"{rtype}#{chosen}")

    def long(self, text: bytes) -> bytes:
        """16 bytes, where a collision may not be checked again."""
        return blake2b(text, digest_size=16, key=self._key).digest()
