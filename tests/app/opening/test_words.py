# SPDX-License-Identifier: EUPL-1.2
"""What the owner of a private instance reads of a report: French, short names, each reason once."""

from typing import Any

import pytest

from carnet import errors
from carnet.app.loading import containers, files, refusals, sets
from carnet.app.opening import words
from carnet.documents.cda.document import NotCda
from carnet.documents.publish import OtherBytes
from carnet.exchange import archive
from carnet.exchange.hl7v2.message import NotHl7
from carnet.fhir import xml


def finding(text: str, rule: str = "", french: str = "") -> dict[str, Any]:
    return {"text": text, "rule": rule, "french": french}


@pytest.mark.parametrize(
    "kind",
    [containers.TooDeep, containers.TooMuch, files.Empty, files.TooBig, refusals.Unforeseen, sets.NotKnown,
     NotCda, OtherBytes, archive.NotAnArchive, archive.Bomb, archive.TooManyMembers,
     NotHl7, xml.Hidden, xml.Excessive],
)  # fmt: skip
def test_every_refusal_of_a_file_is_told_in_french(kind: type[errors.CarnetError]) -> None:
    assert words.french(str(kind()))


def test_a_report_has_short_names_and_says_a_reason_once() -> None:
    empty = {"file": "/chez/jeanne/x/a.xml", "why": str(files.Empty()), "findings": []}
    other = {
        "file": "/chez/jeanne/x/y/b.zip",
        "why": "Bad. (place)",
        "findings": [finding("Bad.", "zip-x", "Mauvais."), finding("In no view.", "quarantined")],
    }
    first, second = words.told({"files": [empty, other]})["files"]
    assert (first["file"], second["file"]) == ("a.xml", "y/b.zip")
    assert first["why_french"] == "Le fichier est vide." and second["why"] is None
    assert "sa propre ligne" in second["findings"][1]["french"]
    assert words.told({"done": 1}) == {"done": 1}
