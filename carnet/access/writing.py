# SPDX-License-Identifier: EUPL-1.2
"""Who may write what (writing.toml); default deny."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from carnet.access.actor import Actor

# Types that need a line of their own: "*" does not cover them.
APART = frozenset(
    "DocumentReference List Binary Patient Practitioner PractitionerRole Organization Location "
    "HealthcareService Endpoint Medication Device Group Consent".split()
)


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("writing.toml").read_text("utf-8"))


def allowed(actor: Actor, rtype: str, act: str) -> bool:
    """Whether this actor may `create`, `update` or `delete` resources of this type."""
    if rtype in _file()["nobody"]["types"]:
        return False
    lines = _file().get(actor.kind, {}).get(act, [])
    return rtype in lines or ("*" in lines and rtype not in APART)
