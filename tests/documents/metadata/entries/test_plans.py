# SPDX-License-Identifier: EUPL-1.2
"""What is aimed at, asked or planned is never a result."""

from typing import Any

import pytest

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    LOINC,
    SNOMED,
    coded,
    observation,
    own_id,
    read_in,
    related,
    templates,
    why,
)

Json = dict[str, Any]

PLAN = "18776-5"
WEIGHT = coded("code", "29463-7", LOINC, "Poids")
KILOS = '<value xsi:type="PQ" value="65" unit="kg"/>'


def plan(mood: str, inside: str = KILOS, **more: str) -> str:
    """An aim or a request."""
    more.setdefault("code", WEIGHT)
    more.setdefault("status", "active")
    return observation(inside, FRENCH + "27", mood=mood, **more)


def kinds(source: bytes, *entries: str, code: str = PLAN) -> dict[str, Json]:
    found = read_in(source, *entries, code=code)
    return {each["resourceType"]: each for each in found if each["resourceType"] != "Provenance"}


@pytest.mark.parametrize(
    ("mood", "becomes"),
    [
        ("GOL", {"Goal", "CarePlan"}),
        ("INT", {"ServiceRequest", "CarePlan"}),
        ("RQO", {"ServiceRequest", "CarePlan"}),
        ("PRP", {"ServiceRequest", "CarePlan"}),
        ("PRMS", {"ServiceRequest", "CarePlan"}),
        ("DEF", set()),
        ("EVN", {"Observation"}),
    ],
)
def test_only_what_happened_is_an_observation(
    laboratory: bytes, mood: str, becomes: set[str]
) -> None:
    assert set(kinds(laboratory, plan(mood))) == becomes


def test_an_aim_has_its_measure_its_target_and_its_day(laboratory: bytes) -> None:
    goal = kinds(laboratory, plan("GOL", '<effectiveTime value="20251201"/>' + KILOS))["Goal"]
    assert goal["lifecycleStatus"] == "active"
    (target,) = goal["target"]
    assert target["measure"]["coding"][0]["code"] == "29463-7"
    assert target["detailQuantity"]["value"] == 65
    assert target["dueDate"] == "2025-12-01"
    least = '<value xsi:type="IVL_PQ"><low value="60" unit="kg"/></value>'
    (target,) = kinds(laboratory, plan("GOL", least))["Goal"]["target"]
    assert target["detailRange"]["low"]["value"] == 60
    assert "high" not in target["detailRange"]


@pytest.mark.parametrize(
    "denied",
    [
        plan("GOL", attributes='negationInd="true"'),
        plan("GOL", '<value xsi:type="BL" value="false"/>'),
    ],
)
def test_an_aim_that_is_denied_is_not_pursued(laboratory: bytes, denied: str) -> None:
    found = kinds(laboratory, denied)
    assert set(found) == {"Goal"}  # no plan holds it
    assert found["Goal"]["lifecycleStatus"] == "rejected"


def test_a_request_that_is_denied_is_not_to_be_done(laboratory: bytes) -> None:
    found = kinds(laboratory, plan("INT", attributes='negationInd="true"'))
    assert set(found) == {"ServiceRequest"}
    assert found["ServiceRequest"]["doNotPerform"] is True


@pytest.mark.parametrize("mood", ["GOL", "INT"])
def test_what_is_masked_whole_is_only_kept(laboratory: bytes, mood: str) -> None:
    masked = plan(mood, attributes='nullFlavor="MSK"')
    assert kinds(laboratory, masked) == {}
    assert {why for _, why in why(laboratory, masked, code=PLAN)} == {"not-done"}


def test_a_request_that_is_completed_was_stated_not_done(laboratory: bytes) -> None:
    found = kinds(laboratory, plan("INT", "", status="completed"))["ServiceRequest"]
    assert found["status"] == "unknown"


def test_a_request_of_imaging_says_where_and_which_side(laboratory: bytes) -> None:
    site = (
        f'<targetSiteCode xsi:type="CD" code="361291001" codeSystem="{SNOMED}" displayName="genou">'
        f"<qualifier>{coded('name', '272741003', SNOMED, 'Latéralité')}"
        f"{coded('value', '7771000', SNOMED, 'gauche')}</qualifier></targetSiteCode>"
    )
    entry = observation(
        coded("priorityCode", "UR", "2.16.840.1.113883.5.7", "Urgent") + site,
        FRENCH + "27",
        FRENCH + "27.3",
        code=coded("code", "CT", "1.2.840.10008.2.16.4", "Scanner"),
        mood="INT",
        status="active",
    )
    asked = kinds(laboratory, entry)["ServiceRequest"]
    assert asked["category"][0]["coding"][0]["code"] == "363679005"
    assert asked["priority"] == "urgent"
    assert asked["bodySite"][0]["text"] == "genou (gauche)"


def test_what_is_said_of_a_plan_stands_in_it(laboratory: bytes) -> None:
    """Alone, "done: yes" would say that something was done."""
    done = observation(
        '<value xsi:type="BL" value="true"/>',
        FRENCH + "48",
        code=coded("code", "GEN-118", "2.999.1", "Fait"),
    )
    denied = observation(
        '<value xsi:type="BL" value="true"/>',
        FRENCH + "48",
        code=coded("code", "GEN-119", "2.999.1", "À refaire"),
        attributes='negationInd="true"',
    )
    found = kinds(laboratory, plan("GOL", KILOS + related("SUBJ", done) + related("SUBJ", denied)))
    assert set(found) == {"Goal", "CarePlan"}
    assert found["Goal"]["note"] == [{"text": "Fait : oui"}]


def test_a_section_of_plans_is_a_plan_of_care(laboratory: bytes) -> None:
    found = kinds(laboratory, plan("GOL"), plan("INT", ""))
    whole = found["CarePlan"]
    assert len(whole["goal"]) == len(whole["activity"]) == 1
    assert "CarePlan" not in kinds(laboratory, plan("INT", ""), code="30954-2")


@pytest.mark.parametrize(
    ("mood", "kind", "place"),
    [("EVN", "Procedure", "location"), ("INT", "ServiceRequest", "performer")],
)
def test_a_transfer_says_where_to(laboratory: bytes, mood: str, kind: str, place: str) -> None:
    entry = (
        f'<act classCode="ACT" moodCode="{mood}">{templates(FRENCH + "28")}{own_id()}'
        f"{coded('code', '80413-8', LOINC, 'Transfert')}"
        '<participant typeCode="DST"><participantRole classCode="SDLOC">'
        '<id root="2.999.3" extension="ailleurs"/><playingEntity classCode="ENT">'
        "<name>Clinique des Iris</name></playingEntity></participantRole></participant></act>"
    )
    found = kinds(laboratory, entry, code="42545-4")
    assert set(found) == {kind}
    where = found[kind][place]
    where = where[0] if isinstance(where, list) else where
    assert where["display"] == "Clinique des Iris"
    assert where["identifier"]["value"] == "ailleurs"


@pytest.mark.parametrize("mood", ["GOL", "INT", "RQO"])
def test_an_observation_of_any_template_that_is_not_made_is_none(
    laboratory: bytes, mood: str
) -> None:
    entry = observation(KILOS, FRENCH + "48", code=WEIGHT, mood=mood, status="active")
    found = kinds(laboratory, entry, code="30954-2")
    assert set(found) == {"Goal" if mood == "GOL" else "ServiceRequest"}
