# SPDX-License-Identifier: EUPL-1.2
"""A woman of 85 without a telephone: a code at a counter, a sheet of paper. Without script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from carnet.population import make
from tests.browser_fixture import follow, leave
from tests.journeys.conftest import Demonstration, LogIn

pytestmark = [pytest.mark.db, pytest.mark.slow]
SHE = make(2026, 7).person("elder")
NAME, PASSWORD = "suzanne.delaunay", "le pressoir de Loches"


NewPage = Callable[[], Page]


@pytest.fixture
def new_page(browser: Browser, demonstration: Demonstration) -> Iterator[NewPage]:
    """A browser of somebody who is nobody yet, without script."""
    context = browser.new_context(
        locale="fr-FR", base_url=demonstration.address, java_script_enabled=False
    )
    yield context.new_page
    leave(context)


def given_a_code(page: Page) -> str:
    """The operator sees her card, and prints a code."""
    page.goto("/operateur/")
    follow(page.get_by_role("link", name="Donner un code d’activation"))
    page.fill("[name=ins]", SHE.ins)
    page.fill("[name=name]", SHE.birth_name)
    page.fill("[name=birth_date]", f"{SHE.birth_date:%d/%m/%Y}")
    page.check("[name=document][value=CN]")
    follow(page.get_by_role("button", name="Donner le code"))
    page.emulate_media(media="print")
    code = page.locator(".handed .code strong")
    size = code.evaluate("each => parseFloat(getComputedStyle(each).fontSize)")
    assert size >= 24, "printed, it is read without glasses"
    return str(code.inner_text())


def comes_in(page: Page, code: str) -> None:
    """Identifier, password, then a code of the sheet."""
    page.goto("/compte/connexion/")
    page.fill("[name=login]", NAME)
    page.fill("[name=password]", PASSWORD)
    follow(page.locator("main button").first)
    expect(page.get_by_role("heading", level=1)).to_have_text("Prouver que c’est bien vous")
    page.fill("[name=code]", code)
    follow(page.get_by_role("button", name="Continuer"))


def leaves(page: Page) -> None:
    """The button of every page."""
    follow(page.get_by_role("button", name="Se déconnecter").first)


def test_she_gets_in_with_a_code_on_paper_and_comes_back_with_her_sheet(
    logged_in: LogIn, new_page: NewPage
) -> None:
    code = given_a_code(logged_in("operator"))
    page = new_page()
    # She types the code as she reads it, in small letters and with spaces.
    page.goto("/activer/")
    page.fill("[name=code]", code.lower().replace("-", " "))
    page.fill("[name=born]", f"{SHE.birth_date:%d/%m/%Y}")
    page.fill("[name=username]", NAME)
    for field in page.locator("[type=password]").all():
        field.fill(PASSWORD)
    follow(page.get_by_role("button", name="Activer mon compte"))
    expect(page.locator("main")).to_contain_text(NAME)
    # Her password alone shows nothing: she makes a sheet.
    page.goto("/compte/connexion/")
    page.fill("[name=login]", NAME)
    page.fill("[name=password]", PASSWORD)
    follow(page.locator("main button").first)
    page.goto("/dossier/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ma sécurité")
    follow(page.get_by_role("link", name="Faire une feuille"))
    follow(page.get_by_role("button", name="Montrer les codes"))
    codes = page.locator("ol.sheet code").all_inner_texts()
    assert len(codes) == 10
    page.fill("[name=code]", codes[0])
    follow(page.get_by_role("button", name="J’ai ma feuille"))
    leaves(page)
    # Another day: her password, and the next code of the sheet.
    comes_in(page, codes[1])
    page.goto("/dossier/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("body")).to_contain_text(re.compile("Delaunay|DELAUNAY|LE COEUR|Suzanne"))
    leaves(page)
    # A code that has served opens nothing, nor does one nobody made: the same words.
    said = set()
    for wrong in (codes[1], "0000 0000"):
        comes_in(page, wrong)
        said.add(page.locator(".error").first.inner_text())
        page.goto("/dossier/")
        expect(page).not_to_have_url(re.compile("/dossier/$"))
        page.context.clear_cookies()
    assert len(said) == 1
    # The activation code has served too.
    page.goto("/activer/")
    page.fill("[name=code]", code)
    page.fill("[name=born]", f"{SHE.birth_date:%d/%m/%Y}")
    page.fill("[name=username]", "somebody.else")
    for field in page.locator("[type=password]").all():
        field.fill(PASSWORD)
    follow(page.get_by_role("button", name="Activer mon compte"))
    expect(page.locator("main")).to_contain_text("ne vont pas ensemble")
