# SPDX-License-Identifier: EUPL-1.2
"""The driver: writers that send, and keep what they were answered. It judges nothing.

What was answered 2xx is `ok`; 4xx is `failed`, nothing of it may be there; anything else (an answer
5xx, a cut connection, silence) is `unknown`: it is there whole, or not at all.
Every resource has an identifier of its own, sent once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import aiohttp

SYSTEM = "urn:carnet:durability"
FHIR = "application/fhir+json"
PATIENCE = 20.0  # seconds before silence is unknown


class Outcome(StrEnum):
    """What a writer was told."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Sent:
    """One resource of a write."""

    rtype: str
    name: str  # value of its identifier
    content: dict[str, Any]
    version: int = 1
    id: str | None = None  # once known
    data: bytes | None = None  # the file it came with
    before: dict[str, Any] | None = None  # content of the version it replaces

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from any other resource ever sent."""
        return self.rtype, self.name


@dataclass
class Write:
    """One request."""

    kind: str
    resources: list[Sent]
    outcome: Outcome = Outcome.UNKNOWN
    status: int = 0


@dataclass
class Writer:
    """Sends one request after the other, of every kind."""

    number: int
    run: str  # of the names, so that no two runs share one
    base: str
    token: str
    people: Sequence[str]
    chance: random.Random
    history: list[Write] = field(default_factory=list)
    own: list[Sent] = field(default_factory=list)  # acknowledged Observations, to update
    count: int = 0

    async def write(self, http: aiohttp.ClientSession) -> None:
        """One request of a kind drawn."""
        kinds = [self._create, self._transaction, self._person, self._document]
        kinds += [self._update, self._create] if self.own else []
        write, method, path, body = self.chance.choice(kinds)()
        self.history.append(write)
        answer = await self._send(http, write, method, path, body)
        if write.outcome is Outcome.OK:
            self._learn(write, answer)
        if write.outcome is Outcome.UNKNOWN:
            await asyncio.sleep(0.01)  # likely nobody is there

    # -- what is sent ----------------------------------------------------------------------------

    def _name(self) -> str:
        self.count += 1
        return f"{self.run}-{self.number}-{self.count}"

    def _observation(self, about: str) -> Sent:
        name = self._name()
        content = {
            "resourceType": "Observation",
            "identifier": [{"system": SYSTEM, "value": name}],
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "subject": {"reference": about},
            "effectiveDateTime": f"2026-{self.chance.randint(1, 9):02}-11",
            "valueQuantity": {"value": self.chance.randint(40, 120), "unit": "kg"},
            "note": [{"text": self.chance.randbytes(self.chance.randint(1, 400)).hex()}],
        }
        return Sent("Observation", name, content)

    def _create(self) -> tuple[Write, str, str, dict[str, Any]]:
        sent = self._observation(self.chance.choice(self.people))
        return Write("create", [sent]), "POST", "/Observation", sent.content

    def _update(self) -> tuple[Write, str, str, dict[str, Any]]:
        held = self.chance.choice(self.own)
        content = held.content | {"note": [{"text": self.chance.randbytes(20).hex()}]}
        sent = replace(held, content=content, version=held.version + 1, before=held.content)
        self.own.remove(held)  # until its state is known
        body = sent.content | {"id": sent.id}
        return Write("update", [sent]), "PUT", f"/Observation/{sent.id}", body

    def _transaction(self) -> tuple[Write, str, str, dict[str, Any]]:
        about = self.chance.choice(self.people)
        sent = [self._observation(about) for _ in range(self.chance.randint(2, 6))]
        return Write("transaction", sent), "POST", "/", bundle(sent, {})

    def _person(self) -> tuple[Write, str, str, dict[str, Any]]:
        """A new patient (a compartment, its key, its record) and what is about them, at once."""
        name, url = (
            self._name(),
            f"urn:uuid:{uuid.UUID(bytes=self.chance.randbytes(16), version=4)}",
        )
        patient = Sent(
            "Patient",
            name,
            {
                "resourceType": "Patient",
                "identifier": [{"system": SYSTEM, "value": name}],
                "name": [{"use": "official", "family": "ESSAI", "given": ["ALIX"]}],
                "gender": "other",
                "birthDate": "1980-02-03",
            },
        )
        sent = [patient, self._observation(url), self._observation(url)]
        return Write("person", sent), "POST", "/", bundle(sent, {name: url})

    def _document(self) -> tuple[Write, str, str, dict[str, Any]]:
        name = self._name()
        data = self.chance.randbytes(self.chance.randint(1, 60_000))
        content = {
            "resourceType": "DocumentReference",
            "masterIdentifier": {"system": SYSTEM, "value": name},
            "status": "current",
            "type": {"coding": [{"system": "http://loinc.org", "code": "11502-2"}]},
            "subject": {"reference": self.chance.choice(self.people)},
            "date": "2026-05-04T10:00:00Z",
            "content": [
                {
                    "attachment": {
                        "contentType": "application/octet-stream",
                        "data": base64.b64encode(data).decode(),
                    }
                }
            ],
        }
        sent = Sent("DocumentReference", name, content, data=data)
        return Write("document", [sent]), "POST", "/DocumentReference", content

    # -- what comes back -------------------------------------------------------------------------

    async def _send(
        self,
        http: aiohttp.ClientSession,
        write: Write,
        method: str,
        path: str,
        body: dict[str, Any],
    ) -> tuple[str, dict[str, Any]]:
        """(Location, body) when it was acknowledged."""
        try:
            async with http.request(
                method,
                self.base + path,
                data=json.dumps(body).encode(),
                headers={"authorization": f"Bearer {self.token}", "content-type": FHIR},
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
            ) as answer:
                content = await answer.read()
                write.status = answer.status
                if 200 <= answer.status < 300:
                    write.outcome = Outcome.OK
                    return answer.headers.get("location", ""), json.loads(content)
                if 400 <= answer.status < 500:
                    write.outcome = Outcome.FAILED
        except (aiohttp.ClientError, TimeoutError, OSError):
            pass  # unknown, as it is from the start
        return "", {}

    def _learn(self, write: Write, answer: tuple[str, dict[str, Any]]) -> None:
        location, body = answer
        if write.kind in ("transaction", "person"):
            places = [entry["response"]["location"] for entry in body["entry"]]
        elif write.kind == "update":
            places = [f"/{write.resources[0].id}"]
        else:
            places = [location]
        for sent, place in zip(write.resources, places, strict=True):
            sent.id = place.split("/_history/")[0].rsplit("/", 1)[1]
        if write.kind in ("create", "transaction", "update"):
            self.own += write.resources


def bundle(sent: Sequence[Sent], urls: dict[str, str]) -> dict[str, Any]:
    """A transaction that creates all of them."""
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                **({"fullUrl": urls[each.name]} if each.name in urls else {}),
                "resource": each.content,
                "request": {"method": "POST", "url": each.rtype},
            }
            for each in sent
        ],
    }


async def load(writers: Sequence[Writer], stop: asyncio.Event) -> None:
    """Have every writer send until told to stop; what is under way then has its own end."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def one(writer: Writer) -> None:
            while not stop.is_set():
                await writer.write(http)

        await asyncio.gather(*map(one, writers))
