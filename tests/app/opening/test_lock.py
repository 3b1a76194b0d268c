# SPDX-License-Identifier: EUPL-1.2
"""The keys of a private instance: under a passphrase, and nowhere else."""

import shutil
from pathlib import Path

import pytest

from carnet.app.opening import lock
from carnet.app.opening.lock import Broken, InUse, TooShort, WrongPassphrase

WORDS = "trois petits mots à moi"
CHEAP = 2**10


def made(data: Path) -> None:
    data.mkdir(exist_ok=True)
    with lock.unlocked(data, WORDS, cost=CHEAP) as unlocked:
        (data / "keys" / "operator.key").write_bytes(b"very secret key")
        assert unlocked.folder != data / "keys"


def test_what_was_in_the_folder_of_keys_comes_back_with_the_passphrase(tmp_path: Path) -> None:
    made(tmp_path)
    with lock.unlocked(tmp_path, WORDS):
        assert (tmp_path / "keys" / "operator.key").read_bytes() == b"very secret key"
        for path in (tmp_path / "keys", tmp_path / "keys" / "operator.key"):
            assert path.stat().st_mode & 0o077 == 0, "another user of the machine reads no key"


def test_neither_keys_nor_passphrase_are_left_on_the_disk(tmp_path: Path) -> None:
    data = tmp_path / "data"
    made(data)
    assert not (data / "keys").exists() and not (data / "keys").is_symlink()
    for path in data.rglob("*"):
        held = path.read_bytes()
        assert b"secret" not in held and WORDS.encode() not in held
    assert (data / lock.NAME).stat().st_mode & 0o077 == 0


def test_a_wrong_passphrase_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    made(tmp_path)
    before = (tmp_path / lock.NAME).read_bytes()
    for wrong in ("trois petits mots", "", WORDS + " ", "x" * 5000):
        with pytest.raises(WrongPassphrase), lock.unlocked(tmp_path, wrong):
            pytest.fail("it was opened")
        assert not lock.matches(tmp_path, wrong)
    assert lock.matches(tmp_path, WORDS)
    assert (tmp_path / lock.NAME).read_bytes() == before


def test_a_lock_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    made(tmp_path)
    path = tmp_path / lock.NAME
    text = path.read_text()
    path.write_text(text.replace(f'"scrypt": {CHEAP}', '"scrypt": 1073741824'))
    with pytest.raises(Broken):
        lock.unseal(tmp_path, WORDS)
    path.write_text("{}")
    with pytest.raises(Broken):
        lock.unseal(tmp_path, WORDS)


def test_a_short_passphrase_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(TooShort), lock.unlocked(tmp_path, "court", cost=CHEAP):
        pytest.fail("it was opened")
    assert not lock.exists(tmp_path)


def test_keys_that_a_killed_run_left_give_way(tmp_path: Path) -> None:
    made(tmp_path)
    left = tmp_path / "left"
    left.mkdir()
    (tmp_path / "keys").symlink_to(left)
    with lock.unlocked(tmp_path, WORDS):
        assert (tmp_path / "keys" / "operator.key").exists()
    assert not left.exists()


def test_a_folder_is_open_once_at_a_time(tmp_path: Path) -> None:
    """A second one would take away the keys of the first."""
    made(tmp_path)
    with lock.unlocked(tmp_path, WORDS):
        with pytest.raises(InUse), lock.unlocked(tmp_path, WORDS):
            pytest.fail("it was opened twice")
        assert (tmp_path / "keys" / "operator.key").exists()
    with lock.unlocked(tmp_path, WORDS):
        assert (tmp_path / "keys" / "operator.key").exists()


def test_wiping_erases_all_of_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    made(data)
    (data / "more").mkdir()
    lock.wipe(data)
    assert not data.exists()


def test_a_wipe_that_is_stopped_has_erased_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a disk that fails leaves of the rest is noise."""
    made(tmp_path)

    def fails(path: Path, **_: object) -> None:
        raise OSError(path)

    monkeypatch.setattr(shutil, "rmtree", fails)
    with pytest.raises(OSError):
        lock.wipe(tmp_path)
    assert not lock.exists(tmp_path)
