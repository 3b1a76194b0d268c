# SPDX-License-Identifier: EUPL-1.2
"""A patient deposits a file: what is written, who reads it, and what is refused by every way in."""

from __future__ import annotations

import base64
import io
from datetime import date
from typing import Any

import pikepdf
import pytest

from carnet import errors
from carnet.documents import consult, files, show, upload
from carnet.documents.upload import NoDate, NoTitle, NotYours, Uploaded
from tests.documents.files import samples
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio
DAY = date(2026, 3, 12)


async def deposited(space: Space, data: bytes, as_: str = "patient", **more: Any) -> Uploaded:
    """A deposit, by the act."""
    given: dict[str, Any] = {"title": "Radio du genou", "kind": "DOCPAT04", "on": DAY} | more
    return await upload.upload(await space.visit(as_), space.built.desk.acts, data=data, **given)


async def posted(space: Space, data: bytes, as_: str = "patient", **changes: Any) -> Answer:
    """A deposit, by the API; None removes an element."""
    resource: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "urn:oid:1.2.250.1.213.1.1.4.12", "code": "DOCPAT03"}]},
        "subject": {"reference": f"Patient/{space.patient_id()}"},
        "content": [
            {
                "attachment": {
                    "contentType": "application/pdf",
                    "title": "Mon compte rendu",
                    "data": base64.b64encode(data).decode(),
                }
            }
        ],
    }
    resource |= changes
    sent = {key: value for key, value in resource.items() if value is not None}
    return await space.post("DocumentReference", sent, as_=as_)


async def documents(space: Space) -> int:
    ((count,),) = await space.rows("SELECT count(*) FROM record.resource WHERE kind = 90")
    return int(count)


async def test_a_deposit_is_declared_the_patients_own(space: Space) -> None:
    made = await deposited(space, samples.pdf())
    assert made.created
    answer = await space.get(f"DocumentReference/{made.document}", as_="patient")
    resource = answer.json
    own = f"Patient/{space.patient_id()}"
    assert resource["status"] == "current"
    assert resource["subject"] == {"reference": own}
    assert [author["reference"] for author in resource["author"]] == [own]
    assert resource["type"]["coding"][0]["code"] == "DOCPAT04"
    assert "patient" in resource["type"]["coding"][0]["display"]
    assert resource["category"][0]["coding"][0]["code"] == "90"
    assert resource["context"]["practiceSetting"]["coding"][0]["code"] == "EXP_PATIENT"
    assert resource["context"]["period"] == {"start": "2026-03-12"}
    for absent in ("authenticator", "custodian", "contained", "relatesTo"):
        assert absent not in resource
    attachment = resource["content"][0]["attachment"]
    raw = await space.get(attachment["url"], as_="patient", accept="application/pdf")
    assert len(raw.body) == attachment["size"]
    assert raw.headers["content-disposition"] == "attachment"
    rows = await space.rows(
        "SELECT DISTINCT kind, dep_pro, dep_org FROM record.resource WHERE kind = 90"
    )
    assert rows == [(90, None, None)]


async def test_what_was_taken_out_is_kept_on_the_document(space: Space) -> None:
    made = await deposited(space, samples.pdf(samples.open_script, samples.attached))
    assert set(made.removed) == {"attachment", "script"}
    page = await consult.document(await space.visit("patient"), "", made.document)
    told = {files.removed(rule)[1] for rule in made.removed}
    assert set(page.line.warnings) == told | {upload.OWN_WORDS[1]}
    assert page.line.kind_label == "Imagerie déposée par le patient"
    binary = (await show.file(await space.visit("patient"), "", made.document)).binary
    content = await consult.content(await space.visit("patient"), "", binary)
    with pikepdf.open(io.BytesIO(content.data)) as kept:
        assert "/OpenAction" not in kept.Root
        assert "/Names" not in kept.Root or "/EmbeddedFiles" not in kept.Root.Names


@pytest.mark.parametrize(
    ("data", "media", "pages"),
    [
        (samples.pdf(pages=2), "application/pdf", 2),
        (samples.photo(), "image/jpeg", 1),
        (samples.picture("PNG"), "image/png", 1),
        (samples.scan(3), "image/tiff", 3),
        ("Allergie à la pénicilline".encode("cp1252"), "text/plain; charset=utf-8", 0),
        (samples.RTF, "text/plain; charset=utf-8", 0),
    ],
)
async def test_each_kind_goes_in_and_is_shown(
    space: Space, data: bytes, media: str, pages: int
) -> None:
    made = await deposited(space, data)
    visit = await space.visit("patient")
    shown = await show.file(visit, "", made.document)
    assert (shown.media_type, shown.pages) == (media, pages)
    assert shown.deposited
    assert shown.readable
    for number in range(1, pages + 1):
        image = await show.picture(visit, "", shown.binary, number, 600)
        assert image.startswith(b"\x89PNG")
    with pytest.raises(errors.NotFound):
        await show.picture(visit, "", shown.binary, pages + 1, 600)
    if pages == 0:
        assert "à" in shown.text


async def test_the_same_file_twice_is_one_document(space: Space) -> None:
    first = await deposited(space, samples.photo())
    again = await deposited(space, samples.photo(), title="Un autre titre")
    assert (again.document, again.created) == (first.document, False)
    other = await deposited(space, samples.picture("PNG"))
    assert other.document != first.document
    assert await documents(space) == 4


async def test_who_reads_it(space: Space) -> None:
    """The professional with a live link, by row 90 of the matrix; nobody without one."""
    made = await deposited(space, samples.pdf())
    for who, status in [("gp", 200), ("outsider", 404), ("blocked", 404), ("lab-software", 404)]:
        answer = await space.get(f"DocumentReference/{made.document}", as_=who)
        assert answer.status == status, who
    visit = await space.visit("gp")
    shown = await show.file(visit, space.patient_id(), made.document)
    assert shown.deposited
    assert shown.line.author == (await space.actor("patient")).name
    image = await show.picture(visit, space.patient_id(), shown.binary, 1, 400)
    assert image.startswith(b"\x89PNG")
    outsider = await space.visit("outsider")
    with pytest.raises(errors.NotFound):
        await show.file(outsider, space.patient_id(), made.document)
    with pytest.raises(errors.NotFound):
        await show.picture(outsider, space.patient_id(), shown.binary, 1, 400)
    with pytest.raises(errors.NotFound):  # another record's address opens nothing of this one
        await show.file(visit, space.patient_id("parent"), made.document)


async def test_looking_at_a_page_is_traced_as_a_read(space: Space) -> None:
    made = await deposited(space, samples.pdf())
    visit = await space.visit("gp")
    shown = await show.file(visit, space.patient_id(), made.document)
    counting = "SELECT count(*) FROM access.audit WHERE sub = %s AND act = 'read' AND granted"
    ((before,),) = await space.rows(counting, visit.actor.sub)
    await show.picture(visit, space.patient_id(), shown.binary, 1, 400)
    ((after,),) = await space.rows(counting, visit.actor.sub)
    assert after == before + 1


@pytest.mark.parametrize("who", ["gp", "lab-software", "operator"])
async def test_only_patients_come_this_way(space: Space, who: str) -> None:
    with pytest.raises(NotYours):
        await deposited(space, samples.pdf(), who)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"title": " \u200b "}, NoTitle),
        ({"title": "a" * 201}, NoTitle),
        ({"on": date(2026, 11, 24)}, NoDate),
        ({"on": date(1899, 12, 31)}, NoDate),
        ({"kind": "11502-2"}, upload.NotADeposit),
        ({"kind": "DOCPAT08"}, upload.NotADeposit),
        ({"name": "radio.jpg"}, files.Refused),
    ],
)
async def test_what_is_asked_wrong_is_refused(
    space: Space, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await deposited(space, samples.pdf(), **changes)
    assert await documents(space) == 0


# ------------------------------------------------------------------------------------- by the API


async def test_by_the_api_the_file_is_checked_and_cleaned_the_same(space: Space) -> None:
    hostile = samples.pdf(samples.launch)
    made = await posted(space, hostile)
    assert made.status == 201
    assert made.json["author"][0]["reference"] == f"Patient/{space.patient_id()}"
    assert made.json["content"][0]["attachment"]["title"] == "Mon compte rendu"
    raw = await space.get(made.json["content"][0]["attachment"]["url"], as_="patient", accept="*/*")
    assert [word for word in samples.FORBIDDEN if word in samples.unpacked(raw.body)] == []
    page = await consult.document(await space.visit("patient"), "", made.json["id"])
    assert page.line.warnings == (upload.OWN_WORDS[1], files.removed("action")[1])
    again = await posted(space, hostile)
    assert again.status == 200
    assert made.json["id"] in again.headers["location"]


def typed(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"type": typed("11502-2")}, 403),
        ({"type": typed("DOCPAT08")}, 403),
        ({"type": {"coding": [*typed("DOCPAT03")["coding"], *typed("11502-2")["coding"]]}}, 403),
        ({"type": None}, 403),
        ({"status": "superseded"}, 422),
        ({"author": [{"display": "Dr Hugo LEROY"}]}, 422),
        ({"author": [{"reference": "#dr"}]}, 422),
        ({"contained": [{"resourceType": "Practitioner", "id": "dr"}]}, 422),
        ({"authenticator": {"display": "Dr Hugo LEROY"}}, 422),
        ({"custodian": {"display": "CHU"}}, 422),
        ({"extension": [{"url": "urn:carnet:documents:reserve", "valueString": "x"}]}, 422),
        ({"relatesTo": [{"code": "replaces", "target": {"display": "x"}}]}, 422),
        ({"securityLabel": [{"coding": [{"code": "INVISIBLE_PATIENT"}]}]}, 422),
        ({"context": {"facilityType": typed("SA01")}}, 422),
        ({"context": {"period": {"start": "2031-01-01"}}}, 422),
        ({"content": [{"attachment": {"url": "https://evil.test/x.pdf", "title": "x"}}]}, 422),
    ],
)  # fmt: skip
async def test_by_the_api_a_patient_says_no_more_than_a_patient_can(
    space: Space, changes: dict[str, Any], status: int
) -> None:
    answer = await posted(space, samples.pdf(), **changes)
    assert answer.status == status, answer.said
    assert await documents(space) == 0


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"<html><script>alert(1)</script></html>", 422),
        (samples.archive(), 422),
        (samples.picture("PNG"), 422),  # declared a PDF
        (samples.pdf() + samples.archive(), 422),
        (samples.pdf(encryption=pikepdf.Encryption(owner="s", user="s")), 422),
    ],
)
async def test_by_the_api_a_wrong_file_is_refused(space: Space, data: bytes, status: int) -> None:
    answer = await posted(space, data)
    assert answer.status == status, answer.said
    assert await documents(space) == 0


async def test_in_nobody_elses_record(space: Space) -> None:
    other = {"reference": f"Patient/{space.patient_id('parent')}"}
    answer = await posted(space, samples.pdf(), subject=other)
    assert answer.status in (403, 404, 422)
    assert await documents(space) == 0


async def test_a_professional_cannot_pass_a_document_for_the_patients(space: Space) -> None:
    reserve = {"url": "urn:carnet:documents:reserve", "valueCoding": {"code": upload.OWN}}
    own = {"reference": f"Patient/{space.patient_id()}"}
    made = await posted(space, samples.pdf(), as_="gp", author=[own], extension=[reserve])
    assert made.status == 201
    assert not (
        await show.file(await space.visit("gp"), space.patient_id(), made.json["id"])
    ).deposited


async def test_a_patient_writes_neither_a_binary_nor_a_list(space: Space) -> None:
    for body in (
        {"resourceType": "Binary", "contentType": "application/pdf", "data": "AAAA"},
        {"resourceType": "List", "status": "current", "mode": "working"},
    ):
        answer = await space.post(str(body["resourceType"]), body, as_="patient")
        assert answer.status == 403


async def test_with_the_cleaning_off_the_tests_see_it(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: what is stored is then what came, and its words are found."""

    def untouched(data: bytes, media: files.MediaType) -> files.Cleaned:
        return files.Cleaned(data, str(media), ())

    monkeypatch.setattr(files, "clean", untouched)
    made = await posted(space, samples.pdf(samples.launch))
    raw = await space.get(made.json["content"][0]["attachment"]["url"], as_="patient", accept="*/*")
    assert [word for word in samples.FORBIDDEN if word in samples.unpacked(raw.body)] != []
