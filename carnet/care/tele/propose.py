# SPDX-License-Identifier: EUPL-1.2
"""The act a teleconsultation may be billed as, with its reasons: proposed, the professional decides."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

from carnet import errors

Reason = Literal[
    "no-video",  # the act asks for an image
    "lump-sum",  # this profession is paid by the year
    "young",  # under the age: no path is asked
    "in-path",  # the usual doctor's, or sent by them
    "exception",  # one of the exceptions to the path
    "out-of-path",  # none of these: not reimbursed as such
    "far",  # in no territory of the patient's
    "over-cap",  # the professional's share at a distance is passed
    "unverified",  # read in no official text
]
UNVERIFIED: Final = "unverified"


class NoEdition(errors.BusinessRule):
    """No edition of the nomenclature is in force that day."""


class NoAct(errors.BusinessRule):
    """This profession has no teleconsultation in the nomenclature."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a session. distance: share of the activity at a distance this year, per mille."""

    profession: str  # doctor, midwife, dentist, pharmacist, nurse
    day: date
    age: int  # completed years
    video: bool
    in_path: bool = False
    exception: str | None = None
    near: bool = True
    distance: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """code, cents: None where nothing is billed by the act. reimbursed: by the insurance."""

    code: str | None
    cents: int | None
    reimbursed: bool
    reasons: tuple[Reason, ...]
    source: str


@cache
def editions() -> tuple[Mapping[str, Any], ...]:
    """nomenclature.toml, oldest first."""
    text = resources.files(__package__).joinpath("nomenclature.toml").read_text("utf-8")
    return tuple(sorted(tomllib.loads(text)["edition"], key=lambda each: each["from"]))


def edition(day: date) -> Mapping[str, Any]:
    """The edition in force that day."""
    found = [each for each in editions() if each["from"] <= day]
    if not found:
        raise NoEdition
    return found[-1]


def propose(facts: Facts) -> Proposal:
    """The act of that profession that day, whether it is reimbursed, and why."""
    table = edition(facts.day)
    act = table["acts"].get(facts.profession)
    if act is None:
        raise NoAct
    why: list[Reason] = [UNVERIFIED] if act["source"] == UNVERIFIED else []
    if "code" not in act:
        return Proposal(None, None, False, ("lump-sum", *why), act["source"])
    if act["video"] and not facts.video:
        return Proposal(None, None, False, ("no-video", *why), act["source"])
    path = by_path(table["reimbursed"], facts)
    against = limits(table["cap"]["share"], facts)
    open_ = path != "out-of-path" and facts.near
    return Proposal(act["code"], act["cents"], open_, (path, *against, *why), act["source"])


def by_path(rule: Mapping[str, Any], facts: Facts) -> Reason:
    """What of the coordinated path opens the reimbursement, or that nothing does."""
    if facts.age < rule["under"]:
        return "young"
    if facts.in_path:
        return "in-path"
    return "exception" if facts.exception in rule["exceptions"] else "out-of-path"


def limits(cap: int, facts: Facts) -> tuple[Reason, ...]:
    """What else is told: a far place closes the reimbursement; a passed cap is the professional's own."""
    found: list[Reason] = []
    if not facts.near:
        found.append("far")
    if facts.distance > cap:
        found.append("over-cap")
    return tuple(found)
