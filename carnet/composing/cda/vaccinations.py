# SPDX-License-Identifier: EUPL-1.2
"""A vaccine that was given, from an Immunization. Source: ANS, CI-SIS, FR-Vaccination; IHE PCC."""

from __future__ import annotations

from typing import Final

from carnet.composing.cda import codes
from carnet.composing.cda.codes import coded, date, listed, mapping
from carnet.composing.cda.elements import Element, tag, templates
from carnet.composing.cda.entries import PRODUCT, Number
from carnet.composing.cda.told import Cells, Piece, comment, plain, remarks, told
from carnet.composing.model import Json

VACCINATION: Final = (
    "2.16.840.1.113883.10.20.1.24", "1.3.6.1.4.1.19376.1.5.3.1.4.12", "1.2.250.1.213.1.1.3.45",
)  # fmt: skip
RANK: Final = ("2.16.840.1.113883.10.20.1.46", "1.2.250.1.213.1.1.3.82")


def cells(resource: Json, since: str) -> Cells:
    """Vaccine, date, lot, rank, what else is said."""
    rank = _rank(resource)
    site = codes.said(resource.get("site"))
    reactions = [
        f"réaction : {said}"
        for each in listed(resource.get("reaction"))
        if (said := str(mapping(each.get("detail")).get("display") or ""))
    ]
    return (
        (("", codes.said(resource.get("vaccineCode"))),),
        plain(since),
        plain(str(resource.get("lotNumber") or "")),
        plain(rank),
        (*plain(_series(resource)[0], site, *reactions), *_remarks(resource)),
    )


def vaccination(resource: Json, anchor: str, number: Number) -> Element:
    """An Immunization that took place."""
    kind, word, _ = _series(resource)[1:]
    when = date(resource.get("occurrenceDateTime"))
    route, site = (_known(name, resource.get(key)) for name, key in _PLACES)
    return tag(
        "substanceAdministration",
        *templates(*VACCINATION),
        number(resource),
        codes.code("code", kind, "2.16.840.1.113883.5.4", word, "ActCode"),
        told(anchor),
        tag("statusCode", code="completed"),
        tag("effectiveTime", value=when) if when else tag("effectiveTime", nullFlavor="UNK"),
        route,
        site,
        _dose(resource),
        _product(resource, anchor),
        _ranked(_rank(resource)),
        comment(_remarks(resource), anchor),
        classCode="SBADM",
        moodCode="EVN",
        negationInd="false",
    )


_PLACES: Final = (("routeCode", "route"), ("approachSiteCode", "site"))


def _known(name: str, concept: object) -> Element | None:
    """A code, when it is one we can write."""
    return coded(name, concept) if any(codes.codings(concept)) else None


def _dose(resource: Json) -> Element | None:
    amount = mapping(resource.get("doseQuantity"))
    value = codes.number(amount.get("value"))
    if value is None:
        return None
    return tag("doseQuantity", value=value, unit=str(amount["code"]) if "code" in amount else None)


def _product(resource: Json, anchor: str) -> Element:
    concept = resource.get("vaccineCode")
    lot, maker = (
        str(resource.get("lotNumber") or ""),
        str(mapping(resource.get("manufacturer")).get("display") or ""),
    )
    made = tag(
        "manufacturedProduct",
        *templates(*PRODUCT),
        tag(
            "manufacturedMaterial",
            coded("code", concept, anchor),
            tag("name", text=codes.said(concept)),
            tag("lotNumberText", text=lot) if lot else None,
        ),
        tag("manufacturerOrganization", tag("name", text=maker)) if maker else None,
    )
    return tag("consumable", made, typeCode="CSM")


def _rank(resource: Json) -> str:
    """Which dose of a series it was."""
    for each in listed(resource.get("protocolApplied")):
        found = each.get("doseNumberPositiveInt") or each.get("doseNumberString")
        if found:
            return str(found)
    return ""


def _ranked(rank: str) -> Element | None:
    if not (rank.isascii() and rank.isdigit()):
        return None  # what is no number is in the words alone
    return tag(
        "entryRelationship",
        tag(
            "observation",
            *templates(*RANK),
            codes.loinc("30973-2", "Rang de la vaccination"),
            tag("statusCode", code="completed"),
            tag("value", kind="INT", value=rank),
            classCode="OBS",
            moodCode="EVN",
        ),
        typeCode="SUBJ",
    )


def _series(resource: Json) -> tuple[str, str, str, str]:
    """First series or booster, as our reader notes it: words, code, label, the note."""
    known = codes.table("immunizations")
    for each in listed(resource.get("note")):
        text = str(each.get("text", ""))
        if text in known:
            code, label = known[text]
            return label, code, label, text
    code, label = known["?"]
    return "", code, label, ""


def _remarks(resource: Json) -> tuple[Piece, ...]:
    return remarks(resource, but=(_series(resource)[3],))
