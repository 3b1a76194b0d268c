# SPDX-License-Identifier: EUPL-1.2
"""What a document does not keep of the models it claims, told in the report of its file.

It is never refused for it, by a strict entry neither: whose the document is decides of that, and its text
is read all the same (docs/decisions/0044-entries-become-data.md).
"""

from __future__ import annotations

import re
from typing import Final

from carnet import errors
from carnet.app.loading.outcomes import Remark
from carnet.documents.cda import constraints, datatypes
from carnet.documents.cda.constraints import Broken
from carnet.documents.cda.document import ROOT
from carnet.fhir import xml

MOST: Final = 20  # times one rule is told of one document
WEIGHTS: Final = {"error": "warning", "warning": "information"}  # of what was taken all the same
LOINC: Final = re.compile("[0-9]{1,6}-[0-9]")


def told(source: bytes) -> list[Remark]:
    """A remark for each rule that is not kept, and where; none for what is no CDA document."""
    try:
        root = next(xml.parse(source).iter(ROOT), None)
    except errors.CarnetError:
        return []
    return [] if root is None else _remarks(root)


def _remarks(root: datatypes.Element) -> list[Remark]:
    found = [_remark(each) for each in constraints.broken(root, MOST)]
    return sorted(found, key=lambda one: one.severity != "warning")


def _remark(one: Broken) -> Remark:
    section = one.section if LOINC.fullmatch(one.section) else ""
    return Remark(
        WEIGHTS[one.rule.severity],
        one.rule.en,
        path=f"{one.path}, section {section}" if section else one.path,
        rule=one.rule.id,
        french=one.rule.fr,
        line=one.line,
        source=one.rule.source,
    )
