# SPDX-License-Identifier: EUPL-1.2
"""Refresh tokens: each used once for the next; one used twice ends the family.

Sources: RFC 6749, 6; RFC 9700, 4.14.
"""

from __future__ import annotations

from authlib.oauth2.rfc6749 import InvalidGrantError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from carnet.oauth import queries
from carnet.oauth.clients import Client
from carnet.oauth.code import METHODS
from carnet.oauth.queries import AllowedRow, RefreshRow
from carnet.oauth.requests import digest
from carnet.oauth.server import Request, Server


class Refresh:
    """A refresh token, as Authlib asks about it."""

    def __init__(self, row: RefreshRow, grant: AllowedRow) -> None:
        self.row, self.grant = row, grant

    def check_client(self, client: Client) -> bool:
        """Whether it is this client's."""
        return self.row.client == client.id

    def get_scope(self) -> str:
        """The whole of what was allowed."""
        return self.grant.scope


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """Rotation with detection of reuse. The row is locked: of many at once, one is first."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True
    server: Server
    request: Request

    def authenticate_refresh_token(self, refresh_token: str) -> Refresh:
        """One that nobody used; a second use ends the family: either of the two is a thief."""
        row = queries.refresh(self.server.conn, digest(refresh_token))
        if row is not None and row.used_at is not None:
            queries.end(self.server.conn, row.allowed, "reuse", self.server.now)
        if row is None or row.used_at is not None or row.until <= self.server.now:
            raise InvalidGrantError("The refresh token is not known, was used, or is over.")
        return Refresh(row, self.server.living(row.allowed))

    def authenticate_user(self, refresh_token: Refresh) -> AllowedRow:
        """In whose name: the grant itself."""
        return refresh_token.grant

    def revoke_old_credential(self, refresh_token: Refresh) -> None:
        """It is used now."""
        if not queries.refresh_used(self.server.conn, refresh_token.row.hash, self.server.now):
            raise InvalidGrantError("The refresh token was used.")
