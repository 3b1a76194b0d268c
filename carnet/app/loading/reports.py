# SPDX-License-Identifier: EUPL-1.2
"""Reports of a load: text for people, JSON for programs, JUnit for continuous integration.

A report says names of files as the caller gave them, rules, codes, places and titles of sections; nothing
else of what was in a file, and no title that names somebody (`documents.discreet`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from carnet import __version__
from carnet.app.loading.outcomes import Outcome, Remark, State, shown, summary

VERSION: Final = 1  # of the JSON report's shape
# XML 1.0 has no place for these, even escaped; Char production of the recommendation.
FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Form(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    HTML = "html"


def form_of(path: Path) -> Form:
    """The form a file name asks for."""
    return {
        ".json": Form.JSON,
        ".xml": Form.JUNIT,
        ".html": Form.HTML,
        ".htm": Form.HTML,
    }.get(path.suffix.lower(), Form.TEXT)


def written(found: Sequence[Outcome], form: Form) -> str:
    """A whole report."""
    match form:
        case Form.JSON:
            return as_json(found)
        case Form.JUNIT:
            return junit(found)
        case Form.HTML:
            return html(found)
        case Form.TEXT:
            return text(found)


def text(found: Sequence[Outcome]) -> str:
    """As the command prints it."""
    lines = []
    for each in found:
        state = str(each.state) if each.state is not State.REFUSED else f"REFUSED {each.code}"
        lines.append(f"{state.strip():14} {_line(shown(each.path))}")
        lines += [f"               {_line(said)}" for said in each.lines()]
    return "\n".join([*lines, summary(found), ""])


def as_json(found: Sequence[Outcome]) -> str:
    """The shape docs/reference/load.md describes."""
    report: dict[str, Any] = {
        "report": "carnet load",
        "version": VERSION,
        "carnet": __version__,
        "summary": counted(found),
        "files": [each.as_json() for each in found],
    }
    return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def counted(found: Sequence[Outcome]) -> dict[str, int]:
    """How many files, by what came of them, and how many findings."""
    return {
        "files": len(found),
        **{str(state).replace(" ", "_"): _count(found, state) for state in State},
        "findings": sum(each.findings for each in found),
    }


def junit(found: Sequence[Outcome]) -> str:
    """One test suite a folder, one test case a file."""
    suites: list[str] = []
    by_folder = sorted(found, key=lambda each: shown(each.path.parent))
    for folder, group in groupby(by_folder, key=lambda each: shown(each.path.parent)):
        suites += _suite(folder, list(group))
    head = f"<testsuites {_attributes('carnet load', found)}>"
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>", ""]
    return "\n".join(lines)


def _suite(folder: str, found: Sequence[Outcome]) -> Iterable[str]:
    yield f'  <testsuite {_attributes(folder, found)} errors="0">'
    for each in found:
        name, where = _quoted(shown(Path(each.path.name))), _quoted(folder)
        yield f'    <testcase name={name} classname={where} time="{each.seconds:.3f}">'
        if each.warnings:
            yield "      <properties>"
            for remark in each.warnings:
                key = _quoted(f"warning {remark.code or remark.rule}".strip())
                yield f"        <property name={key} value={_quoted(remark.sentence)}/>"
            yield "      </properties>"
        if each.state is State.SKIPPED:
            yield f"      <skipped message={_quoted(each.why)}/>"
        if each.state is State.REFUSED:
            lines = [remark.said() for remark in each.remarks if remark.severity == "error"]
            said = escape(_xml("\n".join(lines or [each.why])))
            kind = _quoted(each.code or "refused")
            yield f"      <failure type={kind} message={_quoted(each.why)}>{said}</failure>"
        out = escape(_xml("\n".join(each.lines())))
        if out:
            yield f"      <system-out>{out}</system-out>"
        yield "    </testcase>"
    yield "  </testsuite>"


def _attributes(name: str, found: Sequence[Outcome]) -> str:
    return (
        f'name={_quoted(name)} tests="{len(found)}"'
        f' failures="{_count(found, State.REFUSED)}" skipped="{_count(found, State.SKIPPED)}"'
        f' time="{sum(each.seconds for each in found):.3f}"'
    )


def _count(found: Sequence[Outcome], state: State) -> int:
    return sum(each.state is state for each in found)


def _line(said: str) -> str:
    """On one line of a terminal, which no character of a file name commands."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", said)


def _xml(said: str) -> str:
    return FORBIDDEN.sub(lambda found: f"\\x{ord(found[0]):02x}", said)


def _quoted(said: str) -> str:
    return quoteattr(_xml(said))


# ------------------------------------------------------------------------------------------- a page

WORDS: Final = {
    State.IN: "compris / understood",
    State.THERE: "déjà là / already there",
    State.SKIPPED: "laissé / skipped",
    State.REFUSED: "refusé / refused",
}
BROKEN: Final = "Non conforme à son modèle / Not conforming to its model"
FATES: Final = {"data": "compris / understood", "kept": "gardé / kept"}
STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#161616}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #929292;padding:.3rem .5rem;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}caption{text-align:left;font-weight:bold}"
    "section{margin:2rem 0}.error{color:#a01a1f;font-weight:bold}"
)


def html(found: Sequence[Outcome]) -> str:
    """A page by itself, in both languages, without script and asking nothing of anybody."""
    counts = "".join(f"<li>{_html(WORDS[state])} : {_count(found, state)}</li>" for state in State)
    rows = "".join(
        f"<tr><td><a href='#f{number}'>{_html(shown(each.path))}</a></td>"
        f"<td>{_html(WORDS[each.state])}</td><td>{each.findings}</td></tr>"
        for number, each in enumerate(found, 1)
    )
    sections = "".join(_section(number, each) for number, each in enumerate(found, 1))
    return (
        "<!doctype html>\n<html lang='fr'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<title>Rapport de lecture / Reading report</title>"
        f"<style>{STYLE}</style></head><body><main><h1>Rapport de lecture / Reading report</h1>"
        f"<p>Carnet {_html(__version__)}</p><ul>{counts}</ul>"
        "<table><caption>Fichiers / Files</caption><thead><tr><th scope='col'>Fichier / File</th>"
        "<th scope='col'>État / State</th><th scope='col'>Constats / Findings</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{sections}</main></body></html>\n"
    )


def _section(number: int, one: Outcome) -> str:
    said = [f"<section id='f{number}'><h2>{_html(shown(one.path))}</h2>"]
    said.append(f"<p>{_html(WORDS[one.state])}</p>")
    if one.why:
        said.append(f"<p class='error'>{_html(one.why)}</p>")
    if one.counts:
        counts = ", ".join(f"{held} {what}" for what, held in one.counts.items())
        said.append(f"<p>{_html(counts)}</p>")
    for fate in FATES:
        lines = [each for each in one.understood if each["fate"] == fate]
        if lines:
            rows = "".join(
                f"<tr><td>{each['count']}</td><td>{_html(str(each['what']))}</td>"
                f"<td>{_html(str(each['section']))}</td><td>{_html(str(each['why'] or ''))}</td></tr>"
                for each in lines
            )
            said.append(
                f"<table><caption>{FATES[fate]}</caption><thead><tr><th scope='col'>Nombre / Count</th>"
                "<th scope='col'>Quoi / What</th><th scope='col'>Section</th>"
                f"<th scope='col'>Pourquoi / Why</th></tr></thead><tbody>{rows}</tbody></table>"
            )
    for caption, remarks in (
        (BROKEN, [each for each in one.remarks if each.source]),
        ("Constats / Findings", [each for each in one.remarks if not each.source]),
    ):
        if remarks:
            said.append(_findings(caption, remarks))
    return "".join([*said, "</section>"])


def _findings(caption: str, remarks: Sequence[Remark]) -> str:
    rows = "".join(
        f"<tr><td>{_html(each.severity)}</td><td>{_html(each.rule or each.code)}</td>"
        f"<td>{_html(each.place)}</td><td><span lang='fr'>{_html(each.french or each.text)}</span>"
        + (f"<br><span lang='en'>{_html(each.text)}</span>" if each.french else "")
        + (f"<br>{_html(each.source)}" if each.source else "")
        + "</td></tr>"
        for each in remarks
    )
    return (
        f"<table><caption>{_html(caption)}</caption><thead><tr><th scope='col'>Gravité / Severity"
        "</th><th scope='col'>Règle / Rule</th><th scope='col'>Endroit / Place</th>"
        f"<th scope='col'>Constat / Finding</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _html(said: str) -> str:
    return escape(_line(said), {"'": "&#39;", '"': "&quot;"})
