# SPDX-License-Identifier: EUPL-1.2
"""The authorization code: what may be asked, and the code that is used once.

Sources: RFC 6749, 4.1; RFC 7636 (S256, of every client); RFC 9700; SMART App Launch 2.2.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    grants,
)
from authlib.oauth2.rfc7636 import CodeChallenge

from carnet.oauth import identity, queries
from carnet.oauth.clients import Client
from carnet.oauth.queries import AllowedRow, CodeRow
from carnet.oauth.requests import Asked, digest
from carnet.oauth.server import Request, Server

METHODS = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
LONGEST = {"state": 1024, "nonce": 255, "launch": 128, "acr_values": 255, "login_hint": 255,
           "ui_locales": 64, "scope": 4096}  # fmt: skip
PROMPTS = frozenset(("login", "consent", "select_account"))


class AskedFromPerson(OAuth2Error):  # type: ignore[misc]
    """OpenID Connect, 3.1.2.6: a person is always asked here."""

    error = "interaction_required"


class NotSupported(OAuth2Error):  # type: ignore[misc]
    """OpenID Connect, 6: requests by object are not taken."""

    error = "request_not_supported"


class Code:
    """A code, as Authlib asks about it."""

    def __init__(self, row: CodeRow, grant: AllowedRow) -> None:
        self.row, self.grant = row, grant
        self.code_challenge = row.challenge
        self.code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        """That of the request."""
        return self.row.redirect

    def get_scope(self) -> str:
        """What was allowed."""
        return self.grant.scope


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """Authorization code."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    server: Server
    request: Request

    def query_authorization_code(self, code: str, client: Client) -> Code:
        """A code of this client that nobody used; a second use ends all that the first gave."""
        row = queries.code(self.server.conn, digest(code))
        if row is not None and row.used_at is not None:
            queries.end(self.server.conn, row.allowed, "code-reuse", self.server.now)
        if (
            row is None
            or row.used_at is not None
            or row.client != client.id
            or row.until <= self.server.now
        ):
            raise InvalidGrantError("The code is not known, was used, is over or is of another.")
        return Code(row, self.server.living(row.allowed))

    def authenticate_user(self, authorization_code: Code) -> AllowedRow:
        """In whose name: the grant itself."""
        return authorization_code.grant

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It is used now."""
        if not queries.code_used(self.server.conn, authorization_code.row.hash, self.server.now):
            raise InvalidGrantError("The code was used.")

    def create_token_response(self) -> Any:
        """The tokens, the identity of the person when it was asked, and what the launch says."""
        status, body, headers = super().create_token_response()
        code: Code = self.request.authorization_code
        client: Client = self.request.client
        said = {name: each for name, each in code.row.context.items() if name not in body}
        body |= said
        if "openid" in code.get_scope().split():
            body["id_token"] = identity.token(self.server, client, code.grant, code.row.nonce)
        return status, body, headers


class Proof(CodeChallenge):  # type: ignore[misc]
    """PKCE of every client, by S256 alone."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"

    def __init__(self) -> None:
        super().__init__(required=True)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Both parameters are there; Authlib lets a request without them pass."""
        asked = grant.request.payload.data
        if "code_challenge" not in asked or asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE is required: code_challenge, and S256 as its method.")
        if len(asked["code_challenge"]) != 43:
            raise InvalidRequestError("A challenge of S256 is 43 characters.")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: CodeGrant, result: Any) -> None:
        """There always is one."""
        if "code_verifier" not in grant.request.form:
            raise InvalidGrantError("code_verifier is missing.")
        super().validate_code_verifier(grant, result)


def asked(server: Server, request: Request) -> Asked:
    """A request of the authorization endpoint, checked; OAuth2Error, whose redirect is set once trusted."""
    grant = server.get_consent_grant(request)
    try:
        return _checked(server, request, grant.redirect_uri)
    except OAuth2Error as error:
        error.redirect_uri, error.state = grant.redirect_uri, request.payload.state
        raise


def _checked(server: Server, request: Request, redirect_uri: str) -> Asked:
    said = request.form
    for name, most in LONGEST.items():
        if len(said.get(name, "")) > most:
            raise InvalidRequestError(f"{name} is too long.")
    if "request" in said or "request_uri" in said or "registration" in said:
        raise NotSupported("Parameters go in the address.")
    if said.get("response_mode", "query") != "query":
        raise InvalidRequestError("The answer goes in the query.")
    scope = str(request.scope)
    _addressed(server, said, scope)
    _launched(server, said, request.payload.client_id, scope.split())
    return Asked(
        client=request.payload.client_id,
        redirect_uri=redirect_uri,
        scope=scope,
        challenge=said["code_challenge"],
        prompt=_prompt(said),
        max_age=_max_age(said),
        **{name: said.get(name, "") for name in LONGEST if name != "scope"},
    )


def _addressed(server: Server, said: dict[str, str], scope: str) -> None:
    """An application says which server it believes it speaks to (SMART `aud`, RFC 8707 `resource`)."""
    named = [said[name] for name in ("aud", "resource") if name in said]
    if any(each not in server.office.bases for each in named):
        raise InvalidRequestError("aud is another server than this one.")
    if not named and any("/" in word for word in scope.split()):
        raise InvalidRequestError("aud is missing: the address of this FHIR server.")


def _launched(server: Server, said: dict[str, str], client: str, scopes: list[str]) -> None:
    launch = said.get("launch")
    if (launch is not None) != ("launch" in scopes):
        raise InvalidScopeError("The scope launch goes with the parameter launch.")
    if any(word.startswith("system/") for word in scopes):
        raise InvalidScopeError("system/ scopes are for software with its own credentials.")
    if launch is not None and not queries.launched(server.conn, digest(launch), client, server.now):
        raise InvalidRequestError("This launch is over, or is of another application.")


def _prompt(said: dict[str, str]) -> str:
    words = said.get("prompt", "").split()
    if words == ["none"]:
        raise AskedFromPerson("The person is always asked.")
    if not set(words) <= PROMPTS:
        raise InvalidRequestError("prompt is none, login, consent or select_account.")
    return " ".join(words)


def _max_age(said: dict[str, str]) -> int | None:
    text = said.get("max_age")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidRequestError("max_age is a number of seconds.")
    return int(text)
