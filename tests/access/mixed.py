# SPDX-License-Identifier: EUPL-1.2
"""Requests of every sort: whether what answers name is what the trace names; `run` is the campaign."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from carnet.postgres import migrate
from carnet.postgres.cluster import Cluster
from tests.agreement import reading
from tests.agreement.twin import GRAMMAR, Aim, Probe, _fit, _next
from tests.agreement.worlds import Twins, World, judge, original
from tests.postgres_fixture import SETTINGS
from tests.space import Answer, Peopled, populated

DOCUMENTS = 84
# Not asked here: the one counts people, the other writes.
APART = frozenset(("search by identifier", "$hide and $show"))


@dataclass
class Figures:
    """What a run saw."""

    requests: int = 0
    named: int = 0  # resources released
    statuses: Counter[int] = field(default_factory=Counter)
    differ: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests, {self.named:,} resources named, {len(self.differ)} differ"
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
        with psycopg.connect(world.admin_url) as conn:
            rows = conn.execute("SELECT id, cid, rid FROM record.resource").fetchall()
            before = conn.execute("SELECT count(*) FROM record.resource").fetchone()
        places = {id: (cid, rid) for id, cid, rid in rows}
        for number in range(requests):
            persona, kind = PERSONAS[number % len(PERSONAS)], chance.choice(list(GRAMMAR))
            viewer = reading.viewer(await world.actor(persona))
            _, hidden, _ = judge(world.admin_url, viewer, of.now) if not number else ({}, {}, {})
            twins = Twins(persona, viewer, of.items, of.ids, world, world, hidden, frozenset(),
                          frozenset(), of.now, ("1" * 15,))  # fmt: skip
            probe = GRAMMAR[kind](Aim(twins, chance.choice(_fit(kind, of.items)), chance))
            if probe.method in ("PUT", "DELETE") or kind in APART:
                continue
            path: str | None = probe.path
            while path is not None:
                headers = dict(probe.headers)
                answer = await world.ask(persona, probe.method, path, probe.body, headers)
                figures.statuses[answer.status] += 1
                figures.requests += 1
                expected = {
                    (places[id][1], version)
                    for id, version in released(probe, answer)
                    if id in places and places[id][0] != 0  # a view has rows of its own
                }
                figures.named += len(expected)
                traced = _traced(world, answer.headers["x-request-id"])
                if answer.status == 304:  # it was read, and not sent again
                    good = len(traced) == 1
                elif probe.kind == "transaction of reads" and answer.status != 200:
                    good = not expected  # some were read, and all of it was refused
                else:
                    good = traced == expected
                if not good:
                    figures.differ.append(f"{number} {persona} {probe.kind} {answer.status}")
                path = _next(answer) if probe.follow else None
        with psycopg.connect(world.admin_url) as conn:
            assert conn.execute("SELECT count(*) FROM record.resource").fetchone() == before
    return figures


def _traced(world: World, request: str) -> set[tuple[int, int]]:
    with psycopg.connect(world.admin_url) as conn:
        rows = conn.execute("SELECT rids, vers FROM access.audit WHERE request = %s", (request,))
        return {pair for rids, vers in rows for pair in zip(rids, vers, strict=True)}


def run(requests: int, seed: int) -> Figures:
    """A whole run, on a server of its own: what `bench/campaign` calls."""
    with tempfile.TemporaryDirectory(prefix="carnet-audit-", dir="/tmp") as folder:
        cluster = Cluster.attach_or_start(Path(folder) / "server", settings=SETTINGS)
        try:
            migrate.migrate(cluster.url())
            with populated(cluster, Path(folder) / "installation") as peopled:
                return asyncio.run(audited(peopled, requests, seed))
        finally:
            cluster.stop()
