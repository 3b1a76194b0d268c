# SPDX-License-Identifier: EUPL-1.2
"""JSON that attacks who reads it: depth, doubles, numbers, characters, sizes, wrong types everywhere.

`bodies` are no resource at all: each is refused as JSON. `resources` are JSON of the wrong shape: each is
refused as a resource.
Source: RFC 8259; N. Seriot, Parsing JSON is a minefield.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, Final

Json = dict[str, Any]

HEAD: Final = '{"resourceType":"Observation","status":"final","code":{"text":"x"},'

OBSERVATION: Final[Json] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0"}], "text": "Glucose"},
    "effectiveDateTime": "2026-11-21T10:00:00+01:00",
    "valueQuantity": {"value": 5.1, "unit": "mmol/L"},
    "interpretation": [{"coding": [{"code": "N"}]}],
    "note": [{"text": "vu"}],
}


def field(value: str) -> bytes:
    """An Observation whose valueInteger is written this way."""
    return f'{HEAD}"valueInteger":{value}}}'.encode()


def bodies() -> dict[str, bytes]:
    """What is no JSON object, or one that must not be read."""
    return {
        "nothing": b"",
        "blanks": b" \n" * 100,
        "null": b"null",
        "true": b"true",
        "a-text": b'"Observation"',
        "a-number": b"1",
        "a-list": b"[]",
        "a-list-of-resources": b'[{"resourceType":"Patient"}]',
        "not-json": b"resourceType=Patient",
        "xml": b'<Observation xmlns="http://hl7.org/fhir"/>',
        "cut": b'{"resourceType":"Observation","sta',
        "cut-in-an-escape": b'{"resourceType":"Observation","status":"\\u00',
        "two-objects": b"{}{}",
        "tail": b'{"resourceType":"Observation"} x',
        "nul-after": b'{"resourceType":"Observation"}\0',
        "comment": b'{/* x */"resourceType":"Observation"}',
        "single-quotes": b"{'resourceType':'Observation'}",
        "trailing-comma": b'{"resourceType":"Observation",}',
        "bare-key": b'{resourceType:"Observation"}',
        "number-key": b'{1:"Observation"}',
        "nan": field("NaN"),
        "infinity": field("Infinity"),
        "minus-infinity": field("-Infinity"),
        "1e999": field("1e999"),
        "1e-999": field("1e-999"),
        "exponent-huge": field("1e" + "9" * 60),
        "exponent-huge-longer": field("1e" + "9" * 5000),
        "5000-digits": field("1" * 5000),
        "5000-decimals": field("0." + "1" * 5000),
        "a-million-digits": field("9" * 1_000_000),
        "leading-zero": field("01"),
        "plus": field("+1"),
        "hex": field("0x10"),
        "dot": field("1."),
        "arabic-digits": field("٣"),
        "tab-in-a-text": b'{"resourceType":"Obser\tvation"}',
        "newline-in-a-text": b'{"resourceType":"Obser\nvation"}',
        "nul-in-a-text": b'{"resourceType":"Observation\0"}',
        "nul-escaped": field('"\\u0000"'),
        "nul-escaped-in-a-key": b'{"resourceType":"Observation","a\\u0000":1}',
        "surrogate-high": field('"\\ud800"'),
        "surrogate-low": field('"\\udc00"'),
        "surrogates-swapped": field('"\\udc00\\ud800"'),
        "surrogate-in-a-key": b'{"resourceType":"Observation","\\ud800":1}',
        "surrogate-raw": b'{"resourceType":"Observation","status":"\xed\xa0\x80"}',
        "escape-unknown": field('"\\x41"'),
        "utf-8-cut": b'{"resourceType":"Observation","status":"\xc3"}',
        "utf-8-overlong": b'{"resourceType":"Observation","status":"\xc0\x80"}',
        "latin-1": '{"resourceType":"é"}'.encode("latin-1"),
        "utf-16": '{"resourceType":"Observation"}'.encode("utf-16"),
        "utf-32": '{"resourceType":"Observation"}'.encode("utf-32"),
        "bom": b"\xef\xbb\xbf" + b'{"resourceType":"Observation"}',
        "key-twice": b'{"resourceType":"Observation","status":"final","status":"amended"}',
        "key-twice-escaped": b'{"resourceType":"Observation","status":"final","st\\u0061tus":"x"}',
        "key-twice-type": b'{"resourceType":"Patient","resourceType":"Observation"}',
        "key-twice-deep": (HEAD + '"note":[{"text":"a","text":"b"}]}').encode(),
        "deep-lists": b"[" * 100_000,
        "deep-objects": b'{"a":' * 100_000,
        "deep-closed": b'{"a":' * 5000 + b"1" + b"}" * 5000,
        "deep-past-the-limit": b'{"a":' * 65 + b"1" + b"}" * 65,
        "deep-mixed": b'{"a":[' * 500 + b"1" + b"]}" * 500,
        "only-quotes": b'"' * 100_001,
        "only-commas": b"[" + b"," * 100_000,
        "noise": bytes(range(256)) * 16,
    }  # fmt: skip


NASTY: Final[list[Any]] = [
    None,
    True,
    0,
    -1,
    10**18,
    1.5,
    "",
    " ",
    "x" * 10_000,
    "\u202e",
    [],
    [None],
    [[]],
    {},
    {"": 0},
    {"resourceType": "Observation"},
    ["x"],
    "' OR 1=1 --",
    "../../../../etc/passwd",
    "http://127.0.0.1:9/x",
    "urn:uuid:00000000-0000-0000-0000-000000000000",
    "9999-99-99",
    "%00",
]


def resources() -> dict[str, Json]:
    """Objects that are no resource R4 knows, or whose parts are of the wrong type."""
    made: dict[str, Json] = {
        "empty": {},
        "no-type": {"status": "final"},
        "type-null": {"resourceType": None},
        "type-number": {"resourceType": 1},
        "type-list": {"resourceType": ["Observation"]},
        "type-object": {"resourceType": {"a": "b"}},
        "type-unknown": {"resourceType": "Nothing"},
        "type-abstract": {"resourceType": "DomainResource"},
        "type-element": {"resourceType": "HumanName", "family": "x"},
        "type-in-lower-case": {"resourceType": "observation"},
        "prototype": OBSERVATION | {"__proto__": {"status": "final"}},
        "constructor": OBSERVATION | {"constructor": {"prototype": {}}},
        "python-names": OBSERVATION | {"__class__": "x"},
        "comments": OBSERVATION | {"fhir_comments": ["x"]},
        "many-keys": OBSERVATION | {f"k{n}": n for n in range(50_000)},
        "long-key": OBSERVATION | {"k" * 100_000: 1},
        "giant-list": OBSERVATION | {"note": [None] * 100_000},
        "contained-deep": _contained(20),
        "contained-nothing": OBSERVATION | {"contained": [{}]},
        "id-path": OBSERVATION | {"id": "../../x"},
        "id-long": OBSERVATION | {"id": "a" * 65},
        "profile-object": OBSERVATION | {"meta": {"profile": {"a": 1}}},
        "both-values": OBSERVATION | {"valueString": "x"},
    }
    for place in _places(OBSERVATION):
        for index, value in enumerate(NASTY):
            name = f"{'.'.join(map(str, place))}-{index}"
            made[name] = _with(OBSERVATION, place, value)
    return made


def _contained(depth: int) -> Json:
    made: Json = copy.deepcopy(OBSERVATION)
    for _ in range(depth):
        made = copy.deepcopy(OBSERVATION) | {"contained": [made]}
    return made


def _places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if at:
        yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    if isinstance(value, dict | list):
        for key, inner in inside:
            if not (key == "resourceType" and not at):
                yield from (
                    _places(inner, (*at, key)) if isinstance(inner, dict | list) else [(*at, key)]
                )


def _with(whole: Json, place: tuple[str | int, ...], value: Any) -> Json:
    made: Any = copy.deepcopy(whole)
    into = made
    for key in place[:-1]:
        into = into[key]
    into[place[-1]] = copy.deepcopy(value)
    return dict(made)


def bundles() -> dict[str, Any]:
    """What is posted to the base and is no transaction."""
    post = {"method": "POST", "url": "Observation"}
    entry = {"resource": OBSERVATION, "request": post}

    def of(**more: Any) -> Json:
        return {"resourceType": "Bundle", "type": "transaction"} | more

    made: dict[str, Any] = {
        "entry-object": of(entry={}),
        "entry-text": of(entry="x"),
        "entry-null": of(entry=[None]),
        "entry-list": of(entry=[[]]),
        "entry-number": of(entry=[1]),
        "entries-many": of(entry=[entry] * 20_000),
        "request-none": of(entry=[{"resource": OBSERVATION}]),
        "request-text": of(entry=[{"resource": OBSERVATION, "request": "POST"}]),
        "full-url-object": of(entry=[entry | {"fullUrl": {"a": 1}}]),
        "in-a-bundle": of(entry=[{"resource": of(entry=[entry]), "request": post}]),
        "ring": of(
            entry=[
                {
                    "fullUrl": f"urn:uuid:00000000-0000-4000-8000-00000000000{n}",
                    "resource": OBSERVATION
                    | {"hasMember": [{"reference": f"urn:uuid:00000000-0000-4000-8000-00000000000{1 - n}"}]},
                    "request": post,
                }
                for n in range(2)
            ]
        ),
        "type-message": of(type="message"),
        "type-none": {"resourceType": "Bundle", "entry": [entry]},
    }  # fmt: skip
    for name in ("method", "url", "ifNoneExist", "ifMatch", "ifNoneMatch", "ifModifiedSince"):
        for index, value in enumerate(NASTY):
            made[f"request-{name}-{index}"] = of(
                entry=[{"resource": OBSERVATION, "request": post | {name: value}}]
            )
    return made


def text(value: Any) -> bytes:
    """As it is sent."""
    return json.dumps(value).encode()
