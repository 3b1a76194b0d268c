# SPDX-License-Identifier: EUPL-1.2
"""Who could read a record at any past moment, by which rule and why: decided again from what is kept.

The rows of the rights are taken back to the moment (migration 0020), and the door's own decision is made
on them. What comes out has kinds and counts, never what a resource says. docs/decisions/0023.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import kinds
from carnet.access.actor import Actor, ActorKind
from carnet.access.door.decide import LOOSE_FOR, Decision, holding, judged
from carnet.access.labels import Label
from carnet.access.matrix import ASSISTANT, Matrix
from carnet.access.queries import Held, Link
from carnet.access.replay import queries as own
from carnet.access.replay.queries import Line
from carnet.fhir import json
from carnet.fhir.search.scope import Admits, Scope
from carnet.identity.traits import LOCAL

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)  # of the numbers of rows
KEYS = {
    "record": ("cid",), "consent": ("id",), "mandate": ("id",), "emergency": ("id",),
    "block": ("cid", "rpps", "since"), "trusted": ("cid", "rpps", "since"),
    "refusal": ("cid", "mode", "since"), "team_member": ("team", "rpps", "since"), "team": ("id",),
    "assistant": ("sub", "rpps", "since"), "subject": ("sub",),
}  # fmt: skip


class NoRecordThen(errors.NotFound):
    """There was no such record at that moment, or it was erased since: only the lines of the log are left."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What opened a record to somebody: which row, since and until when, how and by whom it was said."""

    kind: str  # consent, mandate, emergency, self, assistant, deposit
    since: datetime | None = None
    until: datetime | None = None
    how: str = ""
    by: str = ""  # sub


@dataclass(frozen=True, slots=True)
class Could:
    """One who could read something of the record at the moment."""

    actor: Actor
    decision: Decision
    reasons: tuple[Reason, ...]
    counts: Mapping[str, int]  # resources, by kind
    withheld: int  # resources of the record that they could not read


@dataclass(frozen=True)
class Then:
    """A record as it was at a moment."""

    at: datetime
    cids: tuple[int, ...]  # all its compartments then
    person: int
    open: bool
    rows: Mapping[str, Sequence[Line]]
    resources: Sequence[
        tuple[own.Held, int]
    ]  # one of those that are judged alike, how many they are

    def live(self, tbl: str, *ends: str) -> list[Line]:
        """Rows in force at the moment: begun, and none of their ends has come."""
        return [
            row
            for row in self.rows[tbl]
            if when(row["since"]) <= self.at
            and all(row[end] is None or when(row[end]) > self.at for end in ("until", *ends))
        ]


def when(text: str) -> datetime:
    """A date of a row."""
    if text == "infinity":
        return datetime.max.replace(tzinfo=UTC)
    if text == "-infinity":
        return datetime.min.replace(tzinfo=UTC)
    return datetime.fromisoformat(text)


def back(tbl: str, now: Iterable[Line], past: Iterable[Line]) -> list[Line]:
    """Rows as they were: the first of those changed since, else the row as it stands."""
    found: dict[tuple[Any, ...], Line] = {}
    for row in (*past, *now):
        key = tuple(row[name] for name in KEYS[tbl])
        found.setdefault(key, {**row})
    return list(found.values())


async def then(conn: AsyncConnection[Any], cid: int, at: datetime) -> Then:
    """A record as it was; NoRecordThen when there was none."""
    every = await own.ever(conn, cid)
    records = back(
        "record", await own.now(conn, "record", every), await own.past(conn, "record", every, at)
    )
    records = [row for row in records if when(row["since"]) <= at]
    persons = {row["cid"]: row["root"] or row["cid"] for row in records}
    if cid not in persons:
        raise NoRecordThen
    person = persons[cid]
    cids = tuple(sorted(each for each, whose in persons.items() if whose == person))
    open_ = all(row["state"] == "open" for row in records if row["cid"] in cids)
    rows: dict[str, list[Line]] = {"record": records, "team": await own.now(conn, "team", cids)}
    for tbl in ("consent", "block", "trusted", "mandate", "emergency", "refusal", "team_member"):
        rows[tbl] = back(tbl, await own.now(conn, tbl, cids), await own.past(conn, tbl, cids, at))
    return Then(at, cids, person, open_, rows, await _resources(conn, cids, at))


async def _resources(
    conn: AsyncConnection[Any], cids: Sequence[int], at: datetime
) -> list[tuple[own.Held, int]]:
    """Resources there were, with the labels of then; what was deleted by then is left out."""
    milliseconds = int((at - EPOCH).total_seconds() * 1000)
    was: dict[tuple[int, int], Line] = {}
    for row in await own.past(conn, "resource", cids, at):
        was.setdefault((row["cid"], row["rid"]), row)
    alike: dict[object, own.Held] = {}
    counts = Counter[object]()
    for each in await own.resources(conn, cids, milliseconds):
        if (old := was.get((each.cid, each.rid))) is not None:
            each = replace(
                each, kind=old["kind"], labels=old["labels"], gone=old["gone"], owners=old["owners"]
            )
        if each.gone:
            continue
        key: object = each.rid  # of a loose file its age counts
        if each.kind != kinds.LOOSE:
            owners = tuple(each.owners or ())
            key = each.cid, each.kind, each.labels, owners, each.dep_pro, each.dep_org
        alike.setdefault(key, each)
        counts[key] += 1
    return [(each, counts[key]) for key, each in alike.items()]


def links(of: Then) -> dict[int, tuple[list[Link], tuple[Reason, ...]]]:
    """Who was linked to the record, by RPPS, as the door reads it (access/queries.py, LINKS)."""
    if not of.open:
        return {}
    reasons: dict[int, list[Reason]] = {}
    treating, in_team, agreed = set[int](), set[int](), set[int]()
    consents = of.live("consent", "withdrawn")
    teams = {row["team"]: row for row in consents if row["team"] is not None}
    for row in consents:
        if row["rpps"] is not None:
            agreed.add(row["rpps"])
            reasons.setdefault(row["rpps"], []).append(_reason("consent", row, "withdrawn"))
    for member in of.live("team_member"):
        given = teams.get(member["team"])
        if given is not None:
            agreed.add(member["rpps"])
            in_team.add(member["rpps"])
            if member["role"] == "PCP":
                treating.add(member["rpps"])
            reasons.setdefault(member["rpps"], []).append(_reason("consent", given, "withdrawn"))
    refused = {row["mode"] for row in of.live("refusal")}
    for row in of.live("emergency", "ended"):
        if row["mode"] not in refused:
            told = _reason("emergency", {**row, "how": f"{row['mode']}: {row['reason']}"}, "ended")
            reasons.setdefault(row["rpps"], []).append(told)
    blocked = {row["rpps"] for row in of.live("block")}
    trusted = {row["rpps"] for row in of.live("trusted")}
    return {
        rpps: (
            [
                Link(
                    cid, rpps in treating, rpps in in_team, rpps in trusted, rpps not in agreed, of.person
                )
                for cid in of.cids
            ],
            tuple(why),
        )
        for rpps, why in reasons.items()
        if rpps not in blocked
    }  # fmt: skip


def _reason(kind: str, row: Line, end: str) -> Reason:
    until = [when(row[name]) for name in ("until", end) if row.get(name)]
    return Reason(
        kind, when(row["since"]), min(until, default=None), str(row.get("how") or ""),
        str(row.get("declared_by") or ""),
    )  # fmt: skip


async def could(
    conn: AsyncConnection[Any], matrix: Matrix, cid: int, at: datetime
) -> tuple[Then, list[Could]]:
    """All who could read something of a record at a moment, decided by the door's own rules."""
    of = await then(conn, cid, at)
    kept = [_matrix(body) for body in await own.kept(conn, at)]
    ruling = in_force(kept, at) or matrix.at(at)
    linked = links(of)
    found = [
        *await _holders(conn, of),
        *await _professionals(conn, of, linked, ruling),
        *await _assistants(conn, of, linked, ruling),
        *await _software(conn, of),
    ]
    return of, found


async def _subjects(
    conn: AsyncConnection[Any],
    at: datetime,
    *,
    rpps: Iterable[int] = (),
    patients: Iterable[int] = (),
    subs: Iterable[str] = (),
) -> list[Line]:
    now = await own.now(conn, "subject", sorted(rpps), sorted(patients), sorted(subs))
    past = await own.past(conn, "subject", [row["sub"] for row in now], at)
    return back("subject", now, past)


async def _holders(conn: AsyncConnection[Any], of: Then) -> list[Could]:
    """The person, and those who act for them."""
    if not of.open:
        return []
    mandates = of.live("mandate", "revoked")
    held: dict[str, tuple[Line, list[Held], list[Reason]]] = {}
    subjects = await _subjects(conn, of.at, patients=of.cids, subs={row["sub"] for row in mandates})
    for subject in subjects:
        ways: list[Held] = []
        reasons = []
        if subject["kind"] == "patient" and subject["patient"] in of.cids:
            ways += [Held(cid, "self", "all", of.person) for cid in of.cids]
            reasons.append(Reason("self"))
        for row in mandates:
            if row["sub"] == subject["sub"]:
                ways += [Held(cid, row["nature"], row["reach"], of.person) for cid in of.cids]
                reasons.append(
                    _reason("mandate", {**row, "how": f"{row['nature']}: {row['how']}"}, "revoked")
                )
        if ways:
            held[subject["sub"]] = (subject, ways, reasons)
    return [
        _counted(of, _actor(subject), holding(ways), tuple(reasons))
        for subject, ways, reasons in held.values()
    ]


async def _professionals(
    conn: AsyncConnection[Any],
    of: Then,
    linked: Mapping[int, tuple[list[Link], tuple[Reason, ...]]],
    matrix: Matrix,
) -> list[Could]:
    subjects = {
        row["rpps"]: row
        for row in await _subjects(conn, of.at, rpps=linked)
        if row["kind"] == "professional"
    }
    places: dict[str, list[int | None]] = {}
    for sub, place in await own.situations(conn, [row["sub"] for row in subjects.values()]):
        places.setdefault(sub, []).append(place)
    found = []
    for rpps, (given, reasons) in sorted(linked.items()):
        subject = subjects.get(rpps)
        if subject is None:
            continue  # named, and without an account: nobody read by it
        for org in places.get(subject["sub"]) or [None]:
            actor = _actor(subject, org=org)
            found.append(_counted(of, actor, judged(actor, rpps, given, matrix, of.at), reasons))
    return found


async def _assistants(
    conn: AsyncConnection[Any],
    of: Then,
    linked: Mapping[int, tuple[list[Link], tuple[Reason, ...]]],
    matrix: Matrix,
) -> list[Could]:
    numbers = [rpps for rpps, (given, _) in linked.items() if not given[0].emergency]
    rows = back(
        "assistant",
        await own.now(conn, "assistant", numbers),
        await own.past(conn, "assistant", numbers, of.at),
    )
    found = []
    for row in rows:
        if when(row["since"]) > of.at or (row["until"] and when(row["until"]) <= of.at):
            continue
        given, reasons = linked[row["rpps"]]
        seen = Admits(
            tuple(sorted(link.cid for link in given)), matrix.reads(ASSISTANT), int(Label.MASQUE_PS)
        )
        merged = dict.fromkeys(of.cids, of.cids) if len(of.cids) > 1 else {}
        decision = Decision(Scope((seen,)), "assistant", matrix=matrix.version, merged=merged)
        actor = Actor(ActorKind.ASSISTANT, row["sub"], "", "", rpps=row["rpps"])
        found.append(_counted(of, actor, decision, (Reason("assistant"), *reasons)))
    return found


async def _software(conn: AsyncConnection[Any], of: Then) -> list[Could]:
    """Software of who deposited something, unless the record was shut."""
    states = {row["state"] for row in of.rows["record"] if row["cid"] in of.cids}
    if states & {"closed", "deleted"}:
        return []
    orgs = {each.dep_org for each, _ in of.resources if each.dep_org is not None}
    found = []
    for sub, org in await own.software(conn, sorted(orgs)):
        scope = Scope(software=org, loose_since=of.at - LOOSE_FOR)
        actor = Actor(ActorKind.SOFTWARE, sub, "", "", org=org)
        decision = Decision(scope, "software-own-deposits")
        found.append(_counted(of, actor, decision, (Reason("deposit"),)))
    return found


def _actor(subject: Line, org: int | None = None) -> Actor:
    return Actor(
        ActorKind(subject["kind"]), subject["sub"], "", "", rpps=subject["rpps"],
        profession=subject["profession"] or "", org=org, patient=subject["patient"],
    )  # fmt: skip


def _counted(of: Then, actor: Actor, decision: Decision, reasons: tuple[Reason, ...]) -> Could:
    names = {kind.number: kind.name for kind in kinds.table().values()}
    counts = Counter[str]()
    for each, many in of.resources:
        if seen(decision.scope, each, of.at):
            counts[names.get(each.kind, str(each.kind))] += many
    withheld = sum(many for _, many in of.resources) - counts.total()
    return Could(actor, decision, reasons, dict(sorted(counts.items())), withheld)


def seen(scope: Scope, row: own.Held, at: datetime) -> bool:
    """Whether a clause admits a resource (fhir/search/scope.py, `condition`)."""
    about = set(row.owners or ())
    loose = (
        row.kind == kinds.LOOSE
        and EPOCH.timestamp() + (row.rid >> 22) / 1000 <= (at - LOOSE_FOR).timestamp()
    )

    def within(cids: Sequence[int]) -> bool:
        return row.cid in cids and about <= set(cids)

    if any(
        within(one.cids) and row.kind in one.kinds and not row.labels & one.refused
        for one in scope.admits
    ):
        return True
    if scope.software is not None and row.dep_org == scope.software and not loose:
        return True
    team = scope.team
    if (
        team is not None
        and row.dep_org == team.organisation
        and row.kind in team.kinds
        and within(team.cids)
    ):
        return True
    return (
        scope.professional is not None
        and row.dep_pro == scope.professional
        and within(scope.held)
        and not loose
    )


async def keep(conn: AsyncConnection[Any], matrix: Matrix, now: datetime) -> None:
    """Keep every version of the matrix in use; the operator's."""
    for version in matrix.versions:
        body = body_of(version)
        await own.keep(conn, version.version, sha256(json.dump(body)).digest(), now, body)


def body_of(matrix: Matrix) -> Line:
    """What decides in a version of the matrix."""
    return {
        "name": matrix.name, "version": matrix.version, "official": matrix.official,
        "effective": matrix.effective.isoformat(),
        "rows": {code: list(rows) for code, rows in sorted(matrix.rows.items())},
    }  # fmt: skip


def _matrix(body: Line) -> Matrix:
    return Matrix(
        body["name"], body["version"], body["official"],
        {code: tuple(rows) for code, rows in body["rows"].items()}, {},
        effective=date.fromisoformat(body["effective"]),
    )  # fmt: skip


def in_force(kept: Sequence[Matrix], at: datetime) -> Matrix | None:
    """Of the matrices kept until a moment, the last first, the one it was decided by."""
    today = at.astimezone(LOCAL).date()
    begun = [one for one in kept if one.effective <= today]
    if not begun:
        return kept[-1] if kept else None
    return max(begun, key=lambda one: one.effective)  # of the same date, the last one kept


def told_record(of: Then) -> Line:
    """What a record was, as the replay prints it."""
    return {
        "at": of.at.isoformat(), "open": of.open, "compartments": len(of.cids),
        "resources": sum(many for _, many in of.resources),
    }  # fmt: skip


def told(one: Could) -> Line:
    """Who could read, as the replay prints it: no name, no content."""
    actor, decision = one.actor, one.decision
    return {
        "sub": actor.sub, "kind": str(actor.kind), "rpps": actor.rpps,
        "profession": actor.profession or None, "organisation": actor.org, "rule": decision.rule,
        "matrix": decision.matrix or None, "could_read": dict(one.counts), "withheld": one.withheld,
        "reasons": [
            {
                "kind": each.kind, "since": each.since and each.since.isoformat(),
                "until": each.until and each.until.isoformat(), "how": each.how or None,
                "declared_by": each.by or None,
            }
            for each in one.reasons
        ],
    }  # fmt: skip


def told_line(said: own.Said, *, agrees: bool) -> Line:
    """What a line of the audit says, beside the replay."""
    return {
        "line": said.seq, "sub": said.sub, "act": said.act, "granted": said.granted,
        "rule": said.rule, "matrix": said.matrix, "resources": said.count, "replay_agrees": agrees,
    }  # fmt: skip


READING = frozenset(("read", "vread", "history", "search", "export"))


def agrees(said: own.Said, found: Sequence[Could]) -> bool:
    """Whether a line of a reading says what the replay does: who was let in could read, by that rule.

    Who was not let in, and acts that have rules of their own, are not contradicted by it.
    """
    if said.act not in READING or not said.granted:
        return True
    mine = [one for one in found if one.actor.sub == said.sub]
    if said.org is not None:
        mine = [one for one in mine if one.actor.org in (said.org, None)]
    several = bool(said.cids)  # the rule is then the least of several records'
    return any(several or one.decision.rule == said.rule for one in mine)
