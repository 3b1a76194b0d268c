# SPDX-License-Identifier: EUPL-1.2
"""transaction and batch: all or nothing, or each for itself."""

import asyncio
import base64
import json
from typing import Any

import pytest

from tests.fhir.terminology.herbs import HERBS, SET
from tests.rest.samples import (
    HOSPITAL,
    LAB,
    bundle,
    chosen,
    get,
    insisted,
    observation,
    organization,
    post,
    put,
    urn,
)
from tests.rest.test_terminology import garden
from tests.space import BASE, Answer, Space

__all__ = ["garden"]

pytestmark = pytest.mark.anyio


def statuses(answer: Answer) -> list[str]:
    return [entry["response"]["status"][:3] for entry in answer.json["entry"]]


def location(answer: Answer, index: int) -> str:
    return str(answer.json["entry"][index]["response"]["location"]).split("/_history")[0]


def patient(value: str = "184017512345612") -> dict[str, Any]:
    """Somebody new; their number is no INS, so nobody bears it."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:oid:1.2.3", "value": value}],
        "name": [{"family": "NOUVEAU", "given": ["ANNE"]}],
        "gender": "female",
        "birthDate": "1984-01-02",
    }


async def count(space: Space) -> int:
    found = await space.rows("SELECT count(*) FROM record.resource")
    return int(found[0][0])


async def test_urns_become_addresses_in_any_order_and_in_rings(space: Space) -> None:
    a, b, someone, about = urn(), urn(), urn(), urn()
    first = observation(someone, hasMember=[{"reference": b}])
    second = observation(someone, derivedFrom=[{"reference": a}])
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": a}, {"reference": b}],
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"who": {"display": "a laboratory"}}],
    }
    contained = observation(
        someone,
        contained=[{"resourceType": "Specimen", "id": "s", "subject": {"reference": someone}}],
        specimen={"reference": "#s"},
    )
    answer = await space.post(
        "",
        bundle(
            post(provenance, about), post(first, a), post(second, b), post(contained),
            post(patient(), someone),
        ),
        as_=HOSPITAL,
    )  # fmt: skip
    assert statuses(answer) == ["201"] * 5, answer.body
    about, a, b, c, person = (location(answer, index) for index in range(5))
    read = {at: (await space.get(at, as_=HOSPITAL)).json for at in (about, a, b, c)}
    assert read[a]["subject"]["reference"] == person
    assert read[a]["hasMember"] == [{"reference": b}]
    assert read[b]["derivedFrom"] == [{"reference": a}]
    assert read[about]["target"] == [{"reference": a}, {"reference": b}]
    assert read[c]["contained"][0]["subject"] == {"reference": person}
    assert read[c]["specimen"] == {"reference": "#s"}
    cids = await space.rows(
        "SELECT DISTINCT cid FROM record.resource WHERE id = ANY (%s)",
        [at.split("/")[1] for at in (about, a, b, c, person)],
    )
    assert len(cids) == 1  # all of it is in the person's own record


async def test_links_become_addresses_wherever_fhir_has_them_and_names_stay(space: Space) -> None:
    """http.html: elements of type uri, url, oid and uuid, and href and src in the narrative."""
    a, b, someone = urn(), urn(), urn()
    div = (
        '<div xmlns="http://www.w3.org/1999/xhtml"><p title="href=%s"><a class="x" href="%s">a</a>'
        "<img alt=\"b\" src='%s'/> <a href='%s'>b</a> %s</p></div>"
    )
    given = observation(
        someone,
        identifier=[{"system": "urn:ietf:rfc:3986", "value": a}],
        text={"status": "generated", "div": div % (a, a, a, b, a)},
        extension=[{"url": "urn:x", "valueUri": a}, {"url": "urn:y", "valueString": a}],
        note=[{"text": a}],
    )
    question = {
        "resourceType": "Questionnaire",
        "url": b,
        "status": "active",
        "derivedFrom": ["urn:z"],
    }
    message = {
        "resourceType": "Communication",
        "status": "completed",
        "subject": {"reference": someone},
        "instantiatesUri": ["urn:z", a],
    }
    answer = await space.post(
        "",
        bundle(post(patient(), someone), post(given, a), post(message), post(question, b)),
        as_=HOSPITAL,
    )
    assert statuses(answer) == ["201"] * 4, answer.body
    to = location(answer, 1)
    made, said, asked = [
        (await space.get(location(answer, at), as_=HOSPITAL)).json for at in (1, 2, 3)
    ]
    assert made["text"]["div"] == div % (a, to, to, location(answer, 3), a)
    assert [each.get("valueUri") for each in made["extension"]] == [to, None]
    assert (made["extension"][1]["valueString"], made["note"][0]["text"]) == (a, a)
    assert made["identifier"][0]["value"] == a
    assert said["instantiatesUri"] == ["urn:z", to]
    assert asked["url"] == b  # the name a definition bears is no link


async def test_relative_references_are_read_beside_their_full_url(space: Space) -> None:
    """FHIR R4, Bundle, resolving references: root of the fullUrl, then the reference."""
    away = "https://old.example/fhir"
    answer = await space.post(
        "",
        bundle(
            post(observation("Patient/1"), f"{away}/Observation/7"),
            post(observation(f"{away}/Patient/1"), f"{away}/Observation/8"),
            post(patient(), f"{away}/Patient/1"),
        ),
        as_=HOSPITAL,
    )
    assert statuses(answer) == ["201"] * 3, answer.body
    for index in (0, 1):
        read = await space.get(location(answer, index), as_=HOSPITAL)
        assert read.json["subject"] == {"reference": location(answer, 2)}


async def test_a_full_url_of_ours_is_no_id(space: Space) -> None:
    own = f"{BASE}/fhir/Patient/1"
    answer = await space.post(
        "",
        bundle(post(patient(), own), post(observation(own)), post(observation("Patient/1"), urn())),
        as_=HOSPITAL,
    )
    assert answer.status == 422  # the last one's Patient/1 is nobody: its own fullUrl has no root
    answer = await space.post(
        "", bundle(post(patient(), own), post(observation(own))), as_=HOSPITAL
    )
    assert statuses(answer) == ["201", "201"]
    read = await space.get(location(answer, 1), as_=HOSPITAL)
    assert read.json["subject"] == {"reference": location(answer, 0)}


async def test_what_is_put_under_a_chosen_id_can_be_pointed_at(space: Space) -> None:
    someone, id = f"Patient/{space.patient_id()}", chosen()
    target = urn()
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": target}],
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"who": {"display": "a laboratory"}}],
    }
    answer = await space.post(
        "",
        bundle(
            post(provenance),
            put(observation(someone, id=id), target),
            post(observation(someone, hasMember=[{"reference": target}])),
        ),
        as_=LAB,
    )
    assert statuses(answer) == ["201"] * 3, answer.body
    assert location(answer, 1) == f"Observation/{id}"
    read = await space.get(location(answer, 0), as_="patient")  # hers: it follows what it targets
    assert read.json["target"] == [{"reference": f"Observation/{id}"}]
    read = await space.get(location(answer, 2), as_="patient")
    assert read.json["hasMember"] == [{"reference": f"Observation/{id}"}]
    again = await space.post("", bundle(put(observation(someone, id=id), target)), as_=LAB)
    assert statuses(again) == ["200"]


async def test_a_ring_of_owners_is_refused(space: Space) -> None:
    a, b = urn(), urn()
    made = [
        {
            "resourceType": "Provenance",
            "target": [{"reference": other}],
            "recorded": "2026-01-01T00:00:00Z",
            "agent": [{"who": {"display": "a laboratory"}}],
        }
        for other in (b, a)
    ]
    before = await count(space)
    answer = await space.post("", bundle(post(made[0], a), post(made[1], b)), as_=LAB)
    assert (answer.status, "ring" in answer.said) == (400, True)
    assert await count(space) == before


async def test_one_wrong_entry_undoes_the_whole(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    good = post(observation(someone))
    before = await count(space)
    for wrong, status in [
        (post(observation("Patient/" + "a" * 26)), 422),
        (post(observation(someone) | {"status": "no-such-code"}), 400),
        (put(observation(someone, id="a" * 26)), 404),
        (put(observation(someone, id="not-a-uuid")), 400),
        (get("Observation/" + "a" * 26), 404),
        (get("Observation?no-such-parameter=1"), 400),
        (get("NoSuchType?code=1"), 404),
        ({"request": {"method": "DELETE", "url": "Observation/" + "a" * 26}}, 404),
        ({"request": {"method": "DELETE", "url": "NoSuchType/1"}}, 404),
        ({"request": {"method": "get", "url": "Observation"}}, 400),
        ({"request": {"method": "HEAD", "url": "NoSuchType"}}, 404),
        (get("Patient/$nothing"), 404),
        (get("a/b/c/d/e"), 400),
        ({"request": {"url": "Observation"}}, 400),
        ({"request": {"method": "POST", "url": "Observation"}}, 400),
        ({"request": {"method": "PATCH", "url": "Observation/" + "a" * 26}}, 400),
        ({"request": {"method": "DELETE", "url": "Observation?"}}, 400),
        ({"request": {"method": "PUT", "url": "Observation/1?code=1"}}, 400),
        ({"request": {"method": "POST", "url": "Observation?code=1"}}, 400),
        ({"resource": observation(someone)}, 400),
        (post(observation(someone)) | {"fullUrl": 7}, 400),
        (post(observation(someone), ifMatch=3), 400),
        (post(observation(someone), ifMatch="3"), 400),
        (post(observation(someone), ifNoneExist="nonsense=1"), 400),
        (put(observation(someone, id=chosen()), ifNoneExist="code=1"), 400),
        (post(observation(someone)) | {"unknown": 1}, 400),
        (post(patient()) | {"request": {"method": "POST", "url": "Observation"}}, 400),
    ]:
        answer = await space.post("", bundle(good, wrong), as_=LAB)
        assert answer.status == status, (wrong, answer.body)
        assert answer.json["resourceType"] == "OperationOutcome"
        assert await count(space) == before, wrong


async def test_a_refusal_names_the_entry(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    wrong = post(observation(someone) | {"status": 3})
    answer = await space.post("", bundle(post(observation(someone)), wrong), as_=LAB)
    assert answer.json["issue"][0]["expression"] == ["Bundle.entry[1].resource.status"]
    lower = post(observation(someone), method="post")
    answer = await space.post("", bundle(post(observation(someone)), lower), as_=LAB)
    assert answer.json["issue"][0]["expression"] == ["Bundle.entry[1].request.method"]


async def test_the_same_resource_or_full_url_twice_is_refused(space: Space) -> None:
    someone, id, url = f"Patient/{space.patient_id()}", chosen(), urn()
    twice = bundle(put(observation(someone, id=id)), put(observation(someone, id=id)))
    assert (await space.post("", twice, as_=LAB)).status == 400
    twice = bundle(post(observation(someone), url), post(observation(someone), url))
    assert (await space.post("", twice, as_=LAB)).status == 400


async def test_reads_of_a_transaction_see_what_it_wrote(space: Space) -> None:
    """FHIR R4: DELETE, POST, PUT, then GET, whatever the order of the entries."""
    someone, id = f"Patient/{space.patient_id()}", chosen()
    old = (await space.post("Observation", observation(someone), as_=LAB)).json["id"]
    answer = await space.post(
        "",
        bundle(
            get(f"Observation/{id}"),
            get(f"Observation?_id={id},{old}"),
            put(observation(someone, id=id)),
            {"request": {"method": "DELETE", "url": f"Observation/{old}"}},
            get(f"Observation/{id}/_history"),
            get(f"Observation/{id}/_history/1"),
        ),
        as_=LAB,
    )
    assert statuses(answer) == ["200", "200", "201", "204", "200", "200"], answer.body
    entries = answer.json["entry"]
    assert entries[0]["resource"]["id"] == id
    assert [each["resource"]["id"] for each in entries[1]["resource"]["entry"]] == [id]
    assert entries[4]["resource"]["type"] == "history"
    assert entries[5]["resource"]["id"] == id
    traces = await space.rows(
        "SELECT act, count(*) FROM access.audit WHERE sub = 'software:lab-software' GROUP BY act"
    )
    assert dict(traces)["transaction"] == 1


async def test_each_entry_of_a_batch_is_its_own(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    made = (await space.post("Observation", observation(someone), as_=LAB)).json
    answer = await space.post(
        "",
        bundle(
            post(observation(someone)),
            post(observation("Patient/" + "a" * 26)),
            post(observation(someone), method="post"),
            {"request": {"method": "GET"}},
            {},
            get(f"Observation/{made['id']}"),
            get("Observation/" + "a" * 26),
            get("Observation?_count=1"),
            {"request": {"method": "DELETE", "url": "NoSuchType/1"}},
            put(made | {"status": "amended"}, ifMatch='W/"9"'),
            put(made | {"status": "amended"}, ifMatch='W/"1"'),
            kind="batch",
        ),
        as_=LAB,
    )
    assert answer.status == 200
    assert statuses(answer) == [
        "201", "422", "400", "400", "400", "200", "404", "200", "404", "412", "200",
    ]  # fmt: skip
    for entry in answer.json["entry"]:
        failed = entry["response"]["status"][0] == "4"
        assert failed == ("outcome" in entry["response"])
    page = answer.json["entry"][7]["resource"]
    assert {link["relation"] for link in page["link"]} == {"self", "next"}


async def test_a_fault_in_one_entry_of_a_batch_is_its_own(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = f"Patient/{space.patient_id()}"

    def broken(*_: object) -> None:
        raise RuntimeError("Garnier 184017512345612")

    monkeypatch.setattr(space.built.door.indexer, "index", broken)
    answer = await space.post(
        "", bundle(post(observation(someone)), get("Observation?_count=1"), kind="batch"), as_=LAB
    )
    assert statuses(answer) == ["500", "200"]
    assert b"1840" not in answer.body


async def test_the_limits_of_a_bundle(space: Space) -> None:
    limit = space.built.settings.entry_limit
    many = bundle(*([get("Observation?_count=0")] * (limit + 1)), kind="batch")
    answer = await space.post("", many, as_=LAB)
    assert (answer.status, answer.json["issue"][0]["code"]) == (403, "too-costly")
    empty = await space.post("", {"resourceType": "Bundle", "type": "batch"}, as_=LAB)
    assert empty.json == {"resourceType": "Bundle", "type": "batch-response"}


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "type": "batch", "entry": {}},
        {"resourceType": "Bundle", "type": "batch", "entry": [None]},
        {"resourceType": "Bundle", "type": "batch", "entry": [[]]},
        {"resourceType": "Bundle", "type": ["batch"]},
        {"resourceType": "Bundle", "type": "transaction", "meta": []},
        {"resourceType": "Bundle", "type": "transaction", "meta": {"profile": "x"}},
        {"resourceType": "Bundle", "type": "transaction", "unknown": 1},
        {"resourceType": "Observation"},
    ],
)
async def test_what_is_no_bundle_is_refused(space: Space, body: dict[str, Any]) -> None:
    answer = await space.post("", body, as_=LAB)
    assert (answer.status, answer.json["resourceType"]) == (400, "OperationOutcome")


async def test_a_conditional_reference_finds_the_person_or_undoes_all(space: Space) -> None:
    person = (await space.get(f"Patient/{space.patient_id()}", as_="patient")).json
    ins = next(each for each in person["identifier"] if "1.2.250.1.213" in each["system"])
    named = f"Patient?identifier={ins['system']}|{ins['value']}"
    made = await space.post("", bundle(post(observation(named))), as_=LAB)
    read = await space.get(location(made, 0), as_="patient")
    assert read.json["subject"] == {"reference": f"Patient/{space.patient_id()}"}
    before = await count(space)
    unknown = f"Patient?identifier={ins['system']}|000000000000000"
    answer = await space.post(
        "", bundle(post(organization("x")), post(observation(unknown))), as_=LAB
    )
    assert answer.status == 412
    assert await count(space) == before


async def test_a_conditional_reference_names_a_person_by_what_is_seen_of_them(space: Space) -> None:
    """By more than a number: exactly one, or a refusal that says at which entry."""
    id = space.patient_id()
    person = (await space.get(f"Patient/{id}", as_="patient")).json
    birth, family = person["birthDate"], person["name"][0]["family"]
    for named in (f"Patient?_id={id}", f"Patient?birthdate={birth}&family={family}"):
        made = await space.post("", bundle(post(observation(named))), as_="gp")
        assert made.status == 200, made.body
        read = await space.get(location(made, 0), as_="patient")
        assert read.json["subject"] == {"reference": f"Patient/{id}"}
        # A software sees what it left, and this person is not of it: no trait is guessed by it.
        answer = await space.post("", bundle(post(observation(named))), as_=LAB)
        assert (answer.status, answer.json["issue"][0]["expression"]) == (412, ["Bundle.entry[0]"])
    found = (await space.get("Patient?_count=5", as_="gp")).entries
    assert len(found) > 1
    several = "Patient?birthdate=gt1900-01-01"
    for named, code in ((several, "multiple-matches"), ("Patient?birthdate=1800", "business-rule")):
        sent = bundle(post(observation(f"Patient/{id}")), post(observation(named)))
        answer = await space.post("", sent, as_="gp")
        issue = answer.json["issue"][0]
        assert (answer.status, issue["code"], issue["expression"]) == (
            412, code, ["Bundle.entry[1]"],
        )  # fmt: skip


async def test_a_conditional_reference_names_what_the_bundle_itself_creates(space: Space) -> None:
    number = {"system": "urn:oid:1.2.250.1.999.9", "value": "D1"}
    device = {"resourceType": "Device", "identifier": [number]}
    named = {"reference": f"Device?identifier={number['system']}|{number['value']}"}
    result = observation(f"Patient/{space.patient_id()}", device=named)
    sent = bundle(
        post(result), post(device, urn(), ifNoneExist=named["reference"].partition("?")[2])
    )
    for _ in range(2):  # there already, it is the same
        answer = await space.post("", sent, as_=LAB)
        assert answer.status == 200, answer.body
        read = await space.get(location(answer, 0), as_=LAB)
        assert read.json["device"] == {"reference": location(answer, 1)}


async def test_entries_are_done_in_the_order_of_fhir_and_answered_in_their_own(
    space: Space,
) -> None:
    """DELETE, POST, PUT and PATCH, GET: whatever their order in the Bundle."""
    patient, system = f"Patient/{space.patient_id()}", "urn:oid:1.2.250.1.999.7"
    named = [{"system": system, "value": "1"}]
    old = (await space.post("Observation", observation(patient, identifier=named), as_=LAB)).json
    kept = (await space.post("Observation", observation(patient), as_=LAB)).json
    gone, url = f"Observation/{old['id']}", urn()
    change = put(kept | {"valueString": "x", "derivedFrom": [{"reference": url}]})
    step = [{"op": "replace", "path": "/status", "value": "amended"}]
    second = (await space.post("Observation", observation(patient), as_=LAB)).json
    patch = {
        "resource": {"resourceType": "Binary", "contentType": "application/json-patch+json",
                     "data": base64.b64encode(json.dumps(step).encode()).decode()},
        "request": {"method": "PATCH", "url": f"Observation/{second['id']}"},
    }  # fmt: skip
    entries = [
        get(f"Observation?identifier={system}|1&_total=accurate"),
        get(f"Observation/{second['id']}"),
        patch,
        change,
        post(observation(patient, identifier=named), url, ifNoneExist=f"identifier={system}|1"),
        {"request": {"method": "DELETE", "url": gone}},
    ]
    answer = await space.post("", bundle(*entries), as_=LAB)
    assert [each[:3] for each in statuses(answer)] == ["200", "200", "200", "200", "201", "204"]
    made = location(answer, 4)
    assert made != gone
    found = answer.json["entry"][0]["resource"]
    assert (found["total"], found["entry"][0]["resource"]["id"]) == (1, made.split("/")[1])
    assert answer.json["entry"][1]["resource"]["status"] == "amended"
    read = await space.get(f"Observation/{kept['id']}", as_=LAB)
    assert read.json["derivedFrom"] == [{"reference": made}]
    assert (await space.get(gone, as_=LAB)).status == 410


async def test_a_refusal_of_the_door_names_the_entry_too(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    nobody = post(observation("Patient/" + "a" * 26))
    hidden = put(observation(someone, id="a" * 26))
    for wrong in (nobody, hidden):
        answer = await space.post("", bundle(post(observation(someone)), wrong), as_=LAB)
        assert answer.json["issue"][0]["expression"] == ["Bundle.entry[1]"], answer.body


async def test_a_large_bundle_is_placed_in_good_time(space: Space) -> None:
    """Placing and rewriting grow with the entries, not with their square."""
    someone = urn()
    urls = [urn() for _ in range(1500)]
    entries = [
        post(observation(someone, hasMember=[{"reference": urls[n - 1]}] if n else []), url)
        if n
        else post(observation(someone), url)
        for n, url in enumerate(urls)
    ]
    answer = await space.post("", bundle(*entries, post(patient(), someone)), as_=HOSPITAL)
    assert statuses(answer) == ["201"] * 1501
    last = await space.get(location(answer, 1499), as_=HOSPITAL)
    assert last.json["hasMember"] == [{"reference": location(answer, 1498)}]


async def test_all_that_is_read_is_asked_inside_a_bundle(garden: Space) -> None:
    """Operations by GET and by POST, HEAD, compartments, metadata: in a transaction, what it wrote too."""
    space = garden
    patient, url, id = f"Patient/{space.patient_id()}", urn(), chosen()
    content = {"resourceType": "Parameters", "parameter": [
        {"name": "resource", "resource": observation(patient) | {"status": "unheard-of"}}]}  # fmt: skip
    asked: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", f"Observation/{id}", None),
        ("HEAD", f"Observation/{id}", None),
        ("GET", f"{patient}/$everything?_type=Observation&_count=1000", None),
        ("POST", f"{patient}/$everything", {"resourceType": "Parameters", "parameter": [
            {"name": "_type", "valueString": "Observation"}]}),
        ("GET", f"{BASE}/fhir/Observation/{id}/$validate?mode=update", None),
        ("POST", "Observation/$validate", content),
        ("GET", f"Observation/{id}/$meta", None),
        ("GET", f"CodeSystem/$lookup?system={HERBS}&code=menthe", None),
        ("GET", f"ValueSet/$expand?url={SET}is-a", None),
        ("GET", f"{patient}/Observation?_id={id}", None),
        ("POST", f"Observation/_search?_id={id}", None),
        ("GET", "metadata", None),
        ("GET", "Observation/_history?_count=1", None),
    ]  # fmt: skip
    entries = [
        {"request": {"method": method, "url": address}} | ({"resource": body} if body else {})
        for method, address, body in asked
    ]
    kinds = [
        "Observation", None, "Bundle", "Bundle", "OperationOutcome", "OperationOutcome", "Parameters",
        "Parameters", "ValueSet", "Bundle", "Bundle", "CapabilityStatement", "Bundle",
    ]  # fmt: skip
    written = put(observation(patient, id=id, valueQuantity={"value": 1}), url)
    for sent in (bundle(*entries, written), bundle(written, *entries, kind="batch")):
        answer = await space.post("", sent, as_="gp")
        assert answer.status == 200, answer.body
        found = answer.json["entry"]
        found = found[:-1] if sent["type"] == "transaction" else found[1:]
        assert [each["response"]["status"] for each in found] == ["200 OK"] * len(entries)
        assert [each.get("resource", {}).get("resourceType") for each in found] == kinds
        assert found[0]["response"]["etag"] == found[1]["response"]["etag"] == 'W/"1"'
        assert id in {each["resource"]["id"] for each in found[2]["resource"]["entry"]}
        assert found[5]["resource"]["issue"][0]["severity"] == "error"
        assert found[9]["resource"]["entry"][0]["resource"]["id"] == id
    for wrong in ("$export", f"{patient}/$export", "Observation/$meta-add", "$audit-root/x"):
        answer = await space.post("", bundle(get(wrong), kind="batch"), as_="gp")
        assert answer.json["entry"][0]["response"]["status"] in ("400", "404"), wrong


async def test_a_transaction_reads_on_its_own_connection_alone(garden: Space) -> None:
    """As many at once as the pool has connections, each asking what would want a second one."""
    space, size = garden, garden.built.settings.pool_size
    patient = f"Patient/{space.patient_id()}"
    asked = [
        get(f"ValueSet/$expand?url={SET}is-a"),
        get(f"{patient}/$everything?_count=5"),
        get(f"{patient}/$validate"),
        get("Observation?code=2339-0&_include=*&_count=5"),
    ]
    sent = bundle(post(observation(patient)), *asked)
    answers = await asyncio.gather(
        *(insisted(lambda: space.post("", sent, as_="gp")) for _ in range(size))
    )
    assert {each.status for each in answers} == {200}
