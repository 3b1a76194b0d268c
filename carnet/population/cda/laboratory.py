# SPDX-License-Identifier: EUPL-1.2
"""Laboratory reports (CR-BIO), level 3: a chapter for each discipline, a PDF copy at the end.

Source: ANS, CI-SIS, volet CR-BIO 2024.01; IHE PALM XD-LAB.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from carnet.population.cda.copy import pdf_copy
from carnet.population.cda.elements import leaf, loinc, oid, tag, templates, time, typed
from carnet.population.cda.header import Act, Header, document
from carnet.population.laboratory import Measure, Panel, printed, printed_range

INTERPRETATION_OID = "2.16.840.1.113883.5.83"

CR_BIO = ("1.3.6.1.4.1.19376.1.3.3", "1.2.250.1.213.1.1.1.55")
CHAPTER = ("1.3.6.1.4.1.19376.1.3.3.2.1", "1.2.250.1.213.1.1.2.70")
SUB_CHAPTER = ("1.3.6.1.4.1.19376.1.3.3.2.2", "1.2.250.1.213.1.1.2.71")
RESULTS = ("1.3.6.1.4.1.19376.1.3.1", "1.2.250.1.213.1.1.3.21")
BATTERY = ("1.3.6.1.4.1.19376.1.3.1.4", "1.2.250.1.213.1.1.3.78")
RESULT = ("1.3.6.1.4.1.19376.1.3.1.6", "1.2.250.1.213.1.1.3.80")
LABORATORY = ("1.3.6.1.4.1.19376.1.3.3.1.7",)

INTERPRETATIONS = {"N": "Normal", "L": "Anormalement bas", "H": "Anormalement haut"}
_COMPLETED = tag("lab:statusCode", code="completed")


def laboratory_report(
    header: Header,
    results: Sequence[tuple[Panel, Sequence[Measure]]],
    sampled: datetime,
    remark: str | None,
    pdf: bytes,
) -> bytes:
    """A CR-BIO, level 3: a chapter for each discipline, a PDF copy at the end.

    sampled: when the blood was drawn, the time of every result.
    remark: a sentence of the biologist.
    """
    chapters = [
        (code, label, list(group))
        for (code, label), group in groupby(
            results, key=lambda one: (one[0].chapter, one[0].chapter_label)
        )
    ]
    serial = _Serial(header.unique_id)
    sections = [
        _chapter(code, label, panels, sampled, remark if number == 0 else None, serial)
        for number, (code, label, panels) in enumerate(chapters)
    ]
    acts = [Act(code, label) for code, label, _ in chapters]
    body = tag("structuredBody", *sections, pdf_copy(header.unique_id, pdf))
    return document(header, CR_BIO, body, acts, LABORATORY, _COMPLETED)


class _Serial:
    """Names for the results of one document: anchors in its text, and identifiers."""

    def __init__(self, document: str) -> None:
        self.document = document
        self.given = 0

    def next(self) -> str:
        self.given += 1
        return f"resultat-{self.given:02}"

    def id(self, anchor: str) -> str:
        """The identifier of the result at an anchor."""
        return oid(self.document, anchor)


def _chapter(
    code: str,
    label: str,
    panels: Sequence[tuple[Panel, Sequence[Measure]]],
    sampled: datetime,
    remark: str | None,
    serial: _Serial,
) -> str:
    inner = [
        tag(
            "component",
            _sub_chapter(panel, measures, sampled, remark if number == 0 else None, serial),
        )
        for number, (panel, measures) in enumerate(panels)
    ]
    head = (templates(*CHAPTER), loinc(code, label), leaf("title", label.upper()))
    return "\n" + tag("component", tag("section", *head, *inner))


def _sub_chapter(
    panel: Panel,
    measures: Sequence[Measure],
    sampled: datetime,
    remark: str | None,
    serial: _Serial,
) -> str:
    anchors = [serial.next() for _ in measures]
    code = loinc(panel.battery or panel.chapter, panel.battery_label or panel.chapter_label)
    entries = [
        _observation(measure, anchor, serial.id(anchor), sampled)
        for measure, anchor in zip(measures, anchors, strict=True)
    ]
    if panel.battery:
        organizer = tag(
            "organizer",
            templates(*BATTERY),
            code,
            tag("statusCode", code="completed"),
            time(sampled, "effectiveTime"),
            *(tag("component", entry) for entry in entries),
            classCode="BATTERY",
            moodCode="EVN",
        )
        entries = [organizer]
    act = tag(
        "act",
        code,
        tag("statusCode", code="completed"),
        *(tag("entryRelationship", entry, typeCode="COMP") for entry in entries),
        classCode="ACT",
        moodCode="EVN",
    )
    return tag(
        "section",
        templates(*SUB_CHAPTER),
        code,
        leaf("title", panel.label),
        _narrative(panel, measures, anchors, remark),
        tag("entry", templates(*RESULTS), act, typeCode="DRIV"),
    )


def _narrative(
    panel: Panel, measures: Sequence[Measure], anchors: Sequence[str], remark: str | None
) -> str:
    """The table a person reads: it says what the entries say, and the second unit."""
    head = tag(
        "tr",
        leaf("th", panel.label),
        leaf("th", "Résultats"),
        leaf("th", "Valeurs de référence"),
    )
    rows = [
        tag(
            "tr",
            tag("td", leaf("content", measure.analyte.label, ID=anchor)),
            _cell(measure),
            leaf("td", printed_range(measure)),
        )
        for measure, anchor in zip(measures, anchors, strict=True)
    ]
    table = tag("table", tag("thead", head), tag("tbody", *rows), border="0")
    return tag("text", leaf("paragraph", remark) if remark else "", table)


def _cell(measure: Measure) -> str:
    text = leaf("content", told(measure), styleCode=None if _normal(measure) else "Bold")
    other = also(measure)
    return tag("td", text, "<br/>", leaf("content", other)) if other else tag("td", text)


def _normal(measure: Measure) -> bool:
    return measure.interpretation == "N"


def told(measure: Measure) -> str:
    """The value with its unit and, out of range, an H or an L."""
    text = printed(measure.value, measure.analyte.printed_unit)
    return text if _normal(measure) else f"{text} {measure.interpretation}"


def also(measure: Measure) -> str | None:
    """The value in the second unit, where the analyte has one."""
    other = measure.analyte.also
    if other is None:
        return None
    return printed(round(measure.value * other.factor, other.decimals), other.unit)


def _observation(measure: Measure, anchor: str, name: str, sampled: datetime) -> str:
    analyte = measure.analyte
    reference = tag("originalText", tag("reference", value=f"#{anchor}"))
    return tag(
        "observation",
        templates(*RESULT),
        tag("id", root=name),
        loinc(analyte.code, analyte.label, reference),
        tag("statusCode", code="completed"),
        time(sampled, "effectiveTime"),
        typed("value", "PQ", value=f"{measure.value:f}", unit=analyte.unit),
        _interpretation(measure.interpretation),
        _reference_range(measure),
        classCode="OBS",
        moodCode="EVN",
    )


def _interpretation(code: str) -> str:
    return tag(
        "interpretationCode", code=code, displayName=INTERPRETATIONS[code],
        codeSystem=INTERPRETATION_OID,
    )  # fmt: skip


def _reference_range(measure: Measure) -> str:
    bounds = [
        tag(name, value=f"{bound:f}", unit=measure.analyte.unit)
        for name, bound in (("low", measure.low), ("high", measure.high))
        if bound is not None
    ]
    if not bounds:
        return ""
    observed = tag(
        "observationRange",
        typed("value", "IVL_PQ", *bounds),
        _interpretation("N"),
        classCode="OBS",
        moodCode="EVN.CRT",
    )
    return tag("referenceRange", observed, typeCode="REFV")
