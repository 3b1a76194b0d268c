# SPDX-License-Identifier: EUPL-1.2
"""The API on a real socket: granian and one worker in a process of their own, on a clone of the cast."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from carnet.access.door import now
from carnet.access.tokens import Tokens
from carnet.app import parts
from tests import people
from tests.space import Peopled, clone, settings_of

HOST = "127.0.0.1"
COMMAND = (
    "from carnet import config; from carnet.cli import serving; "
    "serving.serve(config.read(), workers=1)"
)


@dataclass(frozen=True)
class Served:
    """Where it is, and tokens for it."""

    port: int
    patient: str  # FHIR id of the cast's patient
    _claims: dict[str, dict[str, Any]]
    _tokens: Tokens
    database: str  # its address, for the role of migrations
    pid: int  # of the master

    @property
    def base(self) -> str:
        """The FHIR address."""
        return f"http://{HOST}:{self.port}/fhir"

    def token(self, persona: str) -> str:
        """A token of the patient or of the laboratory's software."""
        return self._tokens.issue(self._claims[persona], lifetime=300)


@pytest.fixture(scope="session")
def served(peopled: Peopled) -> Iterator[Served]:
    """One server for all that takes it; what a test writes stays."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    settings = settings_of(peopled.folder, base_url=f"http://{HOST}:{port}")
    with clone(peopled.cluster, peopled.name) as name:
        environ = {
            **os.environ,
            "CARNET_DATABASE_URL": peopled.cluster.url(database=name),
            "CARNET_DATA": str(peopled.folder),
            "CARNET_BASE_URL": settings.base_url,
            "CARNET_INSTANCE": "demonstration",
            "CARNET_PORT": str(port),
            "CARNET_PAGES": "false",
            "CARNET_LOG_LEVEL": "ERROR",
        }
        process = subprocess.Popen([sys.executable, "-c", COMMAND], env=environ)
        try:
            wait(process, port)
            tokens, url = parts.tokens_of(settings, now), peopled.cluster.url(database=name)
            yield Served(port, patient_id(peopled), claims(peopled), tokens, url, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until it answers."""
    for _ in range(300):
        assert process.poll() is None, "the server ended before it served"
        try:
            conn = http.client.HTTPConnection(HOST, port, timeout=2)
            conn.request("GET", "/health")
            if conn.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server did not come up in half a minute")


def patient_id(peopled: Peopled) -> str:
    """Of the cast's patient."""
    cid = peopled.where.people[people.PATIENT.key]
    return str(ids(peopled).encode(cid, cid))


def ids(peopled: Peopled) -> Any:
    """The installation's ids."""
    from carnet.access.door import load_or_make
    from carnet.fhir.store.ids import Ids

    return Ids(load_or_make(peopled.folder / "keys").ids, now, lambda bits: 0)


def claims(peopled: Peopled) -> dict[str, dict[str, Any]]:
    """Claims of the patient and of the laboratory's software."""
    patient = f"Patient/{patient_id(peopled)}"
    common = {"scope": "*", "acr": "carnet:1", "client": "tests", "rev": 1}
    software = people.POPULATION.persona("lab-software")
    place = peopled.where.places[str(software.establishment)]
    return {
        "patient": common | {
            "sub": f"patient:{people.PATIENT.key}", "kind": "patient", "name": "the patient",
            "purpose": "PATRQT", "patient": patient, "fhirUser": patient,
        },
        "lab-software": common | {
            "sub": "software:lab-software", "kind": "software", "name": "a laboratory's software",
            "purpose": "TREAT", "org": f"Organization/{ids(peopled).encode(0, place)}",
        },
    }  # fmt: skip
