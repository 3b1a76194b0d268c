# SPDX-License-Identifier: EUPL-1.2
"""How a French text becomes what is looked for."""

import sys
import unicodedata
from pathlib import Path

import pytest

from carnet.documents.text import asking, words
from carnet.documents.text.stemmer import stem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("continuation", "continuations"),
        ("vaccinations", "vaccination"),
        ("rénale", "rénaux"),
        ("opéré", "opérée"),
        ("journaux", "journal"),
        ("naturellement", "naturel"),
        ("cardiologues", "cardiologue"),
        ("généreuse", "généreux"),
        ("possibilités", "possibilité"),
    ],
)
def test_forms_of_one_word_meet(one: str, other: str) -> None:
    assert set(words.forms(one)) & set(words.forms(other))


@pytest.mark.parametrize(
    ("word", "expected"),
    [  # from the published vocabulary of the algorithm
        ("continuellement", "continuel"),
        ("majestueusement", "majestu"),
        ("quantité", "quantit"),
        ("abdominale", "abdominal"),
        ("fréquemment", "fréquent"),
        ("finissaient", "fin"),
        ("bijoux", "bijou"),
        ("chevaux", "cheval"),
        ("haïr", "haïr"),
    ],
)
def test_stems_are_those_published(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_accents_case_ligatures_and_elisions_are_nothing() -> None:
    assert words.stems("L'œdème D’APNÉES") == words.stems("oedème apnées")
    assert words.stems("OEDEME") <= words.stems("œdème")
    assert "0.5" in "".join(words.said("0.5 mg"))


@pytest.mark.slow
def test_every_mark_of_unicode_is_left_out_and_nothing_else() -> None:
    """The quick way is the slow one, letter by letter and in a text."""
    points = [chr(each) for each in range(sys.maxunicode + 1) if not 0xD800 <= each < 0xE000]
    for each in points:
        apart = unicodedata.normalize("NFD", f"a{each}e")
        assert words.bare(f"a{each}e") == "".join(c for c in apart if not unicodedata.combining(c))


def test_a_question_is_read() -> None:
    found = asking.question('diabète -grossesse "bilan rénal" cardiol*')
    assert [each.refused for each in found.terms] == [False, True, False, False]
    assert not found.exact
    assert found.terms[3].start == "cardi"


@pytest.mark.parametrize("typed", ["HTA", "hta"])
def test_an_acronym_asks_for_what_it_means(typed: str) -> None:
    (term,) = asking.question(typed).terms
    assert "hypertension artérielle" in term.also
    assert words.stems("hypertension artérielle") >= max(term.any, key=len)


def test_the_words_of_a_name_ask_for_its_acronym() -> None:
    found = asking.question("hypertension artérielle sévère")
    assert "HTA" in found.also
    assert frozenset(("hta",)) in found.terms[0].any
    assert frozenset(("hta",)) not in found.terms[2].any


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("", asking.NothingAsked),
        ("-diabète", asking.NothingAsked),
        ("de la", asking.NothingAsked),
        ("ab*", asking.ShortBeginning),
        ("*", asking.ShortBeginning),
        ("mot " * 10_000, asking.TooManyWords),
        (" ".join(f"x{n}" for n in range(20)), asking.TooManyWords),
        ("\0\0", asking.NothingAsked),
        ('"', asking.NothingAsked),
    ],
)
def test_what_is_no_question_is_refused_in_a_sentence(typed: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        asking.question(typed)


@pytest.mark.parametrize(
    "typed", ["(a+)+$ [z", "\u202eabc\u202c", "%' OR 1=1 --", "a\0b c\\d", "سكري"]
)
def test_hostile_questions_are_words(typed: str) -> None:
    """Regular expressions, directions of writing, NUL, SQL: blanks or letters."""
    assert asking.question(typed).terms


def test_an_operator_s_synonyms_are_added_to_ours() -> None:
    more = ('[[group]]\nwords = ["zorglub", "appendicite"]\nsource = "ici"\n',)
    (term,) = asking.question("zorglub", more).terms
    assert term.also == ("appendicite",)


def test_an_operator_s_synonyms_are_added_and_wrong_ones_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[[group]]\nwords = ["zygo", "truc bidule"]\n')
    assert words.loaded("") == ()
    assert words.synonyms(words.loaded(str(own)))["zygo"] == ("truc bidule",)
    for at, text in enumerate(
        ("x", "group = 1", '[[group]]\nwords = ["seul"]', "[[group]]\nwords = [1, 2]")
    ):
        wrong = tmp_path / f"{at}.toml"
        wrong.write_text(text)
        with pytest.raises(words.WrongSynonyms):
            words.loaded(str(wrong))
    with pytest.raises(words.WrongSynonyms):
        words.loaded(str(tmp_path / "absent"))
