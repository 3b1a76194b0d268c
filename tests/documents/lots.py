# SPDX-License-Identifier: EUPL-1.2
"""ITI-65 lots made from documents of the tests' own, and what a refusal must leave untouched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from carnet.config import Instance
from carnet.population import GeneratedDocument, Person, report
from tests import people
from tests.space import Answer, Space, build

DOCUMENT = "urn:uuid:11111111-0000-4000-8000-000000000001"
BINARY = "urn:uuid:11111111-0000-4000-8000-000000000002"
LIST = "urn:uuid:11111111-0000-4000-8000-000000000003"
MOMENT = datetime(2026, 11, 21, 9, tzinfo=UTC)
RFC3986 = "urn:ietf:rfc:3986"
J08 = "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR"

# What a document may touch. Traces are apart: a refusal is written too.
TABLES = (
    "record.resource", "record.history", "record.idx_string", "record.idx_date", "record.idx_number",
    "record.id_map", "record.attachment", "record.compartment", "record.outbox",
    "documents.unique_id", "access.record", "access.identity", "access.consent",
)  # fmt: skip


def fresh(person: Person = people.PATIENT, *, minutes: int = 0, **more: Any) -> GeneratedDocument:
    """A laboratory report that is in no record yet; another one for other minutes."""
    return report(people.POPULATION, person, MOMENT + timedelta(minutes=minutes), **more)


def corrected(old: GeneratedDocument, number: int = 2) -> bytes:
    """The next version of a report: another uniqueId, and the CDA says what it replaces (RPLC)."""
    data = old.xml.replace(
        f'<id root="{old.unique_id}"/>'.encode(), f'<id root="{next_id(old, number)}"/>'.encode()
    )
    assert data != old.xml
    before = old.unique_id if number == 2 else next_id(old, number - 1)
    parent = (
        f'<relatedDocument typeCode="RPLC"><parentDocument><id root="{before}"/>'
        "</parentDocument></relatedDocument><componentOf>"
    )
    return data.replace(b"<componentOf>", parent.encode())


def next_id(old: GeneratedDocument, number: int = 2) -> str:
    """The uniqueId of a later version."""
    return f"{old.unique_id}{number}"


def plain(data: bytes) -> bytes:
    """The same without its RPLC: only the metadata then says what is replaced."""
    start = data.index(b"<relatedDocument")
    end = data.index(b"</relatedDocument>") + len(b"</relatedDocument>")
    return data[:start] + data[end:]


@asynccontextmanager
async def instance(space: Space, kind: Instance) -> AsyncIterator[Space]:
    """The same database served by an installation of another kind."""
    changes: dict[str, Any] = {"instance": kind}
    if kind is Instance.PRODUCTION:
        changes["matrix"] = str(files("carnet.access.matrix").joinpath("demonstration.toml"))
    url = space.admin_url.replace("carnet_admin", "{role}")
    built = await build(url, space.built.settings.data, space.clock, seed=13, **changes)
    try:
        yield Space(built, space.where, space.clock, space.admin_url)
    finally:
        await built.pool.close()


def replaces(reference: str) -> list[dict[str, Any]]:
    """relatesTo, by reference."""
    return [{"code": "replaces", "target": {"reference": reference}}]


def superseding(document: str) -> dict[str, Any]:
    """The PATCH entry of an ITI-65 replacement, as the agency's example has it."""
    part = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "DocumentReference.status"},
        {"name": "value", "valueCode": "superseded"},
    ]
    return {
        "fullUrl": "urn:uuid:11111111-0000-4000-8000-000000000004",
        "resource": {
            "resourceType": "Parameters",
            "parameter": [{"name": "operation", "part": part}],
        },
        "request": {"method": "PATCH", "url": document},
    }


def sha1(data: bytes) -> str:
    """A hash as FHIR writes it."""
    return base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def subject(person: Person = people.PATIENT) -> dict[str, Any]:
    """Whose it is, as real software says it."""
    return {"reference": f"Patient?identifier=urn:oid:{person.ins_oid}|{person.ins}"}


def metadata(data: bytes, **changes: Any) -> dict[str, Any]:
    """A DocumentReference as a laboratory fills it; None removes an element."""
    made: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "contained": [
            {
                "resourceType": "Practitioner",
                "id": "author",
                "identifier": [{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": "899700218896"}],
                "name": [{"family": "Moreau", "given": ["Anne"], "prefix": ["Dr"]}],
            }
        ],
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "11502-2"}]},
        "subject": subject(),
        "date": "2026-11-21T10:00:00+01:00",
        "author": [{"reference": "#author"}],
        "description": "Ce que le laboratoire en dit",
        "securityLabel": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
                        "code": "N",
                    }
                ]
            }
        ],
        "content": [
            {
                "attachment": {
                    "contentType": "text/xml",
                    "language": "fr-FR",
                    "url": BINARY,
                    "size": len(data),
                    "hash": sha1(data),
                    "title": "Bilan du 21 novembre",
                }
            }
        ],
    }
    return {key: value for key, value in (made | changes).items() if value is not None}


def mask(code: str) -> dict[str, Any]:
    """A label as JDV_J08 writes it."""
    return {"coding": [{"system": J08, "code": code}]}


def lot(
    data: bytes, *more: dict[str, Any], media: str = "text/xml", **changes: Any
) -> dict[str, Any]:
    """A whole ITI-65 Bundle: the List first, as IHE shows it."""
    document = metadata(data, **changes)
    whose = document.get("subject", subject())
    entries = [
        _post(
            LIST,
            {
                "resourceType": "List",
                "status": "current",
                "mode": "working",
                "code": {
                    "coding": [
                        {
                            "system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes",
                            "code": "submissionset",
                        }
                    ]
                },
                "subject": whose,
                "date": "2026-11-21T10:00:00+01:00",
                "entry": [{"item": {"reference": DOCUMENT}}],
            },
        ),
        _post(DOCUMENT, document),
        *more,
        _post(
            BINARY,
            {
                "resourceType": "Binary",
                "contentType": media,
                "data": base64.b64encode(data).decode(),
            },
        ),
    ]
    return {
        "resourceType": "Bundle",
        "meta": {
            "profile": [
                "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/"
                "pdsm-comprehensive-provide-document-bundle"
            ]
        },
        "type": "transaction",
        "entry": entries,
    }


def _post(url: str, resource: dict[str, Any]) -> dict[str, Any]:
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": url, "resource": resource, "request": request}


def locations(answer: Answer) -> list[str]:
    """Type/id of each entry of a response."""
    return [
        entry["response"]["location"].partition("/_history/")[0] for entry in answer.json["entry"]
    ]


def document_of(answer: Answer) -> str:
    """Type/id of the DocumentReference of a response."""
    return next(each for each in locations(answer) if each.startswith("DocumentReference/"))


async def holds(space: Space) -> dict[str, int]:
    """How many rows each table has, and how many files lie in the attachments."""
    found = {}
    for table in TABLES:
        found[table] = int((await space.rows(f"SELECT count(*) FROM {table}"))[0][0])
    found["files"] = _files(space.built.settings.attachments)
    return found


def _files(folder: Path) -> int:
    return sum(each.is_file() for each in folder.rglob("*"))


def code(answer: Answer) -> str | None:
    """The national code of a refusal."""
    details = answer.json["issue"][0].get("details", {})
    return next((each["code"] for each in details.get("coding", [])), None)
