# SPDX-License-Identifier: EUPL-1.2
"""What an ID token may not say, each thing alone wrong; and what a log-out token may not."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, RSAKey

from carnet.upstream import judging
from carnet.upstream.fetching import WrongProvider
from carnet.upstream.judging import LOGGED_OUT, Expected, UnknownKey, judge, logged_out
from carnet.upstream.providers import Provider

NOW = time.time()
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
CURVE = ECKey.generate_key("P-256", {"kid": "curve", "use": "sig"})
KEYS = KeySet([KEY, CURVE])
ISSUER, US, NONCE = "https://idp.example/realm", "carnet", "n" * 43
PROVIDER = Provider(
    "hopital", {"fr": "x"}, ISSUER, US, Path("x"), None, ("openid",), (), {"two": "carnet:3"},
    ("RS256", "ES256"), frozenset({"professional"}), "rpps", "rpps", "", False, None,
)  # fmt: skip
EXPECTED = Expected(NONCE, NOW)
GONE = object()


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good token, changed; GONE: not there."""
    made = {
        "iss": ISSUER, "aud": US, "sub": "u-1", "exp": int(NOW) + 300, "iat": int(NOW) - 1,
        "nonce": NONCE, "acr": "two", "auth_time": int(NOW) - 5, **changes,
    }  # fmt: skip
    return {name: value for name, value in made.items() if value is not GONE}


def token(
    payload: dict[str, Any] | bytes, key: Any = KEY, alg: str = "RS256", **header: Any
) -> str:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    kid = {"kid": key.kid} if key.kid else {}
    return jws.serialize_compact({"alg": alg, **kid, **header}, body, key, [alg])


def none(payload: dict[str, Any]) -> str:
    """Unsigned."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(payload)}."


def test_a_right_token_is_believed() -> None:
    assert judge(token(claims()), PROVIDER, KEYS, EXPECTED)["sub"] == "u-1"
    assert judge(token(claims(), CURVE, "ES256"), PROVIDER, KEYS, EXPECTED)["sub"] == "u-1"
    both = claims(aud=[US, "other"], azp=US)
    assert judge(token(both), PROVIDER, KEYS, EXPECTED)["sub"] == "u-1"
    lately = Expected(NONCE, NOW, oldest=60)
    assert judge(token(claims()), PROVIDER, KEYS, lately)["sub"] == "u-1"


RETYPED: tuple[Any, ...] = (None, True, "", [], {}, 0, -1, 10**13, "1", ["x"], "x" * 300)
WRONG: list[tuple[str, Any]] = [
    ("iss", GONE), ("iss", ISSUER + "/"), ("iss", [ISSUER]), ("iss", None),
    ("aud", GONE), ("aud", "other"), ("aud", ["other"]), ("aud", [US, "other"]), ("aud", [US, 1]),
    ("aud", {"x": US}), ("aud", None), ("aud", []), ("azp", "other"), ("azp", None), ("azp", [US]),
    ("sub", GONE), *(("sub", each) for each in RETYPED if each not in ("1",)),
    ("exp", GONE), *(("exp", each) for each in RETYPED), ("exp", int(NOW) - 61), ("exp", int(NOW) - 3600),
    ("iat", GONE), *(("iat", each) for each in RETYPED), ("iat", int(NOW) + 120), ("iat", int(NOW) - 900),
    ("nbf", int(NOW) + 120), ("nbf", "x"), ("nbf", True),
    ("nonce", GONE), ("nonce", "m" * 43), ("nonce", NONCE + "n"), ("nonce", [NONCE]), ("nonce", None),
    ("acr", 3), ("acr", ["two"]), ("acr", None), ("at_hash", "x"), ("at_hash", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), WRONG, ids=[f"{name} {n}" for n, (name, _) in enumerate(WRONG)]
)
def test_one_claim_wrong_is_enough(name: str, value: Any) -> None:
    with pytest.raises(WrongProvider):
        judge(token(claims(**{name: value})), PROVIDER, KEYS, EXPECTED)


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp", "nonce"])
def test_a_claim_said_twice_is_refused(name: str) -> None:
    said = claims()
    body = json.dumps(said)[:-1] + f", {json.dumps(name)}: {json.dumps(said[name])}}}"
    with pytest.raises(WrongProvider):
        judge(token(body.encode()), PROVIDER, KEYS, EXPECTED)


@pytest.mark.parametrize(
    "at",
    [GONE, int(NOW) - 3600, int(NOW) + 3600, "x", True],
    ids=["gone", "old", "to come", "text", "true"],
)
def test_who_proves_it_again_did_so_just_now(at: Any) -> None:
    with pytest.raises(WrongProvider):
        judge(token(claims(auth_time=at)), PROVIDER, KEYS, Expected(NONCE, NOW, oldest=60))


def by_hand(header: dict[str, Any], key: RSAKey | bytes) -> str:
    """What no library would sign."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=")
        for each in (header, claims())
    ]
    body = b".".join(parts)
    if isinstance(key, bytes):
        made = hmac.digest(key, body, "sha256")
    else:
        made = key.as_bytes(private=True)
        signer = load_pem_private_key(made, None)
        assert isinstance(signer, RSAPrivateKey)
        made = signer.sign(body, PKCS1v15(), SHA256())
    return b".".join([body, base64.urlsafe_b64encode(made).rstrip(b"=")]).decode()


def test_what_is_signed_by_hand_is_signed() -> None:
    assert judge(by_hand({"alg": "RS256", "kid": "one"}, KEY), PROVIDER, KEYS, EXPECTED)


SIGNED: dict[str, Callable[[], str]] = {
    "nobody": lambda: none(claims()),
    "with the public key as a secret": lambda: by_hand(
        {"alg": "HS256", "kid": "one"}, KEY.as_pem(private=False)
    ),
    "by another key of the same name": lambda: token(claims(), OTHER),
    "by a key it brings": lambda: token(claims(), OTHER, jwk=OTHER.as_dict(private=False)),
    "by an algorithm the file does not allow": lambda: token(claims(), KEY, "PS256"),
    "with a header we must understand": lambda: by_hand(
        {"alg": "RS256", "kid": "one", "crit": ["exp"], "exp": 1}, KEY
    ),
    "by the other kind of key": lambda: token(claims(), CURVE, "ES256", kid="one"),
    "as a list": lambda: token(b"[]"),
    "nothing": lambda: "",
    "words": lambda: "é.é.é",
    "too long": lambda: token(claims(x="y" * 20_000)),
}


@pytest.mark.parametrize("how", SIGNED)
def test_what_no_key_of_theirs_signed_is_refused(how: str) -> None:
    with pytest.raises(WrongProvider):
        judge(SIGNED[how](), PROVIDER, KEYS, EXPECTED)


@pytest.mark.parametrize("kid", ["../../etc/passwd", "two", "", 7, ["one"]])
def test_a_key_it_does_not_have_is_asked_for_again_and_no_other_is_tried(kid: Any) -> None:
    made = token(claims())
    _, body, signature = made.split(".")
    header = (
        base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": kid}).encode())
        .rstrip(b"=")
        .decode()
    )
    with pytest.raises(WrongProvider):
        judge(f"{header}.{body}.{signature}", PROVIDER, KEYS, EXPECTED)
    if isinstance(kid, str):
        with pytest.raises(UnknownKey):
            judge(f"{header}.{body}.{signature}", PROVIDER, KEYS, EXPECTED)


def test_a_judge_that_does_not_compare_the_nonce_believes_what_was_stolen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fault the table above would be red for."""
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: True)
    assert judge(token(claims(nonce="m" * 43)), PROVIDER, KEYS, EXPECTED)


def test_a_judge_that_takes_the_algorithm_of_the_token_believes_one_the_file_refuses() -> None:
    """The fault the table above would be red for: the list of the file is not read."""
    made = SIGNED["by an algorithm the file does not allow"]()
    said = str(jws.extract_compact(made.encode()).headers()["alg"])
    assert judge(made, replace(PROVIDER, algorithms=(said,)), KEYS, EXPECTED)


def test_a_judge_that_tries_a_key_the_token_does_not_name_believes_its_signature(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = by_hand({"alg": "RS256", "kid": "two"}, KEY)
    with pytest.raises(UnknownKey):
        judge(made, PROVIDER, KEYS, EXPECTED)
    monkeypatch.setattr(judging, "_key", lambda header, keys: keys.keys[0])
    assert judge(made, PROVIDER, KEYS, EXPECTED)


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("_ours", {"aud": "other"}), ("_ours", {"iss": "https://other.example"}), ("_ours", {"azp": "other"}),
        ("_times", {"exp": int(NOW) - 3600}), ("_times", {"nbf": int(NOW) + 120}),
    ],
    ids=lambda changes: " ".join(changes) if isinstance(changes, dict) else None,
)  # fmt: skip
def test_without_each_comparison_the_table_is_red(
    monkeypatch: pytest.MonkeyPatch, fault: str, changes: dict[str, Any]
) -> None:
    monkeypatch.setattr(judging, fault, lambda claims, given: None)
    assert judge(token(claims(**changes)), PROVIDER, KEYS, EXPECTED)


def leaving(**changes: Any) -> dict[str, Any]:
    return claims(
        **{"nonce": GONE, "jti": "j-1", "sid": "s-1", "events": {LOGGED_OUT: {}}, **changes}
    )


def test_a_right_log_out_is_believed() -> None:
    said = logged_out(token(leaving(), typ="logout+jwt"), PROVIDER, KEYS, NOW)
    assert (said["sub"], said["sid"]) == ("u-1", "s-1")
    assert logged_out(token(leaving(sid=GONE)), PROVIDER, KEYS, NOW)["sub"] == "u-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": NONCE}, {"events": GONE}, {"events": {}}, {"events": {LOGGED_OUT: 1}}, {"jti": GONE},
        {"sub": GONE, "sid": GONE}, {"sub": 1}, {"sid": ""}, {"aud": "other"}, {"iss": "x"},
        {"exp": int(NOW) - 120}, {"iat": int(NOW) - 900},
    ],
    ids=lambda changes: " ".join(changes) if isinstance(changes, dict) else None,
)  # fmt: skip
def test_an_id_token_or_a_wrong_one_logs_nobody_out(changes: dict[str, Any]) -> None:
    with pytest.raises(WrongProvider):
        logged_out(token(leaving(**changes)), PROVIDER, KEYS, NOW)
    with pytest.raises(WrongProvider):
        logged_out(token(claims()), PROVIDER, KEYS, NOW)
