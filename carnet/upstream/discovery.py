# SPDX-License-Identifier: EUPL-1.2
"""What a provider says of itself and its keys: kept an hour, its keys asked again when one is unknown.

Source: OpenID Connect Discovery 1.0, RFC 8414. An address it names is of its own origin, or of `hosts`.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from carnet.upstream.fetching import Session, WrongProvider, member, session
from carnet.upstream.providers import Provider, origin

KEPT: Final = 3600.0  # seconds
AGAIN: Final = 60.0  # seconds before keys are asked for once more
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
        self._lock = threading.Lock()

    def known(self, provider: Provider) -> Known:
        """ProviderAway, WrongProvider."""
        found = self._known.get(provider.key)
        if found is None or time.monotonic() - found.read > KEPT:
            with self._lock:
                found = self._known.get(provider.key)
                if found is None or time.monotonic() - found.read > KEPT:
                    found = _read(provider)
                    self._known[provider.key] = found
        return found

    def newer(self, provider: Provider) -> Known:
        """Its keys once more, if they were not asked for within a minute."""
        found = self.known(provider)
        with self._lock:
            found = self._known.get(provider.key, found)
            if time.monotonic() - found.keys_read >= AGAIN:
                keys = _keys(session(provider, ""), found.metadata)
                now = time.monotonic()
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
    try:
        return KeySet.import_key_set({"keys": kept})
    except (JoseError, ValueError, TypeError, KeyError):
        raise WrongProvider from None
