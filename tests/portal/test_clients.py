# SPDX-License-Identifier: EUPL-1.2
"""The operator's pages of clients, and the catalogue of errors for developers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import OKPKey
from lxml import html

from carnet.oauth import catalogue
from tests.portal.preview_clients import PreviewClients

LIST, LAB, APP = "/operateur/clients/", "/operateur/clients/a-lab/", "/operateur/clients/an-app/"


@pytest.fixture(autouse=True)
def nothing_done() -> Iterator[None]:
    PreviewClients.done.clear()
    yield
    PreviewClients.done.clear()


def text(answer: Any) -> str:
    return " ".join(html.fromstring(answer.content.decode()).text_content().split())


@pytest.mark.parametrize("persona", ["gp", "patient", "assistant", "helper"])
def test_clients_are_the_operators_alone(logged_in: Any, persona: str) -> None:
    client = logged_in(persona)
    for address in (LIST, LAB):
        assert client.get(address).status_code == 404
    sent = {"form": "decide", "act": "suspend", "why": "x"}
    assert client.post(LAB, sent).status_code == 404
    assert PreviewClients.done == []


def test_a_page_says_what_a_client_may_ask_its_keys_and_how_much_it_is_used(logged_in: Any) -> None:
    answer = logged_in("operator").get(LAB)
    page, said = html.fromstring(answer.content.decode()), text(answer)
    assert page.xpath("//dt[.='Autorisations en cours']/following-sibling::dd[1]/text()") == ["3"]
    for part in (
        "En service", "Laboratoire des Quais", "créer, lire, chercher", "one", "P-384",
        "jusqu’au 17 mars 2030", "Lu avec son éditeur.",
    ):  # fmt: skip
        assert part in said, part
    said = text(logged_in("operator").get(APP))
    assert "se lit café.example" in said
    assert "Ajouter une clé" not in said


def test_a_decision_is_carried_out_with_its_reason(logged_in: Any) -> None:
    client = logged_in("operator")
    assert "Choisissez une décision." in text(client.post(LAB, {"form": "decide", "why": "x"}))
    assert "Dites pourquoi" in text(client.post(LAB, {"form": "decide", "act": "suspend"}))
    wrong = {"form": "decide", "act": "approve", "why": "x"}
    assert client.post(LAB, wrong).status_code == 200, "it is live already"
    late = client.post(LAB, {"form": "decide", "act": "suspend", "why": "trop tard"})
    assert "Quelqu’un d’autre vient d’en décider" in text(late)
    assert PreviewClients.done == []
    sent = {"form": "decide", "act": "suspend", "why": "Une clé a fui."}
    assert client.post(LAB, sent).status_code == 302
    assert PreviewClients.done == [("a-lab", "suspend", "Une clé a fui.")]


def test_keys_are_pasted_and_taken_away_and_a_private_one_is_told(logged_in: Any) -> None:
    client, key = logged_in("operator"), OKPKey.generate_key("Ed25519", auto_kid=True)
    private = json.dumps(key.as_dict(private=True))
    page = client.post(LAB, {"form": "key", "text": private})
    assert "C’est une clé privée." in text(page)
    assert str(key.as_dict(private=True)["d"]) not in page.content.decode()
    public = json.dumps(key.as_dict(private=False))
    assert client.post(LAB, {"form": "key", "text": public}).status_code == 302
    assert client.post(LAB, {"form": "remove", "kid": "one"}).status_code == 302
    assert "sa seule clé" in text(client.post(LAB, {"form": "remove", "kid": "two"}))
    assert PreviewClients.done == [("a-lab", "add", key.kid), ("a-lab", "remove", "one")]


def test_scopes_are_changed_within_the_rules(logged_in: Any) -> None:
    client = logged_in("operator")
    page = client.post(LAB, {"form": "scopes", "scopes": "patient/*.rs"})
    assert "les règles ne la permettent pas" in text(page)
    assert client.post(LAB, {"form": "scopes", "scopes": "system/*.rs"}).status_code == 302
    assert PreviewClients.done == [("a-lab", "scopes", "system/*.rs")]


def test_one_that_ended_is_only_read(logged_in: Any) -> None:
    page = html.fromstring(logged_in("operator").get(LIST + "ended/").content.decode())
    assert page.xpath("//main//form") == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_error_is_explained_in_the_language_of_the_page(client: Any, language: str) -> None:
    client.cookies["langue"] = language
    said = text(client.get("/developpeurs/erreurs/"))
    n = 0 if language == "fr" else 1
    for each in (*catalogue.families(), *catalogue.protocol()):
        assert " ".join(each.means[n].split()) in said, each.code
        assert " ".join(each.remedy[n].split()) in said, each.code
