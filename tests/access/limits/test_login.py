# SPDX-License-Identifier: EUPL-1.2
"""Guessing passwords: who guesses stops, who owns the account enters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from carnet.access.limits.counter import Counter
from carnet.access.limits.login import Counted
from carnet.access.limits.refusals import TooFast
from carnet.access.limits.table import load
from carnet.postgres.pool import Pool

pytestmark = pytest.mark.anyio
STRICT = load(demonstration=False)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def tries(pool: Pool) -> Counted:
    """Of an installation that is none of demonstration."""
    return Counted(Counter(pool, STRICT, b"k" * 32, NOW.timestamp), lambda: NOW)


async def passed(tries: Counted, times: int, account: str, address: str, device: str = "") -> int:
    """How many tries are taken."""
    taken = 0
    for _ in range(times):
        try:
            await tries.password(account, address, device)
        except TooFast as refused:
            assert refused.wait >= 1
            continue
        taken += 1
    return taken


async def reasons(pool: Pool) -> set[tuple[str, str]]:
    """Alarms."""
    async with pool.connection() as conn:
        rows = await (await conn.execute("SELECT reason, sub FROM access.alarm")).fetchall()
    return {tuple(row) for row in rows}


async def test_who_guesses_from_one_place_stops_themselves_alone(tries: Counted) -> None:
    assert await passed(tries, 20, "Dr.Moreau", "203.0.113.7") == STRICT["login-pair"].most
    assert await passed(tries, 1, "dr.moreau ", "203.0.113.7") == 0  # the same name
    assert await passed(tries, 1, "dr.moreau", "198.51.100.1") == 1  # the owner, elsewhere
    assert await passed(tries, 1, "dr.durand", "203.0.113.7") == 1


async def test_a_net_of_addresses_fills_an_account_and_its_owner_still_enters(
    tries: Counted, pool: Pool
) -> None:
    most = STRICT["login-account"].most
    taken = 0
    for number in range(most + 10):
        taken += await passed(tries, 1, "moreau", f"2001:db8:0:{number:x}::1")
    assert taken == most
    assert await passed(tries, 1, "moreau", "198.51.100.1") == 0
    assert await passed(tries, 1, "moreau", "198.51.100.1", device="a1b2") == 1
    assert await passed(tries, 20, "moreau", "198.51.100.1", device="a1b2") < 20  # it may guess too
    assert ("many-refusals", "") in await reasons(pool)


async def test_one_address_tries_few_accounts(tries: Counted, pool: Pool) -> None:
    most = STRICT["login-address"].most
    taken = sum([await passed(tries, 1, f"user{n}", "203.0.113.7") for n in range(most + 5)])
    assert taken == most
    assert await reasons(pool) == {("many-refusals-address", "")}


async def test_a_password_that_was_right_does_not_count(tries: Counted) -> None:
    for _ in range(STRICT["login-address"].most + 1):
        await tries.password("moreau", "203.0.113.7", "")
        await tries.right("moreau", "203.0.113.7", "")


async def test_codes_are_few_and_an_operator_is_told(tries: Counted, pool: Pool) -> None:
    for _ in range(STRICT["second-factor"].most):
        await tries.factor("rpps:1")
    with pytest.raises(TooFast):
        await tries.factor("rpps:1")
    for _ in range(STRICT["activation-code"].most):
        await tries.activation("203.0.113.7")
    with pytest.raises(TooFast):
        await tries.activation("203.0.113.7")
    await tries.device("rpps:1")
    told = await reasons(pool)
    assert {("second-factor-guessed", "rpps:1"), ("new-device", "rpps:1")} <= told


async def test_what_was_typed_as_a_name_is_nowhere(tries: Counted, pool: Pool) -> None:
    """A password typed in the wrong field would rest there."""
    await passed(tries, 200, "S3cret-of-somebody", "203.0.113.7")
    async with pool.connection() as conn:
        for table in ("rate", "alarm"):
            rows = await (await conn.execute(f"SELECT t::text FROM access.{table} t")).fetchall()
            assert rows
            assert not any("s3cret" in row[0].casefold() for row in rows)
