# SPDX-License-Identifier: EUPL-1.2
"""The installation's keys, in files outside the database.

`operator.key` wraps every compartment's key: who holds the database without it holds nothing.
`installation.json` has the keys that give ids, hashes and page links their form: kept for ever, and
exported with the data, since without them ids change.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from carnet import errors

LENGTHS = {"ids": 16, "hashes": 32, "cursors": 64, "context": 32}


class WrongKeys(errors.Invalid):
    """The installation's key files cannot be read: restore them from their copy."""


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """Raw keys; never logged (no repr)."""

    operator: bytes  # 32 bytes, AES-256
    ids: bytes  # 16 bytes, AES-128: one block makes an id
    hashes: bytes  # 32 bytes, keyed BLAKE2b
    cursors: bytes  # 64 bytes, AES-SIV
    context: bytes  # 32 bytes, HMAC-SHA-256 of the sealed context


def load_or_make(folder: Path, random: Callable[[int], bytes] = os.urandom) -> Keyring:
    """The keys of `folder`, made once (mode 0600) when neither file exists."""
    operator, installation = folder / "operator.key", folder / "installation.json"
    if not operator.exists() and not installation.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = {name: base64.b64encode(random(length)).decode() for name, length in LENGTHS.items()}
        _write(installation, json.dumps(made).encode())
        _write(operator, base64.b64encode(random(32)))
    try:
        found = json.loads(installation.read_bytes())
        keys = {name: base64.b64decode(found[name], validate=True) for name in LENGTHS}
        wrapping = base64.b64decode(operator.read_bytes(), validate=True)
    except (OSError, ValueError, KeyError, TypeError):
        raise WrongKeys from None
    if len(wrapping) != 32 or any(len(keys[name]) != size for name, size in LENGTHS.items()):
        raise WrongKeys
    return Keyring(operator=wrapping, **keys)


def take_over(folder: Path, ids: bytes, hashes: bytes) -> Keyring:
    """The keys of `folder`, with those of another machine that give ids and hashes their form."""
    load_or_make(folder)
    if len(ids) != LENGTHS["ids"] or len(hashes) != LENGTHS["hashes"]:
        raise WrongKeys
    found = json.loads((folder / "installation.json").read_bytes())
    for name, key in (("ids", ids), ("hashes", hashes)):
        found[name] = base64.b64encode(key).decode()
    _write(folder / "installation.json", json.dumps(found).encode())
    return load_or_make(folder)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
