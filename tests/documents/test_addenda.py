# SPDX-License-Identifier: EUPL-1.2
"""What adds to a document, transforms or signs it: masked with it, and gone with that of its depositor."""

import json
from typing import Any

import pytest

from tests.documents.lots import document_of, fresh, lot, mask, replaces, superseding
from tests.space import Space

pytestmark = pytest.mark.anyio

CODES = ["appends", "transforms", "signs"]


async def written(space: Space, minutes: int, by: str = "lab-software", **more: Any) -> str:
    return document_of(await space.post("", lot(fresh(minutes=minutes).xml, **more), as_=by))


def to(document: str, code: str = "appends") -> dict[str, Any]:
    return {"relatesTo": [{"code": code, "target": {"reference": document}}]}


async def status(space: Space, document: str) -> str:
    return str((await space.get(document, as_="patient")).json["status"])


async def patched(space: Space, document: str, value: str) -> int:
    change = [{"op": "replace", "path": "/status", "value": value}]
    headers = {"content-type": "application/json-patch+json"}
    body = json.dumps(change).encode()
    answer = await space.call("PATCH", document, as_="lab-software", body=body, headers=headers)
    return answer.status


@pytest.mark.parametrize("code", CODES)
async def test_what_its_depositor_added_to_a_document_leaves_when_it_is_replaced(
    space: Space, code: str
) -> None:
    first = await written(space, 200)
    added = await written(space, 201, **to(first, code))
    further = await written(space, 202, **to(added))
    foreign = await written(space, 203, by="hospital-software", **to(first, code))
    await written(space, 204, relatesTo=replaces(first))
    assert [await status(space, each) for each in (first, added, further, foreign)] == [
        "superseded", "superseded", "superseded", "current",
    ]  # fmt: skip
    asked = f"Observation?patient={space.patient_id()}&derived-from={added}"
    assert (await space.get(asked, as_="patient")).entries == [], "its results count no more"
    again = await patched(space, added, "current")
    assert again == 200, "nothing replaces it: its author may bring it back"
    assert (await space.get(asked, as_="patient")).entries


@pytest.mark.parametrize("way", ["superseded", "entered-in-error", "DELETE"])
async def test_what_was_added_to_a_withdrawn_document_is_no_longer_in_force(
    space: Space, way: str
) -> None:
    first = await written(space, 210)
    added = await written(space, 211, **to(first))
    foreign = await written(space, 212, by="hospital-software", **to(first))
    if way == "DELETE":
        assert (await space.call("DELETE", first, as_="lab-software")).status == 204
    else:
        assert await patched(space, first, way) == 200
    assert [await status(space, each) for each in (added, foreign)] == ["superseded", "current"]


@pytest.mark.parametrize("code", CODES)
async def test_what_adds_to_a_document_is_masked_and_shown_with_it(space: Space, code: str) -> None:
    """Whoever wrote it: it says again what the patient hides."""
    first = await written(space, 220)
    added = await written(space, 221, **to(first, code))
    foreign = await written(space, 222, by="hospital-software", **to(added, code))
    hidden = (first, added, foreign)
    assert {(await space.get(each, as_="nurse")).status for each in hidden} == {200}
    await space.post(f"{first}/$hide", {}, as_="patient")
    assert {(await space.get(each, as_="nurse")).status for each in hidden} == {404}
    later = await written(space, 223, **to(first, code))
    assert (await space.get(later, as_="nurse")).status == 404
    assert "MASQUE_PS" in str((await space.get(later, as_="patient")).json["securityLabel"])
    await space.post(f"{first}/$show", {}, as_="patient")
    assert {(await space.get(each, as_="nurse")).status for each in (*hidden, later)} == {200}


async def test_a_mask_of_an_addendum_is_its_own(space: Space) -> None:
    first = await written(space, 230)
    added = await written(space, 231, **to(first))
    await space.post(f"{added}/$hide", {}, as_="patient")
    found = [(await space.get(each, as_="nurse")).status for each in (first, added)]
    assert found == [200, 404]


async def test_a_new_version_gives_its_mask_to_what_leaves_with_the_old(space: Space) -> None:
    first = await written(space, 240)
    added = await written(space, 241, **to(first))
    await written(
        space, 242, relatesTo=replaces(first), securityLabel=[mask("N"), mask("MASQUE_PS")]
    )
    found = await space.get(added, as_="patient")
    assert "MASQUE_PS" in str(found.json["securityLabel"])
    assert (await space.get(added, as_="nurse")).status == 404


async def test_what_is_hidden_from_a_depositor_gives_no_mask_away(space: Space) -> None:
    """The label of what they wrote would tell them that something masked is there."""
    first = await written(space, 250, securityLabel=[mask("N"), mask("MASQUE_PS")])
    told = []
    for minutes, target in ((251, first), (252, f"DocumentReference/{'b' * 25}a")):
        answer = await space.post(
            "", lot(fresh(minutes=minutes).xml, **to(target)), as_="hospital-software"
        )
        told.append((answer.status, "MASQUE_PS" in str(answer.body)))
        if answer.status == 200:
            read = await space.get(document_of(answer), as_="hospital-software")
            assert "MASQUE_PS" not in str(read.json.get("securityLabel"))
    assert told[0] == told[1]


async def test_the_patch_of_a_replacement_still_finds_its_effect(space: Space) -> None:
    first = await written(space, 260)
    added = await written(space, 261, **to(first))
    bundle = lot(fresh(minutes=262).xml, relatesTo=replaces(first))
    bundle["entry"].append(superseding(first))
    assert (await space.post("", bundle, as_="lab-software")).status == 200
    assert await status(space, added) == "superseded"
