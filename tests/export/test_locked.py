# SPDX-License-Identifier: EUPL-1.2
"""The copy an operator hands over: only its person opens it, and it has its name once it is whole."""

from __future__ import annotations

import asyncio
import hmac
import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from hashlib import pbkdf2_hmac
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from typer.testing import CliRunner, Result

from carnet.cli import app
from carnet.export import locked
from tests.space import Space

CODE = "correct horse battery"


async def chunks(*given: bytes, fails: bool = False) -> AsyncIterator[bytes]:
    for each in given:
        yield each
    if fails:
        raise ValueError("no more")


def opened(data: bytes, code: str) -> bytes:
    """By the book of AE-2, block by block."""
    (entry,) = zipfile.ZipFile(io.BytesIO(data)).infolist()
    name, extra = struct.unpack("<HH", data[26:30])
    start = 30 + name + extra
    sealed = data[start : start + entry.compress_size]
    made = pbkdf2_hmac("sha1", code.encode(), sealed[:16], 1000, 66)
    if made[64:] != sealed[16:18]:
        raise PermissionError
    body, tag = sealed[18:-10], sealed[-10:]
    assert hmac.digest(made[32:64], body, "sha1")[:10] == tag
    cipher = Cipher(algorithms.AES(made[:32]), modes.ECB()).encryptor()
    found = bytearray()
    for number in range(0, len(body), 16):
        stream = cipher.update((number // 16 + 1).to_bytes(16, "little"))
        found += bytes(a ^ b for a, b in zip(body[number : number + 16], stream, strict=False))
    assert len(found) == entry.file_size
    return bytes(found)


def test_it_is_opened_by_its_code_alone(tmp_path: Path) -> None:
    path = tmp_path / "copy.zip"
    given = (b"a", b"", b"b" * 70_000, bytes(range(256)))
    asyncio.run(locked.write(path, "dossier.zip", chunks(*given), CODE, bytes(16)))
    assert opened(path.read_bytes(), CODE) == b"".join(given)
    assert b"b" * 100 not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(PermissionError):
        opened(path.read_bytes(), "another code than that")
    with pytest.raises(locked.Exists):
        asyncio.run(locked.write(path, "dossier.zip", chunks(), CODE, bytes(16)))
    with pytest.raises(locked.WrongCode):
        asyncio.run(locked.write(tmp_path / "b", "dossier.zip", chunks(), "short", bytes(16)))


def test_what_fails_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "copy.zip"
    with pytest.raises(ValueError, match="no more"):
        asyncio.run(locked.write(path, "d", chunks(b"x" * 99, fails=True), CODE, bytes(16)))
    assert list(tmp_path.iterdir()) == []


ASKED = ("record", "export", "x", "y.zip", "--by", "operator:one")


@pytest.mark.parametrize(("typed", "said"), [
    ("", "nothing was typed"), ("abc\nabc\n", "twelve characters"),
    (f"{CODE}\n", "nothing was typed"),
])  # fmt: skip
def test_without_a_code_it_ends_and_says_so(typed: str, said: str) -> None:
    done = CliRunner().invoke(app, ASKED, input=typed)
    assert done.exit_code == 1 and said in done.stderr


@pytest.mark.slow
def test_with_its_input_closed_it_ends_too(tmp_path: Path) -> None:
    """In a session of its own: there is no terminal to ask on instead."""
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec '{sys.executable}' -m carnet {' '.join(ASKED)} <&-"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 1 and "nothing was typed" in done.stderr, done.stderr[-1000:]
    assert "Traceback" not in done.stderr and not (tmp_path / "y.zip").exists()


@pytest.mark.anyio
async def test_an_operator_hands_over_what_they_cannot_read(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARNET_DATABASE_URL", space.admin_url)
    monkeypatch.setenv("CARNET_DATA", str(space.built.settings.data))
    monkeypatch.setenv("CARNET_INSTANCE", "demonstration")
    minor, path = space.patient_id("minor"), tmp_path / "copy.zip"

    async def call(by: str, typed: str) -> Result:
        words = ["record", "export", minor, str(path), "--by", by]
        return await asyncio.to_thread(CliRunner().invoke, app, words, input=typed)

    operator = await space.actor("operator")
    assert (await call((await space.actor("gp")).sub, f"{CODE}\n{CODE}\n")).exit_code == 1
    unknown = await call("operator:nobody", f"{CODE}\n{CODE}\n")
    assert unknown.exit_code == 1 and "--by: nobody of this installation" in unknown.stderr
    nobody = space.built.door.ids.encode(1 << 40, 1 << 40)
    for person in (nobody, "2 69 05 49 588 157 80"):
        words = ["record", "close", person, "--by", operator.sub]
        answer = await asyncio.to_thread(CliRunner().invoke, app, words)
        assert answer.exit_code == 1 and "Nobody bears this number here" in answer.stderr
    assert not path.exists()
    said = await call(operator.sub, f"{CODE}\n{CODE}\n")
    assert said.exit_code == 0, said.output
    inside = zipfile.ZipFile(io.BytesIO(opened(path.read_bytes(), CODE)))
    assert f"Patient/{minor}" in inside.read("manifest.json").decode()
    traced = await space.rows(
        "SELECT sub, rule FROM access.audit WHERE act = 'export' AND granted ORDER BY seq"
    )
    assert traced[0] == (operator.sub, "asked-in-person")
    assert {sub for sub, _ in traced} == {operator.sub}
    assert (await space.get(f"Patient/{minor}/$take-away", as_="operator")).status == 404
