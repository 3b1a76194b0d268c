# SPDX-License-Identifier: EUPL-1.2
"""RPLC: a document takes the place of another, and its masks with it."""

import asyncio
import base64
from typing import Any

import pytest

from carnet.documents.consult import document as page_of
from carnet.documents.receive import receive
from tests import people
from tests.documents.lots import (
    RFC3986,
    code,
    corrected,
    document_of,
    fresh,
    holds,
    locations,
    lot,
    mask,
    metadata,
    next_id,
    plain,
    replaces,
    subject,
    superseding,
)
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio


async def status_of(space: Space, document: str, as_: str = "patient") -> tuple[str, int]:
    kept = (await space.get(document, as_=as_)).json
    return kept["status"], int(kept["meta"]["versionId"])


async def chain(space: Space, document: str) -> list[str]:
    """The versions a page shows, newest first, from any of them."""
    page = await page_of(await space.visit("patient"), "", document.split("/")[1])
    return [f"DocumentReference/{each.id}" for each in page.versions]


def by_reference(old: str, unique: str) -> dict[str, Any]:
    return {"relatesTo": replaces(old)}


def by_number(old: str, unique: str) -> dict[str, Any]:
    target = {"identifier": {"system": RFC3986, "value": f"urn:oid:{unique}"}}
    return {"relatesTo": [{"code": "replaces", "target": target}]}


def by_both(old: str, unique: str) -> dict[str, Any]:
    target = by_number(old, unique)["relatesTo"][0]["target"] | {"reference": old}
    return {"relatesTo": [{"code": "replaces", "target": target}]}


def by_address(old: str, unique: str) -> dict[str, Any]:
    return {"relatesTo": replaces(f"http://carnet.test/fhir/{old}")}


WAYS = {"reference": by_reference, "number": by_number, "both": by_both, "address": by_address}


@pytest.mark.parametrize("patched", [False, True], ids=["alone", "with the PATCH"])
@pytest.mark.parametrize("in_cda", [False, True], ids=["metadata only", "and the CDA"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_new_version_takes_the_place_of_the_old(
    space: Space, way: str, in_cda: bool, patched: bool
) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    data = corrected(old) if in_cda else plain(corrected(old))
    more = [superseding(first)] if patched else []
    answer = await space.post(
        "", lot(data, *more, **WAYS[way](first, old.unique_id)), as_="lab-software"
    )
    assert answer.status == 200, answer.body
    second = document_of(answer)
    assert await status_of(space, first) == ("superseded", 2)
    assert await status_of(space, second) == ("current", 1)
    kept = (await space.get(second, as_="patient")).json
    targets = [each["target"]["reference"] for each in kept["relatesTo"]]
    assert targets == [first]
    before = (await space.get(f"{first}/_history/1", as_="patient")).json
    assert before["status"] == "current"
    assert await chain(space, first) == await chain(space, second) == [second, first]
    if patched:
        assert answer.json["entry"][2]["response"]["status"] == "200 OK"
        assert answer.json["entry"][2]["response"]["location"] == f"{first}/_history/2"


async def test_the_cda_alone_says_what_it_replaces(space: Space) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    second = document_of(await space.post("", lot(corrected(old)), as_="lab-software"))
    assert await status_of(space, first) == ("superseded", 2)
    assert await chain(space, first) == [second, first]


async def test_a_replacement_sent_again_is_the_same(space: Space) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    bundle = lot(corrected(old), superseding(first), relatesTo=replaces(first))
    answer = await space.post("", bundle, as_="lab-software")
    before = await holds(space)
    again = await space.post("", bundle, as_="lab-software")
    assert (again.status, locations(again)) == (200, locations(answer)), again.body
    assert await holds(space) == before


async def test_three_versions_are_one_chain_read_from_any(space: Space) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    second = document_of(await space.post("", lot(corrected(old)), as_="lab-software"))
    third = document_of(await space.post("", lot(corrected(old, 3)), as_="lab-software"))
    for each in (first, second, third):
        assert await chain(space, each) == [third, second, first]


async def test_what_was_replaced_is_not_replaced_again(space: Space) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    await space.post("", lot(corrected(old)), as_="lab-software")
    before = await holds(space)
    other = plain(corrected(old, 3))
    answer = await space.post("", lot(other, relatesTo=replaces(first)), as_="lab-software")
    assert (answer.status, code(answer)) == (422, "900")
    assert await holds(space) == before


async def test_of_two_replacements_at_once_one_wins(space: Space) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    ones = [lot(plain(corrected(old, n)), relatesTo=replaces(first)) for n in (2, 3)]
    answers: list[Answer] = await asyncio.gather(
        *(space.post("", each, as_="lab-software") for each in ones)
    )
    assert sorted(each.status for each in answers) == [200, 422]
    assert [code(each) for each in answers if each.status == 422] == ["900"]


async def test_the_document_of_another_is_absent_to_a_software(space: Space) -> None:
    """A software sees its own deposits: another's looks like one that does not exist."""
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    data = plain(corrected(old))
    answer = await space.post("", lot(data, relatesTo=replaces(first)), as_="hospital-software")
    nothing = await space.post(
        "",
        lot(data, relatesTo=replaces(f"DocumentReference/{'a' * 26}")),
        as_="hospital-software",
    )
    assert answer.status == nothing.status == 404
    assert answer.json == nothing.json
    assert await status_of(space, first) == ("current", 1)


async def test_who_sees_a_document_of_another_may_not_replace_it(space: Space) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    before = await holds(space)
    answer = await space.post("", lot(plain(corrected(old)), relatesTo=replaces(first)), as_="gp")
    assert (answer.status, code(answer)) == (403, "901")
    assert await holds(space) == before


async def test_a_hidden_document_of_another_looks_absent(space: Space) -> None:
    """Masked to professionals: the answer is that of an id that never was."""
    old = fresh()
    labels = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    first = document_of(
        await space.post("", lot(old.xml, securityLabel=labels), as_="lab-software")
    )
    data = plain(corrected(old))
    hidden = await space.post("", lot(data, relatesTo=replaces(first)), as_="hospital-doctor")
    absent = await space.post(
        "", lot(data, relatesTo=replaces(f"DocumentReference/{'a' * 26}")), as_="hospital-doctor"
    )
    assert (hidden.status, hidden.json) == (absent.status, absent.json)
    assert hidden.status == 404


async def test_a_document_of_another_person_is_not_replaced(space: Space) -> None:
    theirs = fresh(people.PARENT)
    first = document_of(
        await space.post("", lot(theirs.xml, subject=subject(people.PARENT)), as_="lab-software")
    )
    before = await holds(space)
    answer = await space.post("", lot(fresh().xml, relatesTo=replaces(first)), as_="lab-software")
    assert (answer.status, code(answer)) == (422, "900")
    assert await holds(space) == before


async def test_metadata_and_cda_replace_the_same_document(space: Space) -> None:
    old, other = fresh(), fresh(minutes=3)
    await space.post("", lot(old.xml), as_="lab-software")
    second = document_of(await space.post("", lot(other.xml), as_="lab-software"))
    before = await holds(space)
    answer = await space.post(
        "", lot(corrected(old), relatesTo=replaces(second)), as_="lab-software"
    )
    assert (answer.status, code(answer)) == (422, "900")
    assert await holds(space) == before


@pytest.mark.parametrize("way", ["metadata", "cda", "load"])
async def test_an_unknown_parent_is_kept_by_its_number(space: Space, way: str) -> None:
    old = fresh()
    if way == "load":
        visit = await space.visit("lab-software")
        done = await receive(visit, space.built.desk.acts, corrected(old))
        document = done.address
    else:
        relates = by_number("", old.unique_id) if way == "metadata" else {}
        data = plain(corrected(old)) if way == "metadata" else corrected(old)
        document = document_of(await space.post("", lot(data, **relates), as_="lab-software"))
    kept = (await space.get(document, as_="patient")).json
    (related,) = kept["relatesTo"]
    assert related["code"] == "replaces"
    assert "reference" not in related["target"]
    assert related["target"]["identifier"]["value"] == f"urn:oid:{old.unique_id}"
    assert await chain(space, document) == [document]
    # The document says that nothing was replaced; a strict entry refuses it (900).
    told = [each["valueCoding"]["code"] for each in kept["extension"] if "reserve" in each["url"]]
    assert "replaces-unknown" in told


async def test_a_version_sent_by_load_replaces_one_sent_by_iti_65(space: Space) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    done = await receive(await space.visit("lab-software"), space.built.desk.acts, corrected(old))
    assert await chain(space, done.address) == [done.address, first]
    assert next_id(old) in done.document.header.id.root  # type: ignore[union-attr]


# ------------------------------------------------------------------------------------------- masks


async def labels_of(space: Space, document: str) -> set[int]:
    cid, rid = space.built.door.ids.decode(document.split("/")[1]) or (0, 0)
    rows = await space.rows(
        "SELECT DISTINCT labels FROM record.resource WHERE cid = %s AND (rid = %s OR origin = %s)",
        cid, rid, rid,
    )  # fmt: skip
    return {row[0] for row in rows}


async def test_a_new_version_of_a_masked_document_is_masked(space: Space) -> None:
    """The patient hid what it says, and a correction says it again."""
    old = fresh()
    labels = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    await space.post("", lot(old.xml, securityLabel=labels), as_="lab-software")
    answer = await space.post("", lot(corrected(old)), as_="lab-software")
    second = document_of(answer)
    assert await labels_of(space, second) == {1}
    for each in locations(answer):
        assert (await space.get(each, as_="hospital-doctor")).status == 404
    kept = (await space.get(second, as_="lab-software")).json
    assert [each["coding"][0]["code"] for each in kept["securityLabel"]] == ["N", "MASQUE_PS"]


async def test_a_mask_of_a_new_version_is_put_on_the_whole_chain(space: Space) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    second = document_of(await space.post("", lot(corrected(old)), as_="lab-software"))
    assert (await space.get(first, as_="hospital-doctor")).status == 200
    labels = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    answer = await space.post("", lot(corrected(old, 3), securityLabel=labels), as_="lab-software")
    third = document_of(answer)
    for each in (first, second, third):
        assert {label & 7 for label in await labels_of(space, each)} == {1}, each
        assert (await space.get(each, as_="hospital-doctor")).status == 404
        kept = (await space.get(each, as_="lab-software")).json
        assert kept["securityLabel"][-1]["coding"][0]["code"] == "MASQUE_PS"
        old_one = await space.get(f"{each}/_history/1", as_="hospital-doctor")
        assert old_one.status == 404, "an old version is judged by the current one"


# ------------------------------------------------------------------------------------------- PATCH


def patch(document: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "PATCH", "url": document}}


PATCHES: dict[str, Any] = {
    "of another element": [("path", "DocumentReference.securityLabel")],
    "to another status": [("value", "entered-in-error")],
    "that deletes": [("type", "delete")],
}


@pytest.mark.parametrize("what", PATCHES)
async def test_a_patch_that_does_more_is_refused(space: Space, what: str) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    entry = superseding(first)
    for name, value in PATCHES[what]:
        for part in entry["resource"]["parameter"][0]["part"]:
            if part["name"] == name:
                key = next(key for key in part if key != "name")
                part[key] = value
    before = await holds(space)
    bundle = lot(corrected(old), entry, relatesTo=replaces(first))
    answer = await space.post("", bundle, as_="lab-software")
    assert (answer.status, answer.json["issue"][0]["code"]) == (405, "not-supported")
    assert await holds(space) == before


async def test_a_patch_alone_is_that_of_its_author_and_beside_another_document_is_refused(
    space: Space,
) -> None:
    """Alone it withdraws the document (PDSm, flow 03); in a lot it is the effect of a replacement."""
    first = document_of(await space.post("", lot(fresh().xml), as_="lab-software"))
    other = lot(fresh(minutes=4).xml, superseding(first))
    assert (await space.post("", other, as_="lab-software")).status == 405
    assert await status_of(space, first) == ("current", 1)
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [superseding(first)]}
    assert (await space.post("", bundle, as_="gp")).status == 403
    assert (await space.post("", bundle, as_="lab-software")).status == 200
    assert await status_of(space, first) == ("superseded", 2)


async def test_a_json_patch_in_a_binary_is_understood(space: Space) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    said = b'[{"op": "replace", "path": "/status", "value": "superseded"}]'
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(said).decode(),
    }
    bundle = lot(corrected(old), patch(first, binary), relatesTo=replaces(first))
    answer = await space.post("", bundle, as_="lab-software")
    assert answer.status == 200, answer.body
    assert await status_of(space, first) == ("superseded", 2)
