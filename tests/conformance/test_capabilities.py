# SPDX-License-Identifier: EUPL-1.2
"""What `metadata` announces is tried: each interaction, each search parameter, each include, of each type.

The tests are made from the statement itself, so nothing is announced that is not here.
"""

from __future__ import annotations

import base64
import copy
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from carnet.app import parts
from carnet.fhir import json
from carnet.fhir.definitions import load
from carnet.fhir.search.extract import extract
from carnet.fhir.search.extracted import Extracted
from carnet.fhir.validation.structure import check
from carnet.rest.metadata import statement
from carnet.rest.routes import ROUTES
from tests.fhir.generate import resource as generated
from tests.rest.samples import LAB, Json, observation
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

STATEMENT = statement(load(), parts.acts(), "http://carnet.test/fhir", "2026-11-22T08:00:00Z")
TYPES: dict[str, Json] = {each["type"]: each for each in STATEMENT["rest"][0]["resource"]}
INTERACTIONS = {
    name: frozenset(one["code"] for one in each["interaction"]) for name, each in TYPES.items()
}
# A Consent is declared by a professional, and is a view of rights: tests/rights/test_view.py.
DECLARED = {"Consent"}
WRITTEN = sorted(
    name for name, codes in INTERACTIONS.items() if "create" in codes and name not in DECLARED
)
UNUSED = "0b0a1b1e-0000-4000-8000-0000000000cc"
# Changed by acts of their own, by what these take: tests/documents/test_amend.py, test_folders.py.
ACTS = {"DocumentReference", "List"}
# The installation's own parameters: those of the document sharing, tests/documents/test_found.py.
OWN = ("https://interop.esante.gouv.fr/", "https://profiles.ihe.net/")
READ_ONLY = sorted(set(TYPES) - set(WRITTEN) - DECLARED)


async def test_the_statement_is_a_resource_of_r4(space: Space) -> None:
    """By our own validator: structure, invariants and bindings of the base definition."""
    served = await space.get("metadata")
    assert check(served.json) == []
    assert of_r4(served.json["rest"]) == of_r4(STATEMENT["rest"])
    assert {"DocumentReference", "List"} <= {
        each["type"] for each in served.json["rest"][0]["resource"] if "supportedProfile" in each
    }
    assert any("GestionnaireDePartage" in each for each in served.json["instantiates"])
    validator = space.built.desk.checks.validator
    for mode in ("full", "normative", "terminology"):
        told = (await space.get(f"metadata?mode={mode}")).json
        found = [each for each in validator.validate(told) if each.severity in ("error", "fatal")]
        assert found == [], mode


def of_r4(rest: Any) -> Any:
    """The statement without what the installation's own parameters add to it."""
    types = copy.deepcopy(rest[0]["resource"])
    own = set()
    for each in types:
        for one in each["searchParam"]:
            if one.get("definition", "").startswith(OWN):
                own.add(f"{each['type']}:{one['name']}")
        each["searchParam"] = [
            one for one in each["searchParam"] if f"{each['type']}:{one['name']}" not in own
        ]
    for each in types:
        for way in ("searchInclude", "searchRevInclude"):
            each[way] = [one for one in each.get(way, ()) if one not in own]
    return [rest[0] | {"resource": types}]


async def test_a_statement_is_answered_by_mode_and_in_part(space: Space) -> None:
    whole = await space.get("metadata")
    normative = (await space.get("metadata?mode=normative")).json
    kept = {each["type"] for each in normative["rest"][0]["resource"]}
    assert {"Patient", "Observation", "ValueSet"} <= kept < set(TYPES)
    told = (await space.get("metadata?mode=terminology")).json
    assert told["resourceType"] == "TerminologyCapabilities"
    assert "count" in {each["name"] for each in told["expansion"]["parameter"]}
    assert "rest" not in (await space.get("metadata?_elements=software")).json
    short = (await space.get("metadata?_summary=true")).json
    assert short["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert len(json.dump(short)) < len(whole.body)
    for wrong in ("mode=other", "_summary=count", "colour=green"):
        answer = await space.get(f"metadata?{wrong}")
        assert (answer.status, answer.json["resourceType"]) == (400, "OperationOutcome")


async def test_a_statement_that_did_not_change_is_not_sent_again(space: Space) -> None:
    first = await space.get("metadata")
    since = {"If-None-Match": first.headers["etag"]}
    again = await space.call("GET", "metadata", headers=since)
    assert (again.status, again.body) == (304, b"")
    other = await space.call("GET", "metadata?mode=normative", headers=since)
    assert other.status == 200
    assert first.body == (await space.get("metadata")).body


VALUES = {
    "token": "a|b", "reference": "Patient/a", "date": "2020-01", "string": "a", "uri": "urn:a",
    "number": "1", "quantity": "5.4|http://unitsofmeasure.org|mg", "near": "48.1|2.2|10|km",
    "_filter": "_id eq a", "_list": "a",
}  # fmt: skip
TOGETHER = 12  # conditions of one request: one that is not understood fails it


def value_of(rtype: str, each: Json) -> str:
    """A value of a parameter's type."""
    if each["type"] != "composite":
        return quote(VALUES[each["name"] if each["type"] == "special" else each["type"]])
    parameter = load().params[rtype][each["name"]]
    kinds = {one.url: one.type for params in load().params.values() for one in params.values()}
    return "$".join(quote(VALUES[kinds[one.definition]]) for one in parameter.components)


@pytest.mark.slow
async def test_a_search_by_each_announced_parameter_answers(space: Space) -> None:
    tried = 0
    for rtype, announced in TYPES.items():
        given = [f"{each['name']}={value_of(rtype, each)}" for each in announced["searchParam"]]
        given += [f"_include={each}" for each in announced.get("searchInclude", [])]
        given += [f"_revinclude={each}" for each in announced.get("searchRevInclude", [])]
        for at in range(0, len(given), TOGETHER):
            query = "&".join(given[at : at + TOGETHER])
            answer = await space.get(f"{rtype}?{query}&_count=1", as_=LAB)
            assert answer.status == 200, (rtype, query, answer.body)
            assert answer.json["resourceType"] == "Bundle"
        tried += len(given)
    assert tried > 4000


@pytest.mark.slow
async def test_each_announced_operation_is_there(space: Space) -> None:
    """Of the type, of an instance or of the base: an address that takes it, by one method at least."""
    rest = STATEMENT["rest"][0]
    places = [("", each["name"]) for each in rest["operation"]]
    places += [(name, one["name"]) for name, each in TYPES.items() for one in each["operation"]]
    for rtype, name in places:
        near = [f"${name}"] if not rtype else [f"{rtype}/${name}", f"{rtype}/aaaa/${name}"]
        told: list[Answer] = []
        for method, path in ((m, p) for p in reversed(near) for m in ("POST", "GET")):
            body = None if method == "GET" else b"{}"
            told.append(await space.call(method, path, as_=LAB, body=body))
            if served(told[-1]):
                break
        assert served(told[-1]), (rtype, name, [each.body for each in told])
    assert len(places) > 400


def served(answer: Answer) -> bool:
    """Whether somebody took the request: what nobody takes is said in these words."""
    nobody = (
        "There is nothing at this address",
        "This address does not take",
        "no operation of this",
    )
    return answer.status != 405 and not any(each in answer.body.decode() for each in nobody)


# What a route answers, as the statement says it; None: what is said elsewhere than in it.
SAID = {
    ("GET", "/metadata"): None,
    ("POST", "/"): "transaction",
    ("GET", "/"): "search-system",
    ("POST", "/_search"): "search-system",
    ("GET", "/_history"): "history-system",
    ("GET", "/$meta"): None,  # refused with its reason (decision 35)
    ("POST", "/$meta"): None,
    ("GET", "/{rtype}"): "search-type",
    ("POST", "/{rtype}/_search"): "search-type",
    ("POST", "/{rtype}"): "create",
    ("PUT", "/{rtype}"): "update",
    ("PATCH", "/{rtype}"): "patch",
    ("DELETE", "/{rtype}"): "delete",
    ("GET", "/{rtype}/_history"): "history-type",
    ("GET", "/{rtype}/{id}"): "read",
    ("PUT", "/{rtype}/{id}"): "update",
    ("PATCH", "/{rtype}/{id}"): "patch",
    ("DELETE", "/{rtype}/{id}"): "delete",
    ("GET", "/{rtype}/{id}/_history"): "history-instance",
    ("GET", "/{rtype}/{id}/_history/{version}"): "vread",
    ("GET", "/{compartment}/{id}/{rtype}"): "compartment",
    ("POST", "/{compartment}/{id}/{rtype}/_search"): "compartment",
    (
        "GET",
        "/$export-job/{token}",
    ): None,  # where an export says how far it is: the specification's own
    ("DELETE", "/$export-job/{token}"): None,
    ("GET", "/$export-job/{token}/{number}"): None,
    ("GET", "/$import-job/{name}/{input}"): None,
}


def test_each_route_is_announced() -> None:
    """An interaction of some type or of the system, or an operation: what is served and not said fails."""
    rest = STATEMENT["rest"][0]
    codes = {code for each in INTERACTIONS.values() for code in each}
    codes |= {each["code"] for each in rest["interaction"]}
    codes |= {"compartment"} if rest["compartment"] else set()
    operations = {("", each["name"]) for each in rest["operation"]}
    operations |= {(name, one["name"]) for name, each in TYPES.items() for one in each["operation"]}
    for route in (*parts.acts().routes, *ROUTES):
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}:
            if (method, route.path) in SAID:
                said = SAID[method, route.path]
                assert said is None or said in codes, route.path
                continue
            rtype, _, name = route.path.rpartition("$")
            rtype = rtype.strip("/").split("/")[0]
            if name == "{name}":  # those of acts, each of which is announced
                continue
            wanted = {(each, name) for each in TYPES} if rtype == "{rtype}" else {(rtype, name)}
            assert wanted & operations, (method, route.path)


@pytest.mark.slow
async def test_what_is_absent_is_not_found_by_each_interaction(space: Space) -> None:
    """read, vread and history of what is not there: not found, of each type that has them."""
    absent = space.built.door.ids.encode(0, 10**9)
    for rtype, codes in INTERACTIONS.items():
        paths = {"read": f"{rtype}/{absent}", "vread": f"{rtype}/{absent}/_history/1",
                 "history-instance": f"{rtype}/{absent}/_history"}  # fmt: skip
        for code, path in paths.items():
            answer = await space.get(path, as_=LAB)
            assert answer.status == 404 if code in codes else answer.status in (400, 404), path
        answer = await space.get(f"{rtype}/_history?_count=1", as_=LAB)
        assert answer.status == (200 if "history-type" in codes else 400), (rtype, answer.body)
        found = await space.call(
            "POST", f"{rtype}/_search", as_=LAB, body=b"_count=1",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        assert (found.status, found.json["resourceType"]) == (200, "Bundle"), rtype
    assert (await space.get("_history?_count=1", as_=LAB)).status == 200
    assert (await space.get("Patient")).headers["www-authenticate"].startswith("Bearer")


async def test_what_is_not_announced_is_refused(space: Space) -> None:
    for rtype, each in TYPES.items():
        announced = {one["name"] for one in each["searchParam"]}
        for name in load().params[rtype].keys() - announced:
            answer = await space.get(f"{rtype}?{name}=1", as_=LAB)
            told = (answer.status, answer.json["issue"][0]["code"])
            assert told == (400, "not-supported"), (rtype, name)


async def test_a_type_that_nobody_writes_is_written_by_nobody(space: Space) -> None:
    for rtype in READ_ONLY:
        made = json.dump(generated(Random(1), rtype, depth=1))
        for persona in (LAB, "gp", "patient", "operator"):
            answer = await space.post(rtype, made, as_=persona)
            assert answer.status in (400, 403), (rtype, persona, answer.body)
            assert answer.json["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("rtype", WRITTEN)
async def test_a_made_resource_lives_its_whole_life(space: Space, rtype: str) -> None:
    """create, read, search by all it is found by, vread, history, update, delete: as announced."""
    codes = INTERACTIONS[rtype]
    sent = sample(rtype, f"Patient/{space.patient_id()}")
    made = await space.post(rtype, json.dump(sent), as_=LAB)
    assert made.status == 201, made.body
    id = made.headers["location"].split("/")[-3]
    address = f"{rtype}/{id}"
    read = await space.get(address, as_=LAB)
    assert read.status == 200
    assert (await space.get(f"{address}/_history/1", as_=LAB)).json == read.json
    for query in queries(extract(json.parse(read.body)), rtype):
        found = await space.get(f"{rtype}?{query}&_count=1000", as_=LAB)
        assert found.status == 200, (query, found.body)
        assert id in {each["id"] for each in found.entries}, query
    if rtype in ACTS:
        codes -= {"update"}
    elif "update" in codes:
        changed = await space.put(address, read.json | {"language": "fr-FR"}, as_=LAB)
        assert (changed.status, changed.headers["etag"]) == (200, 'W/"2"'), changed.body
        await changes(space, rtype, address, id)
    else:
        assert (await space.put(address, read.json, as_=LAB)).status in (400, 403)
        patch = {"content-type": "application/json-patch+json"}
        refused = await space.call("PATCH", address, as_=LAB, body=b"[]", headers=patch)
        assert refused.status in (400, 403, 405)
    since = {"If-None-Match": 'W/"1", W/"2", W/"6"'}
    assert (await space.call("GET", address, as_=LAB, headers=since)).status == 304
    later = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert (await space.call("GET", address, as_=LAB, headers=later)).status == 304
    absent = space.built.door.ids.encode(0, 10**9)  # an id of ours: never a client's to take
    taken = await space.put(f"{rtype}/{absent}", read.json | {"id": absent}, as_=LAB)
    assert taken.status in (400, 403, 404), taken.body
    fresh = await space.put(f"{rtype}/{UNUSED}", read.json | {"id": UNUSED}, as_=LAB)
    assert (fresh.status == 201) is TYPES[rtype]["updateCreate"], fresh.body
    told = await space.get(f"{address}/$validate", as_=LAB)
    assert told.json["resourceType"] == "OperationOutcome"
    assert (await space.get(f"{address}/$meta", as_=LAB)).json["resourceType"] == "Parameters"
    again = await space.post(rtype, json.dump(sent), as_=LAB, **{"If-None-Exist": f"_id={id}"})
    assert (again.status, again.headers["location"].endswith(address)) == (200, True)
    history = await space.get(f"{address}/_history", as_=LAB)
    assert len(history.json["entry"]) == (6 if "update" in codes else 1)
    by = await space.call("DELETE", f"{rtype}?_id=none", as_=LAB)
    assert by.status == 204 if "delete" in codes else by.status in (400, 403)
    deleted = await space.call("DELETE", address, as_=LAB)
    assert deleted.status == 204 if "delete" in codes else deleted.status in (400, 403)
    assert (await space.get(address, as_=LAB)).status == (410 if "delete" in codes else 200)


async def changes(space: Space, rtype: str, address: str, id: str) -> None:
    """patch by address and by condition, an update by condition, and what is added to meta."""
    patch = [{"op": "replace", "path": "/language", "value": "en"}]
    headers = {"content-type": "application/json-patch+json", "if-match": 'W/"2"'}
    answer = await space.call("PATCH", address, as_=LAB, body=json.dump(patch), headers=headers)
    assert (answer.status, answer.headers["etag"]) == (200, 'W/"3"'), answer.body
    answer = await space.put(f"{rtype}?_id={id}", answer.json | {"language": "de"}, as_=LAB)
    assert (answer.status, answer.headers["etag"]) == (200, 'W/"4"'), answer.body
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": f"{rtype}.language"},
        {"name": "value", "valueCode": "it"},
    ]
    body = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    answer = await space.call("PATCH", f"{rtype}?_id={id}", as_=LAB, body=body)
    assert (answer.status, answer.json["language"]) == (200, "it"), answer.body
    tagged = {"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}
    for name in ("add", "add"):  # twice is once
        answer = await space.post(
            f"{address}/$meta-{name}",
            {"resourceType": "Parameters", "parameter": [tagged]},
            as_=LAB,
        )
        assert (answer.status, answer.headers["etag"]) == (200, 'W/"6"'), answer.body


def sample(rtype: str, patient: str) -> Json:
    """A resource of a type, about a patient where it is about one."""
    match rtype:
        case "Patient":
            name = {"use": "official", "family": "NOUVEAU", "given": ["ANNE"]}
            return {
                "resourceType": rtype, "name": [name], "gender": "female", "birthDate": "1984-01-02",
            }  # fmt: skip
        case "Binary":
            return {"resourceType": rtype, "contentType": "text/plain", "data": "AAAA"}
        case "DocumentReference":
            data = base64.b64encode(b"a note").decode()
            return {
                "resourceType": rtype, "status": "current", "subject": {"reference": patient},
                "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
            }  # fmt: skip
        case "Observation":
            return observation(patient, date="2020-02-03", issued="2020-02-03T01:02:03Z")
    for seed in range(50):
        made: Json = about(generated(Random(seed), rtype, depth=2), patient)
        if not check(made):
            return made
    raise AssertionError(f"no sample of {rtype}")


def about(value: Any, patient: str) -> Any:
    """The same with references that can be had: to the patient, or to something unknown by its id."""
    if isinstance(value, list):
        return [about(each, patient) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("reference"), str) and "type" in value:
        target = patient if value["type"] == "Patient" else f"{value['type']}/abc"
        return value | {"reference": target}
    return {key: about(each, patient) for key, each in value.items()}


def queries(found: Extracted, rtype: str) -> set[str]:
    """Searches that must find what these were extracted from."""
    announced = {each["name"] for each in TYPES[rtype]["searchParam"]}

    def escaped(text: str) -> str:
        for mark in "\\,|$":
            text = text.replace(mark, "\\" + mark)
        return quote(text, safe="")

    made = set()
    for param, system, code in found.tokens:
        made.add(f"{param}={escaped(code)}")
        made.add(f"{param}={escaped(system or '')}%7C{escaped(code)}")
    for param, target in found.references:
        made.add(f"{param}={quote(target, safe='')}")
    for param, system, value in found.identifiers:
        made.add(f"{param}:identifier={escaped(system or '')}%7C{escaped(value)}")
    for param, text in found.strings:
        if text.strip():
            made.add(f"{param}:exact={escaped(text)}")
        if 0 < len(text) < 40 and any(mark.isalnum() for mark in text):
            made.add(f"{param}={escaped(text)}")
    for param, uri in found.uris:
        made.add(f"{param}={escaped(uri)}")
    for param, lo, hi in found.dates:
        if lo.year > 1:
            made.add(f"{param}=ge{lo:%Y-%m-%d}")
        if hi.year < 9999:
            made.add(f"{param}=le{hi:%Y-%m-%dT%H:%M:%SZ}".replace(":00Z", ":59Z"))
    return {query for query in made if query.partition("=")[0].partition(":")[0] in announced}
