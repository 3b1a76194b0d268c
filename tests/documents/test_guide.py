# SPDX-License-Identifier: EUPL-1.2
"""Every check of the national guide of document sharing, with the status it answers (PDSm 3.1.1, MHD 4.2).

At its own address, /pdsm, and at /fhir, which is lenient: the same record, the same documents.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from carnet.documents.guide import Guided, missing
from tests import people
from tests.documents.lots import (
    BINARY,
    RFC3986,
    corrected,
    document_of,
    fresh,
    holds,
    locations,
    lot,
    metadata,
    replaces,
    sha1,
    superseding,
)
from tests.documents.test_found import DESIGNATION, MHD, ROLE
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
SETTING = "https://mos.esante.gouv.fr/NOS/TRE_A01-CadreExercice/FHIR"
FACILITY = "https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR"
FORMAT = {
    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "code": "urn:ihe:iti:xds-sd:pdf:2008",
}


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def comprehensive(data: bytes, unique: str, **changes: Any) -> Json:
    """A DocumentReference with all that the profile makes mandatory."""
    source = {
        "resourceType": "Patient",
        "id": "source",
        "name": [{"family": "Source"}],
    }
    made = metadata(data)
    made |= {
        "contained": [*ROLE, source],
        "masterIdentifier": {"system": RFC3986, "value": f"urn:oid:{unique}"},
        "category": [coded("https://mos.esante.gouv.fr/NOS/TRE_A03-ClasseDocument/FHIR", "11")],
        "custodian": {"reference": "#place"},
        "context": {
            "period": {"start": "2026-11-21T09:00:00+01:00"},
            "facilityType": coded(FACILITY, "SA25"),
            "practiceSetting": coded(SETTING, "AMBULATOIRE"),
            "sourcePatientInfo": {"reference": "#source"},
        },
    }
    made["content"][0]["format"] = FORMAT
    made["content"][0]["attachment"]["creation"] = "2026-11-21T09:00:00+01:00"
    return {key: value for key, value in (made | changes).items() if value is not None}


def submission(**changes: Any) -> Json:
    """What is laid over the List of a lot."""
    made = {
        "contained": ROLE,
        "source": {"reference": "#author"},
        "identifier": [{"system": RFC3986, "value": "urn:oid:1.2.250.1.999.55.1"}],
        "extension": [
            {"url": MHD + "ihe-designationType", "valueCodeableConcept": coded(DESIGNATION, "SNR")},
            {
                "url": MHD + "ihe-sourceId",
                "valueIdentifier": {"system": RFC3986, "value": "urn:oid:1.2.250.1.999.55"},
            },
        ],
    }
    return made | changes


def whole(minutes: int = 0, **changes: Any) -> Json:
    """A lot as the guide has it, of one document."""
    made = fresh(minutes=minutes)
    bundle = lot(made.xml)
    bundle["entry"][0]["resource"] |= submission()
    bundle["entry"][1]["resource"] = comprehensive(made.xml, made.unique_id, **changes)
    return bundle


def simplified(data: bytes = b"%PDF-1.4 essai", **changes: Any) -> Json:
    """A document alone, its content in it (ITI-105)."""
    made = comprehensive(data, "1.2.250.1.999.56.1")
    attachment = {
        key: value
        for key, value in made["content"][0]["attachment"].items()
        if key not in ("url", "size", "hash")
    } | {"contentType": "application/pdf", "data": base64.b64encode(data).decode()}
    made["content"][0]["attachment"] = attachment
    return {key: value for key, value in (made | changes).items() if value is not None}


@pytest.fixture
def guided(space: Space) -> Space:
    """The same installation, at the guide's own address."""
    other = replace(space)
    other.app = Guided(space.app)
    return other


def cut(path: str) -> Callable[[Json], None]:
    """Take an element of the DocumentReference away."""

    def change(bundle: Json) -> None:
        value: Any = bundle["entry"][1]["resource"]
        *before, last = path.split(".")
        for name in before:
            value = value[name][0] if isinstance(value[name], list) else value[name]
        del value[last]

    return change


def cut_list(name: str) -> Callable[[Json], None]:
    def change(bundle: Json) -> None:
        del bundle["entry"][0]["resource"][name]

    return change


def put(path: str, value: Any) -> Callable[[Json], None]:
    """Another value of an element of the attachment or of the document."""

    def change(bundle: Json) -> None:
        document = bundle["entry"][1]["resource"]
        holder = document["content"][0]["attachment"] if path in ("size", "hash") else document
        holder[path] = value

    return change


def twice(bundle: Json) -> None:
    """Two submission sets."""
    other = copy.deepcopy(bundle["entry"][0])
    other["fullUrl"] = "urn:uuid:11111111-0000-4000-8000-000000000009"
    bundle["entry"].append(other)


def no_binary(bundle: Json) -> None:
    bundle["entry"] = [e for e in bundle["entry"] if e["resource"]["resourceType"] != "Binary"]


def no_document(bundle: Json) -> None:
    bundle["entry"] = bundle["entry"][:1]


def unknown(bundle: Json) -> None:
    for entry in bundle["entry"][:2]:
        entry["resource"]["subject"] = {"reference": "Patient?identifier=urn:oid:1.2|none"}


def batch(bundle: Json) -> None:
    bundle["type"] = "collection"


LOTS: dict[str, tuple[Callable[[Json], None], tuple[int, str], tuple[int, str]]] = {
    # what is wrong: how it is made; at /pdsm; at /fhir
    "nothing": (lambda bundle: None, (200, ""), (200, "")),
    "no custodian": (cut("custodian"), (422, "required"), (200, "")),
    "no author": (cut("author"), (422, "required"), (200, "")),
    "no category": (cut("category"), (422, "required"), (200, "")),
    "no type": (cut("type"), (422, "required"), (200, "")),
    "no date": (cut("date"), (422, "required"), (200, "")),
    "no masterIdentifier": (cut("masterIdentifier"), (422, "required"), (200, "")),
    "no securityLabel": (cut("securityLabel"), (422, "required"), (200, "")),
    "no size": (cut("content.attachment.size"), (422, "required"), (200, "")),
    "no hash": (cut("content.attachment.hash"), (422, "required"), (200, "")),
    "no title": (cut("content.attachment.title"), (422, "required"), (200, "")),
    "no language": (cut("content.attachment.language"), (422, "required"), (200, "")),
    "no format": (cut("content.format"), (422, "required"), (200, "")),
    "no period": (cut("context.period"), (422, "required"), (200, "")),
    "no facility": (cut("context.facilityType"), (422, "required"), (200, "")),
    "no setting": (cut("context.practiceSetting"), (422, "required"), (200, "")),
    "no source patient": (cut("context.sourcePatientInfo"), (422, "required"), (200, "")),
    "a label of another list": (
        put("securityLabel", [coded("urn:x", "SECRET")]), (422, "code-invalid"), (200, ""),
    ),
    "no source of the lot": (cut_list("source"), (422, "required"), (200, "")),
    "no number of the lot": (cut_list("identifier"), (422, "required"), (200, "")),
    "no extension of the lot": (cut_list("extension"), (422, "required"), (200, "")),
    "two submission sets": (twice, (422, "business-rule"), (200, "")),
    "another size": (put("size", 3), (422, "business-rule"), (422, "business-rule")),
    "another hash": (put("hash", sha1(b"x")), (422, "business-rule"), (422, "business-rule")),
    "no document": (no_document, (422, "business-rule"), (200, "")),
    "no file": (no_binary, (422, "business-rule"), (422, "business-rule")),
    "nobody's": (unknown, (412, "business-rule"), (412, "business-rule")),
    "no transaction": (batch, (400, "invalid"), (400, "invalid")),
    "no status": (cut("status"), (400, "required"), (400, "required")),
    "another's number": (
        put("masterIdentifier", {"system": RFC3986, "value": "urn:oid:9.9"}),
        (422, "business-rule"), (422, "business-rule"),
    ),
}  # fmt: skip


def told(answer: Answer) -> tuple[int, str]:
    """Status and code of a refusal; "" of what is not one."""
    if answer.status < 400:
        return answer.status, ""
    assert answer.json["resourceType"] == "OperationOutcome"
    return answer.status, str(answer.json["issue"][0]["code"])


async def test_a_lot_is_judged_by_where_it_comes(space: Space, guided: Space) -> None:
    """ITI-65: refused whole, with an OperationOutcome and nothing kept, or stored whole."""
    for minutes, (what, (change, strict, lenient)) in enumerate(LOTS.items()):
        bundle = whole(minutes)
        change(bundle)
        before = await holds(space)
        first = await guided.post("", bundle, as_="lab-software")
        assert told(first) == strict, (what, first.body)
        if first.status >= 400:
            assert await holds(space) == before, what
            second = await space.post("", bundle, as_="lab-software")
            assert told(second) == lenient, (what, second.body)


async def test_every_missing_element_is_told_at_once(guided: Space) -> None:
    bundle = whole()
    for path in ("custodian", "category", "context.facilityType"):
        cut(path)(bundle)
    answer = await guided.post("", bundle, as_="lab-software")
    places = [each["expression"][0] for each in answer.json["issue"]]
    assert places == [
        f"Bundle.entry[1].resource.{path}"
        for path in ("category", "custodian", "context.facilityType")
    ]


async def test_an_answer_is_in_the_order_of_the_request(guided: Space) -> None:
    """ITI-65: transaction-response, one entry for each, a status and a location."""
    answer = await guided.post("", whole(), as_="lab-software")
    assert (answer.json["resourceType"], answer.json["type"]) == ("Bundle", "transaction-response")
    types = [each.split("/")[0] for each in locations(answer)]
    assert types == ["List", "DocumentReference", "Binary"]
    assert {each["response"]["status"] for each in answer.json["entry"]} == {"201 Created"}


async def test_a_replacement_is_as_the_guide_has_it(guided: Space) -> None:
    """TD2.1: relatesTo and the PATCH of the old entry, in one lot."""
    first = document_of(await guided.post("", whole(), as_="lab-software"))
    old = fresh()
    data = corrected(old)
    bundle = lot(data, superseding(first))
    bundle["entry"][0]["resource"] |= submission()
    bundle["entry"][1]["resource"] = comprehensive(
        data, f"{old.unique_id}2", relatesTo=replaces(first)
    )
    answer = await guided.post("", bundle, as_="lab-software")
    assert answer.status == 200, answer.body
    assert (await guided.get(first, as_="gp")).json["status"] == "superseded"
    assert (await guided.get(document_of(answer), as_="gp")).json["status"] == "current"


SIMPLE: dict[str, tuple[Json, tuple[int, str], tuple[int, str]]] = {
    "nothing": ({}, (201, ""), (201, "")),
    "no custodian": ({"custodian": None}, (422, "required"), (201, "")),
    "no author": ({"author": None}, (422, "required"), (201, "")),
    "no securityLabel": ({"securityLabel": None}, (422, "required"), (201, "")),
    "two events": (
        {"context": {"event": [coded("urn:x", "1"), coded("urn:x", "2")]}},
        (422, "required"), (201, ""),
    ),
    "not current": ({"status": "superseded"}, (422, "value"), (201, "")),
    "no content": ({"content": None}, (400, "required"), (400, "required")),
    "an address in the place of content": (
        {"content": [{"attachment": {"contentType": "text/plain", "url": "Binary/x"}}]},
        (422, "required"), (422, "business-rule"),
    ),
    "not base64": (
        {"content": [{"attachment": {"contentType": "text/plain", "data": "!"}}]},
        (400, "value"), (400, "value"),
    ),
}  # fmt: skip


async def test_a_simplified_publish_is_judged_by_where_it_comes(
    space: Space, guided: Space
) -> None:
    """ITI-105: 201 with the resource, its id, version and date."""
    for rank, (what, (changes, strict, lenient)) in enumerate(SIMPLE.items()):
        number = {"system": RFC3986, "value": f"urn:oid:1.2.250.1.999.57.{rank}"}
        document = simplified(f"%PDF-1.4 {rank}".encode(), masterIdentifier=number, **changes)
        first = await guided.post("DocumentReference", document, as_="lab-software")
        assert told(first) == strict, (what, first.body)
        if first.status == 201:
            assert {"id", "meta"} <= first.json.keys()
            assert {"versionId", "lastUpdated"} <= first.json["meta"].keys()
            attachment = first.json["content"][0]["attachment"]
            assert "data" not in attachment
            assert attachment["hash"] == sha1(f"%PDF-1.4 {rank}".encode())
            assert attachment["url"].startswith("Binary/")
        else:
            second = await space.post("DocumentReference", document, as_="lab-software")
            assert told(second) == lenient, (what, second.body)


async def test_a_simplified_publish_deprecates_what_it_replaces(guided: Space) -> None:
    first = await guided.post("DocumentReference", simplified(), as_="lab-software")
    old = f"DocumentReference/{first.json['id']}"
    number = {"system": RFC3986, "value": "urn:oid:1.2.250.1.999.56.2"}
    second = await guided.post(
        "DocumentReference",
        simplified(b"%PDF-1.4 corrige", masterIdentifier=number, relatesTo=replaces(old)),
        as_="lab-software",
    )
    assert second.status == 201, second.body
    assert (await guided.get(old, as_="gp")).json["status"] == "superseded"
    again = await guided.post(
        "DocumentReference",
        simplified(b"%PDF-1.4 autre", masterIdentifier=number),
        as_="lab-software",
    )
    assert told(again) == (409, "conflict")


SEARCHES: dict[str, tuple[int, int]] = {
    # a search, with {p} the patient's id: at /pdsm, at /fhir
    "DocumentReference?patient={p}&status=current": (200, 200),
    "DocumentReference?patient=Patient/{p}&status=current,superseded": (200, 200),
    "DocumentReference?patient:Patient.identifier={n}&status=current": (200, 200),
    "DocumentReference?patient.identifier={n}&status=current&type=11502-2": (200, 200),
    "DocumentReference?patient={p}": (400, 200),
    "DocumentReference?status=current": (400, 200),
    "DocumentReference?": (400, 200),
    "DocumentReference?patient={p}&status=current&colour=blue": (400, 400),
    "DocumentReference?patient={p}&status=current&date=yesterday": (400, 400),
    "List?patient.identifier={n}&code=submissionset&status=current": (200, 200),
    "List?patient={p}&code=folder&status=current": (200, 200),
    "List?patient={p}&code=submissionset": (400, 200),
    "List?patient={p}&status=current": (400, 200),
    "List?code=submissionset&status=current": (400, 200),
    "Observation?code=1": (200, 200),
}


async def test_a_search_names_its_patient_and_a_status(space: Space, guided: Space) -> None:
    """ITI-66 and ITI-67, by GET and by POST; plain FHIR at /fhir asks for neither."""
    person = people.PATIENT
    form = {"content-type": "application/x-www-form-urlencoded"}
    for query, statuses in SEARCHES.items():
        asked = query.format(p=space.patient_id(), n=f"urn:oid:{person.ins_oid}|{person.ins}")
        rtype, _, given = asked.replace("|", "%7C").partition("?")
        for where, status in zip((guided, space), statuses, strict=True):
            got = await where.get(f"{rtype}?{given}", as_="gp")
            posted = await where.call(
                "POST", f"{rtype}/_search", as_="gp", body=given.encode(), headers=form
            )
            assert (got.status, posted.status) == (status, status), (query, got.body)
            if status >= 400:
                assert got.json["resourceType"] == "OperationOutcome"


async def test_what_is_answered_there_leads_back_there(space: Space, guided: Space) -> None:
    """Links, fullUrls and Locations are of the address that was called; it is known in references too."""
    base = space.built.settings.base_url
    made = await guided.post("DocumentReference", simplified(), as_="lab-software")
    assert made.headers["location"].startswith(f"{base}/pdsm/DocumentReference/")
    plain = simplified(
        b"%PDF-1.4 suite",
        masterIdentifier={"system": RFC3986, "value": "urn:oid:1.2.250.1.999.58.1"},
        relatesTo=[
            {
                "code": "appends",
                "target": {"reference": f"{base}/pdsm/DocumentReference/{made.json['id']}"},
            }
        ],
    )
    other = await guided.post("DocumentReference", plain, as_="lab-software")
    target = other.json["relatesTo"][0]["target"]
    assert target == {"reference": f"DocumentReference/{made.json['id']}"}
    asked = f"DocumentReference?patient={space.patient_id()}&status=current&_count=1"
    for where, name in ((guided, "pdsm"), (space, "fhir")):
        page = await where.get(asked, as_="gp")
        links = [each["url"] for each in page.json["link"]]
        links += [each["fullUrl"] for each in page.json["entry"]]
        assert len(page.json["link"]) == 2
        assert all(each.startswith(f"{base}/{name}/DocumentReference") for each in links), links
        following = next(e["url"] for e in page.json["link"] if e["relation"] == "next")
        after = await where.get(following.removeprefix(f"{base}/{name}/"), as_="gp")
        assert after.status == 200 and after.entries
        stated = (await where.get("metadata")).json
        assert stated["implementation"]["url"] == f"{base}/{name}"


async def test_a_document_is_retrieved_in_its_form_or_as_a_binary(guided: Space) -> None:
    """ITI-68: by Accept; the address is relative, or ours whole."""
    made = fresh()
    document = document_of(await guided.post("", whole(), as_="lab-software"))
    kept = (await guided.get(document, as_="gp")).json
    url = kept["content"][0]["attachment"]["url"]
    raw = await guided.get(url, as_="gp", accept="text/xml")
    assert (raw.body, raw.headers["content-type"]) == (made.xml, "text/xml")
    resource = await guided.get(url, as_="gp", accept="application/fhir+json")
    assert base64.b64decode(resource.json["data"]) == made.xml
    assert sha1(made.xml) == kept["content"][0]["attachment"]["hash"]
    assert (await guided.get(url, as_="outsider", accept="text/xml")).status == 404


async def test_the_same_document_is_there_once_and_another_of_its_number_is_refused(
    guided: Space,
) -> None:
    """By record and by depositor."""
    first = await guided.post("", whole(), as_="lab-software")
    again = await guided.post("", whole(), as_="lab-software")
    assert (again.status, locations(again)) == (200, locations(first))
    bundle = whole()
    data = fresh().xml.replace(b"</title>", b" (bis)</title>", 1)
    bundle["entry"][1]["resource"]["content"][0]["attachment"] |= {
        "size": len(data), "hash": sha1(data), "url": BINARY,
    }  # fmt: skip
    bundle["entry"][2]["resource"]["data"] = base64.b64encode(data).decode()
    assert told(await guided.post("", bundle, as_="lab-software")) == (409, "conflict")
    other = await guided.post("", whole(), as_="hospital-software")
    assert other.status == 200
    assert document_of(other) != document_of(first)


def test_the_profiles_of_the_table_are_asked_of_any_resource() -> None:
    """A sound one lacks nothing."""
    made = fresh()
    assert list(missing(comprehensive(made.xml, made.unique_id), "comprehensive")) == []
    assert list(missing(simplified(), "simplified")) == []
