# SPDX-License-Identifier: EUPL-1.2
"""Values of search parameters, read without a database: escapes, tokens, references, dates, strings."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.fhir.search import contents, dates, references, strings, tokens
from carnet.fhir.search.escapes import cut, unescaped

BASE = "https://carnet.example/fhir"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b", ["a", "b"]), (r"a\,b", [r"a\,b"]), (r"a\\,b", [r"a\\", "b"]), (r"a\\\,b", [r"a\\\,b"]),
        ("", [""]), (",", ["", ""]), ("\\", ["\\"]), ("a\\", ["a\\"]),
    ],
)  # fmt: skip
def test_only_a_separator_that_nothing_escapes_cuts(text: str, parts: list[str]) -> None:
    assert cut(text, ",") == parts


@given(st.lists(st.text(alphabet=r"ab\,|$é"), min_size=1))
def test_what_is_escaped_comes_back_whole(values: list[str]) -> None:
    def escaped(value: str) -> str:
        for mark in "\\,|$":
            value = value.replace(mark, "\\" + mark)
        return value

    joined = ",".join(map(escaped, values))
    assert [unescaped(part) for part in cut(joined, ",")] == values


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a", (None, "a")), ("s|a", ("s", "a")), ("|a", ("", "a")), ("s|", ("s", None)),
        (r"s\|t|a", ("s|t", "a")), ("s|a|b", ("s", "a|b")), (r"a\|b", (None, "a|b")),
    ],
)  # fmt: skip
def test_a_token_is_cut_at_its_first_bar(text: str, pair: tuple[str | None, str | None]) -> None:
    assert tokens.read(text) == pair


@pytest.mark.parametrize("text", ["", "|"])
def test_a_token_has_something_to_compare(text: str) -> None:
    with pytest.raises(tokens.WrongToken):
        tokens.read(text)


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("a", None, ("Patient/a", "Group/a")), ("a", "Group", ("Group/a",)),
        ("Patient/a", None, ("Patient/a",)),
        (f"{BASE}/Patient/a", None, ("Patient/a",)), (f"{BASE}/Patient/a/_history/2", None, ("Patient/a",)),
        (f"{BASE}x/Patient/a", None, (f"{BASE}x/Patient/a",)), ("urn:uuid:1", None, ("urn:uuid:1",)),
    ],
)  # fmt: skip
def test_a_reference_may_mean_several_addresses(
    text: str, kind: str | None, found: tuple[str, ...]
) -> None:
    assert references.read(text, ("Patient", "Group"), kind, BASE) == found


def test_a_modifier_and_a_type_that_differ_are_refused() -> None:
    with pytest.raises(references.WrongReference):
        references.read("Patient/a", ("Patient", "Group"), "Group", BASE)


def test_a_range_near_now_is_a_tenth_of_the_way_and_never_leaves_the_calendar() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    lo, hi = dates.around(dates.read("ap2016-11-22"), now)
    assert (now - lo).days == 3652 + 365
    assert (now - hi).days == 3652 - 1 - 366
    for text in ("ap0001", "ap9999-12-31", "ap9998", "ap2026-11-22"):
        lo, hi = dates.around(dates.read(text), now)
        assert lo < hi


def test_a_string_too_long_for_an_index_is_kept_by_its_digest() -> None:
    long = "é" * 4000
    for form in strings.readable(long):
        assert len(form.encode()) <= 2 * strings.LONGEST_READABLE
    assert strings.exact(long) != strings.exact(long + "e")
    assert strings.exact("Été") == "=Été"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Élodie", "elodie"), ("E\u0301LODIE", "elodie"), ("cœur", "coeur"), ("CŒUR", "coeur"),
        ("Lætitia", "laetitia"), ("Søren Łukasz", "soren lukasz"), ("Straße", "strasse"),
        ("d'Étretat-sur-Mer", "d etretat sur mer"), ("  a\u00a0\u202fb\t", "a b"), ("ﬁn", "fin"),
        ("İstanbul", "istanbul"), ("ΣΊΣΥΦΟΣ", "σισυφοσ"), ("Σίσυφος", "σισυφοσ"), ("Ångström", "angstrom"),
        ("n\u0327\u0303", "n"), ("½", "1 2"), ("_a_", "a"), ("\u0301", ""), ("١٢", "١٢"),
    ],
)  # fmt: skip
def test_strings_are_compared_without_case_nor_marks(text: str, plain: str) -> None:
    assert strings.normalised(text) == plain
    assert strings.normalised(plain) == plain


@pytest.mark.parametrize(
    ("asked", "said", "answers"),
    [
        ("foie", "le foie", True), ("foi", "le foie", True), ("oie", "le foie", False),
        ('"foi"', "le foie", False), ('"le foie"', "Le FOIE est", True), ("est le", "le foie est", True),
        ("a OR b c", "b", False), ("a OR b c", "a", True), ("(a OR b) c", "b c", True),
        ("NOT a", "b", True), ("NOT NOT a", "a", True), ("b NOT a", "a b", False),
        ("NOT (a OR b)", "c", True), ("a and b", "b a", True), ("l'os", "l os", True),
        ('"or"', "or", True), ('"a" OR "b"', "b", True), ("a AND NOT b", "a", True),
    ],
)  # fmt: skip
def test_words_are_joined_as_they_are_asked(asked: str, said: str, answers: bool) -> None:
    assert contents.compiled(asked)(f" {strings.normalised(said)} ") is answers


@given(st.text(alphabet='a ()"ORNTAD', max_size=40))
def test_words_are_read_or_refused(asked: str) -> None:
    with suppress(contents.WrongWords):
        assert contents.compiled(asked)(" a ") in (True, False)
