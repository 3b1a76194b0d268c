# SPDX-License-Identifier: EUPL-1.2
"""A provider that lies, stalls or is somebody else: nobody is logged in, and a calm page says so."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import structlog
from joserfc import jws
from joserfc.jwk import KeySet, RSAKey

from carnet.upstream import fetching
from tests.portal.preview import PreviewParts
from tests.upstream.conftest import BACK, came_back

pytestmark = pytest.mark.db
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
NEVER = "a word no page and no log repeats"


class Lying(ThreadingHTTPServer):
    """says: for a path, what it answers instead (status, headers, body) or does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.nonce = ""
        self.changes: dict[str, Any] = {}
        self.silent: set[str] = set()  # claims its ID token does not have
        self.metadata: dict[str, Any] = {}
        self.instead: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.key = KEY
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def discovery(self) -> dict[str, Any]:
        """What it says of itself."""
        at = self.issuer
        return {
            "issuer": at, "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/jwks", **self.metadata,
        }  # fmt: skip

    def id_token(self) -> str:
        """Of a professional who exists."""
        now = int(time.time())
        said = {
            "iss": self.issuer, "aud": "carnet", "sub": "u-1", "rpps": "10000000001", "exp": now + 300,
            "iat": now, "nonce": self.nonce, "acr": "urn:hospital:two", "auth_time": now, **self.changes,
        }  # fmt: skip
        said = {name: value for name, value in said.items() if name not in self.silent}
        return jws.serialize_compact(
            {"alg": "RS256", "kid": "one"}, json.dumps(said).encode(), self.key, ["RS256"]
        )


class Answers(BaseHTTPRequestHandler):
    server: Lying

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append(path)
        if path in self.server.instead:
            return self.server.instead[path](self)
        if path.endswith("openid-configuration"):
            return send(self, self.server.discovery())
        if path == "/jwks":
            return send(self, KeySet([KEY]).as_dict(private=False))
        if path == "/token":
            return send(self, {
                "access_token": NEVER, "token_type": "Bearer", "id_token": self.server.id_token(),
            })  # fmt: skip
        return send(self, {}, 404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


def send(
    to: BaseHTTPRequestHandler,
    said: Any,
    status: int = 200,
    kind: str = "application/json",
    **headers: str,
) -> None:
    """One answer."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    to.send_response(status)
    to.send_header("content-type", kind)
    to.send_header("content-length", str(len(body)))
    for name, value in headers.items():
        to.send_header(name, value)
    to.end_headers()
    to.wfile.write(body)


@pytest.fixture
def lying() -> Iterator[Lying]:
    one = Lying()
    yield one
    one.shutdown()
    one.server_close()


@pytest.fixture
def client_of(client: Any, plugged: Any, lying: Lying) -> Any:
    """Plugged into the liar."""
    plugged(issuer=lying.issuer)
    return client


def begins(client: Any, lying: Lying) -> dict[str, str]:
    """What the request bears; the liar learns the nonce, as a real one would."""
    answer = client.post("/compte/fournisseur/hopital/")
    assert answer.status_code == 302, answer.content
    asked = dict(parse_qsl(urlsplit(answer["Location"]).query))
    lying.nonce = asked["nonce"]
    return asked


def out(client: Any, answer: Any, *statuses: int) -> None:
    """Nobody is in, and the page is calm."""
    assert answer.status_code in (statuses or (403,)), answer.content
    text = answer.content.decode()
    assert "Connexion non aboutie" in text
    assert NEVER not in text
    assert "eyJ" not in text
    assert "_auth_user_id" not in client.session


def test_when_it_does_not_lie_the_log_in_works(client_of: Any, lying: Lying) -> None:
    asked = begins(client_of, lying)
    assert {"code_challenge", "state", "nonce"} <= set(asked)
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    assert asked["redirect_uri"] == BACK
    answer = came_back(client_of, f"{BACK}?code=c&state={asked['state']}")
    assert answer.status_code == 302
    assert "_auth_user_id" in client_of.session


TOKENS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://other.example"},
    "for another": {"aud": "other"},
    "another log-in": {"nonce": "x" * 43},
    "no nonce": {"nonce": None},
    "over": {"exp": 1},
    "sub is a list": {"sub": ["u-1"]},
}


@pytest.mark.parametrize("how", TOKENS)
def test_a_wrong_id_token_opens_nothing(client_of: Any, lying: Lying, how: str) -> None:
    asked = begins(client_of, lying)
    lying.changes = TOKENS[how]
    out(client_of, came_back(client_of, f"{BACK}?code=c&state={asked['state']}"))


def test_a_token_of_another_key_of_the_same_name_opens_nothing(
    client_of: Any, lying: Lying
) -> None:
    asked = begins(client_of, lying)
    lying.key = OTHER
    out(client_of, came_back(client_of, f"{BACK}?code=c&state={asked['state']}"))


def slow(to: BaseHTTPRequestHandler) -> None:
    """A byte now and then."""
    to.send_response(200)
    to.end_headers()
    for _ in range(16):
        try:
            to.wfile.write(b" ")
        except OSError:
            return
        time.sleep(0.05)


def huge(to: BaseHTTPRequestHandler) -> None:
    """More than anybody has keys."""
    to.send_response(200)
    to.end_headers()
    try:
        for _ in range(50):
            to.wfile.write(b"x" * 1_000_000)
    except OSError:
        return


INSTEAD: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
    "html": lambda to: send(to, b"<h1>Hello</h1>", kind="text/html"),
    "a list": lambda to: send(to, []),
    "nothing": lambda to: send(to, b""),
    "not found": lambda to: send(to, {}, 404),
    "an error of theirs": lambda to: send(to, b"Traceback", 500),
    "a redirect elsewhere": lambda to: send(to, {}, 302, location="https://other.example/"),
    "a member twice": lambda to: send(to, b'{"issuer": "x", "issuer": "y"}'),
    "an oauth error": lambda to: send(
        to, {"error": "invalid_grant", "error_description": NEVER}, 400
    ),
    "no tokens": lambda to: send(to, {"access_token": NEVER}),
    "numbers for tokens": lambda to: send(to, {"access_token": 1, "id_token": 2}),
    "huge": huge,
    "slow": slow,
}


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "WHOLE", 0.3)


@pytest.mark.parametrize("how", INSTEAD)
def test_a_token_endpoint_that_answers_something_else(
    client_of: Any, lying: Lying, hurried: None, how: str
) -> None:
    asked = begins(client_of, lying)
    lying.instead["/token"] = INSTEAD[how]
    out(client_of, came_back(client_of, f"{BACK}?code=c&state={asked['state']}"), 403, 503)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
@pytest.mark.parametrize("how", INSTEAD)
def test_a_discovery_or_keys_that_are_something_else(
    client_of: Any, lying: Lying, hurried: None, how: str, path: str
) -> None:
    lying.instead[path] = INSTEAD[how]
    out(client_of, client_of.post("/compte/fournisseur/hopital/"), 403, 503)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"issuer": None},
        {"token_endpoint": "https://other.example/token"},
        {"token_endpoint": "http://127.0.0.1:1/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": "https://other.example/jwks"},
        {"jwks_uri": "http://127.0.0.1:x/jwks"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": 7},
        {"jwks_uri": None},
    ],
    ids=repr,
)
def test_an_address_of_somebody_else_is_not_asked(
    client_of: Any, lying: Lying, metadata: dict[str, Any]
) -> None:
    lying.metadata = metadata
    out(client_of, client_of.post("/compte/fournisseur/hopital/"))


def test_an_answer_that_says_who_it_is_from_says_the_right_one(
    client_of: Any, lying: Lying
) -> None:
    asked = begins(client_of, lying)
    wrong = came_back(client_of, f"{BACK}?code=c&state={asked['state']}&iss=https://other.example")
    out(client_of, wrong, 400)
    lying.metadata = {"authorization_response_iss_parameter_supported": True}


@pytest.mark.parametrize(
    "answer",
    [
        "", "?code=c", "?state=x&code=c", "?code=c&state={state}&state={state}",
        "?code=c&code=d&state={state}",
        "?state={state}", "?error=access_denied&error_description=<script>&state={state}",
        "?error=server_error&state={state}&code=c", "?code=&state={state}",
    ],
)  # fmt: skip
def test_an_answer_nobody_asked_for(client_of: Any, lying: Lying, answer: str) -> None:
    asked = begins(client_of, lying)
    got = came_back(client_of, BACK + answer.format(state=asked["state"]))
    out(client_of, got, 400, 403)
    assert "<script>" not in got.content.decode()


def test_an_answer_that_comes_too_late(client_of: Any, lying: Lying) -> None:
    asked = begins(client_of, lying)
    session = client_of.session
    session["upstream"][asked["state"]]["at"] -= 700
    session.save()
    out(client_of, came_back(client_of, f"{BACK}?code=c&state={asked['state']}"), 400)


def test_an_answer_of_one_provider_is_of_no_other(client_of: Any, lying: Lying) -> None:
    """Mix-up: the state of a log-in begun with the hospital, at the address of another."""
    asked = begins(client_of, lying)
    other = BACK.replace("hopital", "psc")
    out(client_of, came_back(client_of, f"{other}?code=c&state={asked['state']}"), 400)


def test_a_level_and_a_time_are_those_of_the_signed_token(
    client: Any, plugged: Any, lying: Lying
) -> None:
    from carnet.portal.accounts.proofs import AUTHENTICATED, UPSTREAM

    plugged("userinfo = true\n", issuer=lying.issuer)
    lying.metadata = {"userinfo_endpoint": f"{lying.issuer}/userinfo"}
    more = {"sub": "u-1", "acr": "urn:hospital:two", "auth_time": int(time.time())}
    lying.instead["/userinfo"] = lambda to: send(to, more)
    lying.silent = {"acr", "auth_time"}
    asked = begins(client, lying)
    came_back(client, f"{BACK}?code=c&state={asked['state']}")
    assert not client.session.get(UPSTREAM)
    lying.silent = {"auth_time"}
    lying.changes = {"auth_time": 10**400}
    asked = begins(client, lying)
    came_back(client, f"{BACK}?code=c&state={asked['state']}")
    assert list(client.session[UPSTREAM].values()) == ["carnet:3"]
    assert client.session[AUTHENTICATED] == 0


@pytest.mark.parametrize("aud", ["other", ["other"], None])
def test_a_signed_userinfo_made_for_another_opens_nothing(
    client: Any, plugged: Any, lying: Lying, aud: Any
) -> None:
    plugged("userinfo = true\n", issuer=lying.issuer)
    lying.metadata = {"userinfo_endpoint": f"{lying.issuer}/userinfo"}
    body = json.dumps({"sub": "u-1", "iss": lying.issuer, "aud": aud}).encode()
    made = jws.serialize_compact({"alg": "RS256", "kid": "one"}, body, KEY, ["RS256"])
    lying.instead["/userinfo"] = lambda to: send(to, made.encode(), 200, "application/jwt")
    asked = begins(client, lying)
    out(client, came_back(client, f"{BACK}?code=c&state={asked['state']}"))


def test_no_log_says_a_code_a_token_or_a_claim(
    client_of: Any,
    lying: Lying,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from carnet.portal.upstream import views

    lines: list[str] = []

    def kept(_: object, __: str, event: Any) -> str:
        lines.append(str(event))
        return ""

    # A wrapper of its own: the default is what another test of this process configured,
    # which may hear nothing below an error.
    wrapper = structlog.make_filtering_bound_logger(0)
    heard = structlog.wrap_logger(structlog.ReturnLogger(), [kept], wrapper)
    monkeypatch.setattr(views, "log", heard)
    asked = begins(client_of, lying)
    lying.changes = {"nonce": "x", "family_name": NEVER}
    came_back(client_of, f"{BACK}?code=secretcode&state={asked['state']}")
    lying.instead["/token"] = INSTEAD["an oauth error"]
    asked = begins(client_of, lying)
    came_back(client_of, f"{BACK}?code=secretcode&state={asked['state']}")
    said = "".join(lines) + caplog.text
    assert said.count("upstream refused") == 2
    for word in (NEVER, "secretcode", "eyJ", asked["state"], "10000000001"):
        assert word not in said


def test_another_site_begins_no_log_in_here(site: PreviewParts, client_of: Any) -> None:
    from django.test import Client

    strict = Client(enforce_csrf_checks=True, raise_request_exception=False, HTTP_HOST="localhost")
    assert strict.post("/compte/fournisseur/hopital/").status_code == 403
    assert strict.get("/compte/fournisseur/hopital/").status_code == 405
