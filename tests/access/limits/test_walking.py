# SPDX-License-Identifier: EUPL-1.2
"""A stolen practice account cannot empty the country: it walks through records and is stopped."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from carnet.access import queries
from carnet.access.limits import alarms
from carnet.access.limits.refusals import AccountStopped, TooManyPatientsRead
from tests.space import Space

pytestmark = pytest.mark.anyio


async def walked(space: Space, sub: str, many: int, *, ago: timedelta = timedelta()) -> None:
    """So many records were read, as the audit tells."""
    await space.rows(
        "INSERT INTO access.audit (at, request, sub, client, purpose, act, granted, rule, matrix, cid)"
        " SELECT %s, 'r', %s, 'c', 'TREAT', 'read', true, 'care-team', 'm', n"
        " FROM generate_series(1, %s) n", space.clock() - ago, sub, many,
    )  # fmt: skip


async def told(space: Space) -> set[tuple[str, str, str, int]]:
    """Alarms: reason, account, what was done, how often."""
    rows = await space.rows("SELECT reason, sub, done, times FROM access.alarm")
    return {tuple(row) for row in rows}


# Every way to a record an account has not read.
WAYS = (
    "Patient/{0}",
    "Observation?patient={0}",
    "Observation?patient={0}&_summary=count",
    "Patient?_id={0}&_revinclude=Observation:patient",
    "Observation?subject:Patient._id={0}&_include=Observation:subject",
    "Patient?_id={0}&_has:Observation:patient:status=final",
    "Patient/{0}/$everything",
    "Patient/{0}/_history",
    "Observation",
)


@pytest.mark.parametrize("way", WAYS)
async def test_no_way_opens_one_record_more_than_the_limit(space: Space, way: str) -> None:
    sub, path = (await space.actor("gp")).sub, way.format(space.patient_id())
    assert (await space.get(path, as_="nurse")).status == 200
    await walked(space, sub, space.built.settings.patients_per_hour)
    answer = await space.get(path, as_="gp")
    assert answer.status == 429, answer.json
    assert answer.json["issue"][0]["code"] == "throttled"
    assert "too many people" in answer.json["issue"][0]["diagnostics"]
    assert int(answer.headers["retry-after"]) > 60
    assert ("too-many-patients", sub, "refused", 1) in await told(space)


async def test_an_export_counts_what_was_read_before(space: Space) -> None:
    """Read all but one, and take a copy of one's patients: that is beyond too."""
    sub = (await space.actor("gp")).sub
    path = "Patient/$export"
    headers = {"prefer": "respond-async"}
    assert (await space.get(path, as_="gp", **headers)).status == 202
    await space.rows("DELETE FROM bulk.export")
    await walked(space, sub, space.built.settings.patients_per_hour)
    assert (await space.get(path, as_="gp", **headers)).status in (403, 429)


async def test_a_day_has_its_limit_too(space: Space) -> None:
    sub = (await space.actor("gp")).sub
    most = space.built.door.counter.rates["patients-day"].most
    await walked(space, sub, most - 1, ago=timedelta(hours=5))
    assert (await space.get(f"Patient/{space.patient_id()}", as_="gp")).status == 200
    await walked(space, sub, most + 1, ago=timedelta(hours=4))
    space.clock.advance(timedelta(hours=2))
    assert (await space.get(f"Patient/{space.patient_id()}", as_="gp")).status == 429
    assert ("too-many-patients-day", sub, "refused", 1) in await told(space)


async def test_who_walks_on_is_stopped_everywhere_and_an_operator_reads_why(space: Space) -> None:
    sub = (await space.actor("gp")).sub
    await walked(space, sub, space.built.settings.patients_per_hour)
    token = await space.token("gp")
    headers = {"authorization": f"Bearer {token}"}
    most = space.built.door.counter.rates["walk"].most
    path = f"Patient/{space.patient_id()}"
    for _ in range(most + 1):
        assert (await space.get(path, **headers)).status == 429
    assert ("walk", sub, "account-stopped", 1) in await told(space)
    assert ("too-many-patients", sub, "refused", most + 1) in await told(space)
    time.sleep(0.6)  # noqa: ASYNC251 - a token is believed half a second
    assert (await space.get("Observation", **headers)).status == 401
    with pytest.raises(AccountStopped):
        await space.actor("gp")
    # What was opened: nothing beyond the limit.
    opened = await space.rows(
        "SELECT count(DISTINCT cid) FROM access.audit WHERE sub = %s AND granted", sub
    )
    assert opened == [(space.built.settings.patients_per_hour,)]
    await seen_by_an_operator(space, sub)


async def seen_by_an_operator(space: Space, sub: str) -> None:
    """They take it, close it with a word, and the account opens again."""
    async with space.built.pool.connection() as conn:
        listed = await alarms.listed(conn, space.clock())
        walk = next(each for each in listed if each.reason == "walk")
        assert walk.stopped
        assert walk.closed_at is None
        await alarms.take(conn, walk.id, "operator:x", space.clock())
        with pytest.raises(alarms.NoAlarm):
            await alarms.take(conn, walk.id, "operator:y", space.clock())
        with pytest.raises(alarms.NoWord):
            await alarms.close(conn, walk.id, "operator:x", space.clock(), " ")
        await alarms.close(
            conn, walk.id, "operator:x", space.clock(), "A laptop was stolen.", reopen=True
        )
        with pytest.raises(alarms.NoAlarm):
            await alarms.close(conn, walk.id, "operator:x", space.clock(), "Again.")
    assert (await space.actor("gp")).sub == sub
    space.clock.advance(timedelta(hours=2))
    assert (await space.get(f"Patient/{space.patient_id()}", as_="gp")).status == 200


async def test_a_door_that_does_not_count_opens_more(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault the tests above would be red for."""

    async def none(*given: object) -> int:
        return 0

    monkeypatch.setattr(queries, "patients_read_since", none)
    await walked(space, (await space.actor("gp")).sub, space.built.settings.patients_per_hour)
    assert (await space.get(f"Patient/{space.patient_id()}", as_="gp")).status == 200
    assert TooManyPatientsRead.status == 429


RATED = {
    "api-read": ("GET", "Patient/{0}"),
    "api-search": ("GET", "Observation?patient={0}"),
    "api-write": ("POST", "QuestionnaireResponse"),
}


@pytest.mark.parametrize("rate", RATED)
async def test_each_account_is_held_to_rates_of_its_own(space: Space, rate: str) -> None:
    method, path = RATED[rate]
    counter, sub = space.built.door.counter, (await space.actor("patient")).sub
    counter.rates = {**counter.rates, rate: replace(counter.rates[rate], most=1)}
    sent = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": {"reference": f"Patient/{space.patient_id()}"},
    }
    body = sent if method == "POST" else None
    first = await space.call(method, path.format(space.patient_id()), as_="patient", body=body)
    assert first.status in (200, 201)
    again = await space.call(method, path.format(space.patient_id()), as_="patient", body=body)
    assert (again.status, again.json["issue"][0]["code"]) == (429, "throttled")
    assert 1 <= int(again.headers["retry-after"]) <= counter.rates[rate].seconds + 1
    assert (await space.get(f"Patient/{space.patient_id()}", as_="nurse")).status == 200
    await counter.tell()
    rows = await space.rows("SELECT class, count FROM access.rate WHERE class = %s", rate)
    assert (rate, 1) in rows, sub


async def test_the_software_of_an_organisation_has_rates_for_all_its_screens(space: Space) -> None:
    counter = space.built.door.counter
    narrow = {
        name: replace(counter.rates[name], most=1) for name in ("api-search", "software-search")
    }
    path = f"Observation?patient={space.patient_id()}"
    counter.rates = {**counter.rates, "api-search": narrow["api-search"]}
    for _ in range(3):
        assert (await space.get(path, as_="hospital-software")).status == 200
    counter.rates = {**counter.rates, **narrow}
    assert (await space.get(path, as_="hospital-software")).status == 429
