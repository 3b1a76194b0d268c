# SPDX-License-Identifier: EUPL-1.2
"""The rules of the one page: what is the same, what holds, what is shown to disagree."""

from __future__ import annotations

from typing import Any

import pytest

from carnet.summary.allergies import allergies
from carnet.summary.contacts import contacts
from carnet.summary.facts import closing, fact
from carnet.summary.facts import paper as page_of
from carnet.summary.pages import Line, Section
from carnet.summary.problems import problems
from carnet.summary.results import results
from carnet.summary.stays import procedures, stays
from carnet.summary.treatments import treatments
from carnet.summary.vaccinations import vaccinations
from tests.summary.facts import (
    ATC,
    ICD,
    IPS,
    NOW,
    SNOMED,
    allergy,
    concept,
    condition,
    paper,
    prescription,
    result,
    stored,
    taking,
    told,
)

ASTHMA = concept(ICD, "J45", "Asthme")
METFORMIN = concept(ATC, "A10BA02", "Metformine")
PENICILLIN = concept(SNOMED, "764146007", "Pénicilline")
PATIENT = {"type": "Patient", "reference": "Patient/p"}


def only(section: Section) -> Line:
    assert len(section.lines) == 1, section
    return section.lines[0]


# ----------------------------------------------------------------------------------------- problems


def test_the_same_problem_of_two_documents_is_one_line_with_both_sources() -> None:
    section = problems(
        [
            told(condition(ASTHMA, onsetDateTime="2010"), paper("Dr A", "2024-05-01")),
            told(
                condition(concept(ICD, "J45", text="Asthme allergique")),
                paper("Dr B", "2026-05-01"),
            ),
        ],
        NOW,
    )
    line = only(section)
    assert line.label == "Asthme allergique", "the newest words"
    assert line.since == "2010"
    assert [source.author for source in line.sources] == ["Dr B", "Dr A"]
    assert line.conflicts == ()


def test_two_codes_of_one_system_are_two_problems_whatever_the_words() -> None:
    said = [concept(ICD, "J45", text="Affection"), concept(ICD, "E11", text="Affection")]
    assert len(problems([told(condition(each)) for each in said], NOW).lines) == 2


def test_words_join_what_is_coded_otherwise_or_not_at_all() -> None:
    said = [
        concept(ICD, "J45", "Asthme"),
        concept(SNOMED, "195967001", "asthme"),
        {"text": " ASTHME "},
    ]
    assert len(only(problems([told(condition(each)) for each in said], NOW)).sources) == 3


@pytest.mark.parametrize("verified", ["refuted", "entered-in-error"])
def test_what_is_denied_or_an_error_is_no_problem(verified: str) -> None:
    section = problems([told(condition(ASTHMA, "active", verified))], NOW)
    assert (section.lines, section.past, section.empty) == ((), (), "unknown")


def test_a_problem_one_denies_and_another_states_is_shown_with_both() -> None:
    section = problems(
        [
            told(condition(ASTHMA), paper("Dr A", "2024-05-01")),
            told(condition(ASTHMA, "inactive", "refuted"), paper("Dr B", "2026-05-01")),
        ],
        NOW,
    )
    line = only(section)
    assert line.conflicts == ("denied-elsewhere",)
    assert [source.said for source in line.sources] == ["refuted", "active"]


def test_a_problem_that_is_over_is_past_and_one_somebody_else_ends_is_disputed() -> None:
    before = told(condition(ASTHMA), paper("Dr A", "2024-05-01"))
    later = condition(ASTHMA, "resolved", abatementDateTime="2025-01")
    own = problems([before, told(later, paper("Dr A", "2026-05-01"))], NOW)
    assert own.lines == ()
    assert own.past[0].until == "2025-01"
    other = problems([before, told(later, paper("Dr B", "2026-05-01"))], NOW)
    assert only(other).conflicts == ("over-elsewhere",)


def test_a_problem_that_came_back_after_it_was_over_lasts() -> None:
    section = problems(
        [
            told(condition(ASTHMA, "resolved"), paper("Dr A", "2024-05-01")),
            told(condition(ASTHMA, "recurrence"), paper("Dr B", "2026-05-01")),
        ],
        NOW,
    )
    assert only(section).conflicts == ()


def test_an_old_diagnosis_of_one_encounter_is_past() -> None:
    seen = [concept("urn:category", "encounter-diagnosis")]
    old = told(condition(ASTHMA, category=seen), paper("Dr A", "2024-05-01"))
    new = told(condition(ASTHMA, category=seen), paper("Dr A", "2026-10-01"))
    assert problems([old], NOW).past
    assert problems([new], NOW).lines


def test_no_known_problem_is_said_and_contradicted_by_one() -> None:
    nothing = told(condition(concept(IPS, "no-known-problems", "Aucun problème connu")))
    alone = problems([nothing], NOW)
    assert (alone.empty, alone.nothing[0].conflicts) == ("none", ())
    both = problems([nothing, told(condition(ASTHMA))], NOW)
    assert both.nothing[0].conflicts == ("contradicted",)


def test_no_information_is_no_absence() -> None:
    silent = told(condition(concept(IPS, "no-problem-info", "Pas d’information")))
    assert problems([silent], NOW).empty == "unknown"


# ---------------------------------------------------------------------------------------- allergies


def test_no_known_allergy_is_contradicted_by_an_allergy_of_its_kind_alone() -> None:
    food = told(allergy(concept(SNOMED, "102263004", "Œufs"), category=["food"]))
    whole = told(allergy(concept(SNOMED, "716186003", "Aucune allergie connue")))
    drugs = told(allergy(concept(SNOMED, "409137002", "Aucune allergie médicamenteuse connue")))
    found = {line.label: line.conflicts for line in allergies([food, whole, drugs]).nothing}
    assert found == {
        "Aucune allergie connue": ("contradicted",),
        "Aucune allergie médicamenteuse connue": (),
    }
    unsaid = told(allergy(concept(SNOMED, "387207008", "Ibuprofène")))
    assert allergies([unsaid, drugs]).nothing[0].conflicts == ("contradicted",)


def test_an_allergy_that_is_over_or_denied_contradicts_nothing() -> None:
    none = told(allergy(concept(SNOMED, "716186003", "Aucune allergie connue")))
    over = told(allergy(PENICILLIN, "resolved"))
    denied = told(allergy(concept(SNOMED, "102263004", "Œufs"), "inactive", "refuted"))
    section = allergies([none, over, denied])
    assert (section.lines, section.nothing[0].conflicts) == ((), ())
    assert [line.label for line in section.past] == ["Pénicilline"]


def test_an_allergy_that_one_source_denies_stays_shown() -> None:
    section = allergies(
        [
            told(allergy(PENICILLIN), paper("Dr A", "2024-05-01")),
            told(allergy(PENICILLIN, "inactive", "refuted"), paper("Dr B", "2026-05-01")),
        ]
    )
    assert only(section).conflicts == ("denied-elsewhere",)


def test_who_declared_an_allergy_is_told_apart() -> None:
    said = told(allergy(PENICILLIN, asserter=PATIENT))
    assert only(allergies([said])).declared
    coded = told(allergy(PENICILLIN), paper())
    both = only(allergies([said, coded]))
    assert not both.declared
    assert {source.by for source in both.sources} == {"patient", "professional"}
    document = paper(author="")
    document["author"] = [{"reference": "Patient/p"}]
    assert only(allergies([told(allergy(PENICILLIN), document)])).declared


# --------------------------------------------------------------------------------------- treatments


def current(*given: Any) -> Section:
    return treatments(given, NOW)


def test_prescribed_dispensed_and_taken_are_one_treatment_of_three_stages() -> None:
    handed = {
        "resourceType": "MedicationDispense", "status": "completed",
        "medicationCodeableConcept": METFORMIN, "whenHandedOver": "2026-11-02",
    }  # fmt: skip
    line = only(
        current(
            told(
                prescription(METFORMIN, "2026-11-01", "1 matin et soir"),
                paper("Dr A", "2026-11-01"),
            ),
            told(handed, paper("Pharmacie", "2026-11-02")),
            told(taking(METFORMIN, "2026-11-10", informationSource=PATIENT)),
        )
    )
    assert set(line.stages) == {"prescribed", "dispensed", "taken"}
    assert line.conflicts == ()
    assert [source.by for source in line.sources] == ["patient", "professional", "professional"]


@pytest.mark.parametrize(
    "ended",
    [
        prescription(METFORMIN, "2026-01-01", status="completed"),
        prescription(METFORMIN, "2026-01-01", status="stopped"),
        prescription(METFORMIN, "2026-01-01", status="entered-in-error"),
        prescription(METFORMIN, "2026-01-01", doNotPerform=True),
        prescription(METFORMIN, "2026-01-01", intent="proposal"),
        prescription(METFORMIN, "2026-01-01", dispenseRequest={
            "expectedSupplyDuration": {"value": 30, "unit": "d", "code": "d"}}),
        prescription(METFORMIN, "2026-01-01", dosageInstruction=[{"timing": {"repeat": {
            "boundsPeriod": {"start": "2026-01-01", "end": "2026-02-01"}}}}]),
        taking(METFORMIN, "2026-01-01", effectivePeriod={"end": "2026-01-31"}),
        taking(METFORMIN, "2026-01-01", status="not-taken"),
    ],
)  # fmt: skip
def test_what_ended_was_stopped_or_never_meant_is_not_current(ended: dict[str, Any]) -> None:
    assert current(told(ended)).lines == ()


@pytest.mark.parametrize(("on", "current_now"), [("2026-11-01", True), ("2020-12-28", False)])
def test_what_was_handed_over_long_ago_is_not_taken_now(on: str, current_now: bool) -> None:
    handed = {
        "resourceType": "MedicationDispense", "status": "completed",
        "medicationCodeableConcept": METFORMIN, "whenHandedOver": on,
    }  # fmt: skip
    assert bool(current(told(handed)).lines) is current_now


def test_the_last_day_of_a_treatment_is_one_of_it() -> None:
    lasting = taking(METFORMIN, "2026-01-01", effectivePeriod={"end": "2026-11-22"})
    assert only(current(told(lasting))).label == "Metformine"


def test_what_one_source_stops_and_another_continues_is_shown_with_both() -> None:
    line = only(
        current(
            told(prescription(METFORMIN, "2026-05-01", "1 par jour"), paper("Dr A", "2026-05-01")),
            told(
                prescription(METFORMIN, "2026-06-01", status="stopped"),
                paper("Hôpital", "2026-06-01"),
            ),
        )
    )
    assert line.conflicts == ("stopped-elsewhere",)
    assert [source.said for source in line.sources] == ["stopped", "1 par jour"]


def test_what_its_own_author_stopped_is_over() -> None:
    section = current(
        told(prescription(METFORMIN, "2026-05-01"), paper("Dr A", "2026-05-01")),
        told(taking(METFORMIN, "2026-06-01", status="stopped"), paper("Dr A", "2026-06-01")),
    )
    assert section.lines == ()


def test_what_was_stopped_and_begun_again_is_no_conflict() -> None:
    line = only(
        current(
            told(
                prescription(METFORMIN, "2026-05-01", status="stopped"), paper("Dr A", "2026-05-01")
            ),
            told(prescription(METFORMIN, "2026-06-01"), paper("Dr B", "2026-06-01")),
        )
    )
    assert line.conflicts == ()


def test_a_patient_who_does_not_take_it_is_heard() -> None:
    line = only(
        current(
            told(prescription(METFORMIN, "2026-05-01"), paper("Dr A", "2026-05-01")),
            told(taking(METFORMIN, "2026-06-01", status="not-taken", informationSource=PATIENT)),
        )
    )
    assert line.conflicts == ("not-taken",)


def test_two_doses_of_two_sources_are_a_conflict_and_of_one_a_change() -> None:
    one = told(prescription(METFORMIN, "2026-05-01", "500 mg"), paper("Dr A", "2026-05-01"))
    two = prescription(METFORMIN, "2026-06-01", "1000 mg")
    assert only(current(one, told(two, paper("Dr B", "2026-06-01")))).conflicts == ("doses",)
    changed = only(current(one, told(two, paper("Dr A", "2026-06-01"))))
    assert changed.conflicts == ()
    assert changed.details == ("1000 mg",)


@pytest.mark.parametrize(
    ("end", "last"),
    [("2026", "2026-12-31"), ("2024-02", "2024-02-29"), ("2026-11-05", "2026-11-05")],
)
def test_an_end_is_the_last_day_of_what_it_says(end: str, last: str) -> None:
    found = closing(end)
    assert found is not None
    assert found.date().isoformat() == last


def test_the_lines_of_one_prescription_are_all_told() -> None:
    """75 µg and 25 µg of one day are 100 µg: neither stands for the other, and they do not disagree."""
    letter = page_of(stored(paper("Dr A", "2026-05-01")))
    lines = [
        fact(stored(prescription(METFORMIN, "2026-05-01", taken)), letter)
        for taken in ("75 µg le matin", "25 µg le matin")
    ]
    one = only(current(*lines))
    assert set(one.details) == {"75 µg le matin", "25 µg le matin"}
    assert one.conflicts == ()
    later = told(prescription(METFORMIN, "2026-06-01", "50 µg"), paper("Dr A", "2026-06-01"))
    assert only(current(*lines, later)).details == ("50 µg",), "what one wrote last replaces both"
    other = told(prescription(METFORMIN, "2026-06-01", "50 µg"), paper("Dr B", "2026-06-01"))
    assert only(current(*lines, other)).conflicts == ("doses",)


def test_lines_of_two_names_say_which_dose_is_whose() -> None:
    letter = page_of(stored(paper("Dr A", "2026-05-01")))
    names = ("Levothyrox 75", "Levothyrox 25")
    lines = [
        fact(stored(prescription(METFORMIN | {"text": each}, "2026-05-01", "1 le matin")), letter)
        for each in names
    ]
    assert set(only(current(*lines)).details) == {f"{each}\u00a0: 1 le matin" for each in names}


def test_a_class_of_substances_is_not_a_substance() -> None:
    wide = [concept(ATC, "A10BA", "Biguanides"), concept(ATC, "A10BA", "Buformine")]
    assert len(current(*(told(prescription(each, "2026-11-01")) for each in wide)).lines) == 2


def test_a_prescription_without_end_and_old_is_shown_as_old() -> None:
    assert only(current(told(prescription(METFORMIN, "2024-01-01")))).old
    assert not only(current(told(prescription(METFORMIN, "2026-01-01")))).old


def test_a_medication_is_named_by_what_it_points_to() -> None:
    pointing = prescription(METFORMIN, "2026-11-01")
    del pointing["medicationCodeableConcept"]
    pointing["medicationReference"] = {"reference": "Medication/m"}
    known = {"Medication/m": {"code": METFORMIN}}
    assert only(treatments([told(pointing)], NOW, medications=known)).label == "Metformine"
    assert only(treatments([told(pointing)], NOW)).label == "", "never left out for want of a name"


# -------------------------------------------------------------------------------------------- others


def test_the_last_value_stands_with_what_it_was_before_in_the_same_unit() -> None:
    values = results(
        [
            told(result("4548-4", 7.1, "2025-01-01", "%")),
            told(result("17856-6", 6.5, "2026-01-01", "%", interpretation=[concept("urn:i", "H")])),
            told(result("4548-4", 48, "2025-06-01", "mmol/mol")),
            told(result("4548-4", 9.9, "2026-02-01", "%", status="entered-in-error")),
            told(result("1234-5", 1, "2026-03-01")),
        ]
    )
    assert len(values) == 1
    value = values[0]
    assert (value.value, str(value.previous), value.interpretation) == ("6.5", "7.1", "H")
    assert value.previous_at is not None
    assert value.previous_at.year == 2025


def test_two_values_of_one_instant_are_both_told() -> None:
    values = results([told(result("2823-3", v, "2026-01-01T08:00:00Z")) for v in (4.1, 4.9)])
    assert values[0].conflicts == ("values",)
    assert {source.said for source in values[0].sources} == {"4.1 mmol/L", "4.9 mmol/L"}


def test_a_value_told_in_two_units_is_no_dispute() -> None:
    values = results(
        [
            told(result("14682-9", 88, "2026-01-01T08:00:00Z", "µmol/L")),
            told(result("2160-0", 10, "2026-01-01T08:00:00Z", "mg/L")),
        ]
    )
    assert values[0].conflicts == ()
    assert {source.said for source in values[0].sources} == {"88 µmol/L", "10 mg/L"}


def test_two_formulas_are_no_trend() -> None:
    values = results(
        [
            told(result("62238-1", 60, "2026-02-01", "mL/min")),
            told(result("33914-3", 75, "2026-01-01", "mL/min")),
        ]
    )
    assert (values[0].value, values[0].previous) == ("60", None)


@pytest.mark.parametrize("apart", [False, True])
def test_a_blood_pressure_is_read_whole(apart: bool) -> None:
    parts = {"8480-6": 128, "8462-4": 76}
    if apart:
        facts = [told(result(code, v, "2026-01-01T08:00:00Z", "mmHg")) for code, v in parts.items()]
    else:
        panel = result("85354-9", 0, "2026-01-01")
        del panel["valueQuantity"]
        panel["component"] = [
            {
                "code": concept("http://loinc.org", code),
                "valueQuantity": {"value": v, "unit": "mmHg"},
            }
            for code, v in parts.items()
        ]
        facts = [told(panel)]
    assert [(v.value, v.unit) for v in results(facts)] == [("128/76", "mmHg")]


def test_a_vaccine_that_was_not_given_is_none_and_a_dose_told_twice_is_one() -> None:
    def vaccine(on: str, status: str = "completed") -> dict[str, Any]:
        return {"resourceType": "Immunization", "status": status, "occurrenceDateTime": on,
                "vaccineCode": concept(ATC, "J07AM01", "Tétanos")}  # fmt: skip

    facts = [told(vaccine(on), paper(on=on[:10])) for on in ("2020-01-01", "2025-01-01")]
    facts.append(told(vaccine("2025-01-01T10:00:00Z"), paper("Dr B", "2025-01-02")))
    line = only(vaccinations([*facts, told(vaccine("2026-01-01", "not-done"))]))
    assert line.days == ("2025-01-01", "2020-01-01")
    assert len(line.sources) == 3
    assert vaccinations([told(vaccine("2026-01-01", "not-done"))]).empty == "unknown"


def test_a_stay_told_by_an_encounter_and_a_letter_is_one_and_an_old_one_is_out() -> None:
    def stay(start: str, end: str, kind: str = "IMP") -> dict[str, Any]:
        return {"resourceType": "Encounter", "status": "finished", "class": {"code": kind},
                "period": {"start": start, "end": end}, "type": [{"text": "Chirurgie"}]}  # fmt: skip

    letter = paper(context={"period": {"start": "2026-01-02", "end": "2026-01-05"}})
    section = stays(
        [
            told(stay("2026-01-02", "2026-01-05")),
            told(stay("2010-01-02", "2010-01-05")),
            told(stay("2026-02-02", "2026-02-02", "AMB")),
        ],
        [told(letter, letter)],
        NOW,
    )
    assert only(section).label == "Chirurgie"
    assert len(only(section).sources) == 2


def test_an_act_that_was_not_done_is_none() -> None:
    def act(status: str) -> dict[str, Any]:
        return {"resourceType": "Procedure", "status": status, "code": {"text": "Appendicectomie"},
                "performedDateTime": "2001"}  # fmt: skip

    assert procedures([told(act("not-done")), told(act("entered-in-error"))]).empty == "unknown"
    assert only(procedures([told(act("completed")), told(act("completed"))])).since == "2001"


def test_a_person_named_twice_is_one_contact() -> None:
    person = {"resourceType": "Patient", "contact": [{
        "name": {"text": "Paul Martin"}, "relationship": [{"text": "Personne de confiance"}],
        "telecom": [{"system": "phone", "value": "0600000000"}]}]}  # fmt: skip
    relative = {"resourceType": "RelatedPerson", "name": [{"given": ["Paul"], "family": "MARTIN"}],
                "relationship": [{"text": "Époux"}]}  # fmt: skip
    gone = {"resourceType": "RelatedPerson", "active": False, "name": [{"text": "X"}]}
    line = only(contacts([told(person)], [told(relative), told(gone)], [], NOW))
    assert line.details == ("Personne de confiance", "0600000000", "Époux")
