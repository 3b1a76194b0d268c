# SPDX-License-Identifier: EUPL-1.2
"""The professionals a document names, as the directory knows them: who signs, who treats, who receives it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from carnet.access.door import DIRECTORY, Stored, Visit
from carnet.composing.model import Peer, Place, Signer
from carnet.composing.pages import Known, NoSignature, UnknownPeer
from carnet.directory.find import RPPS, forms
from carnet.fhir.search.identifiers import IdFilter
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.tokens import TokenFilter
from carnet.identity.titles import title as civil
from carnet.summary import gather
from carnet.summary.facts import listed, mapping
from carnet.summary.gather import Gathered

IDNPS: Final = RPPS[-1]
IDNST: Final = "urn:oid:1.2.250.1.71.4.2.2"
SETTINGS: Final = "https://mos.esante.gouv.fr/NOS/JDV_J04-XdsPracticeSettingCode-CISIS"
LOOKED_AT: Final = 50  # newest documents whose authors may receive a letter
MOST: Final = 12  # of them offered
NUMBER: Final = re.compile(r"8?(\d{11})")  # RPPS, or IDNPS that begins with its kind


async def signer(visit: Visit) -> Signer:
    """Who writes, as the directory knows them and the place they are at; NoSignature."""
    actor = visit.actor
    assert actor.rpps is not None
    found = await _practitioner(visit, f"{actor.rpps:011d}")
    place = await _place(visit, visit.door.ids.encode(DIRECTORY, actor.org)) if actor.org else None
    if found is None or place is None:
        raise NoSignature
    return Signer(f"8{actor.rpps:011d}", actor.profession, *_name(found.resource), place)


async def peers(visit: Visit, numbers: Iterable[str]) -> tuple[Peer, ...]:
    """Those of these RPPS or IDNPS numbers, each once; UnknownPeer of one the directory has not."""
    found = [await _peer(visit, each) for each in dict.fromkeys(filter(None, numbers))]
    return tuple({each.idnps: each for each in found}.values())


async def known(visit: Visit, found: Gathered) -> tuple[Known, ...]:
    """Who the record names: the treating doctor first, then who signed its newest documents."""
    params = visit.door.definitions.params["DocumentReference"]
    wanted = TokenFilter(params["status"].number, ((None, "current"),))
    newest = Query(
        "DocumentReference", (wanted,), (found.cid,), sort=gather.NEWEST, count=LOOKED_AT
    )
    told: dict[str, Known] = {}
    for own in (each.own for each in found.of("Patient") if each.stored.cid == found.cid):
        for held in listed(own.get("generalPractitioner")):
            number = _idnps([mapping(held.get("identifier"))])
            if number:
                told[number] = Known(number, str(held.get("display") or number), attending=True)
    for each in (await visit.search(newest)).matches:
        for held in listed(each.resource.get("contained")):
            number = _idnps(listed(held.get("identifier")))
            if held.get("resourceType") != "Practitioner" or not number or number in told:
                continue
            family, given, title = _name(held)
            told[number] = Known(number, " ".join(filter(None, (civil(title), given, family))))
    mine = f"8{visit.actor.rpps:011d}" if visit.actor.rpps is not None else ""
    return tuple(each for each in told.values() if each.idnps != mine)[:MOST]


def _idnps(identifiers: Iterable[Mapping[str, Any]]) -> str:
    """The national number among some, "" when there is none."""
    for each in identifiers:
        said = NUMBER.fullmatch(str(each.get("value", "")))
        if each.get("system") in RPPS and said:
            return f"8{said[1]}"
    return ""


async def _peer(visit: Visit, number: str) -> Peer:
    said = NUMBER.fullmatch(re.sub(r"[\s.-]", "", number))
    found = await _practitioner(visit, said[1]) if said else None
    if found is None or said is None:
        raise UnknownPeer(number)
    params = visit.door.definitions.params["PractitionerRole"]
    wanted = ReferenceFilter(params["practitioner"].number, (f"Practitioner/{found.id}",))
    roles = (
        await visit.search(Query("PractitionerRole", (wanted,), (DIRECTORY,), count=20))
    ).matches
    active = [each.resource for each in roles if each.resource.get("active") is not False]
    places = [
        str(mapping(each.get("organization")).get("reference", "")).rpartition("/")[2]
        for each in active
    ]
    one = next((each for each in sorted(places) if each), "")
    place = await _place(visit, one) if one else None
    return Peer(f"8{said[1]}", _profession(active), *_name(found.resource), place)


async def _practitioner(visit: Visit, rpps: str) -> Stored | None:
    params = visit.door.definitions.params["Practitioner"]
    wanted = TokenFilter(params["identifier"].number, forms(IDNPS, f"8{rpps}"))
    found = await visit.search(Query("Practitioner", (wanted,), (DIRECTORY,), count=2))
    return found.matches[0] if len(found.matches) == 1 else None


def _name(own: Mapping[str, Any]) -> tuple[str, str, str]:
    """Family, given, title: that of their exercise (TRE_R11), else the civil one (TRE_R81)."""
    name: Mapping[str, Any] = next(iter(listed(own.get("name"))), {})
    titles = name.get("suffix") or name.get("prefix") or []
    given = " ".join(str(each) for each in name.get("given") or [])
    return str(name.get("family", "")), given, " ".join(str(each) for each in titles)


def _profession(roles: Iterable[Mapping[str, Any]]) -> str:
    """TRE_G15, with the specialty of TRE_R38 after a slash; "" when the directory does not say."""
    for own in roles:
        held = [
            coding
            for key in ("code", "specialty")
            for concept in listed(own.get(key))
            for coding in listed(concept.get("coding"))
        ]
        main, special = (
            next((str(each.get("code")) for each in held if table in str(each.get("system"))), "")
            for table in ("G15", "R38")
        )
        if main:
            return f"{main}/{special}" if special else main
    return ""


async def _place(visit: Visit, id: str) -> Place | None:
    """A place of the directory, if it has a national number."""
    found = await visit.search(Query("Organization", (IdFilter((id,)),), (DIRECTORY,), count=1))
    if not found.matches:
        return None
    own = found.matches[0].resource
    numbers = {
        str(each.get("system")): str(each.get("value")) for each in own.get("identifier", [])
    }
    finess = next((v for k, v in numbers.items() if "finess" in k), "")
    idnst = numbers.get(IDNST) or (f"1{finess}" if finess else "")
    if not idnst:
        return None
    address: Mapping[str, Any] = next(iter(own.get("address", [])), {})
    kinds = [coding for each in own.get("type", []) for coding in each.get("coding", [])]
    setting = next((str(c["code"]) for c in kinds if c.get("system") == SETTINGS), "AMBULATOIRE")
    phones = [str(t["value"]) for t in own.get("telecom", []) if t.get("system") == "phone"]
    return Place(
        idnst,
        str(own.get("name", "")),
        phones[0] if phones else "",
        ", ".join(str(each) for each in address.get("line", [])),
        str(address.get("postalCode", "")),
        str(address.get("city", "")),
        setting,
    )
