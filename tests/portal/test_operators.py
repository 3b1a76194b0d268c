# SPDX-License-Identifier: EUPL-1.2
"""Pages of assistants and of the operator; marks of documents; what an officer does on one identity."""

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html

from carnet.access import factors
from tests.portal.preview import CLAIRE, ELDER_ID, PreviewParts
from tests.portal.preview_acting import DURAND, MERCIER, PreviewAssistants
from tests.portal.preview_rights import PreviewRights
from tests.portal.preview_vigilance import ONE, PreviewIdentity

THEIRS = f"/patients/{CLAIRE}/documents/"
REPRESENTED = f"/operateur/mandats/{ELDER_ID}/"
CARD = {"ins": "2 79 03 51 215 189 89", "name": "Delaunay", "birth_date": "4/5/1980"}
IDENTITY = f"/identitovigilance/identites/{ONE.id}/"


@pytest.fixture(autouse=True)
def nothing_done(site: PreviewParts) -> Iterator[None]:
    PreviewAssistants.assisting.clear()
    PreviewRights.done.clear()
    site.dismissed.clear()
    site.identity = PreviewIdentity()
    yield
    PreviewRights.done.clear()
    site.dismissed.clear()


def text(answer: Any) -> str:
    return " ".join(html.fromstring(answer.content.decode()).text_content().split())


# ------------------------------------------------------------------------------------- assistants


def test_a_professional_names_and_dismisses(logged_in: Any) -> None:
    client = logged_in("gp")
    page = html.fromstring(client.get("/assistants/").content.decode())
    assert page.xpath("//section[1]//h3/text()") == ["Martine POULAIN"]
    assert page.xpath("//section[2]//h3/text()") == ["Jean LEROUX"]
    client.post("/assistants/", {"act": "name", "of": "assistant:leroux"})
    client.post("/assistants/", {"act": "end", "of": "assistant:poulain"})
    me = "rpps:10000000001"
    assert PreviewAssistants.assisting == [
        (me, "assistant:leroux", None, True), (me, "assistant:poulain", None, False),
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/assister/", "/patients/", f"/patients/{CLAIRE}/"])
def test_each_page_of_an_assistant_says_for_whom(logged_in: Any, path: str) -> None:
    client = logged_in("assistant")
    assert "Vous agissez pour Dr Paul DURAND" in text(client.get(path))
    assert client.post("/assister/", {"of": str(MERCIER)}).status_code == 302
    said = text(client.get(path))
    assert "Vous agissez pour Dr Anne MERCIER" in said
    assert "Vous agissez pour Dr Paul DURAND" not in said


def test_an_assistant_chooses_among_theirs_and_falls_back_when_dismissed(
    logged_in: Any, site: PreviewParts
) -> None:
    client = logged_in("assistant")
    assert client.post("/assister/", {"of": "99"}).status_code == 404
    client.post("/assister/", {"of": str(MERCIER)})
    site.dismissed.add(MERCIER)
    answer = client.get("/patients/")
    assert answer.status_code == 200
    assert "Vous agissez pour Dr Paul DURAND" in text(answer)
    assert DURAND != MERCIER
    assert "pour aucun professionnel" in text(logged_in("idle").get("/assister/"))


def test_an_assistant_declares_no_consent_and_opens_nothing_in_emergency(logged_in: Any) -> None:
    client = logged_in("assistant")
    for path in ("/patients/consentement/", "/patients/urgence/"):
        assert client.post(path, {"card": "x"}).status_code == 404
    assert client.get(f"/patients/{CLAIRE}/mandats/").status_code == 404
    assert "Mandats" not in text(client.get(f"/patients/{CLAIRE}/"))


# --------------------------------------------------------------------------------------- operator


def test_the_operator_finds_a_person_by_their_card_and_declares_on_proof(logged_in: Any) -> None:
    client = logged_in("operator")
    wrong = client.post("/operateur/mandats/", CARD)
    assert "Personne ne répond" in text(wrong)
    found = client.post("/operateur/mandats/", CARD | {"name": "Le Cœur"})
    assert found["Location"] == REPRESENTED
    given = CARD | {"nature": "guardian", "proof": "TJ Tours, 2026/44", "until": "31/12/2027"}
    assert client.post(REPRESENTED, given).status_code == 302
    ((patient, nature, proof, until),) = PreviewAssistants.assisting
    assert (patient, nature, proof) == (ELDER_ID, "guardian", "TJ Tours, 2026/44")
    assert f"{until:%d/%m/%Y %H}" == "01/01/2028 00", "the last day is whole"
    for change, said in (
        ({"proof": ""}, "Saisissez la référence"), ({"nature": "representative"}, "parent représentant"),
        ({"name": "Nobody"}, "Personne qui ait un compte"), ({"until": "31/02/2027"}, "n’existe pas"),
    ):  # fmt: skip
        answer = client.post(REPRESENTED, given | change)
        assert said in text(answer).replace("\xa0", " "), change
        assert html.fromstring(answer.content.decode()).xpath("//*[@role='alert']")
    assert len(PreviewAssistants.assisting) == 1


def test_the_operator_ends_a_mandate_and_declares_one_on_paper(
    logged_in: Any, site: PreviewParts
) -> None:
    client = logged_in("operator")
    assert client.post(REPRESENTED + "fin/", {"mandate": "m1"})["Location"] == REPRESENTED
    assert site.acts.revoked == "m1"  # type: ignore[attr-defined]
    given = CARD | {"reach": "care", "until": "31/12/2027", "form": "Mandat 12"}
    assert client.post(REPRESENTED + "papier/", given).status_code == 302
    assert client.post(REPRESENTED + "papier/", given | {"form": ""}).status_code == 200


def test_the_operator_names_assistants_of_one_establishment(logged_in: Any) -> None:
    client, page = logged_in("operator"), "/operateur/assistants/"
    given = {"act": "name", "sub": "assistant:leroux", "rpps": "10000000001"}
    assert client.post(page, given).status_code == 302
    assert client.post(page, given | {"act": "end"}).status_code == 302
    assert [each[3] for each in PreviewAssistants.assisting] == [True, False]
    assert "au même endroit" in text(client.post(page, given | {"rpps": "9" * 11}))
    assert "11 chiffres" in text(client.post(page, given | {"rpps": "12"}))
    assert "Choisissez un assistant" in text(client.post(page, given | {"sub": "patient:claire"}))


def test_of_a_production_only_the_operator_has_letters_and_no_e_mail(
    logged_in: Any, client: Any, site: PreviewParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from carnet.portal import desk

    monkeypatch.setattr(desk, "_config", replace(desk.config(), demo=False))
    monkeypatch.setattr(factors, "enough", lambda *_, **__: True)  # they proved who they are
    operator = logged_in("operator")
    page = html.fromstring(operator.get("/courrier/").content.decode())
    assert len(page.xpath("//li[@class='card']")) == 1
    assert operator.get("/courrier/6/").status_code == 404, "an e-mail"
    assert operator.get("/courrier/5/").status_code == 200
    for who in ("patient", "gp"):
        assert logged_in(who).get("/courrier/").status_code == 404
    client.logout()
    assert client.get("/courrier/5/pdf").status_code == 404


# -------------------------------------------------------------------------------- marks, one identity


def test_an_announcement_is_put_off_and_said_once_a_box_is_ticked(logged_in: Any) -> None:
    client = logged_in("gp")
    later = client.post(THEIRS + "bio-2026/marquer/", {"act": "announce-later"})
    assert later["Location"] == f"{THEIRS}bio-2026/?fait=announce-later"
    page = THEIRS + "img-2025/"
    assert "rien ne lui dit qu’il existe" in text(client.get(page))
    unsure = client.post(page + "marquer/", {"act": "announced"})
    assert unsure["Location"] == f"{page}?fait=sure#marks"
    assert PreviewRights.done == [("announce-later", "bio-2026")]
    client.post(page + "marquer/", {"act": "announced", "sure": "on"})
    assert PreviewRights.done[1:] == [("announced", "img-2025")]
    assert client.post(page + "marquer/", {"act": "hide"}).status_code == 400


def test_who_may_put_no_mark_is_shown_none(logged_in: Any) -> None:
    for who, path in (
        ("patient", "/dossier/documents/img-2025/"),
        ("assistant", THEIRS + "img-2025/"),
    ):
        page = html.fromstring(logged_in(who).get(path).content.decode())
        assert page.xpath("//*[@id='marks']") == []
    minor = text(logged_in("newcomer").get("/dossier/documents/bio-2026/"))
    assert "Cacher aux représentants légaux" in minor


def test_an_officer_finds_validates_asks_and_marks(logged_in: Any, site: PreviewParts) -> None:
    client = logged_in("operator")
    found = client.post(
        "/identitovigilance/chercher/", {"name": "DELAUNAY", "birth_date": "4/5/1980"}
    )
    assert html.fromstring(found.content.decode()).xpath(f"//a[@href='{IDENTITY}']")
    many = client.post("/identitovigilance/chercher/", {"name": "TROP", "birth_date": "4/5/1980"})
    assert "Trop d’identités" in text(many)
    done = site.identity.done  # type: ignore[attr-defined]
    assert "Choisissez la pièce" in text(client.post(IDENTITY, {"act": "validate"}))
    assert "Dites pourquoi" in text(client.post(IDENTITY, {"act": "mark", "what": "doubt"}))
    refused = client.post(IDENTITY, {"act": "mark", "what": "clear", "reason": "x"})
    assert "Choisissez ce que" in text(refused), "only what is offered"
    assert done == []
    client.post(IDENTITY, {"act": "validate", "proof": "PA"})
    client.post(IDENTITY, {"act": "mark", "what": "doubt", "reason": "deux dates"})
    answer = client.post(IDENTITY, {"act": "retrieve"})
    assert answer["Location"] == IDENTITY + "?insi=02"
    assert done == [
        ("validate", ONE.id, "PA"), ("doubt", ONE.id, "deux dates"), ("retrieve", ONE.id),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------- why


@pytest.mark.parametrize("path", [
    "", "documents/bio-2026/", "courbes/", "courbes/2345-7/", "acces/", "documents/unknown/",
])  # fmt: skip
def test_why_is_one_link_away_wherever_something_may_be_absent(logged_in: Any, path: str) -> None:
    page = html.fromstring(logged_in("patient").get("/dossier/" + path).content.decode())
    assert page.xpath("//main//a[@href='/dossier/pourquoi/']")
    if path != "acces/":
        theirs = logged_in("gp").get(f"/patients/{CLAIRE}/{path}")
        page = html.fromstring(theirs.content.decode())
        assert page.xpath(f"//main//a[@href='/patients/{CLAIRE}/pourquoi/']")
