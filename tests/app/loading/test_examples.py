# SPDX-License-Identifier: EUPL-1.2
"""Every FHIR example of the agencies, and Synthea's people: what becomes of each, and where it lands."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from carnet.app.loading import reports
from carnet.app.loading.outcomes import Options, Outcome, State
from carnet.app.loading.run import load_all
from tests.documents.lots import holds
from tests.space import Space

pytestmark = pytest.mark.anyio

FACTS = tomllib.loads(Path(__file__).with_name("examples.toml").read_text("utf-8"))


async def loaded(space: Space, *paths: Path) -> list[Outcome]:
    who = await space.actor("lab-software")
    return await load_all(space.built, who, paths, Options(create_patients=True))


def folders(shared: Path) -> list[Path]:
    return [shared / "data/french" / name / "examples" for name in FACTS["files"]]


def name(outcome: Outcome) -> str:
    return f"{outcome.path.parent.parent.name}/{outcome.path.name}"


async def landed(space: Space, since: int) -> dict[str, Counter[str]]:
    """How many rows of each type are in records, in the organisation's bucket, in the directory."""
    where = await space.rows(
        "SELECT r.rtype, c.nature, r.owners IS NOT NULL, count(*) FROM record.resource r"
        " JOIN record.compartment c USING (cid) WHERE r.rid > %s GROUP BY 1, 2, 3",
        since,
    )
    natures = {0: "directory", 1: "patient", 2: "organisation"}
    names = space.built.door.names
    found: dict[str, Counter[str]] = {}
    for rtype, nature, several, number in where:
        place = natures[nature] + (" of several" if several else "")
        found.setdefault(names[rtype], Counter())[place] += number
    return found


async def last(space: Space) -> int:
    return int((await space.rows("SELECT max(rid) FROM record.resource"))[0][0])


async def test_each_example_of_the_agencies_is_in_skipped_or_refused_with_its_reason(
    space: Space, shared: Path
) -> None:
    found = await loaded(space, *folders(shared))
    counts: dict[str, list[int]] = {guide: [0, 0, 0] for guide in FACTS["files"]}
    place = {State.IN: 0, State.THERE: 0, State.SKIPPED: 1, State.REFUSED: 2}
    for each in found:
        counts[each.path.parent.parent.name][place[each.state]] += 1
    skipped = {name(each): each.why for each in found if each.state is State.SKIPPED}
    refused = {name(each): each.why for each in found if each.state is State.REFUSED}
    assert set(skipped) == set(FACTS["skipped"])
    assert all(why.startswith(FACTS["skipped"][file]) for file, why in skipped.items())
    assert set(refused) == set(FACTS["refused"])
    for file, why in refused.items():
        assert FACTS["rules"][FACTS["refused"][file]][1] in why, (file, why)
    assert counts == FACTS["files"]
    before = await holds(space)
    again = await loaded(space, *folders(shared))
    assert await holds(space) == before, "the same set again makes nothing new"
    assert not any(each.state is State.IN for each in again)
    assert [each.why for each in again] == [each.why for each in found]
    private = said_of_people(folders(shared))
    assert len(private) > 60
    for form in reports.Form:
        report = reports.written(found, form)
        for each in found:
            report = report.replace(each.path.name, "").replace(str(each.path.parent), "")
        words = set(re.findall(r"[\w^'-]+", report))
        assert not private & words, form


def said_of_people(paths: Sequence[Path]) -> set[str]:
    """Names, numbers and birth dates of every person of the examples."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                walk(each)
        if not isinstance(value, dict):
            return
        if value.get("resourceType") in ("Patient", "Practitioner", "RelatedPerson", "Person"):
            found.update(str(each.get("value")) for each in value.get("identifier", []))
            found.add(str(value.get("birthDate")))
            for human in value.get("name", []):
                found.update([str(human.get("family"))], map(str, human.get("given", [])))
        for each in value.values():
            walk(each)

    for folder in paths:
        for path in folder.glob("*.json"):
            walk(json.loads(path.read_text("utf-8")))
    return {word for word in found if len(word) > 3 and word != "None"}


# Types whose resources name a patient in every example; those about nobody are the sender's.
ABOUT_A_PATIENT = set(
    "Patient RelatedPerson AllergyIntolerance Condition CareTeam CarePlan DeviceUseStatement"
    " DocumentReference Encounter Flag ImagingStudy Immunization MedicationRequest"
    " MedicationStatement Procedure RequestGroup Composition Claim ExplanationOfBenefit"
    " DiagnosticReport SupplyDelivery Observation".split()
)
ABOUT_NOBODY = set(
    "Practitioner PractitionerRole Organization HealthcareService Location"
    " Medication Person".split()
)
OFFERED = {"Schedule", "Slot"}  # agendas, which everybody reads
EITHER = {"List", "Binary", "Device", "Appointment", "Provenance"}


async def test_examples_land_with_their_patient_or_with_the_organisation_that_sent_them(
    space: Space, shared: Path
) -> None:
    since = await last(space)
    await loaded(space, *folders(shared))
    found = await landed(space, since)
    assert set(found) <= ABOUT_A_PATIENT | ABOUT_NOBODY | OFFERED | EITHER, set(found)
    for rtype, places in found.items():
        if rtype in ABOUT_A_PATIENT:
            assert set(places) == {"patient"}, rtype
        if rtype in ABOUT_NOBODY:
            assert set(places) == {"organisation"}, rtype
        if rtype == "Schedule":
            assert set(places) == {"directory"}
        assert "directory" not in places or rtype in OFFERED, rtype
    bucket = {org for (org,) in await space.rows(
        "SELECT DISTINCT r.cid FROM record.resource r JOIN record.compartment c USING (cid)"
        " WHERE r.rid > %s AND c.nature = 2", since)}  # fmt: skip
    assert bucket == {(await space.actor("lab-software")).org}


async def test_who_is_made_is_provisional_and_bears_the_number_of_no_one_else(
    space: Space, shared: Path
) -> None:
    before = {cid for (cid,) in await space.rows("SELECT cid FROM access.identity")}
    found = await loaded(space, shared / "data/french/eprescription/examples")
    rows = await space.rows("SELECT cid, ins, status FROM access.identity")
    made = [(ins, status) for cid, ins, status in rows if cid not in before]
    assert {status for ins, status in made if ins is None} == {"PROV"}
    named = [each for each in found if any("provisional" in text for text in each.reserves)]
    assert len(named) > 50, "a made identity is told in each file that needs it"
    assert len(made) < 20, "one reference of one folder is one person"


async def test_synthea_s_people_land_in_their_own_records(space: Space, shared: Path) -> None:
    since = await last(space)
    paths = sorted((shared / "data/synthea").glob("*.json.gz"))[:5]
    found = await loaded(space, *paths)
    assert {each.state for each in found} == {State.IN}
    assert not any(each.remarks for each in found)
    places = await landed(space, since)
    assert places["Patient"] == {"patient": 5}
    for rtype in ("Observation", "Condition", "Encounter", "Claim", "ExplanationOfBenefit"):
        assert set(places[rtype]) == {"patient"}, rtype
    for rtype in ("Practitioner", "Organization"):
        assert set(places[rtype]) == {"organisation"}, rtype
    states = await space.rows(
        "SELECT DISTINCT i.status, i.ins FROM access.identity i JOIN record.resource r USING (cid)"
        " WHERE r.rid > %s",
        since,
    )
    assert states == [("PROV", None)]
    before = await holds(space)
    again = await loaded(space, *paths)
    assert {each.state for each in again} == {State.THERE}
    assert await holds(space) == before


async def test_synthea_s_conditional_references_find_what_was_sent_before(
    space: Space, shared: Path
) -> None:
    """Hospitals and practitioners come with ifNoneExist, people refer to them by identifier."""
    folder = shared / "data/synthea/conditional-refs-2021"
    places = sorted(folder.glob("0-*.json.gz"))
    people = sorted(set(folder.glob("*.json.gz")) - set(places))[:2]
    found = await loaded(space, *places, *people)
    assert {each.state for each in found} == {State.IN}, [each.why for each in found]
    assert {each.state for each in await loaded(space, *places)} == {State.THERE}
