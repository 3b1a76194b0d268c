# SPDX-License-Identifier: EUPL-1.2
"""The page that asks a person for an application, and the list of what they allowed."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from carnet.access import kinds as rows
from carnet.oauth import kinds
from carnet.portal.apps import words
from carnet.portal.apps.acts import Answered
from tests.portal.preview import CLAIRE, PreviewParts
from tests.portal.preview_apps import AGAIN, ID, SECRET, PreviewApps

HERE = ZoneInfo("Europe/Paris")
ASK = f"/autoriser/{SECRET}/"
GOOD = {
    "answer": "allow",
    "record": "own",
    "kinds": ["measures"],
    "direction": "read",
    "until": "day",
}


def day(days: int) -> str:
    return f"{datetime.now(HERE) + timedelta(days=days):%d/%m/%Y}"


@pytest.fixture
def done(site: PreviewParts) -> list[tuple[object, ...]]:
    apps = site.apps
    assert isinstance(apps, PreviewApps)
    apps.done.clear()
    return apps.done


def test_each_row_of_health_data_stands_in_one_kind_that_has_words() -> None:
    groups = kinds.groups()
    held = [row for group in groups.values() for row in group]
    assert sorted(held) == sorted(set(held))
    assert set(rows.table()) - set(held) == {"identity", "directory", "loose"}
    assert list(groups) == list(words.KINDS)
    assert [*kinds.table()["days"], "date"] == list(words.DAYS)


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        ("patient/Immunization.rs", ("vaccines",)),
        ("patient/Immunization.c", ()),
        ("patient/MedicationRequest.r patient/MedicationDispense.r", ("medicines",)),
        ("patient/Observation.rs?category=laboratory", ("laboratory",)),
        ("patient/Observation.rs", ("laboratory", "measures", "reports", "imaging")),
        ("patient/*.rs", tuple(words.KINDS)),
        ("openid offline_access", ()),
    ],
)
def test_a_scope_asks_for_kinds(scope: str, asked: tuple[str, ...]) -> None:
    assert kinds.asked(scope.split()) == asked


def test_no_kind_is_chosen_beforehand_and_both_answers_weigh_the_same(logged_in: Any) -> None:
    said = logged_in("patient").get(ASK).content.decode()
    checked = [line for line in said.split("<input")[1:] if "checked" in line.split(">")[0]]
    assert len(checked) == 1
    assert 'value="month"' in checked[0]
    for word in (
        "Ma tension",
        "Jeune pousse SAS",
        "https://app.example/donnees",
        "Application en essai",
    ):
        assert word in said
    for answer in ("allow", "refuse"):
        assert f'<button class="button" name="answer" value="{answer}">' in said


def test_what_is_chosen_is_what_is_allowed(logged_in: Any, done: list[Any]) -> None:
    answer = logged_in("patient").post(ASK, {**GOOD, "offline": "on"})
    assert (answer.status_code, answer["Location"]) == (303, "https://app.example/back?code=c0de")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["Cache-Control"] == "no-store"
    chosen = done[0][1]
    assert isinstance(chosen, Answered)
    assert (chosen.patient, chosen.kinds, chosen.writes, chosen.offline) == (
        "",
        ("measures",),
        False,
        True,
    )
    assert timedelta(hours=23) < chosen.until - datetime.now(UTC) < timedelta(days=2, hours=2)
    assert chosen.until.astimezone(HERE).hour == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": []},
        {"kinds": ["vaccines"]},  # not asked
        {"kinds": ["measures", "whatever"]},
        {"record": "k3v9q2x7other"},
        {"record": ""},
        {"direction": ""},
        {"direction": "all"},
        {"until": "ever"},
        {"until": ""},
        {"until": "date", "day": ""},
        {"until": "date", "day": "31/02/2027"},
        {"until": "date", "day": day(-1)},
        {"until": "date", "day": day(366)},
    ],
)
def test_an_answer_that_was_not_offered_is_shown_again(
    logged_in: Any, done: list[Any], wrong: dict[str, Any]
) -> None:
    answer = logged_in("patient").post(ASK, GOOD | wrong)
    assert answer.status_code == 200
    assert "Il y a un problème" in answer.content.decode()
    assert done == []


def test_the_last_day_of_a_year_is_offered(logged_in: Any, done: list[Any]) -> None:
    assert (
        logged_in("patient").post(ASK, GOOD | {"until": "date", "day": day(365)}).status_code == 303
    )
    assert len(done) == 1


def test_a_refusal_goes_back_and_asks_nothing_of_the_form(logged_in: Any, done: list[Any]) -> None:
    answer = logged_in("patient").post(ASK, {"answer": "refuse"})
    assert answer["Location"] == "https://app.example/back?error=access_denied"
    assert done == [("refuse", SECRET)]


def test_the_page_is_framed_by_nobody_and_sends_its_form_to_that_application_alone(
    logged_in: Any,
) -> None:
    answer = logged_in("patient").get(ASK)
    policy = answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example;" in policy
    assert answer["X-Frame-Options"] == "DENY"


def test_no_answer_is_taken_without_the_token_of_the_form(
    site: PreviewParts, done: list[Any]
) -> None:
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    client.force_login(
        get_user_model().objects.get(username="patient"),
        "allauth.account.auth_backends.AuthenticationBackend",
    )
    for address, form in (
        (ASK, GOOD),
        (ASK, {"answer": "refuse"}),
        ("/applications/", {"act": "end", "id": str(ID)}),
        (f"/patients/{CLAIRE}/applications/", {"client": "risk"}),
    ):
        assert client.post(address, form).status_code == 403
    assert done == []


def test_who_has_to_prove_again_who_they_are_comes_back_to_the_question(logged_in: Any) -> None:
    client = logged_in("patient")
    answer = client.get(f"/autoriser/{AGAIN}/")
    assert answer["Location"] == f"/compte/connexion/?next=%2Fautoriser%2F{AGAIN}%2F"
    assert client.get("/applications/").status_code == 302, "logged out"


def cards(page: str) -> list[str]:
    """What the buttons of a search's answers carry."""
    return re.findall('name="card" value="([^"]+)"', page)


def test_a_professional_allows_in_their_own_name_for_the_patient_they_choose(
    logged_in: Any, done: list[Any]
) -> None:
    client = logged_in("gp")
    said = client.get(ASK).content.decode()
    assert "agir en votre nom" in said
    assert "Sur quel patient" in said
    assert 'value="allow"' not in said, "nothing is allowed before"
    assert "javascript:" not in said
    found = {"answer": "find", "name": "Homonyme", "birth_date": "27/03/1985", "given_name": "C"}
    page = client.post(ASK, found).content.decode()
    assert len(cards(page)) == 1, "who is not open to them is absent"
    page = client.post(ASK, {"answer": "choose", "card": cards(page)[0]}).content.decode()
    assert "<dd>Claire MARTIN</dd>" in page
    form = {"answer": "allow", "direction": "both", "until": "day", "card": cards(page)[0]}
    assert client.post(ASK, form).status_code == 303
    assert (done[0][1].kinds, done[0][1].patient) == ((), CLAIRE)


def test_a_patient_nobody_chose_is_not_allowed(logged_in: Any, done: list[Any]) -> None:
    client = logged_in("gp")
    for wrong in (
        {"answer": "allow", "direction": "both", "until": "day"},
        {"answer": "allow", "direction": "both", "until": "day", "card": "of-nobody"},
        {"answer": "choose"},
        {"answer": "choose", "card": CLAIRE},
        {"answer": "all"},
    ):
        assert client.post(ASK, wrong).status_code == 400
    for wrong in ({"ins": "1"}, {"name": "", "birth_date": ""}):
        assert (
            "Il y a un problème" in client.post(ASK, {"answer": "find", **wrong}).content.decode()
        )
    page = client.post(ASK, {"answer": "find", "ins": "2850375116001"}).content.decode()
    assert cards(page) == []
    assert done == []
    patient = logged_in("patient")
    assert patient.post(ASK, {"answer": "choose", "card": "x"}).status_code == 400


def test_what_was_allowed_is_ended_by_one_button(logged_in: Any, done: list[Any]) -> None:
    client = logged_in("patient")
    said = client.get("/applications/").content.decode()
    assert said.count("Terminer<span") == 1, "what has ended has no button"
    assert "<dd>Résultats de laboratoire ; Mesures" in said
    answer = client.post("/applications/", {"act": "end", "id": str(ID)})
    assert (answer.status_code, answer["Location"]) == (302, "/applications/?fait=fin")
    assert done == [("end", str(ID))]
    assert client.post("/applications/", {"act": "end", "id": "nobody's"}).status_code == 404


def test_an_end_is_brought_forward(logged_in: Any, done: list[Any]) -> None:
    client = logged_in("patient")
    form = {"act": "shorten", "id": str(ID), "day": day(3)}
    assert client.post("/applications/", form).status_code == 302
    assert done[0][0] == "shorten"
    for wrong in (day(-1), day(400), "", "demain"):
        answer = client.post("/applications/", form | {"day": wrong})
        assert answer.status_code == 200
        assert f'href="#until-{ID}-day"' in answer.content.decode()
    assert len(done) == 1


def test_an_application_opens_on_a_patient(logged_in: Any) -> None:
    client = logged_in("gp")
    answer = client.get(f"/patients/{CLAIRE}/applications/")
    assert "form-action 'self' https://risk.example;" in answer["Content-Security-Policy"]
    answer = client.post(f"/patients/{CLAIRE}/applications/", {"client": "risk"})
    assert (answer.status_code, answer["Referrer-Policy"]) == (303, "no-referrer")
