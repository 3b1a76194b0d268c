# SPDX-License-Identifier: EUPL-1.2
"""What an application asked for at the authorization endpoint, and the addresses its answer goes to.

`access.asked.parameters` is `Asked.kept()`; who answers (the pages) reads it with `Asked.of` and sends the
person to `issue_code` or to `refused`. Source: RFC 6749, 4.1; RFC 7636; RFC 9207; SMART App Launch 2.2.
"""

from __future__ import annotations

import dataclasses
import os
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, LiteralString
from urllib.parse import urlencode

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

CODE_SECONDS: Final = 60  # between the answer and the first token
ASKED_MINUTES: Final = 20  # a request waits for its answer
PAGE: Final = "/autoriser"  # of the portal; the secret comes after it


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was checked: the client is live, the redirect its own, the scope within its own.

    redirect_uri: where the answer goes, exactly. scope: words with a blank between them. challenge: of
    PKCE, S256. launch: what an EHR launch gave the application, "" for none. prompt: "", login, consent
    or select_account. max_age: the person must have logged in this many seconds ago or less.
    """

    client: str
    redirect_uri: str
    scope: str
    challenge: str
    state: str = ""
    nonce: str = ""
    launch: str = ""
    prompt: str = ""
    max_age: int | None = None
    acr_values: str = ""
    login_hint: str = ""
    ui_locales: str = ""

    @property
    def scopes(self) -> frozenset[str]:
        """The words of the scope."""
        return frozenset(self.scope.split())

    def kept(self) -> dict[str, Any]:
        """As `access.asked.parameters` holds it."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Asked:
        """Of what `access.asked.parameters` holds."""
        return cls(**parameters)


def new_secret(random: Callable[[int], bytes] = os.urandom) -> str:
    """256 random bits, as an address or a header holds them."""
    return urlsafe_b64encode(random(32)).decode().rstrip("=")


def digest(secret: str) -> bytes:
    """What rests of a secret: its SHA-256."""
    return sha256(secret.encode()).digest()


def answered(asked: Asked, issuer: str, **parameters: str) -> str:
    """The redirect with the answer's parameters, the state that came and who answers (RFC 9207)."""
    said = {**parameters, **({"state": asked.state} if asked.state else {}), "iss": issuer}
    return with_query(asked.redirect_uri, said)


def with_query(address: str, said: Mapping[str, str]) -> str:
    """An address with parameters added to those it has."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(said)}"


def refused(asked: Asked, issuer: str, error: str = "access_denied") -> str:
    """The redirect of a request nobody allowed; error: of RFC 6749, 4.1.2.1, or OpenID Connect."""
    return answered(asked, issuer, error=error)


CODE: LiteralString = """
    INSERT INTO access.code (hash, allowed, redirect, challenge, nonce, context, until)
    VALUES (%(hash)s, %(allowed)s, %(redirect)s, %(challenge)s, %(nonce)s, %(context)s, %(until)s)
"""


async def issue_code(
    conn: AsyncConnection[Any],
    allowed_id: uuid.UUID,
    asked: Asked,
    *,
    issuer: str,
    now: datetime,
    context: Mapping[str, Any] | None = None,
    random: Callable[[int], bytes] = os.urandom,
) -> str:
    """Keep a code for a grant, in the transaction that makes the grant; the redirect that bears it.

    allowed_id: of access.allowed, whose client is that of `asked`. issuer: our address
    (settings.base_url). context: what goes beside the token, as the launch says (encounter, intent…);
    `patient` is told of the grant's own `cid` and needs no mention.
    """
    code = new_secret(random)
    await conn.execute(
        CODE,
        {
            "hash": digest(code),
            "allowed": allowed_id,
            "redirect": asked.redirect_uri,
            "challenge": asked.challenge,
            "nonce": asked.nonce or None,
            "context": Jsonb(dict(context or {})),
            "until": now + timedelta(seconds=CODE_SECONDS),
        },
    )
    return answered(asked, issuer, code=code)
