# SPDX-License-Identifier: EUPL-1.2
"""The authorization server of one request: Authlib's, over one connection and one transaction.

Authlib answers a refusal, it raises none, so what a refusal leaves behind (a family that was ended, an
assertion that was taken) is committed with it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeGuard, cast

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from carnet.access.tokens import DAY, Tokens
from carnet.config import Settings
from carnet.oauth import queries
from carnet.oauth.clients import Client
from carnet.oauth.keys import usable
from carnet.oauth.queries import AllowedRow, Conn
from carnet.oauth.requests import digest, new_secret

# Authlib tells each token it gives, at its level of detail: no level of ours shows that.
logging.getLogger("authlib").setLevel(logging.WARNING)

REFRESH_DAYS: Final = 90  # a refresh token that nobody uses
SESSION_HOURS: Final = (
    12  # of a grant that has no day of its own, or not to go on without the person
)
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Refresh tokens are for those who asked to go on (SMART App Launch, offline_access and online_access).
GOING_ON: Final = frozenset(("offline_access", "online_access"))

Claims = Callable[[str, str | None, str, str], dict[str, Any]]


class UnknownSubject(Exception):
    """Nobody of this name, or not in this situation, any more."""


@dataclass(frozen=True)
class Office:
    """What the authorization server is made of; put together by app.

    claims: (subject, situation, client, scope) to the claims of an access token, called in a thread;
    UnknownSubject. patient: a compartment to the id of its Patient.
    """

    settings: Settings
    tokens: Tokens
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    claims: Claims
    patient: Callable[[int], str]

    @property
    def issuer(self) -> str:
        """Our public address."""
        return self.settings.base_url

    @property
    def bases(self) -> tuple[str, ...]:
        """What a token may be asked for: addresses of the API, with or without a final slash."""
        return tuple(f"{self.issuer}/{name}{end}" for name in ("fhir", "pdsm") for end in ("", "/"))

    def lifetime(self, client: Client, until: datetime | None) -> int:
        """Seconds an access token lives: a day for a sandbox's client, never past the grant."""
        sandbox = client.row.sandbox and self.settings.lenient
        longest = DAY if sandbox else self.settings.token_lifetime
        longest = min(longest, self.tokens.longest)
        if until is None:
            return longest
        return max(1, min(longest, int((until - self.clock()).total_seconds())))


class Request(OAuth2Request):  # type: ignore[misc]
    """One request, its parameters read and each there once."""

    def __init__(
        self, method: str, parameters: Mapping[str, str], headers: Mapping[str, str]
    ) -> None:
        # The address is not judged by Authlib: who terminates TLS stands before us.
        super().__init__(method, "https://carnet.invalid/", headers=headers)
        self._parameters = dict(parameters)
        self.payload = BasicOAuth2Payload(self._parameters)
        self.amr: list[str] = []  # how the client proved who it is

    @property
    def args(self) -> dict[str, str]:
        """Parameters."""
        return self._parameters

    @property
    def form(self) -> dict[str, str]:
        """Parameters."""
        return self._parameters


Answer = tuple[int, Any, list[tuple[str, str]]]


class Server(AuthorizationServer):  # type: ignore[misc]
    """Of one request."""

    def __init__(self, office: Office, conn: Conn) -> None:
        super().__init__()
        self.office = office
        self.conn = conn
        self.now = office.clock()
        self.register_token_generator("default", self._generate)
        self.extra: dict[str, Any] = {}  # claims an access token of this request has besides

    # ------------------------------------------------------------------ what Authlib asks for

    def query_client(self, client_id: str) -> Client | None:
        """A live client; what is not written as our identifiers are is not looked for."""
        if not plain(client_id):
            return None
        found = queries.client(self.conn, client_id)
        if found is None:
            return None
        return Client(replace(found, keys=usable(found.keys, self.now)))

    def save_token(self, token: Mapping[str, Any], request: Request) -> None:
        """Nothing: an access token rests nowhere, a refresh token is kept when it is made."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Request) -> Request:
        """It is one already."""
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        """As it is."""
        return status, body, headers

    def authenticate_client(
        self, request: Request, methods: list[str], endpoint: str = "token"
    ) -> Client:
        """By the one method it was registered with; 401 whatever is wrong (RFC 6749, 5.2)."""
        _one_way(request)
        try:
            client = super().authenticate_client(request, methods, endpoint)
        except (InvalidClientError, ValueError):
            raise InvalidClientError(
                "The client is not known, or did not prove who it is.", status_code=401
            ) from None
        named = request.payload.client_id
        if named and named != client.id:
            raise InvalidClientError("client_id is of another client.", status_code=401)
        return cast(Client, client)

    # ------------------------------------------------------------------ tokens

    def living(self, allowed: uuid.UUID) -> AllowedRow:
        """The grant, or the refusal: ended, over, its subject's revision raised."""
        found = queries.allowed(self.conn, allowed, self.now)
        if found is None:
            raise InvalidGrantError("What was allowed has ended.")
        return found

    def access_token(self, client: Client, grant: AllowedRow, scope: str) -> tuple[str, int]:
        """A signed token of a grant, and the seconds it lives."""
        try:
            claims = self.office.claims(grant.sub, grant.situation, client.id, scope)
        except UnknownSubject:
            raise InvalidGrantError("What was allowed has ended.") from None
        claims |= {
            "acr": grant.acr,
            "grant": str(grant.id),
            "client_rev": client.row.rev,
            "auth_time": int(grant.authenticated.timestamp()),
            **self.extra,
        }
        lifetime = self.office.lifetime(client, grant.until)
        return self.office.tokens.issue(claims, lifetime=lifetime), lifetime

    def next_refresh(self, grant: AllowedRow) -> str:
        """The next refresh token of a family."""
        secret = new_secret(self.office.random)
        session = grant.made_at + timedelta(hours=SESSION_HOURS)
        last = grant.until or session
        if "offline_access" not in grant.scope.split():  # online_access: while the person is there
            last = min(last, session)
        until = min(last, self.now + timedelta(days=REFRESH_DAYS))
        queries.next_refresh(self.conn, digest(secret), grant.id, self.now, until)
        return secret

    def _generate(
        self,
        grant_type: str,
        client: Client,
        user: AllowedRow,
        scope: str,
        expires_in: int | None,
        include_refresh_token: bool,
    ) -> dict[str, Any]:
        token, lifetime = self.access_token(client, user, scope)
        answer: dict[str, Any] = {
            "access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": scope,
        }  # fmt: skip
        if include_refresh_token and user.offline and GOING_ON & set(user.scope.split()):
            answer["refresh_token"] = self.next_refresh(user)
        if user.cid is not None:
            answer["patient"] = self.office.patient(user.cid)
        queries.used(self.conn, user.id, self.now)
        return answer


def plain(text: object, most: int = 255) -> TypeGuard[str]:
    """Whether it can be an identifier: printed ASCII, not empty."""
    return isinstance(text, str) and 0 < len(text) <= most and text.isascii() and text.isprintable()


def _one_way(request: Request) -> None:
    """A client proves who it is in one way only (RFC 6749, 2.3)."""
    ways = [
        "Authorization" in request.headers,
        "client_secret" in request.form,
        "client_assertion" in request.form or "client_assertion_type" in request.form,
    ]
    if sum(ways) > 1:
        raise InvalidRequestError("The client proves who it is in one way only.")
