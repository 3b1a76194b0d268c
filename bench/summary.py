# SPDX-License-Identifier: EUPL-1.2
"""The one page of a record of ten thousand documents, and its International Patient Summary.

The record of `bench/_long.py` with what documents make data of: problems, allergies, treatments of many
years, vaccines, stays, acts, and forty thousand results of which some are key ones. The act is called in
process as the page calls it: decision, audit, searches, opening and rules are measured.
`CARNET_BENCH_DOCUMENTS` makes a smaller one.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

from psycopg import AsyncConnection

from bench._long import DOCUMENTS, LOINC, NOW, Long, on_a_record, row, times
from bench._told import tell
from carnet.access.door import Door, Visit
from carnet.fhir.store import write as store
from carnet.fhir.store.rows import New
from carnet.summary import health, patient_summary
from carnet.summary.results import kept

SAID = {
    "problems": 400,
    "allergies": 60,
    "treatments": 1500,
    "vaccines": 80,
    "stays": 150,
    "acts": 300,
}
KEY = 4000  # results of the page's own measures
ICD, ATC = "http://hl7.org/fhir/sid/icd-10", "http://www.whocc.no/atc"


def run() -> None:
    """The page and the summary, several times each."""
    on_a_record(_pages, _fill)


async def _pages(long: Long) -> None:
    id = long.door.ids.encode(long.cid, long.cid)

    page = await health(long.visit(), "")
    what = f"a record of {DOCUMENTS:,} documents, {long.results:,} results, {long.more[0]:,} other data"
    lines = sum(len(each.lines) for each in (page.problems, page.allergies, page.treatments))
    gc.collect()
    gc.freeze()  # as the server does at its start
    started = time.process_time()
    seen = await times(lambda: health(long.visit(), ""))
    own = (time.process_time() - started) * 1000 / (len(seen) + 1)
    tell(
        f"{what}: its one page ({lines} lines of problems, allergies and treatments)",
        f"median {statistics.median(seen):.0f} ms, worst {max(seen):.0f} ms;"
        f" {own:.0f} ms of processor, {await _searches(long)} statements",
        "goal 300 ms",
    )
    seen = await times(lambda: patient_summary.operation(long.visit(), id, "fr"))
    tell(
        f"{what}: its International Patient Summary",
        f"median {statistics.median(seen):.0f} ms, worst {max(seen):.0f} ms",
        "",
    )


async def _searches(long: Long) -> int:
    """How many statements of a page reach the record through the door."""
    told = 0
    plain = Visit.fetch

    async def fetch(self: Visit, *given: Any, **more: Any) -> Any:
        nonlocal told
        told += 1
        return await plain(self, *given, **more)

    with mock.patch.object(Visit, "fetch", fetch):
        await health(long.visit(), "")
    return told


async def _fill(conn: AsyncConnection[Any], door: Door, cid: int, org: int) -> int:
    ciphers = await door.vault.ciphers(conn, [cid])
    rows = list(_rows(door, cid, org, random.Random(4)))
    for first in range(0, len(rows), 2000):
        await store.insert(conn, rows[first : first + 2000], ciphers, door.hasher, NOW)
    return len(rows)


def _rows(door: Door, cid: int, org: int, chance: random.Random) -> Iterator[New]:
    """What the documents say, each in one of a few hundred letters."""
    subject = {"reference": f"Patient/{door.ids.encode(cid, cid)}"}
    letters: list[int] = []
    for number in range(300):
        rid = door.ids.new()
        letters.append(rid)
        yield row(door, cid, org, rid, None, _letter(subject, number, chance))
    for kind, count in SAID.items():
        for _ in range(count):
            rid, origin = door.ids.new(), chance.choice(letters)
            yield row(door, cid, org, rid, origin, _said(kind, subject, chance))
    codes = [code for _, codes, _ in kept() for code in codes]
    for _ in range(KEY):
        made = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": LOINC, "code": chance.choice(codes[:12])}]},
            "subject": subject,
            "effectiveDateTime": _moment(chance),
            "valueQuantity": {"value": chance.randrange(40, 90), "unit": "mmol/L"},
        }
        yield row(door, cid, org, door.ids.new(), chance.choice(letters), made)


def _moment(chance: random.Random) -> str:
    return (NOW - timedelta(days=chance.randrange(7000))).isoformat()


def _letter(subject: dict[str, str], number: int, chance: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "contained": [
            {"resourceType": "Practitioner", "id": "a", "name": [{"text": f"Dr {number % 40}"}]}
        ],
        "status": "superseded" if number % 10 == 0 else "current",
        "type": {"coding": [{"system": LOINC, "code": "34112-3"}]},
        "subject": subject,
        "date": _moment(chance),
        "author": [{"reference": "#a"}],
        "content": [{"attachment": {"contentType": "text/xml", "title": f"Lettre {number}"}}],
    }


def _said(kind: str, subject: dict[str, str], chance: random.Random) -> dict[str, Any]:
    at, number = _moment(chance), chance.randrange(40)
    coded = {"coding": [{"system": ICD, "code": f"A{number:02}"}], "text": f"Problème {number}"}
    medicine = {
        "coding": [{"system": ATC, "code": f"A10BA{number:02}"}],
        "text": f"Médicament {number}",
    }
    made: dict[str, dict[str, Any]] = {
        "problems": {"resourceType": "Condition", "code": coded, "subject": subject,
                     "onsetDateTime": at, "recordedDate": at},
        "allergies": {"resourceType": "AllergyIntolerance", "code": coded, "patient": subject,
                      "recordedDate": at},
        "treatments": {"resourceType": chance.choice(("MedicationRequest", "MedicationStatement")),
                       "status": chance.choice(("active", "active", "stopped", "completed")),
                       "intent": "order", "medicationCodeableConcept": medicine,
                       "subject": subject, "authoredOn": at, "dateAsserted": at,
                       "dosage": [{"text": f"{number} mg"}],
                       "dosageInstruction": [{"text": f"{number} mg"}]},
        "vaccines": {"resourceType": "Immunization", "status": "completed", "vaccineCode": medicine,
                     "patient": subject, "occurrenceDateTime": at},
        "stays": {"resourceType": "Encounter", "status": "finished", "class": {"code": "IMP"},
                  "subject": subject, "period": {"start": at, "end": at}},
        "acts": {"resourceType": "Procedure", "status": "completed", "code": coded,
                 "subject": subject, "performedDateTime": at},
    }  # fmt: skip
    found = made[kind]
    if found["resourceType"] == "MedicationRequest":
        return {k: v for k, v in found.items() if k not in ("dateAsserted", "dosage")}
    if found["resourceType"] == "MedicationStatement":
        return {
            k: v for k, v in found.items() if k not in ("intent", "authoredOn", "dosageInstruction")
        }
    return found
