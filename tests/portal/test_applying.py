# SPDX-License-Identifier: EUPL-1.2
"""A developer asks for an application of the sandbox, by a page that is absent where people are real."""

from __future__ import annotations

from typing import Any

import pytest

from tests.portal.preview_clients import PreviewClients

pytestmark = pytest.mark.db
PAGE = "/developpeurs/inscrire/"
APP = {
    "name": "Ma tension", "method": "none", "redirects": "https://app.example/back\nhttps://app.example/two",
    "scopes": "openid patient/Observation.rs",
}  # fmt: skip


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_an_application_is_asked_for_and_its_identifier_is_ours(client: Any) -> None:
    answer = client.post(PAGE, APP)
    said = PreviewClients.applied[-1]
    assert said.id in text(answer)
    assert (said.kind, said.sandbox, said.native) == ("app", True, False)
    assert list(said.redirects) == ["https://app.example/back", "https://app.example/two"]
    assert "client_secret" not in text(answer)
    client.post(PAGE, APP)
    assert PreviewClients.applied[-1].id != said.id
    client.post(PAGE, {**APP, "redirects": "http://127.0.0.1:8765/"})
    assert PreviewClients.applied[-1].native


def test_a_secret_is_told_once(client: Any) -> None:
    answer = client.post(PAGE, {**APP, "method": "client_secret_basic"})
    assert "a-secret-told-once" in text(answer)
    assert "ne sera plus montré" in text(answer)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Donnez un nom"), ({"name": "Connu"}, "Ce nom est pris"),
        ({"redirects": ""}, "une adresse au moins"), ({"redirects": "https://app.example/#x"}, "https://"),
        ({"method": "other"}, "Erreur"), ({"scopes": ""}, "Dites ce qu’elle demande"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_is(client: Any, wrong: dict[str, str], said: str) -> None:
    before = len(PreviewClients.applied)
    answer = client.post(PAGE, APP | wrong)
    assert answer.status_code == 200
    assert said in text(answer)
    assert len(PreviewClients.applied) == before


def test_where_people_are_real_there_is_no_such_page(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PreviewClients, "sandboxes", False)
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, APP).status_code == 404


def test_too_many_from_one_address_wait(
    client: Any, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(site.tries), "full", True)
    assert client.post(PAGE, APP).status_code == 429
