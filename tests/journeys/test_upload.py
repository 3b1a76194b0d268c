# SPDX-License-Identifier: EUPL-1.2
"""A patient adds a document by the form, looks at it on a phone; who else sees it, and as what."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FilePayload, Page, expect

from carnet.population import make
from tests.browser_fixture import follow
from tests.documents.files import samples
from tests.journeys.conftest import Demonstration, LogIn

pytestmark = [pytest.mark.db, pytest.mark.slow]

PATIENT = make(2026, 7).person("patient")  # what `carnet demo --people 7` makes


def clean(page: Page) -> None:
    """The page passes axe and needs no sideways scrolling."""
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def added(page: Page, name: str, data: bytes, title: str) -> None:
    """The form, filled by its labels and sent."""
    follow(page.get_by_role("link", name="Ajouter un document"))
    clean(page)
    page.get_by_label("Titre").fill(title)
    page.get_by_label("Type de document").select_option(label="Imagerie")
    page.get_by_label("Date du document").fill("12/03/2026")
    page.get_by_label("Fichier").set_input_files(
        FilePayload(name=name, mimeType="application/octet-stream", buffer=data)
    )
    follow(page.get_by_role("button", name="Ajouter à mon dossier"))


def test_a_patient_adds_a_document_and_their_doctor_sees_whose_it_is(
    logged_in: LogIn, demonstration: Demonstration
) -> None:
    # given a patient, without script, and a file that is none of those taken
    page = logged_in("patient", script=False)
    follow(page.get_by_role("link", name="Ajouter un document"))
    page.get_by_label("Titre").fill("Radio du genou")
    page.get_by_label("Fichier").set_input_files(
        FilePayload(name="radio.zip", mimeType="application/zip", buffer=samples.archive())
    )
    follow(page.get_by_role("button", name="Ajouter à mon dossier"))
    # then each fault is said beside its field
    expect(page.locator("#id_kind_error")).to_be_visible()
    expect(page.locator("#id_on_error")).to_be_visible()
    expect(page.get_by_label("Titre")).to_have_value("Radio du genou")

    # when they send a PDF that would act
    page = logged_in("patient")
    added(page, "radio.pdf", samples.pdf(samples.open_script, pages=2), "Radio du genou")
    # then it is in their record, as theirs, and what was taken out is told
    expect(page.get_by_role("heading", level=1)).to_have_text("Radio du genou")
    expect(page.get_by_text("Document déposé par le patient")).to_be_visible()
    expect(page.get_by_text("scripts")).to_be_visible()
    clean(page)
    address = page.url
    # and it is shown on a phone, page after page, with its text
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    follow(page.get_by_role("link", name="Voir le fichier"))
    expect(page.get_by_text("Déposé par vous")).to_be_visible()
    image = page.get_by_role("img", name=re.compile("Page 2 sur 2"))
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") == 900
    assert image.evaluate("image => image.clientWidth <= 390")
    page.get_by_text("Texte du fichier").first.click()
    expect(page.get_by_text(f"{samples.SENTENCE}, page 2")).to_be_visible()
    clean(page)
    assert [url for url in asked if not url.startswith(demonstration.address)] == []
    # and the file to save is the cleaned one
    link = page.get_by_role("link", name="Enregistrer le fichier")
    saved = page.request.get(str(link.get_attribute("href")))
    assert "attachment" in saved.headers["content-disposition"]
    assert [word for word in samples.FORBIDDEN if word in samples.unpacked(saved.body())] == []
    # and their own list of acts tells it
    page.goto("/dossier/acces/?vue=moi")
    expect(page.get_by_text("Ajout : Radio du genou")).to_be_visible()

    # given their doctor
    document = address.rstrip("/").rsplit("/", 1)[1]
    doctor = logged_in("gp")
    traits = doctor.get_by_role("form", name="Par traits d’identité")
    traits.get_by_label("Nom de naissance", exact=True).fill(PATIENT.birth_name)
    traits.get_by_label("Date de naissance").fill(f"{PATIENT.birth_date:%d/%m/%Y}")
    traits.get_by_label("Premier prénom").fill(PATIENT.birth_given_names[0])
    follow(traits.get_by_role("button"))
    follow(doctor.get_by_role("button", name="Ouvrir le dossier"))
    follow(doctor.get_by_role("region", name="Patient").get_by_role("link", name="Documents"))
    record = doctor.url
    # when they open it, then it says whose it is
    doctor.goto(f"{record}documents/{document}/fichier/")
    expect(doctor.get_by_text("Déposé par le patient")).to_be_visible()
    expect(doctor.get_by_role("img", name=re.compile("Page 1 sur 2"))).to_be_visible()
    clean(doctor)
    # and a doctor without a link finds nothing there
    outsider = logged_in("outsider")
    answer = outsider.goto(f"{record}documents/{document}/fichier/")
    assert answer is not None
    assert answer.status == 404


def test_a_file_far_too_large_is_told_in_plain_words(logged_in: LogIn) -> None:
    page = logged_in("patient")
    added(page, "scan.txt", b"a" * 6_000_000, "Trop grand")
    expect(page.locator("#id_file_error")).to_contain_text("5 Mo")
    page.goto("/dossier/")
    added(page, "scan.txt", b"a" * 20_000_000, "Bien trop grand")
    expect(page.get_by_role("heading", level=1)).to_have_text("Envoi trop volumineux")
