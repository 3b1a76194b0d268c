# SPDX-License-Identifier: EUPL-1.2
"""The regulatory counter: golden cases, what is not said yet, and tables that do not hold together."""

import copy
from itertools import product
from typing import Any

import pytest

from carnet.ecosystem import guichet as counter
from carnet.ecosystem import investments as money
from carnet.words import BadTable, table

PROJECT = {"gdpr", "hosting", "identity", "professionals", "ehds"}
GOLDEN = {
    "a digital therapeutic": (
        {"purpose": "therapy", "data": "yes", "space": "no", "ai": "no"},
        PROJECT | {"device", "early-access", "early-access-therapy"},
    ),
    "remote monitoring with a learned part": (
        {"purpose": "monitoring", "data": "yes", "space": "yes", "ai": "yes"},
        PROJECT
        | {"device", "early-access", "early-access-monitoring", "monitoring-common-law"}
        | {"monitoring-certificate", "catalogue", "ai-act", "ai-care"},
    ),
    "a hospital's portal": (
        {"purpose": "portal", "data": "yes", "space": "yes", "ai": "no"},
        PROJECT | {"catalogue"},
    ),
    "a wellness application that keeps nothing": (
        {"purpose": "wellness", "data": "no", "space": "no", "ai": "no"},
        {"no-claim"},
    ),
}


@pytest.mark.parametrize("case", sorted(GOLDEN))
def test_a_golden_case_gives_its_checklist(case: str) -> None:
    answers, wanted = GOLDEN[case]
    sure, still = counter.guichet().checklist(answers)
    assert {each.key for each in sure} == wanted
    assert still == []


def test_an_answer_only_moves_rules_from_perhaps_to_yes_or_no() -> None:
    """Whatever the order of the answers, nothing that applies in the end was ever left out."""
    found = counter.guichet()
    words = {each.key: [key for key, _ in each.answers] for each in found.questions}
    for values in product(*words.values()):
        answers = dict(zip(words, values, strict=True))
        final = {each.key for each in found.checklist(answers)[0]}
        for end in range(len(answers)):
            sure, still = found.checklist(dict(list(answers.items())[:end]))
            assert {each.key for each in sure} <= final
            assert final <= {each.key for each in (*sure, *still)}


def test_every_rule_is_reached_by_some_answers() -> None:
    found = counter.guichet()
    words = {each.key: [key for key, _ in each.answers] for each in found.questions}
    reached = set()
    for values in product(*words.values()):
        answers = dict(zip(words, values, strict=True))
        reached |= {each.key for each in found.checklist(answers)[0]}
    assert reached == {each.key for each in found.rules}


@pytest.mark.parametrize("wrong", [{"purpose": "x"}, {"x": "yes"}, {"data": ""}])
def test_what_is_no_answer_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(counter.NotAnAnswer):
        counter.guichet().checklist(wrong)


def changed(what: str) -> dict[str, Any]:
    given = copy.deepcopy(table("carnet.ecosystem", "guichet.toml"))
    rule = given["rule"][0]
    if what == "a rule on what is not asked":
        rule["when"] = {"colour": ["red"]}
    elif what == "a rule on an answer that is not offered":
        rule["when"] = {"data": ["perhaps"]}
    elif what == "a rule on nothing":
        rule["when"] = {}
    elif what == "a sentence in one language":
        rule["what"] = {"fr": "Oui"}
    elif what == "verified without a source":
        rule["unverified"] = False
    else:
        given["rule"][1]["key"] = rule["key"]
    return given


@pytest.mark.parametrize(
    "what",
    [
        "a rule on what is not asked",
        "a rule on an answer that is not offered",
        "a rule on nothing",
        "a sentence in one language",
        "verified without a source",
        "two rules of one key",
    ],
)
def test_a_table_that_does_not_hold_together_is_refused(what: str) -> None:
    with pytest.raises(BadTable):
        counter.read(changed(what))


def test_every_amount_has_its_text_or_says_it_is_not_verified() -> None:
    lines = money.investments()
    assert [line.million for line in lines] == sorted(
        (line.million for line in lines), reverse=True
    )
    for line in lines:
        assert line.source.unverified or (line.text and line.source.text), line
    given = copy.deepcopy(table("carnet.ecosystem", "investments.toml"))
    given["line"][0]["text"] = "another"
    with pytest.raises(BadTable):
        money.read(given)
