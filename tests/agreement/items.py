# SPDX-License-Identifier: EUPL-1.2
"""What a twin world holds: items, each written by itself, with a time and a chance of its own.

An item left out of a world shifts no other: not its ids, not its dates. `variant` changes what an item
says (values, dates, words, codes), never whose it is, who deposited it, its kind or its labels.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from carnet.documents.archive import ARCHIVED
from carnet.identity.ins import control_key

LOINC = "http://loinc.org"
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
UCUM = "http://unitsofmeasure.org"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SECURITY = "urn:oid:1.2.250.1.213.1.1.4.13"
MASKS = ("MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX")
CODES = ("2345-7", "4548-4", "2160-0", "718-7", "8867-4", "29463-7")
DOCUMENTS = ("11502-2", "11488-4", "34794-8", "60591-5", "57833-6", "60593-1", "REMB", "EXPPAT_3",
             "CERT_DECL", "0000-0")  # fmt: skip
WORDS = ("Bilan", "Contrôle", "Suivi", "Urgence", "Secret", "Consultation", "Douleur", "Fatigue")
KINDS_OF_IDENTIFIER = ("PLAC", "FILL")
MHD = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes"
PROTOCOLS = "https://carnet.test/protocols"
RPPS = "urn:oid:1.2.250.1.71.4.2.1"
CAST = ("patient", "minor", "elder", "parent")
DEPOSITORS = ("lab-software", "hospital-software", "gp", "nurse", "hospital-doctor", "pharmacist",
              "blocked", "outsider")  # fmt: skip
Body = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One request of an item; `{n}` in its path is the id of the item's own resource."""

    method: str
    path: str
    body: Callable[[random.Random, dict[str, str]], Body] | None
    raw: bytes | None = None


@dataclass(frozen=True)
class Item:
    """Something that enters a world, or does not.

    about: people it is about (keys of the cast, or of new patients); new: the patient it makes.
    """

    number: int
    name: str
    actor: str
    steps: tuple[Step, ...]
    about: tuple[str, ...] = ()
    new: str | None = None
    types: tuple[str, ...] = field(default=())


def make(seed: int, count: int) -> list[Item]:
    """Items of a world, one after the other."""
    chance = random.Random(f"items {seed}")
    people = list(CAST)
    items: list[Item] = []
    for number in range(count):
        if number in (1, 4, 9):
            key = f"new-{number}"
            items.append(_patient(number, key))
            people.append(key)
            continue
        # Each kind of thing comes round, so that a small world has them all.
        template = TEMPLATES[number % len(TEMPLATES)]
        items.append(template(number, chance, people, items))
    return items


def date(chance: random.Random) -> str:
    """A day of the last two years."""
    return f"{chance.choice((2025, 2026))}-{chance.randint(1, 11):02}-{chance.randint(1, 28):02}"


def _text(chance: random.Random) -> str:
    return " ".join(chance.sample(WORDS, 3)) + f" {chance.randint(1, 99)}"


def _labels(chance: random.Random) -> list[str]:
    return [mask for mask in MASKS if chance.random() < 0.3]


def _meta(labels: list[str]) -> Body:
    return (
        {"meta": {"security": [{"system": SECURITY, "code": code} for code in labels]}}
        if labels
        else {}
    )


def _subject(key: str) -> Body:
    return {"reference": f"Patient/{{{key}}}"}


def _by_contained(chance: random.Random, element: str) -> Body:
    """Who did it, as a person who stands in the resource itself."""
    person = {
        "resourceType": "Practitioner",
        "id": "who",
        "identifier": [{"system": RPPS, "value": str(chance.randint(1, 20))}],
        "name": [{"family": chance.choice(WORDS)}],
    }
    return {"contained": [person], element: [{"reference": "#who"}]}


def _amount(chance: random.Random, most: int, unit: str) -> Body:
    return {"value": chance.randint(1, most), "unit": unit, "system": UCUM, "code": unit}


def _canonical(chance: random.Random) -> str:
    return f"{PROTOCOLS}/{chance.randint(1, 3)}|{chance.randint(1, 2)}.{chance.randint(0, 1)}"


def _place(chance: random.Random, people: list[str]) -> tuple[str, str, list[str]]:
    weights = [4 if key == "patient" else 2 for key in people]
    return chance.choices(people, weights)[0], chance.choice(DEPOSITORS), _labels(chance)


def _patient(number: int, key: str) -> Item:
    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        root = (
            f"1{chance.randint(10, 99)}{chance.randint(1, 12):02}75{chance.randint(100000, 999999)}"
        )
        return {
            "resourceType": "Patient",
            "identifier": [
                {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": f"{root}{control_key(root):02}"}
            ],
            "name": [
                {"use": "official", "family": chance.choice(WORDS).upper(), "given": ["ALIX"]}
            ],
            "gender": "female",
            "birthDate": date(chance).replace("202", "197"),
        }

    step = Step("POST", "Patient", body)
    return Item(number, "patient", "hospital-software", (step,), (key,), key, ("Patient",))


def _observation_body(
    subject: str | None, category: str | None, labels: list[str], member: str | None
) -> Callable[[random.Random, dict[str, str]], Body]:
    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        made: Body = {
            "resourceType": "Observation",
            **_meta(labels),
            "identifier": [
                {
                    "type": {"coding": [{"system": V2_0203, "code": chance.choice(KINDS_OF_IDENTIFIER)}]},
                    "system": "urn:labo",
                    "value": f"r-{chance.randint(1, 60)}",
                }
            ],
            "status": chance.choice(("final", "amended")),
            "code": {
                "coding": [{"system": LOINC, "code": chance.choice(CODES)}],
                "text": _text(chance),
            },
            "effectiveDateTime": date(chance),
            "valueQuantity": {
                "value": chance.randint(1, 300), "unit": "mg/dL", "system": UCUM, "code": "mg/dL",
            },
            "component": [
                {
                    "code": {"coding": [{"system": LOINC, "code": "8480-6"}]},
                    "valueQuantity": {"value": chance.randint(1, 300), "system": UCUM, "code": "mm[Hg]"},
                }
            ],
        }  # fmt: skip
        made |= _by_contained(chance, "performer")
        if category:
            made["category"] = [{"coding": [{"system": CATEGORY, "code": category}]}]
        if subject:
            made["subject"] = _subject(subject)
        if member and member in ids:
            made["hasMember"] = [{"reference": f"Observation/{{{member}}}"}]
        return made

    return body


def _members(chance: random.Random, items: list[Item], rtype: str) -> list[str]:
    known = [f"i{item.number}" for item in items if item.types == (rtype,)]
    return chance.sample(known, min(len(known), 3))


def _observation(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    key, actor, labels = _place(chance, people)
    if number in (15, 30, 45):  # whatever the seed, something waits to be announced to the patient
        key, actor, labels = "patient", "lab-software", ["INVISIBLE_PATIENT"]
    category = chance.choice(("laboratory", "vital-signs", None))
    members = _members(chance, items, "Observation")
    member = members[0] if members else None
    body = _observation_body(key, category, labels, member)
    steps = [Step("POST", "Observation", body)]
    if actor.endswith("software"):  # the others may feed what they may not read again
        steps += [Step("PUT", f"Observation/{{i{number}}}", body)] * chance.choice((0, 1, 2))
    if actor.endswith("software") and chance.random() < 0.25:
        steps.append(Step("DELETE", f"Observation/{{i{number}}}", None))
    return Item(number, "observation", actor, tuple(steps), (key,), types=("Observation",))


def _chosen(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    key, actor, labels = _place(chance, people)
    id = f"{chance.getrandbits(32):08x}-0000-4000-8000-{number:012x}"
    body = _observation_body(key, "laboratory", labels, None)
    step = Step("PUT", f"Observation/{id}", body)
    return Item(number, "chosen-id", actor, (step,), (key,), types=("Observation",))


def _report(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    key, actor, labels = _place(chance, people)
    if chance.random() < 0.5:  # seen by many, it points to what not all of them see
        key, labels = chance.choice(CAST[:3]), []
    members = _members(chance, items, "Observation")
    if number % len(TEMPLATES) > 5:  # a list of results, then of documents, by turns
        made = _list if number // len(TEMPLATES) % 2 else _folder
        named = members if made is _list else _members(chance, items, "DocumentReference")
        return made(number, key, actor, labels, named)

    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        return {
            "resourceType": "DiagnosticReport",
            **_meta(labels),
            "status": "final",
            "code": {"coding": [{"system": LOINC, "code": "11502-2"}], "text": _text(chance)},
            "subject": _subject(key),
            "effectiveDateTime": date(chance),
            "conclusion": _text(chance),
            "result": [
                {"reference": f"Observation/{{{member}}}"} for member in members if member in ids
            ],
        }

    step = Step("POST", "DiagnosticReport", body)
    return Item(number, "report", actor, (step,), (key,), types=("DiagnosticReport",))


def _list(number: int, key: str, actor: str, labels: list[str], members: list[str]) -> Item:
    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        return {
            "resourceType": "List",
            **_meta(labels),
            "status": "current",
            "mode": "working",
            "title": _text(chance),
            "subject": _subject(key),
            "entry": [
                {"item": {"reference": f"Observation/{{{member}}}"}}
                for member in members
                if member in ids
            ],
        }

    return Item(number, "list", actor, (Step("POST", "List", body),), (key,), types=("List",))


def _folder(number: int, key: str, actor: str, labels: list[str], members: list[str]) -> Item:
    """A folder of documents, or what was sent together: it bears the masks of what it names."""

    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        kind = chance.choice(("folder", "submissionset"))
        named = [
            {"item": {"reference": f"DocumentReference/{{{each}}}"}}
            for each in members
            if each in ids
        ]
        return {
            "resourceType": "List",
            **_meta(labels),
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:oid:1.3.{number}"}],
            "status": "current",
            "mode": "working",
            "title": _text(chance),
            "code": {"coding": [{"system": MHD, "code": kind}]},
            "subject": _subject(key),
            **({"entry": named} if named else {}),
        }

    return Item(number, "folder", actor, (Step("POST", "List", body),), (key,), types=("List",))


CLINICAL: dict[str, Callable[[random.Random, str], Body]] = {
    "Condition": lambda c, s: {"subject": _subject(s), "code": {"text": _text(c)},
                               "recordedDate": date(c), "onsetAge": _amount(c, 90, "a")},
    "AllergyIntolerance": lambda c, s: {"patient": _subject(s), "code": {"text": _text(c)},
                                        "recordedDate": date(c)},
    "MedicationRequest": lambda c, s: {
        "status": "active", "intent": "order", "subject": _subject(s),
        "medicationCodeableConcept": {"text": _text(c)}, "authoredOn": date(c)},
    "Coverage": lambda c, s: {
        "status": "active", "beneficiary": _subject(s), "payor": [_subject(s)],
        "subscriberId": str(c.randint(1, 999))},
    "Encounter": lambda c, s: {
        "status": "finished", "subject": _subject(s), "class": {"system": ACT, "code": "AMB"},
        "length": _amount(c, 90, "min"), "period": {"start": date(c)}},
    "Procedure": lambda c, s: {"status": "completed", "subject": _subject(s),
                               "code": {"text": _text(c)}, "performedDateTime": date(c),
                               "instantiatesCanonical": [_canonical(c)],
                               "instantiatesUri": [f"{PROTOCOLS}/{c.randint(1, 5)}/a"]},
    "CarePlan": lambda c, s: {"status": "active", "intent": "plan", "subject": _subject(s),
                              "title": _text(c),
                              "instantiatesCanonical": [_canonical(c)],
                              "instantiatesUri": [f"{PROTOCOLS}/{c.randint(1, 5)}"]},
    "Communication": lambda c, s: {"status": "completed", "subject": _subject(s), "sent": date(c) +
                                   "T10:00:00Z", "payload": [{"contentString": _text(c)}]},
    "Flag": lambda c, s: {"status": "active", "subject": _subject(s), "code": {"text": _text(c)}},
    "Claim": lambda c, s: {
        "status": "active", "type": {"text": "soins"}, "use": "claim", "patient": _subject(s),
        "created": date(c), "provider": {"display": "x"}, "priority": {"text": "normal"},
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "x"}}]},
    "RiskAssessment": lambda c, s: {
        "status": "final", "subject": _subject(s), "occurrenceDateTime": date(c),
        "prediction": [{"outcome": {"text": _text(c)}, "probabilityDecimal": c.randint(1, 9) / 10}]},
}  # fmt: skip


def _clinical(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    key, actor, labels = _place(chance, people)
    # Three each round of the templates: all of them in a small world.
    turn = number // len(TEMPLATES) * 3 + (number % len(TEMPLATES)) // 5
    rtype = list(CLINICAL)[turn % len(CLINICAL)]

    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        return {"resourceType": rtype, **_meta(labels), **CLINICAL[rtype](chance, key)}

    steps = (Step("POST", rtype, body),)
    return Item(number, "clinical", actor, steps, (key,), types=(rtype,))


# What several documents of a record say: the same one, from several sources.
LEAFLETS = ("consignes", "compte rendu")


def _archived(flag: bool) -> Body:
    """Put aside by who reads it (PDSm, isArchived)."""
    return {"extension": [{"url": ARCHIVED, "valueBoolean": True}]} if flag else {}


def _document(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    key, actor, labels = _place(chance, people)
    code = chance.choice(DOCUMENTS)

    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        said = chance.choice(LEAFLETS) if chance.random() < 0.4 else _text(chance)
        data = base64.b64encode(said.encode()).decode()
        document: Body = {
            "resourceType": "DocumentReference",
            "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:oid:1.2.{number}"},
            "status": "current",
            "type": {"coding": [{"system": LOINC if "-" in code else "urn:x", "code": code}]},
            "subject": _subject(key),
            "date": date(chance) + "T08:00:00Z",
            "description": _text(chance),
            **_archived(chance.random() < 0.25),
            **_by_contained(chance, "author"),
            "securityLabel": [
                {"coding": [{"system": SECURITY, "code": each}]} for each in ["N", *labels]
            ],
            "content": [
                {"attachment": {"contentType": "text/plain", "url": "urn:uuid:b",
                                "title": _text(chance)}}
            ],
        }  # fmt: skip
        binary = {"resourceType": "Binary", "contentType": "text/plain", "data": data}
        return {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {"fullUrl": "urn:uuid:d", "resource": document,
                 "request": {"method": "POST", "url": "DocumentReference"}},
                {"fullUrl": "urn:uuid:b", "resource": binary,
                 "request": {"method": "POST", "url": "Binary"}},
            ],
        }  # fmt: skip

    types = ("DocumentReference", "Binary")
    return Item(number, "document", actor, (Step("POST", "", body),), (key,), types=types)


def _both(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    _, actor, labels = _place(chance, people)
    # Whose record it is in, and no mask: being about two is what hides it.
    first, labels = (("patient", "minor")[number // len(TEMPLATES) % 2]), labels[:0]
    second = chance.choice([key for key in people if key != first])

    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        return {
            "resourceType": "Appointment",
            **_meta(labels),
            "status": "booked",
            "start": date(chance) + "T09:00:00Z",
            "end": "2026-12-31T10:00:00Z",
            "description": _text(chance),
            "participant": [
                {"actor": _subject(each), "status": "accepted"} for each in (first, second)
            ],
        }

    steps = (Step("POST", "Appointment", body),)
    return Item(number, "two-people", actor, steps, (first, second), types=("Appointment",))


def _loose(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        data = base64.b64encode(_text(chance).encode()).decode()
        return {"resourceType": "Binary", "contentType": "text/plain", "data": data}

    steps = (Step("POST", "Binary", body),)
    return Item(number, "loose", chance.choice(DEPOSITORS), steps, types=("Binary",))


def _bucket(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    actor = chance.choice(("lab-software", "hospital-software", "hospital-doctor", "gp"))
    rtype = "Observation"
    body = _observation_body(None, "laboratory", [], None)
    turn = (number // len(TEMPLATES)) % 4
    if turn < 2:
        return (_location, _group)[turn](number, chance, people, items)
    if actor.endswith("software") and chance.random() < 0.5:
        rtype = "Practitioner"

        def practitioner(chance: random.Random, ids: dict[str, str]) -> Body:
            return {
                "resourceType": "Practitioner",
                "identifier": [{"system": "urn:local", "value": f"p-{chance.randint(1, 999)}"}],
                "name": [{"family": chance.choice(WORDS)}],
            }

        body = practitioner
    return Item(number, "bucket", actor, (Step("POST", rtype, body),), types=(rtype,))


def _location(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        latitude, longitude = 48 + chance.randint(80, 90) / 100, 2 + chance.randint(30, 40) / 100
        return {
            "resourceType": "Location",
            "name": _text(chance),
            "position": {"latitude": round(latitude, 2), "longitude": round(longitude, 2)},
        }

    actor = chance.choice(("lab-software", "hospital-software"))
    return Item(number, "bucket", actor, (Step("POST", "Location", body),), types=("Location",))


def _group(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    about = tuple(chance.sample(CAST, chance.randint(1, 2)))

    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        return {
            "resourceType": "Group",
            "type": "person",
            "actual": True,
            "characteristic": [
                {
                    "code": {"coding": [{"system": "urn:x", "code": "age"}]},
                    "valueCodeableConcept": {
                        "coding": [{"system": "urn:x", "code": chance.choice(WORDS)}]
                    },
                    "exclude": False,
                }
            ],
            "member": [{"entity": _subject(each)} for each in about],
        }

    actor = chance.choice(("lab-software", "hospital-software"))
    return Item(number, "group", actor, (Step("POST", "Group", body),), about, types=("Group",))


def _declared(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    key = chance.choice(CAST)

    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        return {
            "resourceType": "QuestionnaireResponse",
            "status": "completed",
            "subject": _subject(key),
            "authored": date(chance),
            "item": [{"linkId": "1", "answer": [{"valueString": _text(chance)}]}],
        }

    steps = [Step("POST", "QuestionnaireResponse", body)]
    if chance.random() < 0.5:
        steps.append(Step("PUT", f"QuestionnaireResponse/{{i{number}}}", body))
    types = ("QuestionnaireResponse",)
    return Item(number, "declared", key, tuple(steps), (key,), types=types)


def _secret(number: int, chance: random.Random, people: list[str], items: list[Item]) -> Item:
    """In a minor's secret connection, by them or by who treats them; or by a parent, openly."""
    turn = (number // len(TEMPLATES)) % 5
    if turn == 4:
        made = _declared(number, chance, people, items)
        return replace(made, name="by a parent", actor="parent", about=("minor",), steps=tuple(
            replace(step, body=_about_minor) for step in made.steps[:1]
        ))  # fmt: skip
    if turn == 0:
        step = Step("POST", "QuestionnaireResponse", _about_minor)
        types: tuple[str, ...] = ("QuestionnaireResponse",)
        return Item(number, "secret", "minor+secret", (step,), ("minor",), types=types)
    if turn == 1:
        body = _observation_body("minor", "laboratory", [], None)
        steps = [Step("POST", "Observation", body), Step("PUT", f"Observation/{{i{number}}}", body)]
        return Item(number, "secret", "lab-software+secret", tuple(steps), ("minor",),
                    types=("Observation",))  # fmt: skip
    made = _document(number, chance, ["minor"], items)
    actor = ("gp+secret", "hospital-software+secret")[turn - 2]
    return replace(made, name="secret", actor=actor, about=("minor",))


def _about_minor(chance: random.Random, ids: dict[str, str]) -> Body:
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": _subject("minor"),
        "authored": date(chance),
        "item": [{"linkId": "1", "answer": [{"valueString": _text(chance)}]}],
    }


Template = Callable[[int, random.Random, list[str], list[Item]], Item]
TEMPLATES: tuple[Template, ...] = (
    _observation, _document, _clinical, _observation, _report, _document, _clinical, _chosen,
    _both, _loose, _report, _bucket, _clinical, _declared, _secret,
)  # fmt: skip
