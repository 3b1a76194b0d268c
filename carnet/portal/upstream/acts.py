# SPDX-License-Identifier: EUPL-1.2
"""What the pages of other providers' log-ins ask of the rest of Carnet."""

from collections.abc import Mapping
from typing import Any, Protocol

from carnet.access.actor import Actor
from carnet.upstream.discovery import Providers
from carnet.upstream.providers import Provider


class UpstreamActs(Protocol):
    """The operator's providers, and whose account somebody has here."""

    providers: Mapping[str, Provider]
    known: Providers

    async def whose(self, provider: Provider, claims: Mapping[str, Any]) -> str:
        """The subject a provider's person is here; carnet.upstream.persons.NoAccountHere."""

    async def told(self, actor: Actor, provider: Provider, *, linked: bool) -> None:
        """A provider opens this account from now on, or no longer does: the person is told."""
