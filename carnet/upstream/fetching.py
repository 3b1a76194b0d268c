# SPDX-License-Identifier: EUPL-1.2
"""Ask a provider, which may be slow, wrong or not the provider: in a time, a size, at its own addresses."""

from __future__ import annotations

import time
from typing import Any, Final

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT

from carnet import errors
from carnet.fhir import json as strict
from carnet.upstream.providers import Provider, origin

PATIENCE: Final = 5.0  # seconds to be connected, and between two pieces of an answer
WHOLE: Final = 10.0  # seconds for all of an answer
LARGEST: Final = 256 * 1024  # bytes: a few keys, a few claims
PIECE: Final = 16 * 1024


class ProviderAway(errors.Transient):
    """The provider of this log-in does not answer."""


class WrongProvider(errors.Forbidden):
    """The provider of this log-in answered something that cannot be believed."""


class Session(OAuth2Session):  # type: ignore[misc]
    """Authlib's client, whose every request is capped and follows no redirect."""

    provider: Provider

    def request(self, method: str, url: str, *given: Any, **more: Any) -> requests.Response:
        """Of the provider's origins alone."""
        if origin(url) not in self.provider.origins:
            raise WrongProvider
        more |= {"allow_redirects": False, "stream": True, "timeout": PATIENCE}
        began = time.monotonic()
        try:
            answer: requests.Response = super().request(method, url, *given, **more)
            body = bytearray()
            with answer:
                for piece in answer.iter_content(PIECE):
                    body += piece
                    if len(body) > LARGEST:
                        raise WrongProvider
                    if time.monotonic() - began > WHOLE:
                        raise ProviderAway
        except requests.RequestException:
            raise ProviderAway from None
        answer._content = bytes(body)
        if answer.status_code >= 500:
            raise ProviderAway
        return answer


def session(provider: Provider, redirect: str, token_endpoint: str = "") -> Session:
    """A client of this provider, that proves who it is as the file says."""
    if provider.key_file is not None:
        made = Session(
            provider.client_id, provider.key_file.read_text("utf-8"),
            token_endpoint_auth_method="private_key_jwt", scope=list(provider.scopes),
            redirect_uri=redirect, code_challenge_method="S256",
        )  # fmt: skip
        made.register_client_auth_method(PrivateKeyJWT(token_endpoint))
    else:
        assert provider.secret_file is not None
        made = Session(
            provider.client_id, provider.secret_file.read_text("utf-8").strip(),
            token_endpoint_auth_method="client_secret_basic", scope=list(provider.scopes),
            redirect_uri=redirect, code_challenge_method="S256",
        )  # fmt: skip
    made.provider = provider
    made.trust_env = False  # no proxy and no .netrc of the machine
    return made


def member(answer: requests.Response) -> dict[str, Any]:
    """The JSON object of an answer, none of its members twice."""
    if answer.status_code != 200:
        raise WrongProvider
    try:
        return strict.parse(answer.content)
    except errors.CarnetError:
        raise WrongProvider from None
