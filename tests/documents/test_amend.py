# SPDX-License-Identifier: EUPL-1.2
"""PATCH of a document: what it may touch, who may, and what follows (PDSm, flows 03 and 04)."""

import json
from typing import Any

import pytest

from carnet.documents.consult import document as page_of
from carnet.documents.consult import documents
from tests import people
from tests.documents.lots import (
    document_of,
    fresh,
    lot,
    mask,
    metadata,
    superseding,
)
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

ARCHIVED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
JSON_PATCH = "application/json-patch+json"


def operation(kind: str, path: str, **value: Any) -> dict[str, Any]:
    """One of a FHIRPath Patch."""
    part: list[dict[str, Any]] = [
        {"name": "type", "valueCode": kind},
        {"name": "path", "valueString": path},
    ]
    part += [{"name": "value", key: each} for key, each in value.items()]
    return {"name": "operation", "part": part}


def path_patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(operations)}


async def patched(space: Space, document: str, body: Any, as_: str = "lab-software") -> Answer:
    """By FHIRPath Patch (a dict) or by JSON Patch (a list)."""
    if isinstance(body, dict):
        return await space.call("PATCH", document, as_=as_, body=body)
    headers = {"content-type": JSON_PATCH}
    return await space.call(
        "PATCH", document, as_=as_, body=json.dumps(body).encode(), headers=headers
    )


async def deposited(space: Space, **more: Any) -> tuple[str, str]:
    """A document of the laboratory, and how its uniqueId is asked for."""
    made = fresh(**{key: more.pop(key) for key in ("minutes",) if key in more})
    answer = await space.post("", lot(made.xml, **more), as_="lab-software")
    assert answer.status == 200, answer.body
    return document_of(answer), f"urn:ietf:rfc:3986|urn:oid:{made.unique_id}"


ADDED = {"op": "add", "path": "/extension", "value": [{"url": ARCHIVED, "valueBoolean": True}]}
WAYS: dict[str, Any] = {
    "JSON Patch": [ADDED],
    "the agency's own path": [
        {"op": "add", "path": f"/extension[url:'{ARCHIVED}']/valueBoolean", "value": True}
    ],
    "its path with replace": [
        {"op": "replace", "path": f"/extension[url='{ARCHIVED}']/valueBoolean", "value": True}
    ],
    "FHIRPath Patch": path_patch(
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "add"},
                {"name": "path", "valueString": "DocumentReference"},
                {"name": "name", "valueString": "extension"},
                {
                    "name": "value",
                    "part": [
                        {"name": "url", "valueUri": ARCHIVED},
                        {"name": "value", "valueBoolean": True},
                    ],
                },
            ],
        }
    ),
}


async def test_the_archive_flag_is_put_by_condition(space: Space) -> None:
    """TD3.3d, on the business identifier: 200 with the resource, and a new version."""
    for minutes, way in enumerate(WAYS):
        document, unique = await deposited(space, minutes=minutes)
        answer = await patched(space, f"DocumentReference?identifier={unique}", WAYS[way])
        assert answer.status == 200, (way, answer.body)
        assert {"url": ARCHIVED, "valueBoolean": True} in answer.json["extension"], way
        id = document.split("/")[1]
        assert (answer.json["id"], answer.json["meta"]["versionId"]) == (id, "2"), way
        found = await space.get(f"DocumentReference?identifier={unique}", as_="lab-software")
        assert [each["meta"]["versionId"] for each in found.entries] == ["2"], way


async def test_the_flag_is_taken_away_again_by_the_same_path(space: Space) -> None:
    document, _ = await deposited(space)
    await patched(space, document, [ADDED])
    way = f"/extension[url:'{ARCHIVED}']/valueBoolean"
    answer = await patched(space, document, [{"op": "replace", "path": way, "value": False}])
    assert answer.json["extension"] == [{"url": ARCHIVED, "valueBoolean": False}]


TITLE = "/content/0/attachment/title"
REFUSED: dict[str, tuple[Any, int, str]] = {
    # what is asked: status, issue
    "the title": ([{"op": "replace", "path": TITLE, "value": "x"}], 405, "not-supported"),
    "the description": ([{"op": "add", "path": "/description", "value": "x"}], 405, "not-supported"),
    "the subject": (
        path_patch(operation("replace", "DocumentReference.subject.reference", valueString="x")),
        405, "not-supported",
    ),
    "status and the type": (
        [{"op": "replace", "path": "/status", "value": "superseded"}, {"op": "remove", "path": "/type"}],
        405, "not-supported",
    ),
    "a copy from elsewhere": (
        [{"op": "copy", "from": "/subject/reference", "path": "/status"}], 405, "not-supported",
    ),
    "the whole": ([{"op": "test", "path": "", "value": 1}], 405, "not-supported"),
    "another extension": (
        [{"op": "add", "path": "/extension", "value": [{"url": "urn:x", "valueBoolean": True}]}],
        405, "not-supported",
    ),
    "an extension with a filter that is another": (
        [{"op": "add", "path": "/extension[url:'urn:x']/valueBoolean", "value": True}],
        405, "not-supported",
    ),
    "a flag that is no boolean": (
        [{"op": "add", "path": "/extension", "value": [{"url": ARCHIVED, "valueString": "oui"}]}],
        405, "not-supported",
    ),
    "no status at all": ([{"op": "remove", "path": "/status"}], 422, "required"),
    "a status that is none": (
        [{"op": "replace", "path": "/status", "value": "preliminary"}], 422, "code-invalid",
    ),
    "no label at all": ([{"op": "remove", "path": "/securityLabel"}], 422, "business-rule"),
    "a mask its holder alone puts": (
        [{"op": "add", "path": "/securityLabel/-", "value": mask("MASQUE_PS")}], 403, "forbidden",
    ),
    "no patch": ([{"op": "paint", "path": "/status"}], 400, "invalid"),
}  # fmt: skip


async def test_anything_else_is_refused_and_nothing_changes(space: Space) -> None:
    document, _ = await deposited(space)
    for what, (body, status, issue) in REFUSED.items():
        answer = await patched(space, document, body)
        found = (answer.status, answer.json["issue"][0]["code"])
        assert found == (status, issue), (what, answer.body)
    kept = await space.get(document, as_="lab-software")
    assert kept.json["meta"]["versionId"] == "1"


async def test_who_is_not_the_author_changes_nothing(space: Space) -> None:
    """403 to who sees it, 404 to who does not: as an address that never was; 405 comes before both."""
    document, unique = await deposited(space)
    asked = [{"op": "replace", "path": "/status", "value": "entered-in-error"}]
    for person in ("gp", "patient"):
        answer = await patched(space, document, asked, as_=person)
        assert (answer.status, answer.json["issue"][0]["code"]) == (403, "forbidden"), person
        assert (await space.call("DELETE", document, as_=person)).status == 403
    absent = f"DocumentReference/{'a' * 26}"
    for each in (document, absent):
        assert (await patched(space, each, asked, as_="hospital-software")).status == 404
        other = [{"op": "remove", "path": "/author"}]
        assert (await patched(space, each, other, as_="hospital-software")).status == 405
        assert (await space.call("DELETE", each, as_="hospital-software")).status == 404
    by_number = f"DocumentReference?identifier={unique}"
    assert (await patched(space, by_number, asked, as_="hospital-software")).status == 404
    assert (await space.get(document, as_="lab-software")).json["meta"]["versionId"] == "1"


async def test_a_deletion_by_superseded_leaves_ordinary_searches(space: Space) -> None:
    """The guide's index page; a document that nothing replaces may come back."""
    document, unique = await deposited(space)
    asked = path_patch(operation("replace", "DocumentReference.status", valueCode="superseded"))
    answer = await patched(space, f"DocumentReference?identifier={unique}", asked)
    assert (answer.status, answer.json["status"]) == (200, "superseded")
    found = await space.get(f"DocumentReference?identifier={unique}&status=current", as_="gp")
    assert found.entries == []
    back = [{"op": "replace", "path": "/status", "value": "current"}]
    assert (await patched(space, document, back)).json["status"] == "current"


async def test_a_deletion_by_error_takes_what_was_read_in_it_and_is_final(space: Space) -> None:
    """TD3.3c: nothing extracted from it counts any more."""
    document, _ = await deposited(space)
    id = document.split("/")[1]
    from_it = f"Observation?derived-from=DocumentReference/{id}"
    before = (await space.get(from_it, as_="patient")).entries
    assert before
    asked = [{"op": "replace", "path": "/status", "value": "entered-in-error"}]
    assert (await patched(space, document, asked)).status == 200
    for each in before:
        kept = await space.get(f"Observation/{each['id']}", as_="patient")
        assert kept.json["status"] == "entered-in-error"
    for value in ("current", "superseded"):
        back = await patched(
            space, document, [{"op": "replace", "path": "/status", "value": value}]
        )
        assert (back.status, back.json["issue"][0]["code"]) == (422, "business-rule")
    assert (await patched(space, document, asked)).json["meta"]["versionId"] == "2"


async def test_a_replaced_document_is_not_made_current(space: Space) -> None:
    from tests.documents.lots import corrected

    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    await space.post("", lot(corrected(old), superseding(first)), as_="lab-software")
    back = await patched(space, first, [{"op": "replace", "path": "/status", "value": "current"}])
    assert back.status == 422
    assert (await space.call("DELETE", first, as_="lab-software")).status == 422


async def test_confidentiality_changes_and_masks_stay(space: Space) -> None:
    """TD3.3a: the level is the author's; what the holder masked stays masked, whatever is sent."""
    document, _ = await deposited(space)
    assert (await space.post(f"{document}/$hide", {}, as_="patient")).status == 204
    level = metadata(b"")["securityLabel"][0]["coding"][0] | {"code": "R"}
    plain = [{"op": "replace", "path": "/securityLabel", "value": [{"coding": [level]}]}]
    answer = await patched(space, document, plain)
    assert answer.status == 403, answer.body  # it would lift the mask of the holder
    masked = [
        {
            "op": "replace",
            "path": "/securityLabel",
            "value": [{"coding": [level]}, mask("MASQUE_PS")],
        }
    ]
    answer = await patched(space, document, masked)
    assert answer.status == 200, answer.body
    codes = {one["code"] for each in answer.json["securityLabel"] for one in each["coding"]}
    assert codes == {"R", "MASQUE_PS"}
    assert (await space.get(document, as_="hospital-doctor")).status == 404


async def test_a_holder_masks_and_shows_by_a_patch(space: Space) -> None:
    """The same act as $hide: the whole chain, and nothing else of a document of another."""
    document, _ = await deposited(space)
    assert (await space.get(document, as_="gp")).status == 200
    put = [{"op": "add", "path": "/securityLabel/-", "value": mask("MASQUE_PS")}]
    answer = await patched(space, document, put, as_="patient")
    assert answer.status == 200, answer.body
    assert "MASQUE_PS" in json.dumps(answer.json["securityLabel"])
    assert (await space.get(document, as_="hospital-doctor")).status == 404
    place = len(answer.json["securityLabel"]) - 1
    take = [{"op": "remove", "path": f"/securityLabel/{place}"}]
    assert (await patched(space, document, take, as_="patient")).status == 200
    level = [{"op": "replace", "path": "/securityLabel/0/coding/0/code", "value": "V"}]
    assert (await patched(space, document, level, as_="patient")).status == 403


async def test_an_author_deletes_and_what_was_read_goes_with_it(space: Space) -> None:
    """410 to who could see it, 404 to who could not; sent again, it is a new document."""
    document, unique = await deposited(space)
    id = document.split("/")[1]
    from_it = f"Observation?derived-from=DocumentReference/{id}"
    before = (await space.get(from_it, as_="patient")).entries
    file = (await space.get(document, as_="gp")).json["content"][0]["attachment"]["url"]
    assert before
    assert (await space.call("DELETE", document, as_="lab-software")).status == 204
    for each in (document, file, f"Observation/{before[0]['id']}"):
        assert (await space.get(each, as_="patient")).status == 410, each
        assert (await space.get(each, as_="outsider")).status == 404, each
    assert (await space.get(from_it, as_="patient")).entries == []
    assert (await space.call("DELETE", document, as_="lab-software")).status == 204
    again = await space.post("", lot(fresh().xml), as_="lab-software")
    assert (again.status, document_of(again) != document) == (200, True), again.body
    found = await space.get(f"DocumentReference?identifier={unique}", as_="lab-software")
    assert [f"DocumentReference/{each['id']}" for each in found.entries] == [document_of(again)]


async def test_a_patient_deletes_what_they_deposited_and_nothing_else(space: Space) -> None:
    theirs = fresh(people.PATIENT, minutes=9)
    document = document_of(await space.post("", lot(theirs.xml), as_="lab-software"))
    assert (await space.call("DELETE", document, as_="patient")).status == 403


async def test_a_patch_says_which_version_it_changes(space: Space) -> None:
    document, _ = await deposited(space)
    answer = await space.call(
        "PATCH", document, as_="lab-software", body=json.dumps([ADDED]).encode(),
        headers={"content-type": JSON_PATCH, "if-match": 'W/"7"'},
    )  # fmt: skip
    assert answer.status == 412


async def test_the_pages_say_archived_and_leave_out_what_is_in_error(space: Space) -> None:
    """Archived stays in the list, and says so; in error is read by its address alone."""
    kept, _ = await deposited(space)
    wrong, _ = await deposited(space, minutes=4)
    await patched(space, kept, [ADDED])
    visit = await space.visit("patient")
    before = await documents(visit, "")
    asked = [{"op": "replace", "path": "/status", "value": "entered-in-error"}]
    assert (await patched(space, wrong, asked)).status == 200
    after = await documents(visit, "")
    flags = {f"DocumentReference/{each.id}": each.archived for each in after.lines}
    assert flags[kept]
    assert wrong not in flags
    assert sum(flags.values()) == 1
    assert after.total == before.total - 1
    page = await page_of(visit, "", wrong.split("/")[1])
    assert page.line.status == "entered-in-error"
