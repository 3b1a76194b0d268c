# SPDX-License-Identifier: EUPL-1.2
"""Prescriptions: what is refused of a line, what is written, what a reader and a QR decoder find."""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
import pytest
import zxingcpp

from carnet import errors
from carnet.access.door import Nothing
from carnet.composing.prescription import (
    Line,
    NotAPrescriber,
    Prescriber,
    Prescription,
    Subject,
    WrongLine,
    WrongPrescription,
    resources,
    rules,
)
from carnet.composing.prescription.paper import paper
from carnet.composing.prescription.prescribe import WrongNumber, prescribe
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.validator import Validator
from tests.space import Space

NUMBER = "5f0d6c1e-3d0b-4b52-9c39-1f7a3d5e8a01"
AMOXICILLIN = Line(
    "Amoxicilline 1 g, comprimé dispersible",
    Decimal("1"),
    "comprime",
    3,
    7,
    words="Pendant les repas.",
    cis="60234100",
    unsubstitutable="CIF",
)
PARACETAMOL = Line("Paracétamol 500 mg", Decimal("2"), "gelule", 4, 5, renewals=2, needed=True)
FOUND = Prescription(
    uuid.UUID(NUMBER),
    datetime(2026, 11, 22, 23, 30, tzinfo=UTC),
    Prescriber("10001234567", "Dr Claire Lemoine", "10/SM54", "Cabinet des Tilleuls"),
    Subject(
        "Patient/p",
        "Hélène Garnier",
        "DELAUNAY",
        "HELENE",
        "1967-03-09",
        "female",
        "267033726190724",
    ),
    (AMOXICILLIN, PARACETAMOL),
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"medicine": " "},
        {"medicine": "a" * 201},
        {"medicine": "a\nb"},
        {"words": "\u202e"},
        {"dose": Decimal(0)},
        {"dose": Decimal("NaN")},
        {"dose": Decimal("0.0001")},
        {"dose": Decimal(10001)},
        {"unit": "boîte"},
        {"times": 0},
        {"times": 25},
        {"days": 0},
        {"days": 366},
        {"days": 200, "renewals": 1},
        {"renewals": 13},
        {"cis": "1234567"},
        {"cis": "١٢٣٤٥٦٧٨"},
        {"unsubstitutable": "parce que"},
    ],
)
def test_a_line_that_cannot_be_delivered_does_not_exist(wrong: dict[str, Any]) -> None:
    with pytest.raises(WrongLine):
        replace(AMOXICILLIN, **wrong)


@pytest.mark.parametrize("profession", ["21", "60", "70", "", "assistant"])
def test_some_professions_alone_prescribe(profession: str) -> None:
    with pytest.raises(NotAPrescriber):
        replace(FOUND.prescriber, profession=profession)


def test_a_prescription_has_lines_and_not_too_many() -> None:
    for lines in ((), (PARACETAMOL,) * 21):
        with pytest.raises(WrongPrescription):
            replace(FOUND, lines=lines)


def test_how_it_is_taken_is_read_as_it_is_coded() -> None:
    said = AMOXICILLIN.dosage
    assert said == "1 comprimé, 3 fois par jour, pendant 7 jours. Pendant les repas."
    assert PARACETAMOL.dosage == "2 gélules, 4 fois par jour si besoin, pendant 5 jours."
    half = replace(PARACETAMOL, dose=Decimal("0.50"), days=1)
    assert half.dosage == "0,5 gélule, 4 fois par jour si besoin, pendant 1 jour."
    told = resources.request(FOUND, PARACETAMOL)["dosageInstruction"][0]
    repeat = told["timing"]["repeat"]
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == (4, 1, "d")
    assert (repeat["boundsDuration"]["value"], repeat["boundsDuration"]["code"]) == (5, "d")
    assert told["doseAndRate"][0]["doseQuantity"] == {"value": Decimal(2), "unit": "gélule"}
    assert told["asNeededBoolean"] is True


def test_the_page_says_what_the_law_asks_and_what_was_not_checked() -> None:
    read = pypdf.PdfReader(io.BytesIO(paper(FOUND)))
    text = " ".join("\n".join(each.extract_text() for each in read.pages).split())
    for said in (
        "Dr Claire Lemoine, Médecin",
        "10001234567",
        "Hélène Garnier",
        "Nom de naissance DELAUNAY",
        "09/03/1967",
        "267033726190724",
        "Date 23/11/2026",  # the day in France
        NUMBER,
        "1. Amoxicilline 1 g, comprimé dispersible (CIS 60234100)",
        AMOXICILLIN.dosage,
        "Non substituable (CIF : contre-indication formelle à un excipient à effet notoire)",
        "2. Paracétamol 500 mg",
        PARACETAMOL.dosage,
        "À renouveler 2 fois",
        "2 lignes prescrites.",
        "Aucun contrôle d’interaction",
        "Ce n’est pas le numéro national",
    ):
        assert said in text, said
    assert paper(FOUND) == paper(FOUND)


def test_an_independent_decoder_reads_the_number_of_the_group() -> None:
    page = pypdfium2.PdfDocument(paper(FOUND))[0].render(scale=3).to_pil()
    found = zxingcpp.read_barcodes(page)
    assert [each.text for each in found] == [f"urn:uuid:{NUMBER}"]
    lines = [resources.request(FOUND, each) for each in FOUND.lines]
    assert {each["groupIdentifier"]["value"] for each in lines} == {found[0].text}


def test_the_lines_keep_the_national_profile_but_for_codes_that_are_not_had(
    shared: Path,
) -> None:
    """A medicine of the profile is a UCD code or a substance: what was typed has none."""
    packages = Packages()
    folder = shared / "data" / "french" / "eprescription" / "conformance"
    packages.add([json.loads(each.read_text("utf-8")) for each in sorted(folder.glob("*.json"))])
    profile = (
        "https://interop.esante.gouv.fr/ig/fhir/eprescription/StructureDefinition/"
        "fr-medicationrequest"
    )
    validator = Validator(packages)
    for line in FOUND.lines:
        made = resources.request(FOUND, line)
        found = validator.validate(made, (profile,))
        wrong = {i.path for i in found if i.severity in ("error", "fatal")}
        assert wrong <= {
            "MedicationRequest.medication.ofType(CodeableConcept)",
            "MedicationRequest.medication[x]",
        }, found
        del made["requester"]
        again = validator.validate(made, (profile,))
        assert any("requester" in i.path + i.text for i in again if i.severity == "error")


# ------------------------------------------------------------------------------------------ the act


async def write(
    space: Space, as_: str = "gp", lines: Any = (AMOXICILLIN, PARACETAMOL), number: str = NUMBER
) -> str:
    visit = await space.visit(as_)
    return await prescribe(visit, space.built.desk.acts, space.patient_id(), lines, number)


async def requests(space: Space, as_: str) -> list[dict[str, Any]]:
    path = f"MedicationRequest?patient={space.patient_id()}&_count=200"
    found = (await space.get(path, as_=as_)).entries
    return [
        each for each in found if each.get("groupIdentifier", {}).get("value", "").endswith(NUMBER)
    ]


@pytest.mark.anyio
async def test_lines_and_document_are_written_together_and_point_to_each_other(
    space: Space,
) -> None:
    id = await write(space)
    document = (await space.get(f"DocumentReference/{id}", as_="patient")).json
    lines = await requests(space, "patient")
    assert len(lines) == 2
    related = {each["reference"].split("/")[-1] for each in document["context"]["related"]}
    assert related == {each["id"] for each in lines}
    for each in lines:
        assert each["supportingInformation"][0]["reference"].endswith(f"DocumentReference/{id}")
        assert each["requester"]["identifier"]["value"].startswith("8")
        assert (each["status"], each["intent"]) == ("active", "order")
    assert {each["substitution"]["allowedBoolean"] for each in lines} == {True, False}
    assert document["type"]["coding"][0]["code"] == "57833-6"
    url = document["content"][0]["attachment"]["url"]
    file = await space.get(url.split("/fhir/")[-1], as_="patient", accept="application/pdf")
    said = pypdf.PdfReader(io.BytesIO(file.body)).pages[0].extract_text()
    assert "Hélène Garnier" in said
    page = await space.get(f"Patient/{space.patient_id()}/$summary", as_="patient")
    assert "Amoxicilline 1 g" in page.body.decode()


@pytest.mark.anyio
async def test_a_line_that_fails_leaves_nothing(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await space.rows("SELECT count(*) FROM record.resource")
    whole = resources.request

    def broken(found: Prescription, line: Line) -> dict[str, Any]:
        made = whole(found, line)
        if line is PARACETAMOL:
            made["subject"] = {"reference": f"Patient/{'a' * 26}"}
        return made

    monkeypatch.setattr(resources, "request", broken)
    with pytest.raises(errors.CarnetError):
        await write(space)
    assert await space.rows("SELECT count(*) FROM record.resource") == before


@pytest.mark.anyio
async def test_the_same_prescription_sent_twice_is_written_once(space: Space) -> None:
    await write(space)
    with pytest.raises(errors.Conflict):
        await write(space)
    assert len(await requests(space, "patient")) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("persona", ["nurse", "pharmacist", "patient", "lab-software", "operator"])
async def test_who_does_not_prescribe_is_refused(space: Space, persona: str) -> None:
    with pytest.raises(NotAPrescriber):
        await write(space, persona)


@pytest.mark.anyio
@pytest.mark.parametrize("persona", ["outsider", "blocked"])
async def test_a_record_that_is_not_open_to_the_prescriber_is_absent(
    space: Space, persona: str
) -> None:
    with pytest.raises(Nothing):
        await write(space, persona)
    visit = await space.visit(persona)
    for id in ("a" * 26, "nothing"):
        with pytest.raises(Nothing):
            await prescribe(visit, space.built.desk.acts, id, [PARACETAMOL], NUMBER)


@pytest.mark.anyio
async def test_a_masked_prescription_is_masked_with_its_lines(space: Space) -> None:
    id = await write(space)
    assert len(await requests(space, "hospital-doctor")) == 2
    masked = await space.post(f"DocumentReference/{id}/$hide", {}, as_="patient")
    assert masked.status in (200, 204), masked.body
    assert await requests(space, "hospital-doctor") == []
    hidden = await space.get(f"DocumentReference/{id}", as_="hospital-doctor")
    assert hidden.status == 404
    summary = await space.get(f"Patient/{space.patient_id()}/$summary", as_="hospital-doctor")
    assert "Amoxicilline 1 g" not in summary.body.decode()
    assert len(await requests(space, "gp")) == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    "number", ["", "1", NUMBER.upper(), "00000000-0000-1000-8000-000000000000"]
)
async def test_a_number_is_a_random_uuid(space: Space, number: str) -> None:
    with pytest.raises(WrongNumber):
        await write(space, number=number)


def test_units_and_reasons_are_data() -> None:
    assert all(len(each) == 2 for each in rules()["units"].values())
    assert set(rules()["unsubstitutable"]) == {"MTE", "EFG", "CIF"}
