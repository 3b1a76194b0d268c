# SPDX-License-Identifier: EUPL-1.2
"""Reserves: what was wrong in a document that was taken all the same, kept on the document.

They stand in extensions of its DocumentReference rather than in a table of ours: they are then sealed,
versioned, exported and shown or hidden with what they speak of, and an API client reads them too.
Only the server writes them: what comes from outside is removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from carnet.documents.cda.conformance import Finding, Severity

URL: Final = "urn:carnet:documents:reserve"
SYSTEM: Final = "urn:carnet:documents:reserves"  # rules of nomenclature/findings.toml


def keep(resource: dict[str, Any], findings: Iterable[Finding]) -> None:
    """Write the warnings among `findings` on a DocumentReference, in the place of any it came with."""
    others = [each for each in resource.get("extension", []) if each.get("url") != URL]
    told = [each for each in findings if each.severity is Severity.WARNING]
    # The same fault at several places is one sentence.
    sentences = {(each.rule, each.french): None for each in told}
    kept = [
        {"url": URL, "valueCoding": {"system": SYSTEM, "code": rule, "display": french}}
        for rule, french in sentences
    ]
    resource.pop("extension", None)
    if others or kept:
        resource["extension"] = [*others, *kept]


def of(resource: dict[str, Any]) -> tuple[str, ...]:
    """The reserves of a DocumentReference, in plain French."""
    return tuple(
        str(each.get("valueCoding", {}).get("display", ""))
        for each in resource.get("extension", [])
        if each.get("url") == URL
    )
