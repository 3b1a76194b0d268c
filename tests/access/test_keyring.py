# SPDX-License-Identifier: EUPL-1.2
"""Signing keys: which signs, which verify, what ends when one is changed or has leaked, in every process."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carnet.access import keyring
from carnet.access.keyring import LEAD, MARGIN, Keyring, TooSoon, WrongKeys
from carnet.access.tokens import Tokens, WrongToken

LONGEST = 300
CLAIMS: dict[str, Any] = {
    "sub": "software:lab", "kind": "software", "name": "Labo", "scope": "*", "purpose": "TREAT",
    "acr": "1", "client": "tests", "rev": 1, "org": "Organization/x",
}  # fmt: skip


class Now:
    """A clock that is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture(autouse=True)
def looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "FRESH", 0.0)


def process(folder: Path, now: Now) -> Tokens:
    """What one process has."""
    keys = keyring.load_or_make(folder, now, LONGEST)
    return Tokens(keys, "http://carnet.test", now, lifetime=LONGEST)


def issue(tokens: Tokens) -> str:
    return tokens.issue(CLAIMS, lifetime=LONGEST)


def names(keys: Keyring) -> list[str]:
    return [each["kid"] for each in keys.published()["keys"]]


def test_a_new_key_is_published_first_then_signs_and_the_old_one_verifies_until_its_tokens_are_over(
    tmp_path: Path, now: Now
) -> None:
    one, other = process(tmp_path, now), process(tmp_path, now)
    old = one.keys.signing().kid
    new = keyring.rotate(tmp_path, now, LONGEST, leaked=False).kid
    assert names(one.keys) == names(other.keys) == [old, new]
    assert one.keys.signing().kid == old, "nobody may have its public half yet"
    now.pass_(LEAD - 1)
    last = issue(one)
    now.pass_(1)
    assert one.keys.signing().kid == other.keys.signing().kid == new
    other.verify(last)
    one.verify(issue(other))
    now.pass_(LONGEST + MARGIN - 1)
    assert names(one.keys) == [old, new]
    now.pass_(1)
    assert names(one.keys) == [new], "no token of the old one can be valid"
    one.verify(issue(other))


def test_what_a_leaked_key_signed_ends_at_once_everywhere(tmp_path: Path, now: Now) -> None:
    one, other = process(tmp_path, now), process(tmp_path, now)
    stolen, thief = issue(one), one.keys.signing()
    one.verify(stolen)
    other.verify(stolen)
    keyring.rotate(tmp_path, now, LONGEST, leaked=True)
    for each in (one, other):
        with pytest.raises(WrongToken):
            each.verify(stolen)
        each.verify(issue(one))
    held = json.loads((tmp_path / keyring.FILE).read_text())["keys"]
    assert thief.kid not in [each["key"].get("kid") for each in held]


def test_verified_tokens_that_were_remembered_do_not_outlive_their_key(
    tmp_path: Path, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: changes of the keys are not told."""
    one = process(tmp_path, now)
    stolen = issue(one)
    one.verify(stolen)
    monkeypatch.setattr(Keyring, "look", lambda self: None)
    keyring.rotate(tmp_path, now, LONGEST, leaked=True)
    one.verify(stolen)  # remembered: this is what `look` is for
    monkeypatch.undo()
    monkeypatch.setattr(keyring, "FRESH", 0.0)
    with pytest.raises(WrongToken):
        one.verify(stolen)


def test_a_key_is_not_changed_again_before_it_signs(tmp_path: Path, now: Now) -> None:
    process(tmp_path, now)
    keyring.rotate(tmp_path, now, LONGEST, leaked=False)
    before = (tmp_path / keyring.FILE).read_bytes()
    with pytest.raises(TooSoon):
        keyring.rotate(tmp_path, now, LONGEST, leaked=False)
    assert (tmp_path / keyring.FILE).read_bytes() == before
    now.pass_(LEAD)
    keyring.rotate(tmp_path, now, LONGEST, leaked=False)


def test_a_key_of_an_older_version_goes_on(tmp_path: Path, now: Now) -> None:
    alone = keyring._new()
    (tmp_path / keyring.FILE).write_text(json.dumps(alone.as_dict(private=True)))
    one = process(tmp_path, now)
    assert one.keys.signing().kid == alone.kid
    one.verify(issue(one))
    keyring.rotate(tmp_path, now, LONGEST, leaked=False)
    assert names(one.keys)[0] == alone.kid


def test_two_processes_that_begin_at_once_have_one_key(tmp_path: Path, now: Now) -> None:
    made: list[str | None] = []
    begin = threading.Barrier(8)

    def start() -> None:
        begin.wait()
        made.append(process(tmp_path, now).keys.signing().kid)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 8
    assert len(set(made)) == 1


def test_keys_change_under_load_and_no_token_is_refused(tmp_path: Path, now: Now) -> None:
    one, other = process(tmp_path, now), process(tmp_path, now)
    wrong: list[BaseException] = []
    over = threading.Event()

    rounds = [0, 0]

    def work(at: int, mine: Tokens, theirs: Tokens) -> None:
        try:
            while not over.is_set():
                theirs.verify(issue(mine))
                rounds[at] += 1
        except BaseException as error:  # told below
            wrong.append(error)

    def others() -> None:
        """Each has begun and ended one: none is older than a step of the clock."""
        before = list(rounds)
        while not wrong and any(now < then + 2 for now, then in zip(rounds, before, strict=True)):
            time.sleep(0.0001)

    threads = [
        threading.Thread(target=work, args=each) for each in ((0, one, other), (1, other, one))
    ]
    for each in threads:
        each.start()
    kids = set()
    for _ in range(20):
        kids.add(keyring.rotate(tmp_path, now, LONGEST, leaked=False).kid)
        for _ in range(LEAD // 100):
            now.pass_(100)
            others()
    over.set()
    for each in threads:
        each.join()
    assert wrong == []
    assert len(kids) == 20
    assert len(names(one.keys)) <= 3


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"keys": []}', '{"keys": [{}]}', '{"kty": "OKP"}', "1"]
)
def test_a_file_that_is_no_key_is_told_and_left(tmp_path: Path, now: Now, text: str) -> None:
    path = tmp_path / keyring.FILE
    path.write_text(text)
    with pytest.raises(WrongKeys):
        process(tmp_path, now)
    with pytest.raises(WrongKeys):
        keyring.rotate(tmp_path, now, LONGEST, leaked=True)
    assert path.read_text() == text


def test_a_writing_that_fails_leaves_the_keys_as_they_were(
    tmp_path: Path, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = process(tmp_path, now)
    before = (tmp_path / keyring.FILE).read_bytes()

    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        keyring.rotate(tmp_path, now, LONGEST, leaked=False)
    monkeypatch.undo()
    assert (tmp_path / keyring.FILE).read_bytes() == before
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".new"] == []
    one.verify(issue(one))


def test_the_file_is_its_owners_alone_and_the_public_keys_hold_no_secret(
    tmp_path: Path, now: Now
) -> None:
    one = process(tmp_path, now)
    keyring.rotate(tmp_path, now, LONGEST, leaked=False)
    assert (tmp_path / keyring.FILE).stat().st_mode & 0o777 == 0o600
    for each in one.keys.published()["keys"]:
        assert set(each) == {"kty", "crv", "x", "kid", "use", "alg"}


def test_a_key_that_leaks_while_a_process_begins_is_seen_by_it(
    tmp_path: Path, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    process(tmp_path, now)
    real, once = keyring._load, [True]

    def slow(path: Path) -> tuple[keyring.Held, ...]:
        held = real(path)
        if once.pop() if once else False:
            keyring.rotate(tmp_path, now, LONGEST, leaked=True)
        return held

    monkeypatch.setattr(keyring, "_load", slow)
    late = process(tmp_path, now)
    assert names(late.keys) == names(process(tmp_path, now).keys)
