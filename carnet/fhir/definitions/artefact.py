# SPDX-License-Identifier: EUPL-1.2
"""Reading the packed definitions, once."""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec
import zstandard

from carnet.fhir.definitions.model import Definitions, Packed, Profiles, SearchParameter

ARTEFACT = "r4.msgpack.zst"
PROFILES = "profiles.msgpack.zst"
NUMBERS = "numbers.toml"
MAX_UNPACKED = 64 * 1024 * 1024  # bytes


@cache
def load() -> Definitions:
    """The definitions of R4; some tens of milliseconds the first time, nothing after."""
    folder = files(__package__)
    packed = unpack((folder / ARTEFACT).read_bytes())
    numbers = tomllib.loads((folder / NUMBERS).read_text(encoding="utf-8"))
    types: dict[str, int] = numbers["resource_types"]
    return Definitions(
        version=packed.version,
        types=types,
        params={name: _params(packed, name) for name in types},
        shapes=packed.shapes,
        value_sets=packed.value_sets,
        compartments=packed.compartments,
    )


def unpack(artefact: bytes) -> Packed:
    """The content of an artefact."""
    raw = zstandard.ZstdDecompressor().decompress(artefact, max_output_size=MAX_UNPACKED)
    return msgspec.msgpack.decode(raw, type=Packed)


@cache
def profiles() -> Profiles:
    """R4's own profiles and extensions; read only where something is held to a profile."""
    raw = (files(__package__) / PROFILES).read_bytes()
    return unpack_profiles(raw)


def unpack_profiles(artefact: bytes) -> Profiles:
    """The content of an artefact of profiles."""
    raw = zstandard.ZstdDecompressor().decompress(artefact, max_output_size=MAX_UNPACKED)
    return msgspec.msgpack.decode(raw, type=Profiles)


def _params(packed: Packed, name: str) -> dict[str, SearchParameter]:
    """The parameters of a type: its own and those of the types it specialises."""
    bases = set()
    current: str | None = name
    while current is not None:
        bases.add(current)
        current = packed.shapes[current].base
    return {p.code: p for on, p in packed.search if not bases.isdisjoint(on)}
