# SPDX-License-Identifier: EUPL-1.2
"""Chains, _has, includes and sorts answer as a plain walk over the JSON the caller may see.

Half of what is made is another's deposit: it is in the database, in references, and in no answer. The
walk below follows R4's text over the visible resources alone, with nothing of carnet.fhir.search.
"""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.rest.samples import HOSPITAL, LAB
from tests.space import BASE, Peopled, Space, build, clone, pattern
from tests.space import Clock as SpaceClock

Json = dict[str, Any]
CODES = ("x", "y", "z")
NAMES = ("Étoile", "etang", "Auber", "Nord", "nord bis")
WORDS = ("e", "et", "etoile", "nord", "nord bis", "z")
YEARS = ("2019", "2020", "2020", "2021")
# Reference parameters: their type, their element, the type they lead to.
REFERENCES = {
    ("Observation", "performer"): ("performer", "Organization"),
    ("Observation", "has-member"): ("hasMember", "Observation"),
    ("Organization", "partof"): ("partOf", "Organization"),
}
DEEPEST = 4


@dataclass(frozen=True)
class Made:
    """A resource to be: what it is, whose deposit, and the numbers of those it points to."""

    rtype: str
    by: str
    word: str | None  # code or name
    year: str | None
    links: tuple[tuple[str, int], ...]  # (element, number of an earlier one)


@st.composite
def made(draw: st.DrawFn, number: int) -> Made:
    by = draw(st.sampled_from((LAB, LAB, HOSPITAL)))
    if number < 5:  # places first, for the others to point to
        above = draw(st.none() | st.integers(0, 4).filter(lambda n: n < number))
        links = () if above is None else (("partOf", above),)
        return Made("Organization", by, draw(st.none() | st.sampled_from(NAMES)), None, links)
    places = draw(st.lists(st.integers(0, 4), max_size=2, unique=True))
    earlier = st.integers(5, number - 1) if number > 5 else st.nothing()
    members = draw(st.lists(earlier, max_size=2, unique=True)) if number > 5 else []
    both = [("performer", each) for each in places] + [("hasMember", each) for each in members]
    year = draw(st.none() | st.sampled_from(YEARS))
    return Made("Observation", by, draw(st.sampled_from(CODES)), year, tuple(both))


worlds = st.integers(11, 16).flatmap(lambda count: st.tuples(*(made(n) for n in range(count))))


@dataclass(frozen=True)
class Leaf:
    """The last parameter of a chain."""

    name: str
    value: str


@dataclass(frozen=True)
class Hop:
    """A reference followed, or one followed back: `source`.`param`."""

    source: str
    param: str
    back: bool
    typed: bool
    rest: Leaf | Hop


@st.composite
def conditions(draw: st.DrawFn, rtype: str, depth: int = 0) -> Leaf | Hop:
    ways = [
        (source, param, back)
        for (source, param), (_, target) in REFERENCES.items()
        for back in (False, True)
        if (target if back else source) == rtype
    ]
    if depth == DEEPEST or draw(st.integers(0, depth + 1)) > 1 or (depth and draw(st.booleans())):
        if rtype == "Organization":
            return Leaf("name", draw(st.sampled_from(WORDS)))
        name = draw(st.sampled_from(("code", "date")))
        return Leaf(name, draw(st.sampled_from(CODES if name == "code" else YEARS)))
    source, param, back = draw(st.sampled_from(ways))
    following = source if back else REFERENCES[source, param][1]
    typed = draw(st.booleans()) or param == "performer"
    return Hop(source, param, back, typed, draw(conditions(following, depth + 1)))


INCLUDES = tuple(
    f"{name}{iterate}={source}:{param}"
    for name in ("_include", "_revinclude")
    for iterate in ("", ":iterate")
    for source, param in REFERENCES
)
SORTS = {
    "Observation": ("", "date", "-date", "_id", "-_lastUpdated", "date,_id", "-date,-_id"),
    "Organization": ("_id", "name", "-name", "name,-_id", "-name,_lastUpdated"),
}


@dataclass(frozen=True)
class Search:
    rtype: str
    conditions: tuple[Leaf | Hop, ...]
    includes: tuple[str, ...]
    sort: str
    count: int


searches = st.sampled_from(("Observation", "Observation", "Organization")).flatmap(
    lambda rtype: st.builds(
        Search,
        st.just(rtype),
        st.lists(conditions(rtype), max_size=2).map(tuple),
        st.lists(
            st.sampled_from([each for each in INCLUDES if _fits(each, rtype)]), max_size=3
        ).map(tuple),
        st.sampled_from(SORTS[rtype]),
        st.sampled_from((1, 2, 3, 50)),
    )
)


def _fits(include: str, rtype: str) -> bool:
    name, _, rest = include.partition("=")
    source, _, param = rest.partition(":")
    if "iterate" in name:
        return True
    return (REFERENCES[source, param][1] if name == "_revinclude" else source) == rtype


# ---------------------------------------------------------------- the plain walk


@dataclass
class World:
    """What the caller may see, by address."""

    seen: dict[str, Json] = field(default_factory=dict)

    def links(self, resource: Json, param: str) -> list[Json]:
        element, _ = REFERENCES[resource["resourceType"], param]
        held = resource.get(element, [])
        addresses = [each["reference"] for each in (held if isinstance(held, list) else [held])]
        return [self.seen[each] for each in addresses if each in self.seen]

    def matches(self, resource: Json, condition: Leaf | Hop) -> bool:
        if isinstance(condition, Leaf):
            match condition.name:
                case "code":
                    return bool(resource["code"]["coding"][0]["code"] == condition.value)
                case "date":
                    return resource.get("effectiveDateTime") == condition.value
                case _:
                    return plain(resource.get("name", "")).startswith(condition.value)
        if not condition.back:
            return any(
                self.matches(each, condition.rest) for each in self.links(resource, condition.param)
            )
        return any(
            resource in self.links(other, condition.param) and self.matches(other, condition.rest)
            for other in self.seen.values()
            if other["resourceType"] == condition.source
        )

    def included(self, matches: list[Json], includes: tuple[str, ...]) -> set[str]:
        known = {address(each) for each in matches}
        front, first = list(matches), True
        found: set[str] = set()
        while front:
            further: dict[str, Json] = {}
            for include in includes:
                name, _, rest = include.partition("=")
                source, _, param = rest.partition(":")
                if not first and "iterate" not in name:
                    continue
                for each in front:
                    if name.startswith("_rev"):
                        near = [
                            other
                            for other in self.seen.values()
                            if other["resourceType"] == source and each in self.links(other, param)
                        ]
                    else:
                        near = self.links(each, param) if each["resourceType"] == source else []
                    further |= {address(one): one for one in near}
            front = [one for name, one in further.items() if name not in known]
            known |= set(further)
            found |= {address(one) for one in front}
            first = False
        return found


def address(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text).casefold()
    return "".join(each for each in letters if not unicodedata.combining(each))


def in_order(found: list[Json], sort: str) -> bool:
    """Whether no two neighbours stand the wrong way round."""
    return all(_before(one, other, sort.split(",")) for one, other in pairwise(found))


def _before(one: Json, other: Json, keys: list[str]) -> bool:
    for key in keys:
        a, b = value(one, key.lstrip("-")), value(other, key.lstrip("-"))
        if a == b:
            continue
        if a is None or b is None:
            return b is None
        return bool(a > b) == key.startswith("-")
    return True


def value(resource: Json, key: str) -> Any:
    match key:
        case "_id":
            return resource["id"]
        case "_lastUpdated":
            return resource["meta"]["lastUpdated"]
        case "date":
            return resource.get("effectiveDateTime")
        case _:
            return plain(resource["name"]) if "name" in resource else None


# ---------------------------------------------------------------- asking the server


def written(condition: Leaf | Hop) -> tuple[str, str]:
    if isinstance(condition, Leaf):
        return condition.name, condition.value
    name, value = written(condition.rest)
    if condition.back:
        return f"_has:{condition.source}:{condition.param}:{name}", value
    kind = f":{REFERENCES[condition.source, condition.param][1]}" if condition.typed else ""
    return f"{condition.param}{kind}.{name}", value


def split(condition: Leaf | Hop) -> bool:
    """Whether a chain is followed by a _has, which the grammar of a name has no place for."""
    if isinstance(condition, Leaf):
        return False
    inner = condition.rest
    chained = isinstance(inner, Hop) and inner.back and not condition.back
    return chained or split(inner)


async def fill(space: Space, drawn: tuple[Made, ...]) -> tuple[World, list[str]]:
    """Store what was drawn, each by its depositor; what the laboratory sees, and every address."""
    world, addresses = World(), list[str]()
    for each in drawn:
        body: Json = {"resourceType": each.rtype}
        if each.rtype == "Organization":
            body |= {"name": each.word} if each.word else {"identifier": [{"value": "sans nom"}]}
            for _, to in each.links:
                body["partOf"] = {"reference": addresses[to]}
        else:
            body |= {"status": "final", "code": {"coding": [{"code": each.word}]}}
            body["subject"] = {"reference": f"Patient/{space.patient_id()}"}
            if each.year:
                body["effectiveDateTime"] = each.year
            for element, to in each.links:
                body.setdefault(element, []).append({"reference": addresses[to]})
        answer = await space.post(each.rtype, body, as_=each.by)
        assert answer.status == 201, answer.body
        addresses.append("/".join(answer.headers["location"].split("/")[-4:-2]))
        if each.by == LAB:
            world.seen[addresses[-1]] = (await space.get(addresses[-1], as_=LAB)).json
    return world, addresses


async def agree(space: Space, world: World, every: list[str], search: Search) -> None:
    ids = ",".join(one.split("/")[1] for one in every if one.startswith(search.rtype))
    parts = [f"_id={ids}", "_total=accurate", f"_count={search.count}", *search.includes]
    for condition in search.conditions:
        name, value = written(condition)
        parts.append(f"{name}={quote(value)}")
    if search.sort:
        parts.append(f"_sort={search.sort}")
    path: str | None = f"{search.rtype}?{'&'.join(parts)}"
    asked, expected = path, [
        name
        for name, each in world.seen.items()
        if each["resourceType"] == search.rtype
        and all(world.matches(each, one) for one in search.conditions)
    ]  # fmt: skip
    got: list[Json] = []
    while path is not None:
        answer = await space.get(path, as_=LAB)
        assert answer.status == 200, (asked, answer.body)
        page: dict[str, list[Json]] = {"match": [], "include": []}
        for entry in answer.json.get("entry", []):
            page[entry["search"]["mode"]].append(entry["resource"])
        assert answer.json["total"] == len(expected), asked
        assert len(page["match"]) <= search.count
        beside = [address(each) for each in page["include"]]
        assert len(set(beside)) == len(beside)
        assert set(beside) - {f"Patient/{space.patient_id()}"} == world.included(
            page["match"], search.includes
        ), asked
        got += page["match"]
        links = {each["relation"]: each["url"] for each in answer.json["link"]}
        path = links["next"].removeprefix(f"{BASE}/fhir/") if "next" in links else None
        assert (path is not None) == (len(got) < len(expected)), asked
    assert sorted(map(address, got)) == sorted(expected), asked
    assert not search.sort or in_order(got, search.sort), asked


@pytest.fixture(scope="module")
def loop() -> Any:
    found = asyncio.new_event_loop()
    yield found
    found.close()


@settings(
    max_examples=3,
    phases=(Phase.explicit, Phase.generate),  # the URL told is small enough unshrunk
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
@given(drawn=worlds, asked=st.lists(searches, min_size=30, max_size=40))
def test_the_server_and_a_plain_walk_agree(
    peopled: Peopled,
    loop: asyncio.AbstractEventLoop,
    drawn: tuple[Made, ...],
    asked: list[Search],
) -> None:
    async def run() -> None:
        with clone(peopled.cluster, peopled.name) as name:
            clock = SpaceClock(peopled.at)
            built = await build(pattern(peopled.cluster, name), peopled.folder, clock, seed=5)
            try:
                space = Space(built, peopled.where, clock, peopled.cluster.url(database=name))
                # What the cast's laboratory had deposited is another test's matter.
                await space.rows("UPDATE record.resource SET dep_org = 1, dep_pro = NULL")
                world, every = await fill(space, drawn)
                for search in asked:
                    if not any(map(split, search.conditions)):
                        await agree(space, world, every, search)
            finally:
                await built.pool.close()

    loop.run_until_complete(run())
