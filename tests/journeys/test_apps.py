# SPDX-License-Identifier: EUPL-1.2
"""Clients of SMART that others wrote, unmodified: a person allows them, they read, the person ends it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from fhirclient import client as smart
from playwright.sync_api import Page, expect

from carnet.population import make
from tests.browser_fixture import follow
from tests.journeys.conftest import Demonstration, LogIn, free_port
from tests.journeys.test_release import find_patient

pytestmark = [pytest.mark.db, pytest.mark.slow]

PATIENT = make(2026, 7).person("patient")
SCOPE = "openid fhirUser launch/patient offline_access patient/*.rs"
HERE = "<!doctype html><title>{title}</title><script src=fhir-client.js></script>"
LAUNCH = """<script>
FHIR.oauth2.authorize({ISS clientId: "tension", scope: "SCOPE", redirectUri: "index.html",
  pkceMode: "required"});
</script>"""
INDEX = """<p id=said>…</p><script>
FHIR.oauth2.settings.refreshTokenWithClientId = true;
FHIR.oauth2.ready().then(
  client => { window.client = client; said.textContent = "ready " + client.patient.id; },
  error => { said.textContent = "refused " + error.message; });
</script>"""


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each."""

    def log_message(self, *_: object) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Served:
    """An application of a third party: its address, and that of the API."""

    address: str
    base: str


@pytest.fixture(scope="module")
def app(
    demonstration: Demonstration, peers: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Pages of the application on their own origin; registered and approved as an operator does."""
    folder, port = tmp_path_factory.mktemp("app"), free_port()
    base, address = f"{demonstration.address}/fhir", f"http://localhost:{port}"
    library = peers / "fhirclient" / "build" / "fhir-client.js"
    (folder / "fhir-client.js").write_bytes(library.read_bytes())
    for name, scope, iss in (
        ("alone", SCOPE, f'iss: "{base}",'),
        ("launch", "launch openid fhirUser patient/*.rs user/Practitioner.rs", ""),
    ):
        page = LAUNCH.replace("ISS", iss).replace("SCOPE", scope)
        (folder / f"{name}.html").write_text(HERE.format(title=name) + page)
    (folder / "index.html").write_text(HERE.format(title="index") + INDEX)
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    carnet(
        demonstration, "add", "tension", "--name", "Ma tension", "--native",
        "--scopes", f"{SCOPE} launch user/Practitioner.rs", "--redirect", f"{address}/index.html",
        "--origin", address, "--launch", f"{address}/launch.html",
    )  # fmt: skip
    carnet(demonstration, "approve", "tension", "--why", "Seen with who made it.")
    try:
        yield Served(address, base)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def carnet(demonstration: Demonstration, *words: str) -> None:
    """`carnet client …`, by the operator."""
    command = [sys.executable, "-m", "carnet", "client", *words, "--by", "operator:operator"]
    done = subprocess.run(
        [*command, "--data", str(demonstration.data)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def asked(page: Page, code: str) -> Any:
    """What the page's script gets, or the status it is refused with."""
    return page.evaluate(
        f"async () => {{ try {{ return await {code} }} catch (e) {{ return e.status || `${{e}}` }} }}"
    )


def test_a_patient_allows_one_kind_and_ends_it(logged_in: LogIn, app: Served) -> None:
    # given a patient who follows an application to the page that asks
    page = logged_in("patient")
    page.goto(f"{app.address}/alone.html")
    expect(page.get_by_role("heading", level=1)).to_have_text("Autoriser Ma tension ?")
    # when they allow their laboratory results until tomorrow
    page.get_by_label("Résultats de laboratoire").check()
    page.get_by_label("Un jour", exact=True).check()
    if (away := page.get_by_label("Elle pourra aussi lire quand je ne m’en sers pas")).count():
        away.check()
    follow(page.get_by_role("button", name="Autoriser"))
    # then the application reads that, of their record, and nothing of another kind
    expect(page.locator("#said")).to_contain_text("ready ")
    assert asked(page, "client.patient.read().then(p => p.id)") == asked(page, "client.patient.id")
    assert asked(page, "client.user.read().then(p => p.resourceType)") == "Patient"
    total = "client.request('{}?_summary=count').then(b => b.total)".format
    assert asked(page, total("Observation")) > 0
    assert asked(page, total("DocumentReference")) > 0
    for other in ("MedicationRequest", "Immunization", "AllergyIntolerance", "Condition"):
        assert asked(page, total(other)) == 0, other
    # and it refreshes its token
    before = asked(page, "client.state.tokenResponse.access_token")
    assert asked(page, "client.refresh().then(() => true)") is True
    assert asked(page, "client.state.tokenResponse.access_token") != before
    assert asked(page, total("Observation")) > 0
    # when they end it, on their phone or anywhere
    mine = page.context.new_page()
    mine.goto("/applications/")
    follow(mine.get_by_role("button", name="Terminer Ma tension"))
    expect(mine.get_by_role("status")).to_contain_text("ne lit plus rien")
    ended = time.monotonic()
    # then it reads nothing within a second, and gets no other token
    read = (
        "fetch(client.state.serverUrl + '/Observation', {headers: {authorization: 'Bearer ' +"
        " client.state.tokenResponse.access_token}}).then(a => a.status)"
    )
    while (status := asked(page, read)) != 401 and time.monotonic() - ended < 1:
        time.sleep(0.05)
    assert status == 401
    assert asked(page, "client.refresh().then(() => true)") is not True


def test_a_doctor_opens_it_on_a_patient(logged_in: LogIn, app: Served) -> None:
    page = logged_in("gp")
    find_patient(page)
    follow(page.get_by_role("button", name="Ouvrir le dossier"))
    id = page.url.split("/patients/")[1].split("/")[0]
    page.goto(f"/patients/{id}/applications/")
    follow(page.get_by_role("button", name="Ouvrir Ma tension"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Autoriser Ma tension ?")
    follow(page.get_by_role("button", name="Autoriser"))
    expect(page.locator("#said")).to_contain_text("ready ")
    assert asked(page, "client.patient.read().then(p => p.id)") == id
    assert asked(page, "client.user.read().then(p => p.resourceType)") == "Practitioner"


def test_a_doctor_who_follows_it_chooses_the_patient(logged_in: LogIn, app: Served) -> None:
    page = logged_in("gp")
    page.goto(f"{app.address}/alone.html")
    expect(page.get_by_role("heading", level=1)).to_have_text("Autoriser Ma tension ?")
    find_patient(page)
    follow(page.get_by_role("button", name="Choisir"))
    follow(page.get_by_role("button", name="Autoriser"))
    expect(page.locator("#said")).to_contain_text("ready ")
    total = asked(page, "client.request('Patient?_summary=count').then(b => b.total)")
    assert total == 1, "that patient alone"


def test_fhirclient_of_python_is_allowed_and_refreshes(logged_in: LogIn, app: Served) -> None:
    settings = {
        "app_id": "tension", "api_base": app.base, "redirect_uri": f"{app.address}/index.html",
        "scope": "openid fhirUser offline_access patient/*.rs",
    }  # fmt: skip
    client = smart.FHIRClient(settings=settings)
    client.prepare()
    page = logged_in("patient")
    page.goto(client.authorize_url)
    page.get_by_label("Résultats de laboratoire").check()
    page.get_by_label("Elle pourra aussi lire quand je ne m’en sers pas").check()
    with page.expect_request(lambda asked: "code=" in asked.url) as sent:
        page.get_by_role("button", name="Autoriser").click()
    client.handle_callback(sent.value.url)
    assert client.patient.id == client.patient_id
    before = client.server.auth.access_token
    assert client.reauthorize()
    assert client.server.auth.access_token != before
    assert client.server.request_json(f"Patient/{client.patient_id}")["id"] == client.patient_id
