# SPDX-License-Identifier: EUPL-1.2
"""The entries of a structured document as resources: problems, treatments, vaccines, measures… Pure.

A statement goes to the subject its templates name (`templates.toml`), the most precise first, then by
its shape: a document of a model nobody knew is read all the same. Laboratory entries are read by
`cda/results.py`. A subject has one function `made(reading, statement)`; see `reading.py` for what it
may do. Nothing that is denied, planned or masked becomes a fact.
"""

import tomllib
from collections.abc import Callable
from functools import cache
from importlib import resources as files
from typing import Any, Final

from carnet.documents.cda import understood
from carnet.documents.cda.statements import FRENCH, Statement
from carnet.documents.metadata.entries import (
    allergies,
    conditions,
    coverages,
    devices,
    dispenses,
    encounters,
    family,
    groups,
    imaging,
    immunizations,
    links,
    medications,
    observations,
    others,
    plans,
    procedures,
    stages,
    void,
)
from carnet.documents.metadata.entries.reading import UNKNOWN, Found, Reading
from carnet.documents.metadata.entries.shared import COMMENT, EXTERNAL, INTERNAL
from carnet.documents.metadata.making import Making

__all__ = ["Found", "Reading", "read"]

Subject = Callable[[Reading, Statement], None]

SUBJECTS: Final[dict[str, Subject]] = {
    "allergy": allergies.made,
    "concern": conditions.concern,
    "coverage": coverages.made,
    "coverages": coverages.listed,
    "device": devices.made,
    "dispense": dispenses.made,
    "encounter": encounters.made,
    "family": family.made,
    "group": groups.made,
    "images": imaging.alone,
    "immunization": immunizations.made,
    "medication": medications.made,
    "observation": observations.made,
    "problem": conditions.made,
    "moved": plans.moved,
    "plan": plans.made,
    "procedure": procedures.made,
    "recommended": immunizations.recommended,
    "study": imaging.study,
}
# Subjects whose templates others refine, and declare beside their own: IHE's allergy is a problem too.
GENERAL: Final = frozenset({"observation", "problem"})
# Subjects that know of whom a statement speaks when it is not of the patient.
OF_OTHERS: Final = frozenset({"family"})


def read(making: Making) -> tuple[Reading, tuple[understood.Line, ...]]:
    """What became of the entries: their resources, and a report line for each kind."""
    report = understood.Report()
    reading = Reading(making, report, dispatch)
    reading.void = void.places(making.document.entries)
    sections = making.document.sections
    for entry in making.document.entries:
        reading.section = entry.section
        report.section(sections[entry.section].named)
        dispatch(reading, entry.statement)
        rest(reading, entry.statement)
    void.whole(reading)
    plans.whole(reading)
    stages.whole(reading)
    imaging.whole(reading)
    links.whole(reading)
    others.tidied(reading)
    for entry in making.document.entries:
        report.section(sections[entry.section].named)
        for each in entry.statement.walk():
            if each.kind == "observationMedia":
                continue  # a file: told with the attachments
            words = "narrative" if each.text else "no-text"
            reading.keep(each, words if each.is_a(*COMMENT) else UNKNOWN)
    return reading, report.lines()


def dispatch(reading: Reading, statement: Statement) -> None:
    """Hand a statement to the subject that knows it; what it holds goes by itself if none does."""
    name = subject(statement, reading.section_code)
    if name not in OF_OTHERS and _of_another(reading, statement):
        others.made(reading, statement)  # a relative's illness is not the patient's
    elif name is not None:
        SUBJECTS[name](reading, statement)
    else:
        for link in statement.related:
            dispatch(reading, link.statement)


def rest(reading: Reading, statement: Statement) -> None:
    """What stands inside data and nobody told of goes by its own subject: a stage, a circumstance."""
    if not reading.is_data(statement):
        return
    for link in statement.related:
        inside = link.statement
        if not reading.told(inside) and not inside.is_a(*INTERNAL, *EXTERNAL, *COMMENT):
            dispatch(reading, inside)
        rest(reading, inside)


def _of_another(reading: Reading, statement: Statement) -> bool:
    """Whether it speaks of somebody else: a relative, a foetus, a donor."""
    return any(statement.taking("subject")) or reading.about is not None


def subject(statement: Statement, section: str | None = None) -> str | None:
    """The subject of a statement: by its templates, else by its shape in a section of that code."""
    known = [
        found
        for template in sorted(statement.templates, key=_precise)
        if (found := _of_template(template)) is not None
    ]
    if known:
        name = next((each for each in known if each not in GENERAL), known[0])
    else:
        shapes = _table()["shape"] | _table()["section"].get(section or "", {})
        name = shapes.get(statement.kind)
    # An observation that is aimed at or asked is none yet, whatever template it declares.
    return "plan" if name == "observation" and statement.mood in plans.MOODS else name


def _precise(template: str) -> tuple[bool, int]:
    """French templates first, the longest of them before the others."""
    return (not template.startswith(FRENCH), -template.count("."))


@cache
def _of_template(template: str) -> str | None:
    """Its own subject; a French template goes by those above it, one of others stands for itself."""
    known = _table()["subject"]
    while template not in known:
        above = template.rpartition(".")[0]
        if not template.startswith(FRENCH) or not f"{above}.".startswith(FRENCH):
            return None
        template = above
    return str(known[template])


@cache
def _table() -> dict[str, Any]:
    text = files.files(__package__).joinpath("templates.toml").read_text("utf-8")
    return tomllib.loads(text)
