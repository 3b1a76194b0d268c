# SPDX-License-Identifier: EUPL-1.2
"""A resolved value set, as one statement: its members, in order, narrowed where they are read.

Each clause is a SELECT of (sid, sys, code, ord, display, designations, lang); a value set is their union
without what it excludes. What narrows (a text, a code, whether inactive ones count) goes into each of
them, so that an index answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, LiteralString

from psycopg.types.json import Jsonb

from carnet.fhir.terminology.compose import Filter
from carnet.fhir.terminology.grammars import says
from carnet.fhir.terminology.refusals import NotListed
from carnet.fhir.terminology.resolve import Part, Resolved
from carnet.fhir.terminology.words import vector, words

STEP: Final = 1 << 32  # between the places of two clauses
NOTHING: Final[LiteralString] = (
    "SELECT NULL::int AS sid, ''::text AS sys, ''::text COLLATE \"C\" AS code, 0::bigint AS ord,"
    " NULL::text AS display, NULL::jsonb AS designations, ''::text AS lang WHERE false"
)


@dataclass(frozen=True, slots=True)
class Narrow:
    """What of a value set is looked for."""

    words: str | None = None  # a tsquery
    active: bool = False  # only what is not retired
    selectable: bool = False  # only what is not abstract
    system: str | None = None
    code: str | None = None
    between: tuple[int, int] | None = None  # places in the one system that is taken whole


class Statement:
    """The text and values of one statement."""

    def __init__(self, narrow: Narrow, systems: frozenset[str] = frozenset()) -> None:
        self.narrow = narrow
        self.without = systems  # excluded by the caller
        self.values: dict[str, Any] = {}

    def value(self, given: Any) -> LiteralString:
        """The placeholder of a value."""
        name = f"v{len(self.values)}"
        self.values[name] = given
        return f"%({name})s"

    # ------------------------------------------------------------ value sets

    def members(self, of: Resolved, narrow: Narrow | None = None) -> LiteralString:
        """The members of a value set; each code of a system once."""
        narrow = narrow or self.narrow
        if not of.compose.inactive:
            narrow = Narrow(narrow.words, True, narrow.selectable, narrow.system, narrow.code)
        leaves = [self.part(part, at, of, narrow) for at, part in enumerate(of.include)]
        leaves = [leaf for leaf in leaves if leaf]
        if not leaves:
            return NOTHING
        union: LiteralString = " UNION ALL ".join(leaves)
        if of.exclude:
            code = Narrow(None, False, False, narrow.system, narrow.code)
            gone = [self.part(part, at, of, code) for at, part in enumerate(of.exclude)]
            for each in gone:
                if each:
                    union = (
                        f"SELECT i.* FROM ({union}) i WHERE NOT EXISTS (SELECT FROM ({each}) x"
                        " WHERE x.sys = i.sys AND x.code = i.code)"
                    )
        systems = [part.url for part in of.include]
        if (len(leaves) > 1 and (len(set(systems)) < len(systems) or "" in systems)) or any(
            part.clause.lists for part in of.include
        ):
            union = f"SELECT DISTINCT ON (sys, code) * FROM ({union}) u ORDER BY sys, code, ord"
        return union

    def part(self, part: Part, at: int, of: Resolved, narrow: Narrow) -> LiteralString:
        """One clause; "" when nothing of it can be what is looked for."""
        if not part.url:
            return self.imported(part, at, narrow)
        if part.url in self.without or narrow.system not in (None, part.url):
            return ""
        if part.clause.lists:
            leaf = self.listed(part, at, of, narrow)
        elif part.grammar:
            leaf = self.grammar(part, at, narrow)
        elif part.system is None:
            return ""
        else:
            leaf = self.concepts(part, at, narrow)
        if not leaf or not part.value_sets:
            return leaf
        return f"SELECT p.* FROM ({leaf}) p WHERE {self.also(part, 'p', 0, narrow)}"

    def imported(self, part: Part, at: int, narrow: Narrow) -> LiteralString:
        """What all the value sets of a clause have, in the order of the first."""
        first = self.members(part.value_sets[0], narrow)
        more: LiteralString = ""
        if len(part.value_sets) > 1:
            more = f" WHERE {self.also(part, 'p', 1, narrow)}"
        return (
            f"SELECT p.sid, p.sys, p.code, {at * STEP}::bigint + row_number() OVER (ORDER BY p.ord) AS ord,"
            f" p.display, p.designations, p.lang FROM ({first}) p{more}"
        )

    def also(self, part: Part, alias: LiteralString, first: int, narrow: Narrow) -> LiteralString:
        """That a row is in the other value sets of its clause."""
        code = Narrow(None, False, False, narrow.system, narrow.code)
        return " AND ".join(
            f"({alias}.sys, {alias}.code) IN (SELECT o.sys, o.code FROM ({self.members(each, code)}) o)"
            for each in part.value_sets[first:]
        )

    # ------------------------------------------------------------ clauses

    def concepts(self, part: Part, at: int, narrow: Narrow) -> LiteralString:
        """Of a system: all its concepts, or those its filters leave."""
        assert part.system is not None
        filters = part.clause.filters
        plain = Narrow(system=narrow.system) == narrow
        if plain and len(filters) == 1 and filters[0].op in ("is-a", "descendent-of"):
            return self.below(part, at, filters[0])
        tests = ["c.system = " + self.value(part.system.id)]
        tests += [
            self.filter(each, part.system.id, narrow, part.system.aliases)
            for each in part.clause.filters
        ]
        if narrow.words is not None:
            tests.append(f"c.words @@ {self.value(narrow.words)}::tsquery")
        if narrow.active:
            tests.append("NOT c.inactive")
        if narrow.selectable:
            tests.append("NOT c.abstract")
        if narrow.code is not None:
            tests.append(self.code("c", part, narrow.code))
        if narrow.between is not None:
            first, end = narrow.between
            tests.append(f"c.seq >= {self.value(first)} AND c.seq < {self.value(end)}")
        # Of the first clause the place is the column itself, so that its index gives the order.
        order = f"{at * STEP}::bigint + c.seq" if at else "c.seq"
        return (
            f"SELECT c.system AS sid, {self.value(part.url)}::text AS sys, c.code,"
            f" {order} AS ord, NULL::text AS display, NULL::jsonb AS designations,"
            f" ''::text AS lang FROM terminology.concept c WHERE {' AND '.join(tests)}"
        )

    def below(self, part: Part, at: int, given: Filter) -> LiteralString:
        """All that is below a code: the pairs alone are read, each with its place."""
        assert part.system is not None
        sid, value = self.value(part.system.id), self.value(given.value)
        rows = (
            f"SELECT code, seq FROM terminology.below WHERE system = {sid} AND ancestor = {value}"
        )
        if given.op == "is-a":
            rows += " UNION ALL SELECT code, seq FROM terminology.concept"
            rows += f" WHERE system = {sid} AND code = {value}"
        return (
            f"SELECT {sid}::int AS sid, {self.value(part.url)}::text AS sys, b.code,"
            f" {at * STEP}::bigint + b.seq AS ord, NULL::text AS display, NULL::jsonb AS designations,"
            f" ''::text AS lang FROM ({rows}) b"
        )

    def listed(self, part: Part, at: int, of: Resolved, narrow: Narrow) -> LiteralString:
        """The concepts a clause names one by one, be they in their system or not."""
        sid = part.system.id if part.system is not None else None
        tests: list[LiteralString] = []
        if of.compose.id is not None:
            source: LiteralString = "terminology.listed l"
            tests.append(f"l.value_set = {self.value(of.compose.id)}")
            tests.append(f"l.clause = {self.value(part.clause.at)}")
        else:
            source = self.sent(of, part.clause.at)
        known = self.value(sid)
        if narrow.words is not None:
            words = self.value(narrow.words)
            found = f"SELECT c.code FROM terminology.concept c WHERE c.system = {known}::int"
            found += f" AND c.words @@ {words}::tsquery"
            tests.append(f"(l.words @@ {words}::tsquery OR l.code IN ({found}))")
        if narrow.code is not None:
            tests.append(self.code("l", part, narrow.code))
        of_it = f"FROM terminology.concept c WHERE c.system = {known}::int AND c.code = l.code"
        if narrow.active:
            tests.append(f"NOT EXISTS (SELECT {of_it} AND c.inactive)")
        if narrow.selectable:
            tests.append(f"NOT EXISTS (SELECT {of_it} AND c.abstract)")
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        return (
            f"SELECT {known}::int AS sid, {self.value(part.url)}::text AS sys, l.code,"
            f" {at * STEP}::bigint + l.seq AS ord, nullif(l.display, '') AS display, l.designations,"
            f" {self.value(of.compose.language)}::text AS lang FROM {source}{where}"
        )

    def sent(self, of: Resolved, at: int) -> LiteralString:
        """The list of a clause that came with the request."""
        listed = of.compose.listed.get(at, ())
        columns = (
            self.value([one.code for one in listed]),
            self.value([one.display for one in listed]),
            self.value([Jsonb(list(one.designations)) for one in listed]),
            self.value([vector(words(one.code, one.display)) for one in listed]),
        )
        return (
            '(SELECT g.code COLLATE "C" AS code, g.display, g.designations, g.words::tsvector AS words,'
            f" g.seq FROM unnest({columns[0]}::text[], {columns[1]}::text[], {columns[2]}::jsonb[],"
            f" {columns[3]}::text[]) WITH ORDINALITY AS g (code, display, designations, words, seq)) l"
        )

    def grammar(self, part: Part, at: int, narrow: Narrow) -> LiteralString:
        """A system that is a grammar: the code looked for, when it follows it."""
        if narrow.code is None:
            raise NotListed(part.url)
        if part.clause.filters or not says(part.url, narrow.code):
            return ""
        return (
            f"SELECT NULL::int AS sid, {self.value(part.url)}::text AS sys, {self.value(narrow.code)}::text"
            f' COLLATE "C" AS code, {at * STEP}::bigint AS ord, NULL::text AS display,'
            " NULL::jsonb AS designations, ''::text AS lang"
        )

    def code(self, alias: LiteralString, part: Part, code: str) -> LiteralString:
        """That a row has a code, as its system compares codes."""
        given = self.value(code)
        if part.system is None or part.system.case_sensitive:
            return f"{alias}.code = {given}"
        return f"lower({alias}.code) = lower({given})"

    # ------------------------------------------------------------ filters

    def filter(
        self, given: Filter, system: int, narrow: Narrow, aliases: Mapping[str, str]
    ) -> LiteralString:
        """One condition on a concept `c` of a system; aliases: its names of FHIR's own properties."""
        given = replace(given, property=aliases.get(given.property, given.property))
        sid, value = self.value(system), self.value(given.value)
        pairs = f"terminology.below b WHERE b.system = {sid}"
        below = f"SELECT b.code FROM {pairs} AND b.ancestor = {value}"
        match given.op:
            case "is-a" if narrow.words is not None:
                # The words are the narrower: each concept they find is looked for below.
                return f"(c.code = {value} OR EXISTS ({below} AND b.code = c.code))"
            case "is-a":
                return f"c.code IN ({below} UNION ALL SELECT {value}::text)"
            case "descendent-of":
                return f"c.code IN ({below})"
            case "child-of":
                return f"(c.code IN ({below}) AND {value} = ANY (c.parents))"
            case "is-not-a":
                return f"(c.code <> {value} AND NOT EXISTS ({below} AND b.code = c.code))"
            case "generalizes":
                above = f"SELECT b.ancestor FROM {pairs} AND b.code = {value}"
                return f"c.code IN ({above} UNION ALL SELECT {value}::text)"
            case "=":
                return self.equal(given, sid, aliases)
            case "in" | "not-in":
                codes = self.value([one.strip() for one in given.value.split(",")])
                test = self.among(given.property, codes)
                return test if given.op == "in" else f"NOT coalesce({test}, false)"
            case "exists":
                return self.exists(given)
            case _:
                return self.regex(given)

    def equal(self, given: Filter, sid: LiteralString, aliases: Mapping[str, str]) -> LiteralString:
        """That a property has a value."""
        value = self.value(given.value)
        match given.property:
            case "code" | "concept":
                return f"c.code = {value}"
            case "display":
                return f"c.display = {value}"
            case "parent":
                return f"{value} = ANY (c.parents)"
            case "child":
                return (
                    "c.code IN (SELECT unnest(k.parents) FROM terminology.concept k"
                    f" WHERE k.system = {sid} AND k.code = {value})"
                )
            case "inactive":
                return f"c.inactive = ({value} = 'true')"
            case name if given.value == "true" and name in (
                "notSelectable", "abstract", aliases.get("notSelectable")
            ):  # fmt: skip
                return "c.abstract"
            case _:
                return f"c.properties @> {self.value(Jsonb({given.property: [given.value]}))}"

    def among(self, name: str, codes: LiteralString) -> LiteralString:
        """That a property has one of some values."""
        if name in ("code", "concept"):
            return f"c.code = ANY ({codes}::text[])"
        if name == "parent":
            return f"c.parents && {codes}::text[]"
        return f"(c.properties -> {self.value(name)}) ?| {codes}::text[]"

    def exists(self, given: Filter) -> LiteralString:
        """That a property is there."""
        sense: LiteralString = "" if given.value == "true" else "NOT "
        match given.property:
            case "code" | "concept":
                return "true" if given.value == "true" else "false"
            case "display":
                return sense + "(c.display <> '')"
            case "parent":
                return sense + "(cardinality(c.parents) > 0)"
            case "child":
                return (
                    sense + "EXISTS (SELECT FROM terminology.below b"
                    " WHERE b.system = c.system AND b.ancestor = c.code)"
                )
            case _:
                return sense + f"(c.properties ? {self.value(given.property)})"

    def regex(self, given: Filter) -> LiteralString:
        """That a property has the form of a regular expression, whole."""
        pattern = self.value(f"^(?:{given.value})$")
        match given.property:
            case "code" | "concept":
                return f"c.code ~ {pattern}"
            case "display":
                return f"c.display ~ {pattern}"
            case _:
                name = self.value(given.property)
                values = (
                    f"CASE WHEN c.properties ? {name} THEN c.properties -> {name} ELSE '[]' END"
                )
                each = f"jsonb_array_elements_text({values}) x"
                return f"EXISTS (SELECT FROM {each} WHERE x ~ {pattern})"
