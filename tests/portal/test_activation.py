# SPDX-License-Identifier: EUPL-1.2
"""The counter and the page of the code: no script, nothing that tells whether an account exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html

from tests.portal.preview import PreviewParts
from tests.portal.preview_activation import GOOD, SUBJECT, PreviewActivation

COUNTER, PAGE = "/operateur/comptes/code/", "/activer/"
CARD = {"ins": "2 41 05 35 238 123 45", "name": "Le Cœur", "birth_date": "14/5/1941"}
SECRET = "quatre chevaux bleus ici"
SENT = {
    "code": GOOD,
    "born": "14/5/1941",
    "username": "suzanne",
    "password": SECRET,
    "again": SECRET,
}


@pytest.fixture(autouse=True)
def nothing_done(site: PreviewParts, client: Any) -> Iterator[None]:
    from django.contrib.auth.models import User

    PreviewActivation.done.clear()
    PreviewActivation.over = False
    yield
    PreviewActivation.over = False
    User.objects.filter(account__subject=SUBJECT).delete()


def text(answer: Any) -> str:
    return " ".join(html.fromstring(answer.content.decode()).text_content().split())


def accounts() -> list[tuple[str, str]]:
    """Identifiers of the subject of the code."""
    from carnet.portal.accounts.models import Account

    found = Account.objects.filter(subject=SUBJECT).select_related("user")
    return [(one.user.username, one.user.password) for one in found]


# ------------------------------------------------------------------------------------- the counter


def test_a_document_is_seen_and_the_code_is_printed_once(logged_in: Any) -> None:
    client = logged_in("operator")
    answer = client.post(COUNTER, {**CARD, "document": "CN"})
    said = text(answer)
    assert GOOD in said
    assert "/activer/" in said
    assert "23 décembre 2026" in said
    assert "no-store" in answer["Cache-Control"]
    ((act, by, _, document, _),) = PreviewActivation.done
    assert (act, document) == ("give", "CN")
    assert str(by).startswith("operator:")
    assert GOOD not in text(client.get(COUNTER))


@pytest.mark.parametrize("document", ["", "EI", "880692310285"])
def test_without_a_document_that_was_seen_no_code_is_given(logged_in: Any, document: str) -> None:
    answer = logged_in("operator").post(COUNTER, {**CARD, "document": document})
    assert "Choisissez la pièce" in text(answer)
    assert PreviewActivation.done == []


def test_nobody_answers_to_a_card_that_is_no_ones(logged_in: Any) -> None:
    answer = logged_in("operator").post(COUNTER, {**CARD, "name": "Autre", "document": "CN"})
    assert "Personne ne répond" in text(answer)
    assert PreviewActivation.done == []


@pytest.mark.parametrize("persona", ["gp", "patient", "assistant", "helper"])
def test_the_counter_is_the_operators_alone(logged_in: Any, persona: str) -> None:
    answer = logged_in(persona).post(COUNTER, {**CARD, "document": "CN"})
    assert answer.status_code == 404
    assert PreviewActivation.done == []


# ------------------------------------------------------------------------------------- the code


def test_the_code_makes_an_account_of_the_subject_and_of_nobody_else(client: Any) -> None:
    answer = client.post(PAGE, SENT)
    assert "Votre compte est prêt" in text(answer)
    ((name, password),) = accounts()
    assert name == "suzanne"
    assert password.startswith("scrypt$")
    assert "_auth_user_id" not in client.session, "who activates still logs in"
    assert SECRET not in answer.content.decode()


def test_who_lost_the_way_in_has_a_new_identifier_and_password(client: Any) -> None:
    client.post(PAGE, SENT)
    before = accounts()
    other = "autre phrase tout à fait"
    answer = client.post(PAGE, {**SENT, "username": "suzon", "password": other, "again": other})
    assert "Votre compte est prêt" in text(answer)
    ((name, password),) = accounts()
    assert name == "suzon"
    assert password != before[0][1]


def test_an_account_of_the_demonstration_that_is_activated_is_somebodys(client: Any) -> None:
    """A recovery never skips the second factor: what let a password alone in is taken off."""
    from django.contrib.auth.models import User

    from carnet.portal.accounts.models import Account

    user = User.objects.create(username="played")
    Account.objects.create(user=user, subject=SUBJECT, demonstration=True)
    assert "Votre compte est prêt" in text(client.post(PAGE, SENT))
    assert not Account.objects.get(subject=SUBJECT).demonstration


def test_a_new_account_may_set_its_first_factor(client: Any) -> None:
    from carnet.portal.accounts.models import Account

    client.post(PAGE, SENT)
    made = Account.objects.get(subject=SUBJECT)
    assert (made.enrols, made.demonstration) == (True, False)


def recovered(client: Any) -> None:
    """Who has a factor comes back by a code: the factor is there, and no first one may be set beside it."""
    from allauth.mfa.models import Authenticator
    from django.contrib.auth.models import User

    from carnet.portal.accounts.models import Account

    user = User.objects.create(username="suzanne")
    Account.objects.create(user=user, subject=SUBJECT)
    Authenticator.objects.create(user=user, type="recovery_codes", data={})
    assert "Votre compte est prêt" in text(client.post(PAGE, SENT))
    assert Authenticator.objects.filter(user=user).count() == 1
    assert not Account.objects.get(subject=SUBJECT).enrols
    assert "_auth_user_id" not in client.session


def test_a_recovery_never_skips_the_second_factor(client: Any) -> None:
    recovered(client)


def test_the_test_above_sees_one_that_does(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: the factors are forgotten with the password."""
    from allauth.mfa.models import Authenticator

    from carnet.portal.activation import views
    from carnet.portal.activation.make import make as whole

    def forgetful(*given: Any) -> None:
        Authenticator.objects.all().delete()
        whole(*given)

    monkeypatch.setattr(views, "make", forgetful)
    with pytest.raises(AssertionError):
        recovered(client)


@pytest.mark.parametrize(
    "wrong", [{"code": "0000-0000-0000-001"}, {"born": "15/5/1941"}, {"code": "x"}]
)
def test_what_does_not_go_together_is_refused_in_the_same_words(
    client: Any, wrong: dict[str, str]
) -> None:
    answer = client.post(PAGE, {**SENT, **wrong})
    assert "Ce code et cette date ne vont pas ensemble" in text(answer)
    assert accounts() == []
    PreviewActivation.over = True
    again = client.post(PAGE, SENT)
    assert "Ce code et cette date ne vont pas ensemble" in text(again)


def test_an_identifier_of_another_is_told_to_who_holds_a_code_and_uses_nothing(client: Any) -> None:
    assert "déjà pris" in text(client.post(PAGE, {**SENT, "username": "PATIENT"}))
    assert PreviewActivation.done == []
    assert accounts() == []
    nothing = text(client.post(PAGE, {**SENT, "username": "patient", "code": "x"}))
    assert "déjà pris" not in nothing, "without a code, nothing tells that an account exists"


def test_a_code_that_another_used_meanwhile_leaves_no_account(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carnet.accounts.activate import WrongActivation

    async def used(*given: Any) -> str:
        raise WrongActivation

    monkeypatch.setattr(PreviewActivation, "use", used)
    assert "ne vont pas ensemble" in text(client.post(PAGE, SENT))
    assert accounts() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"password": "court", "again": "court"}, "douze caractères au moins"),
        ({"password": "password1234", "again": "password1234"}, "trop connu"),
        ({"again": "une autre phrase ici"}, "ne sont pas les mêmes"),
        ({"username": "é"}, "ne convient pas"),
        ({"password": "suzanne et la mer", "again": "suzanne et la mer"}, "ne contient pas"),
    ],
)
def test_what_is_chosen_is_looked_at_before_the_code(
    client: Any, wrong: dict[str, str], said: str
) -> None:
    answer = client.post(PAGE, {**SENT, **wrong})
    assert said in text(answer)
    assert accounts() == []
    assert PreviewActivation.done == []


def test_no_script_is_needed(client: Any) -> None:
    assert html.fromstring(client.get(PAGE).content.decode()).xpath("//script") == []
