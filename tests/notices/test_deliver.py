# SPDX-License-Identifier: EUPL-1.2
"""E-mails leave once, nothing is lost, and what cannot be sent becomes a letter."""

import asyncio
import email
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from carnet.access import notices
from carnet.access.door import Door
from carnet.notices import letters
from carnet.notices.deliver import BY_POST, Folder, deliver
from carnet.rights.readers import openings
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio


async def told(space: Space, key: str = people.PATIENT.key, template: str = "updated") -> None:
    visit, cid = await space.visit("patient"), space.where.people[key]
    async with space.built.pool.connection() as conn, conn.transaction():
        await visit.rights_of(conn, [cid])
        await notices.send(space.built.door, conn, cid, template)


class Counting:
    """Counts what is put; fails as long as it is told to."""

    def __init__(self, *, fails: int = 0) -> None:
        self.numbers: list[int] = []
        self.fails = fails

    def put(self, number: int, message: EmailMessage) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionRefusedError
        self.numbers.append(number)


class Killed(BaseException):
    """The process ends here."""


class Killing(Counting):
    """Ends the process once the e-mail has left, before it is marked."""

    def put(self, number: int, message: EmailMessage) -> None:
        super().put(number, message)
        raise Killed


async def test_an_e_mail_is_a_file_that_names_nothing_of_the_record(
    space: Space, worker: Door, tmp_path: Path
) -> None:
    await told(space)
    assert await deliver(worker, Folder(tmp_path / "mail")) == 1
    (path,) = (tmp_path / "mail").iterdir()
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert message["To"] == people.PATIENT.email
    text = message.get_body().get_content()  # type: ignore[union-attr]
    assert "a été mis à jour" in text
    whole = path.read_text("utf-8").lower()
    for word in (people.PATIENT.birth_name, people.PATIENT.used_name, people.GP.family_name):
        assert word.lower() not in text.lower()
    assert "diab" not in whole
    assert await deliver(worker, Folder(tmp_path / "mail")) == 0


async def test_two_workers_send_each_once(space: Space, worker: Door) -> None:
    for _ in range(12):
        await told(space)
    mail = Counting()
    await asyncio.gather(deliver(worker, mail), deliver(worker, mail))
    assert len(mail.numbers) == len(set(mail.numbers)) == 12


async def test_a_kill_after_sending_sends_the_same_file_again(
    space: Space, worker: Door, tmp_path: Path
) -> None:
    await told(space)
    killed = Killing()
    with pytest.raises(Killed):
        await deliver(worker, killed)
    assert await space.rows("SELECT sent FROM notices.outgoing") == [(None,)]
    folder = Folder(tmp_path / "mail")
    folder.put(killed.numbers[0], EmailMessage())
    assert await deliver(worker, folder) == 1
    assert [path.name for path in (tmp_path / "mail").iterdir()] == [f"{killed.numbers[0]}.eml"]


async def test_a_failure_is_tried_again_later_and_stops_nobody(space: Space, worker: Door) -> None:
    await told(space)
    await told(space, "parent")
    mail = Counting(fails=1)
    assert await deliver(worker, mail) == 1, "the second one left"
    assert await deliver(worker, mail) == 0, "not yet"
    assert await space.rows("SELECT failed FROM notices.outgoing WHERE sent IS NULL") == [
        ("ConnectionRefusedError",)
    ]
    space.clock.advance(timedelta(minutes=2))
    assert await deliver(worker, mail) == 1


async def test_what_cannot_be_sent_becomes_a_letter(space: Space, worker: Door) -> None:
    await told(space)
    mail = Counting(fails=100)
    for _ in range(BY_POST):
        await deliver(worker, mail)
        space.clock.advance(timedelta(hours=13))
    assert await space.rows("SELECT channel, sent FROM notices.outgoing") == [("letter", None)]


async def test_a_letter_has_the_address_of_its_reader_and_its_opening_is_traced(
    space: Space, worker: Door
) -> None:
    await space.rows("DELETE FROM notices.address")
    await told(space)
    (line,) = await letters.tray(worker)
    assert (line.channel, line.sent) == ("letter", None)
    one = await letters.letter(worker, line.id)
    address = people.PATIENT.address
    assert one.to[-1] == f"{address.town.postal_code} {address.town.name}"
    cid = space.where.people[people.PATIENT.key]
    assert await space.rows(
        "SELECT sub FROM access.audit WHERE act = 'letter' AND cid = %s", cid
    ) == [("platform:notices",)]
    await letters.posted(worker, line.id)
    (line,) = await letters.tray(worker)
    assert line.sent is not None


async def test_who_opens_and_posts_a_letter_is_named_in_the_record_of_its_person_alone(
    space: Space, worker: Door
) -> None:
    await space.rows("DELETE FROM notices.address")
    await told(space)
    operator = await space.actor("operator")
    (line,) = await letters.tray(worker)
    await letters.letter(worker, line.id, operator)
    await letters.posted(worker, line.id, operator)
    await letters.posted(worker, line.id, operator)
    assert await space.rows(TRACED) == [
        ("letter", operator.sub, True), ("letter-posted", operator.sub, True),
    ]  # fmt: skip
    read = await openings(await space.visit("patient"), "")
    assert [one.who for one in read if one.what.startswith("Lettre")] == [operator.name] * 2
    rpps = people.GP.rpps
    await space.rows("UPDATE notices.outgoing SET reader = %s, sent = NULL", f"rpps:{rpps}")
    await letters.letter(worker, line.id, operator)
    await letters.posted(worker, line.id, operator)
    assert (await space.rows(TRACED))[2:] == [
        ("letter", operator.sub, False), ("letter-posted", operator.sub, False),
    ]  # fmt: skip


TRACED = "SELECT act, sub, cid IS NOT NULL FROM access.audit WHERE act LIKE 'letter%%' ORDER BY seq"
