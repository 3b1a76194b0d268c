# SPDX-License-Identifier: EUPL-1.2
"""Access tokens: issued and verified here, nowhere else.

A token is a JWT (RFC 9068, `at+jwt`) signed with Ed25519 by a key of the installation (`keyring.py`). Every
claim of the list is required: a missing, doubled or retyped one is a refusal, never a wider right.
"""

from __future__ import annotations

import json
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.keyring import ALGORITHM, Keyring
from carnet.fhir import json as strict

AUDIENCE = "carnet"
LONGEST = 8192  # characters of a token
DAY = 86_400
KEPT = 4096  # verified tokens kept in memory
SKEW = 5  # seconds another clock may differ

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

COMMON: dict[str, type] = {
    "iss": str, "aud": str, "sub": str, "kind": str, "name": str, "scope": str, "purpose": str,
    "acr": str, "client": str, "jti": str, "rev": int, "iat": int, "exp": int,
}  # fmt: skip
OF_KIND: dict[ActorKind, dict[str, type]] = {
    ActorKind.PATIENT: {"fhirUser": str, "patient": str},
    ActorKind.PROFESSIONAL: {
        "fhirUser": str, "rpps": str, "profession": str, "situation": str, "org": str,
    },
    ActorKind.ASSISTANT: {"rpps": str, "situation": str, "org": str},
    ActorKind.HELPER: {},
    ActorKind.SOFTWARE: {"org": str},
    ActorKind.OPERATOR: {},
}  # fmt: skip


# Of what somebody allowed a client (grants.py): all of them or none.
OF_GRANT: dict[str, type] = {"grant": str, "client_rev": int, "auth_time": int}

# Who may ask, by a claim `secret`, for a minor's connection that their representatives know nothing of.
SECRETIVE = frozenset((ActorKind.PATIENT, ActorKind.PROFESSIONAL, ActorKind.SOFTWARE))
ORGANISED = frozenset((ActorKind.SOFTWARE, ActorKind.PROFESSIONAL, ActorKind.ASSISTANT))


class NoToken(errors.Unauthenticated):
    """A bearer token is required: Authorization: Bearer …"""


class WrongToken(errors.Unauthenticated):
    """The bearer token is not one of this server, has expired, was ended, or lacks a claim."""


@dataclass(frozen=True, slots=True, eq=False)
class Verified:
    """What a token says once its signature, times and claims hold; ids are not yet resolved.

    One is the same as itself alone: what is made of it is kept beside it.
    """

    claims: dict[str, Any]
    expires: int


class Tokens:
    """Issues and verifies, by the keys of the installation."""

    def __init__(
        self,
        keys: Keyring,
        issuer: str,
        clock: Callable[[], datetime],
        *,
        lifetime: int,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """lifetime: the longest a token may live, in seconds."""
        self.keys = keys
        self._issuer = issuer
        self._clock = clock
        self._lifetime = lifetime
        self._random = random
        self._verified: OrderedDict[bytes, Verified] = OrderedDict()
        self._changes = keys.changes  # of the keys, when the first of those was verified

    @property
    def longest(self) -> int:
        """Seconds a token may live."""
        return self._lifetime

    def issue(self, claims: dict[str, Any], *, lifetime: int) -> str:
        """A signed token; `claims` are those of COMMON and of the kind but times, iss, aud, jti."""
        now = int(self._clock().timestamp())
        full = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + min(lifetime, self._lifetime),
            "jti": self._random(12).hex(),
            **claims,
        }
        _check_claims(full)
        key = self.keys.signing()
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}
        return jws.serialize_compact(header, json.dumps(full).encode(), key, [ALGORITHM])

    def verify(self, token: str) -> Verified:
        """The claims of a token that holds now; WrongToken for anything else."""
        now = self._clock().timestamp()
        digest = sha256(token.encode("utf-8", "replace")).digest()
        self.keys.look()
        if self._changes != self.keys.changes:  # what a key signed may have ended with it
            self._verified.clear()
            self._changes = self.keys.changes
        found = self._verified.get(digest)
        if found is None:
            found = self._check(token, now)
            self._verified[digest] = found
            if len(self._verified) > KEPT:
                self._verified.popitem(last=False)
        if found.expires <= now:
            raise WrongToken
        return found

    def _check(self, token: str, now: float) -> Verified:
        if len(token) > LONGEST or not _canonical(token):
            raise WrongToken
        try:
            kid = strict.parse(_bytes(token.partition(".")[0])).get("kid")
            key = self.keys.find(kid) if isinstance(kid, str) else None
            if key is None:
                raise WrongToken
            found = jws.deserialize_compact(token.encode(), key, [ALGORITHM])
            header = found.headers()
            claims = strict.parse(found.payload or b"")
        except (JoseError, ValueError, TypeError, KeyError, errors.CarnetError):
            raise WrongToken from None
        if set(header) != {"alg", "typ", "kid"} or header["typ"] != "at+jwt":
            raise WrongToken
        if header["kid"] != key.kid:
            raise WrongToken
        _check_claims(claims)
        if claims["iss"] != self._issuer or claims["aud"] != AUDIENCE:
            raise WrongToken
        if claims["iat"] > now + SKEW or claims["exp"] - claims["iat"] > self._lifetime:
            raise WrongToken
        return Verified(claims, claims["exp"])


def _bytes(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _canonical(token: str) -> bool:
    """Whether each part is the one way to write its bytes: decoders let blanks and odd bits pass."""
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        return False
    try:
        return all(urlsafe_b64encode(_bytes(part)).decode().rstrip("=") == part for part in parts)
    except ValueError:
        return False


def _check_claims(claims: dict[str, Any]) -> None:
    try:
        kind = ActorKind(str(claims.get("kind")))
    except ValueError:
        raise WrongToken from None
    for name, expected in (COMMON | OF_KIND[kind]).items():
        value = claims.get(name)
        if type(value) is not expected or value == "":
            raise WrongToken
    if "grant" in claims or "client_rev" in claims:
        if any(type(claims.get(name)) is not kind for name, kind in OF_GRANT.items()):
            raise WrongToken
        if _UUID.fullmatch(claims["grant"]) is None or "*" in claims["scope"].split():
            raise WrongToken
    elif "auth_time" in claims and type(claims["auth_time"]) is not int:
        raise WrongToken
    if "secret" in claims and (claims["secret"] is not True or kind not in SECRETIVE):
        raise WrongToken


def actor_of(verified: Verified, compartment: Callable[[str, str], int | None]) -> Actor:
    """The actor of a token; compartment: (type, reference) to compartment, None when it is not ours."""
    claims = verified.claims
    kind = ActorKind(claims["kind"])
    org = patient = rpps = None
    if kind in ORGANISED:
        org = compartment("Organization", claims["org"])
    if kind is ActorKind.PATIENT:
        patient = compartment("Patient", claims["patient"])
    if kind in (ActorKind.PROFESSIONAL, ActorKind.ASSISTANT):
        text = claims["rpps"]
        if not (text.isascii() and text.isdigit() and len(text) == 11):
            raise WrongToken
        rpps = int(text)
    if (org is None and kind in ORGANISED) or (patient is None and kind is ActorKind.PATIENT):
        raise WrongToken
    return Actor(
        kind=kind,
        sub=claims["sub"],
        name=claims["name"],
        client=claims["client"],
        purpose=claims["purpose"],
        rpps=rpps,
        profession=claims.get("profession", "") if kind is ActorKind.PROFESSIONAL else "",
        situation=claims.get("situation", "") if kind in ORGANISED else "",
        org=org,
        patient=patient,
        secret="secret" in claims,
        scopes=frozenset(claims["scope"].split()),
        rev=claims["rev"],
        acr=claims["acr"],
        # An operator's command gives a token to who stands before it: they are there now.
        authenticated=datetime.fromtimestamp(claims.get("auth_time", claims["iat"]), UTC),
    )
