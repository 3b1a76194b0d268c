# SPDX-License-Identifier: EUPL-1.2
"""A study as FHIR has it (ImagingStudy), and as its manifest names it.

Each instance says, in extensions of ours, which Binary holds its file and the SHA-256 of it.
Source: FHIR R4 ImagingStudy; IHE XDS-I.b (manifest); ANS DRIM-M (the manifest in the record).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

from carnet.imaging.instances import Instance

UIDS: Final = "urn:dicom:uid"
OIDS: Final = "urn:oid:"
URI: Final = "urn:ietf:rfc:3986"
DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
FILE: Final = "urn:carnet:imaging:file"  # valueReference: the Binary of an instance
DIGEST: Final = "urn:carnet:imaging:digest"  # valueString: SHA-256, hexadecimal
FRAMES: Final = "urn:carnet:imaging:frames"  # valuePositiveInt
SYNTAX: Final = "urn:carnet:imaging:syntax"  # valueOid: transfer syntax of the file

Json = dict[str, Any]


def resource(subject: str, first: Instance, started: str) -> Json:
    """A study of nothing yet. started: an instant of FHIR, or ""."""
    made: Json = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": UIDS, "value": OIDS + first.study}],
        "status": "available",
        "subject": {"reference": subject},
        "started": started,
        "description": first.told["description"],
    }
    if first.told["accession"]:
        made["identifier"].append(
            {"type": {"coding": [{"code": "ACSN"}]}, "value": first.told["accession"]}
        )
    return {key: held for key, held in made.items() if held}


def with_instances(study: Json, added: Iterable[tuple[Instance, str]]) -> Json:
    """The study with more images; each with the address of its Binary."""
    series = [dict(each) for each in study.get("series", [])]
    for one, address in added:
        held = next((each for each in series if each["uid"] == one.series), None)
        if held is None:
            held = _series(one)
            series.append(held)
        held["instance"] = [*held.get("instance", []), _instance(one, address)]
    for each in series:
        each["instance"] = sorted(each["instance"], key=lambda one: (one["number"], one["uid"]))
        each["numberOfInstances"] = len(each["instance"])
    series.sort(key=lambda each: (each["number"], each["uid"]))
    modalities = sorted({each["modality"]["code"] for each in series})
    return {
        **study,
        "modality": [{"system": DCM, "code": each} for each in modalities],
        "numberOfSeries": len(series),
        "numberOfInstances": sum(each["numberOfInstances"] for each in series),
        "series": series,
    }


def _series(one: Instance) -> Json:
    made = {
        "uid": one.series,
        "number": one.told["series_number"],
        "modality": {"system": DCM, "code": one.told["modality"]},
        "description": one.told["series_description"],
    }
    return {key: held for key, held in made.items() if held != ""}


def _instance(one: Instance, address: str) -> Json:
    return {
        "extension": [
            {"url": FILE, "valueReference": {"reference": address}},
            {"url": DIGEST, "valueString": one.digest},
            {"url": FRAMES, "valuePositiveInt": one.told["frames"]},
            {"url": SYNTAX, "valueOid": OIDS + one.told["syntax"]},
        ],
        "uid": one.uid,
        "sopClass": {"system": URI, "code": OIDS + one.sop_class},
        "number": one.told["number"],
    }


def said(instance: Json, url: str) -> Any:
    """What one of our extensions of an instance says; None when it has none."""
    for each in instance.get("extension", []):
        if each.get("url") == url:
            return next(held for key, held in each.items() if key.startswith("value"))
    return None


def uid_of(study: Json) -> str:
    """The number of a study; "" of one that came another way."""
    for each in study.get("identifier", []):
        if each.get("system") == UIDS:
            return str(each.get("value", "")).removeprefix(OIDS)
    return ""


def held(study: Json) -> dict[str, str]:
    """The digest of each image that is there, by its number."""
    return {
        one["uid"]: str(said(one, DIGEST))
        for series in study.get("series", [])
        for one in series.get("instance", [])
    }


def manifest(study: Json, first: Instance, retrieve: str) -> Json:
    """What `reading.manifest` makes a manifest of. retrieve: address studies are had at."""
    number = uid_of(study)
    images = sorted(held(study))
    told, person = first.told, first.told["person"]
    claim = next(iter(person["numbers"]), ("", ""))
    return {
        "manifest": _derived(number, *images),
        "own_series": _derived(number, "series"),
        "StudyInstanceUID": number,
        "StudyDate": told["date"],
        "StudyTime": told["time"],
        "AccessionNumber": told["accession"][:16],
        "StudyDescription": told["description"][:64],
        "person": {
            "PatientID": claim[0],
            "PatientName": f"{person['family']}^{person['given']}",
            "PatientBirthDate": person["birth_date"],
            "PatientSex": person["sex"],
        },
        "issuer": claim[1],
        "series": [
            {
                "uid": each["uid"],
                "url": f"{retrieve}/{number}/series/{each['uid']}",
                "instances": _images(each["instance"]),
            }
            for each in study["series"]
        ],
    }


def document_uid(study: str) -> str:
    """The number of the document that stands for a study: the same at each of its versions."""
    return _derived(study, "document")


def _images(instances: Sequence[Json]) -> list[tuple[str, str]]:
    return [(each["sopClass"]["code"].removeprefix(OIDS), each["uid"]) for each in instances]


def _derived(*words: str) -> str:
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, ' '.join(words)).int}"
