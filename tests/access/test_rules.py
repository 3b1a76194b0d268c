# SPDX-License-Identifier: EUPL-1.2
"""The tables: kinds, labels, the matrix, who may write."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from carnet.access import kinds, labels, matrix, writing
from carnet.access.actor import Actor, ActorKind
from carnet.access.door.decide import judged
from carnet.access.labels import Label
from carnet.access.queries import Link
from carnet.access.reach import ALL_KINDS
from carnet.fhir import definitions
from carnet.fhir.search.scope import LOOSE, Admits, OfOrganisation, Scope, condition, context_parts

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FOLDER = Path(kinds.__file__).parent
LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def _coded(rtype: str, element: str, system: str, code: str) -> dict[str, Any]:
    return {"resourceType": rtype, element: [{"coding": [{"system": system, "code": code}]}]}


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ({"resourceType": "Patient"}, "identity"),
        ({"resourceType": "Observation"}, "report"),
        (_coded("Observation", "category", CATEGORY, "laboratory"), "laboratory"),
        (_coded("Observation", "category", "urn:other", "laboratory"), "report"),
        ({**_coded("Observation", "category", CATEGORY, "vital-signs"), "code": "?"}, "measure"),
        ({"resourceType": "DocumentReference"}, "unclassified"),
        (_coded("DocumentReference", "type", LOINC, "34794-8"), "report-sensitive"),
        (_coded("DocumentReference", "type", "urn:any", "REMB"), "reimbursement"),
        ({"resourceType": "Binary"}, "loose"),
        ({"resourceType": "Communication"}, "unclassified"),
    ],
)
def test_each_resource_stands_in_a_row(resource: dict[str, Any], name: str) -> None:
    assert kinds.of(resource) == kinds.table()[name].number


def test_row_numbers_are_told_apart_and_the_two_files_name_the_same_rows() -> None:
    rows = kinds.table()
    assert len({row.number for row in rows.values()}) == len(rows)
    text = tomllib.loads((FOLDER / "kinds.toml").read_text("utf-8"))
    named = set(text["types"].values())
    for family in text["codes"].values():
        named |= set(family.values())
    assert named <= set(rows)
    known = definitions.load().types
    assert set(text["types"]) | set(text["codes"]) <= set(known)
    assert rows["loose"].number == kinds.LOOSE == LOOSE
    assert kinds.LOOSE not in ALL_KINDS and kinds.UNCLASSIFIED in ALL_KINDS


@pytest.mark.parametrize(
    ("resource", "label"),
    [
        ({}, Label.NONE),
        ({"meta": {"security": [{"code": "MASQUE_PS"}]}}, Label.MASQUE_PS),
        (
            {"securityLabel": [{"coding": [{"code": "N"}, {"code": "INVISIBLE_PATIENT"}]}]},
            Label.INVISIBLE_PATIENT,
        ),
        (
            {"securityLabel": [{"coding": [{"code": "INVISIBLE_REP_LEGAUX"}]}],
             "meta": {"security": [{"code": "MASQUE_PS"}]}},
            Label.INVISIBLE_REPRESENTANTS_LEGAUX | Label.MASQUE_PS,
        ),
        ({"meta": {"security": [{"code": "R"}, {}]}}, Label.NONE),
    ],
)  # fmt: skip
def test_labels_are_read_from_both_places(resource: dict[str, Any], label: Label) -> None:
    assert labels.of(resource) == label


def test_labels_have_names_again() -> None:
    assert labels.codes(5) == {"MASQUE_PS", "INVISIBLE_REPRESENTANTS_LEGAUX"}
    assert labels.codes(0) == frozenset()


def test_the_demonstration_matrix_reads_as_its_cells_say() -> None:
    found = matrix.load()
    rows = {name: row.number for name, row in kinds.table().items()}
    assert not found.official
    assert rows["report-sensitive"] in found.reads("10")
    assert rows["report-sensitive"] not in found.reads("60")
    assert rows["reimbursement"] not in found.reads("60")
    assert found.reads("10/SM54") == found.reads("10")
    assert found.reads("10/SM03") != found.reads("10")
    assert rows["unclassified"] not in found.reads("10")
    assert kinds.LOOSE not in found.reads("10")
    assert found.reads("99") == found.reads("") == ()


def test_a_line_that_opens_nothing_does_not_fall_back_on_a_wider_one() -> None:
    found = matrix.Matrix("x", "1", False, {"10": (10, 11), "10/SM99": ()}, {})
    assert found.reads("10/SM99") == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not toml [",
        '[matrix]\nname="x"\nversion="1"\nofficial=false\n[categories]\norder=["10"]\n'
        '[[profession]]\ncode="10"\nlabel="x"\ncells="X"\n',
        '[matrix]\nname="x"\nversion="1"\nofficial=false\n[categories]\norder=["10"]\n'
        '[[profession]]\ncode="10"\nlabel="x"\ncells="R R"\n',
    ],
)
def test_a_matrix_that_is_not_whole_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "m.toml").write_text(content, "utf-8")
    with pytest.raises(matrix.WrongMatrix):
        matrix.load(str(tmp_path / "m.toml"))


def _actor(kind: ActorKind, **more: Any) -> Actor:
    return Actor(kind, "x", "", "", **more)


@pytest.mark.parametrize(
    ("kind", "rtype", "act", "may"),
    [
        (ActorKind.SOFTWARE, "Observation", "create", True),
        (ActorKind.SOFTWARE, "Patient", "create", True),
        (ActorKind.SOFTWARE, "Patient", "delete", False),
        (ActorKind.SOFTWARE, "AuditEvent", "create", False),
        (ActorKind.SOFTWARE, "Consent", "create", False),
        (ActorKind.PROFESSIONAL, "Patient", "create", False),
        (ActorKind.PROFESSIONAL, "Practitioner", "create", False),
        (ActorKind.PROFESSIONAL, "Binary", "update", False),
        (ActorKind.PATIENT, "QuestionnaireResponse", "create", True),
        (ActorKind.PATIENT, "Observation", "create", False),
        (ActorKind.PATIENT, "Patient", "create", False),
        (ActorKind.OPERATOR, "Observation", "create", False),
    ],
)
def test_who_may_write_what(kind: ActorKind, rtype: str, act: str, may: bool) -> None:
    assert writing.allowed(_actor(kind), rtype, act) is may


def test_what_has_no_line_is_refused() -> None:
    for act in ("label", "patch", "", "*", "types"):
        for kind in ActorKind:
            assert not writing.allowed(_actor(kind), "Observation", act)


NURSE = _actor(ActorKind.PROFESSIONAL, rpps=7, profession="60", org=900)


def test_without_a_link_only_ones_own_bucket_is_left() -> None:
    decision = judged(NURSE, 7, [], matrix.load(), NOW)
    assert not decision.granted and decision.rule == "no-live-link"
    assert decision.scope.admits == () and decision.scope.team is None
    assert decision.scope.held == (900,)


def test_links_become_clauses() -> None:
    links = [Link(1, True, True), Link(2, False, True), Link(3, False, False)]
    rows = matrix.load().reads("60")
    scope = judged(NURSE, 7, links, matrix.load(), NOW).scope
    assert scope.admits == (
        Admits((1,), (*rows, kinds.UNCLASSIFIED), 0),
        Admits((1, 2, 3), rows, int(Label.MASQUE_PS)),
    )
    assert scope.team == OfOrganisation(900, (1, 2), (*rows, kinds.UNCLASSIFIED))
    assert scope.held == (1, 2, 3, 900)


def test_an_empty_scope_is_a_false_condition_and_an_empty_context() -> None:
    values: dict[str, object] = {}
    assert condition(Scope(), values, public=False) == "FALSE"
    assert condition(Scope(), values, public=True) == "(r.cid = 0)"
    assert not set(context_parts(Scope())) - {"", "{}"}
    assert (
        len(context_parts(Scope())) == len(context_parts(Scope(software=1, loose_since=NOW))) == 22
    )
    assert not any("|" in part for part in context_parts(Scope(software=1, loose_since=NOW)))


def test_a_scope_has_no_more_clauses_than_the_policies_have_places() -> None:
    with pytest.raises(ValueError, match="four"):
        Scope((Admits((1,), (1,), 0),) * 5)
