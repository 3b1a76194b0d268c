# SPDX-License-Identifier: EUPL-1.2
"""What the routes of the API need, put together by app.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial

from starlette.requests import Request

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.access.grants import Grants
from carnet.access.revisions import Revisions
from carnet.access.tokens import KEPT, NoToken, Tokens, Verified, WrongToken, actor_of
from carnet.config import Settings
from carnet.fhir.search.parse import Parser
from carnet.rest import rates, scoping
from carnet.rest.acts import Acts
from carnet.rest.checks import Checks

CARING = frozenset((ActorKind.PROFESSIONAL, ActorKind.SOFTWARE))
SECRET = "carnet-connexion"  # header: "secret" is what VIHF's CONNEXION_SECRETE says


class WrongConnection(errors.Invalid):
    """The header Carnet-Connexion is `secret`, sent by a professional or a software."""


class NotAddressed(errors.Unauthenticated):
    """This token is not for the FHIR API."""


@dataclass(frozen=True)
class Desk:
    """Parts of the API."""

    settings: Settings
    door: Door
    tokens: Tokens
    revisions: Revisions
    grants: Grants
    parser: Parser
    acts: Acts
    checks: Checks
    request_id: Callable[[], str]
    base: str = field(default="")  # our FHIR address, no final slash

    def at(self, endpoint: str) -> Desk:
        """The same parts, answering with another address of the API."""
        return self._at(endpoint)

    @cached_property
    def _at(self) -> Callable[[str], Desk]:
        root = self.base.rpartition("/")[0]
        return lru_cache(8)(lambda endpoint: replace(self, base=f"{root}/{endpoint}"))

    async def visit(self, request: Request) -> Visit:
        """The visit of a request's bearer; 401 without a valid token. That of a Bundle is its entries'."""
        found: Visit | None = request.scope.get("carnet.visit")
        if found is not None:
            scoping.judge(found.actor, request)
            return found
        _, actor = await self.bearer(request)
        self.door.counter.take(rates.of(request, actor), actor.sub)
        said = request.headers.getlist(SECRET)
        if said:
            if said != ["secret"] or actor.kind not in CARING:
                raise WrongConnection
            actor = replace(actor, secret=True)
        scoping.judge(actor, request)
        endpoint = request.scope.get("carnet.endpoint", "")
        return Visit(self.door, actor, request.scope["carnet.request"], endpoint=endpoint)

    async def bearer(self, request: Request) -> tuple[Verified, Actor]:
        """The one token of a request, and whom it speaks for; NoToken, WrongToken."""
        given = request.headers.getlist("authorization")
        if len(given) != 1:
            raise NoToken
        scheme, _, token = given[0].partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NoToken
        verified = self.tokens.verify(token.strip(" "))
        actor = self._actor(verified)
        if await self.revisions.current(actor.sub) != actor.rev:
            raise WrongToken
        if "grant" in verified.claims:
            actor = await self._limited(actor, verified)
        return verified, actor

    async def _limited(self, actor: Actor, verified: Verified) -> Actor:
        """With what the grant allows now, which the token does not say; WrongToken when it has ended."""
        claims = verified.claims
        grant = await self.grants.current(claims["grant"])
        if (
            grant is None
            or grant.sub != actor.sub
            or grant.client != actor.client
            or grant.client_rev != claims["client_rev"]
        ):
            raise WrongToken
        scopes = actor.scopes & frozenset(grant.scope.split())
        if not scopes:  # an actor without any is one of our own pages, whom nothing narrows
            raise WrongToken
        return replace(
            actor,
            grant=claims["grant"],
            scopes=scopes,
            kinds=None if grant.kinds is None else frozenset(grant.kinds),
            writes=grant.writes,
            context=grant.cid,
            acr=grant.acr,
            authenticated=grant.authenticated,
        )

    @cached_property
    def _actor(self) -> Callable[[Verified], Actor]:
        """The actor of a token, made once: the claims say all of it, and do not change."""
        return lru_cache(KEPT)(partial(actor_of, compartment=self.compartment))

    def compartment(self, rtype: str, reference: str) -> int | None:
        """Compartment of `Organization/…` (its bucket bears its number) or `Patient/…`."""
        if not reference.startswith(rtype + "/"):
            return None
        place = self.door.ids.decode(reference.removeprefix(rtype + "/"))
        if place is None:
            return None
        cid, rid = place
        if rtype == "Organization":
            return rid if cid == 0 else None
        # A Patient bears the number of its record: any other id in it names nobody.
        return cid if rtype == "Patient" and cid == rid else None
