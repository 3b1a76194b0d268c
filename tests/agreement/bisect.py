# SPDX-License-Identifier: EUPL-1.2
"""An attacker who halves: what is hidden is asked for through everything that might count it.

They know what a real one would not: the id of what is hidden, whose it is, and the few values it may
have. Each oracle is a way to ask "is it one of these?"; an answer that is not that of an impossible value
is a bit, and the half that gave it is halved again. Two worlds differ in the secrets alone: the whole
transcript must be the same in both, and no secret may be named. `run` is what `bench/campaign` calls.
"""

from __future__ import annotations

import contextlib
import json
import logging
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
import structlog

from carnet.identity.ins import control_key
from tests import people
from tests.agreement.items import CATEGORY, LOINC, SECURITY, Body, Item, Step
from tests.agreement.worlds import (
    START,
    STEP,
    World,
    campaigning,
    content_of,
    installed,
    load,
    opened,
    quickly,
)
from tests.space import Answer, Peopled

DOCTOR, LAB = "hospital-doctor", "lab-software"  # who attacks
DAYS = tuple((date(2026, 1, 5) + timedelta(days=11 * n)).isoformat() for n in range(32))
CODES = ("2345-7", "4548-4", "2160-0", "718-7", "8867-4", "29463-7", "5671-3", "31201-7")
NAMES = ("ABADIE", "BERTIN", "CARLIER", "DUMAS", "ESNAULT", "FABRE", "GUERIN", "HUET",
         "IMBERT", "JOLY", "KLEIN", "LEROUX", "MARTEL", "NOIROT", "OLIVIER", "PASQUIER")  # fmt: skip
BIRTHS = tuple((date(1950, 3, 9) + timedelta(days=401 * n)).isoformat() for n in range(32))
NUMBERS = tuple(f"r-{n}" for n in range(8))
TITLES = ("bilan", "cardiologie", "dermatologie", "endoscopie", "fertilité", "gynécologie",
          "hépatologie", "immunologie")  # fmt: skip
TYPES = ("11502-2", "11488-4", "34133-9", "57833-6", "60593-1", "11490-0", "18842-5", "34794-8")
VALUES = tuple(str(n) for n in range(40, 168, 4))
NOBODY = {"date": "1801-01-01", "code": "0-0", "family": "ZZZZ", "birthdate": "1801-01-01",
          "identifier": "urn:none|none", "description": "zzzz", "type": "0-0",
          "value-quantity": "999999"}  # fmt: skip
IMPOSSIBLE = ()


@dataclass(frozen=True)
class Secret:
    """What is hidden: the values it may have, and how a search by it is written."""

    name: str
    values: tuple[str, ...]
    param: str
    interval: bool = False

    def asked(self, among: Sequence[str]) -> list[tuple[str, str]]:
        """The parameters "one of these"; of nothing, what no resource answers."""
        if not among:
            return [(self.param, NOBODY[self.param])]
        if self.interval:
            return [(self.param, f"ge{among[0]}"), (self.param, f"le{among[-1]}")]
        if self.param == "identifier":
            return [(self.param, ",".join(f"urn:labo|{each}" for each in among))]
        return [(self.param, ",".join(among))]


SECRETS = {
    secret.name: secret
    for secret in (
        Secret("date", DAYS, "date", interval=True),
        Secret("code", CODES, "code"),
        Secret("number", NUMBERS, "identifier"),
        Secret("value", VALUES, "value-quantity", interval=True),
        Secret("family", NAMES, "family"),
        Secret("birth", BIRTHS, "birthdate", interval=True),
        Secret("title", TITLES, "description"),
        Secret("type", TYPES, "type"),
    )
}

Ask = Callable[[dict[str, str], list[tuple[str, str]]], str]  # ids and parameters → an address


@dataclass(frozen=True)
class Oracle:
    """One way to ask about a secret; address: with `{}` where the parameters stand, prefixed."""

    secret: str
    persona: str
    rtype: str
    prefix: str = ""  # before the name of the parameter
    more: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """For people."""
        rest = "&".join(f"{name}={value}" for name, value in self.more)
        return f"{self.secret} by {self.rtype}?{self.prefix}{rest and ' ' + rest}"

    def address(self, ids: dict[str, str], among: Sequence[str]) -> str:
        """The question "is it one of these?"."""
        given = [(self.prefix + name, value) for name, value in SECRETS[self.secret].asked(among)]
        if self.rtype.endswith("$everything"):  # it has names of its own for an interval
            first, last = (among[0], among[-1]) if among else (NOBODY["date"],) * 2
            given = [("start", first), ("end", last)]
        given += [(name, value.format_map(ids)) for name, value in self.more]
        return f"{self.rtype.format_map(ids)}?{urlencode(given)}"


def _oracles() -> list[Oracle]:
    found = []
    count, total = (("_summary", "count"),), (("_total", "accurate"),)
    person, thing = (("_id", "{elder}"),), (("_id", "{i0}"),)
    for secret in ("date", "code", "number", "value"):
        for rtype, prefix, more in (
            ("Patient", "_has:Observation:subject:", person),
            ("Patient", "_has:Observation:subject:", count),
            ("Patient", "_has:Observation:patient:", total),
            ("Patient", "_has:DiagnosticReport:subject:result.", person),
            ("Patient", "_has:DiagnosticReport:subject:result:Observation.", total),
            ("Observation", "_has:DiagnosticReport:result:subject:Patient._has:Observation:subject:", thing),
            ("DiagnosticReport", "result.", ()),
            ("DiagnosticReport", "result:Observation.", count),
            ("DiagnosticReport", "result.", (("_include", "DiagnosticReport:result"),)),
            ("DiagnosticReport", "subject:Patient._has:Observation:subject:", total),
            ("DiagnosticReport", "result.", (("_sort", "-date"), ("_count", "1"))),
            ("Observation", "", thing),
            ("Observation", "", (("subject", "Patient/{elder}"), *total)),
            ("Observation", "", count),
            ("Observation", "", (("_sort", "date"), ("_count", "1"), *total)),
            ("Observation", "", (("_revinclude", "DiagnosticReport:result"), *thing)),
            ("Observation", "", (("_include", "Observation:subject"),)),
        ):  # fmt: skip
            found.append(Oracle(secret, DOCTOR, rtype, prefix, more))
    for secret in ("family", "birth"):
        for rtype, prefix, more in (
            ("Patient", "", ()),
            ("Patient", "", count),
            ("Patient", "", (("_id", "{new}"), *total)),
            ("Patient", "", (("_sort", "birthdate"), ("_count", "1"))),
            ("Patient", "", (("_sort", "family"), *total)),
            ("Patient", "", (("_revinclude", "Observation:subject"),)),
            ("Observation", "subject:Patient.", ()),
            ("Observation", "patient.", total),
            ("Observation", "subject:Patient.", count),
            ("Observation", "subject:Patient.", (("_include", "Observation:subject"),)),
            ("Observation", "subject:Patient.", (("_id", "{i5}"), *total)),
            ("Observation", "_has:Observation:has-member:subject:Patient.", ()),
        ):
            found.append(Oracle(secret, LAB, rtype, prefix, more))
    for secret in ("title", "type"):
        for rtype, prefix, more in (
            ("DocumentReference", "", ()),
            ("DocumentReference", "", (("subject", "Patient/{elder}"), *total)),
            ("DocumentReference", "", count),
            ("DocumentReference", "", (("_id", "{i2}"), ("_include", "*"))),
            ("DocumentReference", "", (("_sort", "-date"), ("_count", "1"), *total)),
            ("Patient", "_has:DocumentReference:subject:", person),
            ("Patient", "_has:DocumentReference:patient:", count),
        ):
            found.append(Oracle(secret, DOCTOR, rtype, prefix, more))
    everything = Oracle("date", DOCTOR, "Patient/{elder}/$everything")
    return [*found, everything]


ORACLES = _oracles()

# ------------------------------------------------------------------------------------ the two worlds


def _labelled(body: Body) -> Body:
    return body | {"meta": {"security": [{"system": SECURITY, "code": "MASQUE_PS"}]}}


def _observation(chance: random.Random, ids: dict[str, str]) -> Body:
    """Masked: the doctor of one visit does not see it."""
    return _labelled({
        "resourceType": "Observation",
        "identifier": [{"system": "urn:labo", "value": chance.choice(NUMBERS)}],
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}],
        "code": {"coding": [{"system": LOINC, "code": chance.choice(CODES)}]},
        "subject": {"reference": "Patient/{elder}"},
        "effectiveDateTime": chance.choice(DAYS),
        "valueQuantity": {"value": int(chance.choice(VALUES)), "unit": "mg/dL",
                          "system": "http://unitsofmeasure.org", "code": "mg/dL"},
    })  # fmt: skip


def _report(chance: random.Random, ids: dict[str, str]) -> Body:
    """Seen by the doctor; it points to what is not."""
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "11502-2"}]},
        "subject": {"reference": "Patient/{elder}"},
        "effectiveDateTime": "2025-11-01",  # of no day that is asked for
        "result": [{"reference": "Observation/{i0}"}],
    }


def _document(chance: random.Random, ids: dict[str, str]) -> Body:
    title = chance.choice(TITLES)
    document = {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.77"},
        "status": "current",
        "type": {"coding": [{"system": LOINC, "code": chance.choice(TYPES)}]},
        "subject": {"reference": "Patient/{elder}"},
        "date": chance.choice(DAYS) + "T08:00:00Z",
        "description": title,
        "securityLabel": [
            {"coding": [{"system": SECURITY, "code": each}]} for each in ("N", "MASQUE_PS")
        ],
        "content": [{"attachment": {"contentType": "text/plain", "url": "urn:uuid:b"}}],
    }
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}
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


def _person(chance: random.Random, ids: dict[str, str]) -> Body:
    """Made by the hospital; the laboratory feeds their record, and reads its own deposits alone."""
    root = f"1{chance.randint(10, 99)}0475{chance.randint(100000, 999999)}"
    return {
        "resourceType": "Patient",
        "identifier": [
            {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": f"{root}{control_key(root):02}"}
        ],
        "name": [{"use": "official", "family": chance.choice(NAMES), "given": ["ALIX"]}],
        "gender": "female",
        "birthDate": chance.choice(BIRTHS),
    }


def _fed(chance: random.Random, ids: dict[str, str]) -> Body:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "2345-7"}]},
        "subject": {"reference": "Patient/{new}"},
        "effectiveDateTime": "2026-11-02",
        **({"hasMember": [{"reference": "Observation/{i4}"}]} if "i4" in ids else {}),
    }


def _item(
    number: int, actor: str, body: Any, rtype: str, about: str, new: str | None = None
) -> Item:
    types = (rtype,) if rtype else ("DocumentReference", "Binary")
    return Item(number, rtype, actor, (Step("POST", rtype, body),), (about,), new, types)


ITEMS = [
    _item(0, LAB, _observation, "Observation", "elder"),
    _item(1, LAB, _report, "DiagnosticReport", "elder"),
    _item(2, LAB, _document, "", "elder"),
    _item(3, "hospital-software", _person, "Patient", "new", "new"),
    _item(4, LAB, _fed, "Observation", "new"),
    _item(5, LAB, _fed, "Observation", "new"),
]
HIDDEN = frozenset((0, 2, 3))


def secrets(seed: int, *, changed: bool) -> dict[str, str]:
    """What each secret is in a world."""

    def body(number: int) -> Body:
        made = ITEMS[number].steps[0].body
        assert made is not None
        return made(content_of(seed, ITEMS[number], changed=changed), {})

    seen, person = body(0), body(3)
    document = body(2)["entry"][0]["resource"]
    return {
        "date": seen["effectiveDateTime"],
        "code": seen["code"]["coding"][0]["code"],
        "number": seen["identifier"][0]["value"],
        "value": str(seen["valueQuantity"]["value"]),
        "family": person["name"][0]["family"],
        "birth": person["birthDate"],
        "title": document["description"],
        "type": document["type"]["coding"][0]["code"],
    }


def differing(seed: int) -> int:
    """The first seed from this one whose two worlds differ in every secret."""
    while any(
        mine == secrets(seed, changed=True)[name]
        for name, mine in secrets(seed, changed=False).items()
    ):
        seed += 1
    return seed


@dataclass
class Attacked:
    """Two worlds that differ in the secrets alone."""

    peopled: Peopled
    seed: int
    ids: dict[str, str]
    worlds: tuple[World, World]

    @contextlib.asynccontextmanager
    async def again(self, role: str) -> AsyncIterator[tuple[World, World]]:
        """The same databases through another role."""
        async with contextlib.AsyncExitStack() as stack:
            made = []
            for world in self.worlds:
                name = str(psycopg.conninfo.conninfo_to_dict(world.admin_url)["dbname"])
                made.append(
                    await stack.enter_async_context(
                        opened(self.peopled, name, world.source, role=role)
                    )
                )
            yield made[0], made[1]


@contextlib.asynccontextmanager
async def attacked(peopled: Peopled, seed: int) -> AsyncIterator[Attacked]:
    """The pair, its secrets all different."""
    seed = differing(seed)
    async with installed(peopled, seed) as a, installed(peopled, seed) as b:
        ids = {key: a.built.door.ids.encode(cid, cid) for key, cid in peopled.where.people.items()}
        for world in (
            a,
            b,
        ):  # the elder's doctor sees nobody else's record, so every bit is the secret's
            with psycopg.connect(world.admin_url) as conn:
                conn.execute(
                    "INSERT INTO access.block (cid, rpps, since) SELECT cid, %s, %s FROM access.record"
                    " WHERE cid <> %s",
                    (int(people.HOSPITAL_DOCTOR.rpps), START - STEP, peopled.where.people["elder"]),
                )
        await load(a, ITEMS, ids)
        await load(b, ITEMS, dict(ids), changed=HIDDEN)
        for world in (a, b):
            world.source.begin("asking", START + 20 * STEP, frozen=True)
            world.tokens.clear()
        yield Attacked(peopled, seed, ids, (a, b))


# -------------------------------------------------------------------------------------- the attack

ECHO = re.compile(rb'"(?:url|fullUrl)":"[^"]*\?[^"]*"')


def seen(answer: Answer) -> tuple[int, bytes]:
    """What an answer says beside the question it repeats: bits are read here."""
    return answer.status, ECHO.sub(b"", answer.body)


@dataclass
class Attack:
    """One attack on one world: all that was asked and answered, and what was learned."""

    world: World
    ids: dict[str, str]
    transcript: list[tuple[str, int, bytes]] = field(default_factory=list)

    async def ask(self, persona: str, path: str) -> tuple[int, bytes]:
        """One question, kept."""
        answer = await self.world.ask(persona, "GET", path)
        assert answer.status < 500, (path, answer.body)
        self.transcript.append((path, answer.status, answer.body))
        return seen(answer)

    async def halve(self, oracle: Oracle) -> str | None:
        """The secret, halved out of one oracle; None when it tells nothing."""

        async def told(among: Sequence[str]) -> bool:
            return await self.ask(oracle.persona, oracle.address(self.ids, among)) != nothing

        nothing = await self.ask(oracle.persona, oracle.address(self.ids, IMPOSSIBLE))
        left: Sequence[str] = SECRETS[oracle.secret].values
        if not await told(left):
            # As many bits as there are halves: a value might still be told by itself.
            for each in (left[0], left[-1], left[len(left) // 2]):
                await told([each])
            return None
        while len(left) > 1:
            half = len(left) // 2
            left = left[:half] if await told(left[:half]) else left[half:]
        return left[0]

    async def create(self) -> str | None:
        """The number, by a conditional create: what is found is not made."""
        for number in NUMBERS:
            body = {
                "resourceType": "Observation",
                "identifier": [{"system": "urn:labo", "value": number}],
                "status": "final",
                "code": {"text": "essai"},
                "subject": {"reference": f"Patient/{self.ids['elder']}"},
            }
            path, head = "Observation", {"if-none-exist": f"identifier=urn:labo|{number}"}
            self.world.source.begin(f"create {number}", START + 20 * STEP, frozen=True)
            sent = json.dumps(body).encode()
            answer = await self.world.ask(DOCTOR, "POST", path, sent, head)
            self.transcript.append((str(head), answer.status, answer.body))
            if answer.status != 201:
                return number
        return None


@dataclass
class Gained:
    """What a run asked, and what it learned of whom."""

    seed: int
    asked: int = 0
    oracles: int = 0
    told: list[str] = field(default_factory=list)  # oracles that tell something
    right: int = 0  # secrets named rightly, in either world
    differ: list[str] = field(default_factory=list)  # questions answered differently
    seconds: float = 0.0

    def __add__(self, other: Gained) -> Gained:
        """Two runs as one."""
        return Gained(
            min(self.seed, other.seed), self.asked + other.asked, self.oracles + other.oracles,
            self.told + other.told, self.right + other.right, self.differ + other.differ,
            self.seconds + other.seconds,
        )  # fmt: skip

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.asked:,} questions by {self.oracles} oracles in"
            f" {self.seconds:.0f} s: {len(self.told)} told something, {self.right} secrets named,"
            f" {len(self.differ)} answers differ between the worlds"
        )


async def attack(
    pair: Attacked, oracles: Sequence[Oracle], *, role: str = "{role}", create: bool = True
) -> Gained:
    """Every oracle, on both worlds."""
    gained, started = Gained(pair.seed, oracles=len(oracles) + create), time.perf_counter()
    async with pair.again(role) as worlds:
        both = [Attack(world, pair.ids) for world in worlds]
        for oracle in oracles:
            for one, changed in zip(both, (False, True), strict=True):
                guess = await one.halve(oracle)
                if guess is not None:
                    gained.told.append(oracle.name)
                    gained.right += guess == secrets(pair.seed, changed=changed)[oracle.secret]
        if create:
            for one, changed in zip(both, (False, True), strict=True):
                guess = await one.create()
                if guess is not None:
                    gained.told.append("number by a conditional create")
                    gained.right += guess == secrets(pair.seed, changed=changed)["number"]
    a, b = (one.transcript for one in both)
    gained.differ = [mine[0] for mine, other in zip(a, b, strict=False) if mine != other]
    gained.differ += ["longer"] * (len(a) != len(b))
    gained.asked = len(a) + len(b)
    gained.seconds = time.perf_counter() - started
    return gained


def run(pairs: int, seed: int) -> Gained:
    """So many pairs of worlds, each with secrets of its own: what `bench/campaign` calls."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

    async def every() -> Gained:
        gained, at = Gained(seed), seed
        for _ in range(pairs):
            async with attacked(peopled, at) as pair:
                gained = replace(gained + await attack(pair, ORACLES), seed=seed)
                at = pair.seed + 1
        return gained

    with campaigning("bisect") as peopled:
        return quickly(every())
