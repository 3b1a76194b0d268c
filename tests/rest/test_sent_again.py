# SPDX-License-Identifier: EUPL-1.2
"""A sender who sends again what they sent, once the patient has changed who sees it."""

from __future__ import annotations

import base64

import pytest

from tests.rest.samples import HOSPITAL, LAB, LOINC, Json, bundle, chosen, observation, post
from tests.space import Space

pytestmark = pytest.mark.anyio

MASK = {
    "system": "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR",
    "code": "MASQUE_PS",
}
SYSTEM = "urn:oid:1.2.250.1.999.8"


def result(space: Space, **more: Json) -> Json:
    """A result a feed sends by its own number."""
    made = observation(f"Patient/{space.patient_id()}", date="2026-11-20") | more
    return made | {"identifier": [{"system": SYSTEM, "value": "R1"}]}


def lot(space: Space, *results: Json) -> Json:
    """A document under a mask, and what came with it, as a feed sends and repeats them."""
    document = {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.88"},
        "status": "current",
        "type": {"coding": [{"system": LOINC, "code": "11502-2"}]},
        "subject": {"reference": f"Patient/{space.patient_id()}"},
        "date": "2026-11-20T10:00:00Z",
        "securityLabel": [{"coding": [MASK]}],
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain",
                    "data": base64.b64encode(b"essai").decode(),
                }
            }
        ],
    }
    url = f"Observation?identifier={SYSTEM}|R1"
    entries = [{"resource": each, "request": {"method": "PUT", "url": url}} for each in results]
    return bundle(post(document, "urn:uuid:11111111-0000-4000-8000-000000000009"), *entries)


async def test_a_mask_the_patient_lifted_is_sent_again_without_error_and_stays_lifted(
    space: Space,
) -> None:
    masked = {"meta": {"security": [MASK]}}
    sent = await space.post("", lot(space, result(space, **masked)), as_=HOSPITAL)
    assert sent.status == 200, sent.body
    document, one = (
        each["response"]["location"].split("/_history")[0].removeprefix("http://carnet.test/fhir/")
        for each in sent.json["entry"]
    )
    for address in (document, one):
        assert (await space.get(address, as_="nurse")).status == 404, address
    shown = await space.post(f"{document}/$show", {"resourceType": "Parameters"}, as_="patient")
    assert shown.status == 204, shown.body
    changes: list[Json] = [{}, {"valueString": "as before"}]
    for changed in changes:
        again = await space.post("", lot(space, result(space, **masked, **changed)), as_=HOSPITAL)
        assert again.status == 200, again.body
        for address in (document, one):
            seen = await space.get(address, as_="nurse")
            assert (seen.status, b"MASQUE_PS" in seen.body) == (200, False), address
    seen = await space.get(one, as_="nurse")
    assert seen.json["valueString"] == "as before"
    alone = seen.json | masked | {"valueString": "again"}
    answer = await space.put(one, alone, as_=HOSPITAL)
    assert (answer.status, b"MASQUE_PS" in answer.body) == (200, False)


async def test_a_mask_the_patient_put_stays_whatever_is_sent_again(space: Space) -> None:
    masked = {"meta": {"security": [MASK]}}
    sent = await space.post("", lot(space, result(space, **masked)), as_=HOSPITAL)
    one = sent.json["entry"][1]["response"]["location"].split("/_history")[0]
    bare = (await space.get(one, as_=HOSPITAL)).json | {"meta": {"tag": [{"code": "x"}]}}
    answer = await space.put(one, bare, as_=HOSPITAL)
    assert answer.status == 200, answer.body
    assert answer.json["meta"]["security"] == [MASK]  # it says what its row bears
    assert (await space.get(one, as_="nurse")).status == 404


async def test_a_mask_that_was_never_there_is_not_put_by_a_change(space: Space) -> None:
    id = chosen()
    plain = observation(f"Patient/{space.patient_id()}", id=id)
    await space.put(f"Observation/{id}", plain, as_=LAB)
    await space.put(f"Observation/{id}", plain | {"valueString": "b"}, as_=LAB)
    hiding = plain | {"meta": {"security": [MASK]}}
    answer = await space.put(f"Observation/{id}", hiding, as_=LAB)
    assert (answer.status, answer.json["issue"][0]["code"]) == (422, "business-rule")


async def test_a_document_is_meant_by_the_number_it_has_as_a_document(space: Space) -> None:
    """`identifier` finds masterIdentifier too: by a reference and by a create unless it is there."""
    sent = lot(space)
    first = await space.post("", sent, as_=LAB)
    assert first.status == 200, first.body
    address = first.json["entry"][0]["response"]["location"].split("/_history")[0]
    known = "identifier=urn:ietf:rfc:3986|urn:oid:1.2.3.88"
    unless = sent["entry"][0]["request"] | {"ifNoneExist": known}
    again = await space.post(
        "", sent | {"entry": [sent["entry"][0] | {"request": unless}]}, as_=LAB
    )
    told = again.json["entry"][0]["response"]
    assert (told["status"], address in told["location"]) == ("200 OK", True)
    other = lot(space)
    document = other["entry"][0]["resource"]
    document["masterIdentifier"]["value"] = "urn:oid:1.2.3.89"
    target = {"reference": f"DocumentReference?{known}"}
    document["relatesTo"] = [{"code": "appends", "target": target}]
    more = await space.post("", other, as_=LAB)
    assert more.status == 200, more.body
    made = more.json["entry"][0]["response"]["location"].split("/_history")[0]
    read = await space.get(made.removeprefix("http://carnet.test/fhir/"), as_=LAB)
    assert read.json["relatesTo"][0]["target"]["reference"] in address
