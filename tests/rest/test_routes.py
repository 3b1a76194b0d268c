# SPDX-License-Identifier: EUPL-1.2
"""Every address stands in the inventory with who may ask it, and refuses who may not."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from starlette.routing import Route

from carnet import cli
from carnet.access import stepup
from carnet.access.limits.table import load
from carnet.app.guard import rate_of
from carnet.rest import routes as rest
from carnet.rights import close
from tests.space import Space, asgi
from tools import again, routes

pytestmark = pytest.mark.anyio
WHO = {"public", "token", "client", "account"}
KINDS = {"patient", "professional", "assistant", "helper", "operator"}
HOW = "`.venv/bin/python -m tools.routes` adds what is missing; say who may ask it"


def test_each_address_has_one_line_and_no_line_is_of_nothing() -> None:
    known = routes.known()
    for section, found in routes.walked().items():
        assert set(known[section]) == set(found), HOW
        for address, line in known[section].items():
            who = line["who"]
            assert who in WHO if isinstance(who, str) else set(who) <= KINDS, (address, HOW)
            assert rate_of(address.rpartition(" ")[2]) in load(demonstration=False)


def test_the_page_is_written_from_the_lines() -> None:
    assert routes.PAGE.read_text("utf-8") == routes.page(), HOW


@pytest.mark.slow
def test_an_address_asks_for_a_fresh_log_in_where_its_code_comes_to_such_an_act() -> None:
    """As the code says; and each act of stepup.toml is behind an address or a command."""
    lines = {**routes.known()["api"], **routes.known()["pages"]}
    found = routes.again()
    assert {each for each, line in lines.items() if line.get("again")} == {
        each for each, acts in found.items() if acts
    }
    behind = set().union(*found.values(), *map(again.led_to, commands()))
    assert set(stepup.table()["acts"]) == behind


def commands() -> list[Any]:
    """What the modules of the command line are made of."""
    names = [f"carnet.cli.{each.name}" for each in pkgutil.iter_modules(cli.__path__)]
    return [list(vars(importlib.import_module(name)).values()) for name in names]


@pytest.mark.slow
def test_an_act_that_is_made_to_need_one_makes_its_addresses_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fault: an act is listed, and nobody looked where it is asked from."""
    monkeypatch.setattr(again, "acts", lambda: {close.close: "closing"})
    marked = {each for each, acts in routes.again().items() if acts}
    assert marked == {"/espace/"}


def filled(path: str) -> str:
    """An address with something in its places."""
    places = {
        "rtype": "Observation", "id": "x", "version": "1", "name": "nothing", "token": "t", "number": "1",
        "compartment": "Patient", "input": "1",
    }  # fmt: skip
    for name, value in places.items():
        path = path.replace(f"{{{name}}}", value)
    return path + "?code=x"  # conditional writes ask one


async def test_what_is_not_public_is_refused_without_a_token_whoever_asks(space: Space) -> None:
    """401, and a challenge, before anything is looked at."""
    wrong = {}
    for address, line in routes.known()["api"].items():
        method, path = address.split(" ")
        headers = {"accept": "application/fhir+json", "content-type": "application/fhir+json"}
        for sent in ({}, {"authorization": "Bearer x.y.z"}):
            answer = await asgi(space.app, method, filled(path), b"{}", headers | sent)
            asked = answer.status == 401 and "www-authenticate" in answer.headers
            if asked == (line["who"] == "public"):
                wrong[address] = answer.status
    assert wrong == {}


async def test_a_scope_of_another_type_is_refused_and_said(space: Space) -> None:
    """Wherever letters are needed, or a token that nothing narrows; what asks entry by entry apart."""
    token = await space.token("gp", scope="user/Basic.rs")
    wrong, asked = {}, 0
    for address, scope in routes.letters().items():
        method, path = address.split(" ")
        if scope == "entries" or routes.known()["api"][address]["who"] == "public":
            continue
        asked += 1
        headers = {
            "authorization": f"Bearer {token}",
            "content-type": "application/fhir+json",
            "accept": "application/fhir+json",
        }
        answer = await asgi(space.app, method, filled(path), b"{}", headers)
        if answer.status != 403 or "insufficient_scope" not in answer.headers["www-authenticate"]:
            wrong[address] = (answer.status, answer.body[:200])
    assert wrong == {}
    assert asked > 30


def test_an_address_nobody_wrote_down_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault: somebody adds a route, and says nothing of it."""
    added = Route("/$forgotten", lambda request: None, methods=["GET"])
    monkeypatch.setattr(rest, "ROUTES", [*rest.ROUTES, added])
    assert set(routes.walked()["api"]) - set(routes.known()["api"]) == {"GET /$forgotten"}
