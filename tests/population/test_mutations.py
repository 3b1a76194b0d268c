# SPDX-License-Identifier: EUPL-1.2
"""Documents as vendors and life make them: each goes in, is kept apart or is refused, as the table says."""

import pytest
from lxml import etree

from carnet import errors
from carnet.documents import nomenclature
from carnet.documents.cda.conformance import Profile
from carnet.documents.receive import receive
from carnet.population import mutations
from carnet.population.mutations import CHANGES, Mutation
from tests import people
from tests.space import Space

ALL = mutations.mutations()
BASES = mutations.bases(people.POPULATION, people.PATIENT)


def test_there_are_many_and_each_has_a_line_and_a_change() -> None:
    assert len(ALL) > 60
    assert [each.name for each in ALL] == list(CHANGES)
    for each in ALL:
        assert each.sentence.endswith(".")
        assert each.on in BASES


def test_the_rules_expected_exist() -> None:
    known = set(nomenclature.table("findings"))
    for each in ALL:
        assert each.lenient.rules | each.strict.rules <= known, each.name


@pytest.mark.parametrize("mutation", ALL, ids=lambda each: each.name)
def test_each_changes_the_document_and_always_in_the_same_way(mutation: Mutation) -> None:
    source = BASES[mutation.on].xml
    changed = mutation.apply(source)
    assert changed == mutation.apply(source)
    assert (changed == source) == (mutation.name == "same-again")


@pytest.mark.parametrize("mutation", ALL, ids=lambda each: each.name)
def test_what_goes_in_is_xml(mutation: Mutation) -> None:
    if mutation.lenient.outcome == "in":
        etree.fromstring(mutation.apply(BASES[mutation.on].xml))


@pytest.mark.slow
def test_a_seed_gives_one_corpus() -> None:
    first = list(mutations.mutated(people.POPULATION, 5))
    assert first == list(mutations.mutated(people.POPULATION, 5))
    assert [name for name, _, _ in first if name != "original"] == list(CHANGES)
    assert len({source for _, source, _ in first}) == len(first) - 1  # same-again


@pytest.mark.db
@pytest.mark.anyio
@pytest.mark.parametrize("profile", list(Profile))
async def test_each_is_received_as_the_table_says(space: Space, profile: Profile) -> None:
    visit = await space.visit("hospital-software")

    async def received(source: bytes) -> tuple[str, frozenset[str]]:
        try:
            made = await receive(visit, space.built.desk.acts, source, profile=profile)
        except errors.CarnetError as refusal:
            findings = getattr(refusal, "findings", ())
            return "refused", frozenset(each.rule for each in findings)
        outcome = "apart" if made.quarantined else "in"
        return outcome, frozenset(each.rule for each in made.findings)

    always = {}
    for kind, base in BASES.items():
        outcome, always[kind] = await received(mutations.renumbered(base.xml, "base", kind))
        assert outcome == "in"
    wrong = {}
    for mutation in ALL:
        source = mutations.renumbered(BASES[mutation.on].xml, mutation.name)
        if mutation.after:
            assert (await received(source))[0] == "in"
        outcome, rules = await received(mutation.apply(source))
        expected = mutation.expected(profile.value)
        seen = (outcome, rules - always[mutation.on])
        if seen != (expected.outcome, expected.rules):
            wrong[mutation.name] = seen
    assert not wrong
