# SPDX-License-Identifier: EUPL-1.2
"""Who a token speaks for: OpenID Connect Core 1.0, 5.3."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from carnet.access.tokens import NoToken, WrongToken
from carnet.oauth.identity import who
from carnet.rest.desk import Desk

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def userinfo(request: Request) -> Response:
    """GET or POST userinfo: the token goes in the header, never in the address or the body."""
    desk: Desk = request.app.state.desk
    try:
        verified, actor = await desk.bearer(request)
    except (NoToken, WrongToken) as refusal:
        challenge = 'Bearer realm="carnet"'
        if not isinstance(refusal, NoToken):
            challenge += ', error="invalid_token"'
        return Response(status_code=401, headers={**NO_STORE, "WWW-Authenticate": challenge})
    if "openid" not in actor.scopes:
        challenge = 'Bearer realm="carnet", error="insufficient_scope", scope="openid"'
        return Response(status_code=403, headers={**NO_STORE, "WWW-Authenticate": challenge})
    said = who(request.app.state.office.issuer, verified.claims)
    if "fhirUser" not in actor.scopes:
        said.pop("fhirUser", None)
    return JSONResponse(said, headers=NO_STORE)
