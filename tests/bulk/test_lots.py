# SPDX-License-Identifier: EUPL-1.2
"""What lines are, and what follows a document: rules without a database."""

from __future__ import annotations

import json

import pytest

from carnet.bulk import following, lots
from carnet.bulk.asked import Asked, read
from carnet.bulk.lots import Cut, Step
from carnet.bulk.placing import step_of

FOLLOWED = (
    b'{"resourceType":"Observation","id":"o","meta":{"versionId":"1","extension":[{"url":"urn:x",'
    b'"valueString":"y"}]},"valueQuantity":{"value":1.50}}'
)


@pytest.mark.parametrize(
    ("line", "step"),
    [
        (b'{"resourceType":"Patient","id":"a"}', Step.PERSONS),
        (b'{"id":"Patient","resourceType":"DocumentReference"}', Step.DOCUMENTS),
        (b'{"resourceType":"Basic","code":{"text":"Patient"}}', Step.WRITE),
        (b'{"contained":[{"resourceType":"Patient"}],"resourceType":"Basic"}', Step.WRITE),
        (b'{"resourceType":"Patient"', Step.WRITE),
        (lots.BEYOND + b'"Patient"', Step.WRITE),
        (b'["Patient"]', Step.WRITE),
    ],
)
def test_persons_and_documents_are_written_before_what_is_about_them(
    line: bytes, step: Step
) -> None:
    assert step_of(line) is step


def test_a_lot_is_so_many_lines_or_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "LINES", 3)
    monkeypatch.setattr(lots, "BYTES", 100)
    cut = Cut(Step.PERSONS, "a", [])
    assert [cut.add(n, b"x") for n in range(3)] == [False, False, True]
    lot = cut.taken()
    assert (lot.kept, [number for number, _ in lot.lines]) == ("a|persons", [0, 1, 2])
    assert cut.add(3, b"x" * 100)
    assert [number for number, _ in cut.taken().lines] == [3]


def test_a_resource_says_what_it_follows_and_is_the_same_without_it() -> None:
    said = following.marked(FOLLOWED, "DocumentReference/d")
    assert b"1.50" in said
    again = following.marked(said, "DocumentReference/e")  # once, whatever it said before
    kept, document = following.unmarked(json.loads(again))
    assert document == "DocumentReference/e"
    assert kept == json.loads(FOLLOWED)
    plain = {"resourceType": "Basic", "id": "b"}
    kept, document = following.unmarked(
        json.loads(following.marked(json.dumps(plain).encode(), "D/1"))
    )
    assert (kept, document) == (plain, "D/1")


@pytest.mark.parametrize(
    "meta",
    [7, [], {"extension": {}}, {"extension": [7, {"url": following.URL, "valueReference": 7}]}],
)
def test_a_meta_of_any_shape_follows_nothing(meta: object) -> None:
    assert following.unmarked({"meta": meta})[1] == ""


def test_what_was_asked_is_read_as_it_was_kept() -> None:
    asked = Asked(
        "patient", "u", ("Patient",), (("Patient", "a=b"),), ("id",), "2020", "2021", (1,)
    )
    assert read(json.loads(json.dumps(asked.values()))) == asked
