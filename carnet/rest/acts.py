# SPDX-License-Identifier: EUPL-1.2
"""Acts by (type, interaction, Bundle profile): what a slice does instead of a plain store write.

`app.py` fills the table; the generic path calls an act before the store. The types of NEED_AN_ACT
cannot be written without one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from starlette.routing import Route

from carnet import errors
from carnet.access.door import Address, Page, Stored, Unit, Visit, Written
from carnet.access.labels import Label
from carnet.fhir.search.parse import Parser
from carnet.fhir.search.query import Query
from carnet.fhir.validation.issues import Issue
from carnet.rest.conditions import Condition
from carnet.rest.outcome import known, placed

Patching = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

NEED_AN_ACT = frozenset("DocumentReference List Binary Patient Consent AuditEvent".split())


class NoAct(errors.NotSupported):
    """This type is only written through its own act, which this server does not have."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where what an entry creates was said to be, before its transaction; there: it already is."""

    cid: int
    rid: int
    chosen: str | None = None  # an id it keeps
    there: bool = False


@dataclass(slots=True)
class Entry:
    """One write of a plan; a single create is a plan of one."""

    method: str  # POST, PUT, PATCH or DELETE
    rtype: str
    id: str | None = None
    full_url: str = ""
    resource: dict[str, Any] = field(default_factory=dict)
    if_match: int | None = None
    address: Address | None = None  # of what is created
    place: Place | None = None  # given beforehand
    # The document it came with elsewhere: compartment, row, kind, labels.
    follow: tuple[int, int, int, Label] | None = None
    where: str = ""  # Bundle.entry[3], of what a refusal speaks
    data: bytes | None = None  # content of a Binary, when it does not come as base64
    existing: bool = False  # it was already there: a person, a place, what a condition names
    condition: Condition | None = None  # of a conditional create, update, patch or delete
    patch: Patching | None = None  # what a PATCH makes of the current content
    issues: tuple[Issue, ...] = ()  # what validation has to say, and does not refuse
    written: Written | None = None  # None for a delete that meant nothing
    warnings: tuple[str, ...] = ()  # told in the response's outcome


@dataclass(slots=True)
class Plan:
    """The writes of one transaction."""

    entries: list[Entry]
    profiles: frozenset[str] = frozenset()  # of the Bundle
    parser: Parser | None = None  # reads conditional references, but for those to people
    known: dict[str, Address] = field(default_factory=dict)  # by reference used in the Bundle
    found: dict[str, Address] = field(default_factory=dict)  # by conditional reference
    # The one document of the plan, which what came with it follows: compartment, row, kind, labels.
    follow: tuple[int, int, int, Label] | None = None
    # Before anything is placed: what recognises entries that are already there, and says where.
    before: Callable[[Unit, Plan], Awaitable[None]] | None = None
    # Once all is written, in the same transaction.
    after: Callable[[Unit, Plan], Awaitable[None]] | None = None

    def recognise(self, entry: Entry, address: Address) -> None:
        """This entry is already there: it is left as it is, and the others may point to it."""
        entry.address, entry.existing = address, True
        self.known[address.literal] = address
        if entry.full_url:
            self.known[entry.full_url] = address

    def pointed(self, reference: str) -> Entry | None:
        """The entry a reference of this plan points to."""
        for entry in self.entries:
            if entry.full_url == reference or (
                entry.address is not None and entry.address.literal == reference
            ):
                return entry
        return None


MOST_REMARKS: Final = 20  # of one Bundle: each is searched for
TOO_MANY: Final = "Too many came at once: nothing was looked for beside this one."
Act = Callable[[Unit, Plan, Entry], Awaitable[Written]]
Resolver = Callable[[Unit, str, str], Awaitable[Address | None]]
# What is sent of somebody who is already there: refused when it is another's.
Checker = Callable[[Unit, Address, dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Streamed:
    """A file that is made as it is sent; nothing is answered before its first bytes are there."""

    media: str
    name: str
    chunks: AsyncIterator[bytes]


# `Type/id/$name`: the visit and the id give a resource, a file, or nothing to say.
Operation = Callable[[Visit, str], Awaitable[dict[str, Any] | Streamed | None]]
# The same with what its Parameters say, by name; of `Type/$name` the id is "".
Asked = Callable[[Visit, str, Mapping[str, str]], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Asking:
    """An operation that takes parameters, each once: the FHIR type of each, by name."""

    run: Asked
    takes: Mapping[str, str]


# What a slice has to tell of what was just written, to who asked to be told; beside: what came with it.
Remark = Callable[[Visit, Entry, frozenset[str]], Awaitable[tuple[Issue, ...]]]
# The same in a language, and in a form of its own.
Telling = Callable[[Visit, str, str], Awaitable[dict[str, Any] | Streamed | None]]


@dataclass(frozen=True, slots=True)
class Forms:
    """What an operation answers in, beside FHIR JSON: media types, and languages, its own first."""

    run: Mapping[str, Telling]  # by media type; "" is JSON
    languages: tuple[str, ...]


async def _remarked(
    told: Remark, visit: Visit, entry: Entry, beside: frozenset[str]
) -> tuple[Issue, ...]:
    """What is told; nothing when it cannot be found out: what is written stays written."""
    try:
        return await told(visit, entry, beside)
    except Exception as error:
        if known(error) is None:
            raise
        return ()


class View(Protocol):
    """A type that is not stored: its resources are made from rows that are the truth."""

    parameters: frozenset[str]  # of a search, beside the results' own (_count…)

    async def read(self, visit: Visit, id: str) -> Stored:
        """One, as this caller sees it; Nothing when absent or hidden."""

    async def search(self, visit: Visit, query: Query, given: Sequence[tuple[str, str]]) -> Page:
        """One page; query: what was parsed; given: the same, as it was written."""


class Acts:
    """The table, and what resolves an identifier to a resource of a type."""

    def __init__(self) -> None:
        self._table: dict[tuple[str, str, str | None], Act] = {}
        self._resolvers: dict[str, Resolver] = {}
        self._checkers: dict[str, Checker] = {}
        self._views: dict[str, View] = {}
        self._operations: dict[tuple[str, str, str], Operation] = {}
        self._asking: dict[tuple[bool, str, str], Asking] = {}
        self._forms: dict[tuple[str, str], Forms] = {}
        self._remarks: dict[str, Remark] = {}
        self.routes: list[Route] = []  # of a slice, before those of every type
        # Their operations: type ("" for the base), name, definition.
        self.announced: list[tuple[str, str, str]] = []
        # Guides that are followed: their requirements, and the profiles of a type.
        self.instantiates: list[str] = []
        self.supported: dict[str, tuple[str, ...]] = {}
        # What a slice makes of a plan before it is carried out.
        self.prepares: list[Callable[[Plan], None]] = []
        # At another address of the API, by its name: what looks at the parameters of a search of a type.
        self.guides: dict[str, Callable[[str, Sequence[str]], None]] = {}

    def register(
        self, rtype: str, interaction: str, act: Act, *, profile: str | None = None
    ) -> None:
        """Have `act` do this interaction, in Bundles of `profile` or wherever it comes from."""
        self._table[rtype, interaction, profile] = act

    def show(self, rtype: str, view: View) -> None:
        """Have `view` answer reads of a type that is not stored."""
        self._views[rtype] = view

    def view(self, rtype: str) -> View | None:
        """What answers reads of a type that is not stored."""
        return self._views.get(rtype)

    def operate(self, method: str, rtype: str, name: str, operation: Operation) -> None:
        """Have `operation` answer `method Type/id/$name`."""
        self._operations[method, rtype, name] = operation

    def operation(self, method: str, rtype: str, name: str) -> Operation | None:
        """What answers `method Type/id/$name`."""
        return self._operations.get((method, rtype, name))

    def tell(self, rtype: str, name: str, forms: Forms) -> None:
        """Have `forms` answer `GET` and `POST Type/id/$name`, in the form and language asked for."""
        self._forms[rtype, name] = forms

    def forms(self, rtype: str, name: str) -> Forms | None:
        """What answers it."""
        return self._forms.get((rtype, name))

    def remark(self, rtype: str, remark: Remark) -> None:
        """Have `remark` say what there is to tell of a resource of a type that is created."""
        self._remarks[rtype] = remark

    async def remarks(self, visit: Visit, entries: Sequence[Entry]) -> None:
        """Add to each entry that was created what there is to tell of it, once all are committed."""
        written = [each.written for each in entries if each.written is not None]
        beside = frozenset(each.address.literal for each in written)
        asked = [
            (each, self._remarks[each.rtype])
            for each in entries
            if each.rtype in self._remarks and each.written is not None and each.written.created
        ]
        for rank, (entry, told) in enumerate(asked):
            if rank < MOST_REMARKS:
                found = await _remarked(told, visit, entry, beside)
            else:
                found = (Issue(entry.rtype, "informational", TOO_MANY, "information"),)
            entry.issues += tuple(placed(found, entry.where and f"{entry.where}.resource"))

    def ask(
        self, rtype: str, name: str, run: Asked, takes: Mapping[str, str], *, of_type: bool = False
    ) -> None:
        """Have `run` answer `POST Type/id/$name`, or `POST Type/$name`, with the parameters it takes."""
        self._asking[of_type, rtype, name] = Asking(run, takes)

    def asking(self, rtype: str, name: str, *, of_type: bool = False) -> Asking | None:
        """What answers it."""
        return self._asking.get((of_type, rtype, name))

    def operations(self, rtype: str) -> list[str]:
        """Names of the operations on a type."""
        both = [*self._operations, *self._asking, *(("", *each) for each in self._forms)]
        return sorted({name for _, each, name in both if each == rtype})

    def resolve_by(self, rtype: str, resolver: Resolver, checker: Checker | None = None) -> None:
        """Have `resolver` answer `rtype?identifier=system|value` references.

        checker: compares a resource that is sent with the one its identifier names.
        """
        self._resolvers[rtype] = resolver
        if checker is not None:
            self._checkers[rtype] = checker

    def find(self, rtype: str, interaction: str, profiles: frozenset[str]) -> Act | None:
        """The act, that of a Bundle profile first; NoAct when one is needed and there is none."""
        for profile in sorted(profiles):
            if (act := self._table.get((rtype, interaction, profile))) is not None:
                return act
        act = self._table.get((rtype, interaction, None))
        if act is None and rtype in NEED_AN_ACT:
            raise NoAct(f"{rtype} is only written through its own act.")
        return act

    def has(self, rtype: str, interaction: str) -> bool:
        """Whether an act does the interaction, wherever it comes from."""
        return (rtype, interaction, None) in self._table

    def written(self, rtype: str, interaction: str) -> bool:
        """Whether the interaction can be had, by an act or by the store."""
        return rtype not in NEED_AN_ACT or (rtype, interaction, None) in self._table

    async def check(self, unit: Unit, address: Address, resource: dict[str, Any]) -> None:
        """Refuse a resource that is not of who its identifier names."""
        checker = self._checkers.get(address.rtype)
        if checker is not None:
            await checker(unit, address, resource)

    def resolver(self, rtype: str) -> Resolver | None:
        """What resolves identifiers of a type."""
        return self._resolvers.get(rtype)
