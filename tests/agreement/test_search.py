# SPDX-License-Identifier: EUPL-1.2
"""A plain search over stored JSON and the server answer alike: ids, order, total, pages, includes.

The reference below is written from FHIR R4's text, with no SQL and nothing of carnet.fhir.search: it
reads Observations and Organizations of a few shapes, and dates by calendar arithmetic of its own.
"""

from __future__ import annotations

import asyncio
import calendar
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.rest.samples import LAB, bundle, chosen, post, put
from tests.space import BASE, Peopled, Space, build, clone, pattern
from tests.space import Clock as SpaceClock

Json = dict[str, Any]
Span = tuple[datetime, datetime]
NEVER = datetime.min.replace(tzinfo=UTC)
EVER = datetime.max.replace(tzinfo=UTC)

SYSTEMS = ("urn:a", "urn:b", None)
CODES = ("x", "X", "y,z", "p|q", "\\")
DATES = (
    "2019", "2020", "2020-01", "2020-02", "2020-12", "2020-02-29", "2020-12-31", "2021",
    "2020-02-29T23:30:00-01:00", "2020-12-31T23:59:59.999Z", "2021-01-01T00:00:00+01:00",
)  # fmt: skip
# Many begin or end together: that is where prefixes differ.
ASKED = (*DATES, "2020-01-01", "2020-02-01", "2020-02-29T23:30-01:00", "9999", "9999-12-31")
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
NAMES = ("etoile", "ETOILE", "ÉTOILE", "Étoile du Nord", "L'Étang-Salé", "Œuvre 42", "ß")
WORDS = (
    *NAMES,
    *NAMES[:3],
    "e",
    "du",
    "l etang",
    "nord",
    "bis",
    "étoile d",
    "salé",
    "tang",
    "œ",
    "SS",
    "bis",
)

# ---------------------------------------------------------------- what is stored


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


codings = st.builds(
    lambda system, code: {"code": code} | ({"system": system} if system else {}),
    st.sampled_from(SYSTEMS), st.sampled_from(CODES),
)  # fmt: skip
concepts = st.builds(lambda them: {"coding": them}, st.lists(codings, min_size=1, max_size=2))
periods = st.builds(
    lambda start, end: {k: v for k, v in (("start", start), ("end", end)) if v},
    maybe(st.sampled_from(DATES[:8])), maybe(st.sampled_from(DATES[:8])),
).filter(lambda made: made and span(made)[0] < span(made)[1])  # fmt: skip


@st.composite
def observations(draw: st.DrawFn) -> Json:
    """An Observation; `about`, `by` and `among` are put in place once there are ids."""
    made: Json = {
        "resourceType": "Observation",
        "status": draw(st.sampled_from(("final", "amended"))),
    }
    made["code"] = draw(concepts)
    made["about"] = draw(st.integers(0, 1))
    if categories := draw(st.lists(concepts, max_size=2)):
        made["category"] = categories
    match draw(st.integers(0, 3)):
        case 0:
            made["effectiveDateTime"] = draw(st.sampled_from(DATES))
        case 1:
            made["effectivePeriod"] = draw(periods)
        case 2:
            made["effectiveInstant"] = draw(st.sampled_from(DATES[8:]))
    if identifiers := draw(st.lists(codings, max_size=2)):
        made["identifier"] = [
            {"value": each["code"], **{k: v for k, v in each.items() if k == "system"}}
            for each in identifiers
        ]
    made["by"] = draw(st.lists(st.integers(0, 2), max_size=2, unique=True))
    made["chosen"] = draw(st.booleans())
    return made


@st.composite
def organizations(draw: st.DrawFn) -> Json:
    made: Json = {"resourceType": "Organization", "name": draw(st.sampled_from(NAMES))}
    if aliases := draw(st.lists(st.sampled_from(NAMES), max_size=2)):
        made["alias"] = aliases
    return made


# ---------------------------------------------------------------- what is asked


@dataclass(frozen=True)
class Asked:
    """One parameter: name, modifier, values not yet escaped (a token is a pair)."""

    name: str
    modifier: str = ""
    values: tuple[Any, ...] = ()


tokens = st.tuples(
    st.sampled_from(("urn:a", "urn:b", "", None)), st.sampled_from((*CODES, None))
).filter(lambda pair: pair[1] is not None or bool(pair[0]))


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """One to three values, any of which may match."""
    return st.lists(values, min_size=1, max_size=3).map(tuple)


dated = st.tuples(st.sampled_from(PREFIXES), st.sampled_from(ASKED)).filter(
    lambda pair: pair[0] != "ap"  # its width is a recommendation
)
for_observations = st.one_of(
    st.builds(
        Asked, st.sampled_from(("code", "category", "identifier")), st.sampled_from(("", "", "not")),
        several(tokens),
    ),
    st.builds(Asked, st.just("status"), st.just(""), st.just(((None, "final"),))),
    st.builds(Asked, st.just("date"), st.just(""), st.lists(dated, min_size=1, max_size=1).map(tuple)),
    st.builds(Asked, st.just("date"), st.just(""), st.lists(dated, min_size=1, max_size=2).map(tuple)),
    st.builds(
        Asked, st.sampled_from(("subject", "patient")), st.just(""),
        several(st.sampled_from(("p0", "p1", "Patient/p0", "Patient/p1", "/Patient/p1"))),
    ),
    st.builds(
        Asked, st.just("performer"), st.sampled_from(("", "", "Organization")),
        several(st.sampled_from(("o0", "o1", "Organization/o2", "/Organization/o0"))),
    ),
    st.builds(Asked, st.just("_id"), st.just(""), several(st.integers(0, 11))),
    st.builds(
        Asked, st.just("_lastUpdated"), st.just(""),
        several(st.tuples(st.sampled_from(PREFIXES[:-1]), st.integers(0, 11))),
    ),
)  # fmt: skip
for_organizations = st.builds(
    Asked, st.sampled_from(("name",)), st.sampled_from(("", "exact", "contains")),
    several(st.sampled_from(WORDS)),
)  # fmt: skip


@dataclass(frozen=True)
class Search:
    """One search and how its pages are cut."""

    rtype: str
    asked: tuple[Asked, ...]
    sort: str = ""
    count: int = 50
    includes: tuple[str, ...] = ()


includes = st.lists(
    st.sampled_from((
        "Observation:performer", "Observation:performer:Organization", "Observation:performer:Practitioner",
        "Observation:has-member",
    )), max_size=2,
)  # fmt: skip
# One parameter and one value: what differs is hidden by nothing else.
alone = st.one_of(
    st.builds(
        lambda value: Search("Observation", (Asked("date", "", (value,)),)), dated
    ),
    st.builds(
        lambda modifier, word: Search("Organization", (Asked("name", modifier, (word,)),)),
        st.sampled_from(("", "exact", "contains")), st.sampled_from(WORDS),
    ),
)  # fmt: skip
searches = st.one_of(
    alone, alone,
    st.builds(
        Search, st.just("Observation"), st.lists(for_observations, max_size=3).map(tuple),
        st.sampled_from(("", "date", "-date", "_lastUpdated", "-_lastUpdated")),
        st.sampled_from((1, 2, 3, 50)), includes.map(tuple),
    ),
    st.builds(
        Search, st.just("Organization"), st.lists(for_organizations, max_size=2).map(tuple),
        st.sampled_from(("", "_lastUpdated", "-_lastUpdated")), st.sampled_from((1, 2, 50)), st.just(()),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- the reference


def moment(text: str) -> Span:
    """The stretch of a date: its first instant and the one after its last."""
    day, _, clock = text.partition("T")
    parts = [int(each) for each in day.split("-")]
    if len(parts) == 1:
        return at(parts[0], 1, 1), at(parts[0] + 1, 1, 1)
    if len(parts) == 2:
        year, month = parts
        return at(year, month, 1), at(year + month // 12, month % 12 + 1, 1)
    start = at(*parts)
    if not clock:
        return start, start + timedelta(days=1) if parts != [9999, 12, 31] else EVER
    zone = timedelta()
    if clock[-1] == "Z":
        clock = clock[:-1]
    else:
        sign = 1 if clock[-6] == "+" else -1
        zone = sign * timedelta(hours=int(clock[-5:-3]), minutes=int(clock[-2:]))
        clock = clock[:-6]
    pieces = clock.split(":")
    start += timedelta(hours=int(pieces[0]), minutes=int(pieces[1])) - zone
    if len(pieces) == 2:
        return start, start + timedelta(minutes=1)
    second, _, fraction = pieces[2].partition(".")
    start += timedelta(seconds=int(second), milliseconds=int(fraction.ljust(3, "0") or 0))
    return start, start + timedelta(milliseconds=10 ** (3 - len(fraction)))


def at(year: int, month: int, day: int) -> datetime:
    if year > 9999:
        return EVER
    assert day <= calendar.monthrange(year, month)[1]
    return datetime(year, month, day, tzinfo=UTC)


def span(period: Json) -> Span:
    lo = moment(period["start"])[0] if "start" in period else NEVER
    return lo, moment(period["end"])[1] if "end" in period else EVER


def effective(resource: Json) -> Span | None:
    for name in ("effectiveDateTime", "effectiveInstant"):
        if name in resource:
            return moment(resource[name])
    return span(resource["effectivePeriod"]) if "effectivePeriod" in resource else None


def compares(prefix: str, target: Span, asked: Span) -> bool:
    """R4's table of prefixes, on the ranges' own words."""
    above, below = (asked[1], EVER), (NEVER, asked[0])

    def overlap(one: Span, other: Span) -> bool:
        return max(one[0], other[0]) < min(one[1], other[1])

    contains = asked[0] <= target[0] and target[1] <= asked[1]
    match prefix or "eq":
        case "eq":
            return contains
        case "ne":
            return not contains
        case "gt":
            return overlap(above, target)
        case "lt":
            return overlap(below, target)
        case "ge":
            return overlap(above, target) or contains
        case "le":
            return overlap(below, target) or contains
        case "sa":
            return not overlap(asked, target) and target[0] >= above[0]
        case "eb":
            return not overlap(asked, target) and target[1] <= below[1]
    raise AssertionError(prefix)


def plain(text: str) -> str:
    """Without case, accents and punctuation, as R4 wants strings compared."""
    letters = unicodedata.normalize("NFD", text).casefold()
    letters = "".join(
        c for c in unicodedata.normalize("NFD", letters) if not unicodedata.combining(c)
    )
    return " ".join("".join(c if c.isalnum() else " " for c in letters).split())


@dataclass
class World:
    """What the installation holds, as JSON, and the names generated searches use for its ids."""

    patients: list[str]
    organizations: list[str] = field(default_factory=list)
    resources: list[Json] = field(default_factory=list)

    def id_of(self, name: str) -> str:
        """`p1` and `o0` with what is before them, as an address."""
        before, _, short = name.rpartition("/")
        known = self.patients if short[0] == "p" else self.organizations
        id = known[int(short[1:]) % len(known)]
        if name.startswith("/"):
            return f"{BASE}/fhir{before}/{id}"
        return f"{before}/{id}" if before else id

    def of(self, rtype: str) -> list[Json]:
        return [each for each in self.resources if each["resourceType"] == rtype]

    def numbered(self, rtype: str, number: int) -> Json:
        them = self.of(rtype)
        return them[number % len(them)]

    def matches(self, resource: Json, asked: Asked) -> bool:
        values = asked.values
        match asked.name:
            case "code" | "category" | "identifier" | "status":
                found = any(
                    pair_matches(pair, value)
                    for pair in pairs(resource, asked.name)
                    for value in values
                )
                return found != (asked.modifier == "not")
            case "date":
                target = effective(resource)
                return target is not None and any(compares(p, target, moment(v)) for p, v in values)
            case "subject" | "patient":
                return any(
                    resource["subject"]["reference"] == relative(self.id_of(v), "Patient")
                    for v in values
                )
            case "performer":
                held = {each["reference"] for each in resource.get("performer", [])}
                return any(relative(self.id_of(v), "Organization") in held for v in values)
            case "_id":
                rtype = resource["resourceType"]
                return any(self.numbered(rtype, n)["id"] == resource["id"] for n in values)
            case "_lastUpdated":
                target = instant(resource)
                return any(
                    compares(p, target, instant(self.numbered("Observation", n))) for p, n in values
                )
            case _:
                texts = [resource["name"], *resource.get("alias", [])]
                return any(
                    string_matches(text, v, asked.modifier) for text in texts for v in values
                )

    def answer(self, search: Search) -> list[str]:
        """Ids that match, in an order that R4 lets us choose only among ties."""
        found = [
            each
            for each in self.of(search.rtype)
            if all(self.matches(each, asked) for asked in search.asked)
        ]
        return [each["id"] for each in found]

    def included(self, search: Search, matched: list[str]) -> set[str]:
        wanted = set()
        for each in self.of(search.rtype):
            if each["id"] in matched:
                for include in search.includes:
                    _, name, *target = include.split(":")
                    held = each.get({"performer": "performer", "has-member": "hasMember"}[name], [])
                    for reference in held:
                        kind, id = reference["reference"].split("/")
                        if target in ([], [kind]):
                            wanted.add(id)
        return wanted - set(matched)


def relative(address: str, kind: str) -> str:
    address = address.removeprefix(f"{BASE}/fhir/")
    return address if "/" in address else f"{kind}/{address}"


def instant(resource: Json) -> Span:
    return moment(resource["meta"]["lastUpdated"])


def pairs(resource: Json, name: str) -> list[tuple[str | None, str]]:
    if name == "status":
        return [("http://hl7.org/fhir/observation-status", resource["status"])]
    if name == "identifier":
        return [(each.get("system"), each["value"]) for each in resource.get("identifier", [])]
    held = [resource["code"]] if name == "code" else resource.get("category", [])
    return [(each.get("system"), each["code"]) for concept in held for each in concept["coding"]]


def pair_matches(held: tuple[str | None, str], asked: tuple[str | None, str | None]) -> bool:
    system, code = asked
    if system == "" and held[0] is not None:
        return False
    if system and held[0] != system:
        return False
    return code is None or held[1] == code


def string_matches(text: str, asked: str, modifier: str) -> bool:
    if modifier == "exact":
        return text == asked
    if modifier == "contains":
        return plain(asked) in plain(text)
    return plain(text).startswith(plain(asked))


def rank(resource: Json, sort: str) -> Any:
    """What two neighbours of a sorted page are compared by."""
    if sort.endswith("_lastUpdated"):
        return resource["meta"]["lastUpdated"]
    found = effective(resource) if resource["resourceType"] == "Observation" else None
    if sort == "date":
        return (found is None, found[0] if found else NEVER)
    # A period without a beginning begins with what has no date at all, and stands before it.
    return (found[0] if found else NEVER, sort == "-date" and found is not None)


# ---------------------------------------------------------------- asking the server


def written(world: World, search: Search) -> str:
    """The search as a URL."""

    def escaped(text: str) -> str:
        for mark in "\\,|$":
            text = text.replace(mark, "\\" + mark)
        return text

    def value(asked: Asked, each: Any) -> str:
        match asked.name:
            case "code" | "category" | "identifier" | "status":
                system, code = each
                code = escaped(code or "")
                return code if system is None else f"{escaped(system)}|{code}"
            case "date":
                return "".join(each)
            case "_id":
                return str(world.numbered(search.rtype, each)["id"])
            case "_lastUpdated":
                stamp = world.numbered("Observation", each[1])["meta"]["lastUpdated"]
                return f"{each[0]}{stamp}"
            case "subject" | "patient" | "performer":
                return world.id_of(each)
            case _:
                return escaped(each)

    parts = [
        f"{asked.name}{':' + asked.modifier if asked.modifier else ''}="
        + quote(",".join(value(asked, each) for each in asked.values), safe="")
        for asked in search.asked
    ]
    parts += [f"_sort={search.sort}"] if search.sort else []
    parts += [f"_include={include}" for include in search.includes]
    return f"{search.rtype}?" + "&".join([*parts, f"_count={search.count}", "_total=accurate"])


async def fill(space: Space, drawn: list[Json], places: list[Json]) -> World:
    """Store what was drawn, by one transaction, and read back what is stored."""
    world = World([space.patient_id(), space.patient_id("husband")])
    answer = await space.post("", bundle(*map(post, places)), as_=LAB)
    world.organizations = [
        each["response"]["location"].split("/")[1] for each in answer.json["entry"]
    ]
    entries = []
    for number, each in enumerate(drawn):
        about, by, own = each["about"], each["by"], each["chosen"]
        made = {k: v for k, v in each.items() if k not in ("about", "by", "chosen")}
        made["subject"] = {"reference": f"Patient/{world.patients[about]}"}
        if by:
            ids = [world.organizations[n % len(world.organizations)] for n in by]
            made["performer"] = [{"reference": f"Organization/{id}"} for id in dict.fromkeys(ids)]
        if number:
            made["hasMember"] = [
                {"reference": f"urn:uuid:00000000-0000-4000-8000-{number - 1:012}"}
            ]
        url = f"urn:uuid:00000000-0000-4000-8000-{number:012}"
        entries.append(put(made | {"id": chosen()}, url) if own else post(made, url))
    answer = await space.post("", bundle(*entries), as_=LAB)
    assert answer.status == 200, answer.body
    for number, entry in enumerate(answer.json["entry"]):
        address = entry["response"]["location"].split("/_")[0]
        read = (await space.get(address, as_=LAB)).json
        if number % 3 == 0:  # so that instants differ, and versions too
            body = read | {"language": "fr"}
            read = (await space.put(address, body, as_=LAB)).json
        world.resources.append(read)
    for id in world.organizations:
        world.resources.append((await space.get(f"Organization/{id}", as_=LAB)).json)
    return world


async def agree(space: Space, world: World, search: Search) -> None:
    """The server's pages say what the reference says."""
    expected = world.answer(search)
    by_id = {each["id"]: each for each in world.resources}
    got: list[str] = []
    path: str | None = written(world, search)
    first = path
    while path is not None:
        answer = await space.get(path, as_=LAB)
        assert answer.status == 200, (first, answer.body)
        page = answer.json
        modes: dict[str, list[str]] = {"match": [], "include": []}
        for entry in page.get("entry", []):
            modes[entry["search"]["mode"]].append(entry["resource"]["id"])
        own = [id for id in modes["match"] if id in by_id]
        assert own == modes["match"], first  # nothing that the reference does not know
        assert page["total"] == len(expected), first
        assert len(own) <= search.count
        assert sorted(modes["include"]) == sorted(world.included(search, own)), first
        got += own
        found = {link["relation"]: link["url"] for link in page["link"]}
        path = found["next"].removeprefix(f"{BASE}/fhir/") if "next" in found else None
        assert (path is not None) == (len(got) < len(expected)), first
    assert sorted(got) == sorted(expected), first
    ranks = [rank(by_id[id], search.sort) for id in got]
    rising = search.sort in ("date", "_lastUpdated")
    assert ranks == sorted(ranks, reverse=not rising), first


@pytest.fixture(scope="module")
def loop() -> Any:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@settings(
    max_examples=12,
    # An example is a database and seventy searches: the URL told is small enough unshrunk.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(
    drawn=st.lists(observations(), min_size=8, max_size=16),
    places=st.lists(organizations(), min_size=3, max_size=5),
    asked=st.lists(searches, min_size=60, max_size=80),
)
def test_the_server_and_a_plain_search_agree(
    peopled: Peopled,
    loop: asyncio.AbstractEventLoop,
    drawn: list[Json],
    places: list[Json],
    asked: list[Search],
) -> None:
    async def run() -> None:
        with clone(peopled.cluster, peopled.name) as name:
            clock = SpaceClock(peopled.at)
            built = await build(pattern(peopled.cluster, name), peopled.folder, clock, seed=3)
            try:
                space = Space(built, peopled.where, clock, peopled.cluster.url(database=name))
                # What the cast's laboratory had deposited is another test's matter.
                await space.rows("UPDATE record.resource SET dep_org = 1, dep_pro = NULL")
                world = await fill(space, drawn, places)
                for search in asked:
                    if search.rtype == "Organization":  # the directory's own would answer too
                        ours = Asked("_id", values=tuple(range(len(world.organizations))))
                        search = replace(search, asked=(*search.asked, ours))
                    await agree(space, world, search)
            finally:
                await built.pool.close()

    loop.run_until_complete(run())
