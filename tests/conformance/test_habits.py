# SPDX-License-Identifier: EUPL-1.2
"""How the clients of vendors write their requests, on a real socket: each is served as it is.

HAPI's and Firely's clients are not in Python: their headers and addresses are.
"""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from tests.conformance.serving import HOST, Served
from tests.rest.samples import LAB, observation
from tests.space import FHIR

HAPI = {
    "Accept-Charset": "utf-8",
    "Accept-Encoding": "gzip",
    "User-Agent": "HAPI-FHIR/8.0.0 (FHIR Client; FHIR 4.0.1/R4; apache)",
    "Accept": "application/fhir+xml;q=1.0, application/fhir+json;q=1.0, application/xml+fhir;q=0.9,"
    " application/json+fhir;q=0.9",
}
FIRELY = {"Accept": "application/fhir+json; fhirVersion=4.0", "User-Agent": ".NET FhirClient"}


def ask(served: Served, method: str, path: str, body: Any = b"", **headers: Any) -> Any:
    """(status, headers, JSON), the names of headers as they are given."""
    conn = http.client.HTTPConnection(HOST, served.port, timeout=30)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if not any(name.lower() == "authorization" for name in names):
        names["Authorization"] = f"Bearer {served.token(LAB)}"
    conn.request(method, f"/fhir{path}", body or None, names)
    answer = conn.getresponse()
    content = answer.read()
    conn.close()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, found, json.loads(content) if content else None


@pytest.mark.parametrize(
    "accept",
    [
        FHIR, "application/json", "*/*", "application/*", "application/fhir+json;fhirVersion=4.0",
        "application/fhir+json; fhirVersion=4.0", "APPLICATION/FHIR+JSON",
        "application/fhir+json;charset=utf-8",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "application/json+fhir", "text/json",
        "application/fhir+xml;q=0.5, application/fhir+json;q=1.0", HAPI["Accept"], FIRELY["Accept"],
    ],
)  # fmt: skip
def test_every_accept_that_takes_json_has_json(served: Served, accept: str) -> None:
    for path in ("/metadata", "/Observation?_count=1"):
        status, headers, found = ask(served, "GET", path, Accept=accept)
        assert (status, headers["content-type"]) == (200, "application/fhir+json; charset=utf-8")
        assert found["resourceType"]


@pytest.mark.parametrize("accept", ["application/fhir+xml", "text/html", "application/fhir+turtle"])
def test_who_takes_another_form_alone_is_told(served: Served, accept: str) -> None:
    status, _, found = ask(served, "GET", "/metadata", Accept=accept)
    assert (status, found["resourceType"]) == (406, "OperationOutcome")
    assert ask(served, "GET", "/metadata?_format=json", Accept=accept)[0] == 200


@pytest.mark.parametrize(
    "query",
    [
        "_format=json", "_format=application/fhir%2Bjson", "_format=application/fhir+json",
        "_format=application/json", "_format=json&_pretty=true", "_summary=true", "_summary=false",
    ],
)  # fmt: skip
def test_formats_in_the_address(served: Served, query: str) -> None:
    assert ask(served, "GET", f"/metadata?{query}")[0] == 200
    assert ask(served, "GET", f"/Observation?{query}&_count=1")[0] == 200


@pytest.mark.parametrize(
    "media",
    [
        FHIR, "application/json", "application/fhir+json; charset=UTF-8",
        "application/json;charset=utf-8",
        "Application/FHIR+JSON", "application/fhir+json; fhirVersion=4.0",
        "application/fhir+json;charset=\"utf-8\"",
    ],
)  # fmt: skip
def test_media_types_of_a_body(served: Served, media: str) -> None:
    body = json.dumps(observation(f"Patient/{served.patient}", date="1990-01-01")).encode()
    status, headers, made = ask(served, "POST", "/Observation", body, Content_Type=media)
    assert (status, made["resourceType"]) == (201, "Observation")
    assert headers["location"].startswith(f"{served.base}/Observation/{made['id']}/_history/1")


@pytest.mark.parametrize("client", [HAPI, FIRELY])
def test_a_life_as_java_and_dotnet_clients_write_it(served: Served, client: dict[str, str]) -> None:
    own = {name.replace("-", "_"): value for name, value in client.items()}
    sent = observation(f"Patient/{served.patient}", date="1991-01-01")
    kind = f"{FHIR}; charset=UTF-8"
    body = json.dumps(sent).encode()
    status, headers, made = ask(
        served, "POST", "/Observation?_format=json", body, Content_Type=kind, **own
    )
    assert status == 201
    place = headers["location"].removeprefix(served.base).split("/_history")[0]
    etag = headers["etag"]
    changed = json.dumps(made | {"status": "amended"}).encode()
    status, _, _ = ask(served, "PUT", place, changed, Content_Type=kind, If_Match=etag, **own)
    assert status == 200
    status, _, refused = ask(served, "PUT", place, changed, Content_Type=kind, If_Match=etag, **own)
    assert (status, refused["issue"][0]["code"]) == (412, "conflict")
    status, _, read = ask(served, "GET", place + "?_format=json&_pretty=true", **own)
    assert (status, read["status"]) == (200, "amended")
    form = f"subject=Patient%2F{served.patient}&date=1991-01-01&_count=10".encode()
    media = "application/x-www-form-urlencoded"
    status, _, found = ask(served, "POST", "/Observation/_search", form, Content_Type=media, **own)
    assert (status, made["id"] in {each["resource"]["id"] for each in found["entry"]}) == (
        200,
        True,
    )
    assert ask(served, "DELETE", place, **own)[0] == 204
    assert ask(served, "GET", place, **own)[0] == 410


@pytest.mark.parametrize(
    "query",
    [
        "code=http://loinc.org|2339-0", "code=http://loinc.org%7C2339-0",
        "code=http%3A%2F%2Floinc.org%7c2339-0",
        "date=1992-01-01T10:00:00+01:00", "date=1992-01-01T10:00:00%2B01:00",
        "date=ge1992-01-01T00:00:00+01:00",
        "date=1992-01-01&date=le1992-12-31", "subject=Patient/{patient}",
        "subject:Patient={patient}",
        "patient={patient}", "subject=http://{host}/fhir/Patient/{patient}",
        "date=1992&&", "date=1992&code=",
    ],
)  # fmt: skip
def test_addresses_as_clients_escape_them(served: Served, query: str) -> None:
    sent = observation(f"Patient/{served.patient}", date="1992-01-01T10:00:00+01:00")
    _, _, made = ask(served, "POST", "/Observation", json.dumps(sent).encode(), Content_Type=FHIR)
    asked = query.format(patient=served.patient, host=f"{HOST}:{served.port}")
    status, _, found = ask(served, "GET", f"/Observation?{asked}&_sort=-_lastUpdated&_count=3")
    assert status == 200, found
    assert made["id"] in {each["resource"]["id"] for each in found["entry"]}


def test_names_of_headers_have_no_case(served: Served) -> None:
    for name in ("authorization", "AUTHORIZATION", "Authorization"):
        for scheme in ("Bearer", "bearer", "BEARER"):
            given = {name: f"{scheme} {served.token(LAB)}"}
            assert ask(served, "GET", "/Observation?_count=1", **given)[0] == 200, (name, scheme)


def test_an_empty_body_is_no_parameter(served: Served) -> None:
    """What has none to send still says what it would be."""
    patient = {"Authorization": f"Bearer {served.token('patient')}"}
    place = f"/Patient/{served.patient}/$everything?_count=1"
    for more in ({}, {"Content_Type": FHIR}, {"Content_Type": FHIR, "Content_Length": "0"}):
        assert ask(served, "POST", place, **patient, **more)[0] == 200
    for more in ({}, {"Content_Type": "application/x-www-form-urlencoded"}):
        assert ask(served, "POST", "/Observation/_search", **more)[0] == 200
    status, _, told = ask(served, "POST", "/Observation", Content_Type=FHIR)
    assert (status, told["resourceType"]) == (400, "OperationOutcome")


def test_compression_is_not_claimed_and_not_given(served: Served) -> None:
    """An answer of health data beside an attacker's text is not compressed; a compressed body is refused."""
    _, headers, _ = ask(served, "GET", "/Observation?_count=50", Accept_Encoding="gzip, br")
    assert "content-encoding" not in headers
    status, _, told = ask(
        served, "POST", "/Observation", b"\x1f\x8b", Content_Type=FHIR, Content_Encoding="gzip"
    )
    assert (status, told["issue"][0]["code"]) == (415, "not-supported")
