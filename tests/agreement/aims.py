# SPDX-License-Identifier: EUPL-1.2
"""What a probe is and what it aims at: the ground of the path grammar of the twin worlds."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.agreement.items import CODES, DOCUMENTS, LOINC, MASKS, SECURITY, Item, date

if TYPE_CHECKING:
    from tests.agreement.worlds import Twins


@dataclass(frozen=True)
class Probe:
    """One request; kind: its path kind."""

    kind: str
    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    follow: bool = False  # go on through the `next` links
    page: tuple[str, ...] = ()  # of the people's web, with what it is given: no request


@dataclass(frozen=True)
class Aim:
    """What a probe aims at: an item, one of its types and its id."""

    twins: Twins
    item: Item
    chance: random.Random

    @property
    def place(self) -> int:
        """Which of the item's resources."""
        return self.chance.randrange(len(self.item.types))

    def address(self, rtype: str | None = None) -> str:
        """`Type/id` of a resource of the item, as it is or would be."""
        place = self.item.types.index(rtype) if rtype in self.item.types else self.place
        key = f"i{self.item.number}" + (f"-{place}" if place else "")
        return f"{self.item.types[place]}/{self.twins.ids.get(key, 'a' * 26)}"

    @property
    def rtype(self) -> str:
        """The first type of the item."""
        return self.item.types[0]

    @property
    def person(self) -> str:
        """`Patient/id` of whom it is about, or of anybody."""
        about = self.item.about or ("patient",)
        return f"Patient/{self.twins.ids[self.chance.choice(about)]}"

    @property
    def owner(self) -> str:
        """The search parameter that names the person."""
        return {"AllergyIntolerance": "patient", "Coverage": "beneficiary", "Claim": "patient",
                "Appointment": "actor", "Binary": "_id", "Patient": "_id", "Practitioner": "_id",
                }.get(self.rtype, "subject")  # fmt: skip

    @property
    def dated(self) -> str | None:
        """A date parameter of the type."""
        return {"Observation": "date", "DiagnosticReport": "date", "DocumentReference": "date",
                "Condition": "recorded-date", "AllergyIntolerance": "date",
                "MedicationRequest": "authoredon", "Encounter": "date", "Procedure": "date",
                "Communication": "sent", "Claim": "created", "Appointment": "date",
                "QuestionnaireResponse": "authored", "Patient": "birthdate"}.get(self.rtype)  # fmt: skip

    def search(self, *given: tuple[str, str], about: bool | None = None) -> str:
        """The address of a search on the type, of one person or of all."""
        params = list(given)
        if about if about is not None else self.chance.random() < 0.5:
            named = self.person
            if self.owner == "_id":
                named = (named if self.rtype == "Patient" else self.address()).split("/")[1]
            params.append((self.owner, named))
        return f"{self.rtype}?{urlencode(params)}"


def get(kind: str, path: str, **more: Any) -> Probe:
    return Probe(kind, "GET", path, **more)


def bundle(kind: str, style: str, paths: list[str]) -> Probe:
    entries = [{"request": {"method": "GET", "url": path}} for path in paths]
    body = {"resourceType": "Bundle", "type": style, "entry": entries}
    return Probe(kind, "POST", "", json.dumps(body).encode())


def token(aim: Aim) -> tuple[str, str]:
    chance = aim.chance
    if aim.rtype == "Observation":
        code = chance.choice(CODES)
        return "code", chance.choice((code, f"{LOINC}|{code}", f"{LOINC}|", f"|{code}",
                                      f"{code},{chance.choice(CODES)}"))  # fmt: skip
    if aim.rtype == "DocumentReference":
        return "type", chance.choice(DOCUMENTS)
    if aim.rtype in ("Patient", "Practitioner", "Binary", "Claim", "Coverage"):
        return "_security", f"{SECURITY}|{chance.choice(MASKS)}"
    return "status", chance.choice(("final", "active", "completed", "finished", "booked"))


def span(aim: Aim) -> tuple[str, str]:
    prefix = aim.chance.choice(("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"))
    day = date(aim.chance)
    day = day[: aim.chance.choice((4, 7, 10))]
    if aim.dated is None or aim.chance.random() < 0.3:
        return "_lastUpdated", prefix + aim.twins.now.date().isoformat()[: len(day)]
    return aim.dated, prefix + day
