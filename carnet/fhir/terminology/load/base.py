# SPDX-License-Identifier: EUPL-1.2
"""HL7's own code systems and value sets, which the program brings (tools/pack_terminology.py)."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
import zstandard

from carnet.fhir.terminology.load import fhir
from carnet.fhir.terminology.load.model import Brought

FOLDER: Final = Path(__file__).parents[1]
ARTEFACT: Final = "r4.msgpack.zst"
MAX_UNPACKED: Final = 64 * 1024 * 1024  # bytes
FORM: Final = "HL7 FHIR R4"


def artefact() -> bytes:
    """The packed file."""
    return files("carnet.fhir.terminology").joinpath(ARTEFACT).read_bytes()


def brought(packed: bytes) -> Brought:
    """What it holds."""
    raw = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_UNPACKED)
    content: dict[str, Any] = msgspec.msgpack.decode(raw)
    both = [
        {"resourceType": kind} | each
        for kind, key in (("CodeSystem", "code_systems"), ("ValueSet", "value_sets"))
        for each in content[key]
    ]
    found = fhir.brought(both, FORM)
    return Brought(FORM, found.systems, found.value_sets, external() | content["names"])


def external() -> dict[str, str]:
    """Addresses of systems that HL7 does not define, by OID."""
    text = files("carnet.fhir.terminology").joinpath("systems.toml").read_text("utf-8")
    return dict(tomllib.loads(text))
