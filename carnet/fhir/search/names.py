# SPDX-License-Identifier: EUPL-1.2
"""Names of search parameters, and what is said of those that are not taken."""

from __future__ import annotations

import re

from carnet import errors

# A name as it may be repeated: words of FHIR, no number.
SPOKEN = re.compile(r"_?[A-Za-z][A-Za-z-]{0,39}(?:[.:]_?[A-Za-z][A-Za-z-]{0,39}){0,30}")
# Parameters of FHIR this server does not have, and why; some have no values of their own to compare.
ABSENT = {
    "_query": "no named queries are defined here.",
    "_contained": "what is contained is found by a chain, and answered in what contains it.",
    "_containedType": "what is contained is found by a chain, and answered in what contains it.",
    "_score": "a search here matches or does not, and there is no score.",
    "_type": "types are named in a search of several, [base]?_type=…, not in that of one.",
}


class UnknownParameter(errors.NotSupported):
    """This search parameter is unknown for this type."""


class UnknownModifier(errors.NotSupported):
    """This modifier is not supported on this parameter."""


class TooManyValues(errors.TooCostly):
    """The search names more parameters or values than this server compares at once."""


def only(modifier: str, name: str) -> None:
    """Refuse any modifier."""
    if modifier:
        raise unknown_modifier(modifier, name)


def unknown_modifier(modifier: str, name: str) -> UnknownModifier:
    """The refusal of a modifier, which is named."""
    return UnknownModifier(f"The modifier :{safe(modifier)} is not supported on {safe(name)}.")


def naming(refused: errors.CarnetError, name: str) -> errors.CarnetError:
    """The same refusal, in which the parameter is named."""
    said = str(refused)
    told = isinstance(refused, UnknownParameter | UnknownModifier) and name in said
    if SPOKEN.fullmatch(name) and not told and not said.startswith(f"{name}: "):
        refused.args = (f"{name}: {said}",)
    return refused


def safe(name: str) -> str:
    """A name as it may be repeated in an answer: a word of FHIR, no number and no sentence."""
    return name if re.fullmatch("_?[A-Za-z][A-Za-z-]{0,39}", name) else "of this name"
