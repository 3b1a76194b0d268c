# SPDX-License-Identifier: EUPL-1.2
"""The rules of the one page on records nobody should have: they answer, and hide nothing silently."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from carnet.summary.allergies import allergies
from carnet.summary.contacts import contacts
from carnet.summary.facts import FAR, Fact, closing, grouped, later, moment
from carnet.summary.gather import Gathered, page
from carnet.summary.problems import problems
from carnet.summary.results import results
from carnet.summary.stays import procedures, stays
from carnet.summary.told import told as summary_of
from carnet.summary.treatments import treatments
from tests.summary.facts import (
    ATC,
    ICD,
    NOW,
    SNOMED,
    allergy,
    concept,
    condition,
    paper,
    prescription,
    result,
    taking,
    told,
)

WEIRD = (
    "9999-12-31", "9999-12-31T23:59:59+00:00", "9999-12", "9999", "0001-01-01T00:00:00+14:00", "0001",
    "2026-02-30", "2026-13", "2026-00-00", "20260101", "yesterday", "", "2060-01-01", "-2026", "2026-W07",
    "9999-12-31T23:59:59-14:00", "1900-02", "2026-11-22T24:00:00Z", "２０２６-01-01",
)  # fmt: skip


def test_five_thousand_allergies_are_all_lines_and_the_severe_ones_first() -> None:
    many = [
        told(allergy({"text": f"Substance {n}"}, criticality="high" if n == 4321 else "low"))
        for n in range(5000)
    ]
    section = allergies(many)
    assert len(section.lines) == 5000
    assert section.lines[0].label == "Substance 4321"


@pytest.mark.parametrize(
    "code",
    [
        concept(SNOMED, "764146007", "Pénicilline"),
        {"text": "pénicilline"},
        {"coding": [{"system": SNOMED, "code": "1"}, {"system": ICD, "code": "Z88"}], "text": "P"},
    ],
)
def test_one_thing_said_five_thousand_times_is_one_line(code: dict[str, Any]) -> None:
    many = [told(allergy(code), paper(f"Dr {n}")) for n in range(5000)]
    (line,) = allergies(many).lines
    assert len(line.sources) == 5000


def test_what_shares_codes_by_chains_is_one_thing_in_the_order_it_came() -> None:
    def both(n: int) -> dict[str, Any]:
        return {"coding": [{"system": ICD, "code": f"A{n}"}, {"system": ICD, "code": f"A{n + 1}"}]}

    chain = [told(condition(both(n))) for n in (0, 4, 2, 6, 1, 3, 5)]
    (group,) = grouped([(each, each.own["code"]) for each in chain])
    assert group == chain


@pytest.mark.parametrize("at", WEIRD)
def test_no_date_stops_the_page(at: str) -> None:
    found = moment(at)
    if found is not None:
        assert datetime(2, 1, 1, tzinfo=UTC) <= found <= FAR
        assert closing(at) is None or closing(at) <= FAR  # type: ignore[operator]
    drug = concept(ATC, "A10BA02", "Metformine")
    period = {"start": at, "end": at}
    facts = {
        "Condition": [condition(concept(ICD, "J45"), onsetDateTime=at, recordedDate=at)],
        "AllergyIntolerance": [allergy(concept(SNOMED, "1", "x"), onsetPeriod=period)],
        "MedicationRequest": [
            prescription(drug, at, dispenseRequest={
                "expectedSupplyDuration": {"value": 10**12, "code": "a"},
                "numberOfRepeatsAllowed": 2**31}),
            prescription(drug, at, dosageInstruction=[{"timing": {"repeat": {
                "boundsPeriod": period, "boundsDuration": {"value": -5, "code": "d"}}}}]),
        ],
        "MedicationStatement": [taking(drug, at, effectivePeriod=period)],
        "Observation": [result("2823-3", 4, at), result("2823-3", 5, "2026-01-01")],
        "Immunization": [{"resourceType": "Immunization", "status": "completed",
                          "vaccineCode": {"text": "v"}, "occurrenceDateTime": at}],
        "Encounter": [{"resourceType": "Encounter", "status": "finished", "class": {"code": "IMP"},
                       "period": period}],
        "Procedure": [{"resourceType": "Procedure", "status": "completed", "code": {"text": "p"},
                       "performedPeriod": period}],
        "RelatedPerson": [{"resourceType": "RelatedPerson", "name": [{"text": "X"}], "period": period}],
    }  # fmt: skip
    document = paper(on=at[:10])
    gathered = Gathered(
        1, {rtype: [told(each, document) for each in held] for rtype, held in facts.items()},
        frozenset(), {}, NOW,
    )  # fmt: skip
    for language in ("fr", "en"):
        shown = page(gathered, language=language)
        assert shown.problems.lines
        assert shown.allergies.lines
        assert summary_of(shown, gathered, language, {}).parts


def test_an_end_of_the_last_year_is_for_ever() -> None:
    assert later(FAR, timedelta(days=400)) == FAR
    lasting = taking(concept(ATC, "A10BA02"), "2026-01-01", effectivePeriod={"end": "9999-12-31"})
    assert treatments([told(lasting)], NOW).lines


def test_what_has_no_code_and_no_words_is_shown_unnamed_not_left_out() -> None:
    bare = {"resourceType": "AllergyIntolerance"}
    assert [line.label for line in allergies([told(bare)]).lines] == [""]
    assert problems([told({"resourceType": "Condition"})], NOW).lines
    empty = {"resourceType": "MedicationStatement", "status": "active"}
    assert len(treatments([told(empty), told(empty)], NOW).lines) == 2, "two unnamed are not one"


JUNK: tuple[Any, ...] = (
    None,
    3,
    "x",
    [],
    {},
    [None],
    [{"coding": "x"}],
    {"coding": [None, {}]},
    True,
)


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_what_is_not_of_its_shape_is_no_error(junk: Any) -> None:
    keys = ("code", "clinicalStatus", "verificationStatus", "category", "bodySite", "reaction", "note",
            "severity", "contained", "asserter", "performer", "dosage", "dosageInstruction",
            "medicationReference", "type", "class", "period", "location", "reasonCode", "name",
            "telecom", "relationship", "contact", "generalPractitioner", "component",
            "referenceRange", "interpretation", "protocolApplied", "valueQuantity")  # fmt: skip
    rules: dict[str, Callable[[list[Fact]], object]] = {
        "Condition": lambda facts: problems(facts, NOW),
        "AllergyIntolerance": allergies,
        "MedicationStatement": lambda facts: treatments(facts, NOW),
        "Observation": results,
        "Encounter": lambda facts: stays(facts, (), NOW),
        "Procedure": procedures,
        "Patient": lambda facts: contacts(facts, (), (), NOW),
        "RelatedPerson": lambda facts: contacts((), facts, (), NOW),
    }
    for (rtype, rule), key in product(rules.items(), keys):
        rule([told({"resourceType": rtype, "status": "active", key: junk})])
