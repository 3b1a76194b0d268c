# SPDX-License-Identifier: EUPL-1.2
"""The report of an opening: given away, it names nobody."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from carnet.app.loading.outcomes import Outcome, Remark, State
from carnet.app.loading.reports import Form, form_of
from carnet.app.opening import report

FOUND = [
    Outcome(
        Path("/chez/moi/DUPONT Marie.zip"),
        State.IN,
        counts={"files inside": 1},
        remarks=(
            Remark("error", "Two files.", "", "DUPONT/bilan.pdf", "zip-twice", "Deux fichiers."),
            Remark("warning", "Hash.", "", "IHE_XDM/SUBSET01/DOC1.PDF", "xdm-hash", "Empreinte."),
        ),
    ),
    Outcome(
        Path("/chez/moi/DUPONT Marie.zip/ordonnance-de-marie.pdf"),
        State.REFUSED,
        "What it is about was refused: ordonnance-de-marie.pdf.",
        address="DocumentReference/abc",
        remarks=(Remark("error", "x <script>", "906", "ClinicalDocument/code", "a-rule", "", 12),),
    ),
]


@pytest.mark.parametrize("form", list(Form))
def test_a_report_to_give_has_its_places_and_rules_and_no_name(form: Form) -> None:
    given = report.written(FOUND, form, names=False)
    for word in ("DUPONT", "marie", "/home", "bilan", "DocumentReference/abc"):
        assert word.lower() not in given.lower(), word
    assert "IHE_XDM/SUBSET01/DOC1.PDF" in given
    assert "ClinicalDocument/code" in given
    assert "file-0001.zip" in given
    assert "DUPONT" in report.written(FOUND, form, names=True)


def test_the_page_runs_nothing_and_calls_nobody() -> None:
    page = report.written(FOUND, Form.HTML, names=True)
    assert "<script" not in page and "src=" not in page and "http" not in page
    assert "&lt;script&gt;" in page
    assert len(re.findall("<section", page)) == 2
    assert form_of(Path("a.html")) is Form.HTML


def test_the_other_forms_are_well_formed() -> None:
    assert json.loads(report.written(FOUND, Form.JSON, names=False))["summary"]["refused"] == 1
    suite = ElementTree.fromstring(report.written(FOUND, Form.JUNIT, names=False))
    assert suite.get("failures") == "1"


def test_what_is_kept_for_the_page_is_whole_or_not_there(tmp_path: Path) -> None:
    assert report.kept(tmp_path) == {}
    report.progress(tmp_path, done=1, total=2)
    assert report.kept(tmp_path) == {"done": 1, "total": 2, "ended": False}
    report.keep(tmp_path, FOUND, total=2, ended=True)
    kept = report.kept(tmp_path)
    assert kept["files"][0]["outcome"] == "refused"  # what there is to read comes first
    assert b"DUPONT" not in report.to_give(tmp_path, "html")
