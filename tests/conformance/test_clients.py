# SPDX-License-Identifier: EUPL-1.2
"""Clients that others wrote, unmodified: they create, read, search, update, and read the history."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from fhirclient import client as smart
from fhirclient.models import bundle as smart_bundle
from fhirclient.models import observation as smart_observation
from fhirclient.models.codeableconcept import CodeableConcept
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from tests.conformance.serving import Served
from tests.rest.samples import bundle, observation, post

LAB = "lab-software"


def resource(client: Any, sent: Any) -> Any:
    """As fhirpy wants it: the type apart."""
    return client.resource(
        sent["resourceType"], **{k: v for k, v in sent.items() if k != "resourceType"}
    )


@pytest.fixture
def fhirpy_client(served: Served) -> Any:
    return SyncFHIRClient(served.base, authorization=f"Bearer {served.token(LAB)}")


def test_fhirpy_creates_reads_searches_updates_and_deletes(
    served: Served, fhirpy_client: Any
) -> None:
    client = fhirpy_client
    sent = observation(f"Patient/{served.patient}", date="2001-02-03")
    made = resource(client, sent)
    made.save()
    assert made.id
    assert made["meta"]["versionId"] == "1"
    read = client.reference("Observation", made.id).to_resource()
    assert read.serialize() == made.serialize()
    found = (
        client.resources("Observation")
        .search(subject=f"Patient/{served.patient}", date="2001-02-03", code="http://loinc.org|2339-0")
        .sort("-date")
        .limit(1)
        .fetch_all()
    )  # fmt: skip
    assert made.id in {each.id for each in found}
    read["status"] = "amended"
    read.save()
    assert read["meta"]["versionId"] == "2"
    versions = client.execute(f"Observation/{made.id}/_history", method="get")
    assert [entry["resource"]["status"] for entry in versions["entry"]] == ["amended", "final"]
    read.delete()
    with pytest.raises((ResourceNotFound, OperationOutcome)):
        client.reference("Observation", made.id).to_resource()


def test_fhirpy_walks_every_page_and_counts(served: Served, fhirpy_client: Any) -> None:
    client = fhirpy_client
    made = set()
    for _ in range(5):
        one = resource(client, observation(f"Patient/{served.patient}", date="1999-09-09"))
        one.save()
        made.add(one.id)
    search = client.resources("Observation").search(date="1999-09-09").limit(2)
    assert {each.id for each in search.fetch_all()} == made
    assert client.resources("Observation").search(date="1999-09-09").count() == 5
    first = client.resources("Observation").search(date="1999-09-09").first()
    assert first.id in made
    including = (
        client.resources("Observation").search(date="1999-09-09").include("Observation", "subject")
    )
    assert len(including.fetch_all()) == 5


def test_fhirpy_writes_by_condition(served: Served, fhirpy_client: Any) -> None:
    """Its get_or_create has the condition in the address: twice is once."""
    client = fhirpy_client
    identifier = [{"system": "urn:example:fhirpy", "value": "1"}]
    sent = observation(f"Patient/{served.patient}", date="1998-01-01", identifier=identifier)
    those = client.resources("Observation").search(identifier="urn:example:fhirpy|1")
    first, created = those.get_or_create(resource(client, sent))
    again, anew = those.get_or_create(resource(client, sent))
    assert (created, anew, again.id) == (True, False, first.id)
    changed, anew = those.update(resource(client, sent | {"status": "amended"}))
    assert (changed.id, changed["status"], anew) == (first.id, "amended", False)
    assert those.get().id == first.id
    _, status = those.delete()
    assert status == 204
    assert those.fetch() == []


def test_fhirpy_validates_refreshes_and_asks_operations(served: Served, fhirpy_client: Any) -> None:
    client = fhirpy_client
    made = resource(client, observation(f"Patient/{served.patient}", date="1998-02-02"))
    assert made.is_valid()
    assert not resource(client, observation(f"Patient/{served.patient}", status="x")).is_valid()
    made.save()
    other = client.reference("Observation", made.id).to_resource()
    other["status"] = "amended"
    other.save()
    assert made.refresh()["status"] == "amended"
    assert made.execute("$meta", method="get")["parameter"][0]["valueMeta"]["versionId"] == "2"
    subject = client.resource("Patient", id=served.patient).to_reference()
    patients = SyncFHIRClient(served.base, authorization=f"Bearer {served.token('patient')}")
    everything = patients.reference(reference=subject.reference).execute("$everything", "get")
    assert everything["entry"][0]["resource"]["id"] == served.patient


def test_fhirpy_patches_with_a_part_of_a_resource_and_is_told_what_a_patch_is(
    served: Served, fhirpy_client: Any
) -> None:
    """R4 has no such patch: a part in application/json is neither JSON Patch nor FHIRPath Patch."""
    made = resource(fhirpy_client, observation(f"Patient/{served.patient}", date="1998-03-03"))
    made.save()
    with pytest.raises(OperationOutcome) as told:
        made.patch(status="amended")
    assert told.value.resource["issue"][0]["diagnostics"]
    read = fhirpy_client.reference("Observation", made.id).to_resource()
    assert read["status"] == "final"


def test_fhirpy_posts_a_transaction(served: Served, fhirpy_client: Any) -> None:
    sent = bundle(post(observation(f"Patient/{served.patient}", date="1998-04-04")))
    answer = fhirpy_client.execute("", method="post", data=sent)
    assert answer["type"] == "transaction-response"
    assert answer["entry"][0]["response"]["status"].startswith("201")


def test_fhirpy_hears_a_refusal_as_an_operation_outcome(fhirpy_client: Any) -> None:
    client = fhirpy_client
    with pytest.raises(OperationOutcome) as told:
        client.resource("Observation", status="no-such-status", code={"text": "x"}).save()
    assert told.value.resource["resourceType"] == "OperationOutcome"
    with pytest.raises(OperationOutcome):
        client.resources("Observation").search(no_such="1").fetch()


@pytest.fixture
def smart_client(served: Served) -> Any:
    made = smart.FHIRClient(settings={"app_id": "tests", "api_base": served.base + "/"})
    made.server.session.headers["Authorization"] = f"Bearer {served.token(LAB)}"
    return made


def test_fhirclient_creates_reads_searches_updates_and_deletes(
    served: Served, smart_client: Any
) -> None:
    server = smart_client.server
    sent = smart_observation.Observation(
        observation(f"Patient/{served.patient}", date="2002-03-04")
    )
    made = smart_observation.Observation(sent.create(server))
    read = smart_observation.Observation.read(made.id, server)
    assert read.as_json() == made.as_json()
    where = {"subject": f"Patient/{served.patient}", "date": "2002-03-04"}
    found = list(smart_observation.Observation.where(where).perform_resources_iter(server))
    assert [each.id for each in found] == [made.id]
    read.status = "amended"
    assert smart_observation.Observation(read.update(server)).meta.versionId == "2"
    versions = smart_bundle.Bundle(server.request_json(f"Observation/{made.id}/_history"))
    assert [entry.resource.status for entry in versions.entry] == ["amended", "final"]
    read.delete(server)
    with pytest.raises(Exception, match="410"):
        smart_observation.Observation.read(made.id, server)


def test_fhirclient_walks_pages_and_includes(served: Served, smart_client: Any) -> None:
    server = smart_client.server
    made = set()
    for _ in range(5):
        sent = observation(f"Patient/{served.patient}", date="2002-05-05")
        made.add(smart_observation.Observation(sent).create(server)["id"])
    where = {"date": "2002-05-05", "_count": "2", "_sort": "-date"}
    search = smart_observation.Observation.where(where)
    pages = list(search.perform_iter(server))
    assert [len(page.entry) for page in pages] == [2, 2, 1]
    assert {one.resource.id for page in pages for one in page.entry} == made
    patients = smart.FHIRClient(settings={"app_id": "tests", "api_base": served.base + "/"})
    patients.server.session.headers["Authorization"] = f"Bearer {served.token('patient')}"
    struct = {"date": {"$and": ["2002-05-05"]}, "subject._id": served.patient}
    including = smart_observation.Observation.where(struct).include("subject")
    found = list(including.perform_resources_iter(patients.server))
    assert {each.resource_type for each in found} == {"Observation", "Patient"}


def test_fhirclient_hears_refusals(smart_client: Any) -> None:
    with pytest.raises(Exception, match="404"):
        smart_observation.Observation.read("nowhere", smart_client.server)
    wrong = smart_observation.Observation()
    wrong.status, wrong.code = "x", CodeableConcept({"text": "x"})
    with pytest.raises(Exception, match="400"):
        wrong.create(smart_client.server)


def test_fhirclient_reads_the_capability_statement(smart_client: Any) -> None:
    """Its model refuses what R4 does not define."""
    smart_client.server.get_capability()
    assert smart_client.server.capabilityStatement.fhirVersion == "4.0.1"


def test_what_is_announced_is_where_it_says(served: Served) -> None:
    with urllib.request.urlopen(f"{served.base}/metadata") as answer:
        statement = json.load(answer)
    assert statement["implementation"]["url"] == served.base
