# SPDX-License-Identifier: EUPL-1.2
"""Every page asks for an account unless the inventory says it is public, and each form for its token."""

from __future__ import annotations

import re
from typing import Any

import pytest

from carnet.access import factors
from tests.portal.preview import CLAIRE, PASSWORD
from tests.portal.test_factors import real
from tools import routes

__all__ = ["real"]
pytestmark = pytest.mark.db
PRIVATE = ("/personnes/", "/rapport/")  # absent but from an instance of one owner


def filled(path: str) -> str:
    """An address with something in its places."""
    path = path.replace("(?P<binary>[A-Za-z0-9\\-.]{1,64})", CLAIRE)
    path = path.replace("(?P<number>[1-9][0-9]{0,3})", "1").replace("\\.", ".")
    path = re.sub("<(fhirid|slug):[a-z]+>", CLAIRE, path)
    path = path.replace("<str:language>", "fr").replace("<str:form>", "pdf")
    path = re.sub("<str:[a-z]+>", "x", path)
    return re.sub("<int:[a-z]+>", "1", path)


def test_a_page_that_is_not_public_sends_to_the_log_in(client: Any) -> None:
    wrong = {}
    for address, line in routes.known()["pages"].items():
        for ask in (client.get, client.post):
            answer = ask(filled(address))
            to_log_in = answer.status_code == 302 and "/compte/connexion/" in answer["Location"]
            if line["who"] != "public" and not to_log_in:
                wrong[address] = answer.status_code
    assert wrong == {}


def test_an_account_of_another_kind_reads_no_page(logged_in: Any) -> None:
    """None is shown, whatever is said: 404, 403, a way elsewhere."""
    wrong = {}
    for persona, kind in (("patient", "patient"), ("operator", "operator")):
        client = logged_in(persona)
        for address, line in routes.known()["pages"].items():
            if isinstance(line["who"], list) and kind not in line["who"]:
                answer = client.get(filled(address))
                if answer.status_code == 200:
                    wrong[address, persona] = 200
    assert wrong == {}


def test_no_form_is_taken_from_another_site(site: Any) -> None:
    from django.test import Client

    client = Client(enforce_csrf_checks=True, raise_request_exception=False, HTTP_HOST="localhost")
    for address in routes.known()["pages"]:
        assert client.post(filled(address), {"a": "b"}).status_code in (403, 404), address
    assert (
        client.post("/compte/connexion/", {"login": "patient", "password": PASSWORD}).status_code
        == 403
    )


@pytest.mark.parametrize("persona", ["patient", "gp", "operator"])
def test_a_password_alone_reads_no_page_and_does_nothing(
    persona: str, logged_in: Any, real: None
) -> None:
    """What every page needs beyond the inventory's `who`: the factor of its kind of account."""
    client = logged_in(persona)
    kind = {"patient": "patient", "gp": "professional", "operator": "operator"}[persona]
    wrong, asked = {}, 0
    for address, line in routes.known()["pages"].items():
        if line["who"] == "public" or address.startswith(("/compte/", *PRIVATE)):
            continue
        if line["who"] == "account" or kind in line["who"]:
            asked += 1
            for ask in (client.get, client.post):
                answer = ask(filled(address))
                if answer.status_code != 405 and answer.get("Location") != "/compte/securite/":
                    wrong[address, ask.__name__] = answer.status_code
    assert wrong == {}
    assert asked > 10
    assert routes.factor({"who": [kind]}) != factors.PASSWORD
