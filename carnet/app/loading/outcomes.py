# SPDX-License-Identifier: EUPL-1.2
"""What came of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from carnet.documents.cda.conformance import Profile


class State(StrEnum):
    """What came of a file, in one word."""

    IN = "in"  # at least one thing of it is new here
    THERE = "already there"  # all of it was
    SKIPPED = "skipped"  # it holds nothing to load, or what is written in another way
    REFUSED = "refused"  # it, or a part of it, could not be taken


@dataclass(frozen=True, slots=True)
class Options:
    """How files are taken."""

    create_patients: bool = False
    profile: Profile | None = None  # None: what the instance is
    unnamed: str = ""  # id of the Patient who gets the files that name nobody; "": they are refused


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing there is to say of a file: why it is refused, or what is doubtful in it."""

    severity: str  # error, warning, information
    text: str
    code: str = ""  # of the national answers, or of a rule; "" when none
    path: str = ""  # where in the file
    rule: str = ""
    french: str = ""  # the same sentence, where there is one
    line: int | None = None  # of an XML file, from 1
    source: str = ""  # the text of a model that asks for it; "" for what no model asks

    @property
    def place(self) -> str:
        """Where in the file, as it is printed."""
        at = f"line {self.line}" if self.line else ""
        return ", ".join(filter(None, (at, self.path)))

    @property
    def sentence(self) -> str:
        """What is wrong, and where."""
        return f"{self.text} ({self.place})" if self.place else self.text

    def said(self) -> str:
        """As it is printed."""
        code = f" [{self.code}]" if self.code else ""
        return f"{self.severity}{code}: {self.sentence}"

    def as_json(self) -> dict[str, Any]:
        """As the report has it."""
        return {
            "severity": self.severity,
            "code": self.code or None,
            "rule": self.rule or None,
            "text": self.text,
            "french": self.french or None,
            "path": self.path or None,
            "line": self.line,
            "source": self.source or None,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file."""

    path: Path
    state: State = State.IN
    why: str = ""  # it was refused or skipped: the sentence
    code: str = ""  # of the national answers, "" when none
    address: str = ""  # of the document
    counts: dict[str, int] = field(default_factory=dict)  # results, sections, files, resources…
    understood: tuple[dict[str, Any], ...] = ()  # each kind of entry: data, or only kept, and why
    remarks: tuple[Remark, ...] = ()
    seconds: float = 0.0
    folder: str = ""  # of the file, as the caller named it

    @property
    def refused(self) -> str:
        """The reason of a refusal, "" when there is none."""
        return self.why if self.state is State.REFUSED else ""

    @property
    def created(self) -> bool:
        """Whether something of it is new here."""
        return self.state is State.IN

    @property
    def warnings(self) -> tuple[Remark, ...]:
        """What is doubtful and was taken all the same."""
        return tuple(each for each in self.remarks if each.severity == "warning")

    @property
    def findings(self) -> int:
        """How many errors and doubts there are to read."""
        return sum(each.severity in ("error", "warning") for each in self.remarks)

    @property
    def reserves(self) -> tuple[str, ...]:
        """The sentences of what is doubtful."""
        return tuple(each.text for each in self.warnings)

    def lines(self) -> Iterator[str]:
        """As the command prints it."""
        if self.why:
            yield self.why
        if self.address:
            there = " (already there)" if self.state is State.THERE else ""
            yield self.address + there
        if self.counts:
            yield ", ".join(f"{number} {what}" for what, number in self.counts.items())
        for line in self.understood:
            yield str(line["sentence"])
        for each in self.remarks:
            if self.why not in (each.text, each.sentence):
                yield each.said()

    def as_json(self) -> dict[str, Any]:
        """As the report has it."""
        return {
            "file": shown(self.path),
            "outcome": str(self.state),
            "why": self.why or None,
            "code": self.code or None,
            "document": self.address or None,
            "counts": self.counts,
            "understood": list(self.understood),
            "findings": [each.as_json() for each in self.remarks],
            "seconds": round(self.seconds, 3),
        }


def found(held: object) -> list[Remark]:
    """The findings that a reception, a refusal or an identity carries."""
    return [
        Remark(
            str(each.severity),
            each.sentence,
            each.code,
            each.path,
            each.rule,
            each.french,
            each.line,
        )
        for each in getattr(held, "findings", ())
    ]


def shown(path: Path) -> str:
    """The name of a file as any report can write it: bytes that are no text are escaped."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def summary(outcomes: Sequence[Outcome]) -> str:
    """`69 files: 66 in, 1 already there, 0 skipped, 2 refused; 41 findings`."""
    count = Counter(each.state for each in outcomes)
    files = f"{len(outcomes)} file" + ("" if len(outcomes) == 1 else "s")
    states = ", ".join(f"{count[state]} {state}" for state in State)
    findings = sum(each.findings for each in outcomes)
    return f"{files}: {states}; {findings} finding" + ("" if findings == 1 else "s")
