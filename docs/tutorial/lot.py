# SPDX-License-Identifier: EUPL-1.2
"""A lot of ITI-65 around one CDA document, for the tutorial: python docs/tutorial/lot.py FILE > lot.json.

Nothing but Python itself is needed. Source: ANS, PDSm 3.1.1 (IHE MHD, Provide Document Bundle).
"""

import base64
import hashlib
import json
import sys
import uuid
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROFILE = (
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/"
    "pdsm-comprehensive-provide-document-bundle"
)
SUBMISSION_SET = {
    "system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes",
    "code": "submissionset",
}
CDA = {"cda": "urn:hl7-org:v3"}


def lot(source: bytes) -> dict[str, Any]:
    """The Bundle: the submission set, the document's metadata, the document itself."""
    document = ElementTree.fromstring(source)  # noqa: S314  (your own file)

    def said(path: str, attribute: str) -> str:
        element = document.find(path, CDA)
        return (element.get(attribute) or "") if element is not None else ""

    patient = "cda:recordTarget/cda:patientRole/cda:id"
    subject = {
        "identifier": {
            "system": f"urn:oid:{said(patient, 'root')}",
            "value": said(patient, "extension"),
        }
    }
    now = datetime.now(UTC).isoformat(timespec="seconds")
    submission, reference, file = (f"urn:uuid:{uuid.uuid4()}" for _ in range(3))
    resources = {
        submission: {
            "resourceType": "List",
            "status": "current",
            "mode": "working",
            "code": {"coding": [SUBMISSION_SET]},
            "subject": subject,
            "date": now,
            "entry": [{"item": {"reference": reference}}],
        },
        reference: {
            "resourceType": "DocumentReference",
            "masterIdentifier": {
                "system": "urn:ietf:rfc:3986",
                "value": f"urn:oid:{said('cda:id', 'root')}",
            },
            "status": "current",
            "type": {"coding": [{"system": "http://loinc.org", "code": said("cda:code", "code")}]},
            "subject": subject,
            "date": now,
            "content": [
                {
                    "attachment": {
                        "contentType": "text/xml",
                        "url": file,
                        "size": len(source),
                        "hash": base64.b64encode(hashlib.sha1(source).digest()).decode(),  # noqa: S324  (MHD asks it)
                    }
                }
            ],
        },
        file: {
            "resourceType": "Binary",
            "contentType": "text/xml",
            "data": base64.b64encode(source).decode(),
        },
    }
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [PROFILE]},
        "type": "transaction",
        "entry": [
            {
                "fullUrl": address,
                "resource": resource,
                "request": {"method": "POST", "url": resource["resourceType"]},
            }
            for address, resource in resources.items()
        ],
    }


if __name__ == "__main__":
    json.dump(lot(Path(sys.argv[1]).read_bytes()), sys.stdout, ensure_ascii=False, indent=1)
