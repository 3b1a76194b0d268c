# SPDX-License-Identifier: EUPL-1.2
"""What a provider says of itself and its keys: kept an hour, its keys asked again when one is unknown.

Source: OpenID Connect Discovery 1.0, RFC 8414. An address it names is of its own origin, or of `hosts`.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from carnet.upstream.fetching import ProviderAway, Session, WrongProvider, member, session
from carnet.upstream.providers import Provider, origin

KEPT: Final = 3600.0  # seconds
AGAIN: Final = 60.0  # seconds before keys are asked for once more
REST: Final = 3.0  # seconds one that did not answer is left alone
PATH: Final = "/.well-known/openid-configuration"
NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
KINDS: Final = ("RSA", "EC", "OKP")  # a shared secret signs nothing here


@dataclass(frozen=True, slots=True)
class Metadata:
    """endpoints: by their names in the discovery; says_iss: answers bear `iss` (RFC 9207)."""

    endpoints: dict[str, str]
    says_iss: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A provider as it was last read."""

    metadata: Metadata
    keys: KeySet
    read: float
    keys_read: float


class Providers:
    """Of this process; safe in threads."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._away: dict[str, float] = {}  # when one last did not answer
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def known(self, provider: Provider) -> Known:
        """ProviderAway, WrongProvider; one that is away holds up nobody of another, and few of its own."""
        found = self._known.get(provider.key)
        if found is None or time.monotonic() - found.read > KEPT:
            with self._locks[provider.key]:
                found = self._known.get(provider.key)
                if found is None or time.monotonic() - found.read > KEPT:
                    found = self._asked(provider)
                    self._known[provider.key] = found
        return found

    def _asked(self, provider: Provider) -> Known:
        """Those who waited for the same question get its answer, and do not ask it one by one."""
        if time.monotonic() - self._away.get(provider.key, -REST) < REST:
            raise ProviderAway
        try:
            return _read(provider)
        except ProviderAway:
            self._away[provider.key] = time.monotonic()
            raise

    def newer(self, provider: Provider) -> Known:
        """Its keys once more, if they were not asked for within a minute."""
        found = self.known(provider)
        with self._locks[provider.key]:
            found = self._known.get(provider.key, found)
            now = time.monotonic()
            if now - found.keys_read >= AGAIN:  # a minute passes though they do not come
                self._known[provider.key] = Known(found.metadata, found.keys, found.read, now)
                keys = _keys(session(provider, ""), found.metadata)
                found = Known(found.metadata, keys, found.read, now)
                self._known[provider.key] = found
        return found


def _read(provider: Provider) -> Known:
    asked = session(provider, "")
    said = member(asked.get(provider.issuer.rstrip("/") + PATH, withhold_token=True))
    if said.get("issuer") != provider.issuer:
        raise WrongProvider
    endpoints = {
        name: str(value)
        for name, value in said.items()
        if (name.endswith("_endpoint") or name == "jwks_uri") and isinstance(value, str)
    }
    if any(name not in endpoints for name in NEEDED):
        raise WrongProvider
    for name in (*NEEDED, "userinfo_endpoint", "end_session_endpoint"):
        if name in endpoints and _of(endpoints[name]) not in provider.origins:
            raise WrongProvider
    metadata = Metadata(
        endpoints, said.get("authorization_response_iss_parameter_supported") is True
    )
    now = time.monotonic()
    return Known(metadata, _keys(asked, metadata), now, now)


def _of(address: str) -> str:
    try:
        return origin(address)
    except ValueError:  # a port that is no number
        raise WrongProvider from None


def _keys(asked: Session, metadata: Metadata) -> KeySet:
    said = member(asked.get(metadata.endpoints["jwks_uri"], withhold_token=True)).get("keys")
    if not isinstance(said, list):
        raise WrongProvider
    kept: list[Any] = [
        each
        for each in said
        if isinstance(each, dict) and each.get("kty") in KINDS and each.get("use", "sig") == "sig"
    ]
    return KeySet([key for each in kept if (key := _key(each)) is not None])


def _key(said: dict[str, Any]) -> Key | None:
    """None for one of a kind that is not known: the others are of use."""
    try:
        return KeySet.import_key_set({"keys": [said]}).keys[0]
    except (JoseError, ValueError, TypeError, KeyError):
        return None
