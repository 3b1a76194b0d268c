# SPDX-License-Identifier: EUPL-1.2
"""Where figures are measured: one real installation for the whole run, filled once.

The people are invented here: for each a Patient, encounters and observations that refer to them, in one
transaction, sent over HTTP by a hospital's software. The data folder is on the disk of the temporary
folder (TMPDIR chooses another), so that a flush is a flush.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import random
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench._client import Client
from tests.durability.installation import HOST, Installation

PEOPLE = 150
OBSERVATIONS, ENCOUNTERS = 60, 6  # of each
CODES = ["8302-2", "29463-7", "39156-5", "85354-9", "72514-3", "2339-0", "2093-3", "38483-4"]


@dataclass
class Place:
    """The installation and what was put in it."""

    installation: Installation
    patients: list[str] = field(default_factory=list)  # ids
    observations: list[str] = field(default_factory=list)

    @property
    def client(self) -> Client:
        """A client with the hospital software's token."""
        return Client(HOST, self.installation.port, self.installation.token)

    @contextlib.contextmanager
    def serving(self, workers: int) -> Iterator[Client]:
        """The server with that many workers, until the end."""
        self.installation.workers = workers
        self.installation.start()
        try:
            yield self.client
        finally:
            self.installation.stop_serving()

    def spent(self) -> tuple[float, float]:
        """CPU seconds of the serving processes, and of PostgreSQL's with those that have ended."""
        made = self.installation
        return _spent(made.server_pids()), _spent(made.postgres_pids())

    def spent_by_postgres(self) -> float:
        """The second of these, when nothing serves."""
        return _spent(self.installation.postgres_pids())

    def url(self, role: str) -> str:
        """The database for a role; the embedded server runs whoever serves."""
        return self.installation.url(role)


def _spent(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):  # it ended meanwhile: its parent has its time
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(
                map(int, fields[11:15])
            )  # its own, and its children's that were waited for
    return ticks / os.sysconf("SC_CLK_TCK")


@cache
def place() -> Place:
    """The one of this run."""
    folder = Path(tempfile.mkdtemp(prefix="carnet-bench-"))
    folder.chmod(0o755)
    installation = Installation.make(folder / "data")
    leave = installation.hold()

    def end() -> None:
        installation.stop_serving()
        leave()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    made = Place(installation)
    with made.serving(2) as client:
        chance = random.Random(1)
        for start in range(0, PEOPLE, 10):
            bodies = [person(chance) for _ in range(min(10, PEOPLE - start))]
            answers = client.ask(*(client.request("POST", "/fhir/", body) for body in bodies))
            for status, answer in answers:
                assert status == 200, answer
                for entry in answer["entry"]:
                    rtype, id, *_ = entry["response"]["location"].split("/")
                    if rtype == "Patient":
                        made.patients.append(id)
                    elif rtype == "Observation":
                        made.observations.append(id)
    with installation.database() as conn:
        conn.execute("VACUUM ANALYZE")
    return made


def person(chance: random.Random, observations: int = OBSERVATIONS) -> bytes:
    """A transaction: someone, their encounters, their observations."""
    urls = [_urn(chance) for _ in range(1 + ENCOUNTERS)]
    patient, *encounters = urls
    name = f"{chance.getrandbits(40):x}".upper()
    resources: list[tuple[str | None, dict[str, Any]]] = [
        (
            patient,
            {
                "resourceType": "Patient",
                "identifier": [{"system": "urn:carnet:bench", "value": name}],
                "name": [{"use": "official", "family": name, "given": ["ALIX"]}],
                "gender": "other",
                "birthDate": f"19{chance.randint(20, 99)}-0{chance.randint(1, 9)}-11",
            },
        )
    ]
    for url in encounters:
        resources.append(
            (
                url,
                {
                    "resourceType": "Encounter",
                    "status": "finished",
                    "class": {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                        "code": "AMB",
                    },
                    "subject": {"reference": patient},
                    "period": {"start": _day(chance)},
                },
            )
        )
    for _ in range(observations):
        resources.append((None, observation(chance, patient, chance.choice(encounters))))
    entries = [
        {
            **({"fullUrl": url} if url else {}),
            "resource": resource,
            "request": {"method": "POST", "url": resource["resourceType"]},
        }
        for url, resource in resources
    ]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def observation(
    chance: random.Random, patient: str, encounter: str | None = None
) -> dict[str, Any]:
    """An ordinary one, of about 700 bytes: a blood pressure with its two parts."""
    loinc = "http://loinc.org"
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "vital-signs",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": loinc, "code": chance.choice(CODES)}], "text": "Mesure"},
        "subject": {"reference": patient},
        **({"encounter": {"reference": encounter}} if encounter else {}),
        "effectiveDateTime": _day(chance),
        "component": [
            {
                "code": {"coding": [{"system": loinc, "code": code}]},
                "valueQuantity": {
                    "value": chance.randint(50, 180),
                    "unit": "mmHg",
                    "system": "http://unitsofmeasure.org",
                    "code": "mm[Hg]",
                },
            }
            for code in ("8480-6", "8462-4")
        ],
    }


def _urn(chance: random.Random) -> str:
    return f"urn:uuid:{uuid.UUID(bytes=chance.randbytes(16), version=4)}"


def _day(chance: random.Random) -> str:
    return f"20{chance.randint(10, 25)}-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}T09:00:00Z"
