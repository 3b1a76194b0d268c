# SPDX-License-Identifier: EUPL-1.2
"""Invented answers of what people allow to applications, as preview.py has them for the rest."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from carnet import errors
from carnet.access.actor import Actor
from carnet.oauth.allowances import AllowedRow, Launchable
from carnet.oauth.allowing import NotAllowed
from carnet.oauth.asking import LogInAgain, NotAsked, Question
from carnet.oauth.requests import Asked
from carnet.portal.apps.acts import Answered, Records

ASKED = Asked(
    "tension", "https://app.example/back", "openid patient/*.cruds offline_access", "c" * 43
)
QUESTION = Question(
    asked=ASKED,
    name="Ma tension",
    organisation="Jeune pousse SAS",
    homepage="https://app.example/",
    privacy="https://app.example/donnees",
    sandbox=True,
    kinds=("laboratory", "measures", "sensitive"),
    reads=True,
    writes=True,
    offline=True,
    identity=True,
    record="",
    needs_record=False,
    wanted=("openid", "patient/*.cruds", "offline_access"),
)
SECRET, AGAIN = "a" * 43, "b" * 43
ID, OTHER = uuid.UUID(int=7), uuid.UUID(int=8)
AT = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
ROW = AllowedRow(
    ID, "tension", "Ma tension", "Jeune pousse SAS", None, None, True, "patient:claire",
    "Claire MARTIN", "Claire MARTIN", 1, "patient/*.rs", "patient/*.cruds", [1, 2, 12, 15], False,
    True, datetime(2099, 1, 1, tzinfo=UTC), AT, AT, None, None, True,
)  # fmt: skip
ENDED = replace(ROW, id=OTHER, live=False, ended_at=AT, ended_why="person", used_at=None)


class PreviewApps:
    """Answers, and what it was asked."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []

    async def question(
        self, actor: Actor, secret: str, proven: datetime | None, patient: str
    ) -> Records:
        if secret == AGAIN:
            raise LogInAgain
        if secret != SECRET:
            raise NotAsked
        if actor.kind == "professional":
            asked = replace(
                QUESTION, kinds=(), needs_record=not patient, homepage="javascript:alert(1)"
            )
            asked = replace(asked, record="Claire MARTIN" if patient else "")
            return Records(asked, ())
        return Records(QUESTION, (("", "Claire MARTIN"), ("k3v9q2x7jules", "Jules MARTIN")))

    async def allow(
        self, actor: Actor, secret: str, chosen: Answered, proven: datetime | None
    ) -> str:
        self.done.append(("allow", chosen))
        return "https://app.example/back?code=c0de"

    async def refuse(self, actor: Actor, secret: str) -> str:
        self.done.append(("refuse", secret))
        return "https://app.example/back?error=access_denied"

    async def mine(self, actor: Actor) -> Sequence[AllowedRow]:
        return (ROW, ENDED) if actor.sub == "patient:claire" else ()

    async def end(self, actor: Actor, id: str) -> None:
        if id != str(ID):
            raise NotAllowed
        self.done.append(("end", id))

    async def shorten(self, actor: Actor, id: str, until: datetime) -> None:
        self.done.append(("shorten", id, until))

    async def offered(self, actor: Actor, patient: str) -> Sequence[Launchable]:
        if patient == "unknown":
            raise errors.NotFound
        return (Launchable("risk", "Risque cardiaque", "https://risk.example/launch"),)

    async def launch(self, actor: Actor, patient: str, client: str) -> str:
        return "https://risk.example/launch?iss=x&launch=y"
