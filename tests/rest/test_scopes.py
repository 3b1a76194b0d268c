# SPDX-License-Identifier: EUPL-1.2
"""A token shows what its scopes name and nothing else, by whatever way: what is beside is absent."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from carnet.access.door import narrowing
from tests import people
from tests.rest import samples
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio
FEW = "patient/DiagnosticReport.rs patient/DocumentReference.rs patient/Patient.rs"
HELD = {"DiagnosticReport", "DocumentReference", "Binary", "Patient", "OperationOutcome"}


async def asked(space: Space, scope: str, path: str, as_: str = "patient", **how: Any) -> Answer:
    """One request by a token of this scope."""
    token = await space.token(as_, scope=scope)
    method = how.pop("method", "GET")
    return await space.call(
        method, path, headers={"authorization": f"Bearer {token}"}, body=how.pop("body", None)
    )


async def every(space: Space, scope: str, path: str, as_: str = "patient") -> list[dict[str, Any]]:
    """Every resource of a search, page after page."""
    found: list[dict[str, Any]] = []
    while path:
        answer = await asked(space, scope, path, as_)
        assert answer.status == 200, answer.body
        found += answer.entries
        links = {each["relation"]: each["url"] for each in answer.json.get("link", [])}
        path = links.get("next", "").partition("/fhir")[2].lstrip("/")
    return found


def kinds(found: list[dict[str, Any]]) -> Counter[str]:
    return Counter(each["resourceType"] for each in found)


async def test_a_type_without_a_scope_is_refused_and_the_answer_says_how(space: Space) -> None:
    for path in ("Observation", "Observation/_history", f"Observation/{'a' * 26}"):
        answer = await asked(space, "patient/DocumentReference.rs", path)
        assert (answer.status, answer.json["issue"][0]["code"]) == (403, "forbidden")
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_each_letter_is_needed(space: Space) -> None:
    patient = space.patient_id()
    assert (await asked(space, "patient/Patient.r", f"Patient/{patient}")).status == 200
    assert (await asked(space, "patient/Patient.s", f"Patient/{patient}")).status == 403
    assert (await asked(space, "patient/Patient.s", "Patient")).status == 200
    assert (await asked(space, "patient/Patient.r", "Patient")).status == 403
    body = samples.observation(f"Patient/{patient}")
    for scope, status in (("system/Observation.rs", 403), ("system/Observation.c", 201)):
        made = await asked(space, scope, "Observation", samples.HOSPITAL, method="POST", body=body)
        assert made.status == status, made.body


async def test_what_is_included_chained_counted_or_of_everything_is_of_the_scope(
    space: Space,
) -> None:
    patient = space.patient_id()
    ways = [
        f"Patient/{patient}/$everything?_count=500",
        "DocumentReference?_include=*&_revinclude=*&_count=200",
        "DiagnosticReport?_include=DiagnosticReport:result&_include=DiagnosticReport:subject&_count=200",
        "?_type=Observation,DiagnosticReport,DocumentReference&_count=200",
        "_history?_count=200",
    ]
    whole = "user/*.rs"
    for path in ways:
        before = kinds(await every(space, whole, path))
        assert len(before) > 1, path
        after = kinds(await every(space, FEW, path))
        assert after == Counter({name: n for name, n in before.items() if name in HELD}), path


async def test_a_search_by_what_is_beside_finds_nothing_of_it(space: Space) -> None:
    """Chains and _has ask about resources the token does not see."""
    for path in (
        "DiagnosticReport?result.code=http://loinc.org|2345-7&_summary=count",
        "Patient?_has:Observation:patient:_id:missing=false&_summary=count",
    ):
        answer = await asked(space, "user/DiagnosticReport.rs user/Patient.rs", path)
        assert answer.status in (200, 400, 403), path
        assert answer.status != 200 or answer.json["total"] == 0, path


async def test_a_test_of_a_scope_narrows_every_way(space: Space) -> None:
    narrow = "patient/Observation.rs?category=laboratory"
    found = await every(space, "user/Observation.rs", "Observation?_count=200")
    wanted = {
        each["id"]
        for each in found
        if any(
            coding.get("code") == "laboratory"
            for category in each.get("category", [])
            for coding in category.get("coding", [])
        )
    }
    assert wanted
    assert {each["id"] for each in await every(space, narrow, "Observation?_count=200")} == wanted
    none = "patient/Observation.rs?category=vital-signs"
    vital = await every(space, none, "Observation?_count=200")
    assert not wanted & {each["id"] for each in vital}
    one = sorted(wanted)[0]
    assert (await asked(space, narrow, f"Observation/{one}")).status == 200
    assert (await asked(space, none, f"Observation/{one}")).status == 404
    assert (await asked(space, none, f"Observation/{one}/_history")).status == 404


async def test_a_patient_scope_is_of_ones_own_record_and_a_user_scope_of_all_one_may_see(
    space: Space,
) -> None:
    child = space.patient_id("minor")
    own = {each["id"] for each in await every(space, "patient/Patient.rs", "Patient", "parent")}
    all_ = {each["id"] for each in await every(space, "user/Patient.rs", "Patient", "parent")}
    assert child not in own
    assert own | {child} <= all_
    assert (await asked(space, "patient/*.rs", f"Patient/{child}", "parent")).status == 404
    assert (await asked(space, "user/*.rs", f"Patient/{child}", "parent")).status == 200


async def test_a_patient_scope_of_a_professional_without_a_patient_shows_nothing(
    space: Space,
) -> None:
    assert await every(space, "patient/*.rs", "Patient", "gp") == []
    assert await every(space, "user/*.rs", "Patient", "gp")


async def test_what_no_line_names_needs_a_token_that_nothing_narrows(space: Space) -> None:
    path = f"Patient/{space.patient_id()}/$explain?who={people.NURSE.rpps}"
    assert (await asked(space, "user/Patient.r", path)).status == 403
    assert (await asked(space, "user/*.cruds", path)).status != 403


async def test_entries_of_a_bundle_are_asked_one_by_one(space: Space) -> None:
    batch = {
        "resourceType": "Bundle", "type": "batch",
        "entry": [
            {"request": {"method": "GET", "url": "Observation?_count=1"}},
            {"request": {"method": "GET", "url": f"Patient/{space.patient_id()}"}},
        ],
    }  # fmt: skip
    answer = await asked(space, "patient/Patient.r", "", method="POST", body=batch)
    statuses = [each["response"]["status"][:3] for each in answer.json["entry"]]
    assert statuses == ["403", "200"]


async def test_a_door_that_forgets_the_scope_would_be_seen(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault."""
    monkeypatch.setattr(narrowing, "parts", lambda *_: None)
    with pytest.raises(AssertionError):
        await test_what_is_included_chained_counted_or_of_everything_is_of_the_scope(space)
    with pytest.raises(AssertionError):
        await test_a_test_of_a_scope_narrows_every_way(space)
