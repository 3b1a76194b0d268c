# SPDX-License-Identifier: EUPL-1.2
"""How a client proves who it is by its key, and what software gets in its own name.

Sources: RFC 7523; SMART App Launch 2.2, asymmetric authentication and backend services.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidScopeError, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from carnet import errors
from carnet.fhir import json as strict
from carnet.oauth import queries
from carnet.oauth.clients import Client
from carnet.oauth.requests import digest
from carnet.oauth.server import Request, Server, plain

ALGORITHMS: Final = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
]  # fmt: skip
LONGEST: Final = 8192  # characters of an assertion
MOST: Final = 300  # seconds it may still live
SKEW: Final = 30  # seconds another clock may differ
NOBODY: Final = "carnet:0"  # acr: no person proved who they are, a software did
METHODS: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


class Wrong(InvalidClientError):  # type: ignore[misc]
    """An assertion that proves nothing."""

    def __init__(self) -> None:
        super().__init__("The assertion is not valid.", status_code=401)


class Assertion(JWTBearerClientAssertion):  # type: ignore[misc]
    """private_key_jwt: signed by a key of the client, for us, short, used once."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def __call__(self, query_client: Any, request: Request) -> Client | None:
        """The client that signed; None when it says nothing of this kind."""
        text = request.form.get("client_assertion")
        if text is None or request.form.get("client_assertion_type") != self.CLIENT_ASSERTION_TYPE:
            return None
        claims = unread(text)
        client = query_client(claims.get("sub")) if isinstance(claims.get("sub"), str) else None
        if client is None or client.row.keys is None:
            raise Wrong
        claims = signed(text, client)
        if claims.get("iss") != client.id or claims.get("sub") != client.id:
            raise Wrong
        once(self._server, client, claims)
        request.amr = ["swk"]
        return client  # type: ignore[no-any-return]


def unread(text: str) -> dict[str, Any]:
    """The claims of a JWT before its signature is looked at."""
    if len(text) > LONGEST or not text.isascii():
        raise Wrong
    try:
        return _claims(jws.extract_compact(text.encode()).payload)
    except (JoseError, ValueError, TypeError, KeyError):
        raise Wrong from None


def signed(text: str, client: Client) -> dict[str, Any]:
    """The claims of a JWT that a key of the client signed."""
    try:
        keys = KeySet.import_key_set(client.row.keys)  # type: ignore[arg-type]
        found = jws.deserialize_compact(text.encode(), keys, ALGORITHMS)
        header = found.headers()
        if header.get("typ", "JWT") not in ("JWT", "client-authentication+jwt") or "crit" in header:
            raise Wrong
        return _claims(found.payload)
    except (JoseError, ValueError, TypeError, KeyError):
        raise Wrong from None


def _claims(payload: bytes | None) -> dict[str, Any]:
    try:
        said = strict.parse(payload or b"")
    except errors.CarnetError:
        raise Wrong from None
    if not isinstance(said, dict):
        raise Wrong
    return said


def once(server: Server, client: Client, claims: dict[str, Any]) -> None:
    """Its times and its audience are right, and its identifier was not seen; Wrong."""
    now = server.now.timestamp()
    audience, jti, expires = claims.get("aud"), claims.get("jti"), claims.get("exp")
    named = audience if isinstance(audience, list) else [audience]
    if len(named) != 1 or named[0] not in (
        f"{server.office.issuer}/oauth/token",
        server.office.issuer,
    ):
        raise Wrong
    if type(expires) is not int or not now < expires <= now + MOST + SKEW:
        raise Wrong
    for name in ("iat", "nbf"):
        at = claims.get(name, 0)
        if type(at) is not int or not 0 <= at <= now + SKEW:
            raise Wrong
    if not plain(jti) or len(jti) < 8:
        raise Wrong
    until = datetime.fromtimestamp(expires, UTC)
    if not queries.first_time(server.conn, client.id, digest(jti), until):
        raise Wrong


class SoftwareGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """Software of an organisation, in its own name."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    server: Server
    request: Request

    def validate_token_request(self) -> None:
        """system/ scopes within what was registered."""
        super().validate_token_request()
        client: Client = self.request.client
        if client.row.kind != "software" or client.row.subject is None:
            raise UnauthorizedClientError("Only software of an organisation has a name of its own.")
        scope = client.get_allowed_scope(self.request.payload.scope)
        if scope is None or not all(word.startswith("system/") for word in scope.split()):
            raise InvalidScopeError("scope is missing, or is not of system/ scopes it registered.")
        self.request.scope = scope

    def create_token_response(self) -> Any:
        """A token of the software's standing grant, made the first time."""
        client: Client = self.request.client
        scope = " ".join(sorted(str(self.request.scope).split()))
        grant = self.server.living(_standing(self.server, client, scope, self.request.amr))
        answer = self.generate_token(user=grant, scope=scope, include_refresh_token=False)
        return 200, answer, self.TOKEN_RESPONSE_HEADER


def _standing(server: Server, client: Client, scope: str, amr: list[str]) -> uuid.UUID:
    sub = str(client.row.subject)
    found = queries.standing(server.conn, sub, client.id, scope)
    if found is not None:
        return found
    made = uuid.UUID(bytes=server.office.random(16), version=4)
    queries.allow(
        server.conn, id=made, client=client.id, sub=sub, scope=scope, situation=None, until=None,
        acr=NOBODY, amr=amr or ["pwd"], authenticated=server.now, now=server.now,
    )  # fmt: skip
    return made
