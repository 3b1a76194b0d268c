# SPDX-License-Identifier: EUPL-1.2
"""The authorization code, from the question to the record."""

from __future__ import annotations

import pytest

from tests.oauth.place import Place, Proof, claims_of, code_of, query_of
from tests.space import BASE

pytestmark = pytest.mark.anyio


async def test_an_application_that_was_allowed_reads_the_record(place: Place) -> None:
    await place.register("an-app")
    proof = Proof()
    address = await place.answer(await place.ask("an-app", proof), "patient")
    assert query_of(address) == {"code": code_of(address), "state": "st", "iss": BASE}
    answer = await place.redeem("an-app", code_of(address), proof)
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json
    assert tokens["patient"] == place.space.patient_id()
    said = claims_of(tokens["id_token"])
    assert (said["iss"], said["aud"], said["nonce"]) == (BASE, "an-app", "nn")
    assert said["fhirUser"] == f"{BASE}/fhir/Patient/{place.space.patient_id()}"
    read = await place.fhir(f"Patient/{tokens['patient']}", tokens["access_token"])
    assert read.status == 200, read.body
