# SPDX-License-Identifier: EUPL-1.2
"""Faults planted on purpose: each must turn the twin worlds red, or those prove nothing.

FAULTS is the list: what is broken, and as whom it is looked for. A fault in a statement is looked for by
a process that connects as a superuser, whom row-level security does not bind (WALL is off); one in a
decision, with the service's own role, for both walls believe the decision. `run` plants them all and
says which path found each: what `bench/campaign` calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import pytest
import structlog

from tests.agreement import twin
from tests.agreement.worlds import Original, Twins, World, campaigning, opened, original, twins
from tests.faults import decisions, hints, leaving, paths, statements
from tests.faults.planting import Plant
from tests.space import Peopled

SEED = 5
ITEMS = 90
PROBES = 6_000  # at most: a run stops at the first difference
SUPERUSER, SERVICE = "carnet_admin", "{role}"


@dataclass
class Pairs:
    """Twins by persona, made once; each asked through the role a test chooses."""

    runner: asyncio.Runner
    peopled: Peopled
    of: Original
    stack: contextlib.AsyncExitStack
    made: dict[str, Twins]
    seed: int = SEED

    def differences(
        self, persona: str, role: str, *, probes: int = PROBES, kinds: tuple[str, ...] = ()
    ) -> list[str]:
        """The first differences of a run as this persona; kinds: of paths, all when none is named."""
        return self.runner.run(self._differences(persona, role, probes, kinds))

    async def _differences(
        self, persona: str, role: str, probes: int, kinds: tuple[str, ...]
    ) -> list[str]:
        pair = await self._made(persona)
        report = twin.Report(self.seed)
        async with self._again(pair.a, role) as a, self._again(pair.b, role) as b:
            for world in (a, b):
                world.source.begin("asking", pair.now, frozen=True)
            grammar = {name: twin.GRAMMAR[name] for name in kinds or twin.GRAMMAR}
            again = replace(pair, a=a, b=b)
            await twin.compare(again, probes, report, first=True, grammar=grammar)
        return report.leaks

    def ready(self, persona: str) -> None:
        """Make the worlds of this persona: before a fault is planted, which they must not have."""
        self.runner.run(self._made(persona))

    async def _made(self, persona: str) -> Twins:
        if persona not in self.made:
            made = await self.stack.enter_async_context(twins(self.of, persona))
            self.made[persona] = made
            await made.b.built.pool.close()  # it is asked through others: so many would not all fit
        return self.made[persona]

    @contextlib.asynccontextmanager
    async def _again(self, world: World, role: str) -> Any:
        """Another process on the same database."""
        name = psycopg.conninfo.conninfo_to_dict(world.admin_url)["dbname"]
        async with opened(self.peopled, str(name), world.source, role=role) as other:
            yield other


@contextlib.contextmanager
def pairing(peopled: Peopled, seed: int = SEED) -> Iterator[Pairs]:
    """Worlds for all the faults: always the same, for each must hold what its fault would show.

    seed: of what is asked of them.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    stack = contextlib.AsyncExitStack()
    with asyncio.Runner() as runner:
        of = runner.run(stack.enter_async_context(original(peopled, SEED, ITEMS)))
        yield Pairs(runner, peopled, of, stack, {}, seed)
        runner.run(stack.aclose())


READS = ("read", "vread", "Binary", "read, not modified")
SEARCHES = ("search, all", "search, one person", "search by token", "_count")


@dataclass(frozen=True)
class Fault:
    """One fault; persona: as whom it is looked for; kinds: paths where a quick run looks."""

    plant: Plant
    persona: str
    kinds: tuple[str, ...]
    role: str = SUPERUSER

    @property
    def name(self) -> str:
        """Of the fault and of who looks."""
        return f"{getattr(self.plant, '__name__', self.plant)} ({self.persona})"


FAULTS = (
    Fault(statements.include_without_scope, "nurse", ("_include", "includes, both ways")),
    Fault(statements.total_without_scope, "patient", ("_total", "_summary")),
    Fault(statements.read_without_scope, "gp", READS),
    Fault(statements.search_without_scope, "nurse", SEARCHES),
    Fault(
        statements.facets_without_scope, "nurse", ("page of a record", "rendered page of a record")
    ),
    Fault(statements.chain_without_scope, "nurse", ("chain",)),
    Fault(statements.has_without_scope, "hospital-doctor", ("_has",)),
    Fault(statements.archive_without_scope, "patient", ("archive",)),
    Fault(statements.everything_without_scope, "nurse", ("$everything",)),
    Fault(statements.readers_without_scope, "patient", ("page of a record",)),
    Fault(statements.audit_without_scope, "patient", ("AuditEvent",)),
    Fault(statements.history_not_judged, "nurse", ("history", "vread")),
    Fault(statements.no_clause_is_everything, "outsider", SEARCHES),
    Fault(statements.no_clause_is_everything, "lab-software", SEARCHES),
    Fault(statements.labels_ignored, "nurse", SEARCHES),
    Fault(statements.labels_ignored, "patient", SEARCHES),
    Fault(statements.labels_ignored, "parent", SEARCHES),
    Fault(statements.kinds_ignored, "nurse", SEARCHES),
    Fault(statements.owners_ignored, "patient", SEARCHES),
    Fault(statements.deposits_of_all, "hospital-software", SEARCHES),
    Fault(hints.next_before_scope, "patient", ("pages",)),
    Fault(hints.link_counts_rows, "outsider", SEARCHES),
    Fault(hints.includes_withheld_are_told, "nurse", ("_include", "includes, both ways")),
    Fault(hints.includes_withheld_are_told, "parent", ("_include", "includes, both ways")),
    Fault(hints.forbidden_for_hidden, "nurse", READS),
    Fault(hints.other_words_for_hidden, "helper", READS),
    Fault(hints.other_header_for_hidden, "blocked", READS),
    Fault(hints.gone_for_hidden, "outsider", READS),
    Fault(hints.name_of_anybody, "outsider", ("page of a record",), SERVICE),
    Fault(hints.a_hop_too_wide, "nurse", ("chain",)),
    Fault(decisions.block_forgotten, "blocked", SEARCHES, SERVICE),
    Fault(decisions.linked_with_everybody, "outsider", SEARCHES, SERVICE),
    Fault(decisions.everyone_is_treating, "nurse", SEARCHES, SERVICE),
    Fault(decisions.everyone_is_trusted, "nurse", SEARCHES, SERVICE),
    Fault(decisions.every_profession_reads_all, "nurse", SEARCHES, SERVICE),
    Fault(decisions.assistant_is_the_doctor, "assistant", SEARCHES, SERVICE),
    Fault(decisions.every_mandate_holds_all, "helper", SEARCHES, SERVICE),
    Fault(decisions.secrets_told_at_home, "parent", SEARCHES, SERVICE),
    Fault(decisions.announced_too_soon, "patient", SEARCHES, SERVICE),
    Fault(decisions.lookup_before_right, "outsider", ("search by identifier",), SERVICE),
    Fault(decisions.explain_counts, "nurse", ("$explain",), SERVICE),
    Fault(decisions.consents_of_all, "gp", ("Consent",), SERVICE),
    Fault(decisions.hide_says_forbidden, "outsider", ("$hide and $show",), SERVICE),
    Fault(leaving.notice_says_how_many, "patient", ("notice",), SERVICE),
    Fault(leaving.notice_says_how_many, "nurse", ("notice",), SERVICE),
    Fault(leaving.letter_says_how_many, "patient", ("letter",), SERVICE),
    Fault(leaving.a_notice_a_document, "patient", ("job",), SERVICE),
    Fault(leaving.handed_over_whole, "patient", ("export, page and command",)),
    Fault(leaving.footer_counts, "outsider", ("rendered page of a record",)),
    Fault(leaving.page_is_forbidden, "nurse", ("rendered page of one thing",)),
    Fault(paths.filter_without_scope, "nurse", ("_filter",)),
    Fault(paths.numbers_without_scope, "nurse", ("search by quantity", "search by number")),
    Fault(paths.composites_without_scope, "gp", ("search by composite",)),
    Fault(paths.missing_without_scope, "patient", (":missing",)),
    Fault(paths.addresses_without_scope, "nurse", ("search by uri",)),
    Fault(paths.positions_without_scope, "lab-software", ("search by position",)),
    Fault(paths.amounts_of_others, "nurse", ("search by quantity",)),
    Fault(paths.sorted_by_others, "nurse", ("_sort by an amount",)),
    Fault(paths.lists_without_scope, "nurse", ("_text, _content and _list",)),
    Fault(paths.changes_without_scope, "nurse", ("history of a type and of all",)),
    Fault(paths.compartment_without_scope, "nurse", ("compartment",)),
    Fault(paths.condition_without_scope, "gp", ("conditional write, any parameter",)),
    Fault(paths.condition_without_scope, "patient", ("conditional create, carried out",)),
    Fault(paths.patch_before_right, "gp", ("PATCH with tests",), SERVICE),
    Fault(paths.patch_before_right, "lab-software", ("PATCH in a Bundle",), SERVICE),
    Fault(paths.meta_of_anybody, "nurse", ("$meta, everywhere", "$validate of one")),
    Fault(paths.validation_looks_up, "outsider", ("$validate of one",)),
    Fault(statements.read_without_scope, "outsider", ("HEAD and OPTIONS",)),
    Fault(statements.read_without_scope, "nurse", ("reads in a Bundle",)),
    Fault(statements.search_without_scope, "parent", ("chain into what is contained",)),
    Fault(statements.search_without_scope, "hospital-doctor", ("canonical with a version",)),
    Fault(statements.search_without_scope, "gp", ("one resource, every way",)),
    Fault(statements.search_without_scope, "patient", ("forms of answers",)),
    Fault(statements.search_without_scope, "outsider", ("what every resource has",)),
    Fault(statements.has_without_scope, "gp", ("negations through references",)),
    Fault(statements.everything_without_scope, "hospital-doctor", ("$everything, between days",)),
    Fault(statements.history_not_judged, "gp", ("history of one, in part",)),
    Fault(paths.filter_without_scope, "gp", ("_filter, every operator",)),
    Fault(paths.meta_of_anybody, "gp", ("operations of others",)),
    Fault(paths.meta_of_anybody, "outsider", ("operations by POST",)),
    Fault(paths.validation_looks_up, "nurse", ("$validate with other data",)),
    Fault(paths.condition_without_scope, "nurse", ("entries that collide",)),
    Fault(paths.identifiers_of_all, "hospital-doctor", ("a document deposited again",)),
    Fault(hints.hidden_id_is_taken, "hospital-software", ("a hidden id, taken",)),
    Fault(hints.references_looked_up, "gp", ("a create that points to what is hidden",)),
    Fault(paths.export_without_labels, "nurse", ("$export",)),
    Fault(paths.export_without_scope, "gp", ("$export",)),
    Fault(paths.export_says_how_many, "lab-software", ("$export",)),
)


def found(pairs: Pairs, fault: Fault, *, hinted: bool) -> str:
    """Which path found it, "" when none did; hinted: looked for only where it is planted."""
    pairs.ready(fault.persona)
    with pytest.MonkeyPatch.context() as patch:
        fault.plant(patch)
        leaks = pairs.differences(fault.persona, fault.role, kinds=fault.kinds if hinted else ())
    for leak in leaks:
        assert ": status 5" not in leak, f"{fault.name} breaks the server: it plants nothing"
    return leaks[0].split(": ")[1] if leaks else ""


@dataclass
class Caught:
    """What a run planted, and which path found it."""

    seed: int
    by: dict[str, str] = field(default_factory=dict)  # fault → path kind, "" when it was not found
    seconds: float = 0.0

    def __add__(self, other: Caught) -> Caught:
        """Two runs as one."""
        return Caught(min(self.seed, other.seed), self.by | other.by, self.seconds + other.seconds)

    @property
    def missed(self) -> list[str]:
        """Faults nothing found."""
        return [name for name, by in self.by.items() if not by]

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {len(self.by) - len(self.missed)} of {len(self.by)} faults found"
            f" in {self.seconds:.0f} s"
        )


def run(count: int, seed: int) -> Caught:
    """So many of the faults, every path asked, on a server of its own."""
    started, caught = time.perf_counter(), Caught(seed)
    chosen = random.Random(seed).sample(FAULTS, min(count, len(FAULTS)))
    with campaigning("faults") as peopled, pairing(peopled, seed) as pairs:
        for fault in sorted(chosen, key=FAULTS.index):
            # So many paths leave few probes to each: one that none of them met is asked where it is.
            caught.by[fault.name] = found(pairs, fault, hinted=False) or (
                f"{where}, asked alone" if (where := found(pairs, fault, hinted=True)) else ""
            )
    caught.seconds = time.perf_counter() - started
    return caught
