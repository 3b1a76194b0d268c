# SPDX-License-Identifier: EUPL-1.2
"""A picture of every page, as its people see it; `CARNET_SCREENS=docs/screens` keeps them for the docs.

The pictures in the docs are made by this test and by nothing else: what it shows is what the pages are
on a running demonstration. A page without a picture, or a picture of no page, is refused.
"""

import io
import json
import os
import re
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page

from carnet.cli.demo import PASSWORD
from carnet.population import Person, make, report
from tests.browser_fixture import follow, leave
from tests.journeys.conftest import Demonstration
from tests.journeys.lot import lot

pytestmark = [pytest.mark.db, pytest.mark.slow]

ROOT: Final = Path(__file__).parents[2]
SCREENS: Final = ROOT / "docs" / "screens"
PAGE: Final = ROOT / "docs" / "reference" / "pages.md"
POPULATION: Final = make(2026, 7)
PATIENT: Final = POPULATION.person("patient")
CHILD, ELDER = POPULATION.person("minor"), POPULATION.person("elder")
PHONE, DESK = (390, 844), (1100, 800)

Walk = Callable[[Page], object]


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture: its file, who is logged in ("" nobody), the way to the page."""

    name: str
    persona: str
    walk: Walk
    size: tuple[int, int] = PHONE


@dataclass(frozen=True, slots=True)
class Shown:
    """What a screen was: its path and status, the paths its forms are sent to, its picture."""

    path: str
    status: int
    forms: tuple[str, ...]
    picture: Image.Image


def at(path: str) -> Walk:
    """Open an address."""
    return lambda page: page.goto(path)


def to_top(heading: Locator) -> None:
    """What is under this heading, on the screen."""
    heading.evaluate("one => one.scrollIntoView()")


def asked(page: Page) -> None:
    """What an application asks for, as the sandbox's would."""
    page.goto("/applications/")
    here = page.url.removesuffix("/applications/")
    said = {
        "response_type": "code", "client_id": "sandbox-app", "redirect_uri": "http://localhost:8765/",
        "scope": "openid offline_access patient/*.rs", "state": "1", "aud": f"{here}/fhir",
        "code_challenge": "x" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    page.goto(f"/oauth/authorize?{urlencode(said)}")


def elsewhere(page: Page) -> None:
    """Applications a patient's record can be opened in."""
    opened(page)
    follow(page.get_by_role("link", name="Ouvrir dans une application"))


def first_report(page: Page) -> None:
    """The newest laboratory report of the patient."""
    page.goto("/dossier/")
    follow(page.locator(".card a", has_text="examens biologiques").first)


def first_mail(page: Page) -> None:
    """The mail that waits to be attached."""
    page.goto("/messagerie/")
    follow(page.locator(".card a").first)


def found(page: Page, person: Person = PATIENT) -> None:
    """The doctor's search, with its answer."""
    page.goto("/patients/")
    traits = page.get_by_role("form", name="Par traits d’identité")
    traits.get_by_label("Nom de naissance", exact=True).fill(person.birth_name)
    traits.get_by_label("Date de naissance").fill(f"{person.birth_date:%d/%m/%Y}")
    traits.get_by_label("Premier prénom").fill(person.birth_given_names[0])
    follow(traits.get_by_role("button"))


def opened(page: Page, person: Person = PATIENT) -> None:
    """A patient's record, as their doctor sees it."""
    found(page, person)
    follow(page.get_by_role("button", name="Ouvrir le dossier"))


def documents_of(page: Page, person: Person = PATIENT) -> None:
    """The documents of a patient, one step behind the one page of health."""
    opened(page, person)
    follow(page.get_by_role("region", name="Patient").get_by_role("link", name="Documents"))


def choosing(page: Page) -> None:
    """The kinds of documents that are written from a record."""
    opened(page)
    follow(page.get_by_role("link", name="Rédiger un document"))


def composing(page: Page) -> None:
    """A synthesis, with what the record offers."""
    choosing(page)
    follow(page.get_by_role("link", name="Synthèse médicale (VSM)"))


def composed(page: Page) -> None:
    """A synthesis, as it would be signed."""
    composing(page)
    page.locator("#id_results").fill("Surveiller la fonction rénale.")
    follow(page.get_by_role("button", name="Relire le document"))


def lettering(page: Page) -> None:
    """A letter at the end of a stay, as it would be signed."""
    choosing(page)
    follow(page.get_by_role("link", name="Lettre de liaison à la sortie"))
    page.locator("#id_start").fill("10/11/2026")
    page.locator("#id_end").fill("14/11/2026")
    page.locator("#id_reason").fill("Douleur thoracique.")
    page.locator("#id_story").fill("Coronarographie normale.")
    for name, answer in (
        ("entry", "Hospitalisation en urgence"),
        ("exit", "Retour au domicile"),
        ("searched", "Non renseigné"),
        ("transfused", "Non"),
        ("derived", "Non"),
    ):
        asked = page.locator("fieldset", has=page.locator(f"input[name={name}]"))
        asked.get_by_label(answer, exact=True).check()
    follow(page.get_by_role("button", name="Relire le document"))


def prescribing(page: Page) -> None:
    """The lines of a prescription."""
    opened(page)
    follow(page.get_by_role("link", name="Rédiger une ordonnance"))


def reviewed(page: Page) -> None:
    """A prescription read again, before it is published."""
    prescribing(page)
    for name, said in (
        ("medicine", "Amoxicilline 1 g, comprimé dispersible"),
        ("dose", "1"),
        ("times", "3"),
        ("days", "7"),
        ("words", "Au début des repas."),
    ):
        page.locator(f"#id_{name}_1").fill(said)
    page.locator("#id_unit_1").select_option("comprime")
    follow(page.get_by_role("button", name="Relire l’ordonnance"))


def stopping(page: Page) -> None:
    """A prescription of one's own, whose lines may end."""
    reviewed(page)
    follow(page.get_by_role("button", name="Publier l’ordonnance"))
    prescribing(page)
    follow(page.get_by_role("link", name="Ordonnance du").first)


def consenting(page: Page) -> None:
    """The declaration of a consent, by a professional who has none."""
    found(page)
    follow(page.get_by_role("button", name="Déclarer le consentement"))


def result_drawn(page: Page) -> None:
    """A measure over years."""
    page.goto("/dossier/courbes/")
    follow(page.locator("a", has_text="Hémoglobine glyquée").first)


def menu(page: Page) -> None:
    """The menu of a phone, unfolded."""
    page.goto("/dossier/")
    page.locator(".menu summary").click()


def leafed(page: Page) -> None:
    """The file of a letter, page by page."""
    page.goto("/dossier/")
    follow(page.locator(".card a", has_text="consultation").first)
    follow(page.get_by_role("link", name="Voir le fichier page par page"))
    page.wait_for_load_state("networkidle")


def card(form: Locator, person: Person) -> None:
    """Who somebody is, typed from their card."""
    form.get_by_label("Matricule INS").fill(person.ins)
    form.get_by_label("Nom de naissance").fill(person.birth_name)
    form.get_by_label("Date de naissance").fill(f"{person.birth_date:%d/%m/%Y}")


def taken_for_a_child(page: Page) -> None:
    """The copy of the record of a child, by their mother."""
    page.goto("/pour-qui/")
    follow(page.locator(".card a").first)
    follow(page.get_by_role("link", name="Qui a consulté ce dossier"))
    follow(page.get_by_role("link", name="Emporter"))


def accompanied(page: Page) -> None:
    """A helper's session, in which a document was read."""
    page.goto("/accompagner/")
    form = page.locator("form.panel")
    card(form, ELDER)
    form.get_by_label("Le suivi des soins").check()
    form.get_by_label("De vive voix").check()
    follow(form.get_by_role("button"))
    follow(page.locator(".card a").first)
    page.goto("/accompagner/")


def ended(page: Page) -> None:
    """What was done in it, told by its receipt."""
    follow(page.get_by_role("button", name="Terminer et voir le reçu"))
    to_top(page.get_by_role("heading", name="Ce qui a été fait"))


def for_me(page: Page) -> None:
    """Who acts for somebody, as they see it."""
    page.goto("/pour-qui/")
    to_top(page.get_by_role("heading", name="Qui agit pour moi"))


def received(page: Page) -> None:
    """The same receipt, as the person who was helped finds it again."""
    page.goto("/pour-qui/")
    follow(page.locator("main a[href*='/recu/']").first)


def urgent(page: Page) -> None:
    """The form of an emergency, for somebody one has no link to."""
    found(page, ELDER)
    follow(page.get_by_role("button", name="Ouvrir en urgence"))


def broken(page: Page) -> None:
    """The record that it opens; the patient, who has no e-mail, is told by a letter."""
    urgent(page)
    page.get_by_label("Centre 15").check()
    follow(page.get_by_role("button", name="Ouvrir en urgence"))


def mandates(page: Page) -> None:
    """Who acts for a patient."""
    opened(page, ELDER)
    follow(page.get_by_role("link", name="Mandats"))


def of_a_child(page: Page) -> None:
    """A document of a child, who may ask their doctor to keep it from their parents."""
    documents_of(page, CHILD)
    follow(page.locator(".card a").first)
    to_top(page.locator("#marks"))


def letter(page: Page) -> None:
    """A letter to post."""
    page.goto("/courrier/")
    follow(page.locator(".card", has_text="Lettre").locator("a").first)


def represented(page: Page) -> None:
    """Who acts for somebody, found by their card."""
    page.goto("/operateur/mandats/")
    card(page.locator("main form"), ELDER)
    follow(page.locator("main form button"))


def apart(page: Page) -> None:
    """An identity in quarantine, on the desk."""
    page.goto("/identitovigilance/")
    to_top(page.get_by_role("heading", name="Identités en quarantaine"))


def compared(page: Page) -> None:
    """The same beside whom it may be."""
    page.goto("/identitovigilance/")
    follow(page.get_by_role("button", name="Chercher à qui elle est"))
    follow(page.locator(".card h3 a").first)


def an_identity(page: Page) -> None:
    """One of the two, with its history."""
    page.goto("/identitovigilance/")
    follow(page.locator(".card h3 a").first)
    follow(page.get_by_role("link", name="Voir la première identité"))


def proposed(page: Page) -> None:
    """A merge that waits for somebody else."""
    page.goto("/identitovigilance/")
    follow(page.locator(".card h3 a").first)
    page.get_by_label("La première").check()
    page.get_by_label("Ce qui a été vérifié").fill("Une lettre de trop, vu avec le laboratoire")
    follow(page.get_by_role("button", name="Proposer la fusion"))


# In this order, one session for each persona: what comes before makes what comes after.
SCREENS_OF: Final = (
    Screen("accueil", "", at("/")),
    Screen("connexion", "", at("/compte/connexion/")),
    Screen("accessibilite", "", at("/accessibilite/")),
    Screen("guichet", "", at("/guichet/?purpose=therapy&data=yes&space=no")),
    Screen("transparence", "", at("/transparence/")),
    Screen("investissements", "", at("/transparence/investissements/")),
    Screen("indicateurs", "", at("/transparence/indicateurs/")),
    Screen("orientation", "", at("/orientation/")),
    Screen("occupation", "gp", at("/occupation/")),
    Screen("fonctions", "", at("/transparence/fonctions/")),
    Screen("langue", "", at("/langue/")),
    Screen("inactif", "", at("/compte/inactif/")),
    Screen("opposition", "", at("/opposition/")),
    Screen("activer", "", at("/activer/")),
    Screen("activer-compte", "", at("/activer/compte/")),
    Screen("mot-de-passe-perdu", "", at("/mot-de-passe-perdu/")),
    Screen("introuvable", "patient", at("/dossier/documents/aaaaaaaa/")),
    Screen("sante", "patient", at("/dossier/sante/")),
    Screen("exercices", "patient", at("/exercices/")),
    Screen("exercice", "patient", at("/exercices/who-reads/")),
    Screen("rendez-vous", "patient", at("/dossier/rendez-vous/")),
    Screen("prevention", "patient", at("/dossier/prevention/")),
    Screen("messages", "patient", at("/messages/")),
    Screen("sante-large", "patient", at("/dossier/sante/"), DESK),
    Screen("documents", "patient", at("/dossier/")),
    Screen("documents-large", "patient", at("/dossier/"), DESK),
    Screen("menu", "patient", menu),
    Screen("document", "patient", first_report),
    Screen("document-large", "patient", first_report, DESK),
    Screen("fichier", "patient", leafed),
    Screen("ajouter", "patient", at("/dossier/documents/ajouter/")),
    Screen("recherche", "patient", at("/dossier/recherche/?q=hba1c")),
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
    Screen("connexions", "patient", at("/compte/connexions/")),
    Screen("applications", "patient", at("/applications/")),
    Screen("autoriser", "patient", asked),
    Screen("autoriser-large", "patient", asked, DESK),
    Screen("securite", "patient", at("/compte/securite/")),
    Screen("securite-application", "patient", at("/compte/securite/application/")),
    Screen("securite-feuille", "patient", at("/compte/securite/feuille/")),
    Screen("securite-adresse", "patient", at("/compte/securite/adresse/")),
    Screen("securite-cle", "patient", at("/compte/securite/cle/")),
    Screen("confirmer", "patient", at("/compte/confirmer/")),
    Screen("deconnexion", "patient", at("/compte/deconnexion/")),
    # The language stays: last of this persona.
    Screen("documents-en", "patient", at("/dossier/?lang=en")),
    Screen("pour-qui", "parent", at("/pour-qui/")),
    Screen("emporter-enfant", "parent", taken_for_a_child),
    Screen("accompagner", "helper", at("/accompagner/")),
    Screen("accompagner-en-cours", "helper", accompanied),
    Screen("accompagner-fin", "helper", ended),
    Screen("agit-pour-moi", "elder", for_me),
    Screen("recu", "elder", received),
    Screen("messagerie", "gp", at("/messagerie/")),
    Screen("message-a-rattacher", "gp", first_mail),
    Screen("trouver", "gp", found),
    Screen("trouver-large", "gp", found, DESK),
    Screen("consentement", "dentist", consenting),
    Screen("patient-documents", "gp", documents_of),
    Screen("patient-mandats", "gp", mandates),
    Screen("ouvrir-ailleurs", "gp", elsewhere),
    Screen("rediger", "gp", choosing),
    Screen("rediger-synthese", "gp", composing),
    Screen("rediger-relu", "gp", composed, DESK),
    Screen("rediger-lettre", "gp", lettering, DESK),
    Screen("ordonnance", "gp", prescribing),
    Screen("ordonnance-relue", "gp", reviewed),
    Screen("ordonnance-arretee", "gp", stopping),
    Screen("document-enfant", "gp", of_a_child),
    Screen("pourquoi", "gp", at("/patients/aaaaaaaaaaaaaaaaaaaaaaaaaa/pourquoi/")),
    Screen("assistants", "gp", at("/assistants/")),
    Screen("assister", "assistant", at("/assister/")),
    Screen("urgence", "regulator", urgent),
    Screen("urgence-ouverte", "regulator", broken),
    Screen("urgences", "gp", at("/urgences/")),
    Screen("courrier", "", at("/courrier/"), DESK),
    Screen("lettre", "operator", letter),
    Screen("exploitation", "operator", at("/operateur/"), DESK),
    Screen("mandats", "operator", at("/operateur/mandats/")),
    Screen("mandats-personne", "operator", represented, DESK),
    Screen("alertes", "operator", at("/operateur/alertes/"), DESK),
    Screen("code-activation", "operator", at("/operateur/comptes/code/"), DESK),
    Screen("code-compte", "operator", at("/operateur/comptes/code/professionnel/"), DESK),
    Screen("comptes", "operator", at("/operateur/comptes/"), DESK),
    Screen("compte", "operator", at("/operateur/comptes/operator:operator/"), DESK),
    Screen("developpeurs-inscrire", "operator", at("/developpeurs/inscrire/"), DESK),
    Screen("clients", "operator", at("/operateur/clients/"), DESK),
    Screen("client", "operator", at("/operateur/clients/sandbox-software/"), DESK),
    Screen("developpeurs-erreurs", "operator", at("/developpeurs/erreurs/"), DESK),
    Screen("exploitation-assistants", "operator", at("/operateur/assistants/"), DESK),
    Screen("quarantaine", "identity-officer", apart, DESK),
    Screen("comparer", "identity-officer", compared, DESK),
    Screen("comparer-etroit", "identity-officer", compared),
    Screen("identite-connue", "identity-officer", an_identity, DESK),
    Screen("fusion", "identity-officer", proposed, DESK),
    Screen("identitovigilance", "operator", at("/identitovigilance/"), DESK),
    Screen("identite-chercher", "identity-officer", at("/identitovigilance/chercher/"), DESK),
    Screen("datamatrix", "identity-officer", at("/identitovigilance/datamatrix/"), DESK),
)

# Addresses that are no page: files, proofs, pictures of pages.
NO_PAGE: Final = frozenset(
    "mine:file mine:picture mine:proof mine:said mine:summary letter-pdf mfa_login_webauthn"
    " mine:appointment-file upstream-begin upstream-back upstream-unlink upstream-ended".split()
)
# Pages of what no persona has: a second factor, several places, another provider. tests/portal and
# tests/upstream look at them.
NO_PERSONA: Final = frozenset(
    "mfa_authenticate mfa_deactivate_totp mfa_remove_webauthn situation upstream-left "
    "mine:change-appointment".split()
)
# Addresses that only receive a form: a page shows the form.
RECEIVING: Final = {
    "open": "/patients/ouvrir/", "mine:decide": "/dossier/droits/choisir/",
    "mine:mask": "/dossier/documents/[^/]+/masquer/",
    "mine:mark": "/(dossier|patients/[^/]+)/documents/[^/]+/marquer/",
    "paper": "/operateur/mandats/[^/]+/papier/", "end-mandate": "/operateur/mandats/[^/]+/fin/",
    "accept": "/pour-qui/code/", "give": "/pour-qui/donner/", "share": "/pour-qui/partager/",
    "revoke": "/pour-qui/retirer/", "ended": "/accompagner/fin/",
    "end-emergency": "/patients/[^/]+/urgence/fin/",
    "quarantine": "/identitovigilance/quarantaine/[^/]+/",
    "merge": "/identitovigilance/fusions/[^/]+/",
}  # fmt: skip


def addresses() -> set[str]:
    """Names of every address of the pages; a doctor's pages of a record are the patient's own."""
    names: set[str] = set()
    portal = ROOT / "carnet" / "portal"
    for file in sorted(portal.rglob("urls.py")):
        space = (
            "mine:"
            if file.parent.name in ("record", "files", "rights", "export", "summary", "agenda")
            else ""
        )
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


def sent_under_another_name(demonstration: Demonstration) -> None:
    """A laboratory sends the patient's report with a letter of her name wrong: it is kept apart."""
    now = datetime.now(UTC)
    made = report(POPULATION, PATIENT, now, panels=("glycaemia",))
    wrong = made.xml.replace(b"DELAUNAY</family>", b"DELAUNEY</family>")
    assert wrong != made.xml
    request = urllib.request.Request(
        f"{demonstration.address}/fhir/",
        data=json.dumps(lot(replace(made, xml=wrong), PATIENT, now)).encode(),
        headers={
            "Authorization": f"Bearer {demonstration.token('lab-software')}",
            "Content-Type": "application/fhir+json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def logged_in(context: BrowserContext, persona: str) -> Page:
    """A page of somebody, or of nobody."""
    page = context.new_page()
    if persona:
        page.goto("/compte/connexion/")
        page.fill("[name=login]", persona)
        page.fill("[name=password]", PASSWORD)
        follow(page.locator("main button").first)
    return page


@pytest.fixture(scope="module")
def pictures(browser: Browser, demonstration: Demonstration) -> dict[str, Shown]:
    """Every screen."""
    sent_under_another_name(demonstration)
    taken: dict[str, Shown] = {}
    pages: dict[str, Page] = {}
    for screen in SCREENS_OF:
        if screen.persona not in pages:
            context = browser.new_context(locale="fr-FR", base_url=demonstration.address)
            pages[screen.persona] = logged_in(context, screen.persona)
        page = pages[screen.persona]
        page.set_viewport_size({"width": screen.size[0], "height": screen.size[1]})
        screen.walk(page)
        page.wait_for_load_state()
        picture = Image.open(io.BytesIO(picture_of(page)))
        forms = page.eval_on_selector_all("form", "all => all.map(one => one.action)")
        path, *paths = (each.removeprefix(demonstration.address) for each in (page.url, *forms))
        status = page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus")
        taken[screen.name] = Shown(path.split("?")[0], status, tuple(paths), picture)
    for page in pages.values():
        leave(page.context)
    keep = os.environ.get("CARNET_SCREENS")
    if keep:
        folder = ROOT / keep
        folder.mkdir(parents=True, exist_ok=True)
        for name, one in taken.items():
            flat = one.picture.convert("RGB").quantize(64, dither=Image.Dither.NONE)
            flat.save(folder / f"{name}.png", optimize=True)
    return taken


def test_every_page_has_its_picture(pictures: dict[str, Shown]) -> None:
    """Told by address: a page that is added is added to the screens."""
    paths = {one.path for one in pictures.values()}
    shapes = {
        "home": "/", "account_login": "/compte/connexion/",
        "apps": "/applications/", "allow-app": "/autoriser/[^/]+/",
        "launch": "/patients/[^/]+/applications/",
        "mfa_index": "/compte/securite/", "mfa_list_webauthn": "/compte/securite/",
        "mfa_activate_totp": "/compte/securite/application/",
        "mfa_generate_recovery_codes": "/compte/securite/feuille/",
        "mfa_view_recovery_codes": "/compte/securite/feuille/",
        "mfa_add_webauthn": "/compte/securite/cle/", "account_reauthenticate": "/compte/confirmer/",
        "mfa_reauthenticate": "/compte/confirmer/",
        "connections": "/compte/connexions/", "account_logout": "/compte/deconnexion/",
        "account_inactive": "/compte/inactif/", "language": "/langue/",
        "training": "/exercices/", "exercise": "/exercices/[^/]+/",
        "inbox": "/messagerie/", "mail": "/messagerie/[^/]+/", "messages": "/messages/",
        "guichet": "/guichet/", "openness": "/transparence/",
        "investments": "/transparence/investissements/", "indicators": "/transparence/indicateurs/",
        "regulated": "/transparence/fonctions/", "orientation": "/orientation/",
        "occupancy": "/occupation/",
        "accessibility": "/accessibilite/", "find": "/patients/",
        "consent": "/patients/consentement/", "prevention": "/dossier/prevention/",
        "mine:appointments": "/dossier/rendez-vous/",
        "mine:health": "/dossier/sante/", "mine:documents": "/dossier/",
        "mine:search": "/dossier/recherche/",
        "mine:document": "/dossier/documents/[^/]+/", "mine:curves": "/dossier/courbes/",
        "mine:curve": "/dossier/courbes/[^/]+/", "mine:openings": "/dossier/acces/",
        "mine:take": "/dossier/emporter/",
        "mine:rights": "/dossier/droits/", "mine:professionals": "/dossier/droits/professionnels/",
        "mine:why": "/patients/[^/]+/pourquoi/", "life": "/espace/", "identity": "/identite/",
        "identity-sheet": "/identite/fiche/", "acting": "/pour-qui/", "helping": "/accompagner/",
        "activate": "/activer/", "counter": "/operateur/comptes/code/",
        "activate-working": "/activer/compte/", "lost-password": "/mot-de-passe-perdu/",
        "recovery-address": "/compte/securite/adresse/",
        "accounts": "/operateur/comptes/", "account": "/operateur/comptes/[^/]+:[^/]+/",
        "apply": "/developpeurs/inscrire/",
        "counter-working": "/operateur/comptes/code/professionnel/",
        "oppose": "/opposition/", "tray": "/courrier/", "reviews": "/urgences/",
        "assistants": "/assistants/", "assisting": "/assister/", "operating": "/operateur/",
        "alarms": "/operateur/alertes/", "clients": "/operateur/clients/",
        "a-client": "/operateur/clients/[^/]+/", "errors": "/developpeurs/erreurs/",
        "every-assistant": "/operateur/assistants/", "representatives": "/operateur/mandats/",
        "find-identity": "/identitovigilance/chercher/",
        "vigilance": "/identitovigilance/", "datamatrix": "/identitovigilance/datamatrix/",
        "mine:viewer": "/dossier/documents/[^/]+/fichier/", "mine:add": "/dossier/documents/ajouter/",
        "an-identity": "/identitovigilance/identites/[^/]+/",
        "compare-identities": "/identitovigilance/(?!identites/)[^/]+/[^/]+/",
        "represented": "/operateur/mandats/[^/]+/", "mandates": "/patients/[^/]+/mandats/",
        "receipt": "/accompagner/recu/[^/]+/", "letter": "/courrier/[^/]+/",
        "emergency": "/patients/urgence/", "prescribe": "/patients/[^/]+/ordonnance/",
        "prescription": "/patients/[^/]+/ordonnance/[^/]+/",
        "choose-document": "/patients/[^/]+/rediger/", "write": "/patients/[^/]+/rediger/vsm/",
    }  # fmt: skip
    shown = addresses() - NO_PAGE - NO_PERSONA - RECEIVING.keys()
    assert missing(shown, shapes, paths) == set()
    sent = {path for one in pictures.values() for path in one.forms}
    assert missing(RECEIVING, RECEIVING, sent) == set()


def missing(names: Iterable[str], shapes: Mapping[str, str], paths: Iterable[str]) -> set[str]:
    """The names that none of these paths is."""
    return {
        name
        for name in names
        if name not in shapes or not any(re.fullmatch(shapes[name], path) for path in paths)
    }


def test_no_picture_is_empty_or_a_refusal(pictures: dict[str, Shown]) -> None:
    for name, one in pictures.items():
        assert len(one.picture.convert("L").getcolors() or ()) > 20, name
        assert one.status == (404 if name == "introuvable" else 200), name
        assert one.picture.size in (PHONE, DESK), name


def test_the_docs_show_these_pictures_and_no_other() -> None:
    """To make them again: CARNET_SCREENS=docs/screens, with this test."""
    names = {screen.name for screen in SCREENS_OF}
    assert {path.stem for path in SCREENS.glob("*.png")} == names
    shown = set(re.findall(r"screens/([\w-]+)\.png", PAGE.read_text("utf-8")))
    assert shown == names
