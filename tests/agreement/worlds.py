# SPDX-License-Identifier: EUPL-1.2
"""Twin worlds: two databases of one seed, alike but for what one persona may not see."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import json
import random
import re
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from carnet.access import stepup
from carnet.access.actor import Actor
from carnet.access.visibility import Resource, State, Viewer, live_roles, visible
from carnet.app import demonstration, parts
from carnet.app.pages import PageParts
from carnet.app.parts import Built
from carnet.fhir.store.ids import EPOCH
from carnet.postgres import migrate
from carnet.postgres.cluster import Cluster
from carnet.postgres.pool import Pool
from carnet.rest.routes import application
from tests import people
from tests.agreement import exported, pages, reading, rendered, told
from tests.agreement.items import CAST, Item, make
from tests.agreement.told import Reader
from tests.postgres_fixture import SETTINGS
from tests.space import FHIR, Answer, Peopled, asgi, clone, pattern, populated, settings_of

Done = TypeVar("Done")
START = datetime(2026, 11, 23, tzinfo=UTC)  # of the first item; the cast is older
STEP = timedelta(minutes=20)  # between two items: the first loose Binaries are more than a day old
PERSONAS = ("patient", "minor", "parent", "carer", "helper", "gp", "hospital-doctor", "nurse",
            "outsider", "blocked", "assistant", "lab-software", "hospital-software")  # fmt: skip
STAFF = ("gp", "hospital-doctor", "nurse", "outsider", "blocked")


# A server whose loss would cost nothing: no flush, and plans made once, for the campaign's many statements.
QUICK = SETTINGS | {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "plan_cache_mode": "force_generic_plan",
}
CONNECTIONS = 3  # of a world: the fewer, the sooner each has prepared every statement


class Source:
    """Time and chance of a world: those of the item being written, the same in both worlds."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.begin("start", START - STEP)

    def begin(self, name: str, at: datetime, *, frozen: bool = False) -> None:
        """What follows belongs to `name`."""
        self.now, self.frozen = at, frozen
        self.chance = random.Random(f"{self.seed} {name}")

    def clock(self) -> datetime:
        """The item's time, a millisecond later at each look unless frozen."""
        if not self.frozen:
            self.now += timedelta(milliseconds=1)
        return self.now

    def bytes(self, size: int) -> bytes:
        """Of the item."""
        return self.chance.randbytes(size)

    def bits(self, size: int) -> int:
        """Of the item."""
        return self.chance.getrandbits(size)


@dataclass(frozen=True)
class Url:
    """A server of one address, by role."""

    pattern: str

    def url(self, role: str = "carnet_admin", /) -> str:
        """The address for a role."""
        return self.pattern.replace("{role}", role)

    def stop(self) -> None:
        """Not ours."""


@dataclass
class World:
    """One installation, and how to ask it."""

    built: Built
    source: Source
    admin_url: str
    server: Url
    app: Any = None
    worker: psycopg.AsyncConnection[Any] | None = None
    jobs: Pool | None = None  # of the worker that lists exports
    pages: PageParts | None = None  # of the run that asks
    tokens: dict[str, str] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = application(self.built.desk)

    def move(self, now: datetime) -> None:
        """Have it be later; tokens are made again."""
        if now != self.source.now:
            self.source.now = now
            self.tokens.clear()

    def forget(self, since: datetime) -> None:
        """Take away what this run's own requests left, traces and creates: what was before is compared."""
        with psycopg.connect(self.admin_url) as conn:
            conn.execute("DELETE FROM access.audit WHERE at >= %s", (since,))
            for table in ("idx_string", "idx_date", "idx_number"):
                conn.execute(
                    f"DELETE FROM record.{table} i USING record.resource r"
                    " WHERE r.cid = i.cid AND r.rid = i.rid AND r.upd >= %s".encode(),
                    (since,),
                )
            conn.execute("DELETE FROM record.resource WHERE upd >= %s", (since,))
            for table in (
                "id_map",
                "history",
                "attachment",
            ):  # a run of the same seed makes the same rows again
                conn.execute(
                    f"DELETE FROM record.{table} m WHERE NOT EXISTS (SELECT FROM record.resource r"
                    " WHERE r.cid = m.cid AND r.rid = m.rid)".encode()
                )
            conn.execute("DELETE FROM record.outbox WHERE at >= %s", (since,))

    async def look(
        self, persona: str, name: str, given: Sequence[str], reader: Reader, until: datetime
    ) -> Answer:
        """A page, a record taken away, or what reaches somebody; until: when the run began."""
        actor = await self.actor(persona)
        match name:
            case "archive":
                return await pages.archive(self.built, actor, given[0], until)
            case "handed over":
                operator = await self.actor("operator")
                return await pages.handed(self.built, actor, operator.sub, until)
            case "html":
                return await self._rendered(actor, given[0], given[1], until)
            case "notices":
                return await told.notices(self.built, reader)
            case "letters":
                return await told.posted(self.built, reader)
            case "export":
                return await self._exported(persona, *given)
            case "job":
                if self.worker is None:
                    url = self.server.url("carnet_worker")
                    self.worker = await psycopg.AsyncConnection.connect(url, autocommit=True)
                return await told.job(self.worker, self.built, reader, given[0])
        return await pages.page(self.built, actor, name, given)

    async def _exported(self, persona: str, path: str, sent: str) -> Answer:
        if self.jobs is None:
            self.jobs = await exported.worker(self.server.url("carnet_worker"))

        async def ask(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
            return await self.ask(persona, method, path, body, headers)

        return await exported.taken(ask, self.built, self.jobs, path, sent.encode())

    async def _rendered(self, actor: Actor, method: str, path: str, until: datetime) -> Answer:
        if self.pages is None:
            self.pages = rendered.parts_of(self.built, until)
        answer = await rendered.html(self.pages, actor, method, path)
        if answer.headers.get("content-type") == "application/zip":
            return Answer(answer.status, answer.headers, pages.inside(answer.body, until))
        return answer

    async def actor(self, persona: str) -> Actor:
        """Who a persona is; `minor+secret` is the minor in a secret connection."""
        if persona not in self.actors:
            key, _, secret = persona.partition("+")
            found = people.POPULATION.persona(key)
            subject = demonstration.subject_of(found, people.POPULATION)
            who = await parts.actor(self.built, subject, client="twin", secret=bool(secret))
            self.actors[persona] = who
        return self.actors[persona]

    async def ask(
        self,
        persona: str,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; tokens are good for as long as the world's time stands."""
        if persona not in self.tokens:
            claims = parts.claims(self.built, await self.actor(persona), "*")
            self.tokens[persona] = self.built.desk.tokens.issue(claims, lifetime=86_400)
        sent = {"accept": FHIR, "authorization": f"Bearer {self.tokens[persona]}"}
        if body:
            sent["content-type"] = FHIR
        return await asgi(
            self.app, method, "/" + path.lstrip("/"), body, sent | dict(headers or {})
        )


@dataclass
class Twins:
    """A and B, and what one persona may not see of A."""

    persona: str
    viewer: Viewer
    items: list[Item]
    ids: dict[str, str]  # of every item of A and person, by key
    a: World
    b: World
    hidden: dict[int, str]  # item → why this persona does not see it
    dropped: frozenset[int]
    changed: frozenset[int]
    now: datetime
    numbers: tuple[str, ...]  # INS of people who may be here
    reader: Reader  # what is theirs of what leaves


async def load(
    world: World,
    items: list[Item],
    ids: dict[str, str],
    *,
    dropped: frozenset[int] = frozenset(),
    changed: frozenset[int] = frozenset(),
) -> None:
    """Write items through the API, each under its own time and chance; ids are added by key."""
    for item in items:
        if item.number in dropped:
            continue
        await world.actor(item.actor)  # once a world, so before the item's own time
        world.source.begin(f"item {item.number}", START + item.number * STEP)
        world.tokens.clear()
        content = content_of(world.source.seed, item, changed=item.number in changed)
        for step in item.steps:
            path = _filled(step.path, ids)
            body = b""
            if step.body is not None:
                made = step.body(content, ids)
                if step.method == "PUT":
                    made["id"] = path.partition("/")[2]
                body = _filled(json.dumps(made), ids).encode()
            answer = await world.ask(item.actor, step.method, path, body)
            if answer.status not in (200, 201, 204):
                raise AssertionError((item, step.method, path, answer.status, answer.body[:600]))
            for key, id in _made(item, answer):
                if ids.setdefault(key, id) != id:
                    raise AssertionError(f"{key} of item {item} has another id in the other world")


def known(admin_url: str) -> None:
    """Have the planner know what there is: these servers have no autovacuum."""
    with psycopg.connect(admin_url, autocommit=True) as conn:
        conn.execute("ANALYZE")


def content_of(seed: int, item: Item, *, changed: bool) -> random.Random:
    """The chance that gives an item its values and words."""
    return random.Random(f"{seed} content {item.number} {changed}")


def _filled(text: str, ids: Mapping[str, str]) -> str:
    return re.sub(r"\{([a-z]+(?:-?[0-9a-z]+)*)\}", lambda found: ids[found[1]], text)


def _made(item: Item, answer: Answer) -> Iterator[tuple[str, str]]:
    if "location" in answer.headers:
        id = answer.headers["location"].split("/_history")[0].rsplit("/", 1)[1]
        yield f"i{item.number}", id
        if item.new:
            yield item.new, id
    elif answer.body and answer.json.get("type") == "transaction-response":
        for place, entry in enumerate(answer.json["entry"]):
            id = entry["response"]["location"].split("/")[1]
            yield (f"i{item.number}" if place == 0 else f"i{item.number}-{place}"), id


def item_of(rid: int) -> int | None:
    """The item a row belongs to, by its time; None for the cast's."""
    at = EPOCH + timedelta(milliseconds=rid >> 22)
    return (at - START) // STEP if at >= START else None


def why_hidden(viewer: Viewer, row: Resource, state: State, now: datetime) -> str:
    """The reason, for the coverage: what hides this row from this viewer."""
    if viewer.kind in ("patient", "helper"):
        if row.cid != viewer.patient and not any(
            mandate.cid == row.cid and mandate.sub == viewer.sub for mandate in state.mandates
        ):
            return "another person's"
        if row.owners:
            return "another person's too"
        if row.cid == viewer.patient:
            return "invisible to the patient"
        if int(row.labels) & 4:
            return "kept from the representatives"
        return "invisible to the patient" if int(row.labels) & 2 else "beyond the mandate"
    if viewer.kind == "software":
        return "another organisation's"
    if row.cid not in state.records:
        return "in a bucket"
    if live_roles(viewer, row.cid, state, now) is None:
        if any(block.cid == row.cid and block.rpps == viewer.rpps for block in state.blocks):
            return "blocked"
        return "no link"
    if row.owners:
        return "another person's too"
    return "masked" if int(row.labels) & 1 else "not for the profession"


@contextlib.asynccontextmanager
async def installed(peopled: Peopled, seed: int, *, role: str = "{role}") -> AsyncIterator[World]:
    """A clone of the cast's database, with one world's sources."""
    source = Source(seed)
    with clone(peopled.cluster, peopled.name) as name:
        prepare(peopled.cluster.url(database=name), peopled)
        async with opened(peopled, name, source, role=role) as world:
            yield world


@contextlib.asynccontextmanager
async def opened(
    peopled: Peopled, name: str, source: Source, *, role: str = "{role}"
) -> AsyncIterator[World]:
    """A process on a database; `role` may be a superuser's, whom row-level security does not bind."""
    server = Url(pattern(peopled.cluster, name).replace("{role}", role))
    built = await parts.build(
        settings_of(peopled.folder, pool_size=CONNECTIONS),
        server,
        name="twin",
        clock=source.clock,
        random=source.bytes,
        random_bits=source.bits,
    )
    await prepared_at_once(built)
    world = World(built, source, peopled.cluster.url(database=name), server)
    try:
        yield world
    finally:
        if world.worker is not None:
            await world.worker.close()
        if world.jobs is not None:
            await world.jobs.close()
        await built.pool.close()


@contextlib.contextmanager
def campaigning(name: str) -> Iterator[Peopled]:
    """The cast on a server of its own, quick and thrown away: for a share of the campaign."""
    with tempfile.TemporaryDirectory(prefix=f"carnet-{name}-", dir="/tmp") as folder:
        cluster = Cluster.attach_or_start(Path(folder) / "server", settings=QUICK)
        try:
            migrate.migrate(cluster.url())
            with populated(cluster, Path(folder) / "installation") as peopled:
                yield peopled
        finally:
            cluster.stop()


def quickly(made: Coroutine[Any, Any, Done]) -> Done:
    """Run to its end, on the loop the server has."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.run(made)
    uvloop = importlib.import_module("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(made)


async def prepared_at_once(built: Built) -> None:
    """Have each connection prepare a statement the first time, and keep it.

    Half the time of a probe was planning: psycopg forgets what it prepared at each transaction undone,
    and most writes here are refused. No table changes its shape under these connections.
    """
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            conn = await stack.enter_async_context(built.pool.connection())
            conn.prepare_threshold, conn.prepared_max = 0, 3000
            conn._prepared.clear = lambda: False  # type: ignore[method-assign]


def prepare(admin_url: str, peopled: Peopled) -> None:
    """Links the cast does not have: a visit's consent, and a helper's session."""
    elder = peopled.where.people["elder"]
    with psycopg.connect(admin_url) as conn:
        rpps = int(people.POPULATION.professional("hospital-doctor").rpps)
        conn.execute(
            "INSERT INTO access.consent VALUES (1, %s, NULL, %s, 'oral', 'test', %s, NULL)",
            (elder, rpps, START - STEP),
        )
        conn.execute(
            "INSERT INTO access.mandate (id, cid, sub, nature, reach, how, declared_by, since, until)"
            " VALUES (1, %s, 'helper:helper', 'helper', 'management', 'oral', 'test', %s, %s)",
            (elder, START - STEP, START + timedelta(days=30)),
        )
        persons = [peopled.where.people[key] for key in CAST]
        told.write(conn, 0, START - STEP, persons, _staff(), peopled.where.people["patient"])


def _staff() -> list[int]:
    """Those of the professionals who are personas."""
    return [int(people.POPULATION.professional(key).rpps) for key in STAFF]


def disturb(admin_url: str, peopled: Peopled, viewer: Viewer, persona: str, seed: int) -> None:
    """Rights of others and what they are told, which this persona does not see: only B has them.

    Whoever holds a record sees who may read it: theirs are left as they are.
    """
    chance = random.Random(f"{seed} disturb {persona}")
    others = [
        int(people.POPULATION.professional(key).rpps)
        for key in ("dentist", "midwife", "physio", "geriatrician")
    ]
    with psycopg.connect(admin_url) as conn:
        held = {viewer.patient} | {
            cid
            for (cid,) in conn.execute(
                "SELECT cid FROM access.mandate WHERE sub = %s", (viewer.sub,)
            )
        }
        theirs = sorted(peopled.where.people.values())
        staff = [rpps for rpps in _staff() if rpps != viewer.rpps]
        told.write(conn, 10_000, START, set(theirs) - held, staff, theirs[0])
        for number, cid in enumerate(theirs):
            if cid in held:
                continue
            conn.execute(
                "UPDATE access.record SET regulation_refused = true WHERE cid = %s", (cid,)
            )
            conn.execute(
                "INSERT INTO access.trusted VALUES (%s, %s, %s)",
                (cid, chance.choice(others), START),
            )
            conn.execute(
                "INSERT INTO access.consent VALUES (%s, %s, NULL, %s, 'oral', 'test', %s, NULL)",
                (1000 + number, cid, chance.choice(others), START),
            )
            conn.execute(
                "INSERT INTO access.block VALUES (%s, %s, %s)", (cid, chance.choice(others), START)
            )


def judge(
    admin_url: str, viewer: Viewer, now: datetime
) -> tuple[set[tuple[int, int]], dict[int, str], set[int]]:
    """Rows this viewer sees, why items are hidden from them, items of which they see something."""
    with psycopg.connect(admin_url) as conn:
        state, rows = reading.state(conn), reading.resources(conn)
    seen: set[tuple[int, int]] = set()
    hidden: dict[int, str] = {}
    shown: set[int] = set()
    for row in rows:
        item = item_of(row.rid)
        if visible(viewer, row, state, now):
            seen.add((row.cid, row.rid))
            if item is not None:
                shown.add(item)
        elif item is not None:
            hidden[item] = why_hidden(viewer, row, state, now)
    return seen, {item: why for item, why in hidden.items() if item not in shown}, shown


@dataclass
class Original:
    """World A, from which each persona's B is made."""

    peopled: Peopled
    seed: int
    items: list[Item]
    ids: dict[str, str]
    world: World
    now: datetime


@contextlib.asynccontextmanager
async def original(peopled: Peopled, seed: int, count: int) -> AsyncIterator[Original]:
    """A, with all its items. When somebody logged in shows nothing of what there is: it is not asked here."""
    items = make(seed, count)
    async with installed(peopled, seed) as world:
        ids = {key: world.built.door.ids.encode(cid, cid)
               for key, cid in peopled.where.people.items()}  # fmt: skip
        await load(world, items, ids)
        known(world.admin_url)
        now = START + count * STEP + timedelta(hours=1)
        world.source.begin("asking", now, frozen=True)
        world.tokens.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stepup, "fresh", lambda *_: None)
            yield Original(peopled, seed, items, ids, world, now)


@contextlib.asynccontextmanager
async def twins(of: Original, persona: str) -> AsyncIterator[Twins]:
    """A and a B of one persona: what is hidden from them is left out, changed, or kept."""
    actor = await of.world.actor(persona)
    viewer, reader = reading.viewer(actor), told.Reader(*told.readable(of.world.admin_url, actor))
    seen, hidden, shown = judge(of.world.admin_url, viewer, of.now)
    chance = random.Random(f"{of.seed} twin {persona}")
    drawn = {number: chance.random() for number in sorted(hidden)}
    # What they wrote themselves may be changed, not left out: they have lines of their own about it.
    own = {item.number for item in of.items if item.actor.partition("+")[0] == persona}
    dropped = {number for number, draw in drawn.items() if draw < 0.45} - own
    changed = {number for number, draw in drawn.items() if draw < 0.85} - dropped
    for item in of.items:  # nobody's record goes while something of it stays
        if item.new and item.number in dropped:
            about = {each.number for each in of.items if item.new in each.about}
            if about & (shown | own):
                dropped.discard(item.number)
            else:
                dropped |= about
    # Whether anything waits to be announced is told at two weeks (CSP R.1111-53); no more than that.
    dropped -= waiting(of.world.admin_url, reader)
    async with installed(of.peopled, of.seed) as world:
        disturb(world.admin_url, of.peopled, viewer, persona, of.seed)
        await load(
            world, of.items, dict(of.ids), dropped=frozenset(dropped),
            changed=frozenset(changed - dropped),
        )  # fmt: skip
        known(world.admin_url)
        world.source.begin("asking", of.now, frozen=True)
        world.tokens.clear()
        also, _, _ = judge(world.admin_url, viewer, of.now)
        assert also == seen, "the worlds differ in what this persona sees: no twins"
        yield Twins(
            persona, viewer, of.items, of.ids, of.world, world, hidden, frozenset(dropped),
            frozenset(changed - dropped), of.now, _numbers(of, persona), reader,
        )  # fmt: skip


def waiting(admin_url: str, reader: Reader) -> set[int]:
    """One item a record of theirs, of those that wait to be announced."""
    found: dict[int, int] = {}
    with psycopg.connect(admin_url) as conn:
        for cid, rid in conn.execute(told.AWAITING):
            item = item_of(rid)
            if cid in reader.cids and item is not None:
                found.setdefault(cid, item)
    return set(found.values())


def _numbers(of: Original, persona: str) -> tuple[str, ...]:
    """INS of the cast but the persona's own, by which they may write, and of who is new in A."""
    own = people.POPULATION.persona(persona).person
    found = [each.ins for each in people.POPULATION.people if each.key != own]
    for item in of.items:
        if item.new and item.steps[0].body is not None:
            made = item.steps[0].body(content_of(of.seed, item, changed=False), of.ids)
            found += [made["identifier"][0]["value"]] * 3
    return tuple(found)
