# SPDX-License-Identifier: EUPL-1.2
"""A doctor of a hospital logs in by its own provider, in a browser without script, and reads a patient."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from carnet.app.demonstration import IDNST
from carnet.population import make
from tests.browser_fixture import follow
from tests.journeys.conftest import demonstrated, free_port
from tests.journeys.test_release import find_patient
from tests.upstream import real

pytestmark = [pytest.mark.db, pytest.mark.slow]
WORLD = make(2026, 7)
SECTION = """
[hopital]
name.fr = "Centre hospitalier de la Varenne"
issuer = "{issuer}"
client_id = "carnet"
secret_file = "secret"
acr_values = ["urn:hospital:two"]
levels = {{ "urn:hospital:two" = "carnet:3" }}
organisation = "{organisation}"
"""


def test_a_hospital_plugs_its_provider_and_its_doctor_reads_a_patient(
    browser: Browser, peers: Path, tmp_path: Path
) -> None:
    persona = next(each for each in WORLD.personas if each.key == "gp")
    doctor = next(each for each in WORLD.professionals if each.key == persona.professional)
    place = next(each for each in WORLD.establishments if each.key == persona.establishment)
    port = free_port()
    back = f"http://localhost:{port}/compte/fournisseur/hopital/retour/"
    people = {
        "lemoine": {
            "sub": "u-1", "acr": "urn:hospital:two", "amr": ["mfa"],
            "claims": {"rpps": f"{int(doctor.rpps):011d}"},
        }
    }  # fmt: skip
    (tmp_path / "secret").write_text(real.SECRET)
    library = peers / "oidc-provider" / "lib" / "index.js"
    with real.running(library, people=people, clients=[real.client("carnet", back)]) as provider:
        file = tmp_path / "providers.toml"
        organisation = f"{IDNST}|{place.idnst}"
        file.write_text(SECTION.format(issuer=provider.issuer, organisation=organisation))
        with demonstrated(tmp_path, port, CARNET_PROVIDERS=str(file)) as demonstration:
            context = browser.new_context(java_script_enabled=False, locale="fr-FR")
            try:
                page = context.new_page()
                page.goto(f"{demonstration.address}/compte/connexion/")
                page.get_by_role("button", name="Centre hospitalier de la Varenne").click()
                expect(page.get_by_label("Nom")).to_be_visible()
                page.get_by_label("Nom").fill("lemoine")
                page.get_by_role("button", name="Entrer").click()
                page.wait_for_url(f"{demonstration.address}/**")
                find_patient(page)
                expect(page.get_by_role("heading", level=1)).to_be_visible()
                read = page.url
                follow(page.get_by_role("button", name="Se déconnecter").first)
                expect(page.get_by_role("heading", name="Vous êtes déconnecté")).to_be_visible()
                page.goto(read)
                expect(page.get_by_label("Mot de passe")).to_be_visible()
            finally:
                context.close()
