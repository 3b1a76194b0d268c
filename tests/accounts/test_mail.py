# SPDX-License-Identifier: EUPL-1.2
"""Codes by e-mail: a real server gets them, nothing is lost, no code rests, none is another's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from carnet.access.door import Door
from carnet.accounts import activate, minting, prove, queries
from carnet.accounts.activate import WrongActivation
from carnet.accounts.deliver import deliver, forget
from carnet.accounts.mails import templates
from carnet.accounts.prove import Given, NoMail, Way
from carnet.accounts.rules import rules
from carnet.config import Instance, MailTls
from carnet.notices.smtp import Server
from tests import people
from tests.accounts.server import Mailbox, served
from tests.accounts.test_activation import BORN
from tests.space import Space

pytestmark = pytest.mark.anyio
CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{3}\b")
AT = "suzanne@example.org"


@pytest.fixture
def mail(tmp_path: Path, worker: Door) -> Iterator[tuple[Mailbox, Server]]:
    with served(tmp_path) as (mailbox, port, _):
        said = replace(
            worker.settings, mail_host="localhost", mail_port=port, mail_tls=MailTls.NONE
        )
        yield mailbox, Server(said)


def body(message: EmailMessage) -> str:
    found = message.get_body()
    assert found is not None
    return str(found.get_content())


def code_of(message: EmailMessage) -> str:
    (code,) = CODE.findall(body(message))
    return str(code)


async def sent(space: Space, email: str = AT) -> Given:
    """A code for the patient, by e-mail."""
    visit, patient = await space.visit("operator"), space.patient_id()
    return await prove.give(visit, patient, "CN", Way("email", email=email))


async def test_a_code_goes_by_e_mail_and_opens_with_the_birth_date(
    space: Space, worker: Door, mail: tuple[Mailbox, Server]
) -> None:
    made = await sent(space)
    assert made.code == ""
    assert await deliver(worker, mail[1].put) == 1
    (message,) = mail[0].to(AT)
    text = body(message)
    assert "24 h" in text
    assert "/activer/" in text
    assert not re.search(r"https?://\S*[?=]", text), "no link enters by itself"
    for word in (people.PATIENT.birth_name, people.PATIENT.used_name, "santé", "health", "1941"):
        assert word.lower() not in message.as_string().lower()
    sub = (await space.visit("patient")).actor.sub
    assert await activate.use(space.built.door, "r", code_of(message), BORN) == sub
    assert await deliver(worker, mail[1].put) == 0


async def test_a_professional_s_goes_with_a_number_that_is_not_in_the_e_mail(
    space: Space, worker: Door, mail: tuple[Mailbox, Server]
) -> None:
    sub = (await space.visit("gp")).actor.sub
    made = await prove.give_account(
        await space.visit("operator"), sub, "CN", Way("email", email=AT)
    )
    await deliver(worker, mail[1].put)
    (message,) = mail[0].to(AT)
    for each in (made.number, made.number.replace(" ", ""), sub):
        assert each not in message.as_string()
    await activate.check(space.built.door, "r", code_of(message), made.number)


async def test_each_e_mail_bears_its_own_code_and_no_other_s(
    space: Space, worker: Door, mail: tuple[Mailbox, Server]
) -> None:
    await sent(space)
    operator, subs = await space.visit("operator"), {}
    for persona in ("gp", "nurse", "assistant"):
        subs[persona] = (await space.visit(persona)).actor.sub
        way = Way("email", email=f"{persona}@example.org")
        made = await prove.give_account(operator, subs[persona], "CN", way)
        subs[persona] += "|" + made.number
    assert await deliver(worker, mail[1].put) == 4
    assert len({code_of(each) for each in mail[0].got}) == 4
    for persona, both in subs.items():
        sub, number = both.split("|")
        (message,) = mail[0].to(f"{persona}@example.org")
        found = await activate.check(space.built.door, "r", code_of(message), number)
        assert found.sub == sub


async def test_a_server_that_is_away_loses_nothing_and_the_code_is_the_same(
    space: Space, worker: Door, mail: tuple[Mailbox, Server]
) -> None:
    await sent(space)
    mail[0].answer = "451 later"
    assert await deliver(worker, mail[1].put) == 0
    assert await deliver(worker, mail[1].put) == 0, "not before its time"
    assert len(await space.rows("SELECT failed FROM access.mail")) == 1
    mail[0].answer = ""
    space.clock.advance(timedelta(minutes=1, seconds=1))
    assert await deliver(worker, mail[1].put) == 1
    (message,) = mail[0].to(AT)
    await activate.use(space.built.door, "r", code_of(message), BORN)


async def test_a_crash_once_it_left_sends_the_same_again(space: Space, worker: Door) -> None:
    class Killed(BaseException):
        pass

    messages: list[EmailMessage] = []

    def killing(number: int, message: EmailMessage) -> None:
        messages.append(message)
        if len(messages) == 1:
            raise Killed

    await sent(space)
    with pytest.raises(Killed):
        await deliver(worker, killing)
    assert await deliver(worker, killing) == 1
    assert messages[0].as_string() == messages[1].as_string()


async def test_the_database_holds_no_code_while_it_waits_and_nothing_at_all_once_it_left(
    space: Space, worker: Door, mail: tuple[Mailbox, Server]
) -> None:
    await sent(space)
    waiting = str(await space.rows("SELECT row_to_json(m)::text FROM access.mail m"))
    waiting += str(await space.rows("SELECT row_to_json(a)::text FROM access.activation a"))
    await deliver(worker, mail[1].put)
    code = code_of(mail[0].got[0])
    assert code not in waiting
    assert code.replace("-", "") not in waiting
    assert await space.rows("SELECT count(*) FROM access.mail") == [(0,)]


async def test_another_installation_makes_another_code_of_the_same_seed(space: Space) -> None:
    door = space.built.door
    other = replace(door, hasher=type(door.hasher)(b"another key of sixteen or so"))
    assert minting.seeded(door, b"x" * 16) == minting.seeded(door, b"x" * 16)
    assert minting.seeded(door, b"x" * 16) != minting.seeded(other, b"x" * 16)


async def test_what_is_too_late_or_replaced_does_not_leave(
    space: Space, worker: Door, mail: tuple[Mailbox, Server]
) -> None:
    await sent(space, "first@example.org")
    await sent(space, AT)
    mail[0].answer = "451 later"
    assert await deliver(worker, mail[1].put) == 0
    space.clock.advance(rules().mailed)
    mail[0].answer = ""
    assert await deliver(worker, mail[1].put) == 0
    assert mail[0].got == []
    assert await space.rows("SELECT count(*) FROM access.mail") == [(0,)]


async def test_a_code_by_e_mail_is_over_after_a_day(
    space: Space, worker: Door, mail: tuple[Mailbox, Server]
) -> None:
    await sent(space)
    await deliver(worker, mail[1].put)
    space.clock.advance(rules().mailed)
    with pytest.raises(WrongActivation):
        await activate.use(space.built.door, "r", code_of(mail[0].got[0]), BORN)


async def test_without_a_mail_server_a_production_instance_sends_none(space: Space) -> None:
    visit = await space.visit("operator")
    settings = replace(visit.door.settings, instance=Instance.PRODUCTION)
    there = replace(visit, door=replace(visit.door, settings=settings))
    with pytest.raises(NoMail):
        await prove.give(there, space.patient_id(), "CN", Way("email", email=AT))
    assert await space.rows("SELECT count(*) FROM access.mail") == [(0,)]


@pytest.mark.parametrize("email", ["", "suzanne", "a@b\r\nBcc: x@example.org", "a b@example.org"])
async def test_an_address_that_is_none_gets_nothing(space: Space, email: str) -> None:
    from carnet import errors

    with pytest.raises(errors.Invalid):
        await sent(space, email)


async def test_logs_hold_neither_code_nor_address(
    space: Space, worker: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    import structlog

    seen: list[str] = []

    def put(number: int, message: EmailMessage) -> None:
        seen.append(code_of(message))
        raise ConnectionRefusedError(f"{message['To']} {code_of(message)}")

    await sent(space)
    with structlog.testing.capture_logs() as logs:
        await deliver(worker, put)
    said = str(logs) + "".join(capsys.readouterr())
    said += str(await space.rows("SELECT failed FROM access.mail"))
    said += str(await space.rows("SELECT row_to_json(a)::text FROM access.audit a"))
    assert "ConnectionRefusedError" in said
    for each in (seen[0], seen[0].replace("-", ""), AT):
        assert each not in said


def test_files_of_a_demonstration_go_after_two_days(tmp_path: Path) -> None:
    now = datetime(2027, 3, 1, tzinfo=UTC)

    for name, days in (("1.eml", 3), ("2.eml", 1)):
        (tmp_path / name).write_text("x")
        at = (now - timedelta(days=days)).timestamp()
        os.utime(tmp_path / name, (at, at))
    assert forget(tmp_path, now) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["2.eml"]


@pytest.mark.parametrize("name", templates())
def test_templates_say_nothing_of_health_and_bear_a_code_only_when_they_say_so(name: str) -> None:
    template = templates()[name]
    for said in template.texts.values():
        text = (said.subject + said.text).lower()
        assert ("{code}" in text) == template.code
        assert not re.search("santé|health|dossier|record|médec|doctor|patient|carnet", text)


def test_mail_of_a_code_that_ends_is_unsent() -> None:
    assert "DELETE FROM access.mail" in queries.REPLACE
