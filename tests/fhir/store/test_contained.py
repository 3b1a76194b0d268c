# SPDX-License-Identifier: EUPL-1.2
"""What a document is found by through what it contains is kept for the next one, and never mixed."""

from __future__ import annotations

from typing import Any

import pytest

from carnet.fhir import json
from carnet.fhir.definitions import load
from carnet.fhir.search.own import Catalogue
from carnet.fhir.store import index
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.index import Indexer
from carnet.fhir.store.owners import Owners

Json = dict[str, Any]


def document(family: str, practitioner: str = "who") -> Json:
    return {
        "resourceType": "DocumentReference",
        "contained": [
            {"resourceType": "PractitionerRole", "id": "role",
             "practitioner": {"reference": f"#{practitioner}"}},
            {"resourceType": "Practitioner", "id": "who", "name": [{"family": family}]},
            {"resourceType": "Practitioner", "id": "é\"#who", "name": [{"family": "Autre"}]},
        ],
        "author": [{"reference": "#role"}],
    }  # fmt: skip


def indexer() -> Indexer:
    catalogue = Catalogue(load())
    known = catalogue.definitions
    return Indexer(known, Owners(known), Hasher(b"k" * 32), catalogue)


def test_the_same_role_of_another_person_is_found_by_that_person() -> None:
    kept = indexer()
    for one in (document("Lemoine"), document("Renaud"), document("Lemoine", 'é"#who')):
        again = [kept.index(one).toks for _ in range(2)]
        assert again == [indexer().index(one).toks] * 2
    assert len({kept.index(document(name)).toks for name in ("Lemoine", "Renaud")}) == 2


def test_what_is_kept_is_not_made_again_and_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = indexer()
    made: list[int] = []
    real = Indexer._inner

    def inner(*given: Any) -> set[int]:
        made.append(1)
        return real(*given)

    monkeypatch.setattr(Indexer, "_inner", inner)
    kept.index(document("Lemoine"))
    before = len(made)
    assert before
    kept.index(document("Lemoine"))
    assert len(made) == before
    monkeypatch.setattr(index, "SEEN", 3)
    for at in range(9):
        kept.index(document(f"Nom {at}"))
    assert len(kept._seen) <= 3 + 1


def test_a_key_without_who_stands_beside_mixes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: a role is recognised by itself alone."""
    kept = indexer()
    real = json.dump
    monkeypatch.setattr(json, "dump", lambda value: b"-" if isinstance(value, str) else real(value))
    first, second = (kept.index(document(name)).toks for name in ("Lemoine", "Renaud"))
    assert set(first) & set(second) == set(first), (
        "one person's document is found by another's name"
    )
