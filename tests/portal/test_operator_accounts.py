# SPDX-License-Identifier: EUPL-1.2
"""The operator's pages of accounts: found by their name, stopped, opened again, ended; nothing of health."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.portal.preview_activation import PreviewActivation

pytestmark = pytest.mark.db
PAGE, GP = "/operateur/comptes/", "/operateur/comptes/rpps:10000000001/"


@pytest.fixture(autouse=True)
def nobody_stopped() -> Iterator[None]:
    yield
    PreviewActivation.stopped.clear()


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_those_to_look_at_are_listed_and_any_other_is_found_by_its_name(logged_in: Any) -> None:
    client = logged_in("operator")
    page = text(client.get(PAGE))
    assert "Arrêté de lui-même" in page
    assert "code valable jusqu’au" in page
    assert client.get(PAGE, {"account": "100 0000 0001"})["Location"] == GP
    assert client.get(PAGE, {"account": "patient:claire"})["Location"].endswith("patient:claire/")
    assert "Aucun compte n’a ce nom" in text(client.get(PAGE, {"account": "rpps:nobody"}))
    assert "Saisissez un compte" in text(client.get(PAGE, {"account": ""}))


def test_an_account_is_stopped_opened_again_and_ended_once_it_was_said_twice(
    logged_in: Any,
) -> None:
    client = logged_in("operator")
    assert "Ouvert" in text(client.get(GP))
    assert client.post(GP, {"act": "stop"})["Location"] == GP
    assert "Rouvrir ce compte" in text(client.get(GP))
    client.post(GP, {"act": "reopen"})
    assert "Arrêter ce compte" in text(client.get(GP))
    assert "Cochez la case" in text(client.post(GP, {"act": "end"}))
    assert PreviewActivation.stopped == {}
    client.post(GP, {"act": "end", "sure": "on"})
    ended = text(client.get(GP))
    assert "Terminé par un opérateur" in ended
    assert "Rouvrir ce compte" not in ended
    assert client.post(GP, {"act": "reopen"}).status_code == 409
    assert client.post(GP, {"act": "else"}).status_code == 400


def test_nobody_ends_their_own(logged_in: Any) -> None:
    client = logged_in("operator")
    own = "/operateur/comptes/operator:one/"
    assert "Terminer ce compte" not in text(client.get(own))
    refused = client.post(own, {"act": "end", "sure": "on"})
    assert refused.status_code == 409
    assert "un autre opérateur" in text(refused)


def test_factors_are_said_by_their_kind_and_never_by_their_secret(logged_in: Any) -> None:
    from allauth.mfa.models import Authenticator
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.get(username="gp")
    made = Authenticator.objects.create(user=user, type="totp", data={"secret": "KEEPTHISSECRET"})
    try:
        page = text(logged_in("operator").get(GP))
    finally:
        made.delete()
    assert "application de codes" in page
    assert "KEEPTHISSECRET" not in page


@pytest.mark.parametrize("who", ["patient", "gp", "helper", "assistant"])
def test_to_anybody_else_there_is_no_such_page(logged_in: Any, who: str) -> None:
    client = logged_in(who)
    for page in (PAGE, GP, "/operateur/comptes/rpps:nobody/"):
        assert client.get(page).status_code == 404
    assert client.post(GP, {"act": "stop"}).status_code == 404
    assert PreviewActivation.stopped == {}
