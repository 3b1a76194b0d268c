# SPDX-License-Identifier: EUPL-1.2
"""Strict traits: what is the same person's name, what is missing, what differs."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.identity.traits import Sex, Traits, differences, missing, normal

LEONIE = Traits(
    birth_name="ÉTOURNEAU-D'ARC",
    birth_given_names="LÉONIE MARIE-JEANNE",
    first_given_name="LÉONIE",
    birth_date=date(1984, 5, 17),
    sex=Sex.FEMALE,
    birth_place="99100",
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Étourneau-d'Arc", "ETOURNEAU D ARC"),
        ("ETOURNEAU D’ARC", "ETOURNEAU D'ARC"),
        ("LE  GOFF", "Le Goff "),
        ("MARIE\u2011JEANNE", "MARIE-JEANNE"),
        ("Cœur", "COEUR"),
        ("Lætitia", "LAETITIA"),
        ("Groß", "GROSS"),
        ("Muñoz", "MUNOZ"),
        ("E\u0301tourneau", "Étourneau"),
        ("Jean, Pierre", "JEAN PIERRE"),
        ("ＤＵＰＯＮＴ", "DUPONT"),
    ],
)
def test_two_ways_of_writing_one_name(one: str, other: str) -> None:
    """Capitals, accents, hyphens, apostrophes and spaces do not make another person."""
    assert normal(one) == normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DUPONT", "DUPOND"),
        ("DUPONT", "DUP0NT"),
        ("АNNА", "ANNA"),  # the first one is Cyrillic
        ("LEGOFF", "LE GOFF"),
        ("ΡΑΥΛ", "PAYL"),
    ],
)
def test_two_names(one: str, other: str) -> None:
    """A letter that only looks the same is another letter."""
    assert normal(one) != normal(other)


@given(st.text())
def test_a_name_made_normal_stays_so(name: str) -> None:
    """Comparing twice gives the same answer."""
    assert normal(normal(name)) == normal(name)


def test_the_same_traits_do_not_differ() -> None:
    """Neither do two ways of writing them."""
    other = replace(LEONIE, birth_name="Etourneau d Arc", birth_given_names="Léonie, Marie Jeanne")
    assert differences(LEONIE, other) == ()


@pytest.mark.parametrize(
    ("other", "names"),
    [
        (replace(LEONIE, birth_name="MARTELLAN"), ("birth_name",)),
        (replace(LEONIE, birth_given_names="LÉONIE"), ("birth_given_names",)),
        (replace(LEONIE, first_given_name="MARIE"), ("first_given_name",)),
        (replace(LEONIE, birth_date=date(1984, 5, 18)), ("birth_date",)),
        (replace(LEONIE, sex=Sex.MALE), ("sex",)),
        (replace(LEONIE, sex=Sex.UNKNOWN), ("sex",)),
        (replace(LEONIE, birth_place="2A004"), ("birth_place",)),
        (replace(LEONIE, sex=Sex.MALE, birth_place="75056"), ("sex", "birth_place")),
    ],
)
def test_each_trait_that_differs_is_named(other: Traits, names: tuple[str, ...]) -> None:
    """By its name, never by its value; the same from both sides."""
    assert differences(LEONIE, other) == names
    assert differences(other, LEONIE) == names


@pytest.mark.parametrize(
    ("traits", "names"),
    [
        (LEONIE, ()),
        (replace(LEONIE, birth_name=None), ("birth_name",)),
        (replace(LEONIE, birth_name=" - "), ("birth_name",)),
        (replace(LEONIE, birth_given_names=None), ()),
        (replace(LEONIE, first_given_name=None), ()),
        (replace(LEONIE, first_given_name=None, birth_given_names=None), ("birth_given_names",)),
        (replace(LEONIE, birth_date=None, sex=None), ("birth_date", "sex")),
        (replace(LEONIE, birth_place=""), ("birth_place",)),
    ],
)
def test_what_is_missing_is_named_and_is_no_difference(
    traits: Traits, names: tuple[str, ...]
) -> None:
    """Code 905 is not code 904."""
    assert missing(traits) == names
    assert differences(LEONIE, traits) == ()
