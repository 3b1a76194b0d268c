# SPDX-License-Identifier: EUPL-1.2
"""Bindings are held against what is loaded: validation asks, learns, and asks again."""

from typing import Any

import pytest
from psycopg import AsyncConnection

from carnet.fhir.terminology import Terms
from carnet.fhir.terminology.bindings import Bindings
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.terms import LocalTerminology
from carnet.fhir.validation.validator import Validator
from tests.fhir.terminology.conftest import put
from tests.fhir.terminology.herbs import HERBS, SET, Json, value_set
from tests.postgres_fixture import Database

pytestmark = pytest.mark.anyio
PROFILE = "urn:carnet:test:profil"


def profile(set: str) -> Json:
    """A Flag whose code is bound to a value set that comes with no package."""
    return {
        "resourceType": "StructureDefinition", "url": PROFILE, "name": "Profil", "type": "Flag",
        "kind": "resource", "abstract": False, "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Flag",
        "differential": {"element": [
            {"id": "Flag.code", "path": "Flag.code", "binding": {"strength": "required", "valueSet": set}},
        ]},
    }  # fmt: skip


def flag(code: str, system: str = HERBS) -> Json:
    """A Flag with one code."""
    return {
        "resourceType": "Flag", "status": "active", "subject": {"reference": "Patient/x"},
        "code": {"coding": [{"system": system, "code": code}]},
    }  # fmt: skip


def judge(set: str) -> tuple[Bindings, Validator]:
    """A validator whose bindings are asked of what is loaded."""
    packages = Packages()
    packages.add([profile(set)])
    bindings = Bindings(Terms(), LocalTerminology(packages))
    return bindings, Validator(packages, terminology=bindings)


@pytest.mark.parametrize(
    ("name", "code", "wrong"),
    [
        ("is-a", "menthe-p", False),
        ("is-a", "thym", True),
        ("nulle-part", "thym", False),
        ("cercle", "thym", False),
    ],
)
async def test_a_required_binding_asks_what_is_loaded(
    conn: AsyncConnection[Any], name: str, code: str, wrong: bool
) -> None:
    bindings, validator = judge(SET + name)
    found = await bindings.settled(conn, lambda: validator.validate(flag(code), (PROFILE,)))
    assert [each.path for each in found if each.severity == "error"] == ["Flag.code"] * wrong
    # What was learnt is remembered: nothing is left to ask.
    bindings.unasked = set()
    again = validator.validate(flag(code), (PROFILE,))
    assert again == found
    assert not bindings.unasked


async def test_what_is_loaded_anew_is_asked_anew(db: Database) -> None:
    """A code that was not in a value set is in the next version of it."""
    bindings, validator = judge(SET + "un")
    with db.connect() as owner:
        put(owner, value_set("un", {"system": HERBS, "concept": [{"code": "a"}]}))
        async with await AsyncConnection.connect(db.url("carnet_app"), autocommit=True) as conn:

            async def errors(code: str) -> int:
                work = lambda: validator.validate(flag(code), (PROFILE,))  # noqa: E731
                return sum(e.severity == "error" for e in await bindings.settled(conn, work))

            assert (await errors("a"), await errors("b")) == (0, 1)
            put(owner, value_set("un", {"system": HERBS, "concept": [{"code": "b"}]}), replace=True)
            assert (await errors("a"), await errors("b")) == (1, 0)
