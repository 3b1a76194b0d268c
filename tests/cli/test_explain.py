# SPDX-License-Identifier: EUPL-1.2
"""carnet explain: how a search is compiled, without a value of it and without data."""

import asyncio
import re

import pytest
from typer.testing import CliRunner

from carnet.access.door.explain import masked
from carnet.cli import app
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio


async def explained(space: Space, monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setenv("CARNET_DATABASE_URL", space.admin_url)
    monkeypatch.setenv("CARNET_DATA", str(space.built.settings.data))
    monkeypatch.setenv("CARNET_INSTANCE", "demonstration")
    found = await asyncio.to_thread(CliRunner().invoke, app, ["explain", *words])
    assert found.exit_code == 0, found.output
    return found.stdout


async def test_a_search_is_told_in_sql_plans_and_indexes(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await explained(
        space, monkeypatch,
        "Observation?code=http://loinc.org|2339-0&value-quantity=gt5.4&date=ge2026"
        "&subject:Patient.name=durand&_has:Observation:derived-from:status=final&_total=accurate",
    )  # fmt: skip
    for expected in (
        "code (token, R4, 1 value): keyed hashes in toks",
        "value-quantity (quantity, R4, 1 value): record.idx_number, sealed",
        "date (date, R4, 1 value): columns lo and hi of record.resource",
        "1. Patient: what subject leads to",
        "2. Observation: what points back",
        "3. Observation: how many there are",
        "4. Observation: a page",
        "Indexes: ",
        "r.toks @> :f0::bigint[]",
    ):
        assert expected in said, expected


@pytest.mark.parametrize("caller", ["patient", "professional", "software", "anybody"])
async def test_no_value_no_count_and_nobody_is_in_it(
    space: Space, monkeypatch: pytest.MonkeyPatch, caller: str
) -> None:
    """Names, dates, ids, hashes and numbers asked for are in no line; nor is what is there."""
    patient = space.patient_id()
    said = await explained(
        space, monkeypatch, "--as", caller,
        f"Patient?name={people.PATIENT.birth_name}&birthdate=1953-04-17&_id={patient}"
        "&_has:Observation:patient:value-quantity=72.25&_sort=family",
    )  # fmt: skip
    cid = str(space.where.people[people.PATIENT.key])
    for secret in (
        people.PATIENT.birth_name,
        "1953",
        "04-17",
        patient,
        cid,
        "72.25",
        "rows=",
        "cost",
    ):
        assert secret.casefold() not in said.casefold(), secret
    plans = [line for line in said.splitlines() if re.search("Cond|Filter|Key", line)]
    assert plans and not any(re.search(r"(?<![\w.\"$])[0-9]{2,}", line) for line in plans)


async def test_what_is_followed_inside_of_filter_is_told_too(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await explained(
        space, monkeypatch,
        'Observation?_filter=status eq final or not (subject:Patient.name sw "dur")&_list=x'
        "&status:not-in=http://hl7.org/fhir/ValueSet/observation-status",
    )  # fmt: skip
    for expected in (
        "Patient: what subject leads to",
        "listed, by statements of its own",
        "a page",
    ):
        assert expected in said, expected
    assert "dur" not in said.replace("durations", "")


def test_constants_of_a_plan_are_masked() -> None:
    told = masked("((r.toks @> '{-7,12}'::bigint[]) AND (s.value = E'O''Brien') AND (r.cid = -42))")
    assert told == "((r.toks @> '?'::bigint[]) AND (s.value = '?') AND (r.cid = ?))"


async def test_what_is_wrong_is_refused_as_the_api_does(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARNET_DATABASE_URL", space.admin_url)
    monkeypatch.setenv("CARNET_DATA", str(space.built.settings.data))
    monkeypatch.setenv("CARNET_INSTANCE", "demonstration")
    for words in (["Nothing?x=1"], ["Observation?nothing=1"], ["Observation", "--as", "somebody"]):
        found = await asyncio.to_thread(CliRunner().invoke, app, ["explain", *words])
        assert found.exit_code == 1
