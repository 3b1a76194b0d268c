# SPDX-License-Identifier: EUPL-1.2
"""A passkey in a real browser, with the device Chromium lends to tests: added, then enough by itself."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

from tests.browser_fixture import follow, leave
from tests.portal.preview import PASSWORD

T = TypeVar("T")
pytestmark = [pytest.mark.db, pytest.mark.usefixtures("address")]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(locale="fr-FR")
    yield made
    leave(made)


def aside(act: Callable[[], T]) -> T:
    """In a thread of its own: Django opens no connection beside the loop of a browser."""
    from django.db import connections

    def run() -> T:
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


@pytest.fixture
def real(address: str) -> Iterator[str]:
    """The address, by the name that passkeys are of; the accounts are of real people."""
    from allauth.mfa.models import Authenticator

    from carnet.portal.accounts.models import Account

    aside(lambda: Account.objects.update(demonstration=False, enrols=True))
    yield address.replace("127.0.0.1", "localhost")
    aside(lambda: Account.objects.update(demonstration=True, enrols=False))
    aside(lambda: Authenticator.objects.all().delete())


def device(page: Page, *, verifies: bool = True) -> CDPSession:
    """A device that knows its owner, or does not."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": verifies,
                "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    return session


def by_password(page: Page, address: str, who: str) -> None:
    page.goto(f"{address}/compte/connexion/")
    page.fill("[name=login]", who)
    page.fill("[name=password]", PASSWORD)
    follow(page.locator("main button").first)


def test_a_passkey_is_added_then_logs_in_alone_and_as_second_step(
    context: BrowserContext, real: str
) -> None:
    page = context.new_page()
    device(page)
    by_password(page, real, "gp")
    assert page.url == f"{real}/compte/securite/"  # nothing opens before
    page.goto(f"{real}/compte/securite/cle/")
    page.fill("[name=name]", "Mon ordinateur")
    follow(page.locator("form[data-passkey] button"))
    assert page.url == f"{real}/compte/securite/"
    assert page.get_by_text("Mon ordinateur").first.is_visible()
    page.goto(f"{real}/patients/")
    assert page.url == f"{real}/patients/"
    page.goto(f"{real}/compte/deconnexion/")
    follow(page.locator("main button").first)
    page.goto(f"{real}/compte/connexion/")
    follow(page.locator("form[data-passkey] button"))
    page.goto(f"{real}/patients/")
    assert page.url == f"{real}/patients/"
    page.goto(f"{real}/compte/deconnexion/")
    follow(page.locator("main button").first)
    by_password(page, real, "gp")
    assert page.url == f"{real}/compte/connexion/code/"
    follow(page.locator("form[data-passkey] button"))
    page.goto(f"{real}/patients/")
    assert page.url == f"{real}/patients/"


def test_a_device_that_does_not_know_its_owner_adds_nothing(
    context: BrowserContext, real: str
) -> None:
    page = context.new_page()
    device(page, verifies=False)
    by_password(page, real, "gp")
    page.goto(f"{real}/compte/securite/cle/")
    page.locator("form[data-passkey] button").click()
    page.locator("[data-passkey-wrong]").wait_for(state="visible")
    from allauth.mfa.models import Authenticator

    assert not aside(Authenticator.objects.exists)


def test_without_script_no_passkey_is_proposed(browser: Browser, real: str) -> None:
    made = browser.new_context(java_script_enabled=False)
    page = made.new_page()
    page.goto(f"{real}/compte/connexion/")
    assert not page.locator("form[data-passkey]").is_visible()
    leave(made)
