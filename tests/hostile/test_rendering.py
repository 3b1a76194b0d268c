# SPDX-License-Identifier: EUPL-1.2
"""Hostile documents that went in, shown in Chromium on every page that shows them: nothing runs or calls.

Two layers stop them, the writing of the page and its policy; each is also shown to hold without the other.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, Route

from tests.browser_fixture import follow
from tests.hostile.conftest import Trap
from tests.hostile.corpus import markup, places
from tests.hostile.share import some
from tests.hostile.watched import Watched
from tests.journeys.conftest import Demonstration, LogIn
from tests.journeys.test_release import find_patient

pytestmark = [pytest.mark.db, pytest.mark.slow]

# What the policy cannot stop by itself: it does not rule where a page may be replaced from.
REPLACES_THE_PAGE = {"meta-refresh", "meta-refresh-script", "raw-meta"}


@dataclass(frozen=True)
class Attacked:
    """A demonstration whose patient has the hostile documents."""

    site: Demonstration
    documents: dict[str, str]  # name → id of the DocumentReference
    refused: dict[str, int] = field(default_factory=dict)  # name → status


@pytest.fixture(scope="module")
def attacked(demonstration: Demonstration, trap: Trap) -> Attacked:
    """Sent as a laboratory's software sends: what is refused is told, what goes in is shown below."""
    found = Attacked(demonstration, {})
    token = demonstration.token("lab-software")
    for name, lot in places.documents(trap.bait).items():
        request = urllib.request.Request(
            f"{demonstration.address}/fhir/",
            data=json.dumps(lot).encode(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/fhir+json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                said = json.load(answer)
        except urllib.error.HTTPError as refusal:
            assert refusal.code < 500, (name, refusal.read())
            assert json.load(refusal)["resourceType"] == "OperationOutcome"
            found.refused[name] = refusal.code
            continue
        for entry in said["entry"]:
            place = entry["response"]["location"].split("/")
            if place[0] == "DocumentReference":
                found.documents[name] = place[1]
    return found


@pytest.fixture
def watched(logged_in: LogIn, attacked: Attacked) -> Watched:
    """The patient, logged in."""
    return Watched(logged_in("patient"), attacked.site.address)


def quiet(seen: dict[str, list[str]], trap: Trap) -> None:
    """Nothing happened, anywhere."""
    assert {name: signs for name, signs in seen.items() if signs} == {}
    trap.untouched()


def test_enough_documents_go_in(attacked: Attacked) -> None:
    assert len(attacked.documents) >= 150, attacked.refused


def test_every_hostile_document_is_inert_for_its_patient(
    watched: Watched, attacked: Attacked, trap: Trap
) -> None:
    seen = {
        name: watched.see(f"/dossier/documents/{id}/")
        for name, id in some(attacked.documents.items(), 3)
    }
    quiet(seen, trap)
    assert len(seen) >= 50


def test_lists_curves_and_readers_are_inert_for_their_patient(
    watched: Watched, attacked: Attacked, trap: Trap
) -> None:
    seen = {}
    paths = [*some(everywhere(watched, "/dossier/"), 3), "/dossier/courbes/", "/dossier/sante/"]
    paths += some(everywhere(watched, "/dossier/acces/?vue=ajouts"), 5)
    paths += links(watched, "/dossier/courbes/", r"/dossier/courbes/[^/]+/$")
    paths += [f"{path}?lang=en" for path in ("/dossier/", "/dossier/courbes/")]
    for path in paths:
        seen[path] = watched.see(path)
    quiet(seen, trap)
    assert len(seen) > 6


def test_the_same_for_their_doctor(logged_in: LogIn, attacked: Attacked, trap: Trap) -> None:
    page = logged_in("gp")
    find_patient(page)
    follow(page.get_by_role("button", name="Ouvrir le dossier"))
    follow(page.get_by_role("region", name="Patient").get_by_role("link", name="Documents"))
    record = page.url.removeprefix(attacked.site.address)
    watched = Watched(page, attacked.site.address)
    seen = {path: watched.see(path) for path in some(everywhere(watched, record), 6)}
    for name, id in some(attacked.documents.items(), 15):
        seen[name] = watched.see(f"{record}documents/{id}/")
    seen["courbes"] = watched.see(f"{record}courbes/")
    seen["sante"] = watched.see(f"{record}sante/")
    quiet(seen, trap)


def test_files_are_saved_or_shown_inert(watched: Watched, attacked: Attacked, trap: Trap) -> None:
    """What is not a PDF is saved, as bytes of no type; a PDF is under a policy that runs nothing."""
    files = {n: id for n, id in attacked.documents.items() if n.startswith(("file-", "pdf-"))}
    for name, id in some(files.items(), 5):
        for path in links(watched, f"/dossier/documents/{id}/", r"/fichiers/"):
            answer = watched.page.request.get(path)
            assert answer.status < 500, name
            if answer.status != 200:
                continue
            headers = answer.headers
            assert headers["x-content-type-options"] == "nosniff", name
            assert "default-src 'none'" in headers["content-security-policy"], name
            kind, shown = headers["content-type"], headers["content-disposition"]
            if not shown.startswith("attachment"):
                assert kind in ("application/pdf", "image/png"), (name, kind)
            else:
                assert kind in ("application/octet-stream", "application/pdf"), (name, kind)
    trap.untouched()


# ------------------------------------------------------------------------------------- each layer alone


def test_the_writing_of_the_page_holds_without_its_policy(
    watched: Watched, attacked: Attacked, trap: Trap
) -> None:
    watched.page.route(attacked.site.address + "/dossier/**", without_policy)
    seen = {
        name: watched.see(f"/dossier/documents/{id}/")
        for name, id in some(attacked.documents.items(), 9)
    }
    quiet(seen, trap)
    assert watched.stopped == 0


def test_the_policy_holds_without_the_writing_of_the_page(
    watched: Watched, attacked: Attacked, trap: Trap
) -> None:
    seen, to_trap = injected(watched, attacked, trap, policy=True), f"request: {trap.bait.url}"
    acted = {
        name: [sign for sign in signs if not sign.startswith(("frame", "navigation", to_trap))]
        for name, signs in seen.items()
    }
    # An empty frame is nothing; a connection made ahead says nothing, and no policy governs it.
    assert {name: signs for name, signs in acted.items() if signs} == {}
    assert [said for said in trap.called() if said] == []
    assert watched.stopped > 10, "the policy had something to stop"


def test_without_either_they_do_act(watched: Watched, attacked: Attacked, trap: Trap) -> None:
    """The control: these documents are hostile, and this test sees it."""
    seen = injected(watched, attacked, trap, policy=False)
    acted = {name for name, signs in seen.items() if any(s.startswith("canary") for s in signs)}
    called = {name for name, signs in seen.items() if any(s.startswith("request") for s in signs)}
    assert len(acted) > 6, acted
    assert len(called) > 1, called
    assert trap.called()


def injected(
    watched: Watched, attacked: Attacked, trap: Trap, *, policy: bool
) -> dict[str, list[str]]:
    """Each text and narrative put in a page as it came, with its policy or without."""
    page = watched.page
    path = f"/dossier/documents/{next(iter(attacked.documents.values()))}/"
    answer = page.request.get(path)
    whole, headers = answer.text(), dict(answer.headers)
    if not policy:
        headers = {name: value for name, value in headers.items() if name not in POLICY}
    now = ""

    def fulfil(route: Route) -> None:
        route.fulfill(status=200, headers=headers, body=whole.replace("</main>", f"{now}</main>"))

    page.route(attacked.site.address + "/dossier/documents/**", fulfil)
    seen = {}
    given = markup.texts(trap.bait) | {
        name: value
        for name, value in markup.narratives(trap.bait).items()
        if name.startswith("raw-") and not name.startswith(("raw-many", "raw-span-huge"))
    }
    for name, value in some(given.items(), 4):
        if policy and name in REPLACES_THE_PAGE:
            continue
        now = value
        try:
            seen[name] = watched.see(path)
        except Exception as gone:  # the page was replaced while it was looked at
            seen[name] = [*watched.signs, f"gone: {type(gone).__name__}"]
    return seen


POLICY = {"content-security-policy", "content-length", "content-encoding"}


def without_policy(route: Route) -> None:
    """The same answer without the header."""
    answer = route.fetch()
    headers = {name: value for name, value in answer.headers.items() if name not in POLICY}
    route.fulfill(response=answer, headers=headers)


# ------------------------------------------------------------------------------------- ways


def links(watched: Watched, path: str, pattern: str) -> list[str]:
    """Addresses of this form on a page."""
    watched.page.goto(path)
    found = watched.page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
    short = [each.removeprefix(watched.address) for each in found]
    return list(dict.fromkeys(each for each in short if re.search(pattern, each)))


def everywhere(watched: Watched, path: str) -> list[str]:
    """The pages of a list, by what its first one says of the last."""
    mark = "&" if "?" in path else "?"
    first = f"{path}{mark}page=1"
    numbers = [int(found[1]) for each in links(watched, first, r"page=[0-9]+")
               if (found := re.search(r"page=([0-9]+)", each))]  # fmt: skip
    last = max(numbers, default=1)
    if last == 2:  # a list that only says what comes next
        last = 20
    return [f"{path}{mark}page={number}" for number in range(1, last + 1)]


# ------------------------------------------------------------------------------------- forms


def test_hostile_texts_in_the_forms_of_pages(
    logged_in: LogIn, attacked: Attacked, trap: Trap
) -> None:
    page = logged_in("gp")
    watched = Watched(page, attacked.site.address)
    for value in some((v for v in markup.texts(trap.bait).values() if len(v) < 400), 10):
        page.goto("/patients/")
        traits = page.get_by_role("form", name="Par traits d’identité")
        traits.get_by_label("Nom de naissance", exact=True).fill(value)
        traits.get_by_label("Date de naissance").fill("01/01/1970")
        traits.get_by_label("Premier prénom").fill(value)
        watched.signs.clear()
        follow(traits.get_by_role("button"))
        page.evaluate("() => 0")
        assert watched.signs == [], value
        in_french(page)
    trap.untouched()


def test_hostile_texts_at_the_log_in(page: Page, attacked: Attacked, trap: Trap) -> None:
    watched = Watched(page, attacked.site.address)
    for value in ('"><script>window.__canary(1)</script>', "' OR 1=1 --", "{{ 7*7 }}", "\u202e"):
        page.goto(f"{attacked.site.address}/compte/connexion/?next=javascript:window.__canary(1)")
        page.fill("[name=login]", value)
        page.fill("[name=password]", value)
        follow(page.locator("main button").first)
        page.evaluate("() => 0")
        assert watched.signs == [], value
        in_french(page)
    for path in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:1"):
        page.goto(f"{attacked.site.address}/compte/connexion/?next={path}")
        assert watched.signs == []
    trap.untouched()


def in_french(page: Page) -> None:
    """A page of ours, not the trace of a fault."""
    assert page.locator("html").get_attribute("lang") == "fr"
    said = page.content()
    assert "Traceback" not in said
    assert "erreur interne" not in said.lower()
