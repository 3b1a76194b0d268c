# SPDX-License-Identifier: EUPL-1.2
"""The addresses of the authorization server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
from anyio import CapacityLimiter, to_thread
from authlib.oauth2 import OAuth2Error
from psycopg_pool import ConnectionPool, PoolTimeout
from starlette.applications import Starlette
from starlette.requests import Request as Http
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from carnet.access.keyring import LEAD, Keyring
from carnet.oauth import discovery, serving
from carnet.oauth.parameters import Refused, read
from carnet.oauth.requests import PAGE, with_query
from carnet.oauth.server import Answer, Office, Request
from carnet.oauth.userinfo import userinfo
from carnet.rest.desk import Desk
from carnet.rest.outcome import unforeseen

NOT_TRUSTED = (
    "The client is not known here, or this address is not one it registered: nothing is sent there."
)
KEYS = "application/jwk-set+json"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}


class Broken(Exception):
    """A fault of ours; its sentence has a reference to the log."""

    def __init__(self, outcome: dict[str, Any]) -> None:
        super().__init__(outcome["issue"][0]["diagnostics"])


async def jwks(request: Http) -> Response:
    """GET jwks: the public keys (RFC 7517). They may be kept for half of what a key waits before it signs."""
    keys: Keyring = request.app.state.keys
    return JSONResponse(
        keys.public(),
        media_type=KEYS,
        headers={
            "Cache-Control": f"public, max-age={LEAD // 2}",
            "Access-Control-Allow-Origin": "*",  # they are nobody's secret
            "X-Content-Type-Options": "nosniff",
        },
    )


async def authorize(request: Http) -> Response:
    """GET or POST authorize: a request that is right waits for the person at a page of ours."""
    office: Office = request.app.state.office
    try:
        asked = Request(request.method, await read(request), dict(request.headers))
        secret = await _in_thread(request, serving.ask, asked)
    except Refused as refused:
        return _told(request, refused.status, "invalid_request", str(refused))
    except OAuth2Error as error:
        body = dict(error.get_body())
        if error.redirect_uri:
            return _sent(with_query(error.redirect_uri, body | {"iss": office.issuer}))
        # An address that is not the client's is never gone to.
        return _told(request, 400, body["error"], NOT_TRUSTED)
    return _sent(f"{office.issuer}{PAGE}/{secret}/")


def _sent(address: str) -> Response:
    return Response(
        status_code=303, headers={**NO_STORE, "Location": address, "Referrer-Policy": "no-referrer"}
    )


def _told(request: Http, status: int, error: str, sentence: str) -> Response:
    """What is wrong with a request that cannot be sent back, to a person or to a program."""
    if "text/html" in request.headers.get("accept", ""):
        lines = ["Cette demande d’accès ne peut pas être lue.", "This request cannot be read."]
        text = "\n".join([*lines, "", f"{error}: {sentence}", ""])
        return PlainTextResponse(text, status, NO_STORE)
    return JSONResponse({"error": error, "error_description": sentence}, status, NO_STORE)


def endpoint(act: Callable[..., Answer]) -> Callable[[Http], Any]:
    """A POST of a form that Authlib answers."""

    async def answer(request: Http) -> Response:
        try:
            form = Request(request.method, await read(request), _headers(request))
        except Refused as refused:
            said = {"error": "invalid_request", "error_description": str(refused)}
            return JSONResponse(said, refused.status, NO_STORE)
        status, body, headers = await _in_thread(request, act, form)
        return JSONResponse(body, status, {**dict(headers), **NO_STORE})

    return answer


def _headers(request: Http) -> dict[str, str]:
    """The one header Authlib reads."""
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise Refused("Authorization is sent once.")
    return {"Authorization": given[0]} if given else {}


async def _in_thread(request: Http, act: Callable[..., Any], asked: Request) -> Any:
    """In one transaction of one connection; what refuses is committed too."""
    office: Office = request.app.state.office
    pool: ConnectionPool[Any] = request.app.state.pool
    try:
        return await to_thread.run_sync(
            partial(_within, office, pool, act, asked), limiter=request.app.state.threads
        )
    except (OAuth2Error, PoolTimeout, psycopg.OperationalError):
        raise
    except Exception as error:  # its message may hold what was sent: the log says where it broke
        raise Broken(unforeseen(request.app.state.desk.request_id(), error)) from None


def _within(
    office: Office, pool: ConnectionPool[Any], act: Callable[..., Any], asked: Request
) -> Any:
    with pool.connection() as conn, conn.transaction():
        return act(office, conn, asked)


async def busy(request: Http, error: Exception) -> Response:
    """503: every connection is in use, or the database is away."""
    said = {"error": "temporarily_unavailable"}
    return JSONResponse(said, 503, {**NO_STORE, "Retry-After": "1"})


async def broken(request: Http, error: Exception) -> Response:
    """500: a reference to the log, as the API answers."""
    said = {"error": "server_error", "error_description": str(error)}
    return JSONResponse(said, 500, NO_STORE)


async def wrong_method(request: Http, error: Exception) -> Response:
    """405, as JSON."""
    said = {
        "error": "invalid_request",
        "error_description": "This address does not take this method.",
    }
    headers = dict(getattr(error, "headers", None) or {})
    return JSONResponse(said, 405, {**NO_STORE, **headers})


def application(desk: Desk, office: Office, pool: ConnectionPool[Any]) -> Starlette:
    """What is mounted at /oauth."""
    served = Starlette(
        routes=[
            Route("/jwks", jwks, methods=["GET"]),
            Route("/authorize", authorize, methods=["GET", "POST"]),
            Route("/token", endpoint(serving.token), methods=["POST"]),
            Route("/introspect", endpoint(serving.introspect), methods=["POST"]),
            Route("/revoke", endpoint(serving.revoke), methods=["POST"]),
            Route("/userinfo", userinfo, methods=["GET", "POST"]),
        ],
        exception_handlers={
            405: wrong_method,
            PoolTimeout: busy,
            psycopg.OperationalError: busy,
            Broken: broken,
        },
    )
    served.state.threads = CapacityLimiter(pool.max_size)  # those of the people's web stay free
    served.state.keys = desk.tokens.keys
    served.state.desk, served.state.office, served.state.pool = desk, office, pool
    return served


def documents(issuer: str) -> list[BaseRoute]:
    """Documents about the server, at the root and beside the FHIR addresses: open to everybody."""

    def at(path: str, said: dict[str, Any]) -> Route:
        async def document(request: Http) -> Response:
            headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
            return JSONResponse(said, headers=headers)

        return Route(path, document, methods=["GET"])

    return [
        at("/.well-known/openid-configuration", discovery.openid(issuer)),
        at("/.well-known/oauth-authorization-server", discovery.server(issuer)),
        at("/fhir/.well-known/smart-configuration", discovery.smart(issuer)),
        at("/pdsm/.well-known/smart-configuration", discovery.smart(issuer)),
    ]
