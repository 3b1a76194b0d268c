# SPDX-License-Identifier: EUPL-1.2
"""Illnesses of a relative, from a FamilyMemberHistory: never the patient's own.

Source: ANS, CI-SIS, FR-Antecedents-familiaux and FR-Antecedent-familial-observe; IHE PCC, Family History.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from carnet.composing.cda import codes
from carnet.composing.cda.codes import coded, date, listed, mapping
from carnet.composing.cda.elements import Element, tag, templates
from carnet.composing.cda.entries import Number
from carnet.composing.cda.told import Cells, told
from carnet.composing.model import Json

ORGANIZER: Final = (
    "2.16.840.1.113883.10.20.1.23", "1.3.6.1.4.1.19376.1.5.3.1.4.15", "1.2.250.1.213.1.1.3.59",
)  # fmt: skip
SUBJECT: Final = ("1.3.6.1.4.1.19376.1.5.3.1.4.15.2", "1.2.250.1.213.1.1.3.60")
OBSERVED: Final = (
    "2.16.840.1.113883.10.20.1.22", "1.3.6.1.4.1.19376.1.5.3.1.4.13",
    "1.3.6.1.4.1.19376.1.5.3.1.4.13.3", "1.2.250.1.213.1.1.3.51",
)  # fmt: skip
GENDERS: Final = {"male": ("M", "Masculin"), "female": ("F", "Féminin")}


def cells(resource: Json, relative: str, illnesses: Sequence[str]) -> Cells:
    """Who it is, and each illness; as they are read."""
    return (("", relative),), tuple((str(at), each) for at, each in enumerate(illnesses, 1))


def family(resource: Json, anchor: str, number: Number) -> Element:
    """A relative with their illnesses, each an observation of its own."""
    held = listed(resource.get("condition"))
    return tag(
        "organizer",
        *templates(*ORGANIZER),
        tag("statusCode", code="completed"),
        _subject(resource, anchor),
        *(
            tag("component", _observed(each, f"{anchor}-{at}", number(resource if at == 1 else None)),
                typeCode="COMP")
            for at, each in enumerate(held, 1)
        ),
        classCode="CLUSTER",
        moodCode="EVN",
    )  # fmt: skip


def _subject(resource: Json, anchor: str) -> Element:
    """Who it is to the patient: no name, which is nobody's business here."""
    sexes = listed(mapping(resource.get("sex")).get("coding"))
    gender = next((GENDERS[c["code"]] for c in sexes if c.get("code") in GENDERS), None)
    born = date(resource.get("bornDate"))
    person = tag(
        "subject",
        codes.code("administrativeGenderCode", gender[0], "2.16.840.1.113883.5.1", gender[1])
        if gender
        else None,
        tag("birthTime", value=born) if born else None,
    )
    related = tag(
        "relatedSubject",
        coded("code", resource.get("relationship"), anchor),
        person if gender or born else None,
        classCode="PRS",
    )
    return tag("subject", *templates(*SUBJECT), related, typeCode="SBJ")


def _observed(condition: Json, anchor: str, own: Element) -> Element:
    when = date(condition.get("onsetString"))
    return tag(
        "observation",
        *templates(*OBSERVED),
        own,
        codes.code("code", "282291009", codes.SNOMED, "interprétation diagnostique", "SNOMED CT"),
        told(anchor),
        tag("statusCode", code="completed"),
        tag("effectiveTime", value=when) if when else tag("effectiveTime", nullFlavor="UNK"),
        coded("value", condition.get("code"), anchor, "CD"),
        classCode="OBS",
        moodCode="EVN",
    )
