# SPDX-License-Identifier: EUPL-1.2
"""What each endpoint does in its transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from carnet.oauth import code, queries
from carnet.oauth.credentials import Assertion, SoftwareGrant
from carnet.oauth.exchange import ExchangeGrant
from carnet.oauth.introspection import Introspection, Revocation
from carnet.oauth.queries import Conn
from carnet.oauth.refresh import RefreshGrant
from carnet.oauth.requests import ASKED_MINUTES, digest, new_secret
from carnet.oauth.server import Answer, Office, Request, Server


def server(office: Office, conn: Conn) -> Server:
    """With every grant and every way to prove who a client is."""
    made = Server(office, conn)
    made.register_client_auth_method(Assertion.CLIENT_AUTH_METHOD, Assertion(made))
    made.register_grant(code.CodeGrant, [code.Proof()])
    for grant in (RefreshGrant, SoftwareGrant, ExchangeGrant):
        made.register_grant(grant)
    for endpoint in (Introspection, Revocation):
        made.register_endpoint(endpoint)
    return made


def ask(office: Office, conn: Conn, request: Request) -> str:
    """Keep a request that is right; the secret its page has in its address; OAuth2Error."""
    made = server(office, conn)
    asked = code.asked(made, request)
    secret = new_secret(office.random)
    until = made.now + timedelta(minutes=ASKED_MINUTES)
    queries.ask(conn, digest(secret), asked.client, asked.kept(), made.now, until)
    return secret


def token(office: Office, conn: Conn, request: Request) -> Answer:
    """Tokens."""
    return cast(Answer, server(office, conn).create_token_response(request))


def introspect(office: Office, conn: Conn, request: Request) -> Answer:
    """What a token is."""
    return _endpoint(office, conn, Introspection.ENDPOINT_NAME, request)


def revoke(office: Office, conn: Conn, request: Request) -> Answer:
    """A token is given back."""
    return _endpoint(office, conn, Revocation.ENDPOINT_NAME, request)


def _endpoint(office: Office, conn: Conn, name: str, request: Request) -> Answer:
    return cast(Answer, server(office, conn).create_endpoint_response(name, request))
