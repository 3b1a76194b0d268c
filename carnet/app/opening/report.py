# SPDX-License-Identifier: EUPL-1.2
"""The report of an opening: kept beside the keys for its page, and written for others without names."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from carnet.app.loading import reports
from carnet.app.loading.outcomes import Outcome, Remark, State, shown
from carnet.app.loading.reports import Form

NAME: Final = "report.json"  # in the folder of keys, sealed with them
GIVEN: Final = ("html", "json", "junit")
MOST: Final = 2000  # files the page tells, those with something to say first
PLAIN: Final = re.compile(r"[A-Za-z0-9_.:\[\]@/, -]*")


def keep(folder: Path, found: Sequence[Outcome], *, total: int, ended: bool) -> None:
    """Write what came of files, whole or not at all."""
    said = json.loads(reports.as_json(sorted(found, key=_weight)[:MOST]))
    said["summary"] = reports.counted(found)
    said |= {"total": total, "ended": ended}
    said["to_give"] = {form: written(found, Form(form), names=False) for form in GIVEN}
    temporary = folder / f"{NAME}.new"
    temporary.write_text(json.dumps(said), "utf-8")
    temporary.rename(folder / NAME)


def progress(folder: Path, *, done: int, total: int) -> None:
    """Say how far a loading is."""
    temporary = folder / f"{NAME}.new"
    temporary.write_text(json.dumps({"done": done, "total": total, "ended": False}), "utf-8")
    temporary.rename(folder / NAME)


def kept(folder: Path) -> dict[str, Any]:
    """What was kept; empty when nothing was."""
    try:
        return dict(json.loads((folder / NAME).read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def to_give(folder: Path, form: str) -> bytes:
    """The report in one of its forms, without names."""
    return str(kept(folder).get("to_give", {}).get(form, "")).encode()


def _weight(one: Outcome) -> int:
    return -2 if one.state is State.REFUSED else -1 if one.findings else 0


def written(found: Sequence[Outcome], form: Form, *, names: bool) -> str:
    """A report to be given away: without names of files and titles unless they are asked for."""
    return reports.written(list(found) if names else nameless(found), form)


def nameless(found: Sequence[Outcome]) -> list[Outcome]:
    """The same outcomes, each file called by its number: names of files often name somebody."""
    names: dict[Path, Path] = {}
    for number, each in enumerate(found, 1):
        inside = names.get(each.path.parent)
        called = f"file-{number:04}{_suffix(each.path)}"
        names[each.path] = inside / called if inside is not None else Path(called)
    words = {shown(Path(each.path.name)) for each in found}
    return [_nameless(each, names[each.path], words) for each in found]


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,6}", suffix) else ""


def _nameless(one: Outcome, path: Path, words: set[str]) -> Outcome:
    remarks = [
        replace(each, text=_without(each.text, words), path=_place(each)) for each in one.remarks
    ]
    return replace(
        one,
        path=path,
        address="",
        why=_without(one.why, words),
        remarks=tuple(remarks),
    )


def _place(remark: Remark) -> str:
    """A place that no sender chose the words of: of a document, or of the structure of an archive."""
    if remark.rule.startswith(("zip-", "mail-")):
        return ""
    if remark.rule.startswith("xdm-"):
        return (
            remark.path
            if re.fullmatch(r"IHE_XDM/[A-Z0-9_]{1,8}/[A-Z0-9_.]{1,12}( line \d+)?", remark.path)
            else ""
        )
    return remark.path if PLAIN.fullmatch(remark.path) else ""


def _without(text: str, words: set[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        if len(word) > 3:
            text = text.replace(word, "…")
    return text
