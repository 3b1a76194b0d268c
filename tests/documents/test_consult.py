# SPDX-License-Identifier: EUPL-1.2
"""What a record shows: its list, a document with its versions and results, curves, files."""

import base64
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from carnet.access.door import Nothing
from carnet.documents import consult, nomenclature, show
from carnet.documents.cda import read
from carnet.documents.consult import listing, record
from carnet.documents.pages import OTHER, Asked, DocumentLine
from tests import people
from tests.documents.files import samples
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

# The modules, which the acts of the package are named after.
walk = sys.modules["carnet.documents.consult.curves"]
page_of = sys.modules["carnet.documents.consult.document"]

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
    assert own.latest


async def test_the_list_says_what_each_document_is(space: Space) -> None:
    sent = await space.post("", lot(fresh().xml), as_="lab-software")
    found = await consult.documents(await space.visit("gp"), space.patient_id())
    (line,) = [each for each in found.lines if each.id == id_of(sent)]
    assert line.title == "Bilan du 21 novembre"
    assert (line.kind, line.kind_label) == ("11502-2", nomenclature.type_label("11502-2"))
    assert line.author == "Dr Anne Moreau"
    assert line.date == datetime(2026, 11, 21, 5, 10, tzinfo=UTC)  # of the act, as the CDA says
    assert (line.status, line.labels, line.warnings) == ("current", frozenset(), ())
    assert [each.date for each in found.lines] == sorted(
        (each.date for each in found.lines), reverse=True
    )


LEVEL_1 = {
    "text": ('mediaType="text/plain" representation="TXT"', b"Vue ce jour.", "Vue ce jour."),
    "rtf": ('mediaType="text/rtf" representation="B64"', rb"{\rtf1 Vue {\b ce} jour.}", "Vue ce jour."),
    "picture": ('mediaType="image/jpeg" representation="B64"', samples.photo(), ""),
    "pdf": ('mediaType="application/pdf" representation="B64"', samples.pdf(), None),
}  # fmt: skip


@pytest.mark.parametrize("kind", LEVEL_1)
async def test_the_file_of_a_level_1_can_be_looked_at_whatever_it_is(
    space: Space, kind: str
) -> None:
    """Its page says so, and the file then shows."""
    said, data, words = LEVEL_1[kind]
    written = data if kind == "text" else base64.b64encode(data)
    source = fresh().xml
    start, end = source.index(b"<structuredBody"), source.index(b"</structuredBody>")
    body = b"<nonXMLBody><text %b>%b</text></nonXMLBody>" % (said.encode(), written)
    source = source[:start] + body + source[end + len(b"</structuredBody>") :]
    sent = await space.post("", lot(source), as_="lab-software")
    visit = await space.visit("gp")
    page = await consult.document(visit, space.patient_id(), id_of(sent))
    assert page.shown
    found = await show.file(visit, space.patient_id(), id_of(sent))
    assert found.readable
    assert (found.pages > 0) == (kind in ("picture", "pdf"))
    assert words is None or found.text.strip() == words


async def test_a_document_without_a_file_to_look_at_says_so(space: Space) -> None:
    """A lot of XML alone, without a PDF copy in it."""
    source = fresh().xml
    start, end = source.index(b"<observationMedia"), source.index(b"</observationMedia>")
    source = source[:start] + b"<act/>" + source[end + len(b"</observationMedia>") :]
    sent = await space.post("", lot(source), as_="lab-software")
    visit = await space.visit("gp")
    page = await consult.document(visit, space.patient_id(), id_of(sent))
    assert not page.shown
    with pytest.raises(Nothing):
        await show.file(visit, space.patient_id(), id_of(sent))


async def test_hundreds_of_results_are_all_looked_at(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is fetched at once: nothing is cut off in silence."""
    visit = await space.visit("patient")
    whole = await consult.documents(visit, "")
    measured = await consult.curves(visit, "")
    page = await consult.document(visit, "", whole.lines[0].id)
    drawn = [await consult.curve(visit, "", each.code) for each in measured]
    monkeypatch.setattr(record, "TOGETHER", 3)
    monkeypatch.setattr(walk, "BATCH", 2)
    assert await consult.curves(visit, "") == measured
    assert await consult.document(visit, "", whole.lines[0].id) == page
    assert [await consult.curve(visit, "", each.code) for each in measured] == drawn
    assert {each.code for each in whole.latest} <= {each.code for each in measured}
    for line, one in zip(measured, drawn, strict=True):
        assert (line.unit, line.last_at) == (one.unit, one.points[-1].at)
        assert line.last.split("/")[0] == str(one.points[-1].value)


async def pages_of(space: Space, asked: Asked, persona: str = "patient") -> list[DocumentLine]:
    """Every page by its `older`, then back by `newer`: both ways must say the same."""
    visit = await space.visit(persona)
    patient = "" if persona == "patient" else space.patient_id()
    there = [await consult.documents(visit, patient, asked)]
    assert there[0].newer == ""
    while there[-1].older:
        there.append(await consult.documents(visit, patient, replace(asked, after=there[-1].older)))
    back = [there[-1]]
    while back[-1].newer:
        asked_back = replace(asked, before=back[-1].newer)
        back.append(await consult.documents(visit, patient, asked_back))
    assert [each.lines for each in back[::-1]] == [each.lines for each in there]
    lines = [line for each in there for line in each.lines]
    assert len(lines) == there[0].total == len({line.id for line in lines})
    return lines


async def test_pages_give_each_document_once_both_ways(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    await space.post("", lot(fresh().xml), as_="lab-software")
    await space.post("", lot(fresh(minutes=60).xml, type=None), as_="hospital-software")
    whole = await pages_of(space, Asked())
    monkeypatch.setattr(listing, "PAGE", 2)
    assert len(whole) > 6
    assert await pages_of(space, Asked()) == whole


async def test_the_list_is_narrowed_by_kind_year_and_sender(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each count is what its choice keeps, the other choices as they are."""
    monkeypatch.setattr(listing, "PAGE", 7)
    await space.post("", lot(fresh().xml), as_="lab-software")
    await space.post("", lot(fresh(minutes=60).xml), as_="hospital-software")
    odd = {"coding": [{"system": "urn:x", "code": "none-of-ours", "display": "Autre chose"}]}
    made = await space.post("", lot(fresh(minutes=90).xml, type=odd), as_="hospital-software")
    first = await consult.documents(await space.visit("patient"), "")
    whole = await pages_of(space, Asked())
    assert sum(each.count for each in first.kinds) == len(whole) == first.total
    assert sum(each.count for each in first.years) == len(whole)
    for kind in first.kinds:
        found = await pages_of(space, Asked(kind=kind.value))
        assert len(found) == kind.count
        if kind.value != OTHER:
            assert {each.kind for each in found} == {kind.value}
    for year in first.years:
        found = await pages_of(space, Asked(year=int(year.value)))
        assert len(found) == year.count
        assert {each.date.year for each in found} <= {int(year.value), int(year.value) - 1}
    assert len(first.places) > 1
    for place in first.places:
        assert len(await pages_of(space, Asked(place=place.value))) == place.count
    both = Asked(kind=first.kinds[0].value, place=first.places[0].value)
    narrowed = await consult.documents(await space.visit("patient"), "", both)
    assert narrowed.total == len(await pages_of(space, both))
    assert narrowed.latest == ()
    assert made.status in (200, 422), made.body
    nothing = await consult.documents(await space.visit("patient"), "", Asked(place="x", year=1901))
    assert (nothing.lines, nothing.total) == ((), 0)


async def test_numbers_and_choices_say_nothing_of_what_is_hidden(space: Space) -> None:
    """A masked document changes no count, no year, no sender and no page of who may not see it."""
    theirs = await consult.documents(await space.visit("patient"), "")
    before = await consult.documents(await space.visit("hospital-doctor"), space.patient_id())
    measured = await consult.curves(await space.visit("hospital-doctor"), space.patient_id())
    labels = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    sent = await space.post(
        "", lot(fresh(minutes=60 * 24 * 400).xml, securityLabel=labels), as_="lab-software"
    )
    own = await consult.documents(await space.visit("patient"), "")
    assert id_of(sent) in {each.id for each in own.lines}
    after = await consult.documents(await space.visit("hospital-doctor"), space.patient_id())
    assert after == before
    assert own.total == theirs.total + 1
    assert (
        await consult.curves(await space.visit("hospital-doctor"), space.patient_id()) == measured
    )


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
    struck = [each for each in after.asides if each not in before.asides]
    assert [each.why for each in struck] == ["replaced"]
    assert struck[0].value.startswith(value)
    assert (struck[0].newer, struck[0].newer_at is not None) == (id_of(sent), True)
    (listed,) = [each for each in await consult.curves(visit, "") if each.code == GLYCAEMIA]
    assert listed.last == "9.87"


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


async def test_units_are_converted_or_told_apart(space: Space) -> None:
    for at, value, unit in (
        ("2026-11-01", 72.5, "kg"),
        ("2026-11-02", 159.8, "[lb_av]"),
        ("2026-11-02", 11, "pierres"),
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
    new = [each for each in found.points if each.at >= datetime(2026, 11, 1, tzinfo=UTC)]
    assert [str(each.value) for each in new] == ["72.5", "72.48", "73.1"]
    assert [each.written for each in new] == ["", "159.8 [lb_av]", ""]
    assert [(each.value, each.why) for each in found.asides] == [("11 pierres", "unit")]


async def test_blood_pressure_is_one_figure_of_two_lines(space: Space) -> None:
    def part(code: str, value: int) -> dict[str, Any]:
        return {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {
                "value": value, "unit": "mmHg",
                "system": "http://unitsofmeasure.org", "code": "mm[Hg]",
            },
        }  # fmt: skip

    code = {"coding": [{"system": "http://loinc.org", "code": "85354-9"}], "text": "PA"}
    for at, high, low in (("2026-11-20T08:00:00Z", 131, 82), ("2026-11-21T08:00:00Z", 128, 76)):
        sent = observation(
            space, at, 0, code=code, component=[part("8480-6", high), part("8462-4", low)],
            performer=[{"reference": f"Patient/{space.patient_id()}"}],
        )  # fmt: skip
        del sent["valueQuantity"]
        made = await space.post("Observation", sent, as_="lab-software")
        assert made.status == 201, made.body
    visit = await space.visit("patient")
    found = await consult.curve(visit, "", "85354-9")
    (beside,) = found.beside
    assert (found.label, found.unit, found.line) == ("Pression artérielle", "mmHg", "Systolique")
    assert [str(each.value) for each in found.points][-2:] == ["131", "128"]
    assert [str(each.value) for each in beside.points][-2:] == ["82", "76"]
    assert all(each.by_patient for each in (*found.points[-2:], *beside.points[-2:]))
    assert await consult.curve(visit, "", "8480-6") == found, "by the code of one line too"
    (listed,) = [each for each in await consult.curves(visit, "") if each.code == "85354-9"]
    assert (listed.last, listed.unit) == ("128/76", "mmHg")


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

    monkeypatch.setattr(page_of, "read", refuse)
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
    monkeypatch.setattr(page_of, "NEAR", 1)
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
