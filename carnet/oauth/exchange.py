# SPDX-License-Identifier: EUPL-1.2
"""Software acting for a professional of its organisation: token exchange.

The organisation's software signs, with the key it was registered with, who the professional is and when
they logged in there (subject_token); it gets a token that names both. The professional has to be of the
software's organisation. Source: RFC 8693; docs/decisions/0056.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.grants import BaseGrant, TokenEndpointMixin

from carnet.oauth import queries
from carnet.oauth.clients import Client
from carnet.oauth.credentials import NOBODY, SKEW, Wrong, once, signed
from carnet.oauth.server import Request, Server, plain

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
SUBJECTS: Final = frozenset(
    f"urn:ietf:params:oauth:token-type:{name}" for name in ("jwt", "id_token")
)
SAID_HOURS: Final = 12  # of a log-in an organisation vouches for


class InvalidTarget(OAuth2Error):  # type: ignore[misc]
    """RFC 8693, 2.2.2."""

    error = "invalid_target"


@dataclass(frozen=True, slots=True)
class Vouched:
    """What an organisation's software says of its professional."""

    sub: str
    situation: str
    authenticated: datetime


class ExchangeGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """Token exchange. Only a key proves an organisation's word: a shared secret does not."""

    GRANT_TYPE = GRANT
    TOKEN_ENDPOINT_AUTH_METHODS = ("private_key_jwt",)
    server: Server
    request: Request

    def validate_token_request(self) -> None:
        """The software, the scope, the addressee, the professional."""
        client: Client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(GRANT) or client.row.kind != "software":
            raise UnauthorizedClientError("This client does not act for professionals.")
        said = self.request.form
        if said.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise InvalidRequestError("Access tokens only are given.")
        if "actor_token" in said or "actor_token_type" in said:
            raise InvalidRequestError("The actor is the client itself.")
        for name in ("resource", "audience"):
            if name in said and said[name] not in (
                *self.server.office.bases,
                self.server.office.issuer,
            ):
                raise InvalidTarget("Tokens are for this server only.")
        scope = client.get_allowed_scope(self.request.payload.scope)
        if scope is None or not all(word.startswith("user/") for word in scope.split()):
            raise InvalidScopeError("scope is missing, or is not of user/ scopes it registered.")
        if said.get("subject_token_type") not in SUBJECTS or "subject_token" not in said:
            raise InvalidRequestError("subject_token is a JWT that the software signs.")
        self.request.client, self.request.scope = client, scope
        self.request.user = self._vouched(client, said["subject_token"])

    def _vouched(self, client: Client, text: str) -> Vouched:
        try:
            claims = signed(text, client)
            if claims.get("iss") != client.id:
                raise Wrong
            once(self.server, client, claims)
        except Wrong:
            raise InvalidGrantError("subject_token is not valid.") from None
        number, chosen, at = claims.get("sub"), claims.get("situation"), claims.get("auth_time")
        if not (
            isinstance(number, str) and number.isascii() and number.isdigit() and len(number) == 11
        ):
            raise InvalidGrantError("sub of subject_token is an RPPS number.")
        if chosen is not None and not plain(chosen):
            raise InvalidGrantError("situation of subject_token is an identifier.")
        now = self.server.now.timestamp()
        if type(at) is not int or not now - SAID_HOURS * 3600 <= at <= now + SKEW:
            raise InvalidGrantError("auth_time of subject_token is when they logged in, today.")
        sub = f"rpps:{number}"
        found = queries.situations(self.server.conn, sub, str(client.row.subject), chosen)
        if len(found) != 1:
            raise InvalidGrantError(
                "This professional is not of the organisation, or has to choose."
            )
        return Vouched(sub, found[0], min(datetime.fromtimestamp(at, UTC), self.server.now))

    def create_token_response(self) -> Any:
        """A token of a grant of its own, which lives no longer than it."""
        client: Client = self.request.client
        vouched: Vouched = self.request.user
        made, now = uuid.UUID(bytes=self.server.office.random(16), version=4), self.server.now
        until = now + timedelta(seconds=self.server.office.lifetime(client, None))
        queries.allow(
            self.server.conn, id=made, client=client.id, sub=vouched.sub,
            scope=str(self.request.scope), situation=vouched.situation, until=until, acr=NOBODY,
            amr=["swk"], authenticated=vouched.authenticated, now=now,
        )  # fmt: skip
        self.server.extra["act"] = {"sub": client.row.subject, "client_id": client.id}
        answer = self.generate_token(
            user=self.server.living(made),
            scope=str(self.request.scope),
            include_refresh_token=False,
        )
        answer["issued_token_type"] = ACCESS_TOKEN
        return 200, answer, self.TOKEN_RESPONSE_HEADER
