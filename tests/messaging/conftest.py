# SPDX-License-Identifier: EUPL-1.2
"""A mail server of an installation, certificates of a simulated trust space, and mails of the tests' own."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import subprocess
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from io import BytesIO
from pathlib import Path

import pytest

from carnet.access.door import Door
from carnet.app import parts
from carnet.app.mail_filing import Filing
from carnet.messaging.certificates import files, simulate
from carnet.messaging.submit import Receiver, context_of, listen
from carnet.messaging.trust import Domain, TrustList
from carnet.population import GeneratedDocument
from carnet.vigilance.insi import NotConnected
from tests import people
from tests.documents.lots import fresh
from tests.exchange import metadata
from tests.rights.jobs import worker
from tests.space import Space

__all__ = ["worker"]

OURS, CABINET, STRANGER = "carnet.test.mssante.fr", "cabinet.test.mssante.fr", "faux.example"
GP_BOX = f"gp@{OURS}"
BIOLOGIST_BOX = f"labo@{CABINET}"
LIMIT = 1_000_000


@dataclass(frozen=True)
class Post:
    """One installation's mail: its server, and what others reach it with."""

    space: Space
    door: Door
    port: int
    folder: Path
    trust: TrustList
    filing: Filing

    def client(self, name: str = "cabinet") -> ssl.SSLContext:
        made = context_of(files(self.folder, name), server=False)
        made.check_hostname = False
        return made

    def smtp(self, name: str = "cabinet") -> smtplib.SMTP:
        found = smtplib.SMTP("127.0.0.1", self.port, timeout=10)
        found.starttls(context=self.client(name))
        found.ehlo("cabinet")
        return found

    async def send(self, data: bytes, to: str = GP_BOX, sender: str = BIOLOGIST_BOX) -> int:
        """The code a mail is answered with, by Python's own client."""
        return await asyncio.to_thread(self._send, data, to, sender)

    def _send(self, data: bytes, to: str, sender: str) -> int:
        with self.smtp() as client:
            for code, _ in (client.mail(sender), client.rcpt(to)):
                if code != 250:
                    return code
            return client.data(data)[0]

    async def swaks(self, *more: str, name: str = "cabinet") -> subprocess.CompletedProcess[str]:
        tls = ["--tls", "--tls-cert", f"{self.folder}/{name}.pem", "--tls-key",
               f"{self.folder}/{name}.key"]  # fmt: skip
        command = ["swaks", "--server", "127.0.0.1", "--port", str(self.port), "--timeout", "10"]
        return await asyncio.to_thread(
            subprocess.run, [*command, *tls, *more], capture_output=True, text=True, check=False
        )

    async def states(self) -> list[tuple[str, str, str | None]]:
        found = await self.space.rows(
            "SELECT address, state, failed FROM messaging.delivery ORDER BY id"
        )
        return [(address, state, failed) for address, state, failed in found]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def archived(files: Mapping[str, bytes]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def xdm(document: GeneratedDocument, ins: str = people.PATIENT.ins, **changes: object) -> bytes:
    """The XDM of a laboratory report, of whom the metadata say."""
    person = {
        "sourcePatientId": [f"{ins}^^^&1.2.250.1.213.1.4.10&ISO^NH"],
        "sourcePatientInfo": [
            f"PID-5|{people.PATIENT.birth_name}^{people.PATIENT.first_given_name}^^^^^L",
            f"PID-7|{people.PATIENT.birth_date:%Y%m%d}",
        ],
    }
    entry = metadata.Entry(
        "d1",
        "DOC00001.XML",
        document.xml,
        document.unique_id,
        person,
        **changes,  # type: ignore[arg-type]
    )
    return archived(metadata.files([entry]))


def letter(
    attached: bytes | None = None,
    number: str = "<1@cabinet.test.mssante.fr>",
    sender: str = BIOLOGIST_BOX,
    **headers: str,
) -> EmailMessage:
    """A mail of secure mail, as a laboratory sends it."""
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = GP_BOX
    made["Subject"] = "XDM/1.0/DDM+Compte rendu" if attached is not None else "Bonjour"
    made["Date"] = "Tue, 24 Nov 2026 08:00:00 +0000"
    made["Message-ID"] = number
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("Veuillez trouver ci-joint un compte rendu.\r\n")
    if attached is not None:
        made.add_attachment(attached, maintype="application", subtype="zip", filename="IHE_XDM.ZIP")
    return made


def report(minutes: int = 0) -> GeneratedDocument:
    return fresh(minutes=minutes)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mss")
    now = datetime.now(UTC)
    for name, domain in (("own", OURS), ("cabinet", CABINET), ("stranger", STRANGER)):
        simulate(folder, name, [domain], now)
    simulate(folder / "other", "cabinet", [CABINET], now)  # the right name, of another authority
    return folder


@pytest.fixture
async def post(space: Space, worker: Door, certificates: Path) -> AsyncIterator[Post]:
    object.__setattr__(space.built.door, "settings", replace(space.built.settings, mss_domain=OURS))
    port = free_port()
    trust = TrustList(
        "tests",
        {
            OURS: Domain(OURS, "127.0.0.1", port, frozenset({OURS})),
            CABINET: Domain(CABINET, "127.0.0.1", 1, frozenset({CABINET})),
        },
    )
    biologist = await space.actor("biologist")
    await space.rows("DELETE FROM messaging.mailbox")
    for values in (
        {"address": GP_BOX, "kind": "PER", "local": True, "rpps": int(people.GP.rpps),
         "org": None, "unlisted": False},
        {"address": BIOLOGIST_BOX, "kind": "ORG", "local": False, "rpps": None,
         "org": biologist.org, "unlisted": False},
    ):  # fmt: skip
        await space.rows(
            "INSERT INTO messaging.mailbox (address, kind, local, rpps, org, unlisted)"
            " VALUES (%s, %s, %s, %s, %s, %s)", *values.values()
        )  # fmt: skip
    context = context_of(files(certificates), server=True)
    server = await listen(Receiver(worker, trust, OURS), "127.0.0.1", port, context, LIMIT)
    door = replace(worker)
    try:
        filing = Filing(door, parts.acts(NotConnected()))
        yield Post(space, door, port, certificates, trust, filing)
    finally:
        server.close()
        await server.wait_closed()
