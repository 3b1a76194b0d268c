# SPDX-License-Identifier: EUPL-1.2
"""The checker on histories that lie: each kind of fault must be told."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from tests.durability.checker import Checker, Report
from tests.durability.harness import highest
from tests.durability.installation import Installation
from tests.durability.writers import Outcome, Sent, Write, Writer

pytestmark = pytest.mark.slow


class Lying:
    """An installation, some true writes in it, and what a checker says of a history."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.floor = highest(installation)
        self.count = 0

    def write(self, kind: str) -> Write:
        """One true write."""
        self.count += 1
        where = self.installation
        chance = random.Random(self.count)
        writer = Writer(self.count, "lies", where.base, where.token, where.people, chance)

        async def send() -> None:
            async with aiohttp.ClientSession() as http:
                while not writer.history or writer.history[-1].kind != kind:
                    self.floor = await asyncio.to_thread(highest, where)
                    await writer.write(http)

        asyncio.run(send())
        return writer.history[-1]

    def said(self, *history: Write) -> Report:
        """The report on a history."""
        return asyncio.run(Checker(self.installation, self.floor).check(history))


@pytest.fixture(scope="module")
def lying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lying]:
    folder: Path = tmp_path_factory.mktemp("lies")
    installation = Installation.make(folder / "data")
    installation.start()
    try:
        yield Lying(installation)
    finally:
        installation.stop()


def changed(write: Write, **fields: object) -> Write:
    """The write, its first resource said otherwise."""
    first = replace(write.resources[0], **fields)  # type: ignore[arg-type]
    return replace(write, resources=[first, *write.resources[1:]])


def test_the_truth_is_no_fault(lying: Lying) -> None:
    for kind in ("create", "transaction", "person", "document"):
        assert lying.said(lying.write(kind)).violations == []


def test_what_never_came_is_lost_when_acknowledged_and_nothing_when_unknown(lying: Lying) -> None:
    never = Sent("Observation", "never-sent", {"resourceType": "Observation"})
    assert lying.said(Write("create", [never], Outcome.OK)).lost
    assert not lying.said(Write("create", [never], Outcome.UNKNOWN)).lost


def test_what_was_refused_and_is_there_is_torn(lying: Lying) -> None:
    write = lying.write("transaction")
    assert lying.said(replace(write, outcome=Outcome.FAILED, status=422)).torn


def test_half_a_transaction_is_torn(lying: Lying) -> None:
    write = lying.write("transaction")
    never = Sent("Observation", "never-sent", {"resourceType": "Observation"})
    half = replace(write, outcome=Outcome.UNKNOWN, resources=[*write.resources, never])
    assert lying.said(half).torn


def test_other_content_another_version_or_another_file_is_lost(lying: Lying) -> None:
    write = lying.write("create")
    content = write.resources[0].content | {"status": "amended"}
    assert lying.said(changed(write, content=content)).lost
    assert lying.said(changed(write, version=2)).lost
    document = lying.write("document")
    assert lying.said(changed(document, data=b"other bytes")).lost


def test_a_resource_nobody_sent_is_doubled(lying: Lying) -> None:
    write = lying.write("transaction")
    assert lying.said(replace(write, resources=write.resources[1:])).doubled


def test_a_version_without_its_trace_is_unequal(lying: Lying) -> None:
    lying.write("create")
    with lying.installation.database() as conn:
        conn.execute("DELETE FROM access.audit WHERE act = 'create'")
    assert lying.said().unequal
