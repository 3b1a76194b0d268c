# SPDX-License-Identifier: EUPL-1.2
"""A document leaves once, for whom its masks allow, and its sender is told when it cannot."""

import asyncio
import email
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from email.policy import default
from typing import Any

import pytest

from carnet.access.labels import Label
from carnet.app import mail_sending
from carnet.exchange import archive, xdm
from carnet.messaging import inbox, masks
from carnet.messaging.certificates import files
from carnet.messaging.deliver import GIVEN_UP, Out, deliver
from carnet.messaging.submit import context_of
from carnet.messaging.trust import Domain, TrustList
from tests import people
from tests.messaging.conftest import CABINET, GP_BOX, OURS, Post, free_port
from tests.messaging.peer import Peer, listening

pytestmark = pytest.mark.anyio

COLLEAGUE = f"ide@{CABINET}"
HERSELF = f"{people.PATIENT.ins}@patient.{OURS}".lower()


@dataclass
class Away:
    """The other operator, and what our mails leave by."""

    peer: Peer
    trust: TrustList
    out: Out


@pytest.fixture
async def away(post: Post, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Away]:
    port = free_port()
    domains = {OURS: post.trust.domains[OURS],
               f"patient.{OURS}": post.trust.domains[OURS],
               CABINET: Domain(CABINET, "127.0.0.1", port, frozenset({CABINET}))}  # fmt: skip
    trust = TrustList("tests", domains)
    monkeypatch.setattr(mail_sending, "trust_of", lambda _: trust)
    tls = context_of(files(post.folder), server=False)
    tls.check_hostname = False
    async with listening(post.folder, port) as peer:
        yield Away(peer, trust, Out(trust, OURS, tls))


async def a_document(post: Post) -> dict[str, Any]:
    found = await post.space.get(
        f"DocumentReference?patient={post.space.patient_id()}&_count=1&status=current", as_="gp"
    )
    return dict(found.entries[0])


async def sent(post: Post, to: str, as_: str = "gp") -> Any:
    document = await a_document(post)
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "to", "valueString": to},
            {"name": "text", "valueString": "Chère consœur,\nvoici le compte rendu."},
        ],
    }
    return await post.space.post(f"DocumentReference/{document['id']}/$send-mail", body, as_=as_)


async def test_a_letter_leaves_as_an_xdm_that_can_be_read_back(post: Post, away: Away) -> None:
    answer = await sent(post, COLLEAGUE)
    assert answer.status == 200, answer.body
    assert await deliver(post.door, away.out) == 1
    ((address, data),) = away.peer.given
    assert address == COLLEAGUE
    mail = email.message_from_bytes(data, policy=default)
    assert mail["Message-ID"] == answer.json["parameter"][0]["valueString"]
    assert mail["Subject"].startswith("XDM/1.0/DDM+")
    assert mail["X-MSS-INS"] == people.PATIENT.ins and mail["From"] == GP_BOX
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "IHE_XDM.ZIP"
    opened = xdm.read(archive.read(attached.get_content()))
    assert [each.rule for each in opened.notes if each.severity != "information"] == []
    document = await a_document(post)
    (part,) = [each for each in opened.parts if each.told.person]
    assert part.told.unique_id in document["masterIdentifier"]["value"]
    assert part.told.person is not None and part.told.person.claim is not None
    assert part.told.person.claim.value == people.PATIENT.ins
    assert part.told.type is not None
    assert part.told.type.code == document["type"]["coding"][0]["code"]
    assert await deliver(post.door, away.out) == 0


async def test_what_fails_is_tried_again_and_a_crash_sends_the_same_number(
    post: Post, away: Away
) -> None:
    class Killed(BaseException):
        pass

    def killed() -> None:
        raise Killed

    away.peer.answers = ["451 later"]
    assert (await sent(post, COLLEAGUE)).status == 200
    assert await deliver(post.door, away.out) == 0
    assert (await post.states())[0][1] == "waiting"
    post.space.clock.advance(timedelta(minutes=2))
    with pytest.raises(Killed):
        await deliver(post.door, Out(away.trust, OURS, away.out.tls, killed))
    assert (await post.states())[0][1] == "waiting"
    assert await deliver(post.door, away.out) == 1
    numbers = {
        email.message_from_bytes(data, policy=default)["Message-ID"] for _, data in away.peer.given
    }
    assert len(away.peer.given) == 2 and len(numbers) == 1


@pytest.mark.parametrize("why", ["refused", "away-too-long", "other-certificate", "off-the-list"])
async def test_what_cannot_be_delivered_comes_back_to_its_sender(
    post: Post, away: Away, why: str
) -> None:
    assert (await sent(post, COLLEAGUE)).status == 200
    out = away.out
    if why == "refused":
        away.peer.answers = ["550 no"]
    elif why == "off-the-list":
        out = Out(TrustList("tests", {}), OURS, out.tls)
    else:
        port = free_port() if why == "away-too-long" else away.trust.domains[CABINET].port
        named = Domain(CABINET, "127.0.0.1", port, frozenset({"autre.example"}))
        out = Out(TrustList("tests", {CABINET: named}), OURS, out.tls)
        assert await deliver(post.door, out) == 0
        post.space.clock.advance(GIVEN_UP)
    assert await deliver(post.door, out) == 0
    assert away.peer.given == []
    states = await post.states()
    assert [(address, state) for address, state, _ in states] == [
        (COLLEAGUE, "failed"), (GP_BOX, "kept"),
    ]  # fmt: skip
    gp = await post.space.visit("gp")
    (line,) = await inbox.inbox(gp)
    assert COLLEAGUE in (await inbox.read(gp, line.id)).text


async def test_two_workers_send_each_once(post: Post, away: Away) -> None:
    for _ in range(4):
        assert (await sent(post, f"{COLLEAGUE}, autre@{CABINET}")).status == 200
    done = await asyncio.gather(deliver(post.door, away.out), deliver(post.door, away.out))
    assert sum(done) == len(away.peer.given) == 8


async def test_who_may_be_written_to(post: Post, away: Away) -> None:
    found = {
        to: (await sent(post, to)).status
        for to in (f"x@{OURS}", "x@ailleurs.example", f"{people.ELDER.ins}@patient.{OURS}", HERSELF)
    }
    assert list(found.values()) == [422, 422, 422, 200]
    assert (await sent(post, COLLEAGUE, as_="patient")).status == 403
    assert [each[:2] for each in await post.states()] == [(HERSELF, "kept")]


N, PS, PATIENT, REP = (
    Label.NONE, Label.MASQUE_PS, Label.INVISIBLE_PATIENT, Label.INVISIBLE_REPRESENTANTS_LEGAUX,
)  # fmt: skip
# What the volet lists: masks, then (record, professional, patient) for every set that is allowed.
ANY = list(itertools.product((False, True), repeat=3))
LISTED = {
    N: ANY,
    PATIENT: [each for each in ANY if not each[2]],
    PS: [(False, False, True)],
    REP: [(False, False, True)],
    PS | REP: [(False, False, True)],
}


@pytest.mark.parametrize("label", [Label(number) for number in range(8)], ids=str)
async def test_masks_and_destinations_are_those_of_the_list_and_no_other(label: Label) -> None:
    found = [
        each
        for each in ANY
        if masks.allowed(label, record=each[0], professional=each[1], patient=each[2])
    ]
    assert found == LISTED.get(label, [])


async def test_a_masked_document_is_sent_to_no_colleague(
    post: Post, away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await a_document(post)
    hidden = await post.space.post(f"DocumentReference/{document['id']}/$hide", None, as_="patient")
    assert hidden.status == 204
    visit = await post.space.visit("gp")  # médecin traitant: reads it all the same
    with pytest.raises(masks.HiddenFromThem):
        await mail_sending.send_document(visit, document["id"], [COLLEAGUE], "x")
    monkeypatch.setattr(masks, "allowed", lambda *_, **__: True)  # the planted fault
    assert await mail_sending.send_document(visit, document["id"], [COLLEAGUE], "x")
