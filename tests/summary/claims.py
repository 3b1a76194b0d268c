# SPDX-License-Identifier: EUPL-1.2
"""What the one page promises for its reader's safety, each promise as a check that may fail.

`faults.py` breaks each of them on purpose. These are rules, checked on facts; what the door promises is
checked on a record, in `test_planted.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from carnet.summary.gather import Gathered, page
from carnet.summary.pages import Health, Line, Section, Value
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
    taking,
    told,
)

ASTHMA = concept(ICD, "J45", "Asthme")
METFORMIN = concept(ATC, "A10BA02", "Metformine")
PENICILLIN = concept(SNOMED, "764146007", "Pénicilline")
PATIENT = {"type": "Patient", "reference": "Patient/p"}
OLD, NEW = ("Dr A", "2026-05-01"), ("Dr B", "2026-06-01")
Told = tuple[dict[str, Any], tuple[str, str]]


def shown(*said: Told) -> Health:
    """The page of what was said, each by somebody on a day."""
    facts: dict[str, list[Any]] = {}
    for resource, (author, on) in said:
        # The names of the modules are looked up when they are used: a fault may stand there.
        facts.setdefault(resource["resourceType"], []).append(told(resource, paper(author, on)))
    return page(Gathered(1, facts, frozenset(), {}, NOW))


def sections(health: Health) -> dict[str, Section]:
    return {
        "allergies": health.allergies, "treatments": health.treatments, "problems": health.problems,
        "vaccinations": health.vaccinations, "stays": health.stays, "procedures": health.procedures,
        "directives": health.directives, "contacts": health.contacts,
    }  # fmt: skip


def everything(health: Health) -> list[Line | Value]:
    """Every line, what is past and what is said to be nothing too."""
    held = sections(health).values()
    return [
        *health.results,
        *(line for each in held for line in (*each.lines, *each.past, *each.nothing)),
    ]


def other(rtype: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": rtype, "subject": PATIENT} | more


def given(status: str) -> dict[str, Any]:
    return other("Immunization", status=status, vaccineCode={"text": "Grippe"},
                 occurrenceDateTime="2026-01-01")  # fmt: skip


def done(status: str) -> dict[str, Any]:
    return other("Procedure", status=status, code={"text": "Appendicectomie"},
                 performedDateTime="2026-01-01")  # fmt: skip


def stay(status: str) -> dict[str, Any]:
    return other("Encounter", status=status, **{"class": {"code": "IMP"}},
                 period={"start": "2026-01-01", "end": "2026-01-02"})  # fmt: skip


def wish(status: str) -> dict[str, Any]:
    return other("Observation", status=status, code=concept("http://loinc.org", "75320-2", "Souhait"),
                 valueBoolean=True)  # fmt: skip


def handed(status: str) -> dict[str, Any]:
    return other("MedicationDispense", status=status, medicationCodeableConcept=METFORMIN,
                 whenHandedOver="2026-11-01")  # fmt: skip


# ------------------------------------------------------------------------------------------ claims


def declared_is_told_apart() -> None:
    """What the patient or a relative says is marked, and never takes the mark of a professional."""
    for who, by in ((PATIENT, "patient"), ({"reference": "RelatedPerson/r"}, "relative")):
        own = allergy(PENICILLIN, asserter=who)
        (line,) = shown((own, ("", "2026-05-01"))).allergies.lines
        assert line.declared
        assert [each.by for each in line.sources] == [by]
        (both,) = shown((own, ("", "2026-05-01")), (allergy(PENICILLIN), NEW)).allergies.lines
        assert not both.declared
        assert {each.by for each in both.sources} == {by, "professional"}
    measured = result("3141-9", 70, "2026-05-01", "kg", performer=[PATIENT])
    (value,) = shown((measured, ("", "2026-05-01"))).results
    assert value.declared
    (line,) = shown((allergy(PENICILLIN), OLD)).allergies.lines
    assert not line.declared


def denied_is_no_problem() -> None:
    """What is denied, was not done or not given is nowhere."""
    refuted = ("inactive", "refuted")
    assert everything(shown((condition(ASTHMA, *refuted), OLD))) == []
    assert everything(shown((condition(ASTHMA, "active", "refuted"), OLD))) == []
    assert everything(shown((allergy(PENICILLIN, *refuted), OLD))) == []
    assert everything(shown((given("not-done"), OLD))) == []
    assert everything(shown((done("not-done"), OLD))) == []


def none_known_is_no_problem() -> None:
    """ "None known" is a sentence of its own, never a line of what there is."""
    health = shown((condition(concept(IPS, "no-known-problems", "Aucun")), OLD),
                   (allergy(concept(IPS, "no-known-allergies", "Aucune")), OLD),
                   (taking(concept(IPS, "no-known-medications", "Aucun"), "2026-05-01"), OLD))  # fmt: skip
    for each in (health.problems, health.allergies, health.treatments):
        assert (each.lines, each.empty, len(each.nothing)) == ((), "none", 1)
    silent = shown((allergy(concept(IPS, "no-allergy-info", "Rien")), OLD)).allergies
    assert (silent.lines, silent.nothing, silent.empty) == ((), (), "unknown")


def entered_in_error_is_nowhere() -> None:
    """Nothing of what was entered in error, whatever its type."""
    void = "entered-in-error"
    for each in (
        condition(ASTHMA, "active", void), allergy(PENICILLIN, "active", void),
        prescription(METFORMIN, "2026-05-01", status=void), taking(METFORMIN, "2026-05-01", status=void),
        handed(void), result("2823-3", 9, "2026-05-01", status=void), given(void), done(void), stay(void),
        wish(void),
    ):  # fmt: skip
        assert everything(shown((each, OLD))) == [], each["resourceType"]
        sound = {"status": "completed"} if each["resourceType"] == "Immunization" else {}
        assert everything(shown((each | _sound(each) | sound, OLD))), each["resourceType"]


def _sound(each: dict[str, Any]) -> dict[str, Any]:
    """The same, not entered in error."""
    status = {"Observation": "final", "Encounter": "finished", "Procedure": "completed",
              "MedicationDispense": "completed"}.get(each["resourceType"], "active")  # fmt: skip
    if "verificationStatus" in each:
        return {"verificationStatus": concept("urn:v", "confirmed")}
    return {"status": status}


def one_who_stops_and_one_who_goes_on() -> None:
    stop = prescription(METFORMIN, "2026-06-01", status="stopped")
    (line,) = shown((prescription(METFORMIN, "2026-05-01"), OLD), (stop, NEW)).treatments.lines
    assert line.conflicts == ("stopped-elsewhere",)
    assert [each.said for each in line.sources] == ["stopped", "active"]


def one_who_does_not_take_it() -> None:
    own = taking(METFORMIN, "2026-06-01", status="not-taken", informationSource=PATIENT)
    (line,) = shown((prescription(METFORMIN, "2026-05-01"), OLD),
                    (own, ("", "2026-06-01"))).treatments.lines  # fmt: skip
    assert line.conflicts == ("not-taken",)


def two_doses() -> None:
    (line,) = shown((prescription(METFORMIN, "2026-05-01", "500 mg"), OLD),
                    (prescription(METFORMIN, "2026-06-01", "1 g"), NEW)).treatments.lines  # fmt: skip
    assert line.conflicts == ("doses",)
    assert [each.said for each in line.sources] == ["1 g", "500 mg"]


def one_who_denies_and_one_who_states() -> None:
    refuted = ("inactive", "refuted")
    (line,) = shown((condition(ASTHMA), OLD), (condition(ASTHMA, *refuted), NEW)).problems.lines
    assert line.conflicts == ("denied-elsewhere",)
    (line,) = shown(
        (allergy(PENICILLIN), OLD), (allergy(PENICILLIN, *refuted), NEW)
    ).allergies.lines
    assert line.conflicts == ("denied-elsewhere",)
    assert len(line.sources) == 2


def one_who_ends_and_one_who_states() -> None:
    (line,) = shown((condition(ASTHMA), OLD), (condition(ASTHMA, "resolved"), NEW)).problems.lines
    assert line.conflicts == ("over-elsewhere",)
    over = allergy(PENICILLIN, "resolved")
    (line,) = shown((allergy(PENICILLIN), OLD), (over, NEW)).allergies.lines
    assert line.conflicts == ("over-elsewhere",)


def none_known_and_one_stated() -> None:
    health = shown(
        (condition(concept(IPS, "no-known-problems", "Aucun")), OLD), (condition(ASTHMA), NEW),
        (allergy(concept(IPS, "no-known-allergies", "Aucune")), OLD), (allergy(PENICILLIN), NEW),
        (taking(concept(IPS, "no-known-medications", "Aucun"), "2026-05-01"), OLD),
        (taking(METFORMIN, "2026-06-01"), NEW),
    )  # fmt: skip
    for each in (health.problems, health.allergies, health.treatments):
        assert each.lines
        assert each.nothing[0].conflicts == ("contradicted",)


def two_values_of_one_instant() -> None:
    (value,) = shown((result("2823-3", 4, "2026-05-01T09:00:00Z"), OLD),
                     (result("2823-3", 7, "2026-05-01T09:00:00Z"), NEW)).results  # fmt: skip
    assert value.conflicts == ("values",)
    assert len(value.sources) == 2


def another_s_is_never_the_patient_s() -> None:
    """A relative's illness, a foetus's heart, a device's measure: nowhere on the page."""
    family = other("FamilyMemberHistory", status="completed", condition=[{"code": ASTHMA}],
                   relationship={"text": "Mère"})  # fmt: skip
    assert everything(shown((family, OLD))) == []
    for about in (
        {"reference": "RelatedPerson/mother"},
        {"reference": "Device/d"},
        {"display": "Foetus"},
    ):
        of_it = result("2823-3", 9, "2026-05-01", subject=PATIENT, focus=[about])
        assert everything(shown((of_it, OLD))) == [], about
    own = result("2823-3", 4, "2026-05-01", subject=PATIENT, focus=[PATIENT])
    assert len(shown((own, OLD)).results) == 1
    # Nor is it what the patient's is compared with.
    later = result("2823-3", 5, "2026-05-03", subject=PATIENT)
    (value,) = shown((later, OLD), (result("2823-3", 9, "2026-05-02", subject=PATIENT,
                                           focus=[{"display": "Foetus"}]), OLD)).results  # fmt: skip
    assert value.previous is None


def stopped_is_not_current() -> None:
    """What ended, was stopped, is not to be taken, or never was: not among current treatments."""
    month = {"expectedSupplyDuration": {"value": 30, "unit": "d", "code": "d"}}
    until = {"boundsPeriod": {"start": "2026-01-01", "end": "2026-02-01"}}
    ended: Iterable[dict[str, Any]] = (
        *(prescription(METFORMIN, "2026-10-01", status=s) for s in ("stopped", "cancelled", "completed",
                                                                     "on-hold", "draft")),
        prescription(METFORMIN, "2026-10-01", doNotPerform=True),
        prescription(METFORMIN, "2026-10-01", intent="proposal"),
        prescription(METFORMIN, "2026-01-01", dispenseRequest=month),
        prescription(METFORMIN, "2026-01-01", dosageInstruction=[{"timing": {"repeat": until}}]),
        taking(METFORMIN, "2026-10-01", status="not-taken"),
        taking(METFORMIN, "2026-01-01", effectivePeriod={"end": "2026-01-31"}),
        handed("stopped"), handed("declined"),
    )  # fmt: skip
    for each in ended:
        assert shown((each, OLD)).treatments.lines == (), each
    same = (taking(METFORMIN, "2026-06-01", status="stopped"), ("Dr A", "2026-06-01"))
    assert shown((prescription(METFORMIN, "2026-05-01"), OLD), same).treatments.lines == ()
    assert shown((prescription(METFORMIN, "2026-10-01"), OLD)).treatments.lines, "this one is"


CLAIMS = (
    declared_is_told_apart, denied_is_no_problem, none_known_is_no_problem, entered_in_error_is_nowhere,
    one_who_stops_and_one_who_goes_on, one_who_does_not_take_it, two_doses,
    one_who_denies_and_one_who_states, one_who_ends_and_one_who_states, none_known_and_one_stated,
    two_values_of_one_instant, another_s_is_never_the_patient_s, stopped_is_not_current,
)  # fmt: skip
