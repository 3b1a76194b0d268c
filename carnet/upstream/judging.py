# SPDX-License-Identifier: EUPL-1.2
"""Whether an ID token is this provider's, for us, of this log-in, now.

Sources: OpenID Connect Core 1.0 §3.1.3.7 and §3.1.3.8, RFC 8725; back-channel log-out 1.0 §2.6.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from carnet import errors
from carnet.fhir import json as strict
from carnet.upstream.fetching import WrongProvider
from carnet.upstream.providers import Provider

LONGEST: Final = 16_384  # characters
SKEW: Final = 60  # seconds its clock may differ
OLDEST: Final = 600  # seconds since it was made: a log-in lasts no longer
LOGGED_OUT: Final = "http://schemas.openid.net/event/backchannel-logout"


class UnknownKey(WrongProvider):
    """It names a key that was not there when the keys were read."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a log-in expects. oldest: seconds since they proved who they are, None for any time."""

    nonce: str
    now: float
    access_token: str = ""
    oldest: int | None = None


def judge(text: object, provider: Provider, keys: KeySet, expected: Expected) -> dict[str, Any]:
    """The claims of an ID token; UnknownKey, WrongProvider."""
    header, claims = signed(text, provider, keys)
    _ours(claims, provider)
    _times(claims, expected.now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode(), expected.nonce.encode()
    ):
        raise WrongProvider
    if "at_hash" in claims and claims["at_hash"] != _half(expected.access_token, header["alg"]):
        raise WrongProvider
    if expected.oldest is not None:
        at = _number(claims.get("auth_time"))
        if not expected.now - expected.oldest - SKEW <= at <= expected.now + SKEW:
            raise WrongProvider
    return claims


def logged_out(text: object, provider: Provider, keys: KeySet, now: float) -> dict[str, Any]:
    """The claims of a log-out token: of a session, or of all of a person's."""
    header, claims = signed(text, provider, keys)
    if header.get("typ", "logout+jwt") not in ("logout+jwt", "JWT") or "nonce" in claims:
        raise WrongProvider
    _audience(claims, provider)
    _times(claims, now)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGGED_OUT), dict):
        raise WrongProvider
    named = [claims[name] for name in ("sub", "sid") if name in claims]
    if not named or any(not isinstance(each, str) or not each for each in named):
        raise WrongProvider
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise WrongProvider
    return claims


def signed(text: object, provider: Provider, keys: KeySet) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of what a key of the provider signed, by an algorithm the file allows."""
    if not isinstance(text, str) or len(text) > LONGEST or not text.isascii():
        raise WrongProvider
    try:
        header = jws.extract_compact(text.encode()).headers()
        if header.get("alg") not in provider.algorithms or "crit" in header or "jwk" in header:
            raise WrongProvider
        found = jws.deserialize_compact(
            text.encode(), _key(header, keys), list(provider.algorithms)
        )
        return header, strict.parse(found.payload or b"")
    except (JoseError, errors.Invalid, ValueError, TypeError, KeyError):
        raise WrongProvider from None


def _key(header: dict[str, Any], keys: KeySet) -> Any:
    """The one key it names, or the only one that can have signed."""
    kid = header.get("kid")
    if kid is not None:
        named = [each for each in keys.keys if each.kid == kid]
    else:
        kind = {"R": "RSA", "P": "RSA", "ES": "EC", "Ed": "OKP"}
        of = kind.get(header["alg"][:2]) or kind.get(header["alg"][:1])
        named = [each for each in keys.keys if each.key_type == of]
    if len(named) != 1:
        raise UnknownKey
    return named[0]


def _ours(claims: dict[str, Any], provider: Provider) -> None:
    """Of this provider, about somebody, for us and nobody else's use."""
    _audience(claims, provider)
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 1 <= len(sub) <= 255 or not sub.isprintable():
        raise WrongProvider
    if not isinstance(claims.get("acr", ""), str):
        raise WrongProvider


def _audience(claims: dict[str, Any], provider: Provider) -> None:
    if claims.get("iss") != provider.issuer:
        raise WrongProvider
    said = claims.get("aud")
    audience = said if isinstance(said, list) else [said]
    if provider.client_id not in audience or any(not isinstance(each, str) for each in audience):
        raise WrongProvider
    if claims.get("azp", provider.client_id if len(audience) == 1 else None) != provider.client_id:
        raise WrongProvider


def _times(claims: dict[str, Any], now: float) -> None:
    expires, made = _number(claims.get("exp")), _number(claims.get("iat"))
    if expires <= now - SKEW or not now - OLDEST - SKEW <= made <= now + SKEW or expires < made:
        raise WrongProvider
    if "nbf" in claims and _number(claims["nbf"]) > now + SKEW:
        raise WrongProvider


def _number(said: object) -> float:
    """Seconds since 1970; neither a text nor true."""
    if isinstance(said, bool) or not isinstance(said, int | Decimal):
        raise WrongProvider
    if not -1e12 < said < 1e12:
        raise WrongProvider
    return float(said)


def _half(access_token: str, algorithm: str) -> str:
    """Left half of the hash of an access token (§3.1.3.6)."""
    size = algorithm[-3:] if algorithm[-3:] in ("256", "384", "512") else "512"
    made = hashlib.new(f"sha{size}", access_token.encode()).digest()
    return base64.urlsafe_b64encode(made[: len(made) // 2]).rstrip(b"=").decode()
