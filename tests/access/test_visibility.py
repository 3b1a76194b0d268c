# SPDX-License-Identifier: EUPL-1.2
"""The rule itself, as tables a doctor could check."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from carnet.access.labels import Label
from carnet.access.visibility import (
    Block,
    Consent,
    Member,
    Period,
    Reader,
    Resource,
    State,
    Viewer,
    readers,
    visible,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALWAYS = Period(NOW - timedelta(days=30))
OVER = Period(NOW - timedelta(days=30), NOW)
TO_COME = Period(NOW + timedelta(seconds=1))
PATIENT, OTHER, HOSPITAL, PRACTICE, TEAM = 100, 200, 900, 901, 1
REPORT, CARE_PLAN, SECRET, UNCLASSIFIED, LOOSE = 10, 44, 11, 0, 3
GP = Viewer("professional", rpps=1, profession="10", org=PRACTICE)
NURSE = Viewer("professional", rpps=2, profession="60", org=PRACTICE)
SURGEON = Viewer("professional", rpps=3, profession="10/SM01", org=HOSPITAL)
HERSELF = Viewer("patient", patient=PATIENT)
SOFTWARE = Viewer("software", org=HOSPITAL)
STATE = State(
    records={PATIENT: "open", OTHER: "open"},
    teams={TEAM: PATIENT},
    members=(Member(TEAM, 1, "PCP", ALWAYS), Member(TEAM, 2, "353", ALWAYS)),
    consents=(Consent(PATIENT, ALWAYS, team=TEAM),),
    blocks=(),
    reads={"10": frozenset({REPORT, SECRET, CARE_PLAN}), "60": frozenset({REPORT, CARE_PLAN})},
)
DOCUMENT = Resource(PATIENT, 5, REPORT, Label.NONE, dep_org=HOSPITAL, updated=NOW)


@pytest.mark.parametrize(
    ("label", "closed_to"),
    [
        (Label.MASQUE_PS, {Reader.COLLEAGUE}),
        (Label.INVISIBLE_PATIENT, {Reader.PATIENT, Reader.GUARDIAN}),
        (Label.INVISIBLE_REPRESENTANTS_LEGAUX, {Reader.GUARDIAN}),
    ],
)
def test_each_label_closes_the_document_to_some(label: Label, closed_to: set[Reader]) -> None:
    """The author and the médecin traitant keep masked documents (DMP, EX_3.1-1030)."""
    assert set(Reader) - readers({label}) == closed_to


@pytest.mark.parametrize(
    ("viewer", "resource", "sees"),
    [
        (HERSELF, DOCUMENT, True),
        (HERSELF, replace(DOCUMENT, labels=Label.MASQUE_PS), True),
        (HERSELF, replace(DOCUMENT, labels=Label.INVISIBLE_PATIENT), False),
        (HERSELF, replace(DOCUMENT, kind=UNCLASSIFIED), True),
        (HERSELF, replace(DOCUMENT, cid=OTHER), False),
        (HERSELF, replace(DOCUMENT, owners=frozenset({PATIENT, OTHER})), False),
        (GP, DOCUMENT, True),
        (GP, replace(DOCUMENT, labels=Label.MASQUE_PS), True),
        (GP, replace(DOCUMENT, kind=UNCLASSIFIED), True),
        (GP, replace(DOCUMENT, cid=OTHER), False),
        (NURSE, DOCUMENT, True),
        (NURSE, replace(DOCUMENT, labels=Label.MASQUE_PS), False),
        (NURSE, replace(DOCUMENT, labels=Label.INVISIBLE_PATIENT), True),
        (NURSE, replace(DOCUMENT, kind=SECRET), False),
        (NURSE, replace(DOCUMENT, kind=UNCLASSIFIED), False),
        (NURSE, replace(DOCUMENT, labels=Label.MASQUE_PS, dep_org=PRACTICE), True),
        (NURSE, replace(DOCUMENT, kind=SECRET, dep_org=PRACTICE), False),
        (NURSE, replace(DOCUMENT, kind=SECRET, dep_pro=2), True),
        (SURGEON, DOCUMENT, False),
        (SURGEON, replace(DOCUMENT, dep_pro=3), False),
        (SOFTWARE, DOCUMENT, True),
        (SOFTWARE, replace(DOCUMENT, dep_org=PRACTICE), False),
        (Viewer("operator"), DOCUMENT, False),
        (Viewer("operator"), replace(DOCUMENT, cid=0), True),
    ],
)
def test_who_sees_a_document(viewer: Viewer, resource: Resource, sees: bool) -> None:
    assert visible(viewer, resource, STATE, NOW) is sees


@pytest.mark.parametrize(
    ("change", "sees"),
    [
        ({}, True),
        ({"records": {PATIENT: "closed"}}, False),
        ({"records": {PATIENT: "notice"}}, False),
        ({"consents": ()}, False),
        ({"consents": (Consent(PATIENT, OVER, team=TEAM),)}, False),
        ({"consents": (Consent(PATIENT, TO_COME, team=TEAM),)}, False),
        ({"consents": (Consent(PATIENT, ALWAYS, team=TEAM, withdrawn=True),)}, False),
        ({"consents": (Consent(PATIENT, ALWAYS, rpps=2),)}, True),
        ({"consents": (Consent(OTHER, ALWAYS, rpps=2),)}, False),
        ({"members": (Member(TEAM, 2, "353", OVER),)}, False),
        ({"blocks": (Block(PATIENT, 2, ALWAYS),)}, False),
        ({"blocks": (Block(PATIENT, 2, OVER),)}, True),
        ({"blocks": (Block(OTHER, 2, ALWAYS),)}, True),
    ],
)
def test_a_link_has_to_hold_now(change: dict[str, object], sees: bool) -> None:
    assert visible(NURSE, DOCUMENT, replace(STATE, **change), NOW) is sees  # type: ignore[arg-type]


def test_a_blocked_professional_sees_not_even_what_they_wrote() -> None:
    own = replace(DOCUMENT, dep_pro=2)
    blocked = replace(STATE, blocks=(Block(PATIENT, 2, ALWAYS),))
    assert visible(NURSE, own, STATE, NOW)
    assert not visible(NURSE, own, blocked, NOW)


def test_a_shut_record_is_shut_to_the_software_that_fed_it() -> None:
    assert not visible(SOFTWARE, DOCUMENT, replace(STATE, records={PATIENT: "closed"}), NOW)


@pytest.mark.parametrize(("age", "sees"), [(0, True), (23.99, True), (24, False), (100, False)])
@pytest.mark.parametrize("viewer", [SURGEON, SOFTWARE])
def test_a_lone_binary_is_its_depositors_for_a_day(age: float, sees: bool, viewer: Viewer) -> None:
    lone = Resource(
        HOSPITAL, 6, LOOSE, Label.NONE, dep_pro=3, dep_org=HOSPITAL,
        updated=NOW - timedelta(hours=age),
    )  # fmt: skip
    assert visible(viewer, lone, STATE, NOW) is sees
    assert not visible(replace(viewer, rpps=9, org=PRACTICE), lone, STATE, NOW)
