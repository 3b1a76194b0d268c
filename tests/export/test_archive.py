# SPDX-License-Identifier: EUPL-1.2
"""The ZIP: read by others' readers, and never whole before its end."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carnet.export.archive import MARK, Archive, deflated
from carnet.export.names import Names, cell, safe, suffix

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def inner() -> bytes:
    """A ZIP kept inside as it was received, of what does not compress."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("inner.bin", random.Random(3).randbytes(40_000))
    return made.getvalue()


def archive() -> tuple[bytes, dict[str, bytes]]:
    files = {
        "documents/Été.pdf": b"%PDF" + bytes(2000), "documents/a.zip": inner(), "empty": b"",
        "documents/marks.bin": MARK * 3 + b"PK\x05" + MARK,
    }  # fmt: skip
    made = Archive(NOW)
    return b"".join([*(made.add(*each) for each in files.items()), made.end()]), files


def test_others_read_it() -> None:
    data, files = archive()
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert {name: found.read(name) for name in found.namelist()} == files
        assert found.infolist()[0].date_time == (2026, 11, 22, 9, 0, 0)


@pytest.mark.skipif(shutil.which("unzip") is None, reason="no unzip here")
def test_unzip_finds_nothing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(archive()[0])
    assert subprocess.run(["unzip", "-tq", path], capture_output=True).returncode == 0


def test_no_beginning_of_it_is_an_archive() -> None:
    """Cut anywhere, even right after a ZIP that was kept inside."""
    data, _ = archive()
    cuts = {*range(0, len(data), 97), *range(len(data) - 400, len(data))}
    place = data.find(b"inner.bin", 2000)
    cuts |= set(range(place, place + 400))
    for cut in sorted(cuts):
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(io.BytesIO(data[:cut]))


def test_planted_a_plain_archive_is_taken_for_the_one_inside() -> None:
    """Why the mark is cut: stored as it is, the inner archive ends a cut one."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.zip", inner())
        cut = made.tell()
    whole = made.getvalue()
    assert any(zipfile.is_zipfile(io.BytesIO(whole[:each])) for each in range(cut - 64, cut + 1))


def test_the_mark_never_stands_in_what_is_compressed() -> None:
    chance = random.Random(5)
    for size in (0, 1, 7, 1000, 70_000):
        data = b"".join(
            chance.choice((MARK, b"PK", b"\x05\x06", chance.randbytes(3))) for _ in range(size)
        )
        packed = deflated(data)
        assert MARK not in packed
        assert zlib.decompress(packed, -15) == data


def test_large_archives_have_the_larger_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past 4 GB, without writing them: the place of an entry is moved."""
    made = Archive(NOW)
    made.add("a", b"1")
    made.length += 5 << 30
    made.add("b", b"2")
    end = made.end()
    assert b"PK\x06\x06" in end and b"PK\x06\x07" in end
    assert (5 << 30).to_bytes(8, "little")[4:] in end


@pytest.mark.parametrize(("title", "name"), [
    ("Bilan : a/b\\c", "Bilan a b c"), ("..", "document"), ("a\u202egpj.exe", "agpj.exe"),
    ("  x\n\t y ", "x y"), ("", "document"), ("con. ", "con"), ("é" * 200, "é" * 80),
])  # fmt: skip
def test_a_title_becomes_a_file_name(title: str, name: str) -> None:
    assert safe(title) == name


def test_names_are_told_apart_and_what_runs_opens_as_text() -> None:
    names = Names()
    found = [names.free("d", each, ".pdf") for each in ("A", "a", "A")]
    assert found == ["d/A.pdf", "d/a (2).pdf", "d/A (3).pdf"]
    assert (suffix("text/html; charset=x"), suffix("image/svg+xml")) == (".html.txt", ".svg.txt")
    assert (suffix("application/pdf"), suffix("x/y")) == (".pdf", ".bin")


def test_no_cell_is_a_formula() -> None:
    assert [cell(each) for each in ("=1", "+1", "-1", "@x", "a=1", " =\n1")] == [
        "'=1", "'+1", "'-1", "'@x", "a=1", "'= 1"]  # fmt: skip
