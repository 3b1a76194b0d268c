# SPDX-License-Identifier: EUPL-1.2
"""A mailbox is its owner's; what is attached goes where it may, by who chose it; a citizen answers."""

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from carnet import errors
from carnet.access.door import platform
from carnet.app import mail_sending
from carnet.messaging import inbox, threads
from carnet.messaging.certificates import simulate
from carnet.messaging.file import NotVerified, file
from carnet.messaging.signature import trusted
from tests import people
from tests.messaging import test_signature
from tests.messaging.conftest import BIOLOGIST_BOX, CABINET, GP_BOX, Post, letter, report, xdm
from tests.messaging.test_receive import documents
from tests.messaging.test_send import HERSELF, Away, a_document, away

__all__ = ["away"]


pytestmark = pytest.mark.anyio
UNKNOWN = f"autre@{CABINET}"


async def arrived(post: Post, mail: EmailMessage, sender: str = UNKNOWN, to: str = GP_BOX) -> None:
    assert await post.send(mail.as_bytes(), to, sender) == 250
    await file(post.door, post.filing)


async def test_what_waits_is_attached_by_its_reader_in_the_record_it_names(post: Post) -> None:
    one = report()
    await arrived(post, letter(xdm(one), sender=UNKNOWN))
    gp = await post.space.visit("gp")
    (line,) = await inbox.inbox(gp)
    assert (line.state, line.whom, line.seen) == (
        "to-attach", f"{people.PATIENT.first_given_name} {people.PATIENT.birth_name}", False,
    )  # fmt: skip
    mail = await inbox.read(gp, line.id)
    assert "Veuillez trouver" in mail.text and len(mail.files) == 1
    elder = post.space.patient_id(people.ELDER.key)
    with pytest.raises(errors.CarnetError):  # another person's record, whatever its reader says
        await inbox.attach(gp, line.id, elder, post.filing.attach)
    await inbox.attach(gp, line.id, post.space.patient_id(), post.filing.attach)
    assert len(await documents(post, one.unique_id)) == 1
    with pytest.raises(inbox.NothingToAttach):
        await inbox.attach(gp, line.id, post.space.patient_id(), post.filing.attach)
    (line,) = await inbox.inbox(gp)
    assert (line.state, line.seen) == ("filed", True)


async def test_the_check_of_the_person_is_what_keeps_it_out_of_another_s_record(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: without it the document of one is asked for the record of another."""
    await arrived(post, letter(xdm(report(), people.ELDER.ins), sender=UNKNOWN))
    gp = await post.space.visit("gp")
    (line,) = await inbox.inbox(gp)
    with pytest.raises(NotVerified):
        await inbox.attach(gp, line.id, post.space.patient_id(), post.filing.attach)
    monkeypatch.setattr("carnet.app.mail_filing._says", lambda _: False)
    await inbox.attach(gp, line.id, post.space.patient_id(), post.filing.attach)


async def test_a_mailbox_is_its_owner_s(post: Post) -> None:
    await arrived(post, letter(xdm(report()), sender=UNKNOWN))
    (line,) = await inbox.inbox(await post.space.visit("gp"))
    for other in ("outsider", "patient", "biologist"):
        visit = await post.space.visit(other)
        with pytest.raises(errors.NotFound):
            await inbox.read(visit, line.id)
    assert await inbox.inbox(await post.space.visit("outsider")) == []


async def test_a_signature_is_told_with_the_mail(post: Post, tmp_path: Path) -> None:
    folder = tmp_path / "smime"
    simulate(folder, "alice", [], datetime.now(UTC), UNKNOWN)
    data = test_signature.mail(test_signature.signed(folder), UNKNOWN)
    assert await post.send(data, GP_BOX, UNKNOWN) == 250
    gp = await post.space.visit("gp")
    (line,) = await inbox.inbox(gp)
    known = trusted((folder / "authority.pem").read_bytes())
    at = datetime.now(UTC)
    await post.space.rows("UPDATE messaging.message SET at = %s", at)
    assert (await inbox.read(gp, line.id, known)).signed == "signed"
    assert (await inbox.read(gp, line.id)).signed == "not-signed"


async def written(post: Post, *, closed: bool = False) -> None:
    """The GP writes to the patient."""
    document = await a_document(post)
    visit = await post.space.visit("gp")
    await mail_sending.send_document(
        visit, document["id"], [HERSELF], "Bonjour, voici votre compte rendu.", closed=closed
    )


async def test_a_citizen_answers_and_the_professional_reads_it(post: Post, away: Away) -> None:
    await written(post)
    herself = await post.space.visit("patient")
    (thread,) = await threads.threads(herself)
    assert not thread.closed and "voici votre compte rendu" in thread.said[0].text
    await threads.answer(herself, thread.last, "Merci docteur.")
    (thread,) = await threads.threads(herself)
    assert [each.own for each in thread.said] == [False, True]
    gp = await post.space.visit("gp")
    (line,) = await inbox.inbox(gp)
    assert (line.sender, line.seen) == (HERSELF, False)
    assert (await inbox.read(gp, line.id)).text == "Merci docteur."
    assert await threads.threads(await post.space.visit("parent")) == []


async def test_a_closed_conversation_cannot_be_answered(post: Post, away: Away) -> None:
    await written(post, closed=True)
    herself = await post.space.visit("patient")
    (thread,) = await threads.threads(herself)
    assert thread.closed
    with pytest.raises(threads.Closed):
        await threads.answer(herself, thread.last, "Merci")


async def test_a_citizen_of_another_operator_answers_and_does_not_begin(post: Post) -> None:
    outside = letter(sender=BIOLOGIST_BOX)
    assert await post.send(outside.as_bytes(), HERSELF) == 250
    await file(post.door, post.filing)
    (thread,) = await threads.threads(await post.space.visit("patient"))
    assert thread.said[0].who == BIOLOGIST_BOX
    citizen = f"{people.PATIENT.ins}@patient.{CABINET}".lower()
    post.trust.domains[f"patient.{CABINET}"] = post.trust.domains[CABINET]  # type: ignore[index]
    begun = letter(sender=citizen, number="<9@patient.fr>")
    assert await post.send(begun.as_bytes(), GP_BOX, citizen) == 550


async def told(post: Post) -> list[str]:
    found = await post.space.rows(
        "SELECT template FROM notices.outgoing WHERE template = 'message-arrived'"
    )
    return [str(each) for (each,) in found]


async def test_a_citizen_is_told_once_that_a_message_waits(post: Post, away: Away) -> None:
    """From here and from elsewhere; a mail that comes again is no news, nor is a professional's own."""
    outside = letter(sender=BIOLOGIST_BOX).as_bytes()
    for _ in range(2):
        assert await post.send(outside, HERSELF) == 250
        await file(post.door, post.filing)
    assert len(await told(post)) == 1
    await written(post)
    assert len(await told(post)) == 2
    await arrived(post, letter(number="<7@x>"), sender=BIOLOGIST_BOX)
    assert len(await told(post)) == 2


async def test_who_asked_not_to_be_told_is_not(post: Post, away: Away) -> None:
    cid = (await post.space.actor("patient")).patient
    await post.space.rows(
        f"INSERT INTO notices.address (cid, language, muted) VALUES ({cid}, 'fr', '{{updated}}')"
        " ON CONFLICT (cid) DO UPDATE SET muted = excluded.muted"
    )
    await written(post)
    assert await told(post) == []


async def test_words_are_asked_for(post: Post, away: Away) -> None:
    await written(post)
    herself = await post.space.visit("patient")
    (thread,) = await threads.threads(herself)
    for text in ("", "  ", "x" * 5001):
        with pytest.raises(threads.NoWords):
            await threads.answer(herself, thread.last, text)


async def test_an_erasure_takes_the_mails_of_a_record(post: Post, away: Away) -> None:
    await written(post)
    cid = post.space.where.people[people.PATIENT.key]
    async with post.door.pool.connection() as conn, conn.transaction():
        await platform.enter_erasure(post.door, conn, cid)
        await conn.execute("SELECT access.erase(%s, %s)", (cid, post.door.clock()))
    assert await post.states() == []
    assert await post.space.rows("SELECT count(*) FROM messaging.message") == [(0,)]
