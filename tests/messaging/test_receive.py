# SPDX-License-Identifier: EUPL-1.2
"""Mail comes in from whom it may, is kept before it is answered, and finds its place once."""

import asyncio
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from carnet.messaging import envelope
from carnet.messaging.file import Filed, file
from tests import people
from tests.messaging.conftest import (
    BIOLOGIST_BOX,
    CABINET,
    GP_BOX,
    OURS,
    Post,
    archived,
    letter,
    report,
    xdm,
)

pytestmark = pytest.mark.anyio


async def documents(post: Post, unique_id: str) -> list[dict[str, object]]:
    found = await post.space.get(
        f"DocumentReference?patient={post.space.patient_id()}&identifier=urn:oid:{unique_id}",
        as_="patient",
    )
    return found.entries


async def test_a_laboratory_s_mail_is_filed_in_the_record_it_names(post: Post) -> None:
    one = report()
    assert await post.send(letter(xdm(one)).as_bytes()) == 250
    assert await post.states() == [(GP_BOX, "received", None)]
    assert await file(post.door, post.filing) == 1
    assert await post.states() == [(GP_BOX, "filed", None)]
    (document,) = await documents(post, one.unique_id)
    assert document["status"] == "current"
    assert await file(post.door, post.filing) == 0


async def test_the_same_mail_again_is_one_mail(post: Post) -> None:
    data = letter(xdm(report())).as_bytes()
    assert [await post.send(data), await post.send(data)] == [250, 250]
    assert len(await post.states()) == 1
    other = data.replace(b"Veuillez", b"Ne veuillez")  # its number guessed, another content
    assert await post.send(other) == 250
    assert len(await post.states()) == 2


async def test_what_is_in_the_spool_is_sealed(post: Post) -> None:
    assert await post.send(letter(xdm(report())).as_bytes()) == 250
    (row,) = await post.space.rows("SELECT row_to_json(m)::text, m.sealed FROM messaging.message m")
    for word in ("Veuillez", people.PATIENT.birth_name, people.PATIENT.ins):
        assert word not in row[0] and word.encode() not in row[1]


async def test_without_the_platform_s_context_no_mail_is_seen(post: Post) -> None:
    assert await post.send(letter().as_bytes()) == 250
    for pool in (post.door.pool, post.space.built.pool):
        async with pool.connection() as conn:
            found = await conn.execute("SELECT count(*) FROM messaging.message")
            assert await found.fetchone() == (0,)


@pytest.mark.parametrize(
    "whose",
    ["another-number-in-the-metadata", "another-number-in-the-header", "unknown-sender"],
)
async def test_what_is_not_one_verified_person_waits_in_the_tray(post: Post, whose: str) -> None:
    one = report()
    mail = {
        "another-number-in-the-metadata": lambda: letter(xdm(one, people.ELDER.ins)),
        "another-number-in-the-header": lambda: letter(xdm(one), X_MSS_INS=people.ELDER.ins),
        "unknown-sender": lambda: letter(xdm(one), sender=f"autre@{CABINET}"),
    }[whose]()
    sender = f"autre@{CABINET}" if whose == "unknown-sender" else BIOLOGIST_BOX
    assert await post.send(mail.as_bytes(), sender=sender) == 250
    assert await file(post.door, post.filing) == 0
    assert await post.states() == [(GP_BOX, "to-attach", "NotVerified")]
    assert await documents(post, one.unique_id) == []


async def test_a_crash_between_the_record_and_the_spool_files_once(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    async def killed(*_: object) -> None:
        raise Killed

    one = report()
    assert await post.send(letter(xdm(one)).as_bytes()) == 250
    with pytest.raises(Killed):
        await file(post.door, post.filing, killed)  # told after the publishing, before the mark
    assert await post.states() == [(GP_BOX, "received", None)]
    assert len(await documents(post, one.unique_id)) == 1
    assert await file(post.door, post.filing) == 1
    assert len(await documents(post, one.unique_id)) == 1


async def test_a_mail_nobody_can_place_holds_up_no_other(post: Post) -> None:
    async def breaks(sub: str, parts: object, header: str, patient: str) -> Filed:
        if header:
            raise RuntimeError
        return await post.filing(sub, parts, header, patient)  # type: ignore[arg-type]

    one = report(5)
    poison = letter(xdm(report()), X_MSS_INS=people.PATIENT.ins)
    assert await post.send(poison.as_bytes()) == 250
    assert await post.send(letter(xdm(one), "<2@cabinet.fr>").as_bytes()) == 250
    assert await file(post.door, breaks) == 1
    assert [each[1] for each in await post.states()] == ["received", "filed"]
    for _ in range(10):
        post.space.clock.advance(timedelta(hours=2))
        await file(post.door, breaks)
    assert [each[1:] for each in await post.states()] == [
        ("to-attach", "RuntimeError"), ("filed", None),
    ]  # fmt: skip


async def test_swaks_is_answered_250_and_refused_without_its_certificate(
    post: Post, tmp_path: Path
) -> None:
    (tmp_path / "mail.eml").write_bytes(letter().as_bytes())
    given = ["--from", BIOLOGIST_BOX, "--to", GP_BOX, "--data", f"@{tmp_path}/mail.eml"]
    taken = await post.swaks(*given)
    assert "250 2.0.0 Taken" in taken.stdout, taken.stdout
    for name in ("stranger", "other/cabinet"):
        refused = await post.swaks(*given, name=name)
        assert refused.returncode != 0 and "Taken" not in refused.stdout
    assert len(await post.states()) == 1


async def test_openssl_without_a_certificate_sends_nothing(post: Post) -> None:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{post.port}", "-starttls", "smtp",
               "-tls1_2", "-quiet", "-CAfile", f"{post.folder}/authority.pem"]  # fmt: skip

    def run() -> tuple[str, str]:
        said = f"EHLO x\r\nMAIL FROM:<{BIOLOGIST_BOX}>\r\n"
        done = subprocess.run(
            command, input=said, capture_output=True, text=True, timeout=20, check=False
        )
        return done.stdout, done.stderr

    out, wrong = await asyncio.to_thread(run)
    assert "250 2.1.0" not in out and "SSL routines" in wrong


SENT = [
    (f"x@{OURS}", GP_BOX, 550),  # in our own name
    ("x@hors-liste.example", GP_BOX, 550),
    (BIOLOGIST_BOX, "x@ailleurs.example", 550),  # relay
    (BIOLOGIST_BOX, f"x@{CABINET}", 550),
    (BIOLOGIST_BOX, f"x%ailleurs.example@{OURS}", 550),
    (BIOLOGIST_BOX, f"@{CABINET}:{GP_BOX}", 553),
    (BIOLOGIST_BOX, f"personne@{OURS}", 550),
    (BIOLOGIST_BOX, GP_BOX, 250),
]


async def test_who_may_send_to_whom(post: Post) -> None:
    found = [
        (sender, to, await post.send(letter(sender=sender).as_bytes(), to, sender))
        for sender, to, _ in SENT
    ]
    assert found == SENT
    assert len(await post.states()) == 1


async def test_addresses_are_not_found_by_trying_them(post: Post) -> None:
    def tried() -> list[int]:
        with post.smtp() as client:
            client.mail(BIOLOGIST_BOX)
            return [client.rcpt(f"x{n}@{OURS}")[0] for n in range(6)]

    assert (await asyncio.to_thread(tried))[-1] == 421


def mutated(kind: str) -> bytes:
    """A mail that two readers could understand in two ways, or that is too much."""
    data = letter().as_bytes()
    second = b"MAIL FROM:<a@b.fr>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\nFrom: a@b.fr\r\n\r\nx"
    return {
        "bare-lf-dot": data + b"\n.\r\n" + second,
        "bare-lf-both": data + b"\n.\n" + second,
        "lf-dot-crlf": data + b"\r\n.\n" + second,
        "bare-cr-both": data + b"\r.\r" + second,
        "cr-dot-crlf": data + b"x\r.\r\n" + second,
        "nul": data + b"\0",
        "bare-cr": data + b"a\rb\r\n",
        "two-from": b"From: autre@cabinet.test.mssante.fr\r\n" + data,
        "two-in-one-from": data.replace(b"From: ", b"From: x@y.fr, "),
        "other-from": data.replace(b"From: labo@", b"From: chef@"),
        "shown-name-only": data.replace(b"From: labo@cabinet.test.mssante.fr",
                                        b'From: "labo@cabinet.test.mssante.fr" <x@y.fr>'),
        "two-content-types": b"Content-Type: text/html\r\n" + data,
        "two-numbers": b"Message-ID: <2@x.fr>\r\n" + data,
        "no-number": data.replace(b"Message-ID: <1@cabinet.test.mssante.fr>\r\n", b""),
        "header-injected": data.replace(b"Bonjour", b"Bonjour\r\nFrom: x@y.fr"),
        "headers-too-large": b"X-A: " + b"a" * 900 + b"\r\n" + b"X-B: b\r\n" * 9000 + data,
        "too-large": data + b"a" * 76 + b"\r\n" + (b"a" * 76 + b"\r\n") * 13_000,
        "bomb": letter(archived({"a.xml": b"0" * 70_000_000})).as_bytes(),
        "no-archive": letter(b"PK\x03\x04 no more").as_bytes(),
        "mails-in-mails": nested(12),
        "deeper-than-any-reader": deep(3000),
    }[kind]  # fmt: skip


def deep(levels: int) -> bytes:
    """Parts in parts, each of one boundary of its own."""
    head = letter().as_bytes().partition(b"MIME-Version")[0]
    opened = b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (each, each)
        for each in range(levels)
    )
    return head + b"MIME-Version: 1.0\r\n" + opened + b"\r\nx\r\n"


def nested(deep: int) -> bytes:
    one = letter()
    for _ in range(deep):
        outer = letter()
        outer.add_attachment(one)
        one = outer
    return one.as_bytes()


HOSTILE = (
    "bare-lf-dot", "bare-lf-both", "lf-dot-crlf", "bare-cr-both", "cr-dot-crlf", "nul", "bare-cr",
    "two-from", "two-in-one-from", "other-from", "shown-name-only", "two-content-types",
    "two-numbers", "no-number", "header-injected", "headers-too-large", "too-large", "bomb",
    "no-archive", "mails-in-mails", "deeper-than-any-reader",
)  # fmt: skip


async def test_hostile_mails_are_refused_and_none_becomes_two(post: Post) -> None:
    """Raw bytes, as no client would write them."""

    def answers(data: bytes) -> list[int]:
        with post.smtp() as client:
            client.mail(BIOLOGIST_BOX)
            client.rcpt(GP_BOX)
            client.docmd("DATA")
            assert client.sock is not None
            client.sock.sendall(data + b"\r\n.\r\n")
            return [client.getreply()[0], client.noop()[0]]

    found = {kind: await asyncio.to_thread(answers, mutated(kind)) for kind in HOSTILE}
    assert {kind: said for kind, said in found.items() if said[1] != 250} == {}
    assert {kind: said for kind, said in found.items() if not 500 <= said[0] < 560} == {}
    assert await post.states() == []


async def test_the_table_of_hostile_mails_can_fail(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: a server that does not look at line ends takes a smuggled mail."""
    monkeypatch.setattr(envelope, "BARE", re.compile(rb"(?!)"))
    assert await post.send(letter().as_bytes()) == 250

    def answer() -> int:
        with post.smtp() as client:
            client.mail(BIOLOGIST_BOX)
            client.rcpt(GP_BOX)
            client.docmd("DATA")
            assert client.sock is not None
            client.sock.sendall(mutated("bare-lf-both") + b"\r\n.\r\n")
            return client.getreply()[0]

    assert await asyncio.to_thread(answer) == 250
