# SPDX-License-Identifier: EUPL-1.2
"""A provider that is away holds up few; its keys are asked for again once a minute, those known are used."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import KeySet, RSAKey

from carnet.upstream import discovery
from carnet.upstream.discovery import Known, Metadata, Providers
from carnet.upstream.fetching import ProviderAway
from tests.upstream.test_judging import PROVIDER

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}).as_dict(private=False)
OTHER = replace(PROVIDER, key="psc", issuer="https://psc.example")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hospital is away; the other answers."""
    told: list[str] = []

    def read(provider: Any) -> Known:
        told.append(provider.key)
        if provider.key == PROVIDER.key:
            raise ProviderAway
        return Known(Metadata({}, says_iss=False), KeySet([]), time.monotonic(), 0.0)

    monkeypatch.setattr(discovery, "_read", read)
    return told


def away(known: Providers) -> bool:
    try:
        known.known(PROVIDER)
    except ProviderAway:
        return True
    return False


def everybody(known: Providers) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: away(known), range(20)))


def test_twenty_who_come_while_it_is_away_are_one_question(asked: list[str]) -> None:
    everybody(Providers())
    assert asked == [PROVIDER.key]


def test_without_its_rest_each_of_them_would_wait_in_turn(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault the one before is red for."""
    monkeypatch.setattr(discovery, "REST", 0.0)
    everybody(Providers())
    assert len(asked) == 20


def test_one_that_is_slow_holds_up_nobody_of_another(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known, read = Providers(), discovery._read
    reached, answered = threading.Event(), threading.Event()

    def slow(provider: Any) -> Known:
        if provider.key == PROVIDER.key:
            reached.set()
            assert answered.wait(10)
        return read(provider)

    monkeypatch.setattr(discovery, "_read", slow)
    waiting = threading.Thread(target=away, args=(known,))
    waiting.start()
    assert reached.wait(10)
    assert known.known(OTHER).metadata.endpoints == {}
    answered.set()
    waiting.join()


def keys_of(monkeypatch: pytest.MonkeyPatch, said: Callable[[], Any]) -> Any:
    class Answer:
        def get(self, *given: Any, **more: Any) -> None:
            return None

    monkeypatch.setattr(discovery, "session", lambda *given: Answer())
    monkeypatch.setattr(discovery, "member", lambda answer: said())
    return Answer()


def test_a_key_of_a_kind_not_known_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [
        {"kty": "EC", "crv": "P-999", "x": "x", "y": "y"},
        {"kty": "RSA"},
        {"kty": "oct", "k": "eA"},
        KEY,
    ]
    answer = keys_of(monkeypatch, lambda: {"keys": keys})
    metadata = Metadata({"jwks_uri": "https://idp.example/jwks"}, says_iss=False)
    found = discovery._keys(answer, metadata)
    assert [each.kid for each in found.keys] == ["one"]


def test_keys_that_do_not_come_are_not_asked_for_again_within_the_minute(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[int] = []

    def said() -> Any:
        times.append(1)
        raise ProviderAway

    keys_of(monkeypatch, said)
    known = Providers()
    metadata = Metadata({"jwks_uri": "https://psc.example/jwks"}, says_iss=False)
    now = time.monotonic()
    known._known["psc"] = Known(metadata, KeySet([]), now, now - 3600)
    with pytest.raises(ProviderAway):
        known.newer(OTHER)
    assert known.newer(OTHER).keys.keys == []
    assert len(times) == 1
