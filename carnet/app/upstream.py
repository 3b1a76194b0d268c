# SPDX-License-Identifier: EUPL-1.2
"""What the pages of other providers' log-ins call, bound to this process."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from carnet.access.actor import Actor
from carnet.app.parts import Built
from carnet.config import Instance, Settings
from carnet.upstream import persons
from carnet.upstream.discovery import Providers
from carnet.upstream.providers import Provider, load

LENIENT = (Instance.DEMONSTRATION, Instance.TEST)


def providers_of(settings: Settings) -> dict[str, Provider]:
    """Those of the operator's file; WrongProviders, which a command says before it serves."""
    return load(settings.providers, lenient=settings.instance in LENIENT)


class UpstreamPages:
    """Each act, in a visit of its own."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self.providers: Mapping[str, Provider] = providers_of(built.settings)
        self.known = Providers()

    async def whose(self, provider: Provider, claims: Mapping[str, Any]) -> str:
        door, request = self._built.door, secrets.token_hex(8)
        if provider.recognise == "rpps":
            return await persons.professional(door, request, provider, claims)
        if provider.recognise == "traits":
            return await persons.person(door, request, provider, claims)
        raise persons.NoAccountHere

    async def told(self, actor: Actor, provider: Provider, *, linked: bool) -> None:
        await persons.told(self._built.door, secrets.token_hex(8), actor, provider, linked=linked)
