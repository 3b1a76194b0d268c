# SPDX-License-Identifier: EUPL-1.2
"""An image as the confined process told it, and why one is refused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final, Protocol

from carnet import errors
from carnet.exchange.parts import Number, Somebody, day, sex

JOBS: Final = "carnet.imaging.reading"
TIME: Final = re.compile(r"([0-9]{2})([0-9]{2})?([0-9]{2})?", re.ASCII)


class Confined(Protocol):
    """Does a job of `reading.py` in a process that can do nothing else; NotTaken for what breaks it."""

    async def __call__(self, job: str, data: bytes, **arguments: Any) -> tuple[Any, bytes]: ...


@cache
def rules() -> dict[str, Any]:
    """Why an image is refused (refused.toml)."""
    told = tomllib.loads(files("carnet.imaging").joinpath("refused.toml").read_text("utf-8"))
    return dict(told["rules"])


class NotTaken(errors.BusinessRule):
    """This image is not taken."""

    def __init__(self, rule: str) -> None:
        """rule: a key of refused.toml."""
        said = rules().get(rule, rules()["refused"])
        super().__init__(said["en"])
        self.rule = rule
        self.french: str = said["fr"]
        self.reason = int(said["reason"])


@dataclass(frozen=True, slots=True)
class Instance:
    """One image: its numbers, what it says, its bytes."""

    uid: str
    sop_class: str
    series: str
    study: str
    told: dict[str, Any] = field(repr=False)
    data: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of its transfer syntax and data set, in hexadecimal: the same however it was sent."""
        return str(self.told["digest"])

    @property
    def person(self) -> Somebody:
        """Whom it claims to be about; birth name: what it calls the name, when it says no other."""
        said = self.told["person"]
        birth = said["birth_family"] or said["family"]
        return Somebody(
            numbers=tuple(Number(value, oid) for value, oid in said["numbers"]),
            birth_name=birth,
            used_name=said["family"] if said["family"] != birth else "",
            given_names=(said["given"],) if said["given"] else (),
            birth_date=day(said["birth_date"]),
            sex=sex(said["sex"]),
        )

    @property
    def at(self) -> str:
        """When its study began, as HL7 writes it: YYYYMMDDHHMMSS or shorter; "" when it does not say."""
        if day(self.told["date"]) is None:
            return ""
        time = TIME.match(self.told["time"])
        return str(self.told["date"]) + ("".join(time.groups("00")) if time else "")


@dataclass(frozen=True, slots=True)
class Refused:
    """An image that is not taken; numbers: "" when they could not be read."""

    rule: str
    uid: str = ""
    sop_class: str = ""

    @property
    def reason(self) -> int:
        """What its sender is told."""
        return NotTaken(self.rule).reason


async def read(confined: Confined, files: Sequence[bytes]) -> list[Instance | Refused]:
    """Each file as an image, or why it is none; one that breaks its reader breaks no other."""
    try:
        told, _ = await confined(f"{JOBS}:read", b"".join(files), sizes=[len(one) for one in files])
    except NotTaken as broken:
        if len(files) == 1:
            return [Refused(broken.rule)]
        return [each for one in files for each in await read(confined, [one])]
    return [_made(one, data) for one, data in zip(told, files, strict=True)]


def _made(told: dict[str, Any], data: bytes) -> Instance | Refused:
    if "no" in told:
        return Refused(str(told["no"]))
    return Instance(told["instance"], told["class"], told["series"], told["study"], told, data)
