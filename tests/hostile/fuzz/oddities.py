# SPDX-License-Identifier: EUPL-1.2
"""What requests are made of: odd values, paths and headers, and bodies that are wrong in one place."""
# ruff: noqa: E501  (an attack reads on one line)

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any, Final
from urllib.parse import quote

from tests.hostile.corpus import json as hostile
from tests.space import FHIR

Json = dict[str, Any]

ODD: Final = (
    "", " ", "\0", "a\0b", "%", "%2", "\u202e", "é", "🦠" * 20, "\ufffe", "'", '"', "';--", "\\", "\\\\", "\\,",
    "|", "||", "a|", "|a", "a|b|c", "$", "$$", "a$b", ",", ",,,", ":", "/", "//", "..", "../..", "?", "#", "&",
    "0", "-0", "-1", "1", "1.", ".1", "+1", "1e5", "1E-5", "1e400", "1e-400", "NaN", "inf", "Infinity", "0x10",
    "٣", "１２", "1_000", "9" * 30, "9" * 400, "0." + "1" * 400, "1e" + "9" * 30, "-" + "9" * 20,
    "2147483648", "9223372036854775808", "true", "false", "null", "None", "undefined", "*", "a:*", "{}", "[]",
    "a" * 3000, "," * 600, "a," * 501, "|" * 2000, "(" * 500, "not " * 300, "urn:uuid:", "urn:oid:1", "http://",
    "https://example.org/fhir/Patient/1", "Patient/", "/Patient/a", "Patient/a/_history/1", "Patient/a,b",
    "Patient?identifier=a|b", "javascript:alert(1)", "${jndi:ldap://127.0.0.1/a}", "{{7*7}}", "%s%n", "\r\n a: b",
)  # fmt: skip
DATES: Final = (
    "2020", "2020-01", "2020-01-02", "2020-01-02T03:04", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05.123+01:00",
    "0000", "0001", "9999", "10000", "-0001", "2020-00", "2020-13", "2020-02-30", "2020-01-02T24:00:00Z",
    "2020-01-02T23:59:60Z", "2020-01-02T03:04:05+99:99", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2020-1-2", "20200102", "２０２０", "2020-01-02T03:04:05 01:00", "2020-01-02T", "2020-W01", "now", "today",
    "1900-02-29", "0001-01-01", "9999-12-31", "2020-01-02T03:04:05.1234567890123Z",
)  # fmt: skip
PREFIXES: Final = ("", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "xx", "EQ", "gele")
NUMBERS: Final = (
    "0", "1", "5.40", "1e3", "-7", "100.000", "1e300", "1e-300", "1e301", "0.0000000000000000001",
    "123456789012345678901234567890", "5|http://unitsofmeasure.org|mg", "5||mg", "5|mg", "5|a|b|c",
    "5|http://unitsofmeasure.org|", "5|http://unitsofmeasure.org|10*400.m", "1|http://unitsofmeasure.org|[degF]",
)  # fmt: skip
MODIFIERS: Final = (
    "", "", "", "", "exact", "contains", "text", "not", "missing", "in", "not-in", "above", "below", "identifier",
    "of-type", "iterate", "Patient", "Observation", "Nothing", "x", "", "missing:missing", "\0",
)  # fmt: skip
CODES: Final = (
    "http://loinc.org|2339-0", "2339-0", "|2339-0", "http://loinc.org|", "final", "a|b", "http://snomed.info/sct|1",
    "http://hl7.org/fhir/ValueSet/observation-status", "http://nowhere.example/ValueSet/x", "SB|urn:a|1",
)  # fmt: skip
FILTERS: Final = (
    "code eq 2339-0", "status eq final and date gt 2020", "not (status eq final)", "subject.name co a",
    "date ge 2020 or (code eq a and not status eq b)", "_id eq a", "_lastUpdated gt 2020", "code in http://x",
    "subject:Patient.birthdate lt 1950", "value-quantity gt 5", "date eq x", "code eq", "eq", "(((", "a eq b)",
    'code eq "a', "status pr true", "subject re Patient/a", "code ss http://loinc.org|1", "not not status eq a",
    "date po 2020", "subject[name co a].gender eq x", "status zz final", "has eq x", "status eq 'a'",
)  # fmt: skip
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "accept": (FHIR, "application/json", "*/*", "application/fhir+xml", "text/html", "a", "", "*", ",,,;;;q=",
               "application/fhir+json;fhirVersion=4.0", "application/fhir+json;fhirVersion=5.0",
               "application/fhir+json;q=0", "application/octet-stream", "text/plain;charset=\"", "x" * 5000),
    "if-match": ('W/"1"', '"1"', "1", "*", 'W/"0"', 'W/"99999999999"', 'W/"-1"', 'W/"1", W/"2"', "W/", ""),
    "if-none-match": ('W/"1"', "*", 'W/"1", W/"2"', "x", "", 'W/"٣"', "," * 3000),
    "if-modified-since": ("Sun, 22 Nov 2026 08:00:00 GMT", "2026", "Mon, 99 Foo 0000 99:99:99 XXX", "",
                          "Sun, 22 Nov 99999 08:00:00 GMT", "Sun, 22 Nov 2026 08:00:00 +9999", "1", "0" * 400,
                          "Sun, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359"),
    "if-none-exist": ("identifier=a|b", "_id=a", "?identifier=a|b", "status=final&code=a", "", "a", "_count=1",
                      "identifier=%00", "identifier=%ff", "code:not=a", "subject.name=a", "_filter=a eq b",
                      "x=y&" * 100, "_has:Observation:subject:code=1", "date=2020"),
    "prefer": ("return=minimal", "return=representation", "return=OperationOutcome", "handling=lenient",
               "handling=strict, return=x", "respond-async", "return", "=", "handling=strict", ",;,;=", "a=b" * 800),
    "content-type": (FHIR, "application/json", "application/json-patch+json", "application/fhir+xml", "text/plain",
                     "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "a", "/",
                     "application/fhir+json; charset=latin-1", 'application/fhir+json; charset="', "image/png",
                     "application/json; charset=utf-8; charset=utf-16", "application/fhir+ndjson", "é/é"),
    "content-encoding": ("identity", "gzip", "br", "identity, gzip", "", "x"),
    "content-length": ("0", "1", "-1", "99999999999999999999999", "a", "٣", "+5", " 7"),
    "authorization": ("Basic YTpi", "Bearer", "Bearer ", "bearer x", "Bearer a.b.c", "Bearer " + "a" * 9000,
                      "Bearer é", "Digest x", "", "Bearer eyJhbGciOiJub25lIn0.e30."),
    "host": ("", "x", "evil.example", "[::1", "a:99999", "a b"),
    "x-forwarded-proto": ("https", "javascript", ""),
    "x-request-id": ("x", "a" * 5000, "\x7f"),
    "accept-encoding": ("gzip", "br", "identity;q=0", "*;q=0", ""),
    "accept-language": ("fr", "en;q=x", "*", "a" * 3000),
    "range": ("bytes=0-1", "bytes=-1", "bytes=9-1", "x"),
    "x-security-context": ("Patient/a", "x", ""),
    "expect": ("100-continue", "x"),
    "cookie": ("a=b", "sessionid=" + "x" * 4000, "\xff"),
}  # fmt: skip
RESULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "_count": ("0", "1", "2", "1000", "99999999999", "-1", "a", "1.5", "٣", "0x1", "+1", "9" * 5000),
    "_sort": ("date", "-date", "_lastUpdated", "-_id", "code,-date", "x", "-", ",", "date:exact", "--date", "near"),
    "_total": ("none", "estimate", "accurate", "x", "true"),
    "_summary": ("true", "false", "text", "data", "count", "x"),
    "_elements": ("status", "code,subject", "x", ",", "Observation.status", "value", "id", "status.x", "*"),
    "_cursor": ("x", "AAAA", "", "." * 3000, "eyJ9", "MA==", "é"),
    "_include": ("*", "Observation:subject", "Observation:subject:Patient", "Observation:*", "x", ":", "::",
                 "Patient:general-practitioner", "Observation:code", "Observation:subject:Nothing"),
    "_include:iterate": ("Observation:subject", "*", "Patient:link", "Observation:derived-from"),
    "_revinclude": ("Provenance:target", "Observation:subject", "*", "x", "DiagnosticReport:result"),
    "_revinclude:iterate": ("Observation:has-member", "Provenance:target"),
    "_format": ("json", "xml", "application/fhir+json", "application/fhir json", "html", "x", ""),
    "_pretty": ("true", "false", "x"),
    "_filter": FILTERS,
    "_lastUpdated": DATES,
    "_id": ("a", "a,b", "x" * 65, "é", ",", "1", "-"),
    "_tag": CODES, "_security": CODES, "_profile": CODES, "_source": CODES,
    "_text": ("a",), "_content": ("a",), "_list": ("a", "$current-problems"), "_query": ("a",), "_type": ("Patient",),
    "_contained": ("true", "both"), "_containedType": ("container",), "_since": DATES, "_at": DATES,
    "_outputFormat": ("ndjson", "x"), "_typeFilter": ("Observation?status=final", "x?", "?"), "_score": ("1",),
    "_has": ("a",), "_has:Observation:subject:code": CODES, "_has:Observation:patient:_has:x": ("a",),
    "_has:Observation:subject:_has:Provenance:target:agent": ("a",), "_has:x:y": ("a",), "_has:::": ("a",),
    "subject:Patient.name": ("a", "é", "\\"), "subject.birthdate": DATES, "subject.general-practitioner.name": ("a",),
    "a.b.c.d.e.f.g": ("a",), "subject:Nothing.name": ("a",), "subject.": ("a",), ".": ("a",), "subject:.name": ("a",),
    "mode": ("full", "x"), "start": DATES, "end": DATES, "url": CODES, "system": CODES, "code": CODES,
    "filter": ("a", "é"), "offset": ("0", "-1", "9" * 30), "count": ("0", "5", "-1", "9" * 30), "profile": CODES,
}  # fmt: skip
METHODS: Final = (
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
)
OFTEN: Final = {
    ("/", "POST"): 14, ("/{rtype}", "GET"): 30, ("/{rtype}/_search", "POST"): 8, ("/{rtype}", "POST"): 14,
    ("/{rtype}", "PUT"): 4, ("/{rtype}", "PATCH"): 3, ("/{rtype}", "DELETE"): 2, ("/{rtype}/{id}", "GET"): 6,
    ("/{rtype}/{id}", "PUT"): 10, ("/{rtype}/{id}", "PATCH"): 14, ("/{rtype}/{id}", "DELETE"): 1,
    ("/{compartment}/{id}/{rtype}", "GET"): 5,
}  # fmt: skip
OPERATIONS: Final = (
    "$everything", "$validate", "$meta", "$meta-add", "$meta-delete", "$expand", "$lookup", "$validate-code",
    "$subsumes", "$translate", "$export", "$import", "$document", "$lastn", "$match", "$hide", "$graphql", "$", "$$",
    "$\0", "$everything/", "$x",
)  # fmt: skip
PATHS: Final = (
    "", "x", "Observation", "/status", "/note/-", "/note/0", "/note/99999999999999999999", "/code/coding/0/code",
    "/~2", "/~", "/a~1b", "/subject/reference", "/id", "/meta", "/meta/versionId", "/resourceType", "/-", "//",
    "Observation.status", "Observation.note[0]", "Observation.code.coding", "Observation.subject", "Patient.name",
    "Observation.id", "Observation.where(true)", "Observation.descendants()", "%resource", "1/0", "((", "é",
    "Observation.note.where(text='a').first().text", "Observation.repeat(children())", "iif(true,1,2)",
    "Observation.status.matches('(a+)+$')", "'a'.replaceMatches('(a*)*b','')", "Observation." * 300 + "x",
)  # fmt: skip


def raw(value: str, chance: Random) -> str:
    """A value as an address has it: escaped, half escaped, or not at all."""
    turn = chance.random()
    if turn < 0.85:
        return quote(value, safe="" if turn < 0.5 else ",|:$/", errors="surrogatepass")
    if turn < 0.9:
        return quote(value, safe="") + chance.choice(
            ("%", "%zz", "%ff", "%00", "%c0%80", "%ed%a0%80", "%u0041")
        )
    return value


def text(value: Any, chance: Random) -> bytes:
    """JSON, its characters escaped or not; sometimes cut."""
    made = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return made if chance.random() < 0.98 else made[: chance.randrange(len(made) + 1)]


def plain(made: Json) -> str:
    return json.dumps(made, default=float)  # a Decimal


def about(value: Any, patient: str) -> Any:
    """The same, about somebody who is there."""
    if isinstance(value, list):
        return [about(each, patient) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("reference"), str):
        return {
            "reference": patient
            if value.get("type", "Patient") == "Patient"
            else f"{value['type']}/a"
        }
    return {key: about(each, patient) for key, each in value.items()}


EXTREMES: Final = (
    0,
    -1,
    1,
    10**17,
    2**63,
    1e300,
    -1e300,
    1e-300,
    0.1,
    5.40,
    123456789012345678901234567890,
)


def extreme(value: Any, chance: Random, name: str = "") -> Any:
    """The same shape, some of its values at the ends of what their types hold."""
    if isinstance(value, dict):
        return {key: extreme(each, chance, key) for key, each in value.items()}
    if isinstance(value, list):
        return [extreme(each, chance, name) for each in value]
    if name in ("resourceType", "status", "reference") or chance.random() < 0.7:
        return value
    if isinstance(value, str):
        if re.fullmatch("[0-9]{4}-[0-9-]{2,5}", value):
            return chance.choice(("0001-01-01", "9999-12-31", "2024-02-29", "0001", "9999"))
        if re.match("[0-9]{4}-.*T", value):
            return chance.choice(("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2016-12-31T23:59:60Z",
                                  "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"))  # fmt: skip
        return chance.choice((value * 50, "é" * 3000, "\u202e" + value, "a|b", "x,y\\,z", "$", "%00", value + "\u0300" * 400,
                              "\U0010ffff", "ﬁİß", "x" * 60_000))  # fmt: skip
    if isinstance(value, bool) or value is None:
        return value
    return chance.choice(EXTREMES)


@cache
def bodies() -> dict[str, bytes]:
    return {name: body for name, body in hostile.bodies().items() if len(body) < 200_000}


@cache
def resources() -> dict[str, Any]:
    return {name: made for name, made in hostile.resources().items() if len(str(made)) < 50_000}
