# SPDX-License-Identifier: EUPL-1.2
"""Who logged in, for the application they allowed: the ID token. Source: OpenID Connect Core 1.0, 2."""

from __future__ import annotations

import json
from typing import Any

from joserfc import jws

from carnet.access.keyring import IDENTITY
from carnet.oauth.clients import Client
from carnet.oauth.queries import AllowedRow
from carnet.oauth.server import Server

SECONDS = 300


def who(issuer: str, claims: dict[str, Any]) -> dict[str, Any]:
    """What an application learns of a person: their name and their FHIR resource, as an address."""
    said = {"sub": claims["sub"], "name": claims["name"]}
    if "?" not in claims.get("fhirUser", "?"):  # a number alone, of nobody in the directory
        said["fhirUser"] = f"{issuer}/fhir/{claims['fhirUser']}"
    return said


def token(server: Server, client: Client, grant: AllowedRow, nonce: str | None) -> str:
    """A signed ID token of a grant; `fhirUser` and the name when their scope was allowed."""
    claims = server.office.claims(grant.sub, grant.situation, client.id, grant.scope)
    said = who(server.office.issuer, claims)
    if "fhirUser" not in grant.scope.split():
        said.pop("fhirUser", None)
    now = int(server.now.timestamp())
    full = {
        "iss": server.office.issuer,
        "aud": client.id,
        "iat": now,
        "exp": now + SECONDS,
        "auth_time": int(grant.authenticated.timestamp()),
        "acr": grant.acr,
        "amr": grant.amr,
        **said,
        **({"nonce": nonce} if nonce else {}),
    }
    key = server.office.tokens.keys.identity()
    header = {"alg": IDENTITY, "typ": "JWT", "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(full).encode(), key, [IDENTITY])
