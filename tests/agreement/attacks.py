# SPDX-License-Identifier: EUPL-1.2
"""Paths of the twin worlds an attacker would try: writes that collide with what is hidden, states, forms.

What is carried out is undone by `World.forget`, and so makes new resources only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from tests import people
from tests.agreement.aims import Aim, Probe, bundle, get, span, token
from tests.agreement.items import (
    CAST,
    CATEGORY,
    CODES,
    DOCUMENTS,
    LOINC,
    SECURITY,
    WORDS,
    date,
)
from tests.agreement.standard import FORM, NEVER, NOBODY

REFUSED = {"reference": f"Observation?_id={'b' * 25}a"}  # a condition that nothing fulfils
PREFERENCES = ("return=minimal", "return=representation", "return=OperationOutcome",
               "handling=lenient", "handling=strict")  # fmt: skip
OTHER_MARKS = ("announced", "announce-later", "hide-from-representatives",
               "show-to-representatives")  # fmt: skip
POINTERS = {
    "Observation": ("hasMember", "derivedFrom", "focus"), "DocumentReference": ("derivedFrom", "focus"),
    "Procedure": ("partOf",), "CarePlan": ("basedOn",), "MedicationRequest": ("basedOn",),
    "Encounter": ("encounter",),
}  # fmt: skip
BUNDLED = ("batch", "transaction")
SINCE = ("2026-11-23T00:00:00Z", "2027-01-01T00:00:00Z")


def _sent(kind: str, method: str, path: str, body: Any, *headers: tuple[str, str]) -> Probe:
    return Probe(kind, method, path, json.dumps(body).encode(), headers)


def _of(key: str) -> str | None:
    return people.POPULATION.persona(key.partition("+")[0]).establishment


def _cast(aim: Aim) -> dict[str, str]:
    return {"reference": f"Patient/{aim.twins.ids[aim.chance.choice(CAST)]}"}


def _observation(aim: Aim, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "subject": _cast(aim),
            "code": {"coding": [{"system": LOINC, "code": aim.chance.choice(CODES)}]},
            "effectiveDateTime": date(aim.chance), **more}  # fmt: skip


def _answers(aim: Aim, **more: Any) -> dict[str, Any]:
    return {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": _cast(aim),
            "authored": date(aim.chance), **more}  # fmt: skip


def _bundle(
    kind: str, style: str, entries: list[dict[str, Any]], *headers: tuple[str, str]
) -> Probe:
    body = {"resourceType": "Bundle", "type": style, "entry": entries}
    return _sent(kind, "POST", "", body, *headers)


def _entry(method: str, url: str, resource: Any = None, **more: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"request": {"method": method, "url": url, **more}}
    return entry if resource is None else {"resource": resource, **entry}


# ------------------------------------------------------------------------ writes that are carried out


def taken(aim: Aim) -> Probe:
    """An update that creates, under an id that something hidden has, or that nothing has."""
    kind, chance = "a hidden id, taken", aim.chance
    id = aim.address("Observation").split("/")[1]
    if "-" not in id or aim.item.number not in aim.twins.hidden:
        id = str(UUID(int=chance.getrandbits(128), version=4))
    made = _observation(aim, id=id)
    heads = (("prefer", chance.choice(PREFERENCES)),) if chance.random() < 0.5 else ()
    how = chance.random()
    if how < 0.25:
        return _sent(kind, "PUT", f"Observation?_id={id}", made, *heads)
    if how < 0.5:
        entries = [_entry("PUT", f"Observation/{id}", made), _entry("GET", f"Observation/{id}")]
        return _bundle(kind, chance.choice(BUNDLED), entries, *heads)
    return _sent(kind, "PUT", f"Observation/{id}", made, *heads)


def pointing(aim: Aim) -> Probe:
    """A create that points to what is hidden: whether it is there is not asked, or told."""
    kind, chance = "a create that points to what is hidden", aim.chance
    target = {"reference": aim.address()}
    rtype = target["reference"].split("/")[0]
    if chance.random() < 0.2:
        target["reference"] += f"/_history/{chance.randint(1, 3)}"
    if aim.twins.viewer.kind == "patient":
        made = _answers(aim, **{"basedOn" if rtype == "CarePlan" else "partOf": [target]})
        made["subject"] = {"reference": f"Patient/{aim.twins.ids['patient']}"}
    else:
        name = chance.choice(POINTERS.get(rtype, ("focus",)))
        made = _observation(aim, **{name: target if name == "encounter" else [target]})
    rtype = made["resourceType"]
    if chance.random() < 0.3:
        entries = [
            _entry("POST", rtype, made),
            _entry("GET", f"{rtype}?_include=*&_lastUpdated=ge{aim.twins.now.date().isoformat()}"),
        ]
        return _bundle(kind, "transaction", entries)
    return _sent(kind, "POST", rtype, made, ("prefer", chance.choice(PREFERENCES)))


# ---------------------------------------------------------------------------- writes that are refused


def again(aim: Aim) -> Probe:
    """A document deposited once more, or said to replace another: by its number, by its address."""
    chance, twins = aim.chance, aim.twins
    # What one's own organisation deposited answers by its number, seen or not: DESIGN §3.
    others = [item.number for item in twins.items if _of(item.actor) != _of(twins.persona)]
    own = aim.item.number in others and chance.random() < 0.5
    number = aim.item.number if own else chance.choice(others)
    document = {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:oid:1.2.{number}"},
        "status": "current",
        "type": {"coding": [{"system": LOINC, "code": chance.choice(DOCUMENTS[:6])}]},
        "subject": _cast(aim),
        "date": date(chance) + "T08:00:00Z",
        "securityLabel": [{"coding": [{"system": SECURITY, "code": "N"}]}],
        "content": [{"attachment": {"contentType": "text/plain", "url": "urn:uuid:b"}}],
    }
    if chance.random() < 0.5:
        old = chance.choice((
            aim.address("DocumentReference"),
            f"DocumentReference?identifier=urn:ietf:rfc:3986|urn:oid:1.2.{number}",
        ))  # fmt: skip
        code = chance.choice(("replaces", "appends"))
        if not old.startswith("DocumentReference"):
            old = f"DocumentReference/{old.split('/')[1]}"
        document["relatesTo"] = [{"code": code, "target": {"reference": old}}]
    binary: dict[str, Any] = {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}
    if chance.random() < 0.3:
        binary["securityContext"] = {"reference": aim.address()}
    more = {"ifNoneExist": f"identifier=urn:ietf:rfc:3986|urn:oid:1.2.{number}"}
    unless = chance.random() < 0.4
    entries = [
        {"fullUrl": "urn:uuid:d",
         **_entry("POST", "DocumentReference", document, **(more if unless else {}))},
        {"fullUrl": "urn:uuid:b", **_entry("POST", "Binary", binary)},
    ]  # fmt: skip
    if not unless:  # that one is carried out
        entries.append(_entry("POST", "Observation", _observation(aim, hasMember=[REFUSED])))
    return _bundle("a document deposited again", "transaction", entries)


def generated(aim: Aim) -> Probe:
    """$generate-metadata: a FHIR document with the number of another, or that replaces it or adds to it."""
    chance, twins = aim.chance, aim.twins
    others = [item.number for item in twins.items if _of(item.actor) != _of(twins.persona)]
    number = aim.item.number if aim.item.number in others else chance.choice(others)
    named = {"system": "urn:ietf:rfc:3986", "value": f"urn:oid:1.2.{number}"}
    own = {"system": "urn:ietf:rfc:3986", "value": f"urn:oid:1.3.{chance.getrandbits(60)}"}
    composition = {
        "resourceType": "Composition", "status": "final", "title": chance.choice(WORDS),
        "type": {"coding": [{"system": LOINC, "code": chance.choice(DOCUMENTS[:6])}]},
        "subject": _cast(aim), "author": [{"display": "x"}],
        "date": date(chance) + "T08:00:00Z",
        "relatesTo": [{"code": chance.choice(("replaces", "appends")), "targetIdentifier": named}],
    }  # fmt: skip
    if chance.random() < 0.3:
        own = named
    document = {
        "resourceType": "Bundle", "type": "document", "identifier": own,
        "timestamp": "2026-11-23T06:00:00Z",
        "entry": [{"resource": composition}],
    }  # fmt: skip
    body = {"resourceType": "Parameters", "parameter": [{"name": "document", "resource": document}]}
    return _sent("$generate-metadata", "POST", "DocumentReference/$generate-metadata", body)


def colliding(aim: Aim) -> Probe:
    """Entries of a Bundle that meet on what is hidden: the same twice, by address and by condition."""
    chance, address = aim.chance, aim.address("Observation")
    if aim.item.number not in aim.twins.hidden:
        address = f"Observation/{'b' * 25}a"
    rtype, id = address.split("/")
    never = {"ifMatch": 'W/"99"'}
    put = {"resourceType": rtype, "id": id, "status": "nonsense", "subject": NOBODY}
    asked = f"{rtype}?_id={id}"
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
        {"name": "type", "valueCode": "delete"},
        {"name": "path", "valueString": f"{rtype}.status"}]}]}  # fmt: skip
    entries = chance.sample(
        [
            _entry("PUT", address, put, **never),
            _entry("PUT", asked, put | {"id": id}, **never),
            _entry("DELETE", address, **never),
            _entry("DELETE", asked, **never),
            _entry("PATCH", address, patch, **never),
            _entry("PATCH", asked, patch, **never),
            _entry("POST", rtype, put, ifNoneExist=f"_id={id}"),
            _entry("GET", address, ifNoneMatch=f'W/"{chance.randint(1, 3)}"'),
            _entry("GET", address, ifModifiedSince=chance.choice(SINCE)),
        ],
        chance.randint(1, 3),
    )
    refused = _entry("POST", "Observation", _observation(aim, hasMember=[REFUSED]))
    return _bundle("entries that collide", chance.choice(BUNDLED), [*entries, refused])


# ------------------------------------------------------------------------------------------- reads


def headed(aim: Aim) -> Probe:
    """HEAD and OPTIONS: what is not sent has a length, and methods that depend on nothing."""
    chance, address = aim.chance, aim.address()
    path = chance.choice((address, f"{address}/_history", f"{address}/_history/1",
                          aim.search(token(aim)), f"{aim.person}/$everything"))  # fmt: skip
    return Probe("HEAD and OPTIONS", chance.choice(("HEAD", "HEAD", "OPTIONS")), path)


def reads_of_bundle(aim: Aim) -> Probe:
    """Reads of all kinds in a Bundle, with conditions."""
    chance, address = aim.chance, aim.address()
    found = [
        _entry("GET", address, ifNoneMatch=f'W/"{chance.randint(1, 3)}"'),
        _entry("GET", address, ifModifiedSince=chance.choice(SINCE)),
        _entry("GET", f"{address}/_history"),
        _entry("GET", f"{address}/_history/{chance.randint(1, 3)}"),
        _entry("GET", aim.search(span(aim), ("_count", "0"))),
        _entry("GET", f"{aim.person}/$everything?_count=3"),
        _entry("GET", f"{aim.rtype}/_history?_count=3"),
        _entry("HEAD", address),
    ]
    return _bundle("reads in a Bundle", chance.choice(BUNDLED), chance.sample(found, 3))


def shaped(aim: Aim) -> Probe:
    """Answers in other forms: indented, named, lenient."""
    chance = aim.chance
    given = [token(aim), chance.choice((("_pretty", "true"), ("_format", "json"),
             ("_format", "application/fhir+json"), ("_format", "xml"), ("colour", "green")))]  # fmt: skip
    path = aim.search(*given)
    if chance.random() < 0.4:
        path = f"{aim.address()}?{urlencode([given[1]])}"
    return get("forms of answers", path, headers=(("prefer", chance.choice(PREFERENCES)),))


def metadata(aim: Aim) -> Probe:
    """What every resource has: tags, profiles, sources, numbers of others in a reference."""
    chance = aim.chance
    value = chance.choice(aim.twins.numbers)
    rtype = aim.rtype if aim.owner == "subject" else "Observation"
    given = chance.choice((
        ("_tag", "urn:x|a"), ("_tag:not", "urn:x|a"), ("_profile", "http://hl7.org/fhir/x"),
        ("_profile:below", "http://hl7.org/fhir"), ("_source", "urn:x"), ("_source:missing", "true"),
        ("_security:not", f"{SECURITY}|MASQUE_PS"), ("_security:missing", chance.choice(("true", "false"))),
        ("subject:Patient", aim.person.split("/")[1]),
        ("subject:identifier", f"urn:oid:1.2.250.1.213.1.4.10|{value}"),
        ("subject:missing", "true"), ("date:missing", chance.choice(("true", "false"))),
    ))  # fmt: skip
    if given[0].startswith("date") and rtype not in ("Observation", "DiagnosticReport"):
        rtype = "Observation"
    more = chance.choice(((), (("_total", "accurate"),), (("_count", "0"),), (("_count", "1"),)))
    return get("what every resource has", f"{rtype}?{urlencode([given, *more])}", follow=True)


def denied(aim: Aim) -> Probe:
    """Negations through references: what is not pointed to, and what points to nothing so."""
    chance = aim.chance
    rtype, given = chance.choice((
        ("Observation", ("_has:DiagnosticReport:result:code:not", "11502-2")),
        ("Observation", ("_has:DiagnosticReport:result:date:missing", "false")),
        ("Observation", ("_has:Observation:has-member:code:not-in",
                         "http://hl7.org/fhir/ValueSet/observation-codes")),
        ("Patient", ("_has:Observation:subject:code:not", chance.choice(CODES))),
        ("Patient", ("_has:Observation:subject:value-quantity:missing", "true")),
        ("Patient", ("_has:DocumentReference:subject:type:not", chance.choice(DOCUMENTS))),
        ("Patient", ("_has:Observation:subject:_has:DiagnosticReport:result:status", "final")),
        ("DiagnosticReport", ("result:Observation.code:not", chance.choice(CODES))),
        ("DiagnosticReport", ("result:Observation.value-quantity:missing", "false")),
        ("DiagnosticReport", ("result:not-a-modifier", "x")),
        ("Observation", ("has-member:Observation.date", f"ap{date(chance)}")),
        ("Observation", ("subject:Patient.family:exact", chance.choice(WORDS).upper())),
        ("Observation", ("_filter", f"not (subject:Patient._id eq {aim.person.split('/')[1]})")),
        ("Observation", ("_filter", "not (_has:DiagnosticReport:result:status eq final)")),
        ("Observation", ("_filter", f"not (has-member eq {aim.address('Observation')})")),
    ))  # fmt: skip
    more = chance.choice(
        ((), (("_total", "accurate"),), (("_summary", "count"),), (("_count", "1"),))
    )
    return get("negations through references", f"{rtype}?{urlencode([given, *more])}", follow=True)


def operators(aim: Aim) -> Probe:
    """Every operator of _filter."""
    chance, day = aim.chance, date(aim.chance)
    amount = chance.randint(1, 300)
    sets = quote("http://hl7.org/fhir/ValueSet/observation-status", safe=":/")
    test = chance.choice((
        *(f"value-quantity {each} {amount}" for each in "ne ge le sa eb".split()),
        *(f"date {each} {day}" for each in "eq ne ge le sa eb ap".split()),
        f"status in {sets}", f"status ni {sets}", f"code ne {chance.choice(CODES)}",
        f"subject re {aim.person}", f"has-member re {aim.address('Observation')}",
        f"category ss {CATEGORY}|laboratory", f"category sb {CATEGORY}|laboratory",
        "value-quantity pr false", "has-member pr false",
    ))  # fmt: skip
    given = [("_filter", test), *chance.choice(([], [("_summary", "count")], [("_count", "2")]))]
    return get("_filter, every operator", f"Observation?{urlencode(given)}", follow=True)


def everywhere(aim: Aim) -> Probe:
    """Everything at once, or some types: by what they share."""
    chance, kind = aim.chance, "search of everything"
    id, day = aim.address().split("/")[1], aim.twins.now.date().isoformat()
    types = ("_type", ",".join(sorted({aim.rtype, chance.choice(("Observation", "Condition"))})))
    given = [chance.choice((
        ("_id", id), ("_lastUpdated", f"ge{day}"), ("_security", f"{SECURITY}|MASQUE_PS"),
        ("_security:not", f"{SECURITY}|MASQUE_PS"), ("_content", chance.choice(WORDS)), types,
    ))]  # fmt: skip
    if given[0] == types or chance.random() < 0.5:
        given = [types]
        shared = aim.owner == "subject" and aim.rtype not in ("Group", "List", "Communication")
        if shared and chance.random() < 0.7:
            given.append(chance.choice((
                ("subject", aim.person), ("subject:Patient._id", aim.person.split("/")[1]),
                ("subject:missing", "false"), ("subject:Patient.family", chance.choice(WORDS)),
            )))  # fmt: skip
    given += chance.choice((
        (), (("_total", "accurate"),), (("_summary", "count"),), (("_count", "2"),),
        (("_sort", "-_lastUpdated"), ("_count", "3")), (("_include", "*:*"),),
    ))  # fmt: skip
    if chance.random() < 0.2:
        return Probe(kind, "POST", "_search", urlencode(given).encode(), FORM)
    if chance.random() < 0.2:
        return bundle(kind, chance.choice(BUNDLED), [f"?{urlencode(given)}"])
    return get(kind, f"?{urlencode(given)}", follow=True)


def past(aim: Aim) -> Probe:
    """The history of one, in part: versions of what is hidden leave no gap."""
    chance = aim.chance
    day = aim.twins.now.date().isoformat()
    given = chance.choice((("_count", str(chance.randint(1, 2))), ("_since", f"{day}T06:00:00Z"),
                           ("_since", "2026-11-23T00:00:00Z"), ("_at", "2026-11-24")))  # fmt: skip
    address = f"{aim.address()}/_history?{urlencode([given])}"
    return get("history of one, in part", address, follow=True)


def whole(aim: Aim) -> Probe:
    """$everything between days, of no resource, and by POST."""
    chance = aim.chance
    given = chance.choice(([("end", date(chance))], [("_count", "0")], [("_count", "1")],
                           [("start", "2025-03-01"), ("end", "2026-03-01"), ("_count", "2")]))  # fmt: skip
    if chance.random() < 0.2:
        return Probe("$everything, between days", "POST", f"{aim.person}/$everything",
                     urlencode(given).encode(), FORM)  # fmt: skip
    return get(
        "$everything, between days", f"{aim.person}/$everything?{urlencode(given)}", follow=True
    )


def operated(aim: Aim) -> Probe:
    """Operations that are another's: marks of a document, jobs, proofs, terms by the id of a resource."""
    chance, kind = aim.chance, "operations of others"
    document = aim.address("DocumentReference")
    if aim.item.number not in aim.twins.hidden or not document.startswith("DocumentReference"):
        document = f"DocumentReference/{'b' * 25}a"
    id = aim.address().split("/")[1]
    parameters: dict[str, Any] = {"resourceType": "Parameters", "parameter": []}
    if chance.random() < 0.1:  # to a domain that no trust list names: nothing leaves
        said = {"to": "nobody@elsewhere.test", "text": "x"}
        parameters["parameter"] = [{"name": n, "valueString": v} for n, v in said.items()]
        return _sent(kind, "POST", f"{document}/$send-mail", parameters)
    path = chance.choice((
        *(f"{document}/${each}" for each in OTHER_MARKS),
        "$import", "$meta", f"{aim.rtype}/$meta", f"AuditEvent/{id}/$proof",
    ))  # fmt: skip
    if chance.random() < 0.5:
        return _sent(kind, "POST", path, parameters)
    code = urlencode({"url": CATEGORY, "code": "laboratory", "codeA": "a", "codeB": "b"})
    address = aim.address()
    return get(kind, chance.choice((
        f"CodeSystem/{id}/$validate-code?{code}", f"CodeSystem/{id}/$subsumes?{code}",
        f"ValueSet/{id}/$expand", f"ValueSet/{id}/$validate-code?{code}",
        f"$export-job/{id}", f"$export-job/{id}/1", f"$import-job/{id}/1", f"AuditEvent/{id}/$proof",
        f"{address}/$meta", f"{address}/_history/{chance.randint(1, 2)}/$meta",
    )))  # fmt: skip


def by_post(aim: Aim) -> Probe:
    """Operations that read, by POST: $meta, $explain, terms, exports; a job of somebody else ended."""
    chance, kind = aim.chance, "operations by POST"
    id, address = aim.address().split("/")[1], aim.address()
    if chance.random() < 0.15:
        return Probe(kind, "DELETE", f"$export-job/{id}", headers=NEVER)
    codes = {"resourceType": "Parameters", "parameter": [
        {"name": "url", "valueUri": CATEGORY}, {"name": "system", "valueUri": LOINC},
        {"name": "code", "valueCode": chance.choice(CODES)}]}  # fmt: skip
    return _sent(kind, "POST", chance.choice((
        f"{address}/$meta", "CodeSystem/$lookup", "CodeSystem/$validate-code", "CodeSystem/$subsumes",
        f"CodeSystem/{id}/$validate-code", f"CodeSystem/{id}/$subsumes", "ValueSet/$expand",
        f"ValueSet/{id}/$expand", "ValueSet/$validate-code", f"ValueSet/{id}/$validate-code",
        f"{aim.person}/$explain",
    )), codes)  # fmt: skip


def validated(aim: Aim) -> Probe:
    """$validate and the terminology given what a patient's data say: they answer by what they are given."""
    chance = aim.chance
    body = _observation(aim, hasMember=[{"reference": aim.address("Observation")}],
                        encounter={"reference": aim.address("Encounter")},
                        contained=[{"resourceType": "Observation", "id": "a"}])  # fmt: skip
    if chance.random() < 0.5:
        body["subject"] = {"reference": f"Patient?identifier={chance.choice(aim.twins.numbers)}"}
    sent: Any = body
    if chance.random() < 0.6:
        profile = f"http://hl7.org/fhir/StructureDefinition/{chance.choice(('vitalsigns', 'x'))}"
        sent = {"resourceType": "Parameters", "parameter": [
            {"name": "resource", "resource": body}, {"name": "profile", "valueUri": profile},
            {"name": "mode", "valueCode": chance.choice(("create", "update"))}]}  # fmt: skip
    of = chance.choice(("Observation", aim.address("Observation")))
    return _sent("$validate with other data", "POST", f"{of}/$validate", sent)


def plain_batch(aim: Aim) -> Probe:
    """The same resource by six ways at once: they agree with each other, or tell."""
    address = aim.address()
    rtype, id = address.split("/")
    return bundle("one resource, every way", "batch", [
        address, f"{address}/_history", f"{address}/_history/1", f"{rtype}?_id={id}",
        f"{rtype}?_id={id}&_summary=count", f"{address}/$meta", f"{rtype}?_id={id}&_include=*&_revinclude=*",
    ])  # fmt: skip


# One at a time each, and what they make is taken away again.
DONE = frozenset(
    (
        "a hidden id, taken",
        "a create that points to what is hidden",
        "a document deposited again",
        "$generate-metadata",
    )
)
HEAVY = frozenset(("$everything, between days", *DONE))
FITTING: dict[str, set[str]] = {
    "a hidden id, taken": {"Observation"},
    "a create that points to what is hidden": {"Observation", "Encounter", "DocumentReference"},
    "a document deposited again": {"DocumentReference"},
    "$generate-metadata": {"DocumentReference"},
    "entries that collide": {"Observation"},
    "negations through references": {"Observation", "DiagnosticReport"},
    "_filter, every operator": {"Observation"},
    "$validate with other data": {"Observation", "Encounter"},
}
GRAMMAR: dict[str, Callable[[Aim], Probe]] = {
    "a hidden id, taken": taken,
    "a create that points to what is hidden": pointing,
    "a document deposited again": again,
    "$generate-metadata": generated,
    "entries that collide": colliding,
    "HEAD and OPTIONS": headed,
    "reads in a Bundle": reads_of_bundle,
    "forms of answers": shaped,
    "what every resource has": metadata,
    "negations through references": denied,
    "_filter, every operator": operators,
    "search of everything": everywhere,
    "history of one, in part": past,
    "$everything, between days": whole,
    "operations of others": operated,
    "operations by POST": by_post,
    "$validate with other data": validated,
    "one resource, every way": plain_batch,
}
