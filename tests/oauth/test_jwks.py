# SPDX-License-Identifier: EUPL-1.2
"""The public keys at /oauth/jwks, and the commands that change them."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.routing import Route
from typer.testing import CliRunner

from carnet.access import door, keyring
from carnet.access.tokens import Tokens
from carnet.cli import app
from carnet.oauth.routes import jwks
from tests.access.test_keyring import CLAIMS

pytestmark = pytest.mark.anyio


async def test_whoever_has_the_public_keys_verifies_our_tokens(tmp_path: Path) -> None:
    keys = keyring.load_or_make(tmp_path, door.now, 300)
    token = Tokens(keys, "http://carnet.test", door.now, lifetime=300).issue(CLAIMS, lifetime=60)
    served = Starlette(routes=[Route("/jwks", jwks, methods=["GET"])])
    served.state.keys = keys
    transport = httpx.ASGITransport(served)
    async with httpx.AsyncClient(transport=transport, base_url="http://carnet.test") as client:
        answer = await client.get("/jwks")
        assert (await client.post("/jwks")).status_code == 405
        assert (await client.get("/signing.json")).status_code == 404
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert '"d"' not in answer.text, "the secret half"
    found = jwt.decode(token, KeySet.import_key_set(answer.json()), algorithms=["Ed25519"])
    assert found.claims["sub"] == CLAIMS["sub"]


def test_keys_are_shown_and_changed_by_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARNET_DATA", str(tmp_path))

    def call(*words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["keys", *words])
        return done.exit_code, done.stdout.strip(), done.stderr

    code, said, _ = call("show")
    [first] = signing(said)
    assert code == 0
    code, second, _ = call("rotate")
    assert code == 0
    assert signing(call("show")[1]) == [first, second]
    code, said, told = call("rotate")
    assert (code, said) == (1, "")
    assert "does not sign yet" in told
    code, third, _ = call("rotate", "--leaked")
    assert code == 0
    assert signing(call("show")[1]) == [third]
    assert len(json.loads(call("show")[1])["keys"]) == 2, "and that of ID tokens"


def test_keys_of_an_older_version_get_one_for_id_tokens(tmp_path: Path) -> None:
    keys = keyring.load_or_make(tmp_path, door.now, 300)
    path = tmp_path / keyring.FILE
    said = json.loads(path.read_text())
    path.write_text(
        json.dumps({"keys": [{n: each[n] for n in ("key", "made")} for each in said["keys"]]})
    )
    again = keyring.load_or_make(tmp_path, door.now, 300)
    assert again.signing().kid == keys.signing().kid
    assert again.identity().kid == keyring.load_or_make(tmp_path, door.now, 300).identity().kid
    assert {each["alg"] for each in again.public()["keys"]} == {"Ed25519", "RS256"}
    assert '"d"' not in json.dumps(again.public())


def signing(shown: str) -> list[str]:
    """Names of the keys that sign access tokens."""
    return [each["kid"] for each in json.loads(shown)["keys"] if each["kty"] == "OKP"]
