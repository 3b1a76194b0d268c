# SPDX-License-Identifier: EUPL-1.2
"""What a laboratory's software sends: a lot of ITI-65, its document and its submission set."""

import base64
import hashlib
import uuid
from datetime import UTC, datetime
from typing import Any

from carnet.population import GeneratedDocument, Person

PDSM = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/"


def lot(document: GeneratedDocument, person: Person, now: datetime) -> dict[str, Any]:
    """The Bundle of PDSm for one CDA document, written by hand from its guide."""
    file, reference, submission = (f"urn:uuid:{uuid.uuid4()}" for _ in range(3))
    subject = {"identifier": {"system": f"urn:oid:{person.ins_oid}", "value": person.ins}}
    sent = now.astimezone(UTC).isoformat(timespec="seconds")
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [f"{PDSM}pdsm-comprehensive-provide-document-bundle"]},
        "type": "transaction",
        "entry": [
            {
                "fullUrl": submission,
                "resource": {
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
                    "subject": subject,
                    "date": sent,
                    "entry": [{"item": {"reference": reference}}],
                },
                "request": {"method": "POST", "url": "List"},
            },
            {
                "fullUrl": reference,
                "resource": {
                    "resourceType": "DocumentReference",
                    "masterIdentifier": {
                        "system": "urn:ietf:rfc:3986",
                        "value": f"urn:oid:{document.unique_id}",
                    },
                    "status": "current",
                    "type": {"coding": [{"system": "http://loinc.org", "code": document.kind}]},
                    "subject": subject,
                    "date": sent,
                    "description": document.title,
                    "content": [
                        {
                            "attachment": {
                                "contentType": "text/xml",
                                "url": file,
                                "size": len(document.xml),
                                "hash": base64.b64encode(
                                    hashlib.sha1(document.xml).digest()
                                ).decode(),
                                "title": document.title,
                            }
                        }
                    ],
                    "context": {
                        "period": {
                            "start": document.effective.astimezone(UTC).isoformat(
                                timespec="seconds"
                            )
                        }
                    },
                },
                "request": {"method": "POST", "url": "DocumentReference"},
            },
            {
                "fullUrl": file,
                "resource": {
                    "resourceType": "Binary",
                    "contentType": "text/xml",
                    "data": base64.b64encode(document.xml).decode(),
                },
                "request": {"method": "POST", "url": "Binary"},
            },
        ],
    }
