# SPDX-License-Identifier: EUPL-1.2
"""Lots that are badly made, on purpose or not: refused whole and said why, or taken without loss."""

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import people
from tests.documents.lots import (
    BINARY,
    DOCUMENT,
    LIST,
    RFC3986,
    document_of,
    fresh,
    holds,
    locations,
    lot,
    mask,
    metadata,
    replaces,
    sha1,
    subject,
)
from tests.space import Space

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
SECOND = "urn:uuid:11111111-0000-4000-8000-000000000021"
ITS_FILE = "urn:uuid:11111111-0000-4000-8000-000000000022"
ENTRY = "urn:uuid:11111111-0000-4000-8000-0000000000aa"


def with_second(bundle: Json, data: bytes, **changes: Any) -> Json:
    """A second document in the lot, named by its list."""
    document = metadata(data, **changes)
    document["content"][0]["attachment"]["url"] = ITS_FILE
    file = {
        "resourceType": "Binary",
        "contentType": "text/xml",
        "data": base64.b64encode(data).decode(),
    }
    for url, resource in ((SECOND, document), (ITS_FILE, file)):
        request = {"method": "POST", "url": resource["resourceType"]}
        bundle["entry"].append({"fullUrl": url, "resource": resource, "request": request})
    bundle["entry"][0]["resource"]["entry"].append({"item": {"reference": SECOND}})
    return bundle


def plain(minutes: int = 40) -> Json:
    return lot(fresh(minutes=minutes).xml)


def of_two_people() -> Json:
    """One submission set, the documents of two patients."""
    return with_second(plain(), fresh(people.PARENT).xml, subject=subject(people.PARENT))


def list_of_another() -> Json:
    """The set is said to be another patient's than its document."""
    bundle = plain()
    bundle["entry"][0]["resource"]["subject"] = subject(people.PARENT)
    return bundle


def same_full_url() -> Json:
    bundle = plain()
    bundle["entry"].append(copy.deepcopy(bundle["entry"][1]))
    return bundle


def two_of_one_file() -> Json:
    """Two DocumentReferences of one Binary."""
    bundle = plain()
    other = copy.deepcopy(bundle["entry"][1])
    other["fullUrl"] = SECOND
    other["resource"]["masterIdentifier"] = {
        "system": RFC3986,
        "value": "urn:oid:1.2.250.1.999.9.9",
    }
    bundle["entry"].append(other)
    return bundle


def itself() -> Json:
    """It says to replace itself."""
    bundle = plain()
    bundle["entry"][1]["resource"]["relatesTo"] = replaces(DOCUMENT)
    return bundle


def each_other() -> Json:
    """Two documents of one lot that replace each other."""
    bundle = with_second(plain(), fresh(minutes=41).xml)
    bundle["entry"][1]["resource"]["relatesTo"] = replaces(SECOND)
    bundle["entry"][3]["resource"]["relatesTo"] = replaces(DOCUMENT)
    return bundle


def file_elsewhere() -> Json:
    bundle = plain()
    bundle["entry"][1]["resource"]["content"][0]["attachment"]["url"] = "http://169.254.169.254/x"
    return bundle


def its_list_as_file() -> Json:
    bundle = plain()
    bundle["entry"][1]["resource"]["content"][0]["attachment"]["url"] = LIST
    return bundle


def of_another_file() -> Json:
    """The hash of another file, the right size."""
    bundle = plain()
    bundle["entry"][1]["resource"]["content"][0]["attachment"]["hash"] = sha1(b"x")
    return bundle


def without_its_file() -> Json:
    bundle = plain()
    del bundle["entry"][2]
    return bundle


REFUSED: dict[Callable[[], Json], tuple[int, str]] = {
    of_two_people: (422, "their own record"),
    list_of_another: (422, "their own record"),
    same_full_url: (400, "the same fullUrl"),
    two_of_one_file: (422, "has its content in the same Bundle"),
    itself: (404, "Nothing is known"),
    each_other: (404, "Nothing is known"),
    file_elsewhere: (422, "has its content in the same Bundle"),
    its_list_as_file: (422, "has its content in the same Bundle"),
    of_another_file: (422, "hash"),
    without_its_file: (422, "has its content in the same Bundle"),
}


async def test_what_is_badly_made_is_refused_whole_and_says_why(space: Space) -> None:
    """No row is left; a file that no row names is swept by the worker."""
    before = await holds(space)
    for made, (status, why) in REFUSED.items():
        answer = await space.post("", made(), as_="lab-software")
        assert (answer.status, why in answer.said) == (status, True), (made, answer.body)
        after = await holds(space)
        assert before | {"files": 0} == after | {"files": 0}, made


async def test_the_same_document_twice_in_a_lot_is_one(space: Space) -> None:
    bundle = with_second(plain(), fresh(minutes=40).xml)
    answer = await space.post("", bundle, as_="lab-software")
    assert answer.status == 200, answer.body
    _, first, file, second, again = locations(answer)
    assert (first, file) == (second, again)
    assert file.startswith("Binary/")


async def test_a_list_bears_the_masks_of_each_document_that_was_there(space: Space) -> None:
    """Two that were there, the masked one first, beside a new one."""
    data = [fresh(minutes=each).xml for each in (50, 51, 52)]
    masked = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    assert (
        await space.post("", lot(data[0], securityLabel=masked), as_="lab-software")
    ).status == 200
    assert (await space.post("", lot(data[1]), as_="lab-software")).status == 200
    bundle = with_second(lot(data[0], securityLabel=masked), data[1])
    third = lot(data[2])
    for at, url in ((1, DOCUMENT[:-2] + "31"), (2, BINARY[:-2] + "32")):
        entry = third["entry"][at] | {"fullUrl": url}
        bundle["entry"].append(entry)
    bundle["entry"][-2]["resource"]["content"][0]["attachment"]["url"] = BINARY[:-2] + "32"
    bundle["entry"][0]["resource"]["entry"].append({"item": {"reference": DOCUMENT[:-2] + "31"}})
    answer = await space.post("", bundle, as_="lab-software")
    assert answer.status == 200, answer.body
    address = locations(answer)[0]
    assert (await space.get(address, as_="lab-software")).status == 200
    assert (await space.get(address, as_="hospital-doctor")).status == 404


@pytest.mark.parametrize("status", ["superseded", "entered-in-error"])
async def test_what_comes_no_longer_in_force_gives_no_result(space: Space, status: str) -> None:
    """A document of an older store: kept as it was, and nothing that is read in it counts."""
    asked = f"Observation?patient={space.patient_id()}&_summary=count"
    before = (await space.get(asked, as_="gp")).json["total"]
    answer = await space.post("", lot(fresh(minutes=60).xml, status=status), as_="lab-software")
    assert answer.status == 200, answer.body
    kept = await space.get(document_of(answer), as_="gp")
    assert (kept.status, kept.json["status"]) == (200, status)
    assert (await space.get(asked, as_="gp")).json["total"] == before
    labels = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    hidden = lot(fresh(minutes=61).xml, status=status, securityLabel=labels)
    sent = locations(await space.post("", hidden, as_="lab-software"))
    for each in sent:
        assert (await space.get(each, as_="hospital-doctor")).status == 404


async def test_one_entry_uuid_on_two_documents_names_neither(space: Space) -> None:
    """A condition that several fulfil changes nothing: 412."""
    named = [{"system": RFC3986, "value": ENTRY}]
    found = []
    for minutes in (70, 71):
        bundle = lot(fresh(minutes=minutes).xml, identifier=named)
        found.append(document_of(await space.post("", bundle, as_="lab-software")))
    assert len(set(found)) == 2
    body = [{"op": "replace", "path": "/status", "value": "superseded"}]
    answer = await space.call(
        "PATCH",
        f"DocumentReference?identifier={RFC3986}%7C{ENTRY}",
        as_="lab-software",
        body=json.dumps(body).encode(),
        headers={"content-type": "application/json-patch+json"},
    )
    assert answer.status == 412, answer.body
    for each in found:
        assert (await space.get(each, as_="gp")).json["status"] == "current"


async def test_what_adds_to_transforms_or_signs_a_document_leaves_it_in_force(space: Space) -> None:
    """relatesTo other than replaces: kept, found, and nothing is deprecated."""
    first = document_of(await space.post("", lot(fresh(minutes=80).xml), as_="lab-software"))
    for minutes, code in enumerate(("appends", "transforms", "signs"), 81):
        related = [{"code": code, "target": {"reference": first}}]
        bundle = lot(fresh(minutes=minutes).xml, relatesTo=related)
        other = document_of(await space.post("", bundle, as_="lab-software"))
        assert (await space.get(other, as_="gp")).json["relatesTo"] == related
        asked = f"DocumentReference?patient={space.patient_id()}&relation={code}&relatesto={first}"
        entries = (await space.get(asked, as_="gp")).entries
        assert [f"DocumentReference/{each['id']}" for each in entries] == [other]
    assert (await space.get(first, as_="gp")).json["status"] == "current"


async def test_a_document_in_error_is_not_replaced(space: Space) -> None:
    """From the one status that is final there is no way to superseded either."""
    made = lot(fresh(minutes=90).xml, status="entered-in-error")
    wrong = document_of(await space.post("", made, as_="lab-software"))
    right = lot(fresh(minutes=91).xml, relatesTo=replaces(wrong))
    assert (await space.post("", right, as_="lab-software")).status == 422
    assert (await space.get(wrong, as_="gp")).json["status"] == "entered-in-error"
