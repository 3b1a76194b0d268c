# SPDX-License-Identifier: EUPL-1.2
"""What a reader is told became data: names of what is, never of what is denied."""

from __future__ import annotations

from carnet.documents import cda, metadata
from tests.documents.metadata.entries.fragments import (
    LOINC,
    coded,
    observation,
    problem,
    with_entries,
)


def said(source: bytes, *entries: str) -> set[str]:
    document = cda.read(with_entries(source, *entries))
    last = len(document.sections) - 1
    return set(metadata.said(document).get(last, ()))


def test_names_of_what_is_and_nothing_of_what_is_denied(laboratory: bytes) -> None:
    burnt = observation(
        '<value xsi:type="BL" value="false"/>', code=coded("code", "x-1", LOINC, "Brûlures")
    )
    denied = problem("E11", "Diabète", attributes='negationInd="true"')
    assert said(laboratory, problem(), problem(), denied, burnt) == {"Asthme"}


def test_nothing_said_of_another_is_among_them(laboratory: bytes) -> None:
    mother = (
        '<subject><relatedSubject classCode="PRS"><code code="MTH"'
        ' codeSystem="2.16.840.1.113883.5.111"/></relatedSubject></subject>'
    )
    of_hers = problem("O24", "Diabète gestationnel").replace(
        '<statusCode code="completed"/>', f'<statusCode code="completed"/>{mother}', 1
    )
    assert said(laboratory, of_hers) == set()
