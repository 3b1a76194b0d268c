# SPDX-License-Identifier: EUPL-1.2
"""carnet load: its options, its reports, its exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from typer.testing import CliRunner

from carnet.app.loading.outcomes import Outcome, Remark, State
from carnet.cli import app
from carnet.cli import load as command

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    each.name or str(getattr(each.callback, "__name__", "")) for each in app.registered_commands
} | {each.name for each in app.registered_groups}
STRANGE = "b\x1b[31m\udcff\x00\u202ed<&\"'>.xml"
DOUBT = Remark("warning", "The key of the INS is wrong.", "906", "ClinicalDocument/recordTarget")
FOUND = [
    Outcome(Path("lots/a.xml"), address="DocumentReference/x", counts={"results": 2}),
    Outcome(Path("lots/b.json"), State.THERE, counts={"resources already there": 3}),
    Outcome(Path("lots/c.json"), State.SKIPPED, "ValueSet: loaded by another command."),
    Outcome(Path("lots/d.xml"), remarks=(DOUBT,)),
    Outcome(
        Path("other") / STRANGE,
        State.REFUSED,
        "The document has no INS.",
        "903",
        remarks=(
            Remark("error", "The document has no INS.", "903", "ClinicalDocument"),
            Remark("error", "A second one, \x08 <&.", "906", "ClinicalDocument/id", "rule"),
            DOUBT,
        ),
    ),
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The command, with what the load found given."""
    file = tmp_path / "a.xml"
    file.write_text("<a/>", "utf-8")
    monkeypatch.setenv("CARNET_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CARNET_INSTANCE", "test")

    def running(found: list[Outcome], *options: str) -> Any:
        monkeypatch.setattr(command, "_found", lambda *_, **__: found)
        return CliRunner().invoke(app, ["load", str(file), *options])

    return running


@pytest.mark.parametrize(
    ("found", "options", "code"),
    [
        (FOUND[:1], (), 0),
        (FOUND[:4], (), 0),
        (FOUND, (), 1),
        (FOUND[:4], ("--fail-on", "warning"), 1),
        (FOUND[:3], ("--fail-on", "warning"), 0),
        (FOUND[:3], ("--fail-on", "skipped"), 1),
        (FOUND[:2], ("--fail-on", "skipped"), 0),
        (FOUND, ("--fail-on", "never"), 0),
        ([], (), 0),
        (FOUND, ("--fail-on", "sometimes"), 2),
        (FOUND, ("--format", "pdf"), 2),
        (FOUND, ("--report", "/nowhere/at/all.json"), 2),
    ],
)
def test_the_exit_code_is_what_a_continuous_integration_reads(
    run: Any, found: list[Outcome], options: tuple[str, ...], code: int
) -> None:
    assert run(found, *options).exit_code == code


def test_a_file_that_is_not_there_and_a_production_instance_are_wrong_use(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CliRunner().invoke(app, ["load", "no-such-file"]).exit_code == 2
    monkeypatch.setenv("CARNET_INSTANCE", "production")
    assert run(FOUND, "--create-patients").exit_code == 2


@pytest.mark.slow
def test_an_instance_that_cannot_be_reached_is_neither_a_refusal_nor_wrong_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CARNET_DATA", str(tmp_path))
    monkeypatch.setenv("CARNET_INSTANCE", "test")
    monkeypatch.setenv("CARNET_DATABASE_URL", "postgresql://127.0.0.1:1/none?connect_timeout=2")
    assert CliRunner().invoke(app, ["load", __file__]).exit_code == 3


def test_the_summary_ends_the_text(run: Any) -> None:
    shown = run(FOUND).stdout
    last = shown.rstrip().splitlines()[-1]
    assert last == "5 files: 2 in, 1 already there, 1 skipped, 1 refused; 4 findings"
    assert "error [906]: A second one" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\udc80-\udcff]", shown), (
        "no name commands a screen"
    )


def test_the_junit_report_has_a_suite_a_folder_and_a_case_a_file(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    run(FOUND, "--report", str(path))
    root = etree.fromstring(path.read_bytes())
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("skipped")) == (
        "testsuites", "5", "1", "1",
    )  # fmt: skip
    assert [suite.get("name") for suite in root] == ["lots", "other"]
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert len(cases) == 5
    assert all(float(str(case.get("time"))) >= 0 for case in cases.values())
    assert cases["c.json"].find("skipped") is not None
    assert [each.get("name") for each in cases["d.xml"].iter("property")] == ["warning 906"]
    [failure] = root.iter("failure")
    assert failure.get("type") == "903"
    assert "A second one" in str(failure.text), "every error, not the first alone"
    assert "2 results" in "".join(str(each.text) for each in cases["a.xml"].iter("system-out"))


def test_the_json_report_has_the_fields_its_page_describes(run: Any, tmp_path: Path) -> None:
    path, other = tmp_path / "report.json", tmp_path / "report.txt"
    run(FOUND, "--report", str(path), "--report", str(other))
    report = json.loads(path.read_text("utf-8"))
    assert report["summary"] == {
        "files": 5, "in": 2, "already_there": 1, "skipped": 1, "refused": 1, "findings": 4,
    }  # fmt: skip
    assert [each["outcome"] for each in report["files"]][-1] == "refused"
    assert [each["severity"] for each in report["files"][-1]["findings"]] == [
        "error", "error", "warning",
    ]  # fmt: skip
    page = (ROOT / "docs/reference/load.md").read_text("utf-8")
    for name in (*report, *report["summary"], *report["files"][0]):
        assert f"`{name}`" in page, name
    for name in report["files"][-1]["findings"][0]:
        assert f"`{name}`" in page, name
    assert other.read_text("utf-8").endswith("4 findings\n"), "another suffix is text"


def test_a_format_wins_over_a_suffix(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    run(FOUND, "--report", str(path), "--format", "junit")
    assert path.read_bytes().startswith(b"<?xml")


def test_the_pages_name_commands_and_options_that_exist(run: Any) -> None:
    shown = CliRunner().invoke(app, ["load", "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    known = set(re.findall(r"--[a-z-]+", re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout)))
    for page in ("docs/howto/check-documents-in-ci.md", "docs/reference/load.md"):
        text = (ROOT / page).read_text("utf-8")
        names = set(re.findall(r"\./run ([a-z-]+)", text))
        assert "load" in names
        assert names <= COMMANDS
        used = set(re.findall(r"--[a-z][a-z-]*", text)) - {"--people"}
        assert used <= known, (page, used - known)
