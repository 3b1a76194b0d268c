# SPDX-License-Identifier: EUPL-1.2
"""The pages of secure mail: to whom they are, what is shown as text alone, what a form refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html

from tests.portal.preview_mail import FILED, WAITING, PreviewMail

MAIL = f"/messagerie/{WAITING}/"
INS = "267033726190724"


@pytest.fixture(autouse=True)
def nothing_done() -> Iterator[None]:
    PreviewMail.done.clear()
    yield
    PreviewMail.done.clear()


def text(answer: Any) -> str:
    return " ".join(html.fromstring(answer.content.decode()).text_content().split())


def test_what_waits_is_first_and_a_mail_is_no_page(logged_in: Any) -> None:
    client = logged_in("gp")
    said = text(client.get("/messagerie/"))
    assert said.index("Compte rendu <b>gras</b>") < said.index("Courrier")
    assert "Hélène DELAUNAY" in said and "À rattacher à un dossier" in said
    page = client.get(MAIL).content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_a_document_is_attached_by_the_number_of_its_person(logged_in: Any) -> None:
    client = logged_in("gp")
    for wrong in ("", "26703", "x" * 15):
        answer = client.post(MAIL, {"matricule": wrong})
        assert html.fromstring(answer.content.decode()).xpath('//*[@role="alert"]//a/@href') == [
            "#id_matricule"
        ]
    assert client.post(MAIL, {"matricule": "1" + INS[1:]}).status_code == 422
    assert PreviewMail.done == []
    assert client.post(MAIL, {"matricule": INS}).status_code == 302
    assert PreviewMail.done == [("attach", WAITING, INS)]
    assert "id_matricule" not in client.get(f"/messagerie/{FILED}/").content.decode()


def test_a_citizen_answers_what_is_open(logged_in: Any) -> None:
    client = logged_in("patient")
    page = html.fromstring(client.get("/messages/").content.decode())
    assert len(page.xpath("//main//textarea")) == 1
    assert "a clos cet échange" in page.text_content()
    empty = client.post("/messages/", {"message": WAITING, "text": " "})
    assert "Écrivez votre réponse." in text(empty)
    assert client.post("/messages/", {"message": FILED, "text": "x"}).status_code == 422
    assert client.post("/messages/", {"message": WAITING, "text": "Merci"}).status_code == 302
    assert PreviewMail.done == [("answer", WAITING, "Merci")]


@pytest.mark.parametrize(("persona", "path"), [
    ("patient", "/messagerie/"), ("patient", MAIL), ("operator", "/messagerie/"),
    ("gp", "/messages/"), ("helper", "/messages/"),
])  # fmt: skip
def test_to_others_the_page_is_absent(logged_in: Any, persona: str, path: str) -> None:
    assert logged_in(persona).get(path).status_code == 404
