# SPDX-License-Identifier: EUPL-1.2
"""Beside a mail server that others wrote (Debian's exim4): mail both ways, certificates on both sides."""

import asyncio
import email
import os
import shutil
import smtplib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.policy import default
from pathlib import Path

import pytest

from carnet.app import mail_sending
from carnet.exchange import archive, xdm
from carnet.messaging.certificates import files
from carnet.messaging.deliver import Out, deliver
from carnet.messaging.file import file
from carnet.messaging.submit import context_of
from carnet.messaging.trust import Domain, TrustList
from tests.absent import absent
from tests.messaging import conftest as mails
from tests.messaging.conftest import CABINET, GP_BOX, OURS, Post, free_port, letter, report
from tests.messaging.test_send import COLLEAGUE, sent

pytestmark = pytest.mark.anyio

CONFIGURATION = """
primary_hostname = cabinet.test.mssante.fr
spool_directory = {folder}/spool
log_file_path = {folder}/log-%slog
pid_file_path = {folder}/pid
keep_environment =
deliver_drop_privilege = true
tls_certificate = {folder}/cabinet.pem
tls_privatekey = {folder}/cabinet.key
tls_verify_certificates = {folder}/authority.pem
tls_verify_hosts = ${{if eq{{$received_port}}{{{trusted}}}{{*}}{{:}}}}
tls_advertise_hosts = *
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  accept condition = ${{if eq{{$received_port}}{{{own}}}}}
  deny !encrypted = *
  accept domains = cabinet.test.mssante.fr
  deny
data:
  accept
begin routers
here:
  driver = accept
  domains = cabinet.test.mssante.fr
  transport = box
away:
  driver = manualroute
  route_list = * 127.0.0.1::{ours}
  self = send
  transport = out
begin transports
box:
  driver = appendfile
  directory = {folder}/box
  maildir_format
  user = {user}
out:
  driver = smtp
  hosts_require_tls = *
  tls_certificate = {folder}/cabinet.pem
  tls_privatekey = {folder}/cabinet.key
  tls_verify_certificates = {folder}/authority.pem
  tls_verify_cert_hostnames = :
begin retry
* * F,1h,1s
"""


@dataclass(frozen=True)
class Exim:
    """Its port for servers, its port for its own people, its folder."""

    trusted: int
    own: int
    folder: Path

    def box(self) -> list[bytes]:
        """What its people received."""
        return [each.read_bytes() for each in sorted((self.folder / "box/new").glob("*"))]

    def log(self) -> str:
        """What it says of what it did."""
        return "".join(each.read_text() for each in self.folder.glob("log-*"))


@pytest.fixture
def exim(post: Post) -> Iterator[Exim]:
    if shutil.which("exim4") is None or os.geteuid() != 0:
        absent("exim4 is not here, or only root may start it: apt-get install exim4-daemon-light")
    user = "Debian-exim"
    folder = Path(f"/tmp/carnet-exim-{os.getpid()}-{free_port()}")
    (folder / "box").mkdir(parents=True)
    (folder / "spool").mkdir()
    for name in ("cabinet.pem", "cabinet.key", "authority.pem"):
        shutil.copy(post.folder / name, folder / name)
    trusted, own = free_port(), free_port()
    text = CONFIGURATION.format(folder=folder, trusted=trusted, own=own, ours=post.port, user=user)
    (folder / "conf").write_text(text)
    for each in (folder, *folder.iterdir()):
        if each.name != "conf":
            shutil.chown(each, user)
    command = ["exim4", "-bdf", "-q1m", "-C", str(folder / "conf"),
               "-oX", f"<, 127.0.0.1.{trusted}, 127.0.0.1.{own}"]  # fmt: skip
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                smtplib.SMTP("127.0.0.1", own, timeout=2).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Exim(trusted, own, folder)
    finally:
        running.terminate()
        running.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


async def until(holds: object) -> None:
    """Wait for another program."""
    for _ in range(200):
        if holds():  # type: ignore[operator]
            return
        await asyncio.sleep(0.05)


async def test_it_takes_a_document_from_us_and_gives_one_back(
    post: Post, exim: Exim, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = TrustList(
        "tests", {CABINET: Domain(CABINET, "127.0.0.1", exim.trusted, frozenset({CABINET}))}
    )
    monkeypatch.setattr(mail_sending, "trust_of", lambda _: trust)
    tls = context_of(files(post.folder), server=False)
    tls.check_hostname = False
    assert (await sent(post, COLLEAGUE)).status == 200
    assert await deliver(post.door, Out(trust, OURS, tls)) == 1
    await until(exim.box)
    (data,) = exim.box()
    mail = email.message_from_bytes(data, policy=default)
    (attached,) = mail.iter_attachments()
    opened = xdm.read(archive.read(attached.get_content()))
    assert [each for each in opened.notes if each.severity == "error"] == []

    def written() -> None:
        with smtplib.SMTP("127.0.0.1", exim.own, timeout=10) as client:
            client.sendmail(mails.BIOLOGIST_BOX, [GP_BOX], letter(mails.xdm(report())).as_bytes())

    await asyncio.to_thread(written)
    await until(lambda: "=> gp@" in exim.log())
    assert await file(post.door, post.filing) == 1, exim.log()
    assert (GP_BOX, "filed", None) in await post.states()


async def test_without_our_certificate_it_takes_nothing(post: Post, exim: Exim) -> None:
    refused = await post.swaks(
        "--from", GP_BOX, "--to", COLLEAGUE, "--port", str(exim.trusted), name="other/cabinet"
    )
    assert refused.returncode != 0 and exim.box() == []
