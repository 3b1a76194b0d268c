# SPDX-License-Identifier: EUPL-1.2
"""Requests of every sort: whether what answers name is what the trace names; `run` is the campaign."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
import structlog

from tests.agreement import attacks, reading, standard, told
from tests.agreement.aims import Aim, Probe
from tests.agreement.twin import EACH, GRAMMAR, HOUR, _fit, _next
from tests.agreement.worlds import Original, Twins, World, campaigning, original, quickly
from tests.space import Answer, Peopled

DOCUMENTS = 84
TOGETHER = 14  # requests at once
# Not asked here: one counts people, others write; what is no request (pages, letters, jobs) names nothing.
APART = frozenset(("search by identifier", "$hide and $show", "$emergency", "$take-away"))
APART |= standard.DONE | attacks.DONE


@dataclass
class Figures:
    """What a run saw."""

    requests: int = 0
    named: int = 0  # resources released
    statuses: Counter[int] = field(default_factory=Counter)
    differ: list[str] = field(default_factory=list)
    seed: int = 0
    seconds: float = 0.0

    def __add__(self, other: Figures) -> Figures:
        """Two runs as one."""
        return Figures(
            self.requests + other.requests, self.named + other.named,
            self.statuses + other.statuses, self.differ + other.differ,
            min(self.seed, other.seed), self.seconds + other.seconds,
        )  # fmt: skip

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.requests:,} requests, {self.named:,} resources named,"
            f" {len(self.differ)} differ in {self.seconds:.0f} s"
            f" {dict(self.statuses)}"
        )


PERSONAS = ("patient", "gp", "nurse", "hospital-doctor", "outsider", "lab-software",
            "hospital-software")  # fmt: skip


def named(content: Any) -> Iterator[tuple[str, int]]:
    """(id, version) of every resource an answer gives, in whatever Bundle it lies."""
    if not isinstance(content, dict):
        return
    if content.get("resourceType") != "Bundle":
        if "versionId" in content.get("meta", {}):
            yield content["id"], int(content["meta"]["versionId"])
        return
    for entry in content.get("entry", []):
        if "resource" in entry:
            yield from named(entry["resource"])
        elif entry.get("request", {}).get("method") == "DELETE":
            yield entry["fullUrl"].rsplit("/", 1)[1], int(entry["response"]["etag"][3:-1])


def released(probe: Probe, answer: Answer) -> set[tuple[str, int]]:
    """What an answer gave; bytes of a Binary are known by their address."""
    if answer.status not in (200, 201):
        return set()
    if answer.headers.get("content-type", "").startswith("application/fhir+json"):
        return set(named(answer.json))
    return {(probe.path.split("/")[1], int(answer.headers["etag"][3:-1]))}


async def audited(peopled: Peopled, requests: int, seed: int) -> Figures:
    """So many, by every persona; the rows of the record are as many at the end as before."""
    chance = random.Random(seed)
    figures = Figures()
    async with original(peopled, seed, DOCUMENTS) as of:
        world = of.world
        with psycopg.connect(world.admin_url, autocommit=True) as conn:
            conn.execute("CREATE INDEX ON access.audit (request)")  # we ask by it, nobody else does
            rows = conn.execute("SELECT id, cid, rid FROM record.resource").fetchall()
            places = {id: (cid, rid) for id, cid, rid in rows}
            kinds = [kind for kind in GRAMMAR if kind not in APART]
            asking = {persona: await _asking(of, persona) for persona in PERSONAS}
            number = 0
            while figures.requests < requests:
                asked: list[tuple[str, Probe]] = []
                while len(asked) < TOGETHER:
                    number += 1
                    twins, kind = asking[PERSONAS[number % len(PERSONAS)]], chance.choice(kinds)
                    probe = GRAMMAR[kind](Aim(twins, chance.choice(_fit(kind, of.items)), chance))
                    if probe.method not in ("PUT", "DELETE") and not probe.page:
                        asked.append((twins.persona, probe))
                each = await asyncio.gather(*(_answers(world, *one) for one in asked))
                _compare(conn, places, [answer for answers in each for answer in answers], figures)
                world.move(of.now + HOUR * (figures.requests // (EACH * len(PERSONAS))))
            (left,) = conn.execute("SELECT count(*) FROM record.resource").fetchone() or (0,)
            assert left == len(rows)
    return figures


async def _asking(of: Original, persona: str) -> Twins:
    """The only world, as a twin of itself."""
    actor = await of.world.actor(persona)
    viewer, reader = reading.viewer(actor), told.Reader(*told.readable(of.world.admin_url, actor))
    return Twins(persona, viewer, of.items, of.ids, of.world, of.world, {}, frozenset(),
                 frozenset(), of.now, ("1" * 15,), reader)  # fmt: skip


async def _answers(world: World, persona: str, probe: Probe) -> list[tuple[str, Probe, Answer]]:
    """What a probe is answered, on every page."""
    found, path = [], probe.path
    while True:
        answer = await world.ask(persona, probe.method, path, probe.body, dict(probe.headers))
        found.append((persona, probe, answer))
        following = _next(answer) if probe.follow else None
        if following is None:
            return found
        path = following


def _compare(
    conn: psycopg.Connection[Any],
    places: dict[str, tuple[int, int]],
    answers: list[tuple[str, Probe, Answer]],
    figures: Figures,
) -> None:
    """What each answer names, and what its trace does."""
    ids = [answer.headers["x-request-id"] for _, _, answer in answers]
    traces: dict[str, set[tuple[int, int]]] = {each: set() for each in ids}
    for request, rids, vers in conn.execute(TRACED, (ids,)):
        traces[request] |= set(zip(rids, vers, strict=True))
    for persona, probe, answer in answers:
        figures.statuses[answer.status] += 1
        figures.requests += 1
        expected = {
            (places[id][1], version)
            for id, version in released(probe, answer)
            if id in places and places[id][0] != 0  # a view has rows of its own
        }
        figures.named += len(expected)
        traced = traces[answer.headers["x-request-id"]]
        if answer.status == 304:  # it was read, and not sent again
            good = len(traced) == 1
        elif answer.status == 200 and OF_ONE.search(probe.path):  # read, and told of
            good = {rid for rid, _ in traced} == {places[probe.path.split("/")[1]][1]}
        elif probe.method == "POST" and "location" in answer.headers:
            # It was there already: named, not given.
            good = {rid for rid, _ in traced} == {places[_located(answer)][1]}
        elif probe.kind in BUNDLES and answer.status != 200:
            good = not expected  # some were read, and all of it was refused
        elif probe.kind == "reads in a Bundle":
            read = {places[id][1] for id in _unsent(probe, answer) if id in places}
            good = expected <= traced and {rid for rid, _ in traced - expected} <= read
        elif (
            probe.kind == "$summary"
        ):  # more is read than is told: what is reconciled, by one's record
            good = expected <= traced
        else:
            good = traced == expected
        if not good:
            figures.differ.append(f"{persona} {probe.kind} {probe.path} {answer.status}")


def _unsent(probe: Probe, answer: Answer) -> Iterator[str]:
    """Ids that entries of a Bundle read and did not send: by HEAD, or not changed since."""
    for asked, said in zip(json.loads(probe.body)["entry"], answer.json["entry"], strict=True):
        request = asked["request"]
        if request["method"] == "HEAD" or said["response"]["status"].startswith("304"):
            yield request["url"].split("/")[1]


def _located(answer: Answer) -> str:
    """Id of what an answer says is there."""
    return answer.headers["location"].partition("/_history")[0].rpartition("/")[2]


BUNDLES = frozenset(("transaction of reads", "reads in a Bundle", "one resource, every way"))
OF_ONE = re.compile(r"/[^/$]+/(_history/\d+/)?\$(meta|validate)\b")  # not of a type

TRACED: LiteralString = "SELECT request, rids, vers FROM access.audit WHERE request = ANY (%s)"


def run(requests: int, seed: int) -> Figures:
    """A whole run, on a server of its own: what `bench/campaign` calls."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    started = time.perf_counter()
    with campaigning("audit") as peopled:
        figures = quickly(audited(peopled, requests, seed))
    figures.seed, figures.seconds = seed, time.perf_counter() - started
    return figures
