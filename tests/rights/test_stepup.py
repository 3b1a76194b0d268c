# SPDX-License-Identifier: EUPL-1.2
"""What stepup.toml lists is refused to who did not prove who they are lately, before it looks anything up."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carnet.access import handles, stepup
from carnet.access.door import Visit
from carnet.access.stepup import StepUp
from carnet.bulk.asked import Asked
from carnet.oauth import registering
from carnet.rights import mandate
from tests.space import Space

pytestmark = pytest.mark.anyio
CLIENT = registering.Proposal("x", "x", "app", "")
ACTS = sorted(stepup.table()["acts"])


def function(name: str) -> Any:
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


async def said(space: Space, visit: Visit, name: str) -> dict[str, Any]:
    """Something for each parameter of an act; what is refused is refused before it is judged."""
    given: dict[str, Any] = {
        "patient": space.patient_id(), "handle": handles.write(visit, space.where.people["patient"]),
        "mode": "bris-de-glace", "reason": "unconscious", "reach_": "care", "code": "ABCDEFGH",
        "until": space.clock.now + timedelta(days=3), "form": "12", "opposed": True,
        "motive": "security", "document": "CN", "asked": Asked("system", "here"),
        "id": "nobody", "act": "approve", "why": "x", "text": "x", "kid": "x", "said": CLIENT,
        "email": "x", "owner": "", "resources": [],
        "sub": "patient:nobody", "nature": "guardian", "proof": "x",
        "who": mandate.Traits("MARTIN", "Paul", space.clock.now.date()),
        "carer": mandate.Traits("MARTIN", "Paul", space.clock.now.date()),
    }  # fmt: skip
    names = list(inspect.signature(function(name)).parameters.values())[1:]
    return {
        each.name: given[each.name] for each in names if each.default is inspect.Parameter.empty
    }


@pytest.mark.parametrize("name", ACTS)
async def test_an_old_log_in_is_refused_and_a_fresh_one_goes_on(space: Space, name: str) -> None:
    who = "gp" if "emergency" in name or "declare" in name else "patient"
    who = "operator" if "registering" in name else who
    for seconds, refused in ((stepup.longest() + 1, True), (stepup.longest() - 60, False)):
        visit = await space.visit(who)
        then = space.clock.now - timedelta(seconds=seconds)
        visit = replace(visit, actor=replace(visit.actor, authenticated=then))
        found: Exception | None = None
        try:
            result = function(name)(visit, **await said(space, visit, name))
            if inspect.isawaitable(result):
                await result
            elif inspect.isasyncgen(result):
                async for _ in result:
                    break
        except Exception as error:  # whatever comes after the log-in was judged
            found = error
        assert isinstance(found, StepUp) is refused, found


async def test_who_does_not_say_when_is_refused(space: Space) -> None:
    actor = replace(await space.actor("patient"), authenticated=None)
    with pytest.raises(StepUp):
        stepup.fresh(actor, space.clock.now)


@pytest.mark.parametrize(
    ("module", "but"),
    [
        (
            "carnet.rights.emergency",
            {"check", "offered", "operation", "running", "end", "end_operation"},
        ),
        ("carnet.rights.close", set()),
        ("carnet.oauth.registering", {"listed", "shown", "apply"}),
    ],
)
def test_no_act_of_these_modules_is_left_out(module: str, but: set[str]) -> None:
    """A new function that takes a visit is listed, or said here not to need it."""
    loaded = importlib.import_module(module)
    own = {
        name
        for name, each in vars(loaded).items()
        if inspect.iscoroutinefunction(each)
        and each.__module__ == module
        and not name.startswith("_")
        and next(iter(inspect.signature(each).parameters), "") == "visit"
    }
    listed = {each.rpartition(".")[2] for each in ACTS if each.startswith(module + ".")}
    assert own - but == listed


async def test_the_api_says_what_to_do(space: Space) -> None:
    old = int((space.clock.now - timedelta(hours=1)).timestamp())
    token = await space.token("patient", auth_time=old)
    answer = await space.call(
        "GET",
        f"Patient/{space.patient_id()}/$take-away",
        headers={"authorization": f"Bearer {token}", "accept": "*/*"},
    )
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="carnet", error="insufficient_user_authentication", max_age="600"'
    )
    assert (await space.get("Patient", as_="patient")).status == 200
