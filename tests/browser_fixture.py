# SPDX-License-Identifier: EUPL-1.2
"""Chromium for tests: the machine's own, Playwright's download may be out of reach.

def test_a_page(browser: Browser) -> None: ...     # one Chromium a run
def test_a_page(page: Page) -> None: ...           # a fresh context, nothing kept
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from tests.absent import absent

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # tests may run as root, on pages of our own
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-gpu",  # a machine without one cannot always take a picture with it
]


def chromium() -> str | None:
    """Where Chromium is; CARNET_CHROMIUM names another."""
    named = os.environ.get("CARNET_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the module: while it runs, no other event loop can start in this thread."""
    path = chromium()
    if path is None:
        absent("Chromium is not here: install it, or name it in CARNET_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def follow(link: Locator) -> None:
    """Click a link or a button, and wait for the page it leads to.

    A click returns before the next page has begun: what is read at once would be the old page's.
    """
    with link.page.expect_navigation():
        link.click()


def leave(context: BrowserContext) -> None:
    """Close a context once its pages have come.

    A click returns when the next page begins, and Chromium may never end a page closed before it came.
    """
    for page in context.pages:
        page.wait_for_load_state()
    context.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own; French, as the people Carnet is for."""
    context = browser.new_context(locale="fr-FR")
    yield context.new_page()
    leave(context)
