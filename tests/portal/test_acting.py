# SPDX-License-Identifier: EUPL-1.2
"""Acting for somebody: the page says clearly whose record it is, and what one may do in it."""

import tomllib
from importlib.resources import files
from typing import Any

import pytest
from lxml import html

from carnet import access
from tests.portal.preview import CHILD_ID, CLAIRE, ELDER_ID, PASSWORD, PreviewParts

pytestmark = pytest.mark.db

CHILD, CARED = f"/pour/{CHILD_ID}/", f"/pour/{ELDER_ID}/"


def text(answer: Any) -> str:
    return " ".join(html.fromstring(answer.content.decode()).text_content().split())


@pytest.mark.parametrize("page", ["", "documents/bio-2026/", "courbes/", "acces/",
                                  "documents/ajouter/", "courbes/2345-7/"])  # fmt: skip
def test_every_page_of_another_s_record_says_whose_it_is(logged_in: Any, page: str) -> None:
    answer = logged_in("patient").get(CHILD + page)
    tree = html.fromstring(answer.content.decode())
    (band,) = tree.xpath("//section[@class='person']")
    assert "Dossier de BEN SALAH Jules" in " ".join(band.text_content().split())
    links = set(tree.xpath("//section[@class='person']//@href"))
    assert links >= {CHILD, CHILD + "courbes/", CHILD + "acces/", "/pour-qui/"}
    own = [one for one in tree.xpath("//main//@href") if one.startswith("/dossier/")]
    assert own == [], "no link of the page leads to another record"
    assert tree.xpath("//nav//a[@aria-current='page']/text()") == ["Pour qui j’agis"]


def test_one_s_own_record_has_no_such_band(logged_in: Any) -> None:
    tree = html.fromstring(logged_in("patient").get("/dossier/").content.decode())
    assert tree.xpath("//section[@class='person']") == []


def test_a_carer_of_less_adds_nothing_and_reads_no_list_of_readers(logged_in: Any) -> None:
    client = logged_in("patient")
    page = client.get(CARED).content.decode()
    assert "documents/ajouter" not in page and "acces/" not in page.split("<main")[1]
    assert "Vous voyez ce que votre mandat ouvre" in page
    assert client.post(CARED + "documents/ajouter/", {}).status_code == 404


def test_a_representative_s_document_goes_to_the_record_shown(
    logged_in: Any, site: PreviewParts
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    given = {"title": "Carnet de santé", "kind": "DOCPAT06", "on": "01/02/2026",
             "file": SimpleUploadedFile("a.txt", b"abc", "text/plain")}  # fmt: skip
    answer = logged_in("patient").post(CHILD + "documents/ajouter/", given)
    assert answer.status_code == 302 and answer["Location"].startswith(CHILD)
    _, _, more = site.acts.uploaded[-1]  # type: ignore[attr-defined]
    assert more["patient"] == CHILD_ID


def test_whom_i_act_for_and_who_acts_for_me(logged_in: Any) -> None:
    page = text(logged_in("patient").get("/pour-qui/"))
    for said in ("Dossier de BEN SALAH Jules", "Représentant légal, par l’état civil",
                 "jusqu’au 20 juin 2036 inclus", "Dossier de LE CŒUR Suzanne",
                 "Mandat n° 2026-014", "jusqu’au 31 décembre 2026 inclus", "Bruno DELAUNAY",
                 "Inès CARREL, le 2 novembre 2026, 10:30"):  # fmt: skip
        assert said in page
    tree = html.fromstring(logged_in("patient").get("/pour-qui/").content.decode())
    ended = tree.xpath("//form[@action='/pour-qui/retirer/']//input[@name='mandate']/@value")
    assert ended == ["m2", "m2"], "a representation has no button that ends it"


def test_a_code_is_shown_once_and_taken(logged_in: Any) -> None:
    client = logged_in("patient")
    given = client.post("/pour-qui/donner/", {"reach": "care", "until": "31/12/2026"})
    assert "ABCDE 23456" in text(given)
    assert "ABCDE 23456" not in text(client.get("/pour-qui/"))
    early = client.post("/pour-qui/donner/", {"reach": "care", "until": "31/12/2020"})
    assert "Un mandat finit un jour à venir" in text(early)
    assert "ABCDE 23456" in text(client.post("/pour-qui/partager/", {"patient": CHILD_ID}))
    wrong = client.post("/pour-qui/code/", {"code": "ZZZZZ"})
    assert "Ce code n’est pas connu" in text(wrong)
    right = client.post("/pour-qui/code/", {"code": "ABCDE 23456"})
    assert right["Location"] == CARED


def test_a_mandate_is_ended_by_a_button(logged_in: Any, site: PreviewParts) -> None:
    answer = logged_in("patient").post("/pour-qui/retirer/", {"mandate": "m2"})
    assert answer["Location"] == "/pour-qui/"
    assert site.acts.revoked == "m2"  # type: ignore[attr-defined]
    assert logged_in("gp").post("/pour-qui/retirer/", {"mandate": "m2"}).status_code == 404


def test_a_helper_begins_ends_and_prints(logged_in: Any) -> None:
    client = logged_in("helper")
    assert client.get("/")["Location"] == "/accompagner/"
    form = html.fromstring(client.get("/accompagner/").content.decode())
    assert form.xpath("//input[@name='reach']/@value") == ["care", "management"], "never all"
    card = {"ins": "269054958815780", "name": "Le Cœur", "birth_date": "14/05/1941",
            "reach": "care", "how": "oral"}  # fmt: skip
    assert client.post("/accompagner/", card)["Location"] == CARED
    other = client.post("/accompagner/", {**card, "name": "Personne"})
    assert "Personne ne répond à ce matricule" in text(other)
    assert client.post("/accompagner/", {**card, "reach": "all"}).status_code == 200
    receipt = text(client.post("/accompagner/fin/", {"session": "s1"}))
    for said in ("Claire MARTIN", "Inès CARREL", "Bilan de contrôle", "Lecture (refusé)"):
        assert said in receipt
    assert receipt.count("Liste ou recherche") == 1, "one line for one kind and one minute"


def test_who_treats_sees_who_acts_on_the_head_of_the_record(logged_in: Any) -> None:
    client = logged_in("gp")
    page = text(client.get(f"/patients/{CLAIRE}/"))
    assert "Bruno DELAUNAY, aidant (Le suivi des soins" in page.replace("\u00a0", " ")
    assert "jusqu’au 31 décembre 2026 inclus" in page
    given = {"ins": "1", "name": "Delaunay", "birth_date": "02/02/1964", "reach": "care",
             "until": "31/12/2027", "form": "n° 3"}  # fmt: skip
    there = f"/patients/{CLAIRE}/mandats/"
    assert client.post(there, given)["Location"] == there
    assert "ne répond à ce matricule" in text(client.post(there, {**given, "name": "X"}))
    assert "Saisissez la référence" in text(client.post(there, {**given, "form": ""}))


def test_a_secret_connection_is_chosen_at_log_in_and_shown(client: Any) -> None:
    given = {"login": "newcomer", "password": PASSWORD, "secret": "on"}
    assert client.post("/compte/connexion/", given).status_code == 302
    assert "Connexion secrète" in text(client.get("/dossier/"))
    said = text(client.get("/pour-qui/"))
    assert "cette page ne dit pas qui agit pour vous" in said
    assert "Personne n’agit pour vous" not in said, "which is not known to be true"
    client.logout()
    plain = {"login": "newcomer", "password": PASSWORD}
    client.post("/compte/connexion/", plain)
    assert "Connexion secrète" not in text(client.get("/dossier/"))


def test_an_adult_has_no_secret_connection(client: Any) -> None:
    given = {"login": "patient", "password": PASSWORD, "secret": "on"}
    answer = client.post("/compte/connexion/", given)
    assert answer.status_code == 200
    assert "La connexion secrète est faite pour les personnes mineures." in text(answer)
    assert client.get("/dossier/").status_code == 302


def test_what_a_reach_opens_is_all_in_its_words(logged_in: Any) -> None:
    """Who gives a mandate for the follow-up of care knows that measures are in it."""
    said = text(logged_in("patient").get("/pour-qui/"))
    care = tomllib.loads(files(access).joinpath("mandates.toml").read_text("utf-8"))["reach"][
        "care"
    ]
    words = {"42": "ordonnances", "44": "plans", "52": "certificats", "measure": "mesures",
             "immunization": "vaccins", "encounter": "rendez-vous"}  # fmt: skip
    for each in {*care["categories"], *care["rows"]} & words.keys():
        assert words[each] in said, each
