# SPDX-License-Identifier: EUPL-1.2
"""What came with a document, or was read in it, follows it: its file, its results, its text, its lot.

What follows is masked with the document, and does not say so itself. An export therefore says which
document each follows, in an extension of its meta; an import takes it from there.
"""

from __future__ import annotations

from typing import Any, Final

from carnet.fhir import json

URL: Final = "urn:carnet:bulk:follows"


def marked(body: bytes, document: str) -> bytes:
    """A resource that says which document it follows: `DocumentReference/id`."""
    resource = json.parse(body)
    meta = resource.get("meta", {})
    said = {"url": URL, "valueReference": {"reference": document}}
    others = [each for each in meta.get("extension", []) if each.get("url") != URL]
    return json.dump({**resource, "meta": {**meta, "extension": [*others, said]}})


def unmarked(resource: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The resource as it was, and the document it follows; "" for none."""
    meta = resource.get("meta")
    extensions = meta.get("extension") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or not isinstance(extensions, list):
        return resource, ""
    found, others = "", []
    for each in extensions:
        if not isinstance(each, dict) or each.get("url") != URL:
            others.append(each)
            continue
        reference = each.get("valueReference")
        if isinstance(reference, dict):
            found = str(reference.get("reference", ""))
    kept = {key: value for key, value in meta.items() if key != "extension"}
    if others:
        kept["extension"] = others
    resource = {key: value for key, value in resource.items() if key != "meta"}
    return resource | ({"meta": kept} if kept else {}), found
