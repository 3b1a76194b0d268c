# SPDX-License-Identifier: EUPL-1.2
"""ValueSet/$expand and $validate-code of a large code system; beside the goal of 50 ms.

The code system is invented, of the size of LOINC, with French and English labels and a hierarchy; HL7's own
definitions are beside it. First over HTTP, eight clients at a time; then the statements alone, through the
driver, by the role that serves, one caller.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import psycopg

from bench._client import Rate
from bench._place import place
from bench._told import rated, tell
from carnet.fhir.terminology import Terms
from carnet.fhir.terminology.expand import Expansion, expand
from carnet.fhir.terminology.load import install, store
from carnet.fhir.terminology.load.model import Brought, Concept, System, ValueSet
from carnet.fhir.terminology.validate import Coding, in_value_set

SIZE = 100_000  # concepts
TIMES = 300
CLIENTS = 8
SYSTEM = "urn:carnet:bench:codes"
SET = "urn:carnet:bench:set:"
SUBJECTS = (
    "glucose sodium potassium calcium créatinine albumine ferritine bilirubine cortisol".split()
)
FORMS = "masse moles activité présence temps volume rapport taux nombre titre".split()
PLACES = "sérum plasma sang urine salive liquide tissu os peau muscle cheveu lait sueur".split()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOAL = "goal: p95 below 50 ms"


def run() -> None:
    """Loads, then each question, a few hundred times, one caller."""
    here = place()
    with psycopg.connect(here.url("carnet_admin"), autocommit=True) as conn:
        started = time.perf_counter()
        install.base(conn, NOW)
        told = f"{time.perf_counter() - started:.1f} s"
        tell("HL7's code systems and value sets loaded, or found there", told)
        started = time.perf_counter()
        digest = store.digest_of(b"bench")
        store.store(conn, invented(), name="bench", digest=digest, at=NOW)
        seconds = time.perf_counter() - started
        tell(f"a code system of {SIZE:,} concepts loaded", f"{SIZE / seconds:,.0f} concepts/s")
    served()
    asyncio.run(ask(here.url("carnet_app")))


def served() -> None:
    """Over HTTP: client and server share the cores."""
    chance = random.Random(9)

    def typed() -> str:
        return f"{chance.choice(SUBJECTS)[:5]}%20{chance.choice(PLACES)[:3]}"

    questions: dict[str, Callable[[], str]] = {
        "10 codes, whole": lambda: f"{SET}ten",
        "1,000 codes, 100 of them": lambda: (
            f"{SET}thousand&count=100&offset={chance.randrange(900)}"
        ),
        "words typed, of 1,000 codes": lambda: f"{SET}thousand&count=20&filter={typed()}",
        "words typed, of the whole": lambda: f"{SET}whole&count=20&filter={typed()}",
        "first 100 of the whole": lambda: f"{SET}whole&count=100",
        "a value set of HL7, whole": lambda: "http://hl7.org/fhir/ValueSet/observation-status",
    }
    with place().serving(2) as client:
        for name, question in questions.items():
            path = "/fhir/ValueSet/$expand?url="
            seen = client.rate(
                lambda path=path, question=question: client.request("GET", path + question()),  # type: ignore[misc]
                clients=CLIENTS,
            )
            p95 = f", p95 {seen.percentile(0.95):.1f} ms"
            tell(f"$expand over HTTP, {name}, {CLIENTS} clients", rated(seen) + p95, GOAL)


def invented() -> Brought:
    """A code system, and value sets of it."""
    chance = random.Random(7)
    concepts = []
    for at in range(SIZE):
        label = f"{chance.choice(SUBJECTS)} {chance.choice(FORMS)} {chance.choice(PLACES)} {at:x}"
        above = (str(at // 10),) if at >= 10 else ()
        concepts.append(
            Concept(
                str(at), label, parents=above, properties={"class": [str(at % 50)]},
                designations=[{"language": "en", "value": f"{label} measured"}],
            )
        )  # fmt: skip
    half = [{"code": str(code)} for code in range(0, SIZE, 20)]
    composed = {
        "whole": [{"system": SYSTEM}],
        "hierarchy": [
            {"system": SYSTEM, "filter": [{"property": "concept", "op": "is-a", "value": "1"}]}
        ],
        "property": [
            {"system": SYSTEM, "filter": [{"property": "class", "op": "=", "value": "7"}]}
        ],
        "list": [{"system": SYSTEM, "concept": half}],
        "ten": [{"system": SYSTEM, "concept": half[:10]}],
        "thousand": [{"system": SYSTEM, "concept": half[:1000]}],
        "both": [{"valueSet": [SET + "hierarchy"]}, {"valueSet": [SET + "list"]}],
    }
    sets = [ValueSet(SET + name, {"include": include}) for name, include in composed.items()]
    return Brought("bench", [System(SYSTEM, concepts, "1")], sets)


async def ask(url: str) -> None:
    """Each question, with a memory that is warm as that of a server is."""
    terms, chance = Terms(), random.Random(8)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:

        async def page(name: str, **asked: object) -> None:
            await expand(terms, conn, SET + name, Expansion(count=20, **asked), NOW)  # type: ignore[arg-type]

        async def typed(name: str) -> None:
            word = chance.choice([*SUBJECTS, *FORMS, *PLACES])
            text = word[: chance.randint(3, 6)] + " " + chance.choice(PLACES)[:3]
            await page(name, filter=text)

        async def valid(name: str) -> None:
            coding = Coding(str(chance.randrange(SIZE)), SYSTEM)
            await in_value_set(terms, conn, SET + name, [coding])

        async def hl7() -> None:
            await expand(
                terms, conn, "http://hl7.org/fhir/ValueSet/administrative-gender", Expansion(), NOW
            )

        questions: dict[str, Callable[[], Awaitable[None]]] = {
            "first page of the whole": lambda: page("whole"),
            "any page of the whole": lambda: page("whole", offset=chance.randrange(SIZE)),
            "words typed, of the whole": lambda: typed("whole"),
            "words typed, below a code": lambda: typed("hierarchy"),
            "words typed, by a property": lambda: typed("property"),
            "words typed, of two value sets": lambda: typed("both"),
            "any page, below a code": lambda: page("hierarchy", offset=chance.randrange(10_000)),
            "any page, of two value sets": lambda: page("both", offset=chance.randrange(10_000)),
            "a small value set of HL7, whole": hl7,
        }
        for name, question in questions.items():
            tell(f"$expand, {name}", timed(await measure(question)), GOAL)
        for name in ("whole", "hierarchy", "both"):
            seen = await measure(lambda name=name: valid(name))  # type: ignore[misc]
            tell(f"$validate-code in a value set, {name}", timed(seen), GOAL)


async def measure(question: Callable[[], Awaitable[None]]) -> Rate:
    """One caller, TIMES times; the first is in it."""
    rate = Rate()
    for _ in range(TIMES):
        started = time.perf_counter()
        await question()
        rate.times.append(time.perf_counter() - started)
    return rate


def timed(rate: Rate) -> str:
    """`p50 1.2 ms, p95 3.4 ms, most 9.9 ms`."""
    most = max(rate.times) * 1000
    return (
        f"p50 {rate.percentile(0.5):.1f} ms, p95 {rate.percentile(0.95):.1f} ms, most {most:.1f} ms"
    )
