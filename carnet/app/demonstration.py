# SPDX-License-Identifier: EUPL-1.2
"""The demonstration's people, written through the same acts as anyone's: directory, identities, documents.

Nobody here exists. What only an operator may write (subjects, teams, blocks) goes by the migrating role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from carnet.access import notices, queries
from carnet.access.actor import Actor, ActorKind
from carnet.app.demonstration_places import address, location
from carnet.app.parts import Built, actor, visit
from carnet.directory.load import load as load_directory
from carnet.documents.receive import receive
from carnet.identity.traits import majority, normal
from carnet.messaging.queries import ADD_MAILBOX
from carnet.population import Establishment, Person, Persona, Population, Professional, documents
from carnet.rest.acts import Entry, Plan
from carnet.rest.plans import carry_out
from carnet.rights.acting import queries as acting
from carnet.vigilance import outward
from carnet.vigilance import queries as identities

LOADER = Actor(ActorKind.OPERATOR, "platform:directory", "Chargement de l'annuaire", "carnet-demo")
SETTINGS = "https://mos.esante.gouv.fr/NOS/JDV_J04-XdsPracticeSettingCode-CISIS"
IDNPS, IDNST = "urn:oid:1.2.250.1.71.4.2.1", "urn:oid:1.2.250.1.71.4.2.2"
# Domains of the simulated trust list (carnet/messaging/trust.toml).
ELSEWHERE, ELSEWHERE_HOSPITAL = "cabinet.simulateur.mssante.fr", "hopital.simulateur.mssante.fr"


@dataclass(frozen=True, slots=True)
class Where:
    """Compartments of the demonstration's places and people, by key."""

    places: dict[str, int]
    people: dict[str, int]


TOGETHER = 50  # places of one transaction of the directory


async def load_people(
    built: Built, owner_url: str, population: Population, *, together: int = 1
) -> Where:
    """Directory, subjects, identities, care teams, consents and blocks; what is there is left alone.

    together: how many identities a transaction makes.
    """
    places = await load_places(built, owner_url, population)
    people = await load_identities(
        built, owner_url, population, population.people, together=together
    )
    return Where(places, people)


async def load_places(
    built: Built, owner_url: str, population: Population, *, cast_alone: bool = False
) -> dict[str, int]:
    """The directory and those who may act for its places; compartments by key of establishment."""
    chosen = population.establishments[: population.cast_places if cast_alone else None]
    async with await psycopg.AsyncConnection.connect(owner_url) as conn:
        places = {
            each.key: cid
            for each in chosen
            if (cid := await queries.organisation(conn, IDNST, each.idnst)) is not None
        }
    # The cast's in one transaction, since some of them work at two places.
    starts = [0, *range(population.cast_places, len(chosen), TOGETHER)]
    for start, end in zip(starts, [*starts[1:], len(chosen)], strict=True):
        some = [each for each in chosen[start:end] if each.key not in places]
        resources = [organisation(each) for each in some]
        staff = [one for each in some for one in population.staff(each.key)]
        resources += [each for one in staff for each in practitioner(one)]
        for each in some:
            if (where := location(each, population.staff(each.key))) is not None:
                resources.append(where)
        if not some:
            continue
        addresses = await load_directory(visit(built, LOADER), resources)
        places |= {each.key: address.rid for each, address in zip(some, addresses, strict=False)}
    async with await psycopg.AsyncConnection.connect(owner_url) as conn:
        now, domain = built.door.clock(), built.settings.mss_domain
        await _may_act(conn, population, chosen, places, now, domain)
    return places


async def _may_act(
    conn: psycopg.AsyncConnection[Any],
    population: Population,
    chosen: Sequence[Establishment],
    places: Mapping[str, int],
    now: datetime,
    domain: str,
) -> None:
    """Subjects, situations and mailboxes of professionals and software; again, they are the same."""
    staff = [one for each in chosen for one in population.staff(each.key)]
    subjects = [_subject(sub_of(one), "professional", one.name, one) for one in staff]
    situations = [
        {"id": each.key, "sub": sub_of(one), "org": places[each.establishment]}
        for one in staff
        for each in one.situations
    ]
    softwares = {f"software:{each.key}": each for each in chosen}
    for persona in population.personas:
        if persona.kind == "software" and persona.establishment:
            place = population.establishment(persona.establishment)
            softwares[f"software:{persona.key}"] = place
        elif persona.kind in ("operator", "helper", "assistant"):
            sub = subject_of(persona, population)
            subjects.append(_subject(sub, persona.kind, persona.name or persona.label_fr))
            org = places.get(persona.establishment or "")
            if persona.kind == "assistant" and org is not None:
                situations.append({"id": sub, "sub": sub, "org": org})
    for sub, place in softwares.items():
        subjects.append(_subject(sub, "software", f"Logiciel de {place.name}"))
        situations.append({"id": sub, "sub": sub, "org": places[place.key]})
    async with conn.cursor() as cur:
        await cur.executemany(queries.ADD_SUBJECT, subjects)
        await cur.executemany(queries.ADD_SITUATION, situations)
        officers = [one["sub"] for one in subjects if one["kind"] == "operator"]
        await cur.executemany(identities.ADD_OFFICER, [(sub,) for sub in officers])
        await cur.executemany(
            notices.SET_MAILBOX, [{"rpps": int(one.rpps), "email": one.email} for one in staff]
        )
        await cur.executemany(ADD_MAILBOX, _mailboxes(domain, staff, softwares.values(), places))
        await cur.executemany(
            acting.ADD_ASSISTANT,
            [
                {
                    "sub": f"assistant:{each.persona}",
                    "rpps": int(population.professional(key).rpps),
                    "since": now,
                    "until": None,
                    "by": LOADER.sub,
                }
                for each in population.assists
                for key in each.professionals
                if f"assistant:{each.persona}" in {one["sub"] for one in situations}
            ],
        )


async def load_announced(built: Built, owner_url: str, population: Population) -> dict[str, int]:
    """Those whose record is announced, after the places; the worker writes their letter."""
    return await load_identities(built, owner_url, population, population.announced)


async def load_identities(
    built: Built,
    owner_url: str,
    population: Population,
    people: Sequence[Person],
    *,
    together: int = 1,
    tell: Callable[[int], None] = lambda count: None,
) -> dict[str, int]:
    """Records and teams of these people; compartments by key. Those who are there are left alone."""
    found: dict[str, int] = {}
    registrar = await actor(built, "software:hospital-software", client="carnet-demo")
    async with await psycopg.AsyncConnection.connect(owner_url) as conn:
        for start in range(0, len(people), together):
            some = people[start : start + together]
            known = await _known(conn, some)
            left = [person for person in some if person.key not in known]
            if left:
                async with conn.cursor() as cur:
                    await cur.executemany(identities.ADD_NATIONAL, list(map(national, left)))
                await conn.commit()  # registering looks at it from another connection
                # One who was made just before a stop, but for their team, is found by their INS.
                plan = Plan([Entry("POST", "Patient", resource=patient(each)) for each in left])
                await carry_out(visit(built, registrar), built.desk.acts, plan)
                for person, entry in zip(left, plan.entries, strict=True):
                    assert entry.address is not None
                    known[person.key] = entry.address.cid
                async with conn.transaction():
                    for person in left:
                        await _around(conn, built, population, person, known[person.key])
                    await _for_others(conn, built, population, left)
            found |= known
            tell(len(some))
    return found


async def _known(conn: psycopg.AsyncConnection[Any], people: Sequence[Person]) -> dict[str, int]:
    """Those whose record and team are there already."""
    found = {}
    for person in people:
        subject = await queries.subject(conn, f"patient:{person.key}")
        if subject is not None and subject.patient is not None:
            found[person.key] = subject.patient
    return found


async def _around(
    conn: psycopg.AsyncConnection[Any],
    built: Built,
    population: Population,
    person: Person,
    cid: int,
) -> None:
    """A person as a subject, their teams and the consents they gave them, their blocks."""
    if person in population.announced:
        await conn.execute(queries.ANNOUNCED, {"cid": cid})
    subject = _subject(f"patient:{person.key}", "patient", person.name, patient_cid=cid)
    await conn.execute(queries.ADD_SUBJECT, subject)
    await notices.set_address(conn, cid, person.email, verified=built.door.clock())
    now = built.door.clock()
    for team in population.teams_of(person.key):
        number = built.door.ids.new()
        await conn.execute(queries.ADD_TEAM, {"id": number, "cid": cid, "name": team.name})
        async with conn.cursor() as cur:
            await cur.executemany(
                queries.ADD_MEMBER,
                [
                    {
                        "team": number,
                        "rpps": int(population.professional(each.professional).rpps),
                        "role": each.role,
                        "since": now,
                    }
                    for each in team.members
                ],
            )
        await conn.execute(
            queries.ADD_CONSENT,
            {
                "id": built.door.ids.new(),
                "cid": cid,
                "team": number,
                "rpps": None,
                "how": "oral",
                "declared_by": "demonstration",
                "since": now,
                "until": None,
                "secret": False,
            },
        )
    for block in population.blocks:
        if block.patient == person.key:
            rpps = int(population.professional(block.professional).rpps)
            await conn.execute(queries.ADD_BLOCK, {"cid": cid, "rpps": rpps, "since": now})


async def _for_others(
    conn: psycopg.AsyncConnection[Any],
    built: Built,
    population: Population,
    some: Sequence[Person],
) -> None:
    """Parents represent their minor children, by the family links; others act by their mandate.

    Each is written when the second of the two arrives.
    """
    now, here = built.door.clock(), {person.key for person in some}
    pairs = {(person.key, parent) for person in some for parent in person.parents}
    pairs |= {(child, person.key) for person in some for child in person.children}
    values = []
    for child, parent in sorted(pairs):
        try:
            until = majority(population.person(child).birth_date)
        except KeyError:  # a child who is not of this population
            continue
        if until > now:
            values.append(
                {
                    "person": f"patient:{child}",
                    "sub": f"patient:{parent}",
                    "nature": "representative",
                    "reach": "all",
                    "how": "civil-status",
                    "form": "",
                    "until": until,
                }
            )
    for each in population.mandates:
        if {each.person, each.holder} & here:
            values.append(
                {
                    "person": f"patient:{each.person}",
                    "sub": f"patient:{each.holder}",
                    "nature": each.nature,
                    "reach": each.reach,
                    "how": each.how,
                    "form": each.form,
                    "until": now + timedelta(days=each.days),
                }
            )
    for one in values:
        one |= {"id": built.door.ids.new(), "declared_by": "demonstration", "since": now}
    async with conn.cursor() as cur:
        await cur.executemany(acting.ADD_LOADED, values)


class Depositors:
    """The software of each establishment, asked for once."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self._known: dict[str, Actor] = {}

    async def of(self, establishment: str) -> Actor:
        """Who deposits for an establishment."""
        if establishment not in self._known:
            sub = f"software:{establishment}"
            self._known[establishment] = await actor(self._built, sub, client="carnet-demo")
        return self._known[establishment]


async def load_documents(
    built: Built,
    population: Population,
    people: Iterable[Person],
    tell: Callable[[], None] = lambda: None,
    *,
    depositors: Depositors | None = None,
) -> int:
    """Every document of these people, published by the software of its establishment.

    The same document again makes no second one: it is known by its number and its bytes.
    """
    depositors = depositors or Depositors(built)
    count = 0
    for person in people:
        for generated in documents(population, person):
            who = await depositors.of(generated.establishment)
            await receive(visit(built, who), built.desk.acts, generated.xml)
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
    return f"{persona.kind}:{persona.key}"


def sub_of(professional: Professional) -> str:
    """The `sub` of a professional."""
    return f"rpps:{professional.rpps}"


def organisation(establishment: Establishment) -> dict[str, Any]:
    """An Organization of the directory, with its id here as id."""
    return {
        "resourceType": "Organization",
        "id": establishment.key,
        "identifier": [
            {"system": IDNST, "value": establishment.idnst},
            {"system": "https://finess.esante.gouv.fr", "value": establishment.finess},
        ],
        "active": True,
        "type": [
            {"text": establishment.kind_label},
            {"coding": [{"system": SETTINGS, "code": establishment.setting}]},
        ],
        "name": establishment.name,
        "telecom": [{"system": "phone", "value": establishment.phone}],
        "address": [address(establishment)],
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


def national(person: Person) -> dict[str, object]:
    """What the simulator of the INSi knows of somebody."""
    return {
        "ins": person.ins,
        "ins_system": f"urn:oid:{person.ins_oid}",
        "birth_name": normal(person.birth_name),
        "given_names": normal(" ".join(person.birth_given_names)),
        "birth_date": person.birth_date,
        "sex": str(person.sex),
        "birth_place": person.birth_place.code,
    }


def patient(person: Person) -> dict[str, Any]:
    """A Patient with an INS of the test system, checked by the hospital that sends it."""
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
            },
            {
                "url": outward.RELIABILITY,
                "extension": [
                    {
                        "url": "identityStatus",
                        "valueCoding": {"system": outward.STATUSES, "code": "VALI"},
                    }
                ],
            },
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


def _mailboxes(
    domain: str,
    staff: Iterable[Professional],
    softwares: Iterable[Establishment],
    places: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Values of ADD_MAILBOX: everybody's here, and the simulated ones they write from elsewhere."""
    found: list[dict[str, Any]] = []
    for one in staff:
        local, rpps = one.email.partition("@")[0], int(one.rpps)
        for host, here in ((domain, True), (ELSEWHERE, False)):
            found.append(_mailbox(f"{local}@{host}", "PER", rpps=rpps, local=here))
    for place in softwares:
        found.append(_mailbox(f"{place.key}@{domain}", "ORG", org=places[place.key], local=True))
        away = f"{place.key}@{ELSEWHERE_HOSPITAL}"
        found.append(_mailbox(away, "ORG", org=places[place.key], local=False))
    return found


def _mailbox(
    address: str, kind: str, *, local: bool, rpps: int | None = None, org: int | None = None
) -> dict[str, Any]:
    return {
        "address": address, "kind": kind, "local": local, "rpps": rpps, "org": org,
        "unlisted": False,
    }  # fmt: skip


def _subject(
    sub: str,
    kind: str,
    name: str,
    professional: Professional | None = None,
    *,
    patient_cid: int | None = None,
) -> dict[str, Any]:
    """Values of ADD_SUBJECT."""
    profession = None
    if professional is not None:
        profession = professional.profession
        if professional.specialty:
            profession += f"/{professional.specialty}"
    return {
        "sub": sub,
        "kind": kind,
        "name": name,
        "rpps": int(professional.rpps) if professional else None,
        "profession": profession,
        "patient": patient_cid,
    }
