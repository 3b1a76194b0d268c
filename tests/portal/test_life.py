# SPDX-License-Identifier: EUPL-1.2
"""Pages of the life of a record, of emergencies and of the tray."""

from dataclasses import replace
from typing import Any

import pytest

from carnet.rights.emergency import Running
from tests.portal.preview import CLAIRE, PreviewParts
from tests.portal.preview_life import AT, GOOD, STATES, PreviewLife
from tests.portal.test_patients import TRAITS, card

pytestmark = pytest.mark.db


@pytest.fixture
def life(site: PreviewParts) -> PreviewLife:
    site.life = PreviewLife()
    return site.life


def test_closing_is_asked_twice(logged_in: Any, life: PreviewLife) -> None:
    client = logged_in("patient")
    answer = client.post("/espace/", {"act": "close"})
    assert "Cochez la case" in answer.content.decode()
    assert life.done == []
    assert client.post("/espace/", {"act": "close", "sure": "on"}).status_code == 302
    assert life.done == [("close", "")]


@pytest.mark.parametrize(("state", "place"), [("open", "/dossier/sante/"), ("closed", "/espace/")])
def test_who_has_nothing_to_read_begins_with_what_there_is_to_decide(
    logged_in: Any, life: PreviewLife, monkeypatch: pytest.MonkeyPatch, state: str, place: str
) -> None:
    client = logged_in("patient")
    one = STATES["patient:claire"]
    monkeypatch.setitem(STATES, "patient:claire", replace(one, life=replace(one.life, state=state)))
    assert client.get("/")["Location"] == place


def test_an_opposition_to_feeding_says_why(logged_in: Any, life: PreviewLife) -> None:
    client = logged_in("patient")
    client.post("/espace/", {"act": "oppose-feeding", "motive": "because"})
    assert life.done == []
    client.post("/espace/", {"act": "oppose-feeding", "motive": "safety"})
    assert life.done == [("oppose-feeding", "safety")]


def test_the_code_of_the_notice_is_enough(client: Any, life: PreviewLife) -> None:
    answer = client.post("/opposition/", {"code": "WRONG", "born": "27/03/1985"})
    assert "ne vont pas ensemble" in answer.content.decode()
    answer = client.post("/opposition/", {"code": GOOD, "born": "27/03/1985"})
    assert "opposition est enregistrée" in answer.content.decode()
    assert len(life.done) == 1


def test_a_professional_opens_in_an_emergency_with_a_reason(
    logged_in: Any, life: PreviewLife
) -> None:
    client = logged_in("gp")
    sealed = card(client.post("/patients/", TRAITS))
    assert (
        "Ouvrir en urgence" in client.post("/patients/urgence/", {"card": sealed}).content.decode()
    )
    assert client.post("/patients/urgence/", {"card": sealed, "sent": "1"}).status_code == 200
    assert life.done == []
    sent = {"card": sealed, "sent": "1", "reason": "bris-de-glace/unconscious"}
    assert client.post("/patients/urgence/", sent).status_code == 302
    assert life.done == [("bris-de-glace", "unconscious")]


def test_only_the_modes_of_the_situation_are_offered(logged_in: Any, life: PreviewLife) -> None:
    client = logged_in("gp")
    sealed = card(client.post("/patients/", TRAITS))
    page = client.post("/patients/urgence/", {"card": sealed}).content.decode()
    assert "bris-de-glace/no-voice" in page and "centre-15/call" not in page
    sent = {"card": sealed, "sent": "1", "reason": "centre-15/call"}
    assert client.post("/patients/urgence/", sent).status_code == 200
    assert life.done == []


def test_the_professional_ends_it_from_the_record(logged_in: Any, life: PreviewLife) -> None:
    client, address = logged_in("gp"), f"/patients/{CLAIRE}/"
    assert "Terminer l’accès" not in client.get(address).content.decode()
    life.emergent = Running("bris-de-glace", AT)
    page = client.get(address).content.decode()
    assert f'action="{address}urgence/fin/"' in page and "10 h 30" in page.replace(
        "10:30", "10 h 30"
    )
    assert client.post(address + "urgence/fin/").status_code == 302
    assert life.done == [("end", CLAIRE)]
    assert "Terminer l’accès" not in client.get(address).content.decode()
    assert client.get(address + "urgence/fin/").status_code == 405
    assert logged_in("patient").post(address + "urgence/fin/").status_code == 404
    assert len(life.done) == 1


def test_the_officer_reads_no_name_of_a_patient(logged_in: Any, life: PreviewLife) -> None:
    page = logged_in("operator").get("/urgences/").content.decode()
    assert "Dr Anne DUBOIS" in page and "Claire MARTIN" not in page and "Dossier de" not in page
    assert "n’en dites rien à ses représentants" in page
    assert "Claire MARTIN" in logged_in("gp").get("/urgences/").content.decode()


def test_a_patient_opens_nothing_in_an_emergency(logged_in: Any, life: PreviewLife) -> None:
    assert logged_in("patient").post("/patients/urgence/", {}).status_code == 404


def test_the_patient_sees_an_emergency_at_the_top(logged_in: Any, life: PreviewLife) -> None:
    page = logged_in("patient").get("/dossier/acces/").content.decode()
    assert page.index("Ouvert en urgence") < page.index('class="filters"')
    assert "SAMU du Val d’Or" in page


def test_an_opening_is_reviewed(logged_in: Any, life: PreviewLife) -> None:
    client = logged_in("gp")
    assert "plus de quinze jours" in client.get("/urgences/").content.decode()
    client.post("/urgences/", {"number": "7", "verdict": "justified", "comment": "known"})
    assert life.done == [(7, "justified", "known")]
    assert client.post("/urgences/", {"number": "7", "verdict": "x"}).status_code == 400


def test_the_tray_is_a_demonstration_s(
    client: Any, life: PreviewLife, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from carnet.portal import desk

    assert "Votre espace de santé" in client.get("/courrier/").content.decode()
    assert client.get("/courrier/5/pdf").content.startswith(b"%PDF")
    client.post("/courrier/5/")
    assert life.done == [("posted", 5, "")]
    real = replace(desk.config(), demo=False)
    monkeypatch.setattr(desk, "config", lambda: real)
    for path in ("/courrier/", "/courrier/5/", "/courrier/5/pdf"):
        assert client.get(path).status_code == 404
    assert client.post("/courrier/5/").status_code == 404
