# SPDX-License-Identifier: EUPL-1.2
"""Register an identity: a Patient, its compartment and key, its strict traits, its record.

A number that is not verified never enters as an INS in production; a demonstration or test instance
takes it as doubtful, so that published examples can be tried. The number is kept inside: the Patient has
it once the identity is qualified, never before.
Source: RNIV 1 for the statuses; DESIGN of the shared record for the life of a record.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

from carnet import errors
from carnet.access import notices, queries
from carnet.access.door import Address, Unit, Written
from carnet.access.quarantine import NO_DATE
from carnet.identity import status
from carnet.identity.ins import ARC, InsClaim, InsSystem, claim
from carnet.identity.status import Standing
from carnet.identity.traits import normal
from carnet.rest.acts import Act, Entry, Plan
from carnet.vigilance import match, outward
from carnet.vigilance import queries as statements
from carnet.vigilance.insi import Answer, Asked, Insi, Unreachable

DECLARED = "ES"  # proof: the organisation that sends it says that it checked the person


class DoubtfulIns(errors.BusinessRule):
    """The INS of this Patient is not one: its shape, its key or its system is wrong."""

    code = "906"


class TestIns(errors.BusinessRule):
    """A test or demonstration INS is not taken by an instance that holds real people."""

    code = "906"
    __test__ = False


class SeveralIns(errors.BusinessRule):
    """A Patient has one INS."""

    code = "906"


class OtherTraits(errors.BusinessRule):
    """This INS is somebody's here whose strict traits are not those of this Patient: it is not theirs, or
    the traits are wrong. Nothing was written."""

    code = "906"


async def agrees(unit: Unit, address: Address, patient: dict[str, Any]) -> None:
    """Refuse a Patient sent with the number of somebody else; what it does not say is no difference."""
    known = await queries.identity(unit.conn, address.cid)
    if known is None:
        return
    name, given = map(normal, official_name(patient))
    born, sex = str(patient.get("birthDate", "")), patient.get("gender", "unknown")
    alike = f"{given} ".startswith(f"{known.first_given} ") or not given
    alike = alike or f"{known.first_given} ".startswith(f"{given} ")
    if (
        (name and known.birth_name and name != known.birth_name)
        or not alike
        or (len(born) == 10 and known.birth_date != NO_DATE and born != str(known.birth_date))
        or ("unknown" not in (sex, known.sex) and sex != known.sex)
    ):
        raise OtherTraits


def by(insi: Insi) -> Act:
    """The act of creating a Patient, with the INSi of this installation."""

    async def act(unit: Unit, plan: Plan, entry: Entry) -> Written:
        return await register(unit, plan, entry, insi)

    return act


async def register(unit: Unit, plan: Plan, entry: Entry, insi: Insi) -> Written:
    """Create a Patient, by a software; its record opens as the instance says."""
    assert entry.address is not None
    settings = unit.visit.door.settings
    found = ins_of(entry.resource, lenient=settings.lenient)
    cid = entry.address.cid
    names = official_name(entry.resource)
    asked = Asked(
        normal(names[0]), normal(names[1]), birth_date(entry.resource),
        entry.resource.get("gender", "unknown"), birth_place(entry.resource),
    )  # fmt: skip
    sound = found is not None and is_sound(found)
    if found is not None and not sound:
        entry.warnings += (str(DoubtfulIns()),)
    answer: Answer | None = None
    # A service that is outside is asked by the job, never in the middle of a transaction.
    if found is not None and sound and insi.inside:
        try:
            answer = await insi.verify(unit.conn, found.verified(), asked)
        except Unreachable:
            answer = None
    known = answer.known if answer is not None else None
    steps = [Standing(doubtful=found is not None and not sound)]
    if known is not None:
        steps.append(status.after(steps[-1], status.Act.RETRIEVE))
    if sound and outward.declared(entry.resource):
        steps.append(status.after(steps[-1], status.Act.VALIDATE, proof=DECLARED))
    standing = steps[-1]
    given_names = normal(known.given_names if known is not None else "")
    number = found.verified() if found is not None and sound else None
    leaving = outward.patient(entry.resource, standing, number, given_names, entry.address.id)
    written = unit.put(entry.address, leaving)
    # A demonstration opens at once; elsewhere the six weeks of the notice begin.
    state = "open" if settings.lenient else "notice"
    await unit.allow(cid)
    await unit.conn.execute(queries.ADD_RECORD, {"cid": cid, "state": state, "since": unit.at})
    await unit.conn.execute(
        queries.ADD_IDENTITY,
        {
            "cid": cid,
            "ins": found.value if found else None,
            "ins_system": found.system if found else None,
            "birth_name": asked.birth_name,
            "first_given": normal(names[1].split(" ")[0] if names[1] else ""),
            "given_names": given_names,
            "birth_date": asked.birth_date,
            "sex": asked.sex,
            "birth_place": asked.birth_place,
            "shown_name": shown_name(entry.resource),
            "status": str(standing.status),
            "doubtful": standing.doubtful,
        },
    )
    if email := None if standing.doubtful else email_of(entry.resource, unit.at.date()):
        await notices.set_address(unit.conn, cid, email)
    for before, after in pairwise(steps):
        proof = DECLARED if after.status in status.TRUSTED and before.status != after.status else ""
        values = {
            "id": unit.visit.door.ids.new(), "cid": cid, "at": unit.at,
            "act": "validate" if proof else "retrieve", "before": str(before),
            "after": str(after), "proof": proof or "00", "reason": "",
            "done_by": unit.visit.actor.sub,
        }  # fmt: skip
        await unit.conn.execute(statements.ADD_ACT, values)
    if sound and answer is None:
        values = {"cid": cid, "now": unit.at, "tries": 0, "next": unit.at, "answer": None}
        await unit.conn.execute(statements.ASK, values)
    await match.look(unit, cid)
    return written


def ins_of(patient: dict[str, Any], *, lenient: bool) -> InsClaim | None:
    """The INS a Patient resource claims; refusals where the instance is strict."""
    claims = [
        claim(str(each.get("value", "")), str(each.get("system", "")))
        for each in patient.get("identifier", [])
        if str(each.get("system", "")).removeprefix("urn:oid:").startswith(ARC)
        # The billing number (NSS) has the same OID as the INS: its type tells it apart.
        and "NH" not in _types(each)
        and each.get("use") != "old"
    ]
    if len(claims) > 1:
        raise SeveralIns
    if not claims:
        return None
    found = claims[0]
    if not lenient:
        if not is_sound(found):
            raise DoubtfulIns
        if not InsSystem(found.system).real:
            raise TestIns
    return found


def is_sound(found: InsClaim) -> bool:
    """Whether shape, key and system of a claimed number are right."""
    try:
        found.verified()
    except errors.CarnetError:
        return False
    return True


def email_of(patient: dict[str, Any], day: date) -> str | None:
    """Where a Patient says that they are written to: an e-mail in use, the first by rank, home first.

    Somebody else says it of them: it is never taken for what the person verified, nor for a doubtful
    identity, whose mail may be another's.
    """
    found = []
    for place, each in enumerate(patient.get("telecom", [])):
        period = each.get("period", {})
        over = str(period.get("end", "9999"))[:10] < str(day)
        value = str(each.get("value", "")).removeprefix("mailto:").strip()
        if each.get("system") != "email" or each.get("use") == "old" or over:
            continue
        if notices.EMAIL.fullmatch(value):
            rank = each.get("rank", 999)
            found.append((rank, each.get("use") != "home", place, value))
    return min(found)[3] if found else None


def official_name(patient: dict[str, Any]) -> tuple[str, str]:
    """(birth name, birth given names): the official name, else the first."""
    names = patient.get("name", [])
    chosen = next((name for name in names if name.get("use") == "official"), None)
    chosen = chosen or (names[0] if names else {})
    return str(chosen.get("family", "")), " ".join(chosen.get("given", []))


def shown_name(patient: dict[str, Any]) -> str:
    """The name as it is read on screen: used name if any, else the official one."""
    names = patient.get("name", [])
    used = next((name for name in names if name.get("use") == "usual"), None)
    used = used or next((name for name in names if name.get("use") == "official"), None)
    used = used or (names[0] if names else {})
    given = " ".join(used.get("given", [])[:1])
    return f"{given} {used.get('family', '')}".strip() or str(used.get("text", ""))


def birth_date(patient: dict[str, Any]) -> date:
    """Its birth date; the first day of what was given when it was partial."""
    text = str(patient.get("birthDate", ""))
    try:
        return date.fromisoformat((text + "-01-01")[:10] if len(text) < 10 else text)
    except ValueError:
        return date(1, 1, 1)


def birth_place(patient: dict[str, Any]) -> str | None:
    """INSEE code of the birth place (extension patient-birthPlace, with inseeCode)."""
    for extension in patient.get("extension", []):
        if str(extension.get("url", "")).endswith("patient-birthPlace"):
            address = extension.get("valueAddress", {})
            for inner in address.get("extension", []):
                if "insee" in str(inner.get("url", "")).lower():
                    coded = inner.get("valueCoding", {}).get("code") or inner.get("valueString")
                    return str(coded) if coded else None
            found = address.get("district")
            return str(found) if found else None
    return None


def _types(identifier: dict[str, Any]) -> set[str]:
    return {str(each.get("code")) for each in identifier.get("type", {}).get("coding", [])}
