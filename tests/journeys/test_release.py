# SPDX-License-Identifier: EUPL-1.2
"""The main job: a laboratory report reaches its patient and their doctor, and nobody else.

One demonstration, one story: each test goes on where the one before ended.
"""

import json
import re
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from carnet.population import GeneratedDocument, make, report
from tests.browser_fixture import follow
from tests.journeys.conftest import Demonstration, LogIn
from tests.journeys.lot import lot

pytestmark = [pytest.mark.db, pytest.mark.slow]

POPULATION = make(2026, 7)  # what `carnet demo --people 7` makes
PATIENT = POPULATION.person("patient")
NOTHING = "Dossier ou document introuvable"


@dataclass(frozen=True, slots=True)
class Sent:
    """The report that was just sent, and where it went."""

    document: GeneratedDocument
    address: str  # DocumentReference/…

    @property
    def id(self) -> str:
        return self.address.split("/")[1]


@pytest.fixture(scope="module")
def sent(demonstration: Demonstration) -> Sent:
    """The laboratory's software sends a report, now."""
    now = datetime.now(UTC)
    document = report(POPULATION, PATIENT, now, panels=("glycaemia",))
    request = urllib.request.Request(
        f"{demonstration.address}/fhir/",
        data=json.dumps(lot(document, PATIENT, now)).encode(),
        headers={
            "Authorization": f"Bearer {demonstration.token('lab-software')}",
            "Content-Type": "application/fhir+json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        said: dict[str, Any] = json.load(answer)
    places = [entry["response"]["location"] for entry in said["entry"]]
    address = next(place for place in places if place.startswith("DocumentReference/"))
    return Sent(document, "/".join(address.split("/")[:2]))


def clean(page: Page) -> None:
    """The page passes axe and needs no sideways scrolling."""
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def find_patient(page: Page, given_name: str = PATIENT.birth_given_names[0]) -> None:
    """The professional types the traits of the patient."""
    traits = page.get_by_role("form", name="Par traits d’identité")
    traits.get_by_label("Nom de naissance", exact=True).fill(PATIENT.birth_name)
    traits.get_by_label("Date de naissance").fill(f"{PATIENT.birth_date:%d/%m/%Y}")
    traits.get_by_label("Premier prénom").fill(given_name)
    follow(traits.get_by_role("button"))


def documents(page: Page) -> None:
    """From the first page of a record, the one page of health, to its documents."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Santé en une page")
    follow(page.get_by_role("region", name="Patient").get_by_role("link", name="Documents"))


def test_the_report_reaches_its_patient_with_its_results_as_a_curve(
    logged_in: LogIn, sent: Sent
) -> None:
    # given a patient who logs in
    page = logged_in("patient")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ma santé en une page")
    clean(page)
    follow(page.get_by_role("link", name="Tous les documents"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Mes documents")
    clean(page)
    # when they open the newest document
    first = page.locator(".card").first.get_by_role("link")
    assert sent.id in str(first.get_attribute("href"))
    follow(first)
    # then it shows its results, with words
    expect(page.get_by_role("heading", level=1)).to_have_text(sent.document.title)
    table = page.get_by_role("table").first
    row = table.get_by_role("row", name=re.compile("Glucose"))
    expect(row).to_contain_text("mmol/L")
    expect(row).to_contain_text(re.compile("intervalle de référence"))
    clean(page)
    # and the result has a curve that ends with this report
    follow(row.get_by_role("link"))
    expect(page.locator("svg.curve-narrow")).to_be_visible()
    latest = page.get_by_role("table").get_by_role("row").nth(1)
    assert sent.id in str(latest.get_by_role("link").get_attribute("href"))
    clean(page)


def test_the_source_comes_back_byte_for_byte(logged_in: LogIn, sent: Sent) -> None:
    page = logged_in("patient")
    page.goto(f"/dossier/documents/{sent.id}/")
    source = page.get_by_role("link", name="Enregistrer le fichier d’origine")
    answer = page.request.get(str(source.get_attribute("href")))
    assert answer.body() == sent.document.xml
    pdf = page.request.get(
        str(page.get_by_role("link", name="Ouvrir le PDF").get_attribute("href"))
    )
    assert pdf.body().startswith(b"%PDF-")
    assert pdf.headers["content-type"] == "application/pdf"


def test_their_doctor_finds_them_and_reads_it(logged_in: LogIn, sent: Sent) -> None:
    # given the médecin traitant, of the care team
    page = logged_in("gp")
    expect(page.get_by_role("heading", level=1)).to_have_text("Trouver un patient")
    clean(page)
    # when they find the patient and open the record
    find_patient(page)
    clean(page)
    follow(page.get_by_role("button", name="Ouvrir le dossier"))
    # then the report is there, under the name of the patient
    expect(page.get_by_role("region", name="Patient")).to_contain_text(
        re.compile(PATIENT.used_name, re.IGNORECASE)
    )
    clean(page)
    documents(page)
    clean(page)
    follow(page.locator(f".card a[href*='{sent.id}']").first)
    expect(page.get_by_role("heading", level=1)).to_have_text(sent.document.title)
    clean(page)


def test_the_patient_reads_who_has_read(logged_in: LogIn, sent: Sent) -> None:
    # given the doctor has read the report
    doctors = logged_in("gp")
    find_patient(doctors)
    follow(doctors.get_by_role("button", name="Ouvrir le dossier"))
    documents(doctors)
    follow(doctors.locator(f".card a[href*='{sent.id}']"))
    expect(doctors.get_by_role("heading", level=1)).to_have_text(sent.document.title)
    page = logged_in("patient")
    page.locator(".menu summary").click()
    follow(page.get_by_role("link", name="Qui a consulté mon dossier"))
    # then the list says who, where and what
    doctor = page.locator(".reader", has_text="Lemoine").filter(has_text=sent.document.title)
    expect(doctor.first).to_contain_text("Médecin")
    expect(doctor.first).to_contain_text("Maison de santé des Tilleuls")
    expect(doctor.first).to_contain_text("Pour vous soigner")
    clean(page)


def test_for_a_doctor_without_a_link_it_does_not_exist(
    logged_in: LogIn, sent: Sent, demonstration: Demonstration
) -> None:
    # given the addresses the médecin traitant uses
    doctor = logged_in("gp")
    find_patient(doctor)
    follow(doctor.get_by_role("button", name="Ouvrir le dossier"))
    documents(doctor)
    record = doctor.url.removeprefix(demonstration.address)
    # when a doctor with no link tries them
    page = logged_in("outsider")
    answers = []
    for path in (record, f"{record}documents/{sent.id}/", f"{record}courbes/14749-6/"):
        answer = page.goto(path)
        assert answer is not None
        answers.append((answer.status, page.locator("main").inner_text()))
        clean(page)
    # then each reads as an address that was never given
    never = page.goto("/patients/aaaaaaaaaaaaaaaaaaaaaaaaaa/")
    assert never is not None
    assert answers == [(404, page.locator("main").inner_text())] * 3
    expect(page.get_by_role("heading", level=1)).to_have_text(NOTHING)
    expect(page.locator("main")).to_contain_text("matrice de démonstration, non officielle")


def test_for_a_blocked_doctor_the_person_does_not_exist_either(
    logged_in: LogIn, sent: Sent
) -> None:
    # given a doctor the patient has blocked
    page = logged_in("blocked")
    # when they search for the patient, then for somebody who does not exist
    answers = []
    for given_name in (PATIENT.birth_given_names[0], "Nobody"):
        find_patient(page, given_name)
        answers.append(page.locator("main").inner_text())
    # then both answers are one
    assert "Personne ne correspond" in answers[0]
    assert answers[0] == answers[1]
    clean(page)


def test_a_doctor_without_a_link_declares_a_consent_then_reads_and_the_patient_sees_it(
    logged_in: LogIn, sent: Sent
) -> None:
    # given a doctor outside the team, with the patient before them; no script runs
    page = logged_in("dentist", script=False)
    find_patient(page)
    follow(page.get_by_role("button", name="Déclarer le consentement"))
    # when they declare how the consent was had
    follow(page.get_by_role("button", name="Déclarer et ouvrir le dossier"))
    expect(page.get_by_role("alert")).to_contain_text("Choisissez comment")
    page.get_by_label("De vive voix").check()
    follow(page.get_by_role("button", name="Déclarer et ouvrir le dossier"))
    # then the record opens
    documents(page)
    follow(page.locator(f".card a[href*='{sent.id}']"))
    expect(page.get_by_role("heading", level=1)).to_have_text(sent.document.title)
    # and the patient reads both
    patient = logged_in("patient")
    patient.goto("/dossier/acces/")
    reader = patient.locator(".reader", has_text="Fabre")
    expect(reader.filter(has_text=sent.document.title).first).to_be_visible()
    patient.goto("/dossier/acces/?lang=en")
    assert patient.locator(".reader", has_text="Fabre").count() > 0
    clean(patient)


def test_the_software_that_sent_it_does_not_read_the_rest(
    sent: Sent, demonstration: Demonstration
) -> None:
    request = urllib.request.Request(
        f"{demonstration.address}/fhir/DocumentReference?_count=50",
        headers={"Authorization": f"Bearer {demonstration.token('hospital-software')}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert sent.id not in answer.read().decode()
