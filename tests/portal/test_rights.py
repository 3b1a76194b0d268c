# SPDX-License-Identifier: EUPL-1.2
"""The pages of the rights: every choice is a form, and comes back to the page that says so."""

from typing import Any

import pytest
from lxml import html

from tests.portal.preview_rights import DURAND, FABRE, ROUX, PreviewRights

pytestmark = pytest.mark.db
RIGHTS = "/dossier/droits/"


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    PreviewRights.done.clear()


def text(answer: Any) -> str:
    return " ".join(html.fromstring(answer.content.decode()).text_content().split())


def buttons(answer: Any) -> list[tuple[str, str, str]]:
    """(act, of, words) of every form of a page."""
    tree = html.fromstring(answer.content.decode())
    found = []
    for form in tree.xpath("//main//form[.//input[@name='act']]"):
        (act,), of = (
            form.xpath(".//input[@name='act']/@value"),
            form.xpath(".//input[@name='of']/@value"),
        )
        assert form.xpath(".//input[@name='csrfmiddlewaretoken']")
        words = " ".join(form.xpath(".//button")[0].text_content().split())
        found.append((act, of[0] if of else "", words))
    return found


def test_the_page_says_who_reads_and_how_it_was_had(logged_in: Any) -> None:
    said = text(logged_in("patient").get(RIGHTS))
    for words in ("Équipe des Tilleuls", "donné de vive voix", "Demandé et déclaré par Dr Paul DURAND",
                  "médecin traitant", "ne lit rien", "Accords passés", "et retiré le 14 mars 2026",
                  "Jusqu’à ce que vous le retiriez", "Refusé"):  # fmt: skip
        assert words in said, words


def test_each_thing_decided_can_be_decided_otherwise(logged_in: Any) -> None:
    client = logged_in("patient")
    found = buttons(client.get(RIGHTS))
    assert {(act, of) for act, of, _ in found} == {
        ("withdraw", "c1"), ("unblock", str(ROUX.rpps)), ("untrust", str(FABRE.rpps)),
        ("refuse", "bris-de-glace"), ("accept", "centre-15"),
    }  # fmt: skip
    assert len({words for _, _, words in found}) == len(found), "no two buttons read alike"
    for act, of, _ in found:
        answer = client.post(RIGHTS + "choisir/", {"act": act, "of": of})
        assert answer.status_code == 302
        assert answer["Location"] == f"{RIGHTS}?fait={act}"
        tree = html.fromstring(client.get(answer["Location"]).content.decode())
        assert tree.xpath("//*[@role='status']")
    assert PreviewRights.done == [
        ("withdraw", "", "c1"), ("block", "", ROUX.rpps, False), ("trust", "", FABRE.rpps, False),
        ("refuse", "", "bris-de-glace", True), ("refuse", "", "centre-15", False),
    ]  # fmt: skip


def test_a_professional_is_found_by_name_in_the_body_then_blocked(logged_in: Any) -> None:
    client = logged_in("patient")
    page = RIGHTS + "professionnels/"
    answer = client.post(page, {"name": "Fabre"})
    assert answer.status_code == 200
    assert "Trouvés dans l’annuaire" in text(answer)
    assert ("block", str(FABRE.rpps)) in {(act, of) for act, of, _ in buttons(answer)}
    assert "Aucun professionnel de ce nom" in text(client.post(page, {"name": "Nobody"}))
    wrong = client.post(page, {"name": "x"})
    assert text(wrong).count("trois lettres") == 1
    assert html.fromstring(wrong.content.decode()).xpath("//input[@aria-invalid='true']")


def test_of_the_medecin_traitant_it_says_what_a_block_would_do(logged_in: Any) -> None:
    answer = logged_in("patient").get(RIGHTS + "professionnels/")
    assert "il ne verrait plus rien de votre dossier" in text(answer)
    offered = {(act, of) for act, of, _ in buttons(answer)}
    assert ("block", str(DURAND.rpps)) in offered
    assert ("trust", str(DURAND.rpps)) not in offered, "they read what is masked already"


@pytest.mark.parametrize("sent", [
    {"act": "delete", "of": "1"}, {}, {"act": "block", "of": "x"}, {"act": "block", "of": "²"},
    {"act": "block", "of": "123456789012"}, {"act": "block"},
])  # fmt: skip
def test_what_no_form_sends_is_refused(logged_in: Any, sent: dict[str, str]) -> None:
    assert logged_in("patient").post(RIGHTS + "choisir/", sent).status_code == 400
    assert PreviewRights.done == []


@pytest.mark.parametrize("who", ["gp", "operator", "helper"])
def test_nobody_else_has_these_pages(logged_in: Any, who: str) -> None:
    client = logged_in(who)
    for path in ("", "professionnels/"):
        assert client.get(RIGHTS + path).status_code in (403, 404)
    sent = client.post(RIGHTS + "choisir/", {"act": "block", "of": "10000000001"})
    assert sent.status_code in (403, 404)
    assert PreviewRights.done == []


def test_a_get_changes_nothing(logged_in: Any) -> None:
    client = logged_in("patient")
    assert client.get(RIGHTS + "choisir/?act=block&of=10000000001").status_code == 405
    assert client.get("/dossier/documents/bio-2026/masquer/").status_code == 405
    assert PreviewRights.done == []


def test_a_document_is_masked_from_its_page(logged_in: Any) -> None:
    client = logged_in("patient")
    page = "/dossier/documents/bio-2026/"
    ((act, _, words),) = buttons(client.get(page))
    assert (act, words) == ("mask", "Masquer aux professionnels")
    answer = client.post(page + "masquer/", {"act": act})
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert PreviewRights.done == [("mask", "bio-2026", True)]
    assert client.post("/dossier/documents/unknown/masquer/", {"act": act}).status_code == 404
    theirs = buttons(logged_in("gp").get("/patients/k3v9q2x7claire/documents/bio-2026/"))
    assert {act for act, _, _ in theirs} == {"announce-later", "keep"}, "no mask of the holder's"


def test_the_404_of_a_patient_s_record_leads_to_why(logged_in: Any) -> None:
    client = logged_in("gp")
    absent = html.fromstring(client.get("/patients/unknown/").content.decode())
    (link,) = absent.xpath("//a[contains(@href, 'pourquoi')]/@href")
    said = text(client.get(link))
    assert "La réponse est la même dans tous les cas" in said
    assert "La personne ne souhaite pas être lue par vous." in said
    known = text(client.get("/patients/k3v9q2x7claire/pourquoi/"))
    assert "Votre fonction ne donne pas à lire" in known
    assert "votre équipe de soins a l’accord de la personne" in known
