# SPDX-License-Identifier: EUPL-1.2
"""Codes posted, sent, for who works here, for a lost factor; a lost password; the recovery address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html

from carnet.accounts.activate import Opened
from carnet.accounts.address import Address
from carnet.accounts.prove import Way
from tests.portal.preview import PreviewParts, PreviewTries
from tests.portal.preview_activation import GOOD, LINES, NUMBER, SUBJECT, PreviewActivation
from tests.portal.test_activation import CARD, COUNTER, PAGE, SENT, text

WORKING, CODE = "/operateur/comptes/code/professionnel/", "/activer/compte/"
LOST, ADDRESS = "/mot-de-passe-perdu/", "/compte/securite/adresse/"
CLAIRE = {"account": "1000 345 6781", "document": "CN"}
FACTOR = Opened(SUBJECT, "factor", "counter")


@pytest.fixture(autouse=True)
def as_before(
    site: PreviewParts, client: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    from django.contrib.auth.models import User

    PreviewActivation.done.clear()
    yield monkeypatch
    User.objects.filter(account__subject=SUBJECT).delete()


def way_of() -> Way:
    """How the last code that was given goes."""
    way = PreviewActivation.done[-1][-1]
    assert isinstance(way, Way)
    return way


# ------------------------------------------------------------------------------------- how a code goes


def test_an_address_is_confirmed_before_a_letter_is_made(logged_in: Any) -> None:
    client, sent = logged_in("operator"), {**CARD, "document": "CN", "how": "letter"}
    asked = client.post(COUNTER, sent)
    assert all(line in text(asked) for line in LINES)
    assert PreviewActivation.done == []
    form = html.fromstring(asked.content.decode()).xpath("//form[input[@name='sure']]")[0]
    letter = client.post(COUNTER, dict(form.form_values()))
    assert GOOD in text(letter)
    assert all(line in text(letter) for line in LINES)
    assert "1941" not in text(letter), "what goes with a code is not in its letter"
    assert way_of().how == "letter"


def test_without_an_address_no_letter_is_made(logged_in: Any, as_before: Any) -> None:
    as_before.setattr(PreviewActivation, "lines", ())
    answer = logged_in("operator").post(COUNTER, {**CARD, "document": "CN", "how": "letter"})
    assert "ne dit pas d’adresse postale" in text(answer)
    assert PreviewActivation.done == []


def test_a_code_by_e_mail_is_shown_to_nobody(logged_in: Any) -> None:
    sent = {**CARD, "document": "CN", "how": "email", "email": "suzanne@example.org"}
    answer = logged_in("operator").post(COUNTER, sent)
    assert "suzanne@example.org" in text(answer)
    assert GOOD not in text(answer)
    assert way_of() == Way("email", "account", "suzanne@example.org")


@pytest.mark.parametrize("email", ["", "suzanne", "a@b c"])
def test_an_address_that_is_none_is_said_so(logged_in: Any, email: str) -> None:
    sent = {**CARD, "document": "CN", "how": "email", "email": email}
    assert "n’est pas complète" in text(logged_in("operator").post(COUNTER, sent))
    assert PreviewActivation.done == []


def test_e_mail_is_not_offered_where_none_leaves(logged_in: Any, as_before: Any) -> None:
    as_before.setattr(PreviewActivation, "mails", False)
    client = logged_in("operator")
    assert "courrier électronique" not in text(client.get(COUNTER))
    client.post(COUNTER, {**CARD, "document": "CN", "how": "email", "email": "a@example.org"})
    assert PreviewActivation.done == []


@pytest.mark.parametrize("how", ["letter", "email"])
def test_a_code_for_a_lost_factor_is_handed_over(logged_in: Any, how: str) -> None:
    sent = {**CARD, "document": "CN", "kind": "factor", "how": how, "email": "a@example.org"}
    assert "remis en main propre" in text(logged_in("operator").post(COUNTER, sent))
    assert PreviewActivation.done == []


# ------------------------------------------------------------------------------------- who works here


def test_a_number_is_said_and_not_printed(logged_in: Any) -> None:
    answer = logged_in("operator").post(WORKING, CLAIRE)
    page = html.fromstring(answer.content.decode())
    (said,) = page.xpath("//section[contains(@class, 'onscreen')]")
    assert NUMBER in said.text_content()
    (printed,) = page.xpath("//article")
    assert GOOD in printed.text_content()
    assert NUMBER not in printed.text_content()
    assert PreviewActivation.done[-1][2:4] == ("rpps:10003456781", "CN")


def test_their_letter_goes_where_the_operator_says(logged_in: Any) -> None:
    client = logged_in("operator")
    sent = {**CLAIRE, "how": "letter", "address": "1 rue du Port\n  29000   QUIMPER "}
    assert "29000 QUIMPER" in text(client.post(WORKING, sent))
    assert way_of().lines == ("1 rue du Port", "29000 QUIMPER")
    PreviewActivation.done.clear()
    assert "Saisissez la rue" in text(client.post(WORKING, {**sent, "address": "QUIMPER"}))
    assert PreviewActivation.done == []


def test_an_account_that_nobody_has_gets_no_code(logged_in: Any) -> None:
    answer = logged_in("operator").post(WORKING, {**CLAIRE, "account": "10009999999"})
    assert "Aucun compte professionnel" in text(answer)


@pytest.mark.parametrize("persona", ["gp", "patient", "assistant", "helper"])
def test_it_is_the_operators_alone(logged_in: Any, persona: str) -> None:
    assert logged_in(persona).post(WORKING, CLAIRE).status_code == 404
    assert PreviewActivation.done == []


def test_who_works_opens_their_account_with_the_number(client: Any) -> None:
    from carnet.portal.accounts.models import Account

    sent = {**SENT, "number": NUMBER}
    sent.pop("born")
    assert "Votre compte est prêt" in text(client.post(CODE, sent))
    assert Account.objects.get(subject=SUBJECT).enrols
    PreviewActivation.done.clear()
    refused = text(client.post(CODE, {**sent, "number": "654321", "username": "autre"}))
    assert "Ce code et ce numéro ne vont pas ensemble" in refused
    assert PreviewActivation.done == []


# ------------------------------------------------------------------------------------- a lost second factor


def held(client: Any) -> tuple[int, bool]:
    """Factors after the code was used by who had one, and whether a first one may be set."""
    from allauth.mfa.models import Authenticator
    from django.contrib.auth.models import User

    from carnet.portal.accounts.models import Account

    user = User.objects.create(username="suzanne")
    account = Account.objects.create(user=user, subject=SUBJECT)
    for type_ in ("recovery_codes", "totp", "webauthn"):
        Authenticator.objects.create(user=user, type=type_, data={})
    assert "Votre compte est prêt" in text(client.post(PAGE, SENT))
    account.refresh_from_db()
    return Authenticator.objects.filter(user=user).count(), account.enrols


def test_a_code_made_for_it_ends_the_factors_and_a_new_one_is_set(
    client: Any, as_before: Any
) -> None:
    as_before.setattr(PreviewActivation, "opens", FACTOR)
    assert held(client) == (0, True)


@pytest.mark.parametrize("opens", [FACTOR, Opened(SUBJECT, "account", "counter")])
def test_it_ends_the_links_to_other_providers_too_and_another_code_does_not(
    client: Any, as_before: Any, opens: Opened
) -> None:
    """Whoever linked one of theirs, with what they had stolen, is out."""
    from django.contrib.auth.models import User

    from carnet.portal.accounts.models import Account, Linked

    as_before.setattr(PreviewActivation, "opens", opens)
    user = User.objects.create(username="suzanne")
    account = Account.objects.create(user=user, subject=SUBJECT)
    Linked.objects.create(provider="hopital", sub="a thief", account=account)
    assert "Votre compte est prêt" in text(client.post(PAGE, SENT))
    left = Linked.objects.filter(account__subject=SUBJECT).count()
    assert left == (0 if opens == FACTOR else 1)


@pytest.mark.parametrize("how", ["counter", "command", "letter", "email", "recovery"])
def test_a_code_for_the_account_never_ends_a_factor(client: Any, as_before: Any, how: str) -> None:
    as_before.setattr(PreviewActivation, "opens", Opened(SUBJECT, "account", how))
    assert held(client) == (3, False)


def test_the_test_above_sees_one_that_does(client: Any, as_before: Any) -> None:
    """A planted fault: every code ends them."""
    as_before.setattr(Opened, "factors", property(lambda self: True))
    with pytest.raises(AssertionError):
        assert held(client) == (3, False)


def test_a_code_that_fails_at_the_end_ends_no_factor(client: Any, as_before: Any) -> None:
    """Django's transaction is undone with it."""
    from allauth.mfa.models import Authenticator
    from django.contrib.auth.models import User

    from carnet.accounts.activate import WrongActivation
    from carnet.portal.accounts.models import Account

    async def used(*given: Any) -> str:
        raise WrongActivation

    as_before.setattr(PreviewActivation, "opens", FACTOR)
    as_before.setattr(PreviewActivation, "use", used)
    user = User.objects.create(username="suzanne")
    Account.objects.create(user=user, subject=SUBJECT)
    Authenticator.objects.create(user=user, type="totp", data={})
    assert "ne vont pas ensemble" in text(client.post(PAGE, SENT))
    assert Authenticator.objects.filter(user=user).count() == 1


def enrolled(client: Any) -> bool:
    """Whether who came back by an e-mail they asked for may set a first factor."""
    from django.contrib.auth.models import User

    from carnet.portal.accounts.models import Account

    user = User.objects.create(username="suzanne")
    account = Account.objects.create(user=user, subject=SUBJECT, enrols=True)
    client.post(PAGE, SENT)
    account.refresh_from_db()
    return account.enrols


def test_a_mailbox_sets_no_first_factor(client: Any, as_before: Any) -> None:
    """Who reads the mailbox of an account without one would choose the second factor too."""
    as_before.setattr(PreviewActivation, "opens", Opened(SUBJECT, "account", "recovery"))
    assert not enrolled(client)


def test_the_test_above_sees_one_that_may(client: Any, as_before: Any) -> None:
    """A planted fault: recovery is taken for a proof."""
    as_before.setattr(Opened, "enrols", property(lambda self: True))
    assert enrolled(client)


# ------------------------------------------------------------------------------------- a lost password


def test_the_answer_is_the_same_for_every_address(client: Any) -> None:
    def said(email: str) -> str:
        return text(client.post(LOST, {"email": email}))

    assert said("suzanne@example.org") == said("nobody@example.org") == said("flooded@example.org")
    assert NUMBER in said("suzanne@example.org")
    assert [each[2] for each in PreviewActivation.done] == [True, True, False, True]


def test_it_stops_at_the_rate_of_an_address(client: Any, as_before: Any) -> None:
    as_before.setattr(PreviewTries, "full", True)
    assert client.post(LOST, {"email": "a@example.org"}).status_code == 429
    assert PreviewActivation.done == []


def test_where_no_e_mail_leaves_the_counter_is_said(client: Any, as_before: Any) -> None:
    as_before.setattr(PreviewActivation, "mails", False)
    answer = client.get(LOST)
    assert "au guichet" in text(answer)
    assert html.fromstring(answer.content.decode()).xpath("//input[@name='email']") == []
    client.post(LOST, {"email": "a@example.org"})
    assert PreviewActivation.done == []


def test_the_log_in_page_leads_there(client: Any) -> None:
    page = html.fromstring(client.get("/compte/connexion/").content.decode())
    assert page.xpath(f"//a[@href='{LOST}']")


# ------------------------------------------------------------------------------------- the recovery address


def test_an_address_is_typed_then_its_code(logged_in: Any, as_before: Any) -> None:
    client = logged_in("patient")
    client.post(ADDRESS, {"act": "propose", "email": "suzanne@example.org"})
    as_before.setattr(PreviewActivation, "found", Address("", "suzanne@example.org", True))
    assert "suzanne@example.org" in text(client.get(ADDRESS))
    wrong = text(client.post(ADDRESS, {"act": "confirm", "code": "x"}))
    assert "Ce code n’est pas celui" in wrong
    client.post(ADDRESS, {"act": "confirm", "code": GOOD})
    client.post(ADDRESS, {"act": "forget"})
    assert [each[0] for each in PreviewActivation.done] == ["propose", "confirm", "forget"]


def test_an_address_that_is_none_is_not_asked_for(logged_in: Any) -> None:
    answer = logged_in("patient").post(ADDRESS, {"act": "propose", "email": "suzanne"})
    assert "n’est pas complète" in text(answer)
    assert PreviewActivation.done == []


@pytest.mark.parametrize("path", [PAGE, CODE, LOST])
def test_no_script_is_needed(client: Any, path: str) -> None:
    assert html.fromstring(client.get(path).content.decode()).xpath("//script") == []
