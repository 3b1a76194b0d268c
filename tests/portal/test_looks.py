# SPDX-License-Identifier: EUPL-1.2
"""Every page in Chromium: axe, narrow and wide, French and English; keyboard; no script; paper.

A quick run has axe look at each page in one language and one width, which the seed moves from page to
page; CARNET_WHOLE=1 in all four.
"""

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser_fixture import follow, leave
from tests.hostile.share import SEED
from tests.portal.preview import PASSWORD
from tests.portal.walk import LOOKED, PAGES, THEIRS

# The site first: Django makes no connection in a thread where a browser runs its loop.
pytestmark = [pytest.mark.db, pytest.mark.usefixtures("address")]

NARROW, WIDE = 390, 1280
CORNERS = [(language, width) for language in ("fr", "en") for width in (NARROW, WIDE)]
# WCAG 2.2 A and AA, and what axe holds for good practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def log_in(page: Page, address: str, who: str) -> None:
    page.goto(f"{address}/compte/connexion/")
    page.fill("[name=login]", who)
    page.fill("[name=password]", PASSWORD)
    follow(page.locator("main button").first)
    assert "connexion" not in page.url


@pytest.fixture(scope="module")
def contexts(browser: Browser, address: str) -> Iterator[dict[str, BrowserContext]]:
    """One session for each person, logged in once."""
    people = sorted({who for who, _, _ in PAGES})
    contexts = {who: browser.new_context() for who in people}
    for who, context in contexts.items():
        if who:
            page = context.new_page()
            log_in(page, address, who)
            page.close()
    yield contexts
    for context in contexts.values():
        leave(context)


def faults(page: Page) -> list[str]:
    """What axe finds, a line each."""
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def overflows(page: Page) -> bool:
    """Whether one must scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def corners(who: str, path: str) -> list[tuple[str, int]]:
    """The languages and widths in which axe looks at a page."""
    if os.environ.get("CARNET_WHOLE") == "1":
        return CORNERS
    place = [each[:2] for each in LOOKED].index((who, path))
    return [CORNERS[(SEED + place) % len(CORNERS)]]


@pytest.mark.parametrize(("who", "path", "status"), LOOKED)
def test_axe_finds_nothing(
    contexts: dict[str, BrowserContext], address: str, who: str, path: str, status: int
) -> None:
    page = contexts[who].new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    for language, width in corners(who, path):
        page.set_viewport_size({"width": width, "height": 800})
        joint = "&" if "?" in path else "?"
        answer = page.goto(f"{address}{path}{joint}lang={language}")
        assert answer is not None
        assert answer.status == status
        assert faults(page) == [], (language, width)
        assert not overflows(page), (language, width)
    assert [url for url in asked if not url.startswith(address)] == [], "nothing from outside"
    assert [text for text in complaints if "Content Security Policy" in text] == []
    page.close()


def test_axe_would_find_a_fault(page: Page) -> None:
    page.set_content("<html><body><img src='x.png'><p style='color:#ccc'>pale</p></body></html>")
    assert {line.split(":")[0] for line in faults(page)} >= {
        "image-alt",
        "color-contrast",
        "html-has-lang",
    }


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_axe_finds_nothing_in_what_a_form_answers(
    contexts: dict[str, BrowserContext], address: str, language: str, width: int
) -> None:
    page = contexts["gp"].new_page()
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{address}/patients/?lang={language}")
    traits = page.locator("form[aria-labelledby=by-traits]")
    follow(traits.locator("button"))
    assert faults(page) == [], "errors"
    traits.locator("[name=name]").fill("homonyme")
    traits.locator("[name=birth_date]").fill("27/03/1985")
    traits.locator("[name=sex]").select_option("female")
    follow(traits.locator("button"))
    assert page.locator(".found .card").count() == 2
    assert faults(page) == [], "people found"
    follow(page.locator(".found form[action*=consentement] button"))
    assert faults(page) == [], "consent"
    follow(page.locator("main form button"))
    assert faults(page) == [], "consent without how"
    assert not overflows(page)
    page.close()


def test_axe_finds_nothing_in_a_refused_log_in(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": NARROW, "height": 800})
    page = context.new_page()
    page.goto(f"{address}/compte/connexion/")
    follow(page.locator("main button").first)
    assert faults(page) == []
    page.fill("[name=login]", "patient")
    page.fill("[name=password]", "wrong")
    follow(page.locator("main button").first)
    assert page.locator("[role=alert]").count() == 1
    assert faults(page) == []
    leave(context)


@pytest.mark.parametrize(("who", "path", "status"), LOOKED)
def test_nothing_is_lost_at_400_percent(
    contexts: dict[str, BrowserContext], address: str, who: str, path: str, status: int
) -> None:
    """WCAG 1.4.10: 1,280 pixels at 400 % are 320."""
    page = contexts[who].new_page()
    page.set_viewport_size({"width": 320, "height": 256})
    page.goto(address + path)
    assert not overflows(page)
    page.close()


def test_a_doctor_finds_declares_and_reads_without_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, address, "gp")
    traits = page.locator("form[aria-labelledby=by-traits]")
    traits.locator("[name=name]").fill("Martin")
    traits.locator("[name=birth_date]").fill("27/03/1985")
    traits.locator("[name=given_name]").fill("Claire")
    follow(traits.locator("button"))
    follow(page.locator("text=Déclarer le consentement").first)
    page.check("[value=oral]")
    follow(page.locator("text=Déclarer et ouvrir le dossier").first)
    assert page.url == address + THEIRS + "sante/"
    follow(page.locator("text=Bilan lipidique et glycémie").first)
    follow(page.locator("text=Glucose à jeun").first)
    assert page.locator("svg.curve-wide").is_visible()
    assert not page.locator("svg.curve-narrow").is_visible()
    follow(page.locator("text=Se déconnecter").first)
    assert page.url == address + "/"
    leave(context)


def test_the_menu_of_a_phone_folds_without_script_and_is_open_on_a_desk(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 360, "height": 780}, locale="fr-FR"
    )
    page = context.new_page()
    log_in(page, address, "patient")
    page.goto(address + "/dossier/")
    entry = page.locator(".nav a", has_text="Mes courbes")
    assert not entry.is_visible()
    summary = page.locator(".menu summary")
    box = summary.bounding_box()
    assert box is not None
    assert box["height"] < 60, "one row"
    assert "Mes documents" in summary.inner_text(), "it says where one is"
    summary.click()
    assert entry.is_visible()
    follow(entry)
    assert page.url == address + "/dossier/courbes/"
    page.set_viewport_size({"width": 1280, "height": 800})
    assert entry.is_visible()
    assert not summary.is_visible()
    leave(context)


def test_the_keyboard_reaches_the_content_first(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    log_in(page, address, "patient")
    page.goto(address + "/dossier/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#contenu"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "the focus is seen"
    leave(context)


def test_on_paper_there_is_the_content_alone(
    contexts: dict[str, BrowserContext], address: str
) -> None:
    page = contexts["patient"].new_page()
    page.goto(f"{address}/dossier/documents/bio-2026/?lang=fr")
    page.emulate_media(media="print")
    for away in (".nav", ".actions", ".language", ".session form"):
        assert not page.locator(away).first.is_visible()
    assert page.locator("text=Dr Inès BENALI").first.is_visible()
    assert page.locator("text=Contrôle dans six mois.").is_visible(), "folded text is printed"
    page.close()
