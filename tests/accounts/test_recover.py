# SPDX-License-Identifier: EUPL-1.2
"""A lost password: a code to an address that was proved alone; the address itself, proved by a code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from carnet.access.door import Door, Visit
from carnet.access.stepup import StepUp
from carnet.accounts import activate, address, prove, recover, stop
from carnet.accounts.activate import WrongActivation
from carnet.accounts.address import WrongEmail, WrongProof
from carnet.accounts.deliver import deliver
from carnet.accounts.prove import Way
from carnet.accounts.rules import rules
from carnet.config import MailTls
from carnet.notices.smtp import Server
from carnet.rights.readers import openings
from tests.accounts.server import Mailbox, served
from tests.accounts.test_activation import BORN
from tests.accounts.test_activation import given as at_counter
from tests.accounts.test_mail import CODE, body, code_of
from tests.space import Space

pytestmark = pytest.mark.anyio
HERS, OTHERS, NEW = "suzanne@example.org", "other@example.org", "new@example.org"


class Post:
    """The mailboxes of this test, and the worker that fills them."""

    def __init__(self, mailbox: Mailbox, server: Server, worker: Door) -> None:
        self.mailbox, self.server, self.worker = mailbox, server, worker

    async def last(self, email: str) -> str:
        """The code of the last message to an address, once all have left."""
        await deliver(self.worker, self.server.put)
        return code_of(self.mailbox.to(email)[-1])

    async def count(self, email: str) -> int:
        """Messages to an address."""
        await deliver(self.worker, self.server.put)
        return len(self.mailbox.to(email))


@pytest.fixture
def post(tmp_path: Path, worker: Door) -> Iterator[Post]:
    with served(tmp_path) as (mailbox, port, _):
        said = replace(
            worker.settings, mail_host="localhost", mail_port=port, mail_tls=MailTls.NONE
        )
        yield Post(mailbox, Server(said), worker)


async def proved(space: Space, post: Post, persona: str, email: str) -> Visit:
    """An address of the account of a persona, proved."""
    visit = await space.visit(persona)
    await address.propose(visit, email)
    await address.confirm(visit, await post.last(email))
    return visit


# ------------------------------------------------------------------------------------- a lost password


async def test_a_code_goes_to_the_proved_address_and_opens_with_the_birth_date(
    space: Space, post: Post
) -> None:
    visit = await proved(space, post, "patient", HERS)
    number = await recover.lost(space.built.door, HERS.upper())
    code = await post.last(HERS)
    assert number not in body(post.mailbox.to(HERS)[-1])
    with pytest.raises(WrongActivation):
        await activate.check(space.built.door, "r", code, number)
    found = await activate.check(space.built.door, "r", code, BORN)
    assert (found.sub, found.factors, found.enrols) == (visit.actor.sub, False, False)
    assert await activate.use(space.built.door, "r", code, BORN) == visit.actor.sub
    assert (await space.visit("patient")).actor.rev == visit.actor.rev + 1
    told = [line.what for line in await openings(await space.visit("patient"), "")]
    assert "Envoi d’un code pour un mot de passe perdu" in told
    sent = await space.rows("SELECT template FROM notices.outgoing ORDER BY id DESC LIMIT 1")
    assert sent == [("account-activated",)]


async def test_who_works_here_opens_with_the_number_their_page_showed(
    space: Space, post: Post
) -> None:
    visit = await proved(space, post, "gp", HERS)
    number = await recover.lost(space.built.door, HERS)
    code = await post.last(HERS)
    for wrong in ("000000", BORN):
        with pytest.raises(WrongActivation):
            await activate.check(space.built.door, "r", code, wrong)
    assert await activate.use(space.built.door, "r", code, number) == visit.actor.sub
    assert "activé" in body(post.mailbox.got[-1]) or await post.count(HERS) > 2, "told by e-mail"


@pytest.mark.parametrize("email", [OTHERS, "suzanne@example.com", ""])
async def test_nothing_leaves_for_an_address_that_is_nobody_s(
    space: Space, post: Post, email: str
) -> None:
    await proved(space, post, "patient", HERS)
    before = len(post.mailbox.got)
    await recover.lost(space.built.door, email)
    assert await post.count(email) == 0
    assert len(post.mailbox.got) == before
    assert await space.rows("SELECT count(*) FROM access.mail") == [(0,)]


async def test_the_page_does_the_same_whoever_it_is(space: Space, post: Post) -> None:
    """Told by its traces: a line of one shape, and nothing else, until a worker looks."""

    async def traces() -> list[tuple[int, ...]]:
        return await space.rows(
            "SELECT (SELECT count(*) FROM access.mail), (SELECT count(*) FROM access.activation),"
            " (SELECT count(*) FROM access.audit)"
        )

    await proved(space, post, "patient", HERS)
    found = []
    for email in (HERS, OTHERS):
        ((mails, codes, lines),) = await traces()
        await recover.lost(space.built.door, email)
        ((after, codes_after, lines_after),) = await traces()
        found.append((after - mails, codes_after - codes, lines_after - lines))
    assert found == [(1, 0, 0), (1, 0, 0)]


async def test_an_address_that_was_only_proposed_finds_nothing(space: Space, post: Post) -> None:
    await address.propose(await space.visit("patient"), HERS)
    assert await post.count(HERS) == 1
    await recover.lost(space.built.door, HERS)
    assert await post.count(HERS) == 1


async def test_accounts_of_one_mailbox_each_have_their_own_code(space: Space, post: Post) -> None:
    subs = {(await proved(space, post, who, HERS)).actor.sub for who in ("gp", "nurse")}
    number = await recover.lost(space.built.door, HERS)
    await deliver(post.worker, post.server.put)
    codes = [code_of(each) for each in post.mailbox.to(HERS)[-2:]]
    assert {await activate.use(space.built.door, "r", code, number) for code in codes} == subs


async def test_a_stopped_account_is_not_found_again(space: Space, post: Post) -> None:
    visit = await proved(space, post, "gp", HERS)
    await stop.stop(await space.visit("operator"), visit.actor.sub)
    before = await post.count(HERS)
    await recover.lost(space.built.door, HERS)
    assert await post.count(HERS) == before


async def test_a_code_of_the_counter_is_not_ended_by_who_says_a_password_is_lost(
    space: Space, post: Post
) -> None:
    await proved(space, post, "patient", HERS)
    code = (await at_counter(space)).code
    await recover.lost(space.built.door, HERS)
    mailed = await post.last(HERS)
    await activate.check(space.built.door, "r", code, BORN)
    await at_counter(space)
    with pytest.raises(WrongActivation):  # the counter ends them all
        await activate.check(space.built.door, "r", mailed, BORN)


async def test_a_second_one_ends_the_first_and_each_is_over_in_an_hour(
    space: Space, post: Post
) -> None:
    await proved(space, post, "patient", HERS)
    codes = []
    for _ in range(2):
        await recover.lost(space.built.door, HERS)
        codes.append(await post.last(HERS))
    with pytest.raises(WrongActivation):
        await activate.check(space.built.door, "r", codes[0], BORN)
    await activate.check(space.built.door, "r", codes[1], BORN)
    space.clock.advance(rules().recovers)
    with pytest.raises(WrongActivation):
        await activate.use(space.built.door, "r", codes[1], BORN)


async def test_one_that_may_not_leave_does_not(space: Space, post: Post) -> None:
    await proved(space, post, "patient", HERS)
    before = await post.count(HERS)
    await recover.lost(space.built.door, HERS, leaves=False)
    assert await post.count(HERS) == before


# ------------------------------------------------------------------------------------- the address


async def test_an_address_is_proved_by_the_code_that_was_sent_there(
    space: Space, post: Post
) -> None:
    visit = await proved(space, post, "patient", HERS)
    assert (await address.of(visit)).email == HERS
    await address.propose(visit, NEW)
    found = await address.of(visit)
    assert (found.email, found.asked) == (HERS, NEW), "until the code is typed"
    await address.confirm(visit, await post.last(NEW))
    assert (await address.of(visit)).email == NEW
    assert await post.count(HERS) == 2
    assert not CODE.search(body(post.mailbox.to(HERS)[-1])), "the old one is told, without a code"
    sent = await space.rows("SELECT template FROM notices.outgoing ORDER BY id DESC LIMIT 1")
    assert sent == [("recovery-address",)]


async def test_another_s_code_proves_nothing_and_five_wrong_ones_end_it(
    space: Space, post: Post
) -> None:
    mine, theirs = await space.visit("patient"), await space.visit("gp")
    await address.propose(mine, HERS)
    await address.propose(theirs, OTHERS)
    right = await post.last(HERS)
    for _ in range(rules().tries):
        with pytest.raises(WrongProof):
            await address.confirm(mine, await post.last(OTHERS))
    with pytest.raises(WrongProof):
        await address.confirm(mine, right)
    assert (await address.of(mine)).email == ""


async def test_a_code_of_an_address_serves_once_and_in_time(space: Space, post: Post) -> None:
    visit = await proved(space, post, "patient", HERS)
    with pytest.raises(WrongProof):
        await address.confirm(visit, await post.last(HERS))
    await address.propose(visit, NEW)
    code = await post.last(NEW)
    space.clock.advance(rules().proves)
    with pytest.raises(WrongProof):
        await address.confirm(await space.visit("patient"), code)


async def test_a_code_of_an_address_opens_no_account(space: Space, post: Post) -> None:
    await address.propose(await space.visit("patient"), HERS)
    with pytest.raises(WrongActivation):
        await activate.use(space.built.door, "r", await post.last(HERS), BORN)


async def test_an_address_that_is_taken_away_finds_nothing_more(space: Space, post: Post) -> None:
    visit = await proved(space, post, "patient", HERS)
    await recover.lost(space.built.door, HERS)
    code = await post.last(HERS)
    await address.remove(visit)
    assert (await address.of(visit)).email == ""
    with pytest.raises(WrongActivation):
        await activate.use(space.built.door, "r", code, BORN)
    before = await post.count(HERS)
    await recover.lost(space.built.door, HERS)
    assert await post.count(HERS) == before


async def test_a_session_left_open_changes_no_address(space: Space, post: Post) -> None:
    visit = await space.visit("patient")
    left = replace(visit, actor=replace(visit.actor, authenticated=None))
    for doing in (address.propose(left, HERS), address.confirm(left, "x"), address.remove(left)):
        with pytest.raises(StepUp):
            await doing


@pytest.mark.parametrize("email", ["", "suzanne", "a@b\nBcc: x@example.org"])
async def test_an_address_that_is_none_is_refused(space: Space, email: str) -> None:
    with pytest.raises(WrongEmail):
        await address.propose(await space.visit("patient"), email)


async def test_who_activates_by_e_mail_has_proved_that_address(space: Space, post: Post) -> None:
    visit, patient = await space.visit("operator"), space.patient_id()
    await prove.give(visit, patient, "CN", Way("email", email=HERS))
    await activate.use(space.built.door, "r", await post.last(HERS), BORN)
    assert (await address.of(await space.visit("patient"))).email == HERS


async def test_a_letter_bears_the_address_of_the_record_and_what_is_not_known_is_refused(
    space: Space,
) -> None:
    visit, patient = await space.visit("operator"), space.patient_id()
    try:
        made = await prove.give(visit, patient, "CN", Way("letter"))
    except prove.NoAddress:
        pytest.fail("the patient of the cast has an address")
    assert len(made.address) >= 3
    assert made.code
    assert str(BORN.year) not in " ".join(made.address)
