# SPDX-License-Identifier: EUPL-1.2
"""The demonstration's people, written through the same acts as anyone's: directory, identities, documents.

Nobody here exists. What only an operator may write (subjects, teams, blocks) goes by the migrating role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from carnet.access import queries
from carnet.access.actor import Actor, ActorKind
from carnet.app.parts import Built, actor, visit
from carnet.directory.load import load as load_directory
from carnet.documents.receive import receive
from carnet.population import Establishment, Person, Persona, Population, Professional, documents
from carnet.rest.acts import Entry, Plan
from carnet.rest.plans import carry_out

LOADER = Actor(ActorKind.OPERATOR, "platform:directory", "Chargement de l'annuaire", "carnet-demo")
IDNPS, IDNST = "urn:oid:1.2.250.1.71.4.2.1", "urn:oid:1.2.250.1.71.4.2.2"


@dataclass(frozen=True, slots=True)
class Where:
    """Compartments of the demonstration's places and people, by key."""

    places: dict[str, int]
    people: dict[str, int]


async def load_people(built: Built, owner_url: str, population: Population) -> Where:
    """Directory, subjects, identities, care teams, consents and blocks."""
    resources = [organisation(each) for each in population.establishments]
    resources += [each for one in population.professionals for each in practitioner(one)]
    addresses = await load_directory(visit(built, LOADER), resources)
    places = {
        each.key: address.rid
        for each, address in zip(population.establishments, addresses, strict=False)
    }
    with psycopg.connect(owner_url) as conn:
        for professional in population.professionals:
            _subject(conn, sub_of(professional), "professional", professional.name, professional)
            for situation in professional.situations:
                conn.execute(
                    queries.ADD_SITUATION,
                    {
                        "id": situation.key,
                        "sub": sub_of(professional),
                        "org": places[situation.establishment],
                    },
                )
        for persona in population.personas:
            if persona.kind == "software" and persona.establishment:
                sub = f"software:{persona.key}"
                name = f"Logiciel de {population.establishment(persona.establishment).name}"
                _subject(conn, sub, "software", name)
                values = {"id": sub, "sub": sub, "org": places[persona.establishment]}
                conn.execute(queries.ADD_SITUATION, values)
            elif persona.kind == "operator":
                _subject(conn, f"operator:{persona.key}", "operator", persona.label_fr)
        for establishment in population.establishments:
            sub = f"software:{establishment.key}"
            _subject(conn, sub, "software", f"Logiciel de {establishment.name}")
            conn.execute(
                queries.ADD_SITUATION,
                {"id": sub, "sub": sub, "org": places[establishment.key]},
            )
    registrar = await actor(built, "software:hospital-software", client="carnet-demo")
    people: dict[str, int] = {}
    for person in population.people:
        plan = Plan([Entry("POST", "Patient", resource=patient(person))])
        await carry_out(visit(built, registrar), built.desk.acts, plan)
        address = plan.entries[0].address
        assert address is not None
        people[person.key] = address.cid
    with psycopg.connect(owner_url) as conn:
        for person in population.people:
            _subject(
                conn,
                f"patient:{person.key}",
                "patient",
                person.name,
                patient_cid=people[person.key],
            )
        for team in population.teams:
            _team(
                conn,
                built,
                team.name,
                people[team.patient],
                [
                    (int(population.professional(each.professional).rpps), each.role)
                    for each in team.members
                ],
            )
        for block in population.blocks:
            conn.execute(
                queries.ADD_BLOCK,
                {
                    "cid": people[block.patient],
                    "rpps": int(population.professional(block.professional).rpps),
                    "since": built.door.clock(),
                },
            )
    return Where(places, people)


async def load_documents(
    built: Built,
    population: Population,
    people: Iterable[Person],
    tell: Callable[[], None] = lambda: None,
) -> int:
    """Every document of these people, published by the software of its establishment."""
    softwares: dict[str, Actor] = {}
    count = 0
    for person in people:
        for generated in documents(population, person):
            key = generated.establishment
            if key not in softwares:
                softwares[key] = await actor(built, f"software:{key}", client="carnet-demo")
            await receive(visit(built, softwares[key]), built.desk.acts, generated.xml)
            count += 1
            tell()
    return count


def subject_of(persona: Persona, population: Population) -> str:
    """The `sub` of a persona."""
    if persona.professional:
        return sub_of(population.professional(persona.professional))
    if persona.kind == "software":
        return f"software:{persona.key}"
    if persona.person:
        return f"patient:{persona.person}"
    return f"operator:{persona.key}"


def sub_of(professional: Professional) -> str:
    """The `sub` of a professional."""
    return f"rpps:{professional.rpps}"


def organisation(establishment: Establishment) -> dict[str, Any]:
    """An Organization of the directory, with its id here as id."""
    address = establishment.address
    return {
        "resourceType": "Organization",
        "id": establishment.key,
        "identifier": [
            {"system": IDNST, "value": establishment.idnst},
            {"system": "https://finess.esante.gouv.fr", "value": establishment.finess},
        ],
        "active": True,
        "type": [{"text": establishment.kind_label}],
        "name": establishment.name,
        "telecom": [{"system": "phone", "value": establishment.phone}],
        "address": [
            {
                "line": [f"{address.number} {address.street}"],
                "city": address.town.name,
                "postalCode": address.town.postal_code,
            }
        ],
    }


def practitioner(professional: Professional) -> list[dict[str, Any]]:
    """A Practitioner and a PractitionerRole for each situation."""
    found: list[dict[str, Any]] = [
        {
            "resourceType": "Practitioner",
            "id": professional.key,
            "identifier": [
                {"system": IDNPS, "value": professional.idnps},
                {"system": "https://rpps.esante.gouv.fr", "value": professional.rpps},
            ],
            "active": True,
            "name": [
                {
                    "family": professional.family_name,
                    "given": [professional.given_name],
                    **({"prefix": [professional.title]} if professional.title else {}),
                }
            ],
            "gender": str(professional.sex),
        }
    ]
    for situation in professional.situations:
        found.append(
            {
                "resourceType": "PractitionerRole",
                "id": situation.key,
                "active": True,
                "practitioner": {"reference": f"Practitioner/{professional.key}"},
                "organization": {"reference": f"Organization/{situation.establishment}"},
                "code": [{"text": professional.profession_label}],
            }
        )
    return found


def patient(person: Person) -> dict[str, Any]:
    """A Patient with an INS of the test system."""
    address = person.address
    birth_names = list(person.birth_given_names)
    return {
        "resourceType": "Patient",
        "identifier": [
            {
                "use": "official",
                "type": {
                    "coding": [
                        {
                            "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203",
                            "code": "INS-NIR",
                        }
                    ]
                },
                "system": f"urn:oid:{person.ins_oid}",
                "value": person.ins,
            }
        ],
        "name": [
            {"use": "official", "family": person.birth_name, "given": birth_names[:1]},
            {"use": "usual", "family": person.used_name, "given": [person.used_given_name]},
        ],
        "gender": str(person.sex),
        "birthDate": person.birth_date.isoformat(),
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                "valueAddress": {
                    "extension": [
                        {
                            "url": "https://hl7.fr/ig/fhir/core/StructureDefinition/"
                            "fr-core-address-insee-code",
                            "valueCoding": {"code": person.birth_place.code},
                        }
                    ],
                    "city": person.birth_place.name,
                },
            }
        ],
        "telecom": [{"system": "phone", "value": phone} for phone in person.phones],
        "address": [
            {
                "line": [f"{address.number} {address.street}"],
                "city": address.town.name,
                "postalCode": address.town.postal_code,
            }
        ],
    }


def _subject(
    conn: psycopg.Connection[Any],
    sub: str,
    kind: str,
    name: str,
    professional: Professional | None = None,
    *,
    patient_cid: int | None = None,
) -> None:
    profession = None
    if professional is not None:
        profession = professional.profession
        if professional.specialty:
            profession += f"/{professional.specialty}"
    conn.execute(
        queries.ADD_SUBJECT,
        {
            "sub": sub,
            "kind": kind,
            "name": name,
            "rpps": int(professional.rpps) if professional else None,
            "profession": profession,
            "patient": patient_cid,
        },
    )


def _team(
    conn: psycopg.Connection[Any],
    built: Built,
    name: str,
    cid: int,
    members: list[tuple[int, str]],
) -> None:
    """A care team, and the consent its patient gave it."""
    now, team = built.door.clock(), built.door.ids.new()
    conn.execute(queries.ADD_TEAM, {"id": team, "cid": cid, "name": name})
    for rpps, role in members:
        conn.execute(queries.ADD_MEMBER, {"team": team, "rpps": rpps, "role": role, "since": now})
    conn.execute(
        queries.ADD_CONSENT,
        {
            "id": built.door.ids.new(),
            "cid": cid,
            "team": team,
            "rpps": None,
            "how": "oral",
            "declared_by": "demonstration",
            "since": now,
            "until": None,
        },
    )
