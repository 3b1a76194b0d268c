# SPDX-License-Identifier: EUPL-1.2
"""Folders of documents: made, added to, found; and FHIR documents in a lot (MHD 4.2, ITI-65)."""

import copy
import json
from typing import Any

import pytest

from tests import people
from tests.documents.lots import document_of, fresh, holds, locations, lot, mask, metadata
from tests.documents.test_generate import fhir
from tests.space import Space

pytestmark = pytest.mark.anyio

MHD = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes"
FOLDER = "urn:uuid:11111111-0000-4000-8000-000000000008"


def folder(minutes: int = 0, **changes: Any) -> dict[str, Any]:
    """A lot of one document, and the folder it is put in."""
    bundle = lot(fresh(minutes=minutes).xml, **changes)
    made = copy.deepcopy(bundle["entry"][0])
    made["fullUrl"] = FOLDER
    made["resource"]["code"]["coding"][0]["code"] = "folder"
    made["resource"]["title"] = "Suivi de grossesse"
    bundle["entry"].insert(1, made)
    bundle["entry"][0]["resource"]["entry"].append({"item": {"reference": FOLDER}})
    return bundle


async def made(space: Space) -> tuple[str, str]:
    """The address of a folder, and of the document in it."""
    answer = await space.post("", folder(), as_="lab-software")
    assert answer.status == 200, answer.body
    return locations(answer)[1], document_of(answer)


async def found(space: Space, as_: str, code: str = "folder") -> list[str]:
    query = f"List?patient={space.patient_id()}&status=current&code={MHD}%7C{code}&_count=100"
    return [f"List/{each['id']}" for each in (await space.get(query, as_=as_)).entries]


async def test_a_folder_is_made_found_and_added_to(space: Space) -> None:
    address, first = await made(space)
    assert address in await found(space, "gp")
    other = document_of(await space.post("", lot(fresh(minutes=5).xml), as_="lab-software"))
    kept = (await space.get(address, as_="lab-software")).json
    assert [each["item"]["reference"] for each in kept["entry"]] == [first]
    kept["entry"].append({"item": {"reference": other}})
    answer = await space.put(address, kept, as_="lab-software")
    assert answer.status == 200, answer.body
    assert answer.json["meta"]["versionId"] == "2"
    by_item = await space.get(f"List?item={other}&code=folder", as_="gp")
    assert [f"List/{each['id']}" for each in by_item.entries] == [address]


async def test_a_lot_adds_to_a_folder(space: Space) -> None:
    """addToFolder: the document and the PUT of the folder, in one transaction."""
    address, first = await made(space)
    kept = (await space.get(address, as_="lab-software")).json
    bundle = lot(fresh(minutes=7).xml)
    document = bundle["entry"][1]["fullUrl"]
    kept["entry"].append({"item": {"reference": document}})
    bundle["entry"].append(
        {"fullUrl": "urn:uuid:11111111-0000-4000-8000-000000000007", "resource": kept,
         "request": {"method": "PUT", "url": address}}
    )  # fmt: skip
    answer = await space.post("", bundle, as_="lab-software")
    assert answer.status == 200, answer.body
    after = (await space.get(address, as_="gp")).json
    assert [each["item"]["reference"] for each in after["entry"]] == [first, document_of(answer)]


async def test_a_folder_takes_the_masks_and_the_kind_of_what_is_put_in_it(space: Space) -> None:
    """Who may not see one of its documents does not see the folder: it would say that there is one."""
    address, _ = await made(space)
    labels = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    hidden = document_of(
        await space.post("", lot(fresh(minutes=6).xml, securityLabel=labels), as_="lab-software")
    )
    kept = (await space.get(address, as_="lab-software")).json
    assert (await space.get(address, as_="hospital-doctor")).status == 200
    kept["entry"].append({"item": {"reference": hidden}})
    assert (await space.put(address, kept, as_="lab-software")).status == 200
    assert (await space.get(address, as_="hospital-doctor")).status == 404
    assert address not in await found(space, "hospital-doctor")
    assert address in await found(space, "patient")
    kept["entry"].pop()
    assert (await space.put(address, kept, as_="lab-software")).status == 200
    assert (await space.get(address, as_="hospital-doctor")).status == 200
    rows = "SELECT kind FROM record.resource WHERE rid = %s"
    place = space.built.door.ids.decode(address.split("/")[1])
    assert place is not None
    before = await space.rows(rows, place[1])
    note = lot(
        b"%PDF-1.4 note", media="application/pdf",
        type={"coding": [{"system": "http://loinc.org", "code": "60591-5"}]},
    )  # fmt: skip
    other = document_of(await space.post("", note, as_="lab-software"))
    kept["entry"].append({"item": {"reference": other}})
    assert (await space.put(address, kept, as_="lab-software")).status == 200
    assert await space.rows(rows, place[1]) != before


async def test_a_folder_made_of_what_is_there_takes_its_masks_too(space: Space) -> None:
    """Made by itself or in a lot; of documents of one record, that its maker sees."""
    labels = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    hidden = document_of(
        await space.post("", lot(fresh(minutes=6).xml, securityLabel=labels), as_="lab-software")
    )
    plain = document_of(await space.post("", lot(fresh(minutes=5).xml), as_="lab-software"))
    whose = people.PARENT
    theirs = {"reference": f"Patient?identifier=urn:oid:{whose.ins_oid}|{whose.ins}"}
    elsewhere = document_of(
        await space.post("", lot(fresh(whose).xml, subject=theirs), as_="lab-software")
    )
    alone: dict[str, Any] = folder()["entry"][1]["resource"]

    def of(*items: str) -> dict[str, Any]:
        return alone | {"entry": [{"item": {"reference": each}} for each in items]}

    seen = await space.post("List", of(plain), as_="lab-software")
    kept = await space.post("List", of(plain, hidden), as_="lab-software")
    assert (seen.status, kept.status) == (201, 201), kept.body
    for answer, status in ((seen, 200), (kept, 404)):
        address = f"List/{answer.json['id']}"
        assert (await space.get(address, as_="lab-software")).status == 200
        assert (await space.get(address, as_="hospital-doctor")).status == status
    bundle = folder(8)
    bundle["entry"][1]["resource"]["entry"].append({"item": {"reference": hidden}})
    sent = locations(await space.post("", bundle, as_="lab-software"))
    assert (await space.get(sent[1], as_="hospital-doctor")).status == 404
    assert (await space.get(sent[2], as_="hospital-doctor")).status == 200
    before = await holds(space)
    refused = await space.post("List", of(plain, elsewhere), as_="lab-software")
    assert refused.status == 422, refused.body
    bundle = folder(9)
    bundle["entry"][0]["resource"]["entry"].append({"item": {"reference": elsewhere}})
    assert (await space.post("", bundle, as_="lab-software")).status == 422
    assert (await holds(space))["record.resource"] == before["record.resource"]
    # What its depositor does not see is to them as what nobody has.
    for there in (hidden, f"DocumentReference/{'a' * 26}"):
        assert (await space.post("List", of(there), as_="hospital-software")).status == 201


async def test_a_folder_is_its_makers_and_holds_documents_of_its_record(space: Space) -> None:
    address, _ = await made(space)
    kept = (await space.get(address, as_="lab-software")).json
    whose = people.PARENT
    theirs = {"reference": f"Patient?identifier=urn:oid:{whose.ins_oid}|{whose.ins}"}
    elsewhere = document_of(
        await space.post("", lot(fresh(whose).xml, subject=theirs), as_="lab-software")
    )
    of_another = document_of(
        await space.post("", lot(fresh(minutes=3).xml), as_="hospital-software")
    )
    wrong: list[tuple[dict[str, Any], str, int]] = [
        (kept, "gp", 403),
        (kept, "hospital-software", 404),
        (kept | {"entry": [{"item": {"reference": elsewhere}}]}, "lab-software", 422),
        (kept | {"entry": [{"item": {"reference": of_another}}]}, "lab-software", 422),
        (kept | {"entry": [{"item": {"reference": f"DocumentReference/{'a' * 26}"}}]},
         "lab-software", 422),
        (kept | {"entry": [{"item": {"reference": address}}]}, "lab-software", 422),
        (kept | {"identifier": [{"value": "other"}]}, "lab-software", 422),
        (kept | {"subject": {"reference": f"Patient/{space.patient_id(whose.key)}"}},
         "lab-software", 422),
    ]  # fmt: skip
    for resource, person, status in wrong:
        answer = await space.put(address, resource, as_=person)
        assert answer.status == status, answer.body
    answer = await space.post("", lot(fresh(minutes=9).xml), as_="lab-software")
    (submission,) = [each for each in locations(answer) if each.startswith("List/")]
    sent = (await space.get(submission, as_="lab-software")).json
    assert (await space.put(submission, sent, as_="lab-software")).status == 422
    assert (await space.get(address, as_="lab-software")).json["meta"]["versionId"] == "1"


async def test_a_fhir_document_in_a_lot_is_kept_as_one_file(space: Space) -> None:
    """The Bundle of the lot is what its DocumentReference points to (FHIR Documents Publish)."""
    url = "urn:uuid:11111111-0000-4000-8000-000000000002"
    content = [{"attachment": {"contentType": "application/fhir+json", "url": url, "size": 3}}]
    bundle = lot(b"", content=content)
    bundle["entry"][2] = {
        "fullUrl": url, "resource": fhir(), "request": {"method": "POST", "url": "Bundle"},
    }  # fmt: skip
    answer = await space.post("", bundle, as_="lab-software")
    assert answer.status == 200, answer.body
    kept = (await space.get(document_of(answer), as_="gp")).json
    attachment = kept["content"][0]["attachment"]
    assert attachment["url"] == locations(answer)[2]
    raw = await space.get(attachment["url"], as_="gp", accept="application/fhir+json")
    assert json.loads(raw.body)["entry"][0]["resource"]["title"] == "Synthèse du 20 novembre"
    assert attachment["size"] == len(raw.body)
    alone = {"fullUrl": url, "resource": fhir(), "request": {"method": "POST", "url": "Bundle"}}
    lonely = await space.post(
        "", {"resourceType": "Bundle", "type": "transaction", "entry": [alone]}, as_="lab-software"
    )
    assert lonely.status == 403
