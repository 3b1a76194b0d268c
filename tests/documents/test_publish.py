# SPDX-License-Identifier: EUPL-1.2
"""A document enters by ITI-65 or ITI-105: what is kept, what is read in it, what is refused."""

import asyncio
import base64
from typing import Any

import pytest

from carnet.access import kinds
from carnet.documents.cda import read
from tests import people
from tests.documents.lots import (
    BINARY,
    DOCUMENT,
    RFC3986,
    code,
    document_of,
    fresh,
    holds,
    locations,
    lot,
    mask,
    metadata,
    sha1,
    subject,
)
from tests.space import Space

pytestmark = pytest.mark.anyio

LABORATORY = kinds.table()["laboratory"].number


async def test_a_lot_is_answered_in_the_order_it_came(space: Space) -> None:
    answer = await space.post("", lot(fresh().xml), as_="lab-software")
    assert answer.status == 200, answer.body
    assert answer.json["type"] == "transaction-response"
    assert [each.split("/")[0] for each in locations(answer)] == [
        "List",
        "DocumentReference",
        "Binary",
    ]
    assert {entry["response"]["status"] for entry in answer.json["entry"]} == {"201 Created"}


async def test_the_metadata_is_kept_as_it_was_given(space: Space) -> None:
    data = fresh().xml
    answer = await space.post("", lot(data), as_="lab-software")
    listed, document, binary = locations(answer)
    kept = (await space.get(document, as_="lab-software")).json
    given = metadata(data)
    for element in (
        "contained",
        "status",
        "type",
        "date",
        "author",
        "description",
        "securityLabel",
    ):
        assert kept[element] == given[element], element
    attachment = kept["content"][0]["attachment"]
    assert attachment == given["content"][0]["attachment"] | {"url": binary}
    assert kept["subject"]["reference"] == f"Patient/{space.patient_id()}"
    own = read(data).header.id
    assert own is not None
    assert kept["masterIdentifier"]["value"] in (own.extension, f"urn:oid:{own.root}")
    lot_kept = (await space.get(listed, as_="lab-software")).json
    assert lot_kept["entry"] == [{"item": {"reference": document}}]


async def test_the_source_is_kept_byte_for_byte(space: Space) -> None:
    data = fresh().xml
    answer = await space.post("", lot(data), as_="lab-software")
    binary = locations(answer)[2]
    raw = await space.get(binary, as_="patient", accept="text/xml")
    assert (raw.status, raw.body) == (200, data)
    as_json = (await space.get(binary, as_="patient")).json
    assert base64.b64decode(as_json["data"]) == data


async def test_the_pdf_copy_becomes_a_file_of_its_own(space: Space) -> None:
    data = fresh().xml
    copy = read(data).copy
    assert copy is not None
    answer = await space.post("", lot(data), as_="lab-software")
    kept = (await space.get(document_of(answer), as_="patient")).json
    _, printed = kept["content"]
    assert printed["attachment"]["contentType"] == "application/pdf"
    assert printed["attachment"]["hash"] == sha1(copy.data)
    raw = await space.get(printed["attachment"]["url"], as_="patient", accept="application/pdf")
    assert raw.body == copy.data


async def test_a_pdf_the_lot_already_brings_is_not_kept_twice(space: Space) -> None:
    data = fresh().xml
    copy = read(data).copy
    assert copy is not None
    given = metadata(data)
    pdf = "urn:uuid:11111111-0000-4000-8000-000000000009"
    content = [
        *given["content"],
        {"attachment": {"contentType": "application/pdf", "url": pdf, "title": "Imprimé"}},
    ]
    brought = {
        "fullUrl": pdf,
        "resource": {
            "resourceType": "Binary",
            "contentType": "application/pdf",
            "data": base64.b64encode(copy.data).decode(),
        },
        "request": {"method": "POST", "url": "Binary"},
    }
    answer = await space.post("", lot(data, brought, content=content), as_="lab-software")
    assert answer.status == 200, answer.body
    document = document_of(answer)
    kept = (await space.get(document, as_="lab-software")).json
    assert len(kept["content"]) == 2
    assert await files_of(space, document) == 2
    reports = await space.get(
        f"DiagnosticReport?patient={space.patient_id()}&_count=100", as_="lab-software"
    )
    forms = [form["url"] for each in reports.entries for form in each.get("presentedForm", [])]
    assert kept["content"][1]["attachment"]["url"] in forms
    for form in forms:
        assert (await space.get(form, as_="lab-software")).status == 200, "a form that is not there"


async def test_results_are_observations_of_the_document(space: Space) -> None:
    data = fresh().xml
    answer = await space.post("", lot(data), as_="lab-software")
    document = document_of(answer)
    found = await space.get(f"Observation?derived-from={document}&_count=200", as_="lab-software")
    wanted = {
        (each.code.code, str(each.value.value), each.value.unit)  # type: ignore[union-attr]
        for each in read(data).results.results
        if hasattr(each.value, "value")
    }
    assert wanted
    raw = {
        (
            each["code"]["coding"][0]["code"],
            str(each["valueQuantity"]["value"]),
            each["valueQuantity"]["unit"],
        )
        for each in found.entries
        if "valueQuantity" in each
    }
    assert {(c, float(v), u) for c, v, u in raw} == {(c, float(v), u) for c, v, u in wanted}
    for each in found.entries:
        assert each["derivedFrom"] == [{"reference": document}]
        assert each["subject"] == {"reference": f"Patient/{space.patient_id()}"}
    one = next(each for each in found.entries if each.get("referenceRange"))
    assert one["category"][1]["text"], "the chapter it stands in"
    reports = await space.get(
        f"DiagnosticReport?patient={space.patient_id()}&_count=100", as_="lab-software"
    )
    members = {each["reference"] for r in reports.entries for each in r["result"]}
    assert members & {f"Observation/{each['id']}" for each in found.entries}


async def test_digits_are_those_of_the_laboratory(space: Space) -> None:
    """72.50 is not 72.5: it says how it was measured."""
    data = fresh().xml
    answer = await space.post("", lot(data), as_="lab-software")
    found = await space.get(
        f"Observation?derived-from={document_of(answer)}&_count=200", as_="lab-software"
    )
    text = found.body.decode()
    for each in read(data).results.results:
        if hasattr(each.value, "value"):
            assert f'"value":{each.value.value},' in text  # type: ignore[union-attr]


async def everything_of(space: Space, document: str) -> list[tuple[Any, ...]]:
    """Rows of all that followed from a document, itself included."""
    cid, rid = space.built.door.ids.decode(document.split("/")[1]) or (0, 0)
    return await space.rows(
        "SELECT rtype, kind, labels, dep_org, dep_pro, origin FROM record.resource"
        " WHERE cid = %s AND (rid = %s OR origin = %s)",
        cid,
        rid,
        rid,
    )


async def files_of(space: Space, document: str) -> int:
    number = space.built.door.definitions.types["Binary"]
    return sum(row[0] == number for row in await everything_of(space, document))


async def test_all_that_comes_of_a_document_follows_it(space: Space) -> None:
    answer = await space.post("", lot(fresh().xml), as_="lab-software")
    rows = await everything_of(space, document_of(answer))
    types = space.built.door.definitions.types
    assert {row[0] for row in rows} >= {
        types[each]
        for each in ("DocumentReference", "Binary", "List", "Observation", "DiagnosticReport")
    }
    lab = await space.actor("lab-software")
    assert {row[1:5] for row in rows} == {(LABORATORY, 0, lab.org, None)}
    assert sum(row[5] is None for row in rows) == 1, "the document alone has no origin"


@pytest.mark.parametrize(
    ("label", "bit", "who"),
    [("MASQUE_PS", 1, "hospital-doctor"), ("INVISIBLE_PATIENT", 2, "patient")],
)
async def test_a_mask_acts_at_once_on_all_that_comes_of_it(
    space: Space, label: str, bit: int, who: str
) -> None:
    shown = await space.post("", lot(fresh(minutes=5).xml), as_="lab-software")
    for each in locations(shown)[1:]:
        assert (await space.get(each, as_=who)).status == 200, "without a mask it is seen"
    before = await space.get(f"Observation?patient={space.patient_id()}&_count=1000", as_="patient")
    labels = [*metadata(b"")["securityLabel"], mask(label)]
    answer = await space.post("", lot(fresh().xml, securityLabel=labels), as_="lab-software")
    document = document_of(answer)
    assert {row[2] for row in await everything_of(space, document)} == {bit}
    for each in locations(answer):
        assert (await space.get(each, as_=who)).status == 404
        assert (await space.get(each, as_="lab-software")).status == 200
    found = await space.get(f"Observation?derived-from={document}", as_=who)
    assert found.entries == []
    if who == "patient":
        after = await space.get(
            f"Observation?patient={space.patient_id()}&_count=1000", as_="patient"
        )
        assert len(after.entries) == len(before.entries)


async def test_a_mask_that_only_the_cda_bears_is_kept(space: Space) -> None:
    data = fresh().xml.replace(
        b'confidentialityCode code="N"',
        b'confidentialityCode code="INVISIBLE_PATIENT" codeSystem="1.2.250.1.213.1.1.4.13"/>'
        b'<confidentialityCode code="N"',
    )
    assert b"INVISIBLE_PATIENT" in data
    answer = await space.post("", lot(data), as_="lab-software")
    assert answer.status == 200, answer.body
    document = document_of(answer)
    assert (await space.get(document, as_="patient")).status == 404
    kept = (await space.get(document, as_="lab-software")).json
    codes = [each["coding"][0]["code"] for each in kept["securityLabel"]]
    assert codes == ["N", "INVISIBLE_PATIENT"]


def other_record(space: Space) -> dict[str, dict[str, Any]]:
    ins = {"system": f"urn:oid:{people.PATIENT.ins_oid}", "value": people.PATIENT.ins}
    return {
        "conditional": subject(),
        "by id": {"reference": f"Patient/{space.patient_id()}"},
        "by number": {"identifier": ins},
        "type and number": {"type": "Patient", "identifier": ins},
    }


@pytest.mark.parametrize("way", ["conditional", "by id", "by number", "type and number"])
async def test_a_person_is_named_in_any_of_the_ways_of_fhir(space: Space, way: str) -> None:
    whose = other_record(space)[way]
    answer = await space.post("", lot(fresh().xml, subject=whose), as_="lab-software")
    assert answer.status == 200, answer.body
    kept = (await space.get(document_of(answer), as_="patient")).json
    assert kept["subject"]["reference"] == f"Patient/{space.patient_id()}"


async def test_a_document_with_its_data_inside_is_a_document(space: Space) -> None:
    """ITI-105, simplified publish."""
    data = fresh().xml
    content = [
        {
            "attachment": {
                "contentType": "text/xml",
                "data": base64.b64encode(data).decode(),
                "title": "Bilan",
            }
        }
    ]
    answer = await space.post(
        "DocumentReference", metadata(data, content=content), as_="lab-software"
    )
    assert answer.status == 201, answer.body
    attachment = answer.json["content"][0]["attachment"]
    assert "data" not in attachment
    assert (attachment["size"], attachment["hash"]) == (len(data), sha1(data))
    raw = await space.get(attachment["url"], as_="patient", accept="text/xml")
    assert raw.body == data


async def test_what_the_metadata_leaves_out_is_read_in_the_document(space: Space) -> None:
    data = fresh().xml
    answer = await space.post("", lot(data, type=None, date=None), as_="lab-software")
    kept = (await space.get(document_of(answer), as_="patient")).json
    assert kept["type"]["coding"][0]["code"] == "11502-2"
    assert kept["date"]
    assert {row[1] for row in await everything_of(space, document_of(answer))} == {LABORATORY}


def changed(**attachment: Any) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = metadata(fresh().xml)["content"]
    kept = {**content[0]["attachment"], **attachment}
    return [{"attachment": {key: value for key, value in kept.items() if value is not None}}]


LIES = [
    ({"size": 12}, 422, "DocumentReference.content[0].attachment.size"),
    ({"hash": sha1(b"other")}, 422, "DocumentReference.content[0].attachment.hash"),
    ({"hash": "AAAA"}, 422, "DocumentReference.content[0].attachment.hash"),
    ({"url": None}, 422, "DocumentReference.content[0].attachment"),
    ({"url": "http://127.0.0.1:1/elsewhere.xml"}, 422, "DocumentReference.content[0].attachment"),
    ({"url": "urn:uuid:99999999-0000-4000-8000-000000000001"}, 422, None),
    ({"url": DOCUMENT}, 422, None),
    ({"url": None, "data": "%%%"}, 400, None),
]


@pytest.mark.parametrize(("attachment", "status", "path"), LIES)
async def test_an_attachment_that_lies_is_refused_whole(
    space: Space, attachment: dict[str, Any], status: int, path: str | None
) -> None:
    before = await holds(space)
    answer = await space.post(
        "", lot(fresh().xml, content=changed(**attachment)), as_="lab-software"
    )
    assert answer.status == status, answer.body
    if path:
        assert answer.json["issue"][0]["expression"] == [path]
    assert await holds(space) == before


async def test_an_empty_file_is_no_document(space: Space) -> None:
    before = await holds(space)
    bundle = lot(fresh().xml, content=changed(size=None, hash=None))
    del bundle["entry"][2]["resource"]["data"]
    answer = await space.post("", bundle, as_="lab-software")
    assert answer.status == 422, answer.body
    assert await holds(space) == before


async def test_metadata_of_another_document_is_refused(space: Space) -> None:
    before = await holds(space)
    other = {"system": RFC3986, "value": "urn:oid:1.2.250.1.999.1.2.3"}
    answer = await space.post("", lot(fresh().xml, masterIdentifier=other), as_="lab-software")
    assert answer.status == 422
    assert answer.json["issue"][0]["expression"] == ["DocumentReference.masterIdentifier"]
    assert await holds(space) == before


def forms(data: bytes) -> list[dict[str, str]]:
    """One uniqueId, in the ways it is written."""
    own = read(data).header.id
    assert own is not None
    if own.extension is None:
        return [
            {"system": RFC3986, "value": f"urn:oid:{own.root}"},
            {"value": own.root},
            {"system": RFC3986, "value": own.root},
        ]
    return [
        {"system": f"urn:oid:{own.root}", "value": own.extension},
        {"system": RFC3986, "value": f"urn:oid:{own.root}.{own.extension}"},
        {"system": RFC3986, "value": f"{own.root}^{own.extension}"},
        {"value": f"urn:oid:{own.root}^{own.extension}"},
    ]


async def test_one_unique_id_in_all_its_forms_is_one_document(space: Space) -> None:
    data = fresh().xml
    first = await space.post("", lot(data), as_="lab-software")
    for form in forms(data):
        again = await space.post("", lot(data, masterIdentifier=form), as_="lab-software")
        assert (again.status, document_of(again)) == (200, document_of(first)), form


async def test_a_type_that_is_not_the_document_s_is_said_on_it(space: Space) -> None:
    other = {"coding": [{"system": "http://loinc.org", "code": "11488-4"}]}
    answer = await space.post("", lot(fresh().xml, type=other), as_="lab-software")
    assert answer.status == 200
    kept = (await space.get(document_of(answer), as_="patient")).json
    assert [each["valueCoding"]["code"] for each in kept["extension"]] == ["type-differs"]
    told = next(e["response"] for e in answer.json["entry"] if "outcome" in e["response"])
    assert told["outcome"]["issue"][0]["severity"] == "warning"


async def test_nobody_writes_reserves_but_the_server(space: Space) -> None:
    false = {
        "url": "urn:carnet:documents:reserve",
        "valueCoding": {"display": "Appelez le 0 800 000 000"},
    }
    own = {"url": "http://example.org/kept", "valueString": "oui"}
    answer = await space.post("", lot(fresh().xml, extension=[false, own]), as_="lab-software")
    kept = (await space.get(document_of(answer), as_="patient")).json
    assert kept["extension"] == [own]


# ------------------------------------------------------------------------------- twice the same


async def test_the_same_lot_again_changes_nothing(space: Space) -> None:
    bundle = lot(fresh().xml)
    first = await space.post("", bundle, as_="lab-software")
    before = await holds(space)
    again = await space.post("", bundle, as_="lab-software")
    assert again.status == 200
    assert locations(again) == locations(first)
    assert {entry["response"]["status"] for entry in again.json["entry"]} == {"200 OK"}
    assert await holds(space) == before


async def test_eight_at_once_make_one_document(space: Space) -> None:
    bundle = lot(fresh().xml)
    answers = await asyncio.gather(*(space.post("", bundle, as_="lab-software") for _ in range(8)))
    assert {answer.status for answer in answers} == {200}
    assert len({tuple(locations(answer)) for answer in answers}) == 1
    created = [
        answer
        for answer in answers
        if "201 Created" in {entry["response"]["status"] for entry in answer.json["entry"]}
    ]
    assert len(created) == 1
    count = await space.rows("SELECT count(*) FROM documents.unique_id")
    before = await holds(space)
    await space.post("", bundle, as_="lab-software")
    assert await holds(space) == before
    assert count == await space.rows("SELECT count(*) FROM documents.unique_id")


async def test_other_bytes_under_the_same_number_are_a_conflict(space: Space) -> None:
    data = fresh().xml
    await space.post("", lot(data), as_="lab-software")
    before = await holds(space)
    altered = data.replace(b"</ClinicalDocument>", b"<!-- other --></ClinicalDocument>")
    assert altered != data
    answer = await space.post("", lot(altered), as_="lab-software")
    assert (answer.status, answer.json["issue"][0]["code"]) == (409, "conflict")
    assert await holds(space) == before


async def test_another_organisation_has_its_own_document(space: Space) -> None:
    """And nothing in the answer says that the number was taken."""
    bundle = lot(fresh().xml)
    first = await space.post("", bundle, as_="lab-software")
    other = await space.post("", bundle, as_="hospital-software")
    assert {entry["response"]["status"] for entry in other.json["entry"]} == {"201 Created"}
    assert not set(locations(first)) & set(locations(other))
    altered = fresh().xml.replace(b"</ClinicalDocument>", b"<!-- x --></ClinicalDocument>")
    refused = await space.post("", lot(altered), as_="hospital-software")
    assert refused.status == 409, "against its own, not the laboratory's"


async def test_a_second_file_that_was_not_there_is_not_lost_in_silence(space: Space) -> None:
    data = fresh().xml
    await space.post("", lot(data), as_="lab-software")
    given = metadata(data)
    extra = {
        "attachment": {
            "contentType": "text/plain",
            "data": base64.b64encode(b"annexe").decode(),
        }
    }
    answer = await space.post("", lot(data, content=[*given["content"], extra]), as_="lab-software")
    assert answer.status == 409


async def test_a_new_document_beside_an_old_one_is_written(space: Space) -> None:
    """A lot of two, one of which was there: its list names both, and no file goes astray."""
    old, new = fresh().xml, fresh(minutes=7).xml
    first = await space.post("", lot(old), as_="lab-software")
    bundle = lot(old)
    second = lot(new)
    place = {DOCUMENT: "urn:uuid:22222222-0000-4000-8000-000000000001",
             BINARY: "urn:uuid:22222222-0000-4000-8000-000000000002"}  # fmt: skip
    document, binary = second["entry"][1], second["entry"][2]
    document["fullUrl"], binary["fullUrl"] = place[DOCUMENT], place[BINARY]
    document["resource"]["content"][0]["attachment"]["url"] = place[BINARY]
    bundle["entry"] += [document, binary]
    bundle["entry"][0]["resource"]["entry"].append({"item": {"reference": place[DOCUMENT]}})
    answer = await space.post("", bundle, as_="lab-software")
    assert answer.status == 200, answer.body
    listed, known, _, made, file = locations(answer)
    assert known == document_of(first)
    lot_kept = (await space.get(listed, as_="lab-software")).json
    assert [each["item"]["reference"] for each in lot_kept["entry"]] == [known, made]
    raw = await space.get(file, as_="patient", accept="text/xml")
    assert raw.body == new


async def test_a_lot_of_a_masked_and_a_plain_document_is_masked(space: Space) -> None:
    """Its list names both: who may not see one of them does not see the list."""
    bundle, second = lot(fresh().xml), lot(fresh(minutes=9).xml)
    document, binary = second["entry"][1], second["entry"][2]
    document["fullUrl"] = "urn:uuid:22222222-0000-4000-8000-000000000001"
    binary["fullUrl"] = "urn:uuid:22222222-0000-4000-8000-000000000002"
    document["resource"]["content"][0]["attachment"]["url"] = binary["fullUrl"]
    document["resource"]["securityLabel"].append(mask("MASQUE_PS"))
    bundle["entry"] += [document, binary]
    bundle["entry"][0]["resource"]["entry"].append({"item": {"reference": document["fullUrl"]}})
    answer = await space.post("", bundle, as_="lab-software")
    listed, plain, _, masked, _ = locations(answer)
    colleague = "hospital-doctor"
    reads = {each: (await space.get(each, as_=colleague)).status for each in (listed, masked)}
    assert reads == {listed: 404, masked: 404}
    assert (await space.get(plain, as_=colleague)).status == 200
    alone = await space.post("", lot(fresh(minutes=11).xml), as_="lab-software")
    assert (await space.get(locations(alone)[0], as_=colleague)).status == 200


# ------------------------------------------------------------------------------------- whose it is


async def test_a_document_of_nobody_is_refused(space: Space) -> None:
    before = await holds(space)
    unknown = {"identifier": {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "284059999978968"}}
    answer = await space.post("", lot(fresh().xml, subject=unknown), as_="lab-software")
    assert (answer.status, code(answer)) == (422, "902")
    nobody = await space.post("", lot(fresh().xml, subject=None), as_="lab-software")
    assert (nobody.status, code(nobody)) == (422, "902")
    assert await holds(space) == before


async def test_who_may_not_create_documents_does_not(space: Space) -> None:
    before = await holds(space)
    for persona in ("patient", "operator"):
        answer = await space.post("", lot(fresh().xml), as_=persona)
        assert answer.status in (403, 422), persona
    assert await holds(space) == before
