# SPDX-License-Identifier: EUPL-1.2
"""Publish French CDA documents: 40 % laboratory reports with 10 results, 60 % level 1 with a 50 kB PDF.

Sent as ITI-65 lots (DocumentReference and Binary in a transaction), read, checked against the record's
identity, results extracted, files sealed and synced, indexed, traced. Reading the text of PDFs is not
done yet, so it is not in the figure.
"""

from __future__ import annotations

import base64
import json
import random
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bench._place import place
from bench._told import tell
from carnet.documents import metadata
from carnet.documents.cda import read
from carnet.fhir import json as fhir_json
from carnet.population import Person, Population, documents, make, report

DOCUMENTS = 400
REPORTS = 0.4
PDF = 50_000  # bytes of a level 1 document's file
PANELS = ("glycaemia", "kidney", "blood_count")  # two, two and six results
CLIENTS = 8


def run() -> None:
    """As many documents as `DOCUMENTS`, each once, with one worker and with two."""
    here, chance = place(), random.Random(13)
    sources = list(made(make(2026, 7), chance, 2 * DOCUMENTS))
    lots = [lot(source, chance) for source in sources]
    for workers in (1, 2):
        some = lots[(workers - 1) * DOCUMENTS : workers * DOCUMENTS]
        with here.serving(workers) as client:
            warm = [client.request("POST", "/fhir/", each) for each in some[:20]]
            client.all(warm, clients=CLIENTS)
            seen = client.all(
                [client.request("POST", "/fhir/", each) for each in some[20:]], clients=CLIENTS
            )
        tell(
            f"publish a CDA document ({REPORTS:.0%} laboratory reports, the rest a PDF of"
            f" {PDF // 1000} kB; mean {sum(map(len, sources)) / len(sources) / 1000:.0f} kB),"
            f" {workers} worker{'s' * (workers > 1)}, {CLIENTS} clients",
            f"{len(seen.times) / seen.seconds:,.0f} documents/s, p50 {seen.percentile(0.5):.0f} ms,"
            f" p99 {seen.percentile(0.99):.0f} ms"
            + (f", {seen.refused} REFUSED" if seen.refused else ""),
        )


def made(population: Population, chance: random.Random, count: int) -> Iterator[bytes]:
    """CDA documents about the people of the installation."""
    letters = {
        person: each.xml
        for person in population.people
        for each in documents(population, person)
        if not each.structured
    }
    persons = list(letters)  # those who have had a letter
    moment = datetime(2026, 9, 1, 8, tzinfo=UTC)
    for _ in range(count):
        person = chance.choice(persons)
        moment += timedelta(seconds=7)
        if chance.random() < REPORTS:
            yield ten_results(population, person, moment)
        else:
            yield with_pdf(letters[person], chance)


def ten_results(population: Population, person: Person, moment: datetime) -> bytes:
    """A laboratory report of ten results."""
    return report(population, person, moment, panels=PANELS).xml


def with_pdf(letter: bytes, chance: random.Random) -> bytes:
    """A level 1 document with its own ids, its PDF padded to size by bytes that do not compress."""
    found = re.search(rb">([A-Za-z0-9+/=\s]{2000,})<", letter)
    assert found is not None
    pdf = base64.b64decode(found[1])
    pdf += b"\n%" + base64.b64encode(chance.randbytes((PDF - len(pdf)) * 3 // 4))
    source = letter[: found.start(1)] + base64.b64encode(pdf) + letter[found.end(1) :]
    for element in (b"id", b"setId"):
        own = f'<{element.decode()} root="2.25.{chance.getrandbits(100)}"/>'.encode()
        source = re.sub(rb"<" + element + rb" [^>]*/>", own, source, count=1)
    return source


def lot(source: bytes, chance: random.Random) -> bytes:
    """The transaction a document's producer sends."""
    document = read(source)
    patient = document.header.patient
    assert patient is not None and patient.claim is not None
    reference, file, *_ = metadata.resources(
        document,
        patient="Patient",
        received=datetime.now(UTC),
        new_uuid=lambda: str(uuid.UUID(bytes=chance.randbytes(16), version=4)),
    )
    claim = {"system": patient.claim.system, "value": patient.claim.value}
    resource = {
        **reference.resource,
        "subject": {"identifier": claim},
        "content": reference.resource["content"][:1],
    }
    binary = {**file.resource, "data": base64.b64encode(source).decode()}
    entries = [
        {
            "fullUrl": url,
            "resource": each,
            "request": {"method": "POST", "url": each["resourceType"]},
        }
        for url, each in ((reference.url, resource), (file.url, binary))
    ]
    return json.dumps(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": json.loads(fhir_json.dump(entries)),
        }
    ).encode()
