# SPDX-License-Identifier: EUPL-1.2
"""What is written is read again: by our reader, as the same data; by XPath, element for element."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pypdf
import pytest
from lxml import etree

from carnet.composing import cda, readable
from carnet.composing.cda import entries
from carnet.composing.cda.elements import tag
from carnet.composing.kinds import discharge, synthesis
from carnet.composing.kinds.sections import Reviewed
from carnet.composing.model import Document
from carnet.documents import metadata
from carnet.documents.cda import read
from carnet.documents.cda.conformance import Profile, conformance
from carnet.documents.cda.constraints import broken
from tests.composing.conftest import (
    ANGINA,
    ANSWERED,
    AT,
    INFECTION,
    NURSE,
    PARACETAMOL,
    PLAVIX,
    STENT,
)

V3 = {"h": "urn:hl7-org:v3"}


def again(document: Document) -> dict[str, list[dict[str, Any]]]:
    """The data our reader finds, by type."""
    found: dict[str, list[dict[str, Any]]] = {}
    count = iter(range(10_000))
    made = metadata.resources(
        read(cda.write(document)), patient="Patient/a", received=AT,
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(count):012}",
    )  # fmt: skip
    for each in made:
        found.setdefault(each.resource["resourceType"], []).append(each.resource)
    return found


def codes(concept: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["system"], each["code"], each["display"]) for each in concept["coding"]]


@pytest.mark.parametrize("kind", ["vsm", "letter"])
def test_a_strict_reader_finds_nothing_to_say(kind: str, request: pytest.FixtureRequest) -> None:
    document = read(cda.write(request.getfixturevalue(kind)))
    found = conformance(document, profile=Profile.STRICT, now=AT + timedelta(minutes=1))
    assert [(each.rule, each.path) for each in found if each.rule != "ins-test-system"] == []


def test_each_line_of_a_synthesis_comes_back_as_the_same_data(vsm: Document) -> None:
    found = again(vsm)
    problems = {codes(each["code"])[0][1]: each for each in found["Condition"]}
    assert set(problems) == {"I20.0", "N10"}
    for mine, theirs in ((ANGINA, problems["I20.0"]), (INFECTION, problems["N10"])):
        assert codes(mine["code"]) == codes(theirs["code"])
        assert (
            mine["clinicalStatus"]["coding"][0]["code"]
            == theirs["clinicalStatus"]["coding"][0]["code"]
        )
        assert (mine["onsetDateTime"], mine.get("abatementDateTime")) == (
            theirs["onsetDateTime"], theirs.get("abatementDateTime"),
        )  # fmt: skip
    assert problems["I20.0"]["identifier"] == ANGINA["identifier"]
    [allergy] = found["AllergyIntolerance"]
    for key in ("type", "category", "onsetDateTime"):
        assert allergy[key] == PARACETAMOL[key]
    assert codes(allergy["code"]) == codes(PARACETAMOL["code"])
    assert allergy["clinicalStatus"]["coding"][0]["code"] == "inactive"
    [act] = found["Procedure"]
    assert (codes(act["code"]), act["performedDateTime"]) == (codes(STENT["code"]), "2018-01-14")
    [taken] = found["MedicationStatement"]
    assert codes(taken["medicationCodeableConcept"]) == codes(PLAVIX["medicationCodeableConcept"])
    assert taken["effectivePeriod"]["start"] == "2019-08-11"
    [dosage] = taken["dosage"]
    own = PLAVIX["dosage"][0]
    assert codes(dosage["route"]) == codes(own["route"])
    assert dosage["timing"]["repeat"]["period"] == 1
    assert dosage["timing"]["repeat"]["periodUnit"] == "d"
    assert own["text"] in json.dumps(dosage, ensure_ascii=False)


def test_a_letter_comes_back_with_its_stay_and_what_happened(letter: Document) -> None:
    found = again(letter)
    told = {codes(each["code"])[0][1]: each for each in found["Observation"]}
    assert told["MED-142"]["valueString"] == "Coronarographie normale."
    assert "MED-143" not in told, "nothing was said of adverse events: none is not supposed"
    assert told["ORG-070"]["valueCodeableConcept"]["coding"][0]["code"] == "183452005"
    assert told["ORG-070"]["effectiveDateTime"] == "2026-11-15"
    assert told["ORG-074"]["valueCodeableConcept"]["coding"][0]["code"] == "500"
    assert [told[code]["valueBoolean"] for code in ("MED-309", "MED-145")] == [True, False]
    assert "valueBoolean" not in told["MED-147"], "what nobody knows is not said to be none"
    assert told["MED-147"]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert told["MED-144"]["valueString"] == "Escherichia coli BLSE"
    assert not {"MED-146", "MED-148"} & set(told)
    assert told["GEN-065"]["valueCodeableConcept"]["coding"][0]["code"] == "9571008"
    [reference] = found["DocumentReference"]
    assert reference["context"]["period"]["start"].startswith("2026-11-15T08:00:00")
    assert len(found["AllergyIntolerance"]) == 1
    [taken], [stopped] = found["MedicationStatement"], found["MedicationAdministration"]
    assert codes(taken["medicationCodeableConcept"])[0][1] == "63564053"
    assert codes(stopped["medicationCodeableConcept"])[0][1] == "63259486"
    assert stopped["effectivePeriod"] == {"start": "2018-08-01", "end": "2026-11-16"}
    assert "end" not in taken["effectivePeriod"]
    header = read(cda.write(letter)).header
    assert (header.version, [each.root for each in header.replaces]) == (2, ["2.25.4"])


def test_an_independent_reader_finds_each_element_where_the_model_puts_it(vsm: Document) -> None:
    root = etree.fromstring(cda.write(vsm))

    def at(path: str) -> list[str]:
        return [str(each) for each in root.xpath(path, namespaces=V3)]

    assert at("h:templateId/@root") == [
        "2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.2.250.1.213.1.1.1.13",
    ]  # fmt: skip
    assert at("h:recordTarget/h:patientRole/h:id/@extension") == ["279035121518989"]
    assert at("//h:patient/h:name/h:family[@qualifier='CL']/text()") == ["PAT <TROIS> & Cie"]
    assert at("//h:patient//h:county/text()") == ["51215"]
    assert at("h:legalAuthenticator/h:assignedEntity/h:id/@extension") == ["810000000018"]
    problem = "//h:section[h:code/@code='11450-4']/h:entry/h:act/h:entryRelationship/h:observation"
    assert at(f"{problem}/h:value/@code") == ["I20.0"]
    anchor = at(f"{problem}/h:value/h:originalText/h:reference/@value")[0]
    assert at(f"//h:content[@ID='{anchor[1:]}']/text()") == ["Angine de poitrine instable"]
    assert at("//h:section[h:code/@code='10160-0']//h:period/@value") == ["1"]
    assert at("//h:section[h:code/@code='30954-2']/h:text/h:paragraph/text()") == [
        "Hémibloc < 5 & autre"
    ]
    every = at("//@ID")
    assert len(every) == len(set(every))
    assert [each for each in at("//h:reference/@value") if each[1:] not in every] == []


def test_a_letter_names_who_treats_and_who_receives_it(letter: Document) -> None:
    root = etree.fromstring(cda.write(letter))

    def at(path: str) -> list[str]:
        return [str(each) for each in root.xpath(path, namespaces=V3)]

    to = "h:informationRecipient/h:intendedRecipient"
    assert at(f"{to}/h:id/@extension") == ["810000000026", "810000000034"]
    assert at(f"{to}//h:family/text()") == ["BOILEAU", "NOËL & FILS"]
    assert at(f"{to}/h:receivedOrganization/h:id/@extension") == ["1750803447"]
    treating = "h:participant[h:functionCode/@code='PCP']/h:associatedEntity"
    assert at(f"{treating}/h:id/@extension") == ["810000000026"]
    assert at(f"{treating}/h:code/@code") == ["G15_10/SM26"]
    assert at("//h:section[h:code/@code='18610-6']//h:td[4]/text()") == [
        "Allongement du QT <470 ms>"
    ]
    pages = pypdf.PdfReader(io.BytesIO(readable.pdf(letter))).pages
    printed = "".join(page.extract_text() for page in pages)
    for said in ("Dr Élise BOILEAU", "Léa NOËL & FILS", "Allongement"):
        assert said in printed
    unknown = replace(letter, attending=NURSE)
    root = etree.fromstring(cda.write(unknown))
    assert at(f"{treating}/h:code/@code") == ["G15_10"], "who treats is a doctor"


def test_the_same_document_gives_the_same_bytes(vsm: Document) -> None:
    assert cda.write(vsm) == cda.write(vsm)


def test_the_readable_copy_says_each_line_of_the_document(vsm: Document) -> None:
    text = "".join(
        page.extract_text() for page in pypdf.PdfReader(io.BytesIO(readable.pdf(vsm))).pages
    )
    for said in ("Angine de poitrine", "Pyélonéphrite", "PARACÉTAMOL", "PLAVIX 75", "279035121518989",
                 "Hémibloc < 5 & autre", "Dr Stéphane MÉDIONI", "2.25."):  # fmt: skip
        assert said in text


@pytest.mark.parametrize("kind", ["vsm", "letter"])
@pytest.mark.parametrize("held", ["all", "words", "nothing"])
def test_what_is_written_keeps_the_rules_of_its_model(
    kind: str, held: str, request: pytest.FixtureRequest
) -> None:
    document: Document = request.getfixturevalue(kind)
    sort = synthesis if kind == "vsm" else discharge
    words = dict.fromkeys(sort.WORDS, "Des mots.\nEt d’autres.") if held == "words" else {}
    if held != "all":
        kept = Reviewed({}, words if kind == "vsm" else ANSWERED | {"story": "Simple"} | words)
        parts = synthesis.parts(kept) if kind == "vsm" else discharge.parts(kept, AT)
        document = replace(document, parts=parts)
    written = cda.write(document, readable.pdf(document))
    assert [(each.rule.id, each.path) for each in broken(etree.fromstring(written))] == []
    found = conformance(read(written), profile=Profile.STRICT)
    assert [each.rule for each in found if each.rule != "ins-test-system"] == []
    assert written.count("Et d’autres.".encode()) >= len(words)
    assert [file.data for file in read(written).attachments] == [readable.pdf(document)]


@pytest.mark.parametrize(
    ("repeat", "period"),
    [
        ({"frequency": 2, "period": 1, "periodUnit": "d"}, ("12", "h")),
        ({"frequency": 3, "period": 1, "periodUnit": "d"}, ("8", "h")),
        ({"period": 2, "periodUnit": "wk"}, ("2", "wk")),
        ({"frequency": 0, "period": 1, "periodUnit": "d"}, None),
        ({"period": "1E+999999", "periodUnit": "d"}, None),
        ({"period": "1E-999999", "periodUnit": "d"}, None),
        ({"period": "often", "periodUnit": "d"}, None),
        ({}, None),
    ],
)
def test_a_rhythm_is_the_time_between_two_takes_or_is_not_said(
    repeat: dict[str, Any], period: tuple[str, str] | None
) -> None:
    dosage = {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": {"value": "1E+2"}}]}
    made = entries.treatment({**PLAVIX, "dosage": [dosage]}, "a", lambda _: tag("id"))
    found = made.find(".//{urn:hl7-org:v3}period")
    told = None if found is None else (found.get("value"), found.get("unit"))
    assert told == period
    assert made.find(".//{urn:hl7-org:v3}doseQuantity/{urn:hl7-org:v3}low").get("value") == "100"
