# SPDX-License-Identifier: EUPL-1.2
"""What a record shows: its list, a document with its versions and results, curves, files."""

from datetime import UTC, datetime
from typing import Any

import pytest

from carnet.access.door import Nothing
from carnet.documents import consult, nomenclature
from carnet.documents.cda import read
from tests import people
from tests.documents.lots import (
    corrected,
    document_of,
    fresh,
    locations,
    lot,
    mask,
    metadata,
    subject,
)
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

GLYCAEMIA = "14771-0"


def id_of(answer: Answer) -> str:
    return document_of(answer).split("/")[1]


def observation(
    space: Space, at: str, value: float, unit: str = "kg", **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "Poids"},
        "subject": {"reference": f"Patient/{space.patient_id()}"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": unit},
    } | more


@pytest.mark.parametrize(
    "persona", ["outsider", "blocked", "dentist", "minor", "operator", "lab-software"]
)
async def test_a_record_is_absent_to_who_may_not_open_it(space: Space, persona: str) -> None:
    visit = await space.visit(persona)
    for id in (space.patient_id(), "a" * 26, "", "nothing"):
        if not id and persona == "minor":
            continue  # "" is one's own record
        with pytest.raises(Nothing):
            await consult.documents(visit, id)
        with pytest.raises(Nothing):
            await consult.curve(visit, id, GLYCAEMIA)


async def test_a_patient_s_own_record_needs_no_address(space: Space) -> None:
    visit = await space.visit("patient")
    own = await consult.documents(visit, "")
    assert own == await consult.documents(visit, space.patient_id())
    assert own.lines
    assert own.curves


async def test_the_list_says_what_each_document_is(space: Space) -> None:
    sent = await space.post("", lot(fresh().xml), as_="lab-software")
    found = await consult.documents(await space.visit("gp"), space.patient_id())
    (line,) = [each for each in found.lines if each.id == id_of(sent)]
    assert line.title == "Bilan du 21 novembre"
    assert (line.kind, line.kind_label) == ("11502-2", nomenclature.type_label("11502-2"))
    assert line.author == "Dr Anne Moreau"
    assert line.date == datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert (line.status, line.labels, line.warnings) == ("current", frozenset(), ())
    assert [each.date for each in found.lines] == sorted(
        (each.date for each in found.lines), reverse=True
    )


async def test_hundreds_of_documents_are_all_listed(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is fetched at once: nothing is cut off in silence."""
    whole = await consult.documents(await space.visit("patient"), "")
    page = await consult.document(await space.visit("patient"), "", whole.lines[0].id)
    monkeypatch.setattr(consult, "TOGETHER", 3)
    assert await consult.documents(await space.visit("patient"), "") == whole
    assert await consult.document(await space.visit("patient"), "", whole.lines[0].id) == page
    code = whole.curves[0].code
    short = await consult.curve(await space.visit("patient"), "", code)
    monkeypatch.undo()
    assert short == await consult.curve(await space.visit("patient"), "", code)
    assert len(short.points) == whole.curves[0].count


async def test_a_page_has_its_results_by_chapter_in_the_order_of_the_report(space: Space) -> None:
    data = fresh().xml
    sent = await space.post("", lot(data), as_="lab-software")
    page = await consult.document(await space.visit("patient"), "", id_of(sent))
    parsed = read(data)
    results = [each for each in page.results if each.value]
    assert [each.label for each in results] == [each.label for each in parsed.results.results]
    sections = [parsed.sections[each.section] for each in parsed.results.results]
    titles = {each.title for each in parsed.sections}
    assert all(each.section in titles and each.section for each in results)
    assert [each.section for each in results if each.section] == [
        section.title or parsed.sections[0].title for section in sections
    ]
    assert [str(each.number) for each in results if each.number is not None] == [
        str(each.value.value)  # type: ignore[union-attr]
        for each in parsed.results.results
        if hasattr(each.value, "value")
    ]
    assert page.patient_name == people.PATIENT.name
    assert page.pdf and page.source and page.sections


async def test_a_result_has_the_one_before_it(space: Space) -> None:
    """Of the same code and unit, from a report that still holds."""
    first = fresh(minutes=-60 * 24 * 30)
    await space.post("", lot(first.xml), as_="lab-software")
    sent = await space.post("", lot(fresh().xml), as_="lab-software")
    page = await consult.document(await space.visit("patient"), "", id_of(sent))
    line = next(each for each in page.results if each.code == GLYCAEMIA)
    curve = await consult.curve(await space.visit("patient"), "", GLYCAEMIA)
    before = [each for each in curve.points if each.at < line.at]
    assert (line.previous, line.previous_at) == (before[-1].value, before[-1].at)


async def test_a_corrected_report_strikes_out_the_first(space: Space) -> None:
    visit = await space.visit("patient")
    before = await consult.curve(visit, "", GLYCAEMIA)
    old = fresh()
    await space.post("", lot(old.xml), as_="lab-software")
    (value,) = {
        str(each.value.value)  # type: ignore[union-attr]
        for each in read(old.xml).results.results
        if each.code.code == GLYCAEMIA
    }
    other = corrected(old).replace(f'value="{value}"'.encode(), b'value="9.87"')
    sent = await space.post("", lot(other), as_="lab-software")
    after = await consult.curve(visit, "", GLYCAEMIA)
    assert len(after.points) == len(before.points) + 1
    new = [each for each in after.points if each not in before.points]
    assert [(str(each.value), each.document) for each in new] == [("9.87", id_of(sent))]
    listed = await consult.documents(visit, "")
    (line,) = [each for each in listed.curves if each.code == GLYCAEMIA]
    assert (line.count, str(line.last)) == (len(after.points), "9.87")


async def test_a_curve_joins_laboratories_and_names_each(space: Space) -> None:
    await space.post("", lot(fresh().xml), as_="lab-software")
    data = fresh(minutes=60, establishment=people.OTHER_LABORATORY.key).xml
    custodian = {"display": people.OTHER_LABORATORY.name}
    mine = {"display": people.LABORATORY.name}
    await space.post("", lot(data, custodian=custodian), as_="hospital-software")
    await space.post("", lot(fresh(minutes=30).xml, custodian=mine), as_="lab-software")
    found = await consult.curve(await space.visit("patient"), "", GLYCAEMIA)
    assert {people.OTHER_LABORATORY.name, people.LABORATORY.name} <= {
        each.place for each in found.points
    }
    assert [each.at for each in found.points] == sorted(each.at for each in found.points)


async def test_the_same_point_is_never_drawn_twice(space: Space) -> None:
    """Two organisations that send the same report: one point."""
    visit = await space.visit("patient")
    await space.post("", lot(fresh().xml), as_="lab-software")
    once = await consult.curve(visit, "", GLYCAEMIA)
    await space.post("", lot(fresh().xml), as_="hospital-software")
    twice = await consult.curve(visit, "", GLYCAEMIA)
    assert [(each.at, each.value) for each in twice.points] == [
        (each.at, each.value) for each in once.points
    ]


async def test_units_are_never_mixed_on_a_curve(space: Space) -> None:
    for at, value, unit in (
        ("2026-11-01", 72.5, "kg"),
        ("2026-11-02", 159.8, "[lb_av]"),
        ("2026-11-03", 73.1, "kg"),
    ):
        made = await space.post(
            "Observation", observation(space, at, value, unit), as_="lab-software"
        )
        assert made.status == 201, made.body
    void = observation(space, "2026-11-04", 7.3, status="entered-in-error")
    await space.post("Observation", void, as_="lab-software")
    found = await consult.curve(await space.visit("patient"), "", "29463-7")
    assert found.unit == "kg"
    assert [str(each.value) for each in found.points] == ["72.5", "73.1"]


async def test_a_curve_of_what_is_not_seen_is_absent(space: Space) -> None:
    labels = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    theirs = fresh(people.PARENT)
    await space.post(
        "",
        lot(theirs.xml, subject=subject(people.PARENT), securityLabel=labels),
        as_="lab-software",
    )
    own = await consult.curve(await space.visit("parent"), "", GLYCAEMIA)
    assert len(own.points) == 1
    with pytest.raises(Nothing):
        await consult.curve(await space.visit("patient"), "", "99999-9")


async def test_a_file_is_called_as_its_document_calls_it(space: Space) -> None:
    sent = await space.post("", lot(fresh().xml), as_="lab-software")
    visit = await space.visit("patient")
    page = await consult.document(visit, "", id_of(sent))
    assert page.source and page.pdf
    source = await consult.content(visit, "", page.source)
    assert (source.title, source.data) == ("Bilan du 21 novembre", fresh().xml)
    pdf = await consult.content(visit, "", page.pdf)
    assert pdf.media_type == "application/pdf"
    assert pdf.title not in ("", "document")
    with pytest.raises(Nothing):
        await consult.content(await space.visit("parent"), "", page.source)


async def test_a_document_that_cannot_be_read_is_shown_all_the_same(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await space.post("", lot(fresh().xml), as_="lab-software")

    def refuse(source: bytes) -> None:
        read(b"<broken")

    monkeypatch.setattr(consult, "read", refuse)
    page = await consult.document(await space.visit("patient"), "", id_of(sent))
    assert page.sections == ()
    assert page.line.title == "Bilan du 21 novembre"
    assert page.results and page.source


async def test_authors_of_every_kind_are_named(space: Space) -> None:
    contained = [
        {"resourceType": "Organization", "id": "o", "name": "Laboratoire des Essais"},
        {
            "resourceType": "Device",
            "id": "d",
            "deviceName": [{"name": "Automate", "type": "model-name"}],
        },
        {"resourceType": "Practitioner", "id": "p", "name": [{"text": "Pr Zoé Blanc"}]},
        {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "#p"}},
    ]
    author = [{"reference": f"#{each}"} for each in ("o", "d", "r")] + [{"display": "Me Noir"}]
    sent = await space.post(
        "", lot(fresh().xml, contained=contained, author=author), as_="lab-software"
    )
    page = await consult.document(await space.visit("patient"), "", id_of(sent))
    assert page.line.author == "Laboratoire des Essais, Automate, Pr Zoé Blanc, Me Noir"


async def test_documents_of_others_are_not_reached_through_one_s_own_record(space: Space) -> None:
    theirs = await space.post(
        "", lot(fresh(people.PARENT).xml, subject=subject(people.PARENT)), as_="lab-software"
    )
    visit = await space.visit("patient")
    with pytest.raises(Nothing):
        await consult.document(visit, "", id_of(theirs))
    with pytest.raises(Nothing):
        await consult.content(visit, "", locations(theirs)[2].split("/")[1])


async def test_the_number_before_is_the_last_that_holds_however_far(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past a replaced report, other units and many results of other codes."""
    monkeypatch.setattr(consult, "NEAR", 1)
    week = 60 * 24 * 7
    kept, void = fresh(minutes=-2 * week), fresh(minutes=-week)
    await space.post("", lot(kept.xml), as_="lab-software")
    await space.post("", lot(void.xml), as_="lab-software")
    blank = corrected(void)
    start = blank.index(b"<structuredBody>")
    end = blank.index(b"</structuredBody>") + len(b"</structuredBody>")
    file = b'mediaType="application/pdf" representation="B64">JVBERi0xLjQK'
    body = b"<nonXMLBody><text " + file + b"</text></nonXMLBody>"
    withdrawn = await space.post("", lot(blank[:start] + body + blank[end:]), as_="lab-software")
    assert withdrawn.status == 200, withdrawn.body
    sent = await space.post("", lot(fresh().xml), as_="lab-software")
    page = await consult.document(await space.visit("patient"), "", id_of(sent))
    wanted = {
        each.code.code: str(each.value.value)  # type: ignore[union-attr]
        for each in read(kept.xml).results.results
        if hasattr(each.value, "value")
    }
    assert {each.code: str(each.previous) for each in page.results if each.value} == wanted
