# SPDX-License-Identifier: EUPL-1.2
"""Clients for the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from carnet.access.actor import Actor
from carnet.oauth import declared, keys, registering
from carnet.oauth.registered import ClientAct, Registered
from carnet.oauth.registering import Proposal

AT = datetime(2026, 3, 14, 9, 12, tzinfo=UTC)
LAB = Registered(
    "a-lab", "Serveur de résultats", "software", "software:lab", "Laboratoire des Quais",
    "private_key_jwt",
    {"keys": [{"kid": "one", "kty": "EC", "crv": "P-384"}, {"kid": "two", "kty": "RSA", "exp": 1.9e9}]},
    [], [], None, ["client_credentials"], "system/*.rs user/Observation.crs", None, None,
    False, False, "live", AT, "operator:x", AT, "operator:x", 3, AT,
)  # fmt: skip
APP = replace(
    LAB, id="an-app", name="Carnet de vaccins", kind="app", subject=None, organisation=None,
    method="none", keys=None, redirects=["https://xn--caf-dma.example/back"], state="proposed",
    origins=["https://app.example"], scopes="openid patient/*.rs", sandbox=True, living=0,
    used_at=None,
)  # fmt: skip
LIFE = [
    ClientAct(1, AT, "operator:x", "propose", "system/*.rs", ""),
    ClientAct(2, AT, "operator:x", "approve", "", "Lu avec son éditeur."),
]


class PreviewClients:
    """A software that is live, an application that waits, one that ended; what was done."""

    done: list[tuple[str, ...]] = []

    async def listed(self, actor: Actor) -> Sequence[Registered]:
        return [APP, LAB, replace(APP, id="ended", name="Ancien", state="ended")]

    async def shown(self, actor: Actor, id: str) -> tuple[Registered, Sequence[ClientAct]]:
        found = next((each for each in await self.listed(actor) if each.id == id), None)
        if found is None:
            raise registering.UnknownClient
        return found, LIFE

    async def decide(self, actor: Actor, id: str, act: str, why: str) -> None:
        if why == "trop tard":
            raise registering.WrongState
        self.done.append((id, act, why))

    sandboxes = True
    applied: list[Proposal] = []

    async def apply(self, said: Proposal) -> str | None:
        if said.name == "Connu":
            raise declared.NameTaken
        declared.redirect(said.redirects[0], native=said.native, lenient=True)
        self.applied.append(said)
        return "a-secret-told-once" if said.method.startswith("client_secret") else None

    async def add_keys(self, actor: Actor, id: str, text: str) -> Sequence[str]:
        found = [str(each["kid"]) for each in keys.read(text)]
        self.done.append((id, "add", *found))
        return found

    async def remove_key(self, actor: Actor, id: str, kid: str) -> None:
        if kid == "two":
            raise keys.LastKey
        self.done.append((id, "remove", kid))

    async def set_scopes(self, actor: Actor, id: str, text: str) -> str:
        self.done.append((id, "scopes", declared.asked(text, "software")))
        return text
