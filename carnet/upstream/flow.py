# SPDX-License-Identifier: EUPL-1.2
"""Send somebody to a provider, and believe what comes back: the authorization code flow with PKCE.

Sources: OpenID Connect Core 1.0, RFC 7636, RFC 9207. What was sent is kept in the session, used once.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from authlib.integrations.base_client.errors import OAuthError

from carnet import errors
from carnet.upstream import judging
from carnet.upstream.discovery import Known, Providers
from carnet.upstream.fetching import ProviderAway, Session, WrongProvider, member, session
from carnet.upstream.judging import Expected, UnknownKey
from carnet.upstream.providers import Provider

LASTS: Final = 600  # seconds to come back
DAY: Final = 8 * 3600  # seconds a session there may have lasted
LATELY: Final = 60  # seconds: who proves it again does so now


class Refused(errors.Forbidden):
    """The person did not go through with it, or the provider refused them."""


class WrongAnswer(errors.Invalid):
    """This answer of a provider is of no log-in begun here: begin again."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Kept in the session until they are back. why: "login", "link" or "again"."""

    provider: str
    why: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    at: float
    next: str

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        return {
            name: getattr(self, name)
            for name in ("provider", "why", "nonce", "verifier", "at", "next")
        }


@dataclass(frozen=True, slots=True)
class Back:
    """Who came back. claims: all that was said of them; level: ours, None when theirs does not count.

    level, sid and at (when they proved who they are, seconds since 1970; 0: not said) are of the signed ID
    token, whatever the userinfo says.
    """

    sub: str
    level: str | None
    claims: Mapping[str, Any] = field(repr=False)
    id_token: str = field(repr=False)
    sid: str = field(default="", repr=False)
    at: int = 0


def send(
    providers: Providers, provider: Provider, redirect: str, *, why: str, next: str, now: float
) -> tuple[str, str, Sent]:
    """The address to go to, the `state` it bears, and what to keep."""
    known = providers.known(provider)
    sent = Sent(provider.key, why, secrets.token_urlsafe(32), secrets.token_urlsafe(48), now, next)
    # Asked for an age, a provider says when they proved who they are.
    more: dict[str, Any] = {"nonce": sent.nonce, "max_age": str(LATELY if why == "again" else DAY)}
    if provider.acr_values:
        more["acr_values"] = " ".join(provider.acr_values)
    if why != "login":  # whose session is open there may be another's, at a shared desk
        more["prompt"] = "login"
    url, state = session(provider, redirect).create_authorization_url(
        known.metadata.endpoints["authorization_endpoint"],
        state=secrets.token_urlsafe(32), code_verifier=sent.verifier, **more,
    )  # fmt: skip
    return url, state, sent


def back(
    providers: Providers,
    provider: Provider,
    sent: Sent,
    answer: Mapping[str, Sequence[str]],
    redirect: str,
    now: float,
) -> Back:
    """What the answer proves; Refused, WrongAnswer, ProviderAway, WrongProvider."""
    if sent.provider != provider.key or not 0 <= now - sent.at <= LASTS:
        raise WrongAnswer
    if any(len(answer.get(name, ())) > 1 for name in ("code", "error", "iss", "state")):
        raise WrongAnswer
    said = {name: values[0] for name, values in answer.items() if values}
    known = providers.known(provider)
    if ("iss" in said or known.metadata.says_iss) and said.get("iss") != provider.issuer:
        raise WrongAnswer
    if "error" in said:
        raise Refused
    if not said.get("code"):
        raise WrongAnswer
    endpoint = known.metadata.endpoints["token_endpoint"]
    asked = session(provider, redirect, endpoint)
    token = _token(asked, endpoint, said["code"], sent.verifier)
    access = token.get("access_token")
    expected = Expected(
        sent.nonce,
        now,
        access if isinstance(access, str) else "",
        LATELY if sent.why == "again" else None,
    )
    proved = _judged(providers, provider, token.get("id_token"), expected)
    said_of = _userinfo(asked, provider, known, proved["sub"]) if provider.userinfo else {}
    sid, at = proved.get("sid"), proved.get("auth_time")
    return Back(
        proved["sub"], provider.level(proved.get("acr")), {**said_of, **proved}, str(token["id_token"]),
        sid if isinstance(sid, str) else "",
        at if isinstance(at, int) and not isinstance(at, bool) and 0 <= at < 1e12 else 0,
    )  # fmt: skip


def _token(asked: Session, endpoint: str, code: str, verifier: str) -> dict[str, Any]:
    """The answer of the token endpoint; a code that is refused is somebody's who made it up."""
    try:
        found = asked.fetch_token(endpoint, code=code, code_verifier=verifier)
    except OAuthError:
        raise WrongProvider from None
    except (errors.CarnetError, MemoryError):
        raise
    except Exception as error:  # whatever Authlib says of an answer that is none
        raise (
            WrongProvider if isinstance(error, ValueError | TypeError | KeyError) else ProviderAway
        ) from None
    if not isinstance(found, dict):
        raise WrongProvider
    return dict(found)


def _judged(
    providers: Providers, provider: Provider, text: object, expected: Expected
) -> dict[str, Any]:
    try:
        return judging.judge(text, provider, providers.known(provider).keys, expected)
    except UnknownKey:  # its keys may have changed
        return judging.judge(text, provider, providers.newer(provider).keys, expected)


def _userinfo(asked: Session, provider: Provider, known: Known, sub: str) -> dict[str, Any]:
    """What more it says of the same person, as JSON or signed."""
    endpoint = known.metadata.endpoints.get("userinfo_endpoint")
    if endpoint is None:
        raise WrongProvider
    try:
        answer = asked.get(endpoint)
    except OAuthError:
        raise WrongProvider from None
    if answer.status_code == 200 and answer.headers.get("content-type", "").startswith(
        "application/jwt"
    ):
        _, said = judging.signed(answer.content.decode("ascii", "replace"), provider, known.keys)
        audience = said.get("aud", provider.client_id)
        of = audience if isinstance(audience, list) else [audience]
        if said.get("iss", provider.issuer) != provider.issuer or provider.client_id not in of:
            raise WrongProvider
    else:
        said = member(answer)
    if said.get("sub") != sub:
        raise WrongProvider
    return said
