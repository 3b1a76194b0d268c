# SPDX-License-Identifier: EUPL-1.2
"""Refusals of documents that no other test asks for: each rule that raises is asked by some test."""

import base64
from typing import Any

import pytest

from carnet import errors
from carnet.access.door import Nothing, Unit, commit
from carnet.config import Instance
from carnet.documents import content, files, show
from carnet.documents.receive import NotHere
from carnet.documents.receive_file import receive_file
from carnet.exchange.parts import Told
from carnet.rest.acts import Plan
from tests.documents.files import samples
from tests.documents.lots import fresh, holds, instance, lot
from tests.documents.test_amend import ARCHIVED, deposited, patched
from tests.documents.test_folders import made as folder_made
from tests.documents.test_generate import OPERATION, binary, fhir
from tests.documents.test_upload import deposited as uploaded
from tests.documents.test_upload import posted
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio


def said(answer: Answer) -> str:
    return str(answer.json["issue"][0]["diagnostics"])


async def test_a_deleted_document_is_neither_changed_nor_masked(space: Space) -> None:
    document, _ = await deposited(space, minutes=300)
    assert (await space.call("DELETE", document, as_="lab-software")).status == 204
    change = [{"op": "replace", "path": "/status", "value": "superseded"}]
    assert (await patched(space, document, change)).status == 410
    assert (await space.post(f"{document}/$hide", {}, as_="patient")).status == 410


async def test_a_patch_of_an_extension_that_is_not_there_or_a_status_of_none_is_refused(
    space: Space,
) -> None:
    document, _ = await deposited(space, minutes=301)
    before = await holds(space)
    absent = [{"op": "remove", "path": f"/extension[url:'{ARCHIVED}']"}]
    assert (await patched(space, document, absent)).status == 422
    nonsense = [{"op": "replace", "path": "/status", "value": "nonsense"}]
    assert (await patched(space, document, nonsense)).status == 422
    assert await holds(space) == before


async def test_what_is_in_error_stays_so(space: Space) -> None:
    document, _ = await deposited(space, minutes=302)
    error = [{"op": "replace", "path": "/status", "value": "entered-in-error"}]
    assert (await patched(space, document, error)).status == 200
    for value in ("current", "superseded"):
        back = [{"op": "replace", "path": "/status", "value": value}]
        refused = await patched(space, document, back)
        assert (refused.status, refused.json["issue"][0]["expression"]) == (
            422, ["DocumentReference.status"],
        )  # fmt: skip
    flag = [{"op": "add", "path": "/extension", "value": [{"url": ARCHIVED, "valueBoolean": True}]}]
    assert (await patched(space, document, flag)).status == 422
    assert (await patched(space, document, error)).status == 200, "what changes nothing is taken"


async def test_bytes_are_those_of_base64_and_are_there() -> None:
    """What structure lets through, or an act that no request wrote, is refused here all the same."""
    for wrong in ("YQ=*", "Y", "é"):
        with pytest.raises(content.NotBase64):
            content.decoded(wrong)
    with pytest.raises(content.NoContent):
        content.files(Plan([]), {"resourceType": "DocumentReference"})


async def test_a_deletion_says_which_version_it_means(space: Space) -> None:
    document, _ = await deposited(space, minutes=303)
    headers = {"if-match": 'W/"7"'}
    refused = await space.call("DELETE", document, as_="lab-software", headers=headers)
    assert refused.status in (409, 412)
    assert (await space.get(document, as_="gp")).status == 200


async def test_a_folder_names_documents_of_here_alone(space: Space) -> None:
    """The id of one of ours at another's address is another's document."""
    address, document = await folder_made(space)
    kept = (await space.get(address, as_="lab-software")).json
    kept["entry"][0]["item"]["reference"] = f"http://elsewhere.test/fhir/{document}"
    assert (await space.put(address, kept, as_="lab-software")).status == 422


async def test_a_folder_of_another_version_or_deleted_is_not_changed(space: Space) -> None:
    address, _ = await folder_made(space)
    kept = (await space.get(address, as_="lab-software")).json
    headers = {"if-match": 'W/"7"'}
    refused = await space.call("PUT", address, as_="lab-software", body=kept, headers=headers)
    assert refused.status in (409, 412)
    assert (await space.get(address, as_="lab-software")).json == kept

    async def delete(unit: Unit) -> None:
        await unit.delete("List", address.split("/")[1], platform=True)

    await commit(await space.visit("lab-software"), delete, "delete")
    assert (await space.put(address, kept, as_="lab-software")).status == 410


@pytest.mark.parametrize(
    "attachment",
    [{"contentType": "text/plain"}, {"contentType": "text/plain", "data": "YQ=*"}],
    ids=["no bytes", "no base64"],
)
async def test_a_document_has_bytes(space: Space, attachment: dict[str, Any]) -> None:
    bundle = lot(fresh(minutes=304).xml)
    document = bundle["entry"][1]["resource"]
    document["content"][0]["attachment"] = attachment
    before = await holds(space)
    assert (await space.post("", bundle, as_="lab-software")).status in (400, 422)
    assert await holds(space) == before


def parameters(document: Any) -> dict[str, Any]:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "document", "resource": document}],
    }


async def test_what_is_no_document_gets_no_metadata(space: Space) -> None:
    unnamed = fhir(subject={"display": "Quelqu’un"})
    nobody = fhir()
    del nobody["entry"][1]["resource"]["identifier"]
    reversed_ = fhir()
    reversed_["entry"].reverse()
    badly = base64.b64encode(b'{"resourceType":"Bundle","type":"document","entry":3}').decode()
    wrong = {
        "a person without a number": (422, nobody),
        "a person who is only a name": (422, unnamed),
        "another resource first": (422, reversed_),
        "a file of no structure": (
            400,
            {"resourceType": "Binary", "contentType": "application/fhir+json", "data": badly},
        ),
        "a picture": (422, binary(samples.picture("PNG"), "image/png")),
    }
    before = await holds(space)
    for name, (status, document) in wrong.items():
        answer = await space.post(OPERATION, parameters(document), as_="gp")
        assert answer.status == status, (name, answer.body)
    for body in (
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [{"name": "other", "resource": fhir()}]},
        {"resourceType": "Parameters", "parameter": [{"name": "document", "valueString": "x"}]},
        parameters(fhir()) | {"resourceType": "Bundle", "type": "batch"},
    ):
        assert (await space.post(OPERATION, body, as_="gp")).status == 400
    assert await holds(space) == before


async def test_a_document_about_nobody_is_refused(space: Space) -> None:
    """Neither its metadata nor its file says whose it is."""
    bundle = lot(b"du texte", subject=None)
    attachment = bundle["entry"][1]["resource"]["content"][0]["attachment"]
    attachment["contentType"] = bundle["entry"][2]["resource"]["contentType"] = "text/plain"
    bundle["entry"][0]["resource"].pop("subject", None)
    for key in ("size", "hash"):
        attachment.pop(key, None)
    before = await holds(space)
    refused = await space.post("", bundle, as_="lab-software")
    assert refused.status in (412, 422), refused.body
    assert await holds(space) == before


async def test_identities_are_not_made_from_files_in_production(space: Space) -> None:
    async with instance(space, Instance.PRODUCTION) as other:
        visit = await other.visit("lab-software")
        with pytest.raises(NotHere):
            await receive_file(
                visit, other.built.desk.acts, b"x", "text/plain", Told(), create_patient=True
            )


async def test_a_file_is_shown_in_its_own_record_alone(space: Space) -> None:
    """A professional of both records names one with the file of the other."""
    made = await uploaded(space, samples.pdf())
    resource = (await space.get(f"DocumentReference/{made.document}", as_="patient")).json
    file = str(resource["content"][0]["attachment"]["url"]).removeprefix("Binary/")
    gp = await space.visit("gp")
    assert (await show.file(gp, space.patient_id(), made.document)).pages == 1
    for record in ("unknown", "a" * 26, space.patient_id("minor")):
        with pytest.raises(Nothing):
            await show.file(gp, record, made.document)
        with pytest.raises(Nothing):
            await show.picture(gp, record, file, 1, 200)


@pytest.mark.parametrize(
    "change",
    [
        {"content": [{"attachment": {"title": "a", "url": "Binary/x"}}]},
        {"content": [{"attachment": {"title": "a", "data": "", "contentType": "text/plain"}}]},
        {"content": [{"attachment": {"title": "a", "data": "YQ==", "size": 7}}]},
        {"content": [{"attachment": {"title": "a", "data": "YQ==", "hash": "YQ=="}}]},
        {"content": [{"attachment": {"title": "a", "data": "YQ=="}}] * 2},
    ],
    ids=["elsewhere", "empty", "another size", "another hash", "two files"],
)
async def test_a_deposit_of_a_patient_is_one_file_as_it_is_told(
    space: Space, change: dict[str, Any]
) -> None:
    before = await holds(space)
    refused = await posted(space, b"du texte", **change)
    assert refused.status in (400, 422), refused.body
    assert await holds(space) == before


async def test_an_empty_file_is_no_deposit(space: Space) -> None:
    before = await holds(space)
    with pytest.raises(files.Refused):
        await uploaded(space, b"")
    assert await holds(space) == before


async def test_a_patient_deposits_in_records_they_hold(space: Space) -> None:
    before = await holds(space)
    for patient in ("nothing", "a" * 26, space.patient_id("elder")):
        with pytest.raises(errors.NotFound):
            await uploaded(space, samples.pdf(), patient=patient)
    assert await holds(space) == before
