# SPDX-License-Identifier: EUPL-1.2
"""The rules of models: the agency's own documents keep them, and each of them can turn red."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from carnet.documents.cda import constraints
from carnet.documents.cda.constraints import Rule
from carnet.documents.cda.document import ROOT
from carnet.fhir import xml

# What the published examples themselves do not keep, with why the rule stands.
EXCEPTIONS = {
    # A catalogue of every section: it claims all models and is none of them.
    ("01_Modèles_contenus_CDA.xml", "vsm-conclusions"),
    ("01_Modèles_contenus_CDA.xml", "vsm-results"),
    ("01_Modèles_contenus_CDA.xml", "vsm-plan"),
    # The agent is in words alone, or not said; PCC asks for a participant, and it is a warning.
    ("CSE-CS24_2025.01.xml", "allergy-agent"),
    ("LDL-SES_2022.01.xml", "allergy-agent"),
    # "No treatment" has no duration to give; a warning.
    ("IPS-FR_2024.01.xml", "medication-time"),
    # PCC asks for a beginning, with a nullFlavor when unknown: sixty-five other concerns give one.
    ("SDM-MR_2024.01_nouveau-ne.xml", "concern-begins"),
    ("SDM-MR_2024.01_patiente-post-grossesse.xml", "concern-begins"),
}


@pytest.fixture(scope="module")
def examples(shared: Path) -> dict[str, Any]:
    """The agency's documents, parsed."""
    return {
        path.name: next(xml.parse(path.read_bytes()).iter(ROOT))
        for path in sorted((shared / "data/french/cda-examples").glob("*.xml"))
    }


def test_the_published_examples_keep_the_rules(examples: dict[str, Any]) -> None:
    assert len(examples) == 69
    found = {
        (name, each.rule.id) for name, root in examples.items() for each in constraints.broken(root)
    }
    assert found == EXCEPTIONS


def faults(rule: Rule, element: Any) -> Iterator[str]:
    """Each way to break a rule, done to a copy of the element that claims its template."""
    found = rule.path(element)
    for each in found[: len(found) - rule.least + 1]:
        each.getparent().remove(each)
    yield "absent"


def doubled(rule: Rule, element: Any) -> None:
    for each in rule.path(element)[: rule.most]:
        each.addnext(copy.deepcopy(each))


def test_each_rule_turns_red_for_each_fault_it_names(examples: dict[str, Any]) -> None:
    """Where an example keeps a rule, what it asks for is taken out, doubled, or said otherwise."""
    held: dict[str, tuple[Rule, Any]] = {}
    for root in examples.values():
        for element, rule in constraints._asked(root):
            asked = rule.when is None or rule.when(element)
            if (
                rule.id not in held
                and asked
                and rule.path(element)
                and constraints.kept(rule, element)
            ):
                held[rule.id] = rule, element
    assert set(held) == {rule.id for rule in constraints.rules()}
    for rule, element in held.values():
        assert not element.get("nullFlavor"), rule.id
        root = element.getroottree()
        place = root.getpath(element)

        def again(root: Any = root, place: str = place) -> Any:
            return copy.deepcopy(root).xpath(place)[0]

        less = again()
        assert list(faults(rule, less)) == ["absent"]
        assert not constraints.kept(rule, less), rule.id
        assert rule.id in {
            each.rule.id for each in constraints.broken(less.getroottree().getroot())
        }
        if rule.most is not None:
            more = again()
            doubled(rule, more)
            assert not constraints.kept(rule, more), rule.id
        if rule.attribute:
            other = again()
            for each in rule.path(other):
                each.set(rule.attribute, "another")
            assert not constraints.kept(rule, other), rule.id


def test_a_finding_says_where_and_never_what(examples: dict[str, Any]) -> None:
    root = copy.deepcopy(examples["VSM_1.4_2022.01.xml"])
    observation = root.find(".//{urn:hl7-org:v3}entry/*//{urn:hl7-org:v3}observation")
    for each in observation.findall("{urn:hl7-org:v3}value"):
        observation.remove(each)
    [found] = constraints.broken(root)
    assert (found.rule.id, found.rule.severity) == ("problem-value", "error")
    assert found.path.endswith("act/entryRelationship/observation")
    assert found.line == observation.sourceline


def test_every_rule_has_its_words_and_its_source() -> None:
    rules = constraints.rules()
    assert len({rule.id for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.fr.endswith(".") and rule.en.endswith(".") and rule.source, rule.id
        assert rule.severity in ("error", "warning")
        assert isinstance(rule.path, etree.XPath)
        assert rule.least >= 1, rule.id  # a rule that asks for nothing can break on nothing
