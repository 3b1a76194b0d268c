# SPDX-License-Identifier: EUPL-1.2
"""carnet token: a bearer token for a persona of the demonstration."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from carnet import errors
from carnet.access import scopes
from carnet.app import demonstration
from carnet.app.parts import actor, build, claims
from carnet.cli import common
from carnet.config import Instance, Settings
from carnet.population import make
from carnet.postgres.server import Server


class NoPersona(errors.Invalid):
    """There is no persona of this name."""


class NotDemonstration(errors.Invalid):
    """Tokens for personas are given in a demonstration only."""


SEED = 2026
# As wide as the persona's own rights, which hold in any case.
SCOPES = {"software": "system/*.cruds"}
PERSON = "user/*.cruds"


def token(
    persona: Annotated[str, typer.Option("--as", help="Key of the persona: gp, patient…")],
    ttl: Annotated[int, typer.Option(help="Seconds it lives, a day at most.", min=1)] = 300,
    secret: Annotated[
        bool, typer.Option(help="A minor's secret connection: no trace for their representatives.")
    ] = False,
    scope: Annotated[
        str, typer.Option(help="What it is narrowed to, as patient/Observation.rs; all by default.")
    ] = "",
    acting_for: Annotated[
        str, typer.Option("--for", help="Of an assistant: the professional, by key (gp-2…).")
    ] = "",
    data: common.Data = None,
) -> None:
    """Print one bearer token, alone on the last line."""
    with common.refusals():
        settings = common.settings_of(data)
        if settings.instance is not Instance.DEMONSTRATION:
            raise NotDemonstration
        said = common.recall(settings)
        population = make(said.get("seed", SEED), 0)  # personas are all of the cast
        found = next((each for each in population.personas if each.key == persona), None)
        if found is None:
            raise NoPersona(
                f"There is no persona {persona!r}: "
                + ", ".join(each.key for each in population.personas if each.built)
            )
        if not found.built:
            raise NoPersona(f"The persona {persona!r} does not exist yet in this version.")
        subject = demonstration.subject_of(found, population)
        rpps = None
        if acting_for:
            known = {each.key: each for each in population.professionals}
            if acting_for not in known:
                raise NoPersona(f"There is no professional {acting_for!r}.")
            rpps = int(known[acting_for].rpps)
        with common.server_of(settings) as server:
            asked = " ".join(scopes.judged(scope))
            print(asyncio.run(_issue(settings, server, subject, ttl, secret, rpps, asked)))


async def _issue(
    settings: Settings,
    server: Server,
    subject: str,
    ttl: int,
    secret: bool,
    rpps: int | None,
    asked: str,
) -> str:
    built = await build(settings, server, name="carnet token")
    try:
        who = await actor(built, subject, client="carnet-token", secret=secret, acting_for=rpps)
        scope = asked or SCOPES.get(str(who.kind), PERSON)
        return built.desk.tokens.issue(claims(built, who, scope), lifetime=ttl)
    finally:
        await built.pool.close()
