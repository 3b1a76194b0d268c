# SPDX-License-Identifier: EUPL-1.2
"""What a document does not keep of its models stands in the report of its file, and refuses nothing."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from carnet.app.loading import models
from carnet.app.loading.outcomes import Options, Outcome, State
from carnet.app.loading.reports import Form, written
from carnet.app.loading.run import load_all
from carnet.app.opening import report
from carnet.documents.cda.conformance import Profile
from tests.documents.cda.test_constraints import EXCEPTIONS
from tests.space import Space

EXAMPLES = "data/french/cda-examples"
NEWBORN = "SDM-MR_2024.01_nouveau-ne.xml"


async def loaded(space: Space, *paths: Path, profile: Profile | None = None) -> list[Outcome]:
    who = await space.actor("lab-software")
    options = Options(create_patients=True, profile=profile)
    return await load_all(space.built, who, list(paths), options)


def test_each_example_is_told_what_it_does_not_keep_and_nothing_else(shared: Path) -> None:
    found = {
        (path.name, each.rule)
        for path in sorted((shared / EXAMPLES).glob("*.xml"))
        for each in models.told(path.read_bytes())
    }
    assert found == EXCEPTIONS


@pytest.mark.anyio
@pytest.mark.parametrize("profile", [Profile.LENIENT, Profile.STRICT])
async def test_a_rule_of_a_model_is_a_finding_in_every_form_and_no_refusal(
    space: Space, shared: Path, profile: Profile
) -> None:
    found = await loaded(space, shared / EXAMPLES / NEWBORN, profile=profile)
    broken = [each for each in found[0].remarks if each.source]
    assert {(each.severity, each.rule) for each in broken} == {("warning", "concern-begins")}
    assert (found[0].state is State.REFUSED) == (profile is Profile.STRICT)
    assert found[0].why not in {each.sentence for each in broken}
    given = json.loads(report.written(found, Form.JSON, names=False))["files"][0]
    [first, *_] = [each for each in given["findings"] if each["source"]]
    assert first["path"].startswith("ClinicalDocument/component/structuredBody/component[")
    assert first["path"].endswith(", section 46241-6")
    assert first["line"] and first["french"] and "PCC" in first["source"]
    page = written(found, Form.HTML)
    assert "Not conforming to its model" in page
    assert "concern-begins" in page and first["source"] in page
    case = ElementTree.fromstring(written(found, Form.JUNIT))
    names = [each.get("name") for each in case.iter("property")]
    assert "warning concern-begins" in names


def test_a_rule_is_told_twenty_times_at_most_and_an_unknown_section_is_not(shared: Path) -> None:
    source = (shared / EXAMPLES / "VSM_1.4_2022.01.xml").read_bytes()
    begins, ends = source.index(b"<entry"), source.index(b"</entry>") + len(b"</entry>")
    once = source[begins:ends].replace(b"<value", b"<noValue").replace(b"</value", b"</noValue")
    many = source[:begins] + once * 30 + source[ends:]
    told = [each for each in models.told(many) if each.rule == "problem-value"]
    assert len(told) == models.MOST
    hostile = many.replace(b'code="11450-4"', b'code="Jeanne DUPONT"')
    assert "DUPONT" not in "".join(each.path for each in models.told(hostile))


def test_what_is_no_cda_is_told_nothing() -> None:
    assert models.told(b"<html/>") == models.told(b"<a") == models.told(b"") == []
