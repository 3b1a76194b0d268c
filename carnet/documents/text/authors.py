# SPDX-License-Identifier: EUPL-1.2
"""Who wrote a document, by name: the persons and organisations that DocumentReference.author says. Pure."""

from __future__ import annotations

from typing import Any

from carnet.documents.text import words
from carnet.identity.titles import title as civil

MOST = 40  # authors of one document
LONGEST = 120  # characters of a name
TITLES = frozenset("dr docteur pr professeur prof m mr monsieur mme madame mlle me".split())


def authors(resource: dict[str, Any]) -> tuple[str, ...]:
    """Names as they are read, persons first where both are said; one of each."""
    contained = {f"#{each.get('id')}": each for each in resource.get("contained", [])}
    found: dict[str, str] = {}
    for reference in resource.get("author", []):
        who = contained.get(str(reference.get("reference", "")), {})
        told = [who or reference]
        if who.get("resourceType") == "PractitionerRole":
            told = [_led(who.get(part, {}), contained) for part in ("practitioner", "organization")]
        for each in told:
            name = " ".join(_name(each).split())[:LONGEST]
            if known(name):
                found.setdefault(known(name), name)
    return tuple(found.values())[:MOST]


def known(name: str) -> str:
    """What two writings of one name share: no title, no case, no accent, in any order."""
    said = words.sequence(name)
    return " ".join(sorted(each for each in said if each not in TITLES) or sorted(said))


def _led(reference: dict[str, Any], contained: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return contained.get(str(reference.get("reference", "")), reference)


def _name(who: dict[str, Any]) -> str:
    """The name of a person, an organisation, a device, or what a reference calls it."""
    name = who.get("name")
    if isinstance(name, list) and name:
        first = name[0]
        # CI-SIS puts the civil title in front and the professional one (DR) behind.
        titles = [civil(each) for each in first.get("suffix", []) or first.get("prefix", [])]
        parts = [*titles, *first.get("given", []), first.get("family", "")]
        return str(first.get("text") or " ".join(filter(None, parts)))
    device: dict[str, Any] = next(iter(who.get("deviceName") or []), {})
    return str(name or device.get("name") or who.get("display") or "")
