# SPDX-License-Identifier: EUPL-1.2
"""The International Patient Summary as files: the FHIR document, and the PDF that says the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

from carnet.access import queries
from carnet.access.door import Visit
from carnet.composing.ips import Person, sheet
from carnet.composing.pdf import write
from carnet.fhir import json
from carnet.identity.status import Status
from carnet.rest.acts import Forms, Streamed
from carnet.summary import patient_summary
from carnet.summary.told import day, when
from carnet.summary.words import LANGUAGES

Form = Literal["pdf", "json"]
MEDIA = {"pdf": "application/pdf", "json": "application/fhir+json"}


async def file(visit: Visit, patient: str, language: str, form: Form) -> bytes:
    """A summary as a file; Nothing when the record must look absent."""
    made = await patient_summary.summary(visit, patient, language)
    if form == "json":
        return json.dump(made.bundle)
    async with visit.door.pool.connection() as conn:
        known = await queries.identity(conn, made.cid)
    assert known is not None
    told = made.told
    person = Person(
        name=known.shown_name,
        birth_name=known.birth_name,
        given=known.first_given,
        born=when(str(known.birth_date), told.language),
        sex=known.sex,
        number=(known.ins or "") if known.status == Status.QUALIFIED else "",
        day=day(told.made, told.language),
    )
    page = sheet(told, person, str(made.bundle["identifier"]["value"]))
    return await asyncio.to_thread(write, page)


def name(language: str, form: Form) -> str:
    """What the file is called: nothing of the person."""
    stem = {"fr": "synthese-medicale", "en": "patient-summary"}[language]
    return f"{stem}.{form}"


async def pdf(visit: Visit, id: str, language: str) -> Streamed:
    """GET or POST Patient/[id]/$summary?_format=application/pdf."""
    made = await file(visit, id, language, "pdf")

    async def whole() -> AsyncIterator[bytes]:
        yield made

    return Streamed(MEDIA["pdf"], name(language, "pdf"), whole())


FORMS = Forms({"": patient_summary.operation, MEDIA["pdf"]: pdf}, LANGUAGES)
