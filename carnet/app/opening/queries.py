# SPDX-License-Identifier: EUPL-1.2
"""Statements of the owner of a private instance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person whom documents name, as they were read."""

    sub: str
    cid: int
    name: str
    birth_date: date
    sex: str
    ins: str | None  # as it was claimed: nobody verified it
    ins_system: str | None
    apart: bool  # in quarantine: a claim that is not sound, or that differs from another document's


# One subject for each identity that documents brought; the owner chooses as which they read.
SUBJECTS: LiteralString = """
    INSERT INTO access.subject (sub, kind, name, patient)
    SELECT 'patient:' || i.cid, 'patient', coalesce(nullif(i.shown_name, ''), '?'), i.cid
      FROM access.identity i
     WHERE NOT EXISTS (SELECT 1 FROM access.subject s WHERE s.patient = i.cid)
    ON CONFLICT (sub) DO NOTHING
"""
PEOPLE: LiteralString = """
    SELECT s.sub, i.cid, i.shown_name AS name, i.birth_date, i.sex,
           coalesce(i.ins, i.claim) AS ins, coalesce(i.ins_system, i.claim_system) AS ins_system,
           i.quarantined AS apart
      FROM access.subject s JOIN access.identity i ON i.cid = s.patient
     ORDER BY s.sub = 'patient:unnamed', i.birth_name, i.first_given, i.birth_date, i.cid
     LIMIT 2000
"""


async def people(conn: AsyncConnection[Any]) -> list[Somebody]:
    """Everybody the documents name; whom nobody named last."""
    async with conn.cursor(row_factory=class_row(Somebody)) as cur:
        await cur.execute(PEOPLE)
        return await cur.fetchall()
