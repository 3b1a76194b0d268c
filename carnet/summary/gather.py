# SPDX-License-Identifier: EUPL-1.2
"""What the page is made of: a bounded number of searches, through the door, of what the viewer may see."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from carnet.access import queries
from carnet.access.actor import ActorKind
from carnet.access.door import Nothing, Stored, Visit
from carnet.access.door.origins import origins
from carnet.fhir.search.identifiers import IdFilter
from carnet.fhir.search.query import Filter, Query, Sort
from carnet.fhir.search.tokens import TokenFilter
from carnet.summary import results as key_results
from carnet.summary.allergies import allergies
from carnet.summary.contacts import contacts
from carnet.summary.directives import directives
from carnet.summary.facts import (
    Fact,
    Paper,
    codings,
    content,
    fact,
    listed,
    mapping,
    paper,
    rules,
)
from carnet.summary.observations import observations
from carnet.summary.pages import Health
from carnet.summary.problems import problems
from carnet.summary.stays import procedures, stays
from carnet.summary.treatments import treatments
from carnet.summary.vaccinations import vaccinations
from carnet.summary.words import OWN, Language

MOST = 1000  # resources of one type; the page says when there are more
RECENT = 300  # of the types that only their newest matter
LETTERS = 100  # documents that may tell of a recent stay
ALLERGIES = 5  # times as many allergies: the one that is not shown may be the one that kills
TOGETHER = 2  # searches at once, a connection each
RESULTS = "results"  # stands for key results among the types of which there are more
GONE = frozenset({"superseded", "entered-in-error"})  # status of a document


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of a record, by type; more: the types of which there are more."""

    cid: int
    facts: Mapping[str, Sequence[Fact]]
    more: frozenset[str]
    medications: Mapping[str, Mapping[str, Any]]
    now: datetime
    devices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of a whole summary

    def of(self, *types: str) -> list[Fact]:
        """The facts of some types."""
        return [each for rtype in types for each in self.facts.get(rtype, ())]

    def documents(self, section: str) -> list[Fact]:
        """The documents of the kinds a section names."""
        wanted = set(rules()[section]["documents"])
        return [
            each
            for each in self.of("DocumentReference")
            if wanted & {code for _, code in codings(each.own.get("type"))}
        ]


async def health(visit: Visit, patient: str, language: Language = OWN) -> Health:
    """The page of a record; Nothing when it must look absent. patient: id, "" for one's own."""
    cid = await opened(visit, patient)
    found = await gathered(visit, cid)
    async with visit.door.pool.connection() as conn:
        identity = await queries.identity(conn, cid)
    return page(
        found,
        name=identity.shown_name if identity else "",
        born=str(identity.birth_date) if identity else "",
        sex=identity.sex if identity else "",
        language=language,
    )


def page(
    found: Gathered, *, name: str = "", born: str = "", sex: str = "", language: Language = OWN
) -> Health:
    """The page, from what was gathered. language: of its own words, not of those of the record."""
    now, more = found.now, found.more
    observations = found.of("Observation")
    wishes = set(rules()["directives"]["observations"])
    told = [
        each
        for each in observations
        if wishes & {code for _, code in codings(each.own.get("code"))}
        or any(wishes & {c for _, c in codings(one)} for one in listed(each.own.get("category")))
    ]
    taken = ("MedicationRequest", "MedicationStatement", "MedicationDispense")
    people = (found.of("Patient"), found.of("RelatedPerson"), found.documents("contacts"))
    return Health(
        name=name,
        born=born,
        sex=sex,
        problems=problems(found.of("Condition"), now, more="Condition" in more, language=language),
        allergies=allergies(found.of("AllergyIntolerance"), more="AllergyIntolerance" in more),
        treatments=treatments(
            found.of(*taken),
            now,
            medications=found.medications,
            more=bool(more & set(taken)),
            language=language,
        ),
        results=key_results.results(observations, now=now),
        vaccinations=vaccinations(
            found.of("Immunization"), more="Immunization" in more, language=language
        ),
        stays=stays(
            found.of("Encounter"),
            found.documents("stays"),
            now,
            more="Encounter" in more,
            language=language,
        ),
        procedures=procedures(found.of("Procedure"), more="Procedure" in more),
        directives=directives(
            found.documents("directives"), told, more="Observation" in more, language=language
        ),
        contacts=contacts(*people, now, language=language, more="RelatedPerson" in more),
        made=now,
        unread=RESULTS in more,
    )


async def opened(visit: Visit, patient: str) -> int:
    """The compartment of a record the viewer may open; Nothing when it must look absent."""
    door, actor = visit.door, visit.actor
    if not patient and actor.kind is ActorKind.PATIENT and actor.patient is not None:
        place: tuple[int, int] | None = (actor.patient, actor.patient)
    else:
        place = door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise Nothing
    async with door.pool.connection() as conn:
        decision = await door.decide(conn, actor, [place[0]])
    if not any(place[0] in clause.cids for clause in decision.scope.admits):
        await visit.refused("search", decision.rule, [place[0]])
        raise Nothing
    return place[0]


async def gathered(visit: Visit, cid: int, *, whole: bool = False) -> Gathered:
    """The facts of a record: what this viewer sees of it, but what came of replaced documents.

    whole: with what a summary tells and the one page does not.
    """
    looked = looks(visit, cid)
    if whole:
        looked.append(Looked("DeviceUseStatement", RECENT))
    measures = key_results.codes("more") if whole else frozenset()
    # One by itself: what it decided is remembered, and the others need not decide again.
    first = await _found(visit, cid, looked[0])
    values, *answers = await at_once(
        observations(visit, cid, measures), *(_found(visit, cid, each) for each in looked[1:])
    )
    found: dict[str, list[Stored]] = {}
    more: set[str] = set()
    for look, (matches, unread) in zip(looked, (first, *answers), strict=True):
        found.setdefault(look.rtype, []).extend(matches)
        if unread:
            more.add(look.rtype)
    parsed, unread = values
    parsed |= {(s.cid, s.rid): (s, content(s)) for s in found.get("Observation", ())}
    found["Observation"] = [each for each, _ in parsed.values()]
    if unread:
        more.add(RESULTS)
    treated = ("MedicationRequest", "MedicationStatement", "MedicationDispense")
    medications, devices, origin = await at_once(
        _pointed(visit, cid, (s for t in treated for s in found[t]), "medicationReference",
                 "Medication"),
        _pointed(visit, cid, found.get("DeviceUseStatement", ()), "device", "Device"),
        origins(visit, cid, _all(found)),
    )  # fmt: skip
    papers = {id(each): paper(each) for each in {id(one): one for one in origin.values()}.values()}
    facts: dict[str, list[Fact]] = {}
    for rtype, stored in found.items():
        for each in stored:
            document = origin.get((each.cid, each.rid))
            read: Paper | None
            if rtype == "DocumentReference":
                own = content(each)
                read = paper(each, own)
                made = fact(each, read, own)
            else:
                read = papers[id(document)] if document is not None else None
                known = parsed.get((each.cid, each.rid)) if rtype == "Observation" else None
                made = fact(each, read, known[1] if known else None)
            if read is None or read.status not in GONE:
                facts.setdefault(rtype, []).append(made)
    return Gathered(cid, facts, frozenset(more), medications, visit.door.clock(), devices)


@dataclass(frozen=True, slots=True)
class Looked:
    """One search of a page: the newest of a type, so many at a time, so many times."""

    rtype: str
    most: int
    filters: tuple[Filter, ...] = ()
    times: int = 1


def looks(visit: Visit, cid: int) -> list[Looked]:
    """What a page is made of, but its results: what matters most is looked for the furthest back."""
    params = visit.door.definitions.params
    observed = TokenFilter(
        params["Observation"]["code"].number,
        tuple((None, code) for code in rules()["directives"]["observations"]),
    )
    documents = params["DocumentReference"]["type"].number
    return [
        Looked("Patient", RECENT, (IdFilter((visit.door.ids.encode(cid, cid),)),)),
        Looked("AllergyIntolerance", MOST, times=ALLERGIES),
        *(Looked(each, MOST) for each in ("Condition", "MedicationStatement", "MedicationRequest")),
        Looked("MedicationDispense", RECENT),
        Looked("Immunization", MOST),
        Looked("Procedure", RECENT),
        Looked("Encounter", RECENT),
        Looked("RelatedPerson", RECENT),
        Looked("Observation", RECENT, (observed,)),
        *(
            Looked("DocumentReference", most, (TokenFilter(documents, _types(*sections)),))
            for sections, most in ((("directives", "contacts"), RECENT), (("stays",), LETTERS))
        ),
    ]


def _types(*sections: str) -> tuple[tuple[None, str], ...]:
    return tuple((None, code) for one in sections for code in rules()[one]["documents"])


async def _found(visit: Visit, cid: int, looked: Looked) -> tuple[list[Stored], bool]:
    """The newest of one search, and whether there are others."""
    query = Query(looked.rtype, looked.filters, compartments=(cid,), count=looked.most, sort=NEWEST)
    matches: list[Stored] = []
    for _ in range(looked.times):
        answer = await visit.search(query)
        matches += answer.matches
        if answer.next is None:
            return matches, False
        query = replace(query, after=visit.door.cursors.read(answer.next, looked.rtype))
    return matches, True


async def at_once(*acts: Coroutine[Any, Any, Any]) -> list[Any]:
    """What several readings answer; TOGETHER of them at a time, for each holds a connection."""
    free = asyncio.Semaphore(TOGETHER)

    async def one(act: Coroutine[Any, Any, Any]) -> Any:
        async with free:
            return await act

    tasks = [asyncio.create_task(one(each)) for each in acts]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for act in acts:
            act.close()  # one that had not begun
        raise


NEWEST = Sort("date", descending=True, plain=True)


def _all(found: Mapping[str, Sequence[Stored]]) -> Iterable[Stored]:
    return (
        each for rtype, stored in found.items() if rtype != "DocumentReference" for each in stored
    )


async def _pointed(
    visit: Visit, cid: int, found: Iterable[Stored], element: str, target: str
) -> dict[str, dict[str, Any]]:
    """The Medications or Devices that some resources point to, by their reference."""
    ids = []
    for each in found:
        if f'"{element}"'.encode() not in each.body:
            continue
        said = str(mapping(content(each).get(element)).get("reference", ""))
        rtype, _, id = said.rpartition("/")
        if rtype.rpartition("/")[2] == target and id not in ids:
            ids.append(id)
    if not ids:
        return {}
    of = IdFilter(tuple(ids[:MOST]))
    # Said where they are: nobody's other record is asked for.
    cids = tuple(sorted({cid, *(of.compartments(visit.door.ids) or ())}))
    answer = await visit.search(Query(target, (of,), compartments=cids, count=MOST))
    return {each.address: content(each) for each in answer.matches}
