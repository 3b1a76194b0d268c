# SPDX-License-Identifier: EUPL-1.2
"""What the page is made of: a bounded number of searches, through the door, of what the viewer may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from carnet.summary.facts import LOINC, Fact, Paper, codings, fact, listed, mapping, paper, rules
from carnet.summary.pages import Health
from carnet.summary.problems import problems
from carnet.summary.stays import procedures, stays
from carnet.summary.treatments import treatments
from carnet.summary.vaccinations import vaccinations

MOST = 1000  # resources of one type; the page says when there are more
RECENT = 300  # of the types that only their newest matter
LETTERS = 100  # documents that may tell of a recent stay
VALUES = 200  # results looked at in one round
ROUNDS = 4  # of them
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


async def health(visit: Visit, patient: str) -> Health:
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
    )


def page(found: Gathered, *, name: str = "", born: str = "", sex: str = "") -> Health:
    """The page, from what was gathered."""
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
    return Health(
        name=name,
        born=born,
        sex=sex,
        problems=problems(found.of("Condition"), now, more="Condition" in more),
        allergies=allergies(found.of("AllergyIntolerance"), more="AllergyIntolerance" in more),
        treatments=treatments(
            found.of(*taken), now, medications=found.medications, more=bool(more & set(taken))
        ),
        results=key_results.results(observations),
        vaccinations=vaccinations(found.of("Immunization"), more="Immunization" in more),
        stays=stays(found.of("Encounter"), found.documents("stays"), now),
        procedures=procedures(found.of("Procedure"), more="Procedure" in more),
        directives=directives(found.documents("directives"), told),
        contacts=contacts(
            found.of("Patient"), found.of("RelatedPerson"), found.documents("contacts"), now
        ),
        made=now,
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
    found: dict[str, list[Stored]] = {}
    more: set[str] = set()

    async def search(rtype: str, most: int, *filters: Filter, sort: Sort | None = None) -> None:
        query = Query(rtype, filters, compartments=(cid,), count=most, sort=sort)
        answer = await visit.search(query)
        found.setdefault(rtype, []).extend(answer.matches)
        if answer.next is not None:
            more.add(rtype)

    params = visit.door.definitions.params
    for rtype in ("Condition", "AllergyIntolerance", "MedicationStatement", "MedicationRequest"):
        await search(rtype, MOST)
    await search("MedicationDispense", RECENT, sort=NEWEST)
    await search("Immunization", MOST)
    await search("Procedure", RECENT, sort=NEWEST)
    await search("Encounter", RECENT, sort=NEWEST)
    await search("RelatedPerson", RECENT)
    await search("Patient", RECENT, IdFilter((visit.door.ids.encode(cid, cid),)))
    for sections, most in ((("directives", "contacts"), RECENT), (("stays",), LETTERS)):
        kinds = tuple((None, code) for one in sections for code in rules()[one]["documents"])
        kind = TokenFilter(params["DocumentReference"]["type"].number, kinds)
        await search("DocumentReference", most, kind, sort=NEWEST)
    if whole:
        await search("DeviceUseStatement", RECENT)
    parsed = await observations(visit, cid, key_results.codes("more") if whole else frozenset())
    found["Observation"] = [each for each, _ in parsed.values()]
    treated = ("MedicationRequest", "MedicationStatement", "MedicationDispense")
    medications = await _pointed(
        visit, cid, (s for t in treated for s in found[t]), "medicationReference", "Medication"
    )
    devices = await _pointed(visit, cid, found.get("DeviceUseStatement", ()), "device", "Device")
    origin = await origins(visit, cid, _all(found))
    papers = {id(each): paper(each) for each in {id(one): one for one in origin.values()}.values()}
    facts: dict[str, list[Fact]] = {}
    for rtype, stored in found.items():
        for each in stored:
            document = origin.get((each.cid, each.rid))
            read: Paper | None
            if rtype == "DocumentReference":
                own = each.resource
                read = paper(each, own)
                made = fact(each, read, own)
            else:
                read = papers[id(document)] if document is not None else None
                known = parsed.get((each.cid, each.rid)) if rtype == "Observation" else None
                made = fact(each, read, known[1] if known else None)
            if read is None or read.status not in GONE:
                facts.setdefault(rtype, []).append(made)
    return Gathered(cid, facts, frozenset(more), medications, visit.door.clock(), devices)


NEWEST = Sort("date", descending=True, plain=True)


def _all(found: Mapping[str, Sequence[Stored]]) -> Iterable[Stored]:
    return (
        each for rtype, stored in found.items() if rtype != "DocumentReference" for each in stored
    )


async def observations(
    visit: Visit, cid: int, more: frozenset[str] = frozenset()
) -> dict[tuple[int, int], tuple[Stored, dict[str, Any]]]:
    """The last values of the key results and of `more`, and the wishes that were coded.

    Newest first; a code of which nothing was met yet is looked for again further back, and those that
    were met no more, so that a rare result is found behind a frequent one.
    """
    number = visit.door.definitions.params["Observation"]["code"].number
    wanted: set[tuple[str | None, str | None]]
    wanted = {(LOINC, code) for code in key_results.codes() | more}
    wanted |= {(None, code) for code in rules()["directives"]["observations"]}
    found: dict[tuple[int, int], tuple[Stored, dict[str, Any]]] = {}
    left = set(wanted)
    for _ in range(ROUNDS):
        filters = (TokenFilter(number, tuple(sorted(left, key=str))),)
        query = Query("Observation", filters, compartments=(cid,), count=VALUES, sort=NEWEST)
        answer = await visit.search(query)
        met: dict[str, int] = {}
        for each in answer.matches:
            own = each.resource
            found[each.cid, each.rid] = each, own
            for _system, code in codings(own.get("code")):
                met[code] = met.get(code, 0) + 1
        if answer.next is None:
            break
        left = {(system, code) for system, code in left if met.get(str(code), 0) < 2}
        if not left:
            break
    return found


async def _pointed(
    visit: Visit, cid: int, found: Iterable[Stored], element: str, target: str
) -> dict[str, dict[str, Any]]:
    """The Medications or Devices that some resources point to, by their reference."""
    ids = []
    for each in found:
        if f'"{element}"'.encode() not in each.body:
            continue
        said = str(mapping(each.resource.get(element)).get("reference", ""))
        rtype, _, id = said.rpartition("/")
        if rtype.rpartition("/")[2] == target and id not in ids:
            ids.append(id)
    if not ids:
        return {}
    of = IdFilter(tuple(ids[:MOST]))
    # Said where they are: nobody's other record is asked for.
    cids = tuple(sorted({cid, *(of.compartments(visit.door.ids) or ())}))
    answer = await visit.search(Query(target, (of,), compartments=cids, count=MOST))
    return {each.address: each.resource for each in answer.matches}
