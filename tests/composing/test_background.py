# SPDX-License-Identifier: EUPL-1.2
"""Vaccinations, family, habits and devices of a synthesis are read again as what they were."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import pypdf
import pytest
from lxml import etree

from carnet.composing import cda, readable
from carnet.composing.cda import devices, family, lifestyle, told
from carnet.composing.cda.elements import tag
from carnet.composing.kinds import synthesis
from carnet.composing.kinds.sections import Reviewed
from carnet.composing.model import Document
from carnet.documents.cda import read
from carnet.documents.cda.conformance import Profile, conformance
from carnet.documents.cda.constraints import broken
from tests.composing import conftest
from tests.composing.background import LINES, MOTHER, PACEMAKER, STATUS, TETANUS, TOBACCO
from tests.composing.test_cda import again, codes
from tests.composing.test_peer import inside

V3 = {"h": "urn:hl7-org:v3"}
# What the reader adds, or the model has no place for.
AROUND = frozenset({
    "identifier", "patient", "subject", "recorded", "recordedOn", "date", "performer", "derivedFrom",
    "source", "meta", "id", "reasonCode",
})  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> Document:
    """A synthesis with a line of every kind."""
    reviewed = Reviewed({**conftest.LINES, **LINES}, {"lifestyle": "Ne fume plus chez lui."})
    return Document(
        synthesis.SORT, UUID(int=11 << 100), conftest.PATIENT, conftest.SIGNER, conftest.AT,
        synthesis.parts(reviewed),
    )  # fmt: skip


def bare(held: Any) -> Any:
    """Without what the reader adds: for codes their system and code, elsewhere the value itself."""
    if isinstance(held, dict):
        if "coding" in held:
            return sorted((each["system"], each["code"]) for each in held["coding"])
        return {key: bare(each) for key, each in held.items() if key not in AROUND}
    return [bare(each) for each in held] if isinstance(held, list) else held


def test_it_keeps_its_model_and_a_strict_reader_finds_nothing_to_say(whole: Document) -> None:
    written = cda.write(whole, readable.pdf(whole))
    assert [(each.rule.id, each.path) for each in broken(etree.fromstring(written))] == []
    found = conformance(read(written), profile=Profile.STRICT)
    assert [each.rule for each in found if each.rule != "ins-test-system"] == []


def test_a_vaccination_comes_back_as_the_same_data(whole: Document) -> None:
    [found] = again(whole)["Immunization"]
    assert bare(found) == bare(TETANUS)
    assert found["identifier"] == TETANUS["identifier"]


def test_a_relative_comes_back_with_each_illness_and_the_patient_has_none(whole: Document) -> None:
    data = again(whole)
    [found] = data["FamilyMemberHistory"]
    assert bare(found) == bare(MOTHER)
    told = {code for each in data["Condition"] for _, code, _ in codes(each["code"])}
    assert told == {"I20.0", "N10"}  # the patient's own, and nobody else's


def test_habits_come_back_as_the_same_data(whole: Document) -> None:
    found = {codes(each["code"])[0][1]: each for each in again(whole)["Observation"]}
    assert set(found) == {"74011-8", "72166-2"}
    for mine, theirs in ((TOBACCO, found["74011-8"]), (STATUS, found["72166-2"])):
        assert bare(theirs) == bare(mine)


def test_a_device_comes_back_with_its_use(whole: Document) -> None:
    data = again(whole)
    [use], [found] = data["DeviceUseStatement"], data["Device"]
    assert (use["status"], use["timingPeriod"], use["note"]) == (
        "active", PACEMAKER["timingPeriod"], PACEMAKER["note"],
    )  # fmt: skip
    mine = PACEMAKER["contained"][0]
    for key in ("lotNumber", "serialNumber", "deviceName"):
        assert found[key] == mine[key]
    assert codes(found["type"]) == codes(mine["type"])
    assert found["udiCarrier"][0]["carrierHRF"] == mine["udiCarrier"][0]["carrierHRF"]
    assert use["device"]["reference"]


def test_an_independent_reader_finds_the_same_entries(whole: Document) -> None:
    found = inside(whole)
    [vaccine] = found["11369-6"]
    given = vaccine.substance_administration
    product = given.consumable.manufactured_product.manufactured_material
    assert (product.code.code, product.lot_number_text) == ("65241853", "4456672")
    assert given.negation_ind is False
    [relative] = found["10157-6"]
    ill = [each.observation.value.code for each in relative.organizer.component]
    assert ill == ["C50.9", "E11.9"]
    habits = [each.observation for each in found["29762-2"]]
    assert [each.code.code for each in habits] == ["74011-8", "72166-2"]
    assert (str(habits[0].value.value), habits[0].value.unit) == ("25", "{pack}/a")
    [device] = found["46264-8"]
    # Of a supply it models the act alone: who bears what is asked of the XML, by XPath.
    assert device.supply.template_id[1].root == "1.2.250.1.213.1.1.3.20"
    root = etree.fromstring(cda.write(whole))
    assert root.xpath("//h:playingDevice/h:code/@code", namespaces=V3) == ["J010104"]
    assert root.xpath("//h:relatedSubject/h:code/@code", namespaces=V3) == ["MTH"]


def test_each_anchor_is_there_once_and_says_what_the_cell_says(whole: Document) -> None:
    root = etree.fromstring(cda.write(whole))
    every = [str(each) for each in root.xpath("//@ID", namespaces=V3)]
    assert len(every) == len(set(every))
    pointed = [str(each)[1:] for each in root.xpath("//h:reference/@value", namespaces=V3)]
    assert [each for each in pointed if each not in every] == []
    rows = root.xpath("//h:section[h:code/@code='10157-6']//h:tbody/h:tr", namespaces=V3)
    cells = [[" ".join("".join(cell.itertext()).split()) for cell in row] for row in rows]
    assert cells == [list(LINES["family"][0].cells)]
    for kind, lines in LINES.items():
        assert all(line.pieces and line.kind == kind for line in lines)
        assert all(
            told.words(p) == c for e in lines for p, c in zip(e.pieces or (), e.cells, strict=True)
        )


def test_the_paper_says_each_line(whole: Document) -> None:
    pages = pypdf.PdfReader(io.BytesIO(readable.pdf(whole))).pages
    text = " ".join("".join(page.extract_text() for page in pages).split())
    for said in ("REVAXIS", "4456672", "Mère", "Tumeur maligne", "Diabète de", "Consommation", "25 pack/a",
                 "Souhaite", "Stimulateur", "10987", "Ne fume plus chez lui."):  # fmt: skip
        assert said in text, said


def test_words_alone_have_no_coded_section() -> None:
    parts = synthesis.parts(Reviewed({}, {"lifestyle": "Ne fume plus."}))
    [risks] = parts[0].inside
    [habits] = risks.inside
    assert habits.templates == synthesis.WORDS_ALONE
    assert (habits.words, habits.lines) == (("Ne fume plus.",), ())


def test_no_known_device_is_said_as_the_model_says_it() -> None:
    system = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
    none = conftest.concept(system, "no-known-devices", "Pas de dispositif médical connu")
    own = {**PACEMAKER, "contained": [{"resourceType": "Device", "id": "device", "type": none}]}
    made = devices.device(own, "a", lambda _: tag("id", root="1"))
    assert (
        made.xpath("string(.//h:playingDevice/h:code/@code)", namespaces=V3) == "no-known-devices"
    )
    flavors = made.xpath("h:id/@nullFlavor | h:effectiveTime/@nullFlavor", namespaces=V3)
    assert flavors == ["NA", "NA"]


def test_the_name_of_a_relative_is_never_written() -> None:
    made = family.family({**MOTHER, "name": "Jeanne PAT-TROIS"}, "a", lambda _: tag("id", root="1"))
    assert "Jeanne" not in etree.tostring(made, encoding="unicode")


def test_a_bound_is_never_a_measure() -> None:
    bound = {**TOBACCO, "valueQuantity": {**TOBACCO["valueQuantity"], "comparator": "<"}}
    made = lifestyle.habit(bound, "a", lambda _: tag("id", root="1"))
    [value] = made.xpath("h:value", namespaces=V3)
    assert (value.get("{http://www.w3.org/2001/XMLSchema-instance}type"), value.text) == (
        "ST", "<25 {pack}/a",
    )  # fmt: skip
