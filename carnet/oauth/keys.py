# SPDX-License-Identifier: EUPL-1.2
"""Public keys of a client: as JWK, JWKS or PEM; strong enough, named, and never a private one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from carnet import errors
from carnet.fhir import json as strict

MOST: Final = 5
LARGEST: Final = 65_536  # characters of what is pasted
SMALLEST_RSA, LARGEST_RSA = 2048, 8192  # bits
LONGEST_KID: Final = 128
ALGORITHMS: Final = {"P-256": "ES256", "P-384": "ES384", "Ed25519": "Ed25519"}
HIDDEN: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))  # RFC 7518, 6
EXPIRES: Final = "exp"  # member of ours: seconds since 1970 from which a key proves nothing


class WrongKey(errors.Invalid):
    """A key is a public one of RSA (2048 bits or more), P-256, P-384 or Ed25519: JWK, JWKS or PEM."""


class PrivateKey(errors.Invalid):
    """This is a private key. It is to be held as known to others now: make another, give its public part."""


class KidTaken(errors.Conflict):
    """This client has a key of this kid, or this very key, already."""


class TooManyKeys(errors.Conflict):
    """A client has five keys at most: remove one first."""


class LastKey(errors.Conflict):
    """It is the only key of this client: add another first, or suspend the client."""


def read(text: str) -> list[dict[str, Any]]:
    """The public keys in a text, each with a kid."""
    text = text.strip()
    if not text or len(text) > LARGEST:
        raise WrongKey
    if "PRIVATE KEY" in text:
        raise PrivateKey
    if text.startswith("-----BEGIN"):
        return [_of_pem(text)]
    try:
        said = strict.parse(text.encode())
    except errors.CarnetError:
        raise WrongKey from None
    listed = said.get("keys", [said])
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST:
        raise WrongKey
    if any(isinstance(each, Mapping) and HIDDEN & each.keys() for each in listed):
        raise PrivateKey
    return [_of_jwk(each) for each in listed]


def _of_pem(text: str) -> dict[str, Any]:
    try:
        found = serialization.load_pem_public_key(text.encode())
    except Exception:  # cryptography says what is wrong in many ways
        raise WrongKey from None
    raw = found.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    kinds: dict[type[Any], type[RSAKey | ECKey | OKPKey]] = {
        rsa.RSAPublicKey: RSAKey, ec.EllipticCurvePublicKey: ECKey, ed25519.Ed25519PublicKey: OKPKey,
    }  # fmt: skip
    for kind, reader in kinds.items():
        if isinstance(found, kind):
            return _named(reader.import_key(raw), None)
    raise WrongKey


def _of_jwk(said: Any) -> dict[str, Any]:
    readers: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kid = said.get("kid") if isinstance(said, dict) else None
    if not isinstance(said, dict) or said.get("kty") not in readers or said.get("use") == "enc":
        raise WrongKey
    members = {"kty", "crv", "n", "e", "x", "y"}
    plain = {name: value for name, value in said.items() if name in members}
    try:
        return _named(readers[said["kty"]].import_key(plain), kid)
    except (JoseError, ValueError, TypeError, KeyError):
        raise WrongKey from None


def _named(key: Key, kid: Any) -> dict[str, Any]:
    """What is kept of a key: its public members, its kid, its one use."""
    kept = dict(key.as_dict(private=False))
    _strong(kept, key)
    name = kid if kid is not None else key.thumbprint()
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_KID or not name.isprintable():
        raise WrongKey("A kid is 1 to 128 printed characters.")
    # No alg: Ed25519 has two names in use (EdDSA, Ed25519), and RSA six; the curve says the rest.
    return kept | {"kid": name, "use": "sig"}


def _strong(kept: dict[str, Any], key: Key) -> None:
    """WrongKey when it is too weak, or of a kind that is not taken."""
    if kept["kty"] != "RSA":
        if kept.get("crv") not in ALGORITHMS:
            raise WrongKey
        return
    public = key.public_key
    if not isinstance(public, rsa.RSAPublicKey):
        raise WrongKey
    if not SMALLEST_RSA <= public.key_size <= LARGEST_RSA or public.public_numbers().e < 65537:
        raise WrongKey


def added(
    held: Mapping[str, Any] | None, new: list[dict[str, Any]], until: datetime | None
) -> dict[str, Any]:
    """The set with more keys."""
    keys = list((held or {}).get("keys", ()))
    for each in new:
        if any(each["kid"] == one["kid"] or _same(each, one) for one in keys):
            raise KidTaken
        keys.append(each if until is None else each | {EXPIRES: int(until.timestamp())})
    if len(keys) > MOST:
        raise TooManyKeys
    return {"keys": keys}


def removed(held: Mapping[str, Any] | None, kid: str) -> dict[str, Any]:
    """The set without a key."""
    keys = list((held or {}).get("keys", ()))
    left = [each for each in keys if each["kid"] != kid]
    if len(left) == len(keys):
        raise errors.NotFound("This client has no key of this kid.")
    if not left:
        raise LastKey
    return {"keys": left}


def usable(held: dict[str, Any] | None, now: datetime) -> dict[str, Any] | None:
    """Keys that still prove something, as the authorization server reads them; None when there is none."""
    keys = [
        {name: value for name, value in each.items() if name != EXPIRES}
        for each in (held or {}).get("keys", ())
        if each.get(EXPIRES) is None or each[EXPIRES] > now.timestamp()
    ]
    return {"keys": keys} if keys else None


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether they are one key under two names: it would not be one fewer when one is removed."""
    members = ("kty", "crv", "n", "e", "x", "y")
    return all(one.get(name) == other.get(name) for name in members)
