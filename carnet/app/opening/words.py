# SPDX-License-Identifier: EUPL-1.2
"""A report in the words of the owner of a private instance, in both languages."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any, Final

_SAID: Final = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
FRENCH: Final[dict[str, str]] = _SAID["french"]
RULES: Final[dict[str, dict[str, str]]] = _SAID["rule"]


def french(sentence: str) -> str:
    """A sentence of the code in French; "" for one that is not known."""
    return next((said for begins, said in FRENCH.items() if sentence.startswith(begins)), "")


def told(report: dict[str, Any]) -> dict[str, Any]:
    """The report with short names of files, and every sentence in both languages."""
    files = report.get("files")
    return report | {"files": _files(files)} if files else report


def _files(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    folder = _folder([str(each["file"]) for each in files])
    return [
        each
        | {
            "file": str(each["file"]).removeprefix(folder),
            "why": None if _said(each) else each["why"],
            "why_french": french(each["why"] or ""),
            "findings": [_finding(one) for one in each["findings"]],
        }
        for each in files
    ]


def _said(one: dict[str, Any]) -> bool:
    """Whether the reason is a finding as well: it is read once."""
    return any((one["why"] or "").startswith(each["text"]) for each in one["findings"])


def _finding(one: dict[str, Any]) -> dict[str, Any]:
    if own := RULES.get(one["rule"] or ""):
        return one | {"text": own["en"], "french": own["fr"]}
    return one | {"french": one["french"] or french(one["text"])}


def _folder(names: list[str]) -> str:
    """The folder that all have in common, its stroke with it."""
    parents = [str(PurePosixPath(each).parent) for each in names]
    try:
        common = os.path.commonpath(parents)
    except ValueError:  # whole addresses beside short ones
        return ""
    return "" if common in ("", ".") else common.rstrip("/") + "/"
