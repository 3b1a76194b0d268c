# SPDX-License-Identifier: EUPL-1.2
"""The professional finds a patient, declares a consent, and reads."""

from typing import Any

import pytest
from lxml import html

from tests.portal.preview import CLAIRE

pytestmark = pytest.mark.db

TRAITS = {
    "name": "Martin",
    "birth_date": "27/03/1985",
    "given_name": "Claire",
    "sex": "",
    "birth_place": "",
}


@pytest.fixture
def gp(logged_in: Any) -> Any:
    return logged_in("gp")


def problems(answer: Any) -> str:
    page = html.fromstring(answer.content.decode())
    return " ".join(page.xpath("string(//*[@role='alert'])").split())


def card(answer: Any, number: int = 0) -> str:
    """The sealed card of a person found."""
    page = html.fromstring(answer.content.decode())
    return str(page.xpath("//input[@name='card']/@value")[number])


def test_find_declare_read(gp: Any) -> None:
    found = gp.post("/patients/", TRAITS)
    assert "1 personne trouvée" in found.content.decode()
    asked = gp.post("/patients/consentement/", {"card": card(found)})
    assert "MARTIN Claire" in asked.content.decode()
    read = gp.post("/patients/consentement/", {"card": card(found), "sent": "1", "how": "oral"})
    assert (read.status_code, read["Location"]) == (302, f"/patients/{CLAIRE}/sante/")


def test_a_consent_says_how_it_was_had(gp: Any) -> None:
    found = gp.post("/patients/", TRAITS)
    for how in ({}, {"how": "guessed"}):
        answer = gp.post("/patients/consentement/", {"card": card(found), "sent": "1", **how})
        assert answer.status_code == 200
        assert "Choisissez comment" in problems(answer)


def test_a_person_whose_consent_is_known_is_opened_at_once(gp: Any) -> None:
    found = gp.post("/patients/", {**TRAITS, "name": "homonyme"})
    assert "Plusieurs personnes" in found.content.decode()
    answer = gp.post("/patients/ouvrir/", {"card": card(found, 1)})
    assert answer["Location"] == f"/patients/{CLAIRE}/sante/"


def test_a_card_that_was_changed_is_refused(gp: Any) -> None:
    sealed = card(gp.post("/patients/", TRAITS))
    changed = ("A" if sealed[0] != "A" else "B") + sealed[1:]
    for wrong in (changed, "", "x" * 3000):
        assert gp.post("/patients/ouvrir/", {"card": wrong}).status_code == 400


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"name": ""}, "Saisissez le nom de naissance"),
        ({"birth_date": ""}, "Saisissez la date de naissance"),
        ({"birth_date": "31/02/1985"}, "Cette date n’existe pas"),
        ({"given_name": ""}, "Ajoutez au moins un autre trait"),
        ({"birth_place": "75"}, "Ce code a 5 caractères"),
    ],
)
def test_what_is_missing_is_said_beside_its_field(
    gp: Any, typed: dict[str, str], problem: str
) -> None:
    answer = gp.post("/patients/", {**TRAITS, **typed})
    assert problem in problems(answer)
    page = html.fromstring(answer.content.decode())
    targets = page.xpath("//*[@role='alert']//a/@href")
    for target in targets:
        field = page.xpath(f"//*[@id='{target[1:]}']")[0]
        assert field.get("aria-invalid") == "true"
        described = field.get("aria-describedby", "").split()
        assert any(page.xpath(f"//*[@id='{one}'][contains(@class, 'error')]") for one in described)
    assert page.xpath("string(//title)").startswith("Erreur")


@pytest.mark.parametrize("ins", ["", "269054958815", "2 69 05 49 588 157", "abc"])
def test_an_ins_that_cannot_be_one_is_said(gp: Any, ins: str) -> None:
    assert problems(gp.post("/patients/", {"ins": ins}))


@pytest.mark.parametrize(
    "ins", ["269054958815780", "2 69 05 49 588 157 80", "1 85 04 2A 004 123 45"]
)
def test_an_ins_is_typed_as_it_is_printed(gp: Any, ins: str) -> None:
    answer = gp.post("/patients/", {"ins": ins})
    assert not problems(answer)
    assert "1 personne trouvée" in answer.content.decode()


@pytest.mark.parametrize(
    "day", ["27/03/1985", "27-03-1985", "27.03.1985", "27 03 1985", "1985-03-27"]
)
def test_a_date_is_typed_as_people_write_it(gp: Any, day: str) -> None:
    assert (
        "1 personne trouvée"
        in gp.post("/patients/", {**TRAITS, "birth_date": day}).content.decode()
    )


def test_nobody_found_says_what_to_try(gp: Any) -> None:
    answer = gp.post("/patients/", {**TRAITS, "name": "Personne"})
    assert "Personne ne correspond" in answer.content.decode()


def test_what_is_typed_never_stands_in_an_address(gp: Any) -> None:
    page = html.fromstring(gp.get("/patients/").content.decode())
    assert set(page.xpath("//main//form/@method")) == {"post"}
    assert "personne trouvée" not in gp.get("/patients/", TRAITS).content.decode()
