# SPDX-License-Identifier: EUPL-1.2
"""carnet client sandbox, carnet client token: try the API as a developer does, in two commands."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Annotated, Final

import typer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.app import sandboxes
from carnet.app.parts import build, visit
from carnet.cli import common
from carnet.config import Settings
from carnet.oauth import keys, registering
from carnet.postgres.server import Server

HAND: Final = Actor(ActorKind.OPERATOR, "platform:sandbox", "Bac à sable", "carnet-client")
SUBJECT: Final = "software:lab-software"  # of the demonstration's laboratory
KINDS: Final[dict[str, type[RSAKey | ECKey | OKPKey]]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
PATIENCE: Final = 30  # seconds for an answer
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class NoKey(errors.Invalid):
    """This file is not a private key, JWK or PEM: RSA, P-256, P-384 or Ed25519."""


class NotServed(errors.Transient):
    """Nobody answers at the address of this installation: start it (carnet demo, carnet serve)."""


class Refused(errors.Forbidden):
    """The authorization server refuses."""


def sandbox(
    subject: Annotated[
        str, typer.Option(help="The organisation's software it acts as: software:….")
    ] = SUBJECT,
    data: common.Data = None,
) -> None:
    """Ready-made clients for who tries: an application and a software, their key in a file."""
    with common.refusals():
        settings = common.settings_of(data)
        if not registering.sandboxes(settings.instance):
            raise registering.NotInProduction
        with common.server_of(settings) as server:
            path = asyncio.run(make_ready(settings, server, subject))
    base = settings.base_url
    for line in (
        f"{sandboxes.SOFTWARE}: software, its key in {path}",
        "  carnet client token      prints a token of a day at most, for:",
        f"  curl -H 'Authorization: Bearer …' {base}/fhir/Observation?_count=1",
        f"{sandboxes.APP}: application, public, with PKCE (S256)",
        f"  redirect {sandboxes.BACK[0]}, iss {base}/fhir",
        f"  {base}/fhir/.well-known/smart-configuration says the rest",
        f"What each error means: {base}/developpeurs/erreurs/",
    ):
        print(line)


async def make_ready(settings: Settings, server: Server, subject: str) -> Path:
    """Register the sandbox's clients of a demonstration or a test instance."""
    built = await build(settings, server, name="carnet client sandbox")
    try:
        return await sandboxes.ready(visit(built, HAND), settings.data, subject)
    finally:
        await built.pool.close()


def token(
    id: Annotated[str, typer.Argument(metavar="CLIENT_ID")] = sandboxes.SOFTWARE,
    key: Annotated[
        Path | None,
        typer.Option(help="File of its private key, JWK or PEM; the sandbox's otherwise."),
    ] = None,
    scope: Annotated[str, typer.Option(help="What it asks, between spaces.")] = "system/*.rs",
    data: common.Data = None,
) -> None:
    """Ask the running server for a token of a software, by its key; print it alone."""
    with common.refusals():
        settings = common.settings_of(data)
        path = key or settings.data / sandboxes.FOLDER / f"{sandboxes.SOFTWARE}.json"
        print(asked(settings.base_url, id, path, scope))


def asked(base: str, id: str, path: Path, scope: str) -> str:
    """The access token; Refused with the server's own words."""
    form = {
        "grant_type": "client_credentials", "scope": scope, "client_assertion_type": ASSERTION,
        "client_assertion": assertion(base, id, path),
    }  # fmt: skip
    request = urllib.request.Request(  # noqa: S310 (the installation's own address)
        f"{base}/oauth/token", urllib.parse.urlencode(form).encode()
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            return str(json.load(answer)["access_token"])
    except urllib.error.HTTPError as error:
        said = json.loads(error.read() or b"{}")
        text = f"{said.get('error', error.code)}: {said.get('error_description', '')}".strip(": ")
        raise Refused(text) from None
    except OSError:
        raise NotServed from None


def assertion(base: str, id: str, path: Path) -> str:
    """Who the client is, signed for this server, for a minute."""
    try:
        held = _private(path.read_text("utf-8"))
        algorithm = keys.ALGORITHMS.get(str(held.get("crv")), "RS384")
        now = int(time.time())
        claims = {
            "iss": id, "sub": id, "aud": f"{base}/oauth/token", "iat": now, "exp": now + 60,
            "jti": secrets.token_urlsafe(24),
        }  # fmt: skip
        header = {"alg": algorithm, "typ": "JWT", "kid": held.kid or held.thumbprint()}
        return jwt.encode(header, claims, held, algorithms=[algorithm])
    except (OSError, ValueError, TypeError, KeyError, JoseError):
        raise NoKey from None


def _private(text: str) -> RSAKey | ECKey | OKPKey:
    """A private key, of its own kind."""
    if not text.lstrip().startswith("-----BEGIN"):
        said = json.loads(text)
        return KINDS[said["kty"]].import_key(said)
    for kind in KINDS.values():
        with contextlib.suppress(JoseError, ValueError, TypeError):
            return kind.import_key(text)
    raise ValueError
