# SPDX-License-Identifier: EUPL-1.2
"""Asking what a token is, and giving one back. Sources: RFC 7662, RFC 7009.

A client is told of its own tokens only. Whoever gives back a token of either kind ends the grant, and so
every token of it: a refresh token is of no use without what was allowed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from carnet.access.tokens import WrongToken
from carnet.oauth import queries
from carnet.oauth.clients import Client
from carnet.oauth.code import METHODS
from carnet.oauth.queries import AllowedRow
from carnet.oauth.requests import digest
from carnet.oauth.server import Request, Server


@dataclass(frozen=True)
class Found:
    """A token that holds, of either kind, and its grant."""

    grant: AllowedRow
    expires: int
    claims: dict[str, Any] | None  # of an access token

    def check_client(self, client: Client) -> bool:
        """Whether it is this client's."""
        return self.grant.client == client.id

    def is_expired(self) -> bool:
        """What is over was not found."""
        return False

    def is_revoked(self) -> bool:
        """What was ended was not found."""
        return False


def find(server: Server, text: str) -> Found | None:
    """A token of ours that still holds; a used refresh token does not."""
    if "." in text:
        return _access(server, text)
    row = queries.refresh(server.conn, digest(text))
    if row is None or row.used_at is not None or row.until <= server.now:
        return None
    grant = queries.allowed(server.conn, row.allowed, server.now)
    return None if grant is None else Found(grant, int(row.until.timestamp()), None)


def _access(server: Server, text: str) -> Found | None:
    try:
        claims = server.office.tokens.verify(text).claims
    except WrongToken:
        return None
    if "grant" not in claims:
        return None
    grant = queries.allowed(server.conn, uuid.UUID(claims["grant"]), server.now)
    client = queries.client(server.conn, claims["client"])
    if grant is None or client is None or client.rev != claims["client_rev"]:
        return None
    return Found(grant, claims["exp"], claims)


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """What a token is."""

    CLIENT_AUTH_METHODS = METHODS
    server: Server

    def check_permission(self, token: Found, client: Client, request: Request) -> bool:
        """Its own; of another's, a client is told what it is told of one that does not exist."""
        return token.check_client(client)

    def query_token(self, token_string: str, token_type_hint: str | None) -> Found | None:
        """The hint changes nothing: the two look different."""
        return find(self.server, token_string)

    def introspect_token(self, token: Found) -> dict[str, Any]:
        """Members of RFC 7662, 2.2."""
        said = {
            "client_id": token.grant.client, "sub": token.grant.sub, "scope": token.grant.scope,
            "iss": self.server.office.issuer, "exp": token.expires,
            "acr": token.grant.acr, "auth_time": int(token.grant.authenticated.timestamp()),
        }  # fmt: skip
        if token.claims is not None:
            same = ("scope", "aud", "iat", "jti", "patient", "act")
            said |= {name: token.claims[name] for name in same if name in token.claims}
            said["token_type"] = "Bearer"
        if token.grant.cid is not None:
            said["patient"] = self.server.office.patient(token.grant.cid)
        return said


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """Giving back a token."""

    CLIENT_AUTH_METHODS = METHODS
    server: Server

    def query_token(self, token_string: str, token_type_hint: str | None) -> Found | None:
        """One that holds."""
        return find(self.server, token_string)

    def revoke_token(self, token: Found, request: Request) -> None:
        """The grant ends; access tokens of it within a second."""
        queries.end(self.server.conn, token.grant.id, "client", self.server.now)
