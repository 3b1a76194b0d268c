# SPDX-License-Identifier: EUPL-1.2
"""Chance that can be repeated."""

from statistics import fmean, pstdev

from carnet.population.chance import Chance, around, fraction


def test_the_same_path_draws_the_same_numbers() -> None:
    one, other = Chance(1, "a"), Chance(1, "a")
    assert [one.fraction() for _ in range(5)] == [other.fraction() for _ in range(5)]


def test_another_path_draws_other_numbers() -> None:
    assert Chance(1, "a").fraction() != Chance(2, "a").fraction() != Chance(2, "b").fraction()


def test_a_draw_is_the_same_on_every_machine() -> None:
    """Values written down once: the hash, and nothing else, decides."""
    assert fraction("carnet") == 752719705 / 2**32
    assert around("carnet") == 0.17345151770859957


def test_fractions_fill_the_interval_evenly() -> None:
    draws = [fraction("even", number) for number in range(4000)]
    assert 0.48 < fmean(draws) < 0.52
    assert 0 <= min(draws) < 0.01 and 0.99 < max(draws) < 1


def test_around_is_centred_with_a_deviation_of_one() -> None:
    draws = [around("normal", number) for number in range(4000)]
    assert abs(fmean(draws)) < 0.06
    assert 0.95 < pstdev(draws) < 1.05


def test_between_reaches_both_ends_and_no_further() -> None:
    chance = Chance("ends")
    assert {chance.between(2, 4) for _ in range(200)} == {2, 3, 4}


def test_weights_say_how_often() -> None:
    chance = Chance("weights")
    drawn = [chance.weighted({"often": 9, "never": 0, "rare": 1}) for _ in range(1000)]
    assert drawn.count("never") == 0
    assert 60 < drawn.count("rare") < 140
