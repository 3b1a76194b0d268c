# SPDX-License-Identifier: EUPL-1.2
"""A mail is said to be signed only by the mailbox it is from; openssl signs, as any mail program does."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carnet.messaging import signature
from carnet.messaging.certificates import simulate
from carnet.messaging.envelope import judged
from carnet.messaging.signature import Verdict, trusted, verdict

ALICE, MALLORY = "alice@cabinet.test.mssante.fr", "mallory@cabinet.test.mssante.fr"
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smime")
    for name, mail in (("alice", ALICE), ("mallory", MALLORY)):
        simulate(folder, name, [], NOW, mail)
    simulate(folder, "server", ["cabinet.test.mssante.fr"], NOW)
    simulate(folder, "both", [], NOW, ALICE)
    simulate(folder / "other", "alice", [], NOW, ALICE)
    return folder


def signed(keys: Path, name: str = "alice", digest: str = "sha256", *more: str) -> bytes:
    """What openssl makes of a text, without the headers of the mail."""
    command = ["openssl", "cms", "-sign", "-signer", f"{keys}/{name}.pem", "-inkey",
               f"{keys}/{name}.key", "-md", digest, "-outform", "SMIME", "-crlfeol", *more]  # fmt: skip
    text = b"Content-Type: text/plain\r\n\r\nBonjour, 3 mg par jour.\r\n"
    done = subprocess.run(command, input=text, capture_output=True, check=True)
    return done.stdout.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def mail(body: bytes, sender: str = ALICE) -> bytes:
    head = f"From: {sender}\r\nTo: x@y.fr\r\nSubject: s\r\nMessage-ID: <1@c.fr>\r\n"
    return head.encode() + body


def inner(body: bytes) -> bytes:
    """The signed mail as a part of another."""
    headers, _, rest = body.partition(b"\r\n\r\n")
    kind = headers[headers.lower().index(b"content-type:") :]
    return (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="z"\r\n\r\n--z\r\n'
        + kind + b"\r\n\r\n" + rest + b"\r\n--z--\r\n"
    )  # fmt: skip


def around(body: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    head, _, rest = body.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + before + rest + after


CASES: dict[str, tuple[Callable[[Path], bytes], Verdict]] = {
    "alice-signs": (lambda k: mail(signed(k)), Verdict.SIGNED),
    "alice-signs-sha512": (lambda k: mail(signed(k, "alice", "sha512")), Verdict.SIGNED),
    "nobody-signs": (lambda _: mail(b"\r\nBonjour\r\n"), Verdict.NOT_SIGNED),
    "mallory-signs-for-alice": (lambda k: mail(signed(k, "mallory")), Verdict.WRONG),
    "mallory-shows-alice-s-name": (
        lambda k: mail(signed(k, "mallory"), f'"{ALICE}" <{MALLORY}>'), Verdict.SIGNED,
    ),
    "text-changed": (lambda k: mail(signed(k).replace(b"3 mg", b"9 mg")), Verdict.WRONG),
    "another-authority": (lambda k: mail(signed(k / "other")), Verdict.WRONG),
    "a-server-s-certificate": (lambda k: mail(signed(k, "server")), Verdict.WRONG),
    "weak-digest": (lambda k: mail(signed(k, "alice", "sha1")), Verdict.WRONG),
    "signed-part-inside": (lambda k: mail(inner(signed(k))), Verdict.WRONG),
    "words-before": (lambda k: mail(around(signed(k), before=b"Et 9 mg.\r\n")), Verdict.WRONG),
    "words-after": (lambda k: mail(around(signed(k), after=b"\r\nEt 9 mg.\r\n")), Verdict.WRONG),
    "no-certificate": (lambda k: mail(signed(k, "alice", "sha256", "-nocerts")), Verdict.WRONG),
    "no-attributes": (lambda k: mail(signed(k, "alice", "sha256", "-noattr")), Verdict.WRONG),
    "two-signers": (
        lambda k: mail(signed(k, "alice", "sha256", "-signer", f"{k}/mallory.pem", "-inkey",
                              f"{k}/mallory.key")), Verdict.WRONG,
    ),
    "signature-cut": (
        lambda k: mail(b"".join(each for each in signed(k).splitlines(True) if b"MII" not in each)),
        Verdict.WRONG,
    ),
}  # fmt: skip


def said(data: bytes, keys: Path, at: datetime = NOW) -> Verdict:
    letter = judged(data, "")
    return verdict(data, letter, trusted((keys / "authority.pem").read_bytes()), at)


@pytest.mark.parametrize("case", list(CASES))
def test_what_is_said_of_a_signature(keys: Path, case: str) -> None:
    made, expected = CASES[case]
    assert said(made(keys), keys) is expected


@pytest.mark.parametrize("days", [-10, 900])
def test_a_certificate_counts_while_it_is_valid(keys: Path, days: int) -> None:
    assert said(mail(signed(keys)), keys, NOW + timedelta(days=days)) is Verdict.WRONG


def test_without_the_bond_to_the_sender_mallory_is_alice(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: what openssl itself says of it."""
    monkeypatch.setattr(signature, "_mailboxes", lambda _: {ALICE})
    assert said(mail(signed(keys, "mallory")), keys) is Verdict.SIGNED
