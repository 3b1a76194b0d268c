# SPDX-License-Identifier: EUPL-1.2
"""FHIR Consent is a view of the rows: read by whom it concerns, written through its act alone."""

from datetime import timedelta
from typing import Any

import pytest

from carnet.fhir.validation.structure import check
from carnet.rights.block import block
from carnet.rights.consent import withdraw
from carnet.rights.view import METHOD
from tests import people
from tests.documents.lots import subject
from tests.space import Space

pytestmark = pytest.mark.anyio
NURSE = int(people.NURSE.rpps)


def declaration(how: str = "oral", **changes: Any) -> dict[str, Any]:
    made = {
        "resourceType": "Consent",
        "extension": [{"url": METHOD, "valueCode": how}],
        "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": subject(),
    }
    return made | changes


async def consents(space: Space, as_: str, more: str = "") -> list[dict[str, Any]]:
    found = await space.get(f"Consent?patient={space.patient_id()}{more}", as_=as_)
    assert found.status == 200, found.body
    return found.entries


def actors(resource: dict[str, Any]) -> set[str]:
    return {
        each["reference"]["identifier"]["value"] for each in resource["provision"].get("actor", [])
    }


async def test_the_patient_reads_every_consent_as_a_whole_resource(space: Space) -> None:
    found = await consents(space, "patient")
    rows = await space.rows(
        "SELECT count(*) FROM access.consent WHERE cid = %s", space.where.people["patient"]
    )
    assert len(found) == rows[0][0] > 1
    for each in found:
        assert check(each) == []
        read = await space.get(f"Consent/{each['id']}", as_="patient")
        assert read.status == 200
        assert read.json == each
        assert read.headers["etag"] == f'W/"{each["meta"]["versionId"]}"'
        assert "Garnier" not in str(each)


async def test_a_professional_reads_those_they_read_by(space: Space) -> None:
    (nurse,) = await consents(space, "nurse")
    assert people.NURSE.rpps in actors(nurse)
    (doctor,) = await consents(space, "hospital-doctor")
    assert doctor["id"] != nurse["id"]
    assert (await space.get(f"Consent/{doctor['id']}", as_="nurse")).status == 404
    for persona in ("outsider", "blocked", "lab-software", "operator", "parent"):
        assert await consents(space, persona) == []
        hidden = await space.get(f"Consent/{nurse['id']}", as_=persona)
        absent = await space.get(f"Consent/{'a' * 26}", as_=persona)
        assert (hidden.status, hidden.body) == (absent.status, absent.body)
        assert hidden.status == 404


async def test_blocked_or_withdrawn_it_is_gone_for_the_professional(space: Space) -> None:
    (nurse,) = await consents(space, "nurse")
    await block(await space.visit("patient"), NURSE)
    assert await consents(space, "nurse") == []
    await withdraw(await space.visit("patient"), NURSE)
    assert await consents(space, "gp") == []
    ended = (await space.get(f"Consent/{nurse['id']}", as_="patient")).json
    assert (ended["status"], ended["meta"]["versionId"]) == ("inactive", "2")
    assert "end" in ended["provision"]["period"]
    for status in ("active", "inactive"):
        found = await consents(space, "patient", f"&status={status}")
        assert {each["status"] for each in found} <= {status}
        assert (nurse["id"] in {each["id"] for each in found}) == (status == "inactive")


async def test_searches_are_counted_paged_and_strict(space: Space) -> None:
    whole = await consents(space, "patient")
    counted = await space.get("Consent?_summary=count", as_="patient")
    assert counted.json["total"] == len(whole)
    seen, path = [], "Consent?_count=1&_total=accurate"
    while path:
        page = await space.get(path, as_="patient")
        assert page.json["total"] == len(whole)
        seen += page.entries
        links = {each["relation"]: each["url"] for each in page.json["link"]}
        path = links.get("next", "").partition("/fhir/")[2]
    assert seen == whole
    assert (await space.get("Consent?actor=Practitioner/x", as_="patient")).status == 400
    assert (await space.get("Consent?nothing=1", as_="patient")).status == 400
    asked = await space.get(f"Consent?_id={whole[0]['id']}", as_="patient")
    assert asked.entries == whole[:1]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": f"Consent/{whole[0]['id']}"}},
        {"request": {"method": "GET", "url": "Consent?status=active"}}]}  # fmt: skip
    inside = (await space.post("", batch, as_="patient")).json["entry"]
    assert inside[0]["resource"] == whole[0]
    assert inside[1]["resource"]["type"] == "searchset"


async def test_a_professional_declares_by_post(space: Space) -> None:
    assert (await space.get(f"Patient/{space.patient_id()}", as_="outsider")).status == 404
    made = await space.post("Consent", declaration("remote"), as_="outsider")
    assert made.status == 201, made.body
    assert check(made.json) == []
    assert actors(made.json) == {people.OUTSIDER.rpps}
    assert (await space.get(f"Patient/{space.patient_id()}", as_="outsider")).status == 200
    assert (await space.get(f"Consent/{made.json['id']}", as_="outsider")).json == made.json
    space.clock.advance(timedelta(hours=space.built.settings.visit_hours))
    assert (await space.get(f"Patient/{space.patient_id()}", as_="outsider")).status == 404


async def test_a_team_that_has_its_consent_gets_it_back(space: Space) -> None:
    (before,) = await consents(space, "nurse")
    made = await space.post("Consent", declaration(), as_="nurse")
    assert made.status == 200, made.body
    assert made.json["id"] == before["id"]


@pytest.mark.parametrize("changes", [
    {"provision": {"type": "deny"}}, {"status": "inactive"}, {"extension": []},
    {"extension": [{"url": METHOD, "valueCode": "guessed"}]}, {"organization": []},
])  # fmt: skip
async def test_what_is_not_a_plain_declaration_is_refused(
    space: Space, changes: dict[str, Any]
) -> None:
    before = await space.rows("SELECT count(*) FROM access.consent")
    refused = await space.post("Consent", declaration(**changes), as_="outsider")
    assert refused.status in (400, 405, 422, 501), refused.body
    assert await space.rows("SELECT count(*) FROM access.consent") == before


@pytest.mark.parametrize("persona", ["patient", "lab-software", "operator", "assistant", "helper"])
async def test_nobody_else_declares(space: Space, persona: str) -> None:
    before = await space.rows("SELECT count(*) FROM access.consent")
    refused = await space.post("Consent", declaration(), as_=persona)
    assert refused.status == 403, refused.body
    assert await space.rows("SELECT count(*) FROM access.consent") == before


async def test_to_who_is_blocked_it_is_as_if_nobody_were_known(space: Space) -> None:
    blocked = await space.post("Consent", declaration(), as_="blocked")
    await space.rows("UPDATE access.record SET state = 'closed' WHERE cid = %s",
                     space.where.people["parent"])  # fmt: skip
    closed = await space.post(
        "Consent", declaration(patient=subject(people.PARENT)), as_="outsider"
    )
    assert (blocked.status, blocked.body) == (closed.status, closed.body)


async def test_it_is_not_changed_nor_deleted_through_the_api(space: Space) -> None:
    (nurse,) = await consents(space, "nurse")
    for persona in ("nurse", "patient", "lab-software"):
        put = await space.put(f"Consent/{nurse['id']}", nurse, as_=persona)
        gone = await space.call("DELETE", f"Consent/{nurse['id']}", as_=persona)
        assert put.status >= 400
        assert gone.status >= 400
    assert await consents(space, "nurse") == [nurse]


async def test_metadata_says_what_it_is(space: Space) -> None:
    said = (await space.get("metadata")).json["rest"][0]["resource"]
    (consent,) = [each for each in said if each["type"] == "Consent"]
    assert {each["code"] for each in consent["interaction"]} == {"read", "search-type", "create"}
    assert {each["name"] for each in consent["searchParam"]} == {"_id", "patient", "status"}
    (document,) = [each for each in said if each["type"] == "DocumentReference"]
    assert {each["name"] for each in document["operation"]} >= {
        "hide", "show", "announce-later", "announced",
        "hide-from-representatives", "show-to-representatives",
    }  # fmt: skip
