# SPDX-License-Identifier: EUPL-1.2
"""Whose is it? Answers 900 to 906, strict and lenient, quarantine, and what a refusal leaves: nothing."""

import base64
import json
import random
from typing import Any

import pytest

from carnet.access.queries import identity
from carnet.config import Instance
from carnet.documents.cda.conformance import Profile, Severity
from carnet.documents.consult import documents
from carnet.documents.identity import NotConform
from carnet.documents.publish import act, judging, moving, reading
from carnet.documents.receive import NotHere, receive
from carnet.identity.ins import control_key
from carnet.vigilance.find import find
from carnet.vigilance.pages import TraitsForm
from tests import people
from tests.documents.lots import (
    code,
    corrected,
    document_of,
    fresh,
    holds,
    instance,
    locations,
    lot,
)
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

INS = people.PATIENT.ins.encode()
TEST_OID = b"1.2.250.1.213.1.4.10"
WRONG_KEY = INS[:-2] + f"{int(INS[-2:]) % 97 + 1:02d}".encode()
OTHER_ROOT = "299122A004999"
OTHER = f"{OTHER_ROOT}{control_key(OTHER_ROOT):02d}".encode()
BIRTH = people.PATIENT.birth_date.strftime("%Y%m%d").encode()


def without(data: bytes, start: bytes, end: bytes) -> bytes:
    """The first piece from `start` to `end`, taken out."""
    at = data.index(start)
    return data[:at] + data[data.index(end, at) + len(end) :]


def altered(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data, old
    return data.replace(old, new)


IN, APART = "in", "apart"

PARENT = (
    b'<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.250.1.999.1.77"/>'
    b"</parentDocument></relatedDocument>"
)

FAULTS: dict[str, tuple[Any, str, str, str, str]] = {
    # what is done to the document: what a lenient entry does with a lot and with a file, the code a
    # strict one refuses each with (IN: it is taken). A lot names the person beside the document.
    "no INS": (lambda d: without(d, b'<id extension="' + INS, b"/>"), APART, APART, "903", "903"),
    "no patient": (
        lambda d: without(d, b"<recordTarget>", b"</recordTarget>"), "903", "903", "903", "903",
    ),
    "another person's INS": (lambda d: altered(d, INS, OTHER), APART, "902", "904", "902"),
    "a wrong key": (lambda d: altered(d, INS, WRONG_KEY), APART, APART, "904", "902"),
    "a wrong shape": (lambda d: altered(d, INS, INS[:-1]), APART, APART, "904", "902"),
    "the retired INS-C": (
        lambda d: altered(d, TEST_OID, b"1.2.250.1.213.1.4.2"), IN, APART, "904", "902",
    ),
    "a production OID": (
        lambda d: altered(d, TEST_OID, b"1.2.250.1.213.1.4.8"), IN, "902", "904", "902",
    ),
    "another birth name": (
        lambda d: altered(d, b">DELAUNAY<", b">DURAND<"), APART, APART, "906", "906",
    ),
    "another birth date": (lambda d: altered(d, BIRTH, b"19010101"), APART, APART, "906", "906"),
    "another given name": (
        lambda d: altered(d, b">HELENE<", b">ODETTE<"), APART, APART, "906", "906",
    ),
    "another sex": (
        lambda d: altered(d, b'administrativeGenderCode code="F"', b'administrativeGenderCode code="M"'),
        APART, APART, "906", "906",
    ),
    "no birth date": (
        lambda d: altered(d, b'<birthTime value="' + BIRTH + b'"/>', b""), IN, IN, "905", "905",
    ),
    "accents and hyphens": (
        lambda d: altered(d, b">DELAUNAY<", "\x3eDelaunaý\x3c".encode()), IN, IN, IN, IN,
    ),
    "a parent nobody knows": (
        lambda d: altered(d, b"<componentOf>", PARENT + b"<componentOf>"), IN, IN, "900", "900",
    ),
}  # fmt: skip
NAMES = (b"DELAUNAY", b"HELENE", INS, BIRTH)


async def strictly(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the API be a strict entry, as in production, with test numbers taken for right."""
    for module in (act, judging, moving, reading):
        monkeypatch.setattr(module, "profile_of", lambda unit, entry: Profile.STRICT)


async def record_of(space: Space, document: str) -> tuple[int, bool]:
    """Compartment of a document, and whether its identity is in quarantine."""
    place = space.built.door.ids.decode(document.split("/")[1])
    assert place is not None
    async with space.built.pool.connection() as conn:
        known = await identity(conn, place[0])
    assert known is not None
    return place[0], known.quarantined


async def check_place(space: Space, document: str, wanted: str) -> None:
    """IN the record of the person named, or APART: then nobody of that record sees anything of it."""
    cid, quarantined = await record_of(space, document)
    of_person = space.where.people[people.PATIENT.key]
    assert (cid == of_person, quarantined) == ((True, False) if wanted == IN else (False, True))
    seen = {persona: (await space.get(document, as_=persona)).status for persona in READERS}
    assert set(seen.values()) == ({200} if wanted == IN else {404}), seen
    own = await space.get(document, as_="lab-software")
    assert own.status == 200, "its depositor reads it"
    said = [
        each["valueCoding"] for each in own.json.get("extension", []) if "reserve" in each["url"]
    ]
    assert ("quarantined" in {each["code"] for each in said}) == (wanted == APART)


READERS = ("patient", "gp")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_lenient_entry_takes_a_lot_or_keeps_it_apart(space: Space, fault: str) -> None:
    """By the API of a demonstration, where the lot says whose it is."""
    change, wanted, *_ = FAULTS[fault]
    before = await holds(space)
    answer: Answer = await space.post("", lot(change(fresh().xml)), as_="lab-software")
    if wanted not in (IN, APART):
        assert (answer.status, code(answer)) == (422, wanted)
        assert await holds(space) == before
        return
    assert answer.status == 200, answer.body
    assert not any(each in answer.body for each in NAMES)
    await check_place(space, document_of(answer), wanted)
    # The lot and the files follow their document, and none is left in the other record.
    cid, _ = await record_of(space, document_of(answer))
    for each in locations(answer):
        place = space.built.door.ids.decode(each.split("/")[1])
        assert place is not None
        assert place[0] == cid, each
    again = await space.post("", lot(change(fresh().xml)), as_="lab-software")
    assert locations(again) == locations(answer)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_lenient_entry_takes_a_file_or_keeps_it_apart(space: Space, fault: str) -> None:
    change, _, wanted, *_ = FAULTS[fault]
    visit, before = await space.visit("lab-software"), await holds(space)
    acts, data = space.built.desk.acts, change(fresh().xml)
    if wanted not in (IN, APART):
        with pytest.raises(NotConform) as refusal:
            await receive(visit, acts, data)
        assert refusal.value.code == wanted
        assert await holds(space) == before
        return
    done = await receive(visit, acts, data)
    assert (done.created, done.quarantined) == (True, wanted == APART)
    assert done.patient_made == done.quarantined
    assert all(each.severity is not Severity.ERROR for each in done.findings)
    assert ("quarantined" in {each.rule for each in done.findings}) == done.quarantined
    assert not any(each.decode() in repr(done.findings) for each in NAMES)
    await check_place(space, done.address, wanted)
    again = await receive(visit, acts, data)
    assert (again.created, again.patient_made) == (False, False)
    assert (again.address, again.quarantined) == (done.address, done.quarantined)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_strict_entry_refuses_a_lot_with_its_code(
    space: Space, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    change, _, _, wanted, _ = FAULTS[fault]
    await strictly(space, monkeypatch)
    before = await holds(space)
    answer = await space.post("", lot(change(fresh().xml)), as_="lab-software")
    if wanted == IN:
        assert answer.status == 200, answer.body
        return
    assert (answer.status, code(answer)) == (422, wanted)
    assert not any(each in answer.body.upper() for each in NAMES)
    assert await holds(space) == before


@pytest.mark.parametrize("create", [False, True], ids=["as it is", "with --create-patients"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_strict_entry_refuses_a_file_with_its_code(
    space: Space, fault: str, create: bool
) -> None:
    """Nobody is left behind by a refusal, even where identities are made."""
    change, *_, wanted = FAULTS[fault]
    if create:  # who has a sound number can be made; a test instance then has no use for its OID
        wanted = {"another person's INS": IN, "a production OID": "906"}.get(fault, wanted)
    visit, before = await space.visit("lab-software"), await holds(space)
    found = IN
    try:
        await receive(
            visit,
            space.built.desk.acts,
            change(fresh().xml),
            profile=Profile.STRICT,
            create_patient=create,
        )
    except NotConform as refusal:
        found = str(refusal.code)
        assert refusal.findings[0].code == found
        assert not any(each.decode() in repr(refusal.findings) for each in NAMES)
    assert found == wanted
    if found != IN:
        assert await holds(space) == before


async def test_a_refusal_lists_all_that_was_found(space: Space) -> None:
    """A vendor corrects once: identity, header and replacement in one answer, each with its place."""
    data = altered(fresh().xml, INS, OTHER)
    data = altered(data, b">DELAUNAY<", b">DURAND<")
    data = altered(data, b'<birthTime value="' + BIRTH + b'"/>', b"")
    data = altered(data, b"<componentOf>", PARENT + b"<componentOf>")
    data = without(data, b"<realmCode", b"/>")
    visit, acts = await space.visit("lab-software"), space.built.desk.acts
    with pytest.raises(NotConform) as refusal:
        await receive(visit, acts, data, profile=Profile.STRICT)
    found = {each.rule: each for each in refusal.value.findings}
    assert set(found) >= {"unknown-patient", "traits", "replaces-unknown", "no-realm"}
    assert [each.code for each in refusal.value.findings][:3] == ["902", "905", "900"]
    assert refusal.value.code == "902"
    assert found["traits"].line == data[: data.index(b"<birthplace>")].count(b"\n") + 1


async def test_an_api_refusal_lists_all_that_was_found(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    await strictly(space, monkeypatch)
    data = altered(altered(fresh().xml, INS, OTHER), b">DELAUNAY<", b">DURAND<")
    answer = await space.post("", lot(data), as_="lab-software")
    codes = [each["details"]["coding"][0]["code"] for each in answer.json["issue"]]
    assert codes[:2] == ["904", "906"]


async def test_with_no_quarantine_the_tests_above_would_see_it(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: the document then stands in the other person's record, and is read there."""
    monkeypatch.setattr(judging, "apart", lambda findings, production: False)
    change, *_ = FAULTS["another birth name"]
    answer = await space.post("", lot(change(fresh().xml)), as_="lab-software")
    assert (await space.get(document_of(answer), as_="gp")).status == 200
    with pytest.raises(AssertionError):
        await check_place(space, document_of(answer), APART)


async def test_who_is_in_quarantine_is_found_by_nobody(space: Space) -> None:
    """Neither by the number they claim, nor by their traits, nor by a later document of somebody else."""
    visit, acts = await space.visit("lab-software"), space.built.desk.acts
    doubtful = altered(altered(fresh().xml, INS, WRONG_KEY), b">DELAUNAY<", b">DURAND<")
    done = await receive(visit, acts, doubtful)
    assert done.quarantined
    doctor = await space.visit("gp")
    assert await find(doctor, TraitsForm(ins=WRONG_KEY.decode())) == []
    born = people.PATIENT.birth_date
    form = TraitsForm(birth_date=born, name="Durand", given_name="Helene", sex="female")
    assert await find(doctor, form) == []
    named = {"reference": f"Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|{WRONG_KEY.decode()}"}
    answer = await space.post("", lot(fresh().xml, subject=named), as_="lab-software")
    assert (answer.status, code(answer)) == (412, "902")
    # Their Patient says what they claim, and bears no identifier.
    cid, _ = await record_of(space, done.address)
    whose = f"Patient/{space.built.door.ids.encode(cid, cid)}"
    patient = (await space.get(whose, as_="lab-software")).json
    assert "identifier" not in patient
    said = json.dumps(patient["extension"])
    assert WRONG_KEY.decode() in said
    assert "PROV" in said
    held = (await space.get(done.address, as_="lab-software")).json
    assert held["subject"] == {"reference": whose}


async def test_what_comes_with_a_doubtful_document_is_kept_apart_with_it(space: Space) -> None:
    """Whatever element names the person, and whatever comes first; the number they claim is in none."""
    change, *_ = FAULTS["another birth name"]
    number = {"system": f"urn:oid:{people.PATIENT.ins_oid}", "value": people.PATIENT.ins}
    beside: list[dict[str, Any]] = [
        {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
         "subject": {"identifier": number}},
        {"resourceType": "AllergyIntolerance", "code": {"text": "arachide"},
         "patient": {"identifier": number}},
        {"resourceType": "Immunization", "status": "completed", "vaccineCode": {"text": "x"},
         "occurrenceDateTime": "2026-01-01", "patient": {"identifier": number}},
    ]  # fmt: skip
    for minutes, first in enumerate((True, False)):
        bundle = lot(change(fresh(minutes=minutes).xml))
        entries = [
            {"resource": each, "request": {"method": "POST", "url": each["resourceType"]}}
            for each in beside
        ]
        of_lot = bundle["entry"]
        bundle["entry"] = [*entries, *of_lot] if first else [*of_lot, *entries]
        answer = await space.post("", bundle, as_="lab-software")
        assert answer.status == 200, answer.body
        for place in locations(answer):
            assert (await space.get(place, as_="gp")).status == 404, place
            held = await space.get(place, as_="lab-software")
            assert held.status == 200
            whose = held.json.get("subject") or held.json.get("patient") or {}
            assert "identifier" not in whose, place


async def test_two_organisations_share_the_identity_and_nothing_else(space: Space) -> None:
    """The same claim and traits are one identity; each reads what it deposited."""
    change, *_ = FAULTS["another birth name"]
    acts, documents_of = space.built.desk.acts, {}
    for minutes, software in enumerate(("lab-software", "hospital-software")):
        data = change(fresh(minutes=minutes).xml)
        documents_of[software] = (await receive(await space.visit(software), acts, data)).address
    one, other = documents_of.values()
    assert await record_of(space, one) == await record_of(space, other)
    assert (await space.get(one, as_="hospital-software")).status == 404
    assert (await space.get(other, as_="lab-software")).status == 404


async def test_a_collision_is_told_as_one(space: Space) -> None:
    """The number of somebody known, with the traits of another."""
    change, *_ = FAULTS["another birth name"]
    done = await receive(
        await space.visit("lab-software"), space.built.desk.acts, change(fresh().xml)
    )
    cid, _ = await record_of(space, done.address)
    whose = f"Patient/{space.built.door.ids.encode(cid, cid)}"
    patient = (await space.get(whose, as_="lab-software")).json
    assert "COLP" in json.dumps(patient["extension"])


async def test_the_trace_of_the_other_record_says_nothing(space: Space) -> None:
    """Nor does the list of who was in it."""
    patient = people.PATIENT.key
    of_person = space.where.people[patient]
    count = "SELECT count(*) FROM access.audit WHERE cid = %s OR %s = ANY (cids)"
    before = await space.rows(count, of_person, of_person)
    change, *_ = FAULTS["another birth date"]
    await receive(await space.visit("lab-software"), space.built.desk.acts, change(fresh().xml))
    await space.post("", lot(change(fresh(minutes=2).xml)), as_="lab-software")
    assert await space.rows(count, of_person, of_person) == before


async def held(space: Space) -> dict[str, int]:
    """Rows alone: a file written before the refusal of the next one is swept later."""
    return {name: count for name, count in (await holds(space)).items() if name != "files"}


async def test_a_lot_of_two_people_is_refused_whole(space: Space) -> None:
    """The first document is this person's, the second another's: a lot has one patient."""
    before = await held(space)
    change, *_ = FAULTS["another birth name"]
    first, second = lot(fresh().xml), lot(change(fresh(minutes=3).xml))
    text = json.dumps(second)
    for old, new in (("00001", "10001"), ("00002", "10002")):
        text = text.replace(f"0000000{old}", f"0000000{new}")
    second = json.loads(text)
    for order in ((first, second), (second, first)):
        entries = [*order[0]["entry"], *order[1]["entry"][1:]]
        answer = await space.post("", {**first, "entry": entries}, as_="lab-software")
        assert (answer.status, code(answer)) == (422, "906"), answer.body
        assert await held(space) == before


async def test_what_is_in_quarantine_may_be_replaced_there(space: Space) -> None:
    """A chain of versions stays in one record."""
    change, *_ = FAULTS["another birth name"]
    visit, acts, old = await space.visit("lab-software"), space.built.desk.acts, fresh()
    first = await receive(visit, acts, change(old.xml))
    second = await receive(visit, acts, change(corrected(old)))
    assert (first.quarantined, second.quarantined) == (True, True)
    assert await record_of(space, first.address) == await record_of(space, second.address)
    assert (await space.get(first.address, as_="lab-software")).json["status"] == "superseded"


@pytest.mark.parametrize("seed", range(3))
async def test_one_number_and_other_traits_are_never_one_record(space: Space, seed: int) -> None:
    """Whatever comes first: unequal traits never share a record, equal ones always do."""
    chance = random.Random(seed)
    pools: list[tuple[bytes, list[bytes]]] = [
        (b">DELAUNAY<", [b">DELAUNAY<", b">DURAND<", "\x3eÉtourneau-Le Goff\x3c".encode()]),
        (b">HELENE<", [b">HELENE<", b">ODETTE<"]),
        (BIRTH, [BIRTH, b"19010101", b"20200229"]),
        (b'GenderCode code="F"', [b'GenderCode code="F"', b'GenderCode code="M"']),
    ]
    visit, acts = await space.visit("lab-software"), space.built.desk.acts
    where: list[tuple[tuple[bytes, ...], bytes, int]] = []
    for minutes in range(24):
        number = chance.choice([INS, OTHER, WRONG_KEY])
        data, traits = altered(fresh(minutes=minutes * 2).xml, INS, number), []
        for old, choices in pools:
            traits.append(chance.choice(choices))
            data = altered(data, old, traits[-1])
        done = await receive(visit, acts, data, create_patient=True)
        where.append((tuple(traits), number, (await record_of(space, done.address))[0]))
    for traits_a, number_a, record_a in where:
        for traits_b, number_b, record_b in where:
            assert ((traits_a, number_a) == (traits_b, number_b)) == (record_a == record_b)


async def test_what_was_taken_all_the_same_is_said_on_the_document(space: Space) -> None:
    change, *_ = FAULTS["a production OID"]
    answer = await space.post("", lot(change(fresh().xml)), as_="lab-software")
    id = document_of(answer).split("/")[1]
    for persona in ("patient", "gp"):
        found = await documents(await space.visit(persona), space.patient_id())
        (line,) = [each for each in found.lines if each.id == id]
        assert len(line.warnings) == 2
        assert all(each.endswith(".") and "OID" in each for each in line.warnings)
    sound = await space.post("", lot(fresh(minutes=2).xml), as_="lab-software")
    other = document_of(sound).split("/")[1]
    found = await documents(await space.visit("patient"), "")
    assert {each.id: each.warnings for each in found.lines}[other] == ()


async def test_a_test_instance_is_as_lenient(space: Space) -> None:
    change, *_ = FAULTS["no birth date"]
    async with instance(space, Instance.TEST) as test:
        answer = await test.post("", lot(change(fresh().xml)), as_="lab-software")
        assert answer.status == 200, answer.body


async def test_a_production_instance_takes_no_test_number(space: Space) -> None:
    before = await holds(space)
    async with instance(space, Instance.PRODUCTION) as production:
        whose = {"reference": f"Patient/{space.patient_id()}"}
        answer = await production.post("", lot(fresh().xml, subject=whose), as_="lab-software")
        assert (answer.status, code(answer)) == (422, "906")
        visit = await production.visit("lab-software")
        with pytest.raises(NotConform):
            await receive(visit, production.built.desk.acts, fresh().xml)
        with pytest.raises(NotHere):
            await receive(visit, production.built.desk.acts, fresh().xml, create_patient=True)
    assert await holds(space) == before


PRODUCTION_FAULTS: dict[str, tuple[Any, str]] = {
    # a production instance whose entry is lenient: nothing doubtful reaches the record of the INS
    "right": (lambda d: d, IN),
    "a test number": (lambda d: altered(d, b"1.2.250.1.213.1.4.8", TEST_OID), APART),
    "a wrong key": (lambda d: altered(d, INS, WRONG_KEY), APART),
    "an unknown number": (lambda d: altered(d, INS, OTHER), APART),
    "no INS": (lambda d: without(d, b'<id extension="' + INS, b"/>"), APART),
    "another name": (lambda d: altered(d, b">DELAUNAY<", b">DURAND<"), APART),
    "a gap": (lambda d: altered(d, b'<birthTime value="' + BIRTH + b'"/>', b""), APART),
}


@pytest.mark.parametrize("fault", PRODUCTION_FAULTS)
async def test_a_lenient_entry_of_a_production_instance_keeps_the_doubtful_apart(
    space: Space, fault: str
) -> None:
    """The cast's test numbers are made real ones for the while of the test."""
    change, wanted = PRODUCTION_FAULTS[fault]
    await space.rows("UPDATE access.identity SET ins_system = 'urn:oid:1.2.250.1.213.1.4.8'")
    data = change(altered(fresh().xml, TEST_OID, b"1.2.250.1.213.1.4.8"))
    async with instance(space, Instance.PRODUCTION) as production:
        visit, acts = await production.visit("lab-software"), production.built.desk.acts
        done = await receive(visit, acts, data, profile=Profile.LENIENT)
        assert done.quarantined == (wanted == APART)
        await check_place(production, done.address, wanted)
        if wanted == APART:
            for persona in ("hospital-software", "hospital-doctor", "outsider"):
                assert (await production.get(done.address, as_=persona)).status == 404
            with pytest.raises(NotConform):
                await receive(visit, acts, data)


def patient(ins: str, oid: str = "1.2.250.1.213.1.4.8") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"use": "official", "system": f"urn:oid:{oid}", "value": ins}],
        "name": [{"use": "official", "family": "DELAUNAY", "given": ["HELENE"]}],
        "gender": "female",
        "birthDate": people.PATIENT.birth_date.isoformat(),
    }


@pytest.mark.parametrize(
    ("ins", "oid", "why"),
    [
        (WRONG_KEY.decode(), "1.2.250.1.213.1.4.8", "key"),
        (OTHER.decode(), "1.2.250.1.213.1.4.10", "test"),
        (OTHER.decode(), "1.2.250.1.213.1.4.11", "demonstration"),
        (OTHER.decode(), "1.2.250.1.213.1.4.2", "INS-C"),
        (people.PATIENT.ins[:-1], "1.2.250.1.213.1.4.8", "shape"),
    ],
)
async def test_only_a_verified_number_of_real_people_enters_production(
    space: Space, ins: str, oid: str, why: str
) -> None:
    before = await holds(space)
    async with instance(space, Instance.PRODUCTION) as production:
        answer = await production.post("Patient", patient(ins, oid), as_="hospital-software")
    assert (answer.status, code(answer)) == (422, "906"), why
    assert await holds(space) == before


async def test_a_doubtful_number_is_marked_as_such_where_it_is_taken(space: Space) -> None:
    """A demonstration takes the agency's wrong keys; they are never said to be verified."""
    made = await space.post("Patient", patient(WRONG_KEY.decode()), as_="hospital-software")
    assert made.status == 201
    cid, _ = space.built.door.ids.decode(made.json["id"]) or (0, 0)
    async with space.built.pool.connection() as conn:
        found = await identity(conn, cid)
    assert found is not None
    assert found.status == "PROV"
    rows = await space.rows("SELECT doubtful FROM access.identity WHERE cid = %s", cid)
    assert rows == [(True,)]


async def test_a_document_of_another_system_says_so_when_strict(space: Space) -> None:
    """The same fifteen characters under another OID are another number (904)."""
    change, *_ = FAULTS["a production OID"]
    visit = await space.visit("lab-software")
    with pytest.raises(NotConform):
        await receive(visit, space.built.desk.acts, change(fresh().xml))


async def test_metadata_of_another_person_keeps_a_file_apart_without_a_cda(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PDF says nothing of its patient: sourcePatientInfo does."""

    def said(**changes: Any) -> dict[str, Any]:
        source = patient(people.PATIENT.ins, people.PATIENT.ins_oid) | {"id": "source"}
        source |= changes
        return {
            "contained": [source],
            "author": [{"display": "Dr Moreau"}],
            "context": {"sourcePatientInfo": {"reference": "#source"}},
        }

    other = [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": OTHER.decode()}]
    pdf = b"%PDF-1.4\n%%EOF\n"
    differing: list[tuple[dict[str, Any], str]] = [
        ({"identifier": other}, "904"),
        ({"birthDate": "1901-01-01"}, "906"),
        ({"name": [{"use": "official", "family": "DURAND", "given": ["HELENE"]}]}, "906"),
        ({"gender": "male"}, "906"),
    ]
    for changes, _ in differing:
        bundle = lot(pdf, media="application/pdf", **said(**changes))
        answer = await space.post("", bundle, as_="lab-software")
        assert answer.status == 200, answer.body
        await check_place(space, document_of(answer), APART)
    answer = await space.post("", lot(pdf, media="application/pdf", **said()), as_="lab-software")
    await check_place(space, document_of(answer), IN)
    await strictly(space, monkeypatch)
    before = await holds(space)
    for changes, wanted in differing:
        bundle = lot(pdf, media="application/pdf", **said(**changes))
        answer = await space.post("", bundle, as_="lab-software")
        assert (answer.status, code(answer)) == (422, wanted), changes
    assert await holds(space) == before


@pytest.mark.parametrize("first", ["text/xml", "application/pdf"])
@pytest.mark.parametrize("media", ["text/xml", "application/octet-stream", "text/plain"])
async def test_another_persons_document_does_not_enter_behind_a_first_file(
    space: Space, first: str, media: str
) -> None:
    """Whose a deposit is, is asked of its first file: no CDA hides after it, whatever it is called."""
    change, *_ = FAULTS["another birth name"]
    hidden = change(altered(fresh(minutes=5).xml, INS, OTHER))
    bare = base64.b64encode(b"\n" + hidden[hidden.index(b"<Cl") :]).decode()
    data = fresh().xml if first == "text/xml" else b"%PDF-1.4\n%%EOF\n"
    bundle = lot(data, media=first)
    content = bundle["entry"][1]["resource"]["content"]
    content.append({"attachment": {"contentType": media, "data": bare}})
    before = await holds(space)
    answer = await space.post("", bundle, as_="lab-software")
    assert (answer.status, code(answer)) == (422, "906"), answer.body
    assert "first file" in answer.said
    assert await holds(space) == before


async def test_a_cda_under_another_name_is_judged_as_one(space: Space) -> None:
    """Bytes say what a file is: a document sent as unknown bytes is asked whose it is."""
    change, *_ = FAULTS["another birth name"]
    bundle = lot(change(fresh().xml), media="application/octet-stream")
    answer = await space.post("", bundle, as_="lab-software")
    assert answer.status == 200, answer.body
    await check_place(space, document_of(answer), APART)


async def test_a_document_refused_makes_nobody(space: Space) -> None:
    """--create-patients: the identity and the document, or neither."""
    before = await holds(space)
    visit = await space.visit("lab-software")
    data = altered(fresh().xml, INS, OTHER)
    broken = altered(data, b"JVBERi", b"JVB*Ri")
    with pytest.raises(NotConform):
        await receive(visit, space.built.desk.acts, broken, create_patient=True)
    assert await holds(space) == before
    done = await receive(visit, space.built.desk.acts, data, create_patient=True)
    assert (done.created, done.patient_made) == (True, True)
    again = await receive(visit, space.built.desk.acts, data, create_patient=True)
    assert (again.created, again.patient_made, again.address) == (False, False, done.address)


async def test_an_identity_made_from_a_document_has_what_it_says_and_no_more(space: Space) -> None:
    """Nobody becomes the holder of a number with half their traits."""
    visit = await space.visit("lab-software")
    data = altered(fresh().xml, INS, OTHER)
    data = altered(data, b'<birthTime value="' + BIRTH + b'"/>', b"")
    half = await receive(visit, space.built.desk.acts, data, create_patient=True)
    assert half.quarantined
    rows = await space.rows(
        "SELECT ins, birth_name, first_given, birth_date, sex, birth_place FROM access.identity"
        " WHERE claim = %s",
        OTHER.decode(),
    )
    ((ins, name, given, born, sex, place),) = rows
    assert (ins, name, given, sex, place) == (
        None,
        "DELAUNAY",
        "HELENE",
        "female",
        people.PATIENT.birth_place.code,
    )
    assert born.year == 1, "no date is made up"
    # The next document, which has the date, makes the holder of the number.
    later = altered(fresh(minutes=4).xml, INS, OTHER)
    done = await receive(visit, space.built.desk.acts, later, create_patient=True)
    assert (done.created, done.quarantined, done.patient_made) == (True, False, True)
    assert (
        len(await space.rows("SELECT 1 FROM access.identity WHERE ins = %s", OTHER.decode())) == 1
    )


async def test_unknown_people_are_902_whatever_the_way(space: Space) -> None:
    before = await holds(space)
    visit = await space.visit("lab-software")
    with pytest.raises(NotConform):
        await receive(visit, space.built.desk.acts, altered(fresh().xml, INS, OTHER))
    conditional = {"reference": f"Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|{OTHER.decode()}"}
    answer = await space.post("", lot(fresh().xml, subject=conditional), as_="lab-software")
    assert (answer.status, code(answer)) == (412, "902")
    gone = {"reference": f"Patient/{'a' * 26}"}
    answer = await space.post("", lot(fresh().xml, subject=gone), as_="lab-software")
    assert (answer.status, code(answer)) == (422, "902")
    assert await holds(space) == before
