# SPDX-License-Identifier: EUPL-1.2
"""A professional who practises in several places says in which they are, before anything opens."""

from typing import Any

import pytest

from tests.portal.preview import PASSWORD, PreviewParts
from tests.portal.test_accounts import log_in

pytestmark = pytest.mark.db
PAGE = "/compte/situation/"
PLACES = [("s-1", "Cabinet du port"), ("s-2", "Centre hospitalier")]


def test_one_place_asks_nothing(client: Any, site: PreviewParts) -> None:
    log_in(client, "gp", PASSWORD)
    assert client.get("/patients/").status_code == 200
    assert client.get(PAGE).status_code == 404


def test_several_places_are_chosen_from_said_and_changed(
    client: Any, site: PreviewParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "practised", PLACES)
    log_in(client, "gp", PASSWORD)
    assert client.get("/patients/")["Location"] == PAGE
    page = client.get(PAGE).content.decode()
    assert all(name in page for _, name in PLACES)
    for wrong in ({}, {"situation": "s-9"}):
        assert client.post(PAGE, wrong).status_code == 400
    assert client.get("/patients/")["Location"] == PAGE
    before = client.cookies["carnet"].value
    assert client.post(PAGE, {"situation": "s-2"}).status_code == 302
    assert client.cookies["carnet"].value != before
    assert "Centre hospitalier" in client.get("/patients/").content.decode()
    client.post(PAGE, {"situation": "s-1"})
    assert "Cabinet du port" in client.get("/patients/").content.decode()


def test_a_place_that_ends_is_chosen_again(
    client: Any, site: PreviewParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "practised", PLACES)
    log_in(client, "gp", PASSWORD)
    client.post(PAGE, {"situation": "s-2"})
    monkeypatch.setattr(site, "practised", [PLACES[0], ("s-3", "Ehpad")])
    assert client.get("/patients/")["Location"] == PAGE
    assert "Ehpad" in client.get(PAGE).content.decode()


def test_nobody_else_is_asked(client: Any, site: PreviewParts, monkeypatch: Any) -> None:
    monkeypatch.setattr(site, "practised", PLACES)
    log_in(client, "patient", PASSWORD)
    assert client.get("/dossier/").status_code == 200
