# SPDX-License-Identifier: EUPL-1.2
"""Sessions in a browser: planted cookies, forms of other sites, log-out, the back button, two tabs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from carnet.portal import headers
from carnet.postgres.cluster import Cluster
from tests.browser_fixture import follow, leave
from tests.portal.preview import CLAIRE, PASSWORD, PreviewParts
from tests.portal.preview_apps import SECRET, PreviewApps

pytestmark = [pytest.mark.db, pytest.mark.slow]
LOG_IN, SECURITY = "/compte/connexion/", "/compte/securite/"
ELSEWHERE = "http://evil.example"  # another site: no cookie goes with its forms
BESIDE = "http://127.0.0.1:18999"  # another origin of the same site: cookies go
ACTS = {  # what another site would like done, in a person's name
    "log-in": (LOG_IN, {"login": "newcomer", "password": PASSWORD}),
    "log-out": ("/compte/deconnexion/", {}),
    "connections": ("/compte/connexions/", {"which": "all"}),
    "sheet": (SECURITY + "feuille/", {}),
    "consent": (f"/autoriser/{SECRET}/", {"answer": "allow", "record": "own", "kinds": "measures",
                                          "direction": "read", "until": "day"}),
    "mandate": ("/pour-qui/donner/", {"profile": "care"}),
    "export": ("/dossier/emporter/", {}),
    "professionals": ("/dossier/droits/professionnels/", {"act": "block"}),
    "opening an application": (f"/patients/{CLAIRE}/applications/", {"client": "risk"}),
}  # fmt: skip


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A browser of one person."""
    made = browser.new_context(locale="fr-FR", base_url=address)
    yield made
    leave(made)


def log_in(page: Page, name: str) -> None:
    """By the form."""
    page.goto(LOG_IN)
    page.fill("[name=login]", name)
    page.fill("[name=password]", PASSWORD)
    follow(page.locator("main button").first)


def session(context: BrowserContext) -> str:
    """The cookie of the session; "" when there is none."""
    return next((str(one["value"]) for one in context.cookies() if one["name"] == "carnet"), "")


def opens(browser: Browser, address: str, cookie: str) -> bool:
    """Whether who has this cookie reads a record."""
    context = browser.new_context(base_url=address)
    context.add_cookies([{"name": "carnet", "value": cookie, "url": address}])
    try:
        return context.request.get("/dossier/", max_redirects=0).status == 200
    finally:
        context.close()


# ------------------------------------------------------------------------------------- fixation


@pytest.fixture
def real(site: PreviewParts, cluster: Cluster, portal_database: str) -> Iterator[None]:
    """The patient is somebody real: a password alone opens nothing."""

    def told(*queries: str) -> None:
        with psycopg.connect(cluster.url(database=portal_database)) as conn:
            for query in queries:
                conn.execute(query.encode())

    told("UPDATE portal.accounts_account SET demonstration = false, enrols = true")
    yield
    told(
        "UPDATE portal.accounts_account SET demonstration = true, enrols = false",
        "DELETE FROM portal.mfa_authenticator",
    )


@pytest.mark.parametrize("whose", ["invented", "a visitor's", "of the thief's account"])
def test_a_cookie_planted_before_the_log_in_is_not_the_one_after(
    browser: Browser, context: BrowserContext, address: str, whose: str
) -> None:
    planted = "p" * 32
    if whose != "invented":
        thief = browser.new_context(base_url=address)
        page = thief.new_page()
        page.goto(LOG_IN)
        if whose == "of the thief's account":
            log_in(page, "newcomer")
        planted = session(thief) or planted
        leave(thief)
    context.add_cookies([{"name": "carnet", "value": planted, "url": address}])
    page = context.new_page()
    if whose == "of the thief's account":  # they would find themselves logged in as another
        page.goto("/compte/connexions/")
        page.context.request.get("/dossier/")
        context.clear_cookies(name="carnet-csrf")
        page.goto("/")
        follow(page.locator("form[action='/compte/deconnexion/'] button").first)
    log_in(page, "patient")
    assert session(context) not in ("", planted)
    assert opens(browser, address, session(context))
    assert not opens(browser, address, planted)


def test_each_proof_gives_another_cookie_and_the_one_before_opens_nothing(
    browser: Browser, context: BrowserContext, address: str, real: None
) -> None:
    """At the log-in, at the second factor, at the step-up: what was read before is of no use after."""
    page = context.new_page()
    log_in(page, "patient")
    page.goto(SECURITY + "feuille/")
    follow(page.locator("main form button").first)
    codes = page.locator("ol.sheet code").all_text_contents()
    page.fill("[name=code]", codes[0])
    follow(page.locator("main form button").first)
    context.clear_cookies()
    seen = []
    log_in(page, "patient")
    assert page.url.endswith("/connexion/code/")
    seen.append(session(context))
    page.fill("[name=code]", codes[1])
    follow(page.locator("main form button").first)
    assert page.goto("/dossier/").status == 200  # type: ignore[union-attr]
    seen.append(session(context))
    page.goto("/compte/confirmer/?next=/dossier/")
    page.fill("[name=code]", codes[2])
    follow(page.locator("main form button").first)
    seen.append(session(context))
    assert len(set(seen)) == 3
    assert [opens(browser, address, one) for one in seen] == [False, False, True]


def test_a_log_in_that_keeps_its_cookie_would_be_seen(
    browser: Browser, context: BrowserContext, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault."""
    from django.contrib.sessions.backends.base import SessionBase

    monkeypatch.setattr(SessionBase, "cycle_key", lambda self: None)
    page = context.new_page()
    log_in(page, "newcomer")
    monkeypatch.undo()
    page.goto("/compte/connexions/")
    before = session(context)
    monkeypatch.setattr(SessionBase, "cycle_key", lambda self: None)
    follow(page.locator("main form:has([value=others]) button"))
    assert session(context) == before


# ----------------------------------------------------------------------------------------- CSRF


def posted(context: BrowserContext, origin: str, address: str, act: str) -> int:
    """Have a page of another origin post a form here; the status of the answer."""
    path, fields = ACTS[act]
    inputs = "".join(f"<input name='{name}' value='{value}'>" for name, value in fields.items())
    form = f"<form method=post action='{address}{path}'>{inputs}<button>Gagnez !</button></form>"

    def answer(route: Route) -> None:
        route.fulfill(body=form, content_type="text/html")

    page = context.new_page()
    page.route(f"{origin}/**", answer)
    page.goto(f"{origin}/")
    with page.expect_response(
        lambda found: found.url == address + path and found.request.method == "POST"
    ) as found:
        page.click("button")
    status = found.value.status
    page.wait_for_load_state()
    page.close()
    return status


@pytest.mark.parametrize("origin", [ELSEWHERE, BESIDE])
def test_no_form_of_another_origin_is_taken(
    context: BrowserContext, address: str, site: PreviewParts, origin: str
) -> None:
    assert isinstance(site.apps, PreviewApps)
    site.apps.done.clear()
    page = context.new_page()
    log_in(page, "patient")
    before = session(context)
    assert {act: posted(context, origin, address, act) for act in ACTS} == dict.fromkeys(ACTS, 403)
    assert site.apps.done == []
    assert session(context) == before
    assert page.goto("/dossier/").status == 200  # type: ignore[union-attr]


@pytest.fixture
def believing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: the token of forms and their origin are not looked at."""
    from django.middleware.csrf import CsrfViewMiddleware

    monkeypatch.setattr(CsrfViewMiddleware, "_origin_verified", lambda *_: True)
    monkeypatch.setattr(CsrfViewMiddleware, "_check_token", lambda *_: None)


def test_the_cookie_alone_stops_a_form_of_another_site(
    context: BrowserContext, address: str, believing: None
) -> None:
    """SameSite tried alone: the form comes without who would have done it."""
    page = context.new_page()
    log_in(page, "patient")
    assert posted(context, ELSEWHERE, address, "connections") == 302  # to the log-in
    assert page.goto("/dossier/").url.endswith("/dossier/")  # type: ignore[union-attr]


def test_without_either_the_form_of_another_origin_does_it(
    context: BrowserContext, address: str, believing: None
) -> None:
    page = context.new_page()
    log_in(page, "newcomer")
    assert posted(context, BESIDE, address, "connections") == 302
    assert LOG_IN in page.goto("/dossier/").url  # type: ignore[union-attr]


# ------------------------------------------------------------------------------ log-out, and back


def logged_out(context: BrowserContext) -> tuple[Page, str]:
    """Read a record, log out; the page, and the cookie of before."""
    page = context.new_page()
    log_in(page, "patient")
    page.goto("/dossier/")
    cookie = session(context)
    follow(page.locator("form[action='/compte/deconnexion/'] button").first)
    return page, cookie


def test_after_a_log_out_the_back_button_shows_nothing_and_the_cookie_opens_nothing(
    browser: Browser, context: BrowserContext, address: str
) -> None:
    page, cookie = logged_out(context)
    assert not opens(browser, address, cookie)
    page.go_back()
    assert LOG_IN in page.url
    assert page.locator("[name=password]").count() == 1


def test_a_page_that_a_browser_keeps_would_be_shown_again(
    context: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: pages say they may be kept."""

    def keeps(self: Any, request: Any) -> Any:
        answer = self.get_response(request)
        answer.headers["Cache-Control"] = "private, max-age=600"
        del answer.headers["Vary"]
        return answer

    monkeypatch.setattr(headers.Headers, "__call__", keeps)
    page, _ = logged_out(context)
    page.go_back()
    assert page.url.endswith("/dossier/")
    assert page.locator("[name=password]").count() == 0


# ------------------------------------------------------------------------------------- two tabs


def test_a_question_of_one_person_is_not_answered_by_the_next_one(
    context: BrowserContext, site: PreviewParts
) -> None:
    """Two tabs: somebody else logs in beside while a question of the first is open."""
    assert isinstance(site.apps, PreviewApps)
    site.apps.done.clear()
    first, second = context.new_page(), context.new_page()
    log_in(first, "patient")
    first.goto(f"/autoriser/{SECRET}/")
    second.goto("/")
    follow(second.locator("form[action='/compte/deconnexion/'] button").first)
    log_in(second, "newcomer")
    follow(first.locator("main button[value=refuse]").first)
    assert "403" in first.title() or first.locator("h1").count() == 1
    assert site.apps.done == []
    assert second.goto("/dossier/").status == 200  # type: ignore[union-attr]
