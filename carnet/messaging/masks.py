# SPDX-License-Identifier: EUPL-1.2
"""Masks and destinations: which mailboxes a document may be sent to. Rules in masks.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

from carnet import errors
from carnet.access.labels import Label

NAMES: Final = (
    "masque_ps", "invisible_patient", "invisible_representants", "record", "professional", "patient",
)  # fmt: skip


class HiddenFromThem(errors.BusinessRule):
    """The masks of this document do not allow these destinations together: send it to fewer."""


def allowed(label: Label, *, record: bool, professional: bool, patient: bool) -> bool:
    """Whether a document with these masks may go to these destinations.

    record: it is put in the shared record by the same act; one that is there already is not.
    """
    asked = (
        bool(label & Label.MASQUE_PS),
        bool(label & Label.INVISIBLE_PATIENT),
        bool(label & Label.INVISIBLE_REPRESENTANTS_LEGAUX),
        record,
        professional,
        patient,
    )
    return any(
        all(
            said in ("any", "yes" if each else "no") for said, each in zip(line, asked, strict=True)
        )
        for line in _lines()
    )


@cache
def _lines() -> tuple[tuple[str, ...], ...]:
    said = tomllib.loads(files("carnet.messaging").joinpath("masks.toml").read_text("utf-8"))
    return tuple(tuple(str(line[name]) for name in NAMES) for line in said["allowed"])
