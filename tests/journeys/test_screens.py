# SPDX-License-Identifier: EUPL-1.2
"""A picture of every page, as its people see it; `CARNET_SCREENS=docs/screens` keeps them for the docs.

The pictures in the docs are made by this test and by nothing else: what it shows is what the pages are
on a running demonstration. A page without a picture, or a picture of no page, is refused.
"""

import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, Page

from carnet.cli.demo import PASSWORD
from carnet.population import make
from tests.browser_fixture import leave
from tests.journeys.conftest import Demonstration

pytestmark = [pytest.mark.db, pytest.mark.slow]

ROOT: Final = Path(__file__).parents[2]
SCREENS: Final = ROOT / "docs" / "screens"
PAGE: Final = ROOT / "docs" / "reference" / "pages.md"
PATIENT: Final = make(2026, 7).person("patient")
PHONE, DESK = (390, 844), (1100, 800)

Walk = Callable[[Page], object]


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture: its file, who is logged in ("" nobody), the way to the page."""

    name: str
    persona: str
    walk: Walk
    size: tuple[int, int] = PHONE


def at(path: str) -> Walk:
    """Open an address."""
    return lambda page: page.goto(path)


def first_report(page: Page) -> None:
    """The newest laboratory report of the patient."""
    page.goto("/dossier/")
    page.locator(".card a", has_text="examens biologiques").first.click()


def found(page: Page) -> None:
    """The doctor's search, with its answer."""
    page.goto("/patients/")
    traits = page.get_by_role("form", name="Par traits d’identité")
    traits.get_by_label("Nom de naissance", exact=True).fill(PATIENT.birth_name)
    traits.get_by_label("Date de naissance").fill(f"{PATIENT.birth_date:%d/%m/%Y}")
    traits.get_by_label("Premier prénom").fill(PATIENT.birth_given_names[0])
    traits.get_by_role("button").click()


def opened(page: Page) -> None:
    """The patient's record, as her doctor sees it."""
    found(page)
    page.get_by_role("button", name="Ouvrir le dossier").click()


def consenting(page: Page) -> None:
    """The declaration of a consent, by a professional who has none."""
    found(page)
    page.get_by_role("button", name="Déclarer le consentement").click()


def result_drawn(page: Page) -> None:
    """A measure over years."""
    page.goto("/dossier/courbes/")
    page.locator("a", has_text="Hémoglobine glyquée").first.click()


def menu(page: Page) -> None:
    """The menu of a phone, unfolded."""
    page.goto("/dossier/")
    page.locator(".menu summary").click()


def leafed(page: Page) -> None:
    """The file of a letter, page by page."""
    page.goto("/dossier/")
    page.locator(".card a", has_text="consultation").first.click()
    page.get_by_role("link", name="Voir le fichier page par page").click()
    page.wait_for_load_state("networkidle")


SCREENS_OF: Final = (
    Screen("accueil", "", at("/")),
    Screen("connexion", "", at("/compte/connexion/")),
    Screen("accessibilite", "", at("/accessibilite/")),
    Screen("langue", "", at("/langue/")),
    Screen("inactif", "", at("/compte/inactif/")),
    Screen("introuvable", "patient", at("/dossier/documents/aaaaaaaa/")),
    Screen("documents", "patient", at("/dossier/")),
    Screen("documents-large", "patient", at("/dossier/"), DESK),
    Screen("menu", "patient", menu),
    Screen("document", "patient", first_report),
    Screen("document-large", "patient", first_report, DESK),
    Screen("fichier", "patient", leafed),
    Screen("ajouter", "patient", at("/dossier/documents/ajouter/")),
    Screen("courbes", "patient", at("/dossier/courbes/")),
    Screen("courbe", "patient", result_drawn),
    Screen("courbe-large", "patient", result_drawn, DESK),
    Screen("acces", "patient", at("/dossier/acces/")),
    Screen("emporter", "patient", at("/dossier/emporter/")),
    Screen("droits", "patient", at("/dossier/droits/")),
    Screen("droits-professionnels", "patient", at("/dossier/droits/professionnels/")),
    Screen("pourquoi-pas", "patient", at("/dossier/pourquoi/")),
    Screen("espace", "patient", at("/espace/")),
    Screen("identite", "patient", at("/identite/")),
    Screen("identite-fiche", "patient", at("/identite/fiche/"), DESK),
    Screen("deconnexion", "patient", at("/compte/deconnexion/")),
    # The language stays: last of this persona.
    Screen("documents-en", "patient", at("/dossier/?lang=en")),
    Screen("pour-qui", "parent", at("/pour-qui/")),
    Screen("accompagner", "helper", at("/accompagner/")),
    Screen("opposition", "", at("/opposition/")),
    Screen("courrier", "", at("/courrier/"), DESK),
    Screen("trouver", "gp", found),
    Screen("trouver-large", "gp", found, DESK),
    Screen("consentement", "dentist", consenting),
    Screen("patient-documents", "gp", opened),
    Screen("pourquoi", "gp", at("/patients/aaaaaaaaaaaaaaaaaaaaaaaaaa/pourquoi/")),
    Screen("urgences", "gp", at("/urgences/")),
    Screen("assistants", "gp", at("/assistants/")),
    Screen("assister", "assistant", at("/assister/")),
    Screen("exploitation", "operator", at("/operateur/"), DESK),
    Screen("mandats", "operator", at("/operateur/mandats/")),
    Screen("exploitation-assistants", "operator", at("/operateur/assistants/"), DESK),
    Screen("identitovigilance", "identity-officer", at("/identitovigilance/"), DESK),
    Screen("identite-chercher", "identity-officer", at("/identitovigilance/chercher/"), DESK),
    Screen("datamatrix", "identity-officer", at("/identitovigilance/datamatrix/"), DESK),
)

# Addresses that are no page: files, proofs, pictures of pages, and what only receives a form.
NO_PAGE: Final = frozenset(
    "mine:file mine:picture mine:proof open letter-pdf mine:decide mine:mask mine:mark paper"
    " end-mandate accept give share revoke"
    " ended end-emergency".split()
)
# Pages that something else must come before: a session, a letter, two identities alike, an emergency.
AFTER: Final = frozenset(
    "an-identity quarantine represented take receipt letter merge compare-identities emergency"
    " mandates".split()
)


def addresses() -> set[str]:
    """Names of every address of the pages; a doctor's pages of a record are the patient's own."""
    names: set[str] = set()
    portal = ROOT / "carnet" / "portal"
    for file in sorted(portal.rglob("urls.py")):
        space = "mine:" if file.parent.name in ("record", "files", "rights") else ""
        text = file.read_text("utf-8")
        names.update(space + name for name in re.findall(r'name="([\w-]+)"', text))
    return names


def picture_of(page: Page) -> bytes:
    """What is on the screen; a busy machine may need to be asked again."""
    for _ in range(3):
        try:
            return page.screenshot(full_page=False)
        except Error:
            page.wait_for_timeout(1000)
    return page.screenshot(full_page=False)


@pytest.fixture(scope="module")
def pictures(browser: Browser, demonstration: Demonstration) -> dict[str, tuple[str, Image.Image]]:
    """Each screen: the path it was taken at, and its picture."""
    taken: dict[str, tuple[str, Image.Image]] = {}
    for size in (PHONE, DESK):
        for persona in dict.fromkeys(screen.persona for screen in SCREENS_OF):
            wanted = [s for s in SCREENS_OF if (s.persona, s.size) == (persona, size)]
            if not wanted:
                continue
            context = browser.new_context(
                locale="fr-FR",
                base_url=demonstration.address,
                viewport={"width": size[0], "height": size[1]},
            )
            page = context.new_page()
            if persona:
                page.goto("/compte/connexion/")
                page.fill("[name=login]", persona)
                page.fill("[name=password]", PASSWORD)
                page.click("main button")
            for screen in wanted:
                screen.walk(page)
                shot = picture_of(page)
                path = page.url.removeprefix(demonstration.address)
                taken[screen.name] = (path, Image.open(io.BytesIO(shot)))
            leave(context)
    keep = os.environ.get("CARNET_SCREENS")
    if keep:
        folder = ROOT / keep
        folder.mkdir(parents=True, exist_ok=True)
        for name, (_, picture) in taken.items():
            flat = picture.convert("RGB").quantize(64, dither=Image.Dither.NONE)
            flat.save(folder / f"{name}.png", optimize=True)
    return taken


def test_every_page_has_its_picture(pictures: dict[str, tuple[str, Image.Image]]) -> None:
    """Told by address: a page that is added is added to the screens."""
    paths = {path.split("?")[0] for path, _ in pictures.values()}
    shapes = {
        "home": "/", "account_login": "/compte/connexion/", "account_logout": "/compte/deconnexion/",
        "account_inactive": "/compte/inactif/", "language": "/langue/",
        "accessibility": "/accessibilite/", "find": "/patients/",
        "consent": "/patients/consentement/", "mine:documents": "/dossier/",
        "mine:document": "/dossier/documents/[^/]+/", "mine:curves": "/dossier/courbes/",
        "mine:curve": "/dossier/courbes/[^/]+/", "mine:openings": "/dossier/acces/",
        "mine:take": "/dossier/emporter/",
        "mine:rights": "/dossier/droits/", "mine:professionals": "/dossier/droits/professionnels/",
        "mine:why": "/patients/[^/]+/pourquoi/", "life": "/espace/", "identity": "/identite/",
        "identity-sheet": "/identite/fiche/", "acting": "/pour-qui/", "helping": "/accompagner/",
        "oppose": "/opposition/", "tray": "/courrier/", "reviews": "/urgences/",
        "assistants": "/assistants/", "assisting": "/assister/", "operating": "/operateur/",
        "every-assistant": "/operateur/assistants/", "representatives": "/operateur/mandats/",
        "find-identity": "/identitovigilance/chercher/",
        "vigilance": "/identitovigilance/", "datamatrix": "/identitovigilance/datamatrix/",
        "mine:viewer": "/dossier/documents/[^/]+/fichier/", "mine:add": "/dossier/documents/ajouter/",
    }  # fmt: skip
    missing = {
        name
        for name in addresses() - NO_PAGE - AFTER
        if name not in shapes or not any(re.fullmatch(shapes[name], path) for path in paths)
    }
    assert missing == set()


def test_no_picture_is_empty_or_a_refusal(pictures: dict[str, tuple[str, Image.Image]]) -> None:
    for name, (_, picture) in pictures.items():
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 20, name
        assert picture.size in (PHONE, DESK), name


def test_the_docs_show_these_pictures_and_no_other() -> None:
    """To make them again: CARNET_SCREENS=docs/screens, with this test."""
    names = {screen.name for screen in SCREENS_OF}
    assert {path.stem for path in SCREENS.glob("*.png")} == names
    shown = set(re.findall(r"screens/([\w-]+)\.png", PAGE.read_text("utf-8")))
    assert shown == names
