# SPDX-License-Identifier: EUPL-1.2
"""carnet import: its files, its options, what it says and its exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from carnet.bulk.lots import Done
from carnet.cli import app, common
from carnet.cli import imports as command
from tests.rest.samples import LAB, observation
from tests.space import Space

WORDS = ["--as", f"software:{LAB}", "--by", "operator:operator"]


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["import", *words])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    """What the command would do, without a server to do it."""
    found: list[dict[str, Any]] = []

    async def imported(*given: Any, **named: Any) -> Done:
        _, _, files, software, by, name, report = given
        found.append({"files": [each.name for each in files], "as": software, "by": by,
                      "name": name, "report": report, **named})  # fmt: skip
        return Done(5, 1 if name == "refused" else 0, 2)

    monkeypatch.setattr(command, "_imported", imported)
    monkeypatch.setattr(common, "server_of", lambda _: contextlib.nullcontext())
    monkeypatch.setenv("CARNET_DATA", str(tmp_path / "data"))
    yield found


def some(folder: Path, *names: str, size: int = 10) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        with (folder / name).open("wb") as out:
            out.truncate(size)
    return folder


def test_a_folder_is_its_ndjson_files_by_name(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    folder = some(tmp_path / "in", "b.ndjson", "a.ndjson", "manifest.json")
    lone = some(tmp_path / "lone", "Patient.txt") / "Patient.txt"
    result = run(str(folder), str(lone), *WORDS)
    assert (result.exit_code, result.stdout) == (0, "5 lines, 0 refused, 2 done before.\n")
    assert asked == [
        {"files": ["a.ndjson", "b.ndjson", "Patient.txt"], "as": f"software:{LAB}",
         "by": "operator:operator", "name": "", "report": None, "keep": False, "processes": 0}
    ]  # fmt: skip


def test_a_line_that_is_refused_is_an_exit_code_of_one(
    asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    folder = some(tmp_path / "in", "a.ndjson")
    result = run(str(folder), *WORDS, "--name", "refused", "--keep-ids", "--processes", "4")
    assert (result.exit_code, result.stdout) == (1, "5 lines, 1 refused, 2 done before.\n")
    assert (asked[0]["keep"], asked[0]["processes"]) == (True, 4)


def test_what_is_small_is_written_by_one_process_and_the_rest_by_several(
    asked: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for size in (command.SMALL, command.SMALL + 1):
        run(str(some(tmp_path / "in", "a.ndjson", size=size)), *WORDS)
    assert [each["processes"] for each in asked] == [0, 3]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [((), "no file that ends in .ndjson"), (("a b.ndjson", "a-b.ndjson"), "the same name")],
)
def test_what_cannot_be_begun_is_said(
    asked: list[dict[str, Any]], tmp_path: Path, names: tuple[str, ...], sentence: str
) -> None:
    result = run(str(some(tmp_path / "in", *names)), *WORDS)
    assert result.exit_code == 1
    assert sentence in result.output
    assert asked == []


@pytest.mark.anyio
async def test_it_writes_what_became_of_each_line(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARNET_DATABASE_URL", space.admin_url)
    monkeypatch.setenv("CARNET_DATA", str(space.built.settings.data))
    monkeypatch.setenv("CARNET_INSTANCE", "demonstration")
    rows = [observation(f"Patient/{space.patient_id()}", date="2020", id=f"o{n}") for n in range(3)]
    rows[1]["status"] = "wrong"
    file, report = tmp_path / "a.ndjson", tmp_path / "said.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for before in (0, 3):
        result = await asyncio.to_thread(run, str(file), *WORDS, "--report", str(report))
        assert (result.exit_code, result.stderr.strip()) == (1, ""), result.exception
        assert result.stdout.splitlines()[-1] == f"3 lines, 1 refused, {before} done before."
        said = [json.loads(line)["issue"][0] for line in report.read_text().splitlines()]
        assert [(each["severity"], each["location"]) for each in said] == [
            ("information", ["line 1"]), ("error", ["line 2"]), ("information", ["line 3"])
        ]  # fmt: skip
    result = await asyncio.to_thread(run, str(file), *WORDS[:3], f"software:{LAB}")
    assert result.exit_code == 1
    assert "operator" in result.output
