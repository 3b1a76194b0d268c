# SPDX-License-Identifier: EUPL-1.2
"""Other providers for the pages: none, until a test names one; whose account it is, by its claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carnet.access.actor import Actor
from carnet.upstream.discovery import Providers
from carnet.upstream.persons import NoAccountHere
from carnet.upstream.providers import Provider


class PreviewUpstream:
    """`subjects`: by the claim that names them."""

    subjects: dict[str, str] = {}
    told_of: list[tuple[str, str, bool]] = []

    def __init__(self) -> None:
        self.providers: Mapping[str, Provider] = {}
        self.known = Providers()

    async def whose(self, provider: Provider, claims: Mapping[str, Any]) -> str:
        said = str(claims.get(provider.claim or "family_name", ""))
        if said not in self.subjects:
            raise NoAccountHere
        return self.subjects[said]

    async def told(self, actor: Actor, provider: Provider, *, linked: bool) -> None:
        self.told_of.append((actor.sub, provider.key, linked))
