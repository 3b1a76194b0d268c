# SPDX-License-Identifier: EUPL-1.2
"""Paths of the twin worlds that FHIR itself has: every way to search, conditions, patches, exports.

None of these writes is carried out but those of DONE, which are the same in both worlds.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import urlencode

from tests.agreement.aims import Aim, Probe, get, span, token
from tests.agreement.items import (
    CAST,
    CATEGORY,
    CODES,
    KINDS_OF_IDENTIFIER,
    LOINC,
    PROTOCOLS,
    UCUM,
    WORDS,
    date,
)

Given = tuple[str, str]
NOBODY = {"reference": f"Patient/{'b' * 25}a"}
NEVER = (("if-match", 'W/"99"'),)
FORM = (("content-type", "application/x-www-form-urlencoded"),)
JSON_PATCH = "application/json-patch+json"
SETS = ("http://hl7.org/fhir/ValueSet/observation-status",
        "http://hl7.org/fhir/ValueSet/observation-category",
        "http://hl7.org/fhir/ValueSet/ucum-bodytemp",
        "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode")  # fmt: skip
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

# ------------------------------------------------------------------------------ ways to search


def number(chance: Random) -> tuple[str, Given]:
    """A number of a risk."""
    return "RiskAssessment", ("probability", chance.choice(PREFIXES) + f"0.{chance.randint(1, 9)}")


def quantity(chance: Random) -> tuple[str, Given]:
    """An amount, in its unit, in another or in none."""
    unit = chance.choice(("", f"|{UCUM}|mg/dL", f"|{UCUM}|g/L", "||mg/dL"))
    amount = chance.choice(PREFIXES) + str(chance.randint(1, 300)) + unit
    rtype, name = chance.choice((
        ("Observation", "value-quantity"), ("Observation", "value-quantity"),
        ("Observation", "combo-value-quantity"), ("Observation", "component-value-quantity"),
        ("Encounter", "length"), ("Condition", "onset-age"),
    ))  # fmt: skip
    if rtype != "Observation":
        amount = chance.choice(PREFIXES) + str(chance.randint(1, 90))
    return rtype, (name, amount)


def composite(chance: Random) -> tuple[str, Given]:
    """A code and what stands beside it."""
    code = chance.choice((chance.choice(CODES), f"{LOINC}|{chance.choice(CODES)}"))
    amount = chance.choice(PREFIXES) + str(chance.randint(1, 300))
    return chance.choice((
        ("Observation", ("code-value-quantity", f"{code}${amount}")),
        ("Observation", ("combo-code-value-quantity", f"{code}${amount}")),
        ("Observation", ("component-code-value-quantity", f"{LOINC}|8480-6${amount}")),
        ("Group", ("characteristic-value", f"age${chance.choice(WORDS)}")),
    ))  # fmt: skip


def near(chance: Random) -> tuple[str, Given]:
    """Around a point."""
    point = f"48.{chance.randint(80, 90)}|2.{chance.randint(30, 40)}"
    return "Location", ("near", f"{point}|{chance.choice((1, 5, 500))}|km")


def uri(chance: Random) -> tuple[str, Given]:
    """An address, those above it or below it."""
    how = chance.choice(("", ":above", ":below"))
    address = chance.choice((PROTOCOLS, f"{PROTOCOLS}/{chance.randint(1, 5)}",
                             f"{PROTOCOLS}/{chance.randint(1, 5)}/a"))  # fmt: skip
    return chance.choice(("Procedure", "CarePlan")), (f"instantiates-uri{how}", address)


def missing(chance: Random) -> tuple[str, Given]:
    """What is there at all."""
    rtype, name = chance.choice((
        ("Observation", "value-quantity"), ("Observation", "has-member"), ("Observation", "category"),
        ("Observation", "code-value-quantity"), ("DiagnosticReport", "result"), ("Condition", "onset-age"),
        ("RiskAssessment", "probability"), ("Procedure", "instantiates-uri"), ("Location", "near"),
        ("DocumentReference", "description"), ("Patient", "birthdate"), ("Encounter", "length"),
    ))  # fmt: skip
    return rtype, (f"{name}:missing", chance.choice(("true", "false")))


def worded(chance: Random) -> tuple[str, Given]:
    """The words beside a code, and the kind of an identifier."""
    if chance.random() < 0.5:
        rtype = chance.choice(("Observation", "DiagnosticReport", "Condition"))
        return rtype, ("code:text", chance.choice(WORDS)[: chance.randint(2, 9)])
    kind = chance.choice(KINDS_OF_IDENTIFIER)
    value = f"v2-0203|{kind}|r-{chance.randint(1, 60)}"
    return "Observation", ("identifier:of-type", f"http://terminology.hl7.org/CodeSystem/{value}")


def subsumed(chance: Random) -> tuple[str, Given]:
    """By a set of codes, or by a hierarchy."""
    how = chance.choice(("in", "not-in", "above", "below"))
    if how in ("in", "not-in"):
        name = chance.choice(("status", "category", "code"))
        return "Observation", (f"{name}:{how}", chance.choice(SETS))
    if chance.random() < 0.5:
        kind = chance.choice(("laboratory", "vital-signs"))
        return "Observation", (f"category:{how}", f"{CATEGORY}|{kind}")
    act = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    return "Encounter", (f"class:{how}", f"{act}|{chance.choice(('AMB', '_ActEncounterCode'))}")


def expression(chance: Random) -> tuple[str, Given]:
    """Tests joined: each of them could forget who asks."""
    tests = [
        f'code eq "{LOINC}|{chance.choice(CODES)}"',
        f"date {chance.choice(('gt', 'lt', 'eq'))} {date(chance)}",
        f"value-quantity {chance.choice(('gt', 'lt', 'ap'))} {chance.randint(1, 300)}",
        f'code-value-quantity eq "{chance.choice(CODES)}${chance.randint(1, 300)}"',
        "has-member pr true",
        f"identifier eq urn:labo|r-{chance.randint(1, 60)}",
        f"_lastUpdated gt {date(chance)}",
        f"subject:Patient.family sw {chance.choice(WORDS)[:3]}",
        f"_has:DiagnosticReport:result:date gt {date(chance)}",
        f"has-member:Observation.value-quantity gt {chance.randint(1, 300)}",
    ]
    chosen = chance.sample(tests, chance.randint(1, 3))
    parts = [f"not ({each})" if chance.random() < 0.25 else each for each in chosen]
    made = parts[0]
    for each in parts[1:]:
        made += f" {chance.choice(('and', 'or'))} {each}"
    return "Observation", ("_filter", made)


def written(chance: Random) -> tuple[str, Given]:
    """What is in a text, in the whole, in a list, in the middle of a sealed string."""
    rtype = chance.choice(("DiagnosticReport", "DocumentReference", "Observation", "Condition"))
    word, other = chance.sample(WORDS, 2)
    name = chance.choice(("_text", "_content", "_content", "_list"))
    if name == "_list":
        return "Observation", (name, "$current-problems")
    if rtype == "DocumentReference" and chance.random() < 0.4:
        return rtype, ("description:contains", word[2:])
    joined = chance.choice((word, f"{word} {other}", f"{word} OR {other}", f"NOT {word}"))
    return rtype, (name, joined)


WAYS: dict[str, Callable[[Random], tuple[str, Given]]] = {
    "search by number": number,
    "search by quantity": quantity,
    "search by composite": composite,
    "search by position": near,
    "search by uri": uri,
    ":missing": missing,
    ":text and :of-type": worded,
    ":in, :not-in, :above and :below": subsumed,
    "_filter": expression,
    "_text, _content and _list": written,
}
ADDED: tuple[tuple[Given, ...], ...] = (
    (), (), (("_total", "accurate"),), (("_summary", "count"),), (("_count", "1"),),
    (("_sort", "-_lastUpdated"), ("_count", "2")),
)  # fmt: skip


def searched(kind: str) -> Callable[[Aim], Probe]:
    """A search one of these ways: of all, of one person, of one resource, page by page."""

    def made(aim: Aim) -> Probe:
        chance = aim.chance
        for _ in range(6):  # what it aims at can answer, most of the time
            rtype, given = WAYS[kind](chance)
            if rtype == aim.rtype:
                break
        if given[0] == "_list" and aim.rtype == "List":
            given = ("_list", aim.address().split("/")[1])
        params = [given, *chance.choice(ADDED)]
        if chance.random() < 0.3 and rtype not in ("Location", "Group", "Patient"):
            params.append(("subject" if rtype != "Claim" else "patient", aim.person))
        elif chance.random() < 0.3:
            params.append(("_id", aim.address(rtype).split("/")[1]))
        if chance.random() < 0.1:
            return Probe(kind, "POST", f"{rtype}/_search", urlencode(params).encode(), FORM)
        return get(kind, f"{rtype}?{urlencode(params)}", follow=True)

    return made


SORTED = (("Observation", "value-quantity"), ("Observation", "value-quantity"),
          ("RiskAssessment", "probability"), ("Observation", "combo-value-quantity"),
          ("Encounter", "length"), ("Condition", "onset-age"), ("Observation", "code"),
          ("Condition", "code"), ("Encounter", "participant"), ("CarePlan", "instantiates-uri"),
          ("Observation", "_id"), ("Observation", "has-member"), ("DiagnosticReport", "result"),
          ("DocumentReference", "description"), ("Observation", "_security"))  # fmt: skip


def ordered(aim: Aim) -> Probe:
    """By a number, an amount or what is opened for it, page by page."""
    chance = aim.chance
    rtype, name = chance.choice(SORTED)
    key = chance.choice(("", "-")) + name
    order = chance.choice((key, f"{key},-date" if rtype == "Observation" else key))
    given = [("_sort", order), ("_count", str(chance.randint(1, 4)))]
    if chance.random() < 0.4:
        given.append(("subject", aim.person))
    return get("_sort by an amount", f"{rtype}?{urlencode(given)}", follow=True)


def compartment(aim: Aim) -> Probe:
    """What is about somebody, by GET and by POST; of an encounter and of a professional too."""
    chance = aim.chance
    own = aim.address()
    of = own if own.startswith(("Encounter", "Practitioner", "Patient")) else aim.person
    rtype = chance.choice((aim.rtype, "Observation", "DiagnosticReport", "Condition", "*"))
    given: list[Given] = list(chance.choice(ADDED))
    if rtype == aim.rtype and chance.random() < 0.5:
        given.append(chance.choice((token(aim), span(aim))))
    if rtype == "*" and chance.random() < 0.5:
        given.append(("_type", f"Observation,{aim.rtype}"))
    if chance.random() < 0.25:
        body = urlencode(given or [("_count", "50")]).encode()
        return Probe("compartment", "POST", f"{of}/{rtype}/_search", body, FORM)
    asked = f"?{urlencode(given)}" if given else ""
    return get("compartment", f"{of}/{rtype}{asked}", follow=True)


def several(aim: Aim) -> Probe:
    """Several types at once, by what they share: by GET, by POST, and whatever is there."""
    chance = aim.chance
    kinds = ["Observation", "Condition", "DiagnosticReport", "Encounter"]
    given: list[Given] = [("_type", ",".join(sorted(chance.sample(kinds[:3], 2))))]
    shared = (
        ("patient", aim.person), ("code", chance.choice(CODES)), ("code:not", chance.choice(CODES)),
        ("patient.name", "a"), ("_filter", f"code eq {chance.choice(CODES)}"), ("_text", "fo"),
        ("encounter:missing", "false"),
    )  # fmt: skip
    given += chance.sample(shared, chance.randint(1, 2))
    if chance.random() < 0.2:
        given = [("_lastUpdated", "ge2026-11-24")]
    given += chance.choice(
        (
            (),
            (("_total", "accurate"),),
            (("_sort", "_id"), ("_count", "3")),
            (("_summary", "count"),),
        )
    )
    if chance.random() < 0.3:
        body = urlencode(given).encode()
        return Probe("search of several types", "POST", "_search", body, FORM)
    return get("search of several types", f"?{urlencode(given)}", follow=True)


def everywhere(aim: Aim) -> Probe:
    """The history of a type and of everything."""
    chance = aim.chance
    of = chance.choice((f"{aim.rtype}/_history", f"{aim.rtype}/_history", "_history"))
    day = aim.twins.now.date().isoformat()
    given = [chance.choice((("_count", str(chance.randint(1, 5))), ("_since", "2026-11-23T00:00:00Z"),
                            ("_since", f"{day}T00:00:00Z"), ("_at", "2026-11-24")))]  # fmt: skip
    if chance.random() < 0.3:
        given.append(("_count", "2"))
    return get("history of a type and of all", f"{of}?{urlencode(dict(given))}", follow=True)


# ------------------------------------------------------------------ conditions, patches, operations


def since(aim: Aim) -> Probe:
    """A read that depends on what the reader has."""
    chance = aim.chance
    when = chance.choice(("Mon, 23 Nov 2026 00:00:00 GMT", "Tue, 24 Nov 2026 12:00:00 GMT",
                          "Fri, 01 Jan 2027 00:00:00 GMT"))  # fmt: skip
    header = chance.choice((("if-modified-since", when),
                            ("if-none-match", f'W/"{chance.randint(1, 3)}"')))  # fmt: skip
    return get("conditional read", aim.address(), headers=(header,))


def condition(aim: Aim) -> tuple[str, str]:
    """A type, and a condition of any kind on it."""
    rtype, given = WAYS[aim.chance.choice([each for each in WAYS if "_text" not in each])](
        aim.chance
    )
    params = [given]
    if aim.chance.random() < 0.5:
        params.append(("_id", aim.address(rtype).split("/")[1]))
    return rtype, urlencode(params)


def conditional(aim: Aim) -> Probe:
    """Update, patch, delete, create by any parameter: none is carried out."""
    kind, chance = "conditional write, any parameter", aim.chance
    rtype, asked = condition(aim)
    method = chance.choice(("DELETE", "PUT", "PATCH", "PATCH"))
    path = f"{rtype}?{asked}"
    if method == "DELETE":
        return Probe(kind, method, path, headers=NEVER)
    if method == "PUT":
        body = {"resourceType": rtype, "status": "nonsense", "subject": NOBODY}
        return Probe(kind, method, path, json.dumps(body).encode(), NEVER)
    content, body_ = patch(aim, rtype)
    return Probe(kind, method, path, body_, (("content-type", content),))


def patch(aim: Aim, rtype: str) -> tuple[str, bytes]:
    """A patch that always fails, at a place that tells what the resource holds."""
    chance = aim.chance
    if chance.random() < 0.5:
        asked: list[dict[str, Any]] = [
            {"op": "test", "path": "/code/coding/0/code", "value": chance.choice(CODES)},
            {
                "op": "test",
                "path": "/status",
                "value": chance.choice(("final", "amended", "active")),
            },
            {"op": "test", "path": "/subject/reference", "value": aim.person},
            {"op": "remove", "path": "/hasMember"},
            {"op": "move", "from": "/conclusion", "path": "/text"},
        ]
        ends = {"op": "test", "path": "/status", "value": "nonsense"}
        return JSON_PATCH, json.dumps([*chance.sample(asked, chance.randint(1, 2)), ends]).encode()
    paths = (f"{rtype}.code.coding.where(code='{chance.choice(CODES)}').display",
             f"{rtype}.subject.where(reference='{aim.person}').display",
             f"{rtype}.value.where(value > {chance.randint(1, 300)}).unit")  # fmt: skip
    operations = [
        ("replace", chance.choice(paths), "x"),
        ("replace", f"{rtype}.status", "nonsense"),
    ]
    parameters = [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": how},
                {"name": "path", "valueString": path},
                {"name": "value", "valueString" if "status" not in path else "valueCode": value},
            ],
        }
        for how, path, value in operations
    ]
    body = {"resourceType": "Parameters", "parameter": parameters}
    return "application/fhir+json", json.dumps(body).encode()


def patched(aim: Aim) -> Probe:
    """A patch of one resource: a test of what is hidden must not answer."""
    address = aim.address()
    content, body = patch(aim, address.split("/")[0])
    return Probe("PATCH with tests", "PATCH", address, body, (("content-type", content),))


def bundled(aim: Aim) -> Probe:
    """Patches and conditions as entries of a Bundle, all or nothing or each alone; all fail."""
    chance = aim.chance
    entries: list[dict[str, Any]] = []
    for _ in range(chance.randint(1, 2)):
        address = aim.address()
        rtype = address.split("/")[0]
        if chance.random() < 0.4:
            rtype, asked = condition(aim)
            address = f"{rtype}?{asked}"
        if chance.random() < 0.3:
            entries.append({"request": {"method": "DELETE", "url": address, "ifMatch": 'W/"99"'}})
            continue
        content, body = patch(aim, rtype)
        given: dict[str, Any] = json.loads(body) if content != JSON_PATCH else {
            "resourceType": "Binary", "contentType": JSON_PATCH,
            "data": base64.b64encode(body).decode()}  # fmt: skip
        entries.append({"resource": given, "request": {"method": "PATCH", "url": address}})
    if chance.random() < 0.4:
        body_ = {"resourceType": "Observation", "status": "nonsense", "code": {"text": "x"},
                 "subject": {"reference": "Patient?" + urlencode(
                     {"identifier": f"urn:oid:1.2.250.1.213.1.4.10|{chance.choice(aim.twins.numbers)}"})
                     if chance.random() < 0.2 else aim.person}}  # fmt: skip
        asked = f"code={chance.choice(CODES)}&date={date(chance)}"
        entries.append({"resource": body_, "request": {"method": "POST", "url": "Observation",
                                                       "ifNoneExist": asked}})  # fmt: skip
    style = chance.choice(("batch", "transaction"))
    bundle = {"resourceType": "Bundle", "type": style, "entry": entries}
    return Probe("PATCH in a Bundle", "POST", "", json.dumps(bundle).encode())


def referred(aim: Aim) -> Probe:
    """A conditional reference: whether it resolves depends on what is seen alone."""
    chance = aim.chance
    asked = chance.choice((
        f"Observation?code={chance.choice(CODES)}&date={date(chance)[:7]}",
        f"Observation?_id={aim.address('Observation').split('/')[1]}",
        f"Observation?{urlencode([quantity_of(chance)])}",
        f"Encounter?_id={aim.address('Encounter').split('/')[1]}",
    ))  # fmt: skip
    body: dict[str, Any] = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{aim.twins.ids[chance.choice(CAST)]}"},
    }  # fmt: skip
    refers = {"reference": asked}
    body |= {"hasMember": [refers]} if asked.startswith("Observation") else {"encounter": refers}
    nobody = {"reference": f"Observation?_id={'b' * 25}a"}  # the second entry is always refused
    entries = [
        {"resource": each, "request": {"method": "POST", "url": "Observation"}}
        for each in (body, body | {"hasMember": [nobody]})
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return Probe("conditional reference", "POST", "", json.dumps(bundle).encode())


def quantity_of(chance: Random) -> Given:
    """An amount of an observation."""
    while True:
        rtype, given = quantity(chance)
        if rtype == "Observation":
            return given


def validated(aim: Aim) -> Probe:
    """$validate of one, with another body, and of a reference to what is hidden."""
    chance, address = aim.chance, aim.address()
    rtype, id = address.split("/")
    body = {"resourceType": rtype, "id": id, "status": "final", "code": {"text": "x"},
            "subject": {"reference": chance.choice((aim.person, address))},
            "hasMember": [{"reference": aim.address("Observation")}]}  # fmt: skip
    mode = chance.choice(("", "?mode=update", "?mode=delete", "?mode=create"))
    if chance.random() < 0.4:
        return get("$validate of one", f"{address}/$validate{mode}")
    path = f"{address}/$validate{mode}" if chance.random() < 0.7 else f"{rtype}/$validate"
    return Probe("$validate of one", "POST", path, json.dumps(body).encode())


def metas(aim: Aim) -> Probe:
    """$meta of a resource, of a version, of a type and of all; $meta-delete of what may not be changed."""
    chance, address = aim.chance, aim.address()
    if chance.random() < 0.3:
        part = {"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}
        body = json.dumps({"resourceType": "Parameters", "parameter": [part]}).encode()
        return Probe("$meta, everywhere", "POST", f"{address}/$meta-delete", body, NEVER)
    path = chance.choice((f"{address}/$meta", f"{address}/_history/{chance.randint(1, 3)}/$meta",
                          f"{aim.rtype}/$meta", "$meta"))  # fmt: skip
    return get("$meta, everywhere", path)


def terms(aim: Aim) -> Probe:
    """Codes of a patient's data asked of the terminology: it knows no record."""
    chance = aim.chance
    code, value_set = chance.choice(CODES), chance.choice(SETS)
    path, given = chance.choice((
        ("ValueSet/$validate-code", {"url": value_set, "system": LOINC, "code": code}),
        ("ValueSet/$expand", {"url": value_set, "count": "5"}),
        ("CodeSystem/$lookup", {"system": LOINC, "code": code}),
        ("CodeSystem/$validate-code", {"url": CATEGORY, "code": "laboratory"}),
        ("CodeSystem/$subsumes", {"system": CATEGORY, "codeA": "laboratory", "codeB": "exam"}),
    ))  # fmt: skip
    return get("terminology", f"{path}?{urlencode(given)}")


# --------------------------------------------------------------------------------- exports, writes


def exported(aim: Aim) -> Probe:
    """Asked, listed by the worker, every file fetched, forgotten."""
    chance = aim.chance
    level = chance.choice(("$export", "Patient/$export", "Patient/$export"))
    groups = [item for item in aim.twins.items if item.types == ("Group",)]
    if groups and chance.random() < 0.25:
        of = aim if aim.rtype == "Group" else replace(aim, item=chance.choice(groups))
        level = f"{of.address()}/$export"
    params: list[Given] = []
    if chance.random() < 0.5:
        params.append(("_type", ",".join(sorted({aim.rtype, "Observation", chance.choice(
            ("Binary", "DocumentReference", "Patient"))}))))  # fmt: skip
        if chance.random() < 0.6:
            rtype, given = chance.choice((quantity, composite, expression, missing, worded))(chance)
            if rtype == "Observation":
                params.append(("_typeFilter", f"{rtype}?{urlencode([given])}"))
    if chance.random() < 0.3:
        day = aim.twins.now.date().isoformat()
        params.append(("_since", f"{chance.choice(('2026-11-23', day))}T06:00:00Z"))
    if chance.random() < 0.2:
        params.append(("_until", f"{aim.twins.now.date().isoformat()}T05:00:00Z"))
    if chance.random() < 0.2:
        params.append(("_elements", "status,code"))
    if chance.random() < 0.2:
        params.append(("_outputFormat", chance.choice(("ndjson", "application/fhir+ndjson"))))
    named = level.partition("?")[0] != "$export" and chance.random() < 0.4
    if named:
        params.append(("patient", aim.person))
    if chance.random() < (0.6 if named else 0.3):
        body = {"resourceType": "Parameters", "parameter": [
            {"name": name, "valueReference": {"reference": value}} if name == "patient" else
            {"name": name, "valueString": value} for name, value in params]}  # fmt: skip
        return Probe("$export", "POST", level, page=("export", level, json.dumps(body)))
    path = f"{level}?{urlencode(params)}" if params else level
    return Probe("$export", "POST", path, page=("export", path, ""))  # alone: it writes


def done(aim: Aim) -> Probe:
    """A create unless it is there, carried out: it must not look at what is hidden."""
    chance, twins = aim.chance, aim.twins
    person = {"reference": f"Patient/{twins.ids[chance.choice(CAST)]}"}
    day = date(chance)
    if twins.viewer.kind == "patient":
        body: dict[str, Any] = {"resourceType": "QuestionnaireResponse", "status": "completed",
                                "subject": person, "authored": day}  # fmt: skip
        asked = urlencode([("authored", day[:7]), ("subject", person["reference"])])
    else:
        code = chance.choice(CODES)
        body = {
            "resourceType": "Observation", "status": "final", "subject": person,
            "code": {"coding": [{"system": LOINC, "code": code}]}, "effectiveDateTime": day,
        }  # fmt: skip
        asked = urlencode([("code", code), ("date", day[:4]), ("subject", person["reference"])])
    rtype = body["resourceType"]
    head = (("if-none-exist", asked),)
    return Probe("conditional create, carried out", "POST", rtype, json.dumps(body).encode(), head)


DONE = frozenset(("conditional create, carried out",))
FITTING: dict[str, set[str]] = {  # types a kind of path aims at best
    "search by number": {"RiskAssessment"},
    "search by quantity": {"Observation", "Encounter", "Condition"},
    "search by composite": {"Observation", "Group"},
    "search by position": {"Location"},
    "search by uri": {"Procedure", "CarePlan"},
    ":text and :of-type": {"Observation", "DiagnosticReport", "Condition"},
    ":in, :not-in, :above and :below": {"Observation", "Encounter"},
    "_filter": {"Observation"},
    "_text, _content and _list": {"List", "DiagnosticReport", "DocumentReference", "Condition"},
    "_sort by an amount": {"Observation", "RiskAssessment", "Encounter", "Condition"},
    "PATCH with tests": {"Observation", "DiagnosticReport"},
    "conditional reference": {"Observation", "Encounter"},
}
GRAMMAR: dict[str, Callable[[Aim], Probe]] = {
    **{kind: searched(kind) for kind in WAYS},
    "_sort by an amount": ordered,
    "compartment": compartment,
    "search of several types": several,
    "history of a type and of all": everywhere,
    "conditional read": since,
    "conditional write, any parameter": conditional,
    "conditional reference": referred,
    "conditional create, carried out": done,
    "PATCH with tests": patched,
    "PATCH in a Bundle": bundled,
    "$validate of one": validated,
    "$meta, everywhere": metas,
    "terminology": terms,
    "$export": exported,
}
