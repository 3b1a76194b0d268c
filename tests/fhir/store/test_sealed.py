# SPDX-License-Identifier: EUPL-1.2
"""What rests is sealed: hashes, bodies, compartments' keys, key files, attachments."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from carnet.fhir.store import bodies, keys
from carnet.fhir.store.attachments import Attachments
from carnet.fhir.store.cursors import Cursors, WrongCursor
from carnet.fhir.store.hashes import ANY, Hasher
from carnet.fhir.store.rows import Attachment
from carnet.fhir.store.vault import Vault

KEY = AESGCM(b"k" * 32)
BODY = b'{"resourceType":"Observation","id":"a","valueQuantity":{"value":72.50}}'


# ---------------------------------------------------------------------------------------- hashes


def test_hashes_depend_on_the_key_and_on_everything_they_are_of() -> None:
    hasher = Hasher(b"h" * 32)
    found = [
        hasher.token(1, 2, "s", "c"), hasher.token(1, 2, None, "c"), hasher.token(1, 2, ANY, "c"),
        hasher.token(1, 3, "s", "c"), hasher.token(2, 2, "s", "c"), hasher.token(1, 2, "s", "d"),
        hasher.token(1, -2, "s", "c"), hasher.system(1, 2, "s"), hasher.reference(1, 2, "s|c"),
        hasher.uri(1, 2, "s|c"), hasher.start(1, 2, "s|c"), hasher.client_id(1, "2|s|c"),
        Hasher(b"i" * 32).token(1, 2, "s", "c"),
    ]  # fmt: skip
    assert len(set(found)) == len(found)
    assert all(-(2**63) <= number < 2**63 for number in found)
    assert hasher.token(1, 2, "s", "c") == found[0]
    assert len(hasher.long(b"x")) == 16


@pytest.mark.parametrize(
    ("one", "other"), [((11, 2), (1, 12)), ((1, 22), (12, 2)), ((1, 2), (12, 0))]
)
def test_numbers_side_by_side_do_not_run_together(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    hasher = Hasher(b"h" * 32)
    assert hasher.token(*one, "", "c") != hasher.token(*other, "", "c")


# ---------------------------------------------------------------------------------------- bodies


@given(st.binary(max_size=2000))
def test_a_body_comes_back_byte_for_byte(plain: bytes) -> None:
    number, sealed = bodies.seal(KEY, 1, 2, 3, plain)
    assert bodies.unseal(KEY, 1, 2, 3, number, sealed) == plain


def test_a_body_opens_only_in_its_own_place() -> None:
    number, sealed = bodies.seal(KEY, 1, 2, 3, BODY)
    assert b"Observation" not in sealed
    for place in ((9, 2, 3), (1, 9, 3), (1, 2, 9)):
        with pytest.raises(bodies.Damaged):
            bodies.unseal(KEY, *place, number, sealed)
    for broken in (sealed[:-1], sealed[:12], b"", bytes([sealed[0] ^ 1]) + sealed[1:]):
        with pytest.raises((bodies.Damaged, ValueError)):
            bodies.unseal(KEY, 1, 2, 3, number, broken)
    with pytest.raises(bodies.Damaged):
        bodies.unseal(AESGCM(b"x" * 32), 1, 2, 3, number, sealed)


def test_the_same_body_is_sealed_otherwise_each_time() -> None:
    assert bodies.seal(KEY, 1, 2, 3, BODY) != bodies.seal(KEY, 1, 2, 3, BODY)


# ----------------------------------------------------------------------------------------- vault


def test_a_compartments_key_is_its_own_and_wrapped() -> None:
    vault = Vault(b"o" * 32)
    first, second = vault.make(1), vault.make(2)
    vault.use(1, first)
    sealed = vault.use(1, first).encrypt(b"n" * 12, b"x", None)
    assert Vault(b"o" * 32).use(1, first).decrypt(b"n" * 12, sealed, None) == b"x"
    with pytest.raises(bodies.Damaged):
        vault.use(2, first)  # put in another's place
    with pytest.raises(bodies.Damaged):
        Vault(b"p" * 32).use(1, first)
    assert vault.at_hand([1, 2]) is None
    vault.use(2, second)
    assert set(vault.at_hand([1, 2]) or ()) == {1, 2}
    vault.forget(1)
    assert vault.at_hand([1]) is None


# ------------------------------------------------------------------------------------------ keys


def test_keys_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = keys.load_or_make(folder)
    assert keys.load_or_make(folder) == made
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made.operator not in repr(made).encode() and "Keyring object" in repr(made)
    assert len({made.operator, made.ids, made.hashes, made.cursors, made.context}) == 5


@pytest.mark.parametrize("missing", ["operator.key", "installation.json"])
def test_half_the_keys_are_never_made_again(tmp_path: Path, missing: str) -> None:
    """New keys beside an old database would make everything unreadable, quietly."""
    keys.load_or_make(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(keys.WrongKeys):
        keys.load_or_make(tmp_path)


@pytest.mark.parametrize("name", list(keys.LENGTHS))
def test_a_key_of_another_length_is_refused(tmp_path: Path, name: str) -> None:
    keys.load_or_make(tmp_path)
    found = json.loads((tmp_path / "installation.json").read_text())
    found[name] = found[name][4:]
    (tmp_path / "installation.json").write_text(json.dumps(found))
    with pytest.raises(keys.WrongKeys):
        keys.load_or_make(tmp_path)


# ----------------------------------------------------------------------------------- attachments


def test_an_attachment_is_sealed_named_by_its_digest_and_comes_back(tmp_path: Path) -> None:
    store = Attachments(tmp_path / "files")
    found = store.write(KEY, 1, 2, b"%PDF secret")
    (path,) = [each for each in (tmp_path / "files").rglob("*") if each.is_file()]
    assert path.name == found.address.hex() and found.size == 11
    assert b"secret" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert store.read(KEY, 1, 2, found) == b"%PDF secret"
    for place in ((2, 2), (1, 3)):
        with pytest.raises(bodies.Damaged):
            store.read(KEY, *place, found)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(bodies.Damaged):
        store.read(KEY, 1, 2, found)
    store.remove(found.address)
    store.remove(found.address)
    with pytest.raises(bodies.Damaged):
        store.read(KEY, 1, 2, Attachment(found.address, found.digest, found.size))


def test_old_files_are_told_and_unfinished_ones_removed(tmp_path: Path) -> None:
    store = Attachments(tmp_path)
    old, new = store.write(KEY, 1, 2, b"old"), store.write(KEY, 1, 2, b"new")
    (path,) = tmp_path.rglob(old.address.hex())
    unfinished = path.with_suffix(".1.aa")
    unfinished.write_bytes(b"x")
    for each in (path, unfinished):
        os.utime(each, (1, 1))
    assert list(store.older_than(60)) == [old.address]
    assert not unfinished.exists()
    assert store.read(KEY, 1, 2, new) == b"new"


# --------------------------------------------------------------------------------------- cursors


def test_a_page_link_is_the_same_for_the_same_place_and_of_one_search() -> None:
    cursors = Cursors(b"c" * 64)
    text = cursors.write("Observation", "2026-01-01", 5, 6)
    assert text == cursors.write("Observation", "2026-01-01", 5, 6)
    assert cursors.read(text, "Observation") == ("2026-01-01", 5, 6)
    for other, rtype in ((text, "Patient"), (text[:-2], "Observation"), ("", "Observation"),
                         ("é", "Observation"), (text + "AAAA", "Observation")):  # fmt: skip
        with pytest.raises(WrongCursor):
            cursors.read(other, rtype)
