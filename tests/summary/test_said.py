# SPDX-License-Identifier: EUPL-1.2
"""From a line of the one page to the section of the document where it was said."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from carnet.access.door import Nothing
from carnet.documents import cda
from carnet.documents.consult.document import document
from carnet.documents.consult.document import ranks as of_section
from carnet.documents.metadata import resources
from carnet.documents.metadata.provenance import ROOT
from carnet.summary import health
from carnet.summary.said import Place, place, ranks
from tests.documents.lots import document_of, fresh, lot
from tests.space import Space
from tests.summary.facts import ICD, NOW, concept, condition

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ClinicalDocument/component/structuredBody/component[2]/section/entry[3]/act", "2"),
        (
            "/ClinicalDocument/component/structuredBody/component[1]/section/component[4]/section"
            "/entry[1]/organizer/component[2]/observation",
            "1-4",
        ),
        ("/ClinicalDocument/component/structuredBody/component[12]/section", "12"),
        ("/ClinicalDocument/component/nonXMLBody", ""),
        ("structuredBody/section/entry", ""),
        ("", ""),
    ],
)
def test_a_path_goes_through_the_sections_it_names(path: str, expected: str) -> None:
    assert ranks(path) == expected
    if expected:
        assert of_section(path.partition("/entry")[0]) == expected


async def test_each_line_read_in_a_document_leads_to_a_section_its_page_shows(space: Space) -> None:
    found = document_of(await space.post("", lot(fresh().xml), as_="lab-software"))
    id = found.split("/")[1]
    visit = await space.visit("gp")
    page = await health(visit, space.patient_id())
    sources = [s for v in page.results for s in v.sources if s.document == id]
    assert sources
    shown = {each.ranks: each for each in (await document(visit, space.patient_id(), id)).sections}
    for source in sources:
        where = await place(visit, space.patient_id(), *source.address.split("/"))
        assert where.document == id
        assert shown[where.section].html


@pytest.mark.parametrize("pick", range(6))
def test_what_every_example_says_leads_to_a_section_with_something_to_read(
    shared: Path, pick: int
) -> None:
    """The national agency's examples, of every model: the place of each thing that was read."""
    numbers = count()
    files = sorted((shared / "data" / "french" / "cda-examples").glob("*.xml"))[pick::6]
    assert files
    led = 0
    for file in files:
        read = cda.read(file.read_bytes())
        shown = {of_section(each.place) for each in read.sections if each.html}
        made = resources(
            read, patient="Patient/p", received=NOW, new_uuid=lambda: f"urn:uuid:{next(numbers)}"
        )
        led += sum(bool(each.place) for each in made)
        lost = [each.place for each in made if each.place and section_of(each.place) not in shown]
        assert not lost, (file.name, lost)
    assert led > 100


def section_of(place: str) -> str:
    """As its Provenance says it."""
    return ranks(ROOT + place)


async def test_what_came_by_itself_or_is_hidden_leads_nowhere(space: Space) -> None:
    body = condition(concept(ICD, "J45", "Asthme")) | {
        "subject": {"reference": f"Patient/{space.patient_id()}"}
    }
    alone = (await space.post("Condition", body, as_="gp")).json["id"]
    visit = await space.visit("patient")
    for rtype, id in (("Condition", alone), ("Condition", "a" * 26), ("Nothing", alone)):
        with pytest.raises(Nothing):
            await place(visit, "", rtype, id)
    found = document_of(await space.post("", lot(fresh().xml), as_="lab-software"))
    page = await health(visit, "")
    source = next(s for v in page.results for s in v.sources if found.endswith(s.document))
    assert isinstance(await place(visit, "", *source.address.split("/")), Place)
    assert (await space.post(f"{found}/$hide", {}, as_="patient")).status == 204
    for persona in ("nurse", "outsider", "blocked", "minor"):
        with pytest.raises(Nothing):
            await place(await space.visit(persona), space.patient_id(), *source.address.split("/"))
