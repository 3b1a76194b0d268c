# SPDX-License-Identifier: EUPL-1.2
"""The JSON door: what it keeps exactly, and what it refuses with which sentence."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet import errors
from carnet.fhir import json

CANARY = "Zanzibar"
AT_DEPTH = 63  # lists below the object itself


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", json.Empty),
        (b" \r\n\t", json.Empty),
        (b"\xef\xbb\xbf{}", json.ByteOrderMark),
        ('{"a":"é"}'.encode("latin-1"), json.NotUtf8),
        ('{"a":1}'.encode("utf-16"), json.NotUtf8),
        (b'{"a":"\xed\xa0\x80"}', json.NotUtf8),
        (b'{"a":1', json.Malformed),
        (b"{'a':1}", json.Malformed),
        (b'{"a":1,}', json.Malformed),
        (b'{"a":01}', json.Malformed),
        (b'{"a":.5}', json.Malformed),
        (b'{"a":+1}', json.Malformed),
        (b'{"a":0x10}', json.Malformed),
        (b'{"a":"\n"}', json.Malformed),
        (b'{"a":"\0"}', json.Malformed),
        (b'{"a":"\\x41"}', json.Malformed),
        (b"/* */{}", json.Malformed),
        (b"{}{}", json.TrailingData),
        (b"{}\0", json.TrailingData),
        (b"[]", json.NotAnObject),
        (b'"a"', json.NotAnObject),
        (b"null", json.NotAnObject),
        (b"12", json.NotAnObject),
        (b'{"a":1,"a":1}', json.DuplicateKey),
        (b'{"a":{"b":[{"c":1,"\\u0063":2}]}}', json.DuplicateKey),
        (b'{"a":NaN}', json.NotANumber),
        (b'{"a":Infinity}', json.NotANumber),
        (b'{"a":-Infinity}', json.NotANumber),
        (b'{"a":1e999999}', json.NumberTooLong),
        (b'{"a":1e-999999}', json.NumberTooLong),
        (b'{"a":1e99999999999999999999}', json.NumberTooLong),
        (b'{"a":' + b"9" * 5_000 + b"}", json.NumberTooLong),
        (b'{"a":0.' + b"9" * 5_000 + b"}", json.NumberTooLong),
        (b'{"a":"\\ud800"}', json.ForbiddenCharacter),
        (b'{"a":"\\uDC00\\ud83d"}', json.ForbiddenCharacter),
        (b'{"\\ud800":1}', json.ForbiddenCharacter),
        (b'{"a":["\\u0000"]}', json.ForbiddenCharacter),
        (nested(AT_DEPTH + 1), json.TooDeep),
        (nested(100_000), json.TooDeep),
        (b'{"a":' * 100_000, json.TooDeep),
    ],
)
def test_what_is_not_the_json_of_a_resource_is_refused_by_name(
    body: bytes, refusal: type[errors.Invalid]
) -> None:
    """threats.md C2: always a refusal with a sentence, never another exception."""
    with pytest.raises(refusal) as caught:
        json.parse(body)
    assert str(caught.value).endswith(".")


def test_no_sentence_repeats_what_was_in_the_body() -> None:
    for body in (
        f'{{"{CANARY}":1,"{CANARY}":2}}',
        f'{{"a":"{CANARY}" "b"}}',
        f'{{"a":{CANARY}}}',
        f'{{"a":"{CANARY}\\ud800"}}',
        f'{{"a":"{CANARY}"}} {CANARY}',
    ):
        with pytest.raises(errors.Invalid) as caught:
            json.parse(body.encode())
        assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1.10}',
        b'{"a":100.00,"b":-0.50,"c":0.0}',
        b'{"a":123456789012345678901234567890.123456789}',
        b'{"a":[true,false,null,"\xf0\x9f\x98\x80",{}],"b":""}',
    ],
)
def test_what_comes_in_goes_out_with_the_same_digits(body: bytes) -> None:
    assert json.dump(json.parse(body)) == body


def test_an_escaped_pair_and_an_escaped_backslash_are_no_half_characters() -> None:
    assert json.parse(rb'{"a":"\ud83d\ude00","b":"\\u0000 \\ud800"}') == {
        "a": "\U0001f600",
        "b": "\\u0000 \\ud800",
    }


def test_numbers_with_a_fraction_are_decimals_and_others_integers() -> None:
    value = json.parse(b'{"a":72.50,"b":72,"c":1e2}')
    assert [type(v) for v in value.values()] == [Decimal, int, Decimal]
    assert str(value["a"]) == "72.50"


def test_nesting_up_to_the_limit_is_taken() -> None:
    assert json.parse(nested(AT_DEPTH))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from("abc"), JSON))
def test_what_is_written_reads_back_the_same(value: dict[str, Any]) -> None:
    assert json.parse(json.dump(value)) == value


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode(errors="replace")))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        json.parse(body)
    except errors.Invalid as refusal:
        assert str(refusal)


@given(st.lists(st.sampled_from([b'{"a":', b"[", b"]", b"}", b"1", b'"x"', b",", b"\\u0000"])))
def test_any_run_of_json_words_is_read_or_refused(words: list[bytes]) -> None:
    try:
        json.parse(b"".join(words))
    except errors.Invalid as refusal:
        assert str(refusal)
