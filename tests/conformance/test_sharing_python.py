# SPDX-License-Identifier: EUPL-1.2
"""Python clients that others wrote, unmodified, share documents at the national guide's address."""

from __future__ import annotations

import base64
from typing import Any

from fhirclient import client as smart
from fhirclient.models.binary import Binary
from fhirclient.models.documentreference import DocumentReference
from fhirpy import SyncFHIRClient

from tests.conformance.serving import Served
from tests.documents.lots import RFC3986, fresh, lot
from tests.documents.test_guide import comprehensive, simplified, submission

LISTS = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes"


def test_fhirpy_shares_finds_and_reads(served: Served) -> None:
    """ITI-65, ITI-67, ITI-66, ITI-68."""
    base = served.base.replace("/fhir", "/pdsm")
    sender, reader = (
        SyncFHIRClient(base, authorization=f"Bearer {served.token(who)}")
        for who in ("lab-software", "patient")
    )
    made = fresh(minutes=30)
    bundle = lot(made.xml)
    bundle["entry"][0]["resource"] |= submission()
    bundle["entry"][1]["resource"] = comprehensive(made.xml, made.unique_id)
    answer = sender.execute("", method="post", data=bundle)
    statuses = [each["response"]["status"] for each in answer["entry"]]
    assert statuses == ["201 Created"] * 3
    whose = {"patient": f"Patient/{served.patient}", "status": "current"}
    number = f"{RFC3986}|urn:oid:{made.unique_id}"
    (found,) = reader.resources("DocumentReference").search(**whose, identifier=number).fetch_all()
    first = reader.resources("DocumentReference").search(**whose).limit(1)
    assert found.id in {each.id for each in first.fetch_all()}  # page after page
    sets: list[Any] = (
        reader.resources("List").search(**whose, code=f"{LISTS}|submissionset").fetch_all()
    )
    named = {entry["item"]["reference"] for each in sets for entry in each.get("entry", [])}
    assert f"DocumentReference/{found.id}" in named
    kept = reader.reference(reference=found["content"][0]["attachment"]["url"]).to_resource()
    assert base64.b64decode(kept["data"]) == made.xml


def test_fhirclient_shares_finds_and_reads(served: Served) -> None:
    """ITI-105, ITI-67, ITI-68, each read as its own strict models."""
    base = served.base.replace("/fhir", "/pdsm")
    pdf = b"%PDF-1.4 fhirclient"
    number = {"system": RFC3986, "value": "urn:oid:1.2.250.1.999.61.1"}

    def server(who: str) -> Any:
        made = smart.FHIRClient(settings={"app_id": "a", "api_base": base})
        made.server.session.headers["Authorization"] = f"Bearer {served.token(who)}"
        return made.server

    sent = DocumentReference(simplified(pdf, masterIdentifier=number))
    answer = sent.create(server("lab-software"))
    assert answer["id"]
    asked = {
        "patient": served.patient,
        "status": "current",
        "identifier": f"{RFC3986}|{number['value']}",
    }
    (found,) = DocumentReference.where(struct=asked).perform_resources(server("patient"))
    assert found.id == answer["id"]
    file = Binary.read(found.content[0].attachment.url.split("/")[1], server("patient"))
    assert base64.b64decode(file.data) == pdf
