# SPDX-License-Identifier: EUPL-1.2
"""Writing the lots of a set: references made good, what is already there recognised, one transaction."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from carnet import errors
from carnet.access.actor import Actor
from carnet.access.door import Address, Unit
from carnet.app.loading import people, queries
from carnet.app.loading.names import Names, contained, is_person, references
from carnet.app.loading.order import in_order
from carnet.app.loading.outcomes import Options, Remark, found, shown
from carnet.app.loading.people import Apart, People, Person
from carnet.app.loading.queries import Loaded
from carnet.app.loading.sets import Item, Lot
from carnet.app.parts import Built, visit
from carnet.documents.cda.conformance import Profile
from carnet.fhir import json
from carnet.rest.acts import Entry, Plan
from carnet.rest.links import copied
from carnet.rest.plans import carry_out

BY_NUMBER: Final = ("subject", "patient", "beneficiary", "for")  # may name a person by number alone
DOCUMENTS: Final = frozenset(("DocumentReference", "Binary", "List"))


BESIDE: Final = "A resource of the Bundle is referred to by #id, as if it were contained."
EMPTY: Final = "DocumentReference: its content is not in what is loaded."


class NobodyHere(errors.BusinessRule):
    """The person it is about is neither in what is loaded nor here."""

    code = "902"


class Incomplete(errors.BusinessRule):
    """A conditional reference to a person is Patient?identifier=system|value: this one has no value."""

    code = "902"


class AboutRefused(errors.BusinessRule):
    """What it is about was refused."""


class TooMany(errors.TooCostly):
    """More resources refer to each other in a ring than this server writes at once."""


class _There(Exception):
    """A transaction that was loaded before."""


@dataclass(slots=True)
class Done:
    """What came of a lot."""

    lot: Lot
    new: int = 0
    there: int = 0
    made: int = 0  # identities
    remarks: list[Remark] = field(default_factory=list)


@dataclass(slots=True)
class _Prepared:
    """The entries of some lots, and what each is recognised by."""

    plan: Plan
    marks: list[bytes] = field(default_factory=list)  # one an entry; b"" for none
    of: list[Done | None] = field(default_factory=list)  # whose each entry is; None, an identity
    items: list[Item | None] = field(default_factory=list)
    people: dict[Person, Entry] = field(default_factory=dict)
    whole: bytes = b""  # what a transaction is recognised by
    apart: dict[int, Apart] = field(default_factory=dict)  # Patients put in quarantine, by entry
    twice: list[tuple[Done, Item, int]] = field(default_factory=list)  # the same as an entry

    def add(self, entry: Entry, done: Done | None, item: Item | None, mark: bytes) -> None:
        """One more."""
        self.plan.entries.append(entry)
        self.marks.append(mark)
        self.of.append(done)
        self.items.append(item)


class Writer:
    """Writes the lots of one set, in the order it is given them."""

    def __init__(self, built: Built, who: Actor, options: Options, lots: Sequence[Lot]) -> None:
        self._built, self._who, self._options = built, who, options
        self._door = built.door
        self._base = f"{built.settings.base_url}/fhir/"
        self._people = People(built.door)
        lenient = Profile.LENIENT if built.settings.lenient else Profile.STRICT
        self._profile = options.profile or lenient
        self._refused: set[Lot] = set()
        Names(lots, self._base).link(lots)
        if [lot for lot in lots if _without_empty(lot)]:
            for lot in lots:
                lot.unlink()
            Names(lots, self._base).link(lots)
        self._mark(item for lot in lots for item in lot.items)

    async def write(self, lots: Sequence[Lot]) -> list[Done]:
        """Some lots in one transaction: all of it, or a refusal."""
        done = [Done(lot) for lot in lots]
        ready = self._prepared(done)
        if len(ready.plan.entries) > self._built.settings.entry_limit and len(lots) > 1:
            raise TooMany
        ready.plan.before = lambda unit, plan: self._recognise(unit, plan, ready)
        ready.plan.after = lambda unit, plan: self._remember(unit, plan, ready)
        try:
            await carry_out(visit(self._built, self._who), self._built.desk.acts, ready.plan)
        except _There:
            done[0].there = len(ready.plan.entries)
            return done
        self._conclude(ready)
        return done

    def refuse(self, lot: Lot) -> None:
        """What refers to this lot now refers to nothing."""
        self._refused.add(lot)

    def _conclude(self, ready: _Prepared) -> None:
        rows = zip(ready.plan.entries, ready.of, ready.items, strict=True)
        for index, (entry, of, item) in enumerate(rows):
            assert entry.written is not None
            kept = ready.apart.get(index)
            if item is not None:
                item.written = entry.written.address.literal
            if of is None:
                continue
            if kept is not None:
                of.remarks += found(kept)
            if entry.written.created or entry.written.changed or (kept is not None and kept.made):
                of.new += 1
            else:
                of.there += 1
            of.remarks += [Remark("warning", text) for text in entry.warnings]
        for done, item, index in ready.twice:
            written = ready.plan.entries[index].written
            assert written is not None
            item.written = written.address.literal
            done.there += 1
        for person, entry in ready.people.items():
            assert entry.written is not None
            person.written = entry.written.address.literal
            first = next(of for of in ready.of if of is not None)
            first.made += not entry.existing

    # -- what is written -------------------------------------------------------------------------

    def _prepared(self, done: Sequence[Done]) -> _Prepared:
        ready = _Prepared(Plan([], done[0].lot.profiles))
        here = {each.lot for each in done}
        for each in done:
            lot = each.lot
            for item in lot.items:
                if item.mark in ready.marks:
                    ready.twice.append((each, item, ready.marks.index(item.mark)))
                    continue
                with_files, files = self._with_files(lot, item)
                resource, warned = self._linked(ready, here, lot, item, with_files)
                each.remarks += warned
                entry = Entry("POST", item.rtype, full_url=item.url, resource=resource)
                ready.add(entry, each, item, item.mark)
                for file in files:
                    ready.add(file, each, None, b"")
            if lot.entries:
                self._requests(ready, here, each)
            if lot.left:
                count = Counter(lot.left)
                each.remarks += [
                    Remark("warning", f"Left out, {number} × {text}")
                    for text, number in count.items()
                ]
        return ready

    def _requests(self, ready: _Prepared, here: set[Lot], done: Done) -> None:
        """The entries of a transaction, as given but for what they refer to outside of it."""
        lot = done.lot
        own = {entry.full_url for entry in lot.entries}
        by_id: dict[str, Entry] = {}
        for entry in lot.entries:
            id = entry.resource.get("id")
            if isinstance(id, str) and entry.method == "POST":
                by_id.setdefault(f"{entry.rtype}/{id}", entry)
        targets: list[bytes] = []
        loose = False
        for entry in lot.entries:
            if entry.method not in ("POST", "PUT"):
                ready.add(_again(entry, entry.resource), done, None, b"")
                continue
            replaced: dict[str, str] = {}
            for reference in references(entry.resource):
                text = reference["reference"]
                same = by_id.get(text)
                if text not in own and same is not None and not _relative(entry, text, own):
                    if not same.full_url:
                        same.full_url = f"urn:uuid:{uuid.uuid4()}"
                    replaced[text], loose = same.full_url, True
            resource: dict[str, Any] = copied(entry.resource, replaced)
            known = own | set(replaced.values())
            resource, warned = self._linked(ready, here, lot, None, resource, known, targets)
            done.remarks += warned
            ready.add(_again(entry, resource), done, None, b"")
        if loose:
            sentence = "Entries refer to each other by their ids, not by their fullUrl."
            done.remarks.append(Remark("warning", sentence))
        said = b"".join([b"lot|", lot.where.encode(), lot.raw, *sorted(targets)])
        ready.whole = self._door.hasher.long(said)

    def _with_files(self, lot: Lot, item: Item) -> tuple[dict[str, Any], list[Entry]]:
        """A document and the Binary of the set it names, which comes with it."""
        if item.rtype != "DocumentReference":
            return item.resource, []
        replaced: dict[str, str] = {}
        found = []
        for address, target in item.files.items():
            if target.lot is not lot:
                replaced[address] = f"urn:uuid:{uuid.uuid4()}"
                entry = Entry("POST", "Binary", full_url=replaced[address])
                entry.resource = target.resource
                found.append(entry)
        contents = copied(item.resource.get("content", []), replaced)
        return {**item.resource, "content": contents}, found

    def _linked(
        self,
        ready: _Prepared,
        here: set[Lot],
        lot: Lot,
        item: Item | None,
        resource: dict[str, Any],
        own: Iterable[str] = (),
        targets: list[bytes] | None = None,
    ) -> tuple[dict[str, Any], list[Remark]]:
        """A copy whose references to the set are those of what is written; a remark on the others.

        own: what a transaction resolves by itself. targets: takes the marks of what is referred to.
        """
        owning = set(self._door.owners.references(resource))
        replaced: dict[str, str] = {}
        lost: Counter[str] = Counter()
        remarks: list[Remark] = []
        known = set(own)
        for reference in references(resource):
            text = reference["reference"]
            if text in known or text in replaced:
                continue
            target = (lot.targets if item is None else item.targets).get(text)
            if text.startswith("#") and target is None:
                if text in owning:
                    person = self._inside(ready, lot, resource, text)
                    replaced[text] = person.written or person.url
                    if targets is not None:
                        targets.append(person.mark)
                    remarks.append(Remark("warning", people.MADE, path=item.path if item else ""))
                continue
            if text.startswith("#"):
                remarks.append(Remark("warning", BESIDE, path=item.path if item else ""))
            if target is not None and target.lot in here:
                replaced[text] = target.url
            elif target is not None and target.lot not in self._refused and target.written:
                replaced[text] = target.written
                if targets is not None:
                    targets.append(target.mark)
            elif target is not None and text in owning:
                name = shown(Path(target.lot.file.path.name))
                raise AboutRefused(f"What it is about was refused: {name}.")
            elif text in owning and not people.complete(text):
                raise Incomplete
            elif text in owning and self._unheld(text):
                person = self._stand_in(ready, lot, reference)
                replaced[text] = person.written or person.url
                if targets is not None:
                    targets.append(person.mark)
                remarks.append(Remark("warning", people.MADE, path=item.path if item else ""))
            elif self._nowhere(text):
                lost[text.partition("/")[0] if "/" in text else "urn"] += 1
        made: dict[str, Any] = copied(resource, replaced)
        made, numbered = self._by_number(ready, lot, made)
        remarks += numbered
        if lost:
            said = ", ".join(f"{number} × {what}" for what, number in sorted(lost.items()))
            sentence = f"It refers to what is neither in what is loaded nor here: {said}."
            remarks.append(Remark("warning", sentence, path=item.path if item else ""))
        return made, remarks

    def _by_number(
        self, ready: _Prepared, lot: Lot, resource: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Remark]]:
        """Persons named by a number alone: asked by it, or made when that is wanted."""
        remarks = []
        for element in BY_NUMBER:
            named = resource.get(element)
            if not isinstance(named, dict) or named.get("reference"):
                continue
            number = named.get("identifier", {})
            if not number.get("value") or named.get("type", "Patient") != "Patient":
                continue
            if element not in self._door.owners.part(resource):
                continue
            if self._options.create_patients:
                person = self._stand_in(ready, lot, named)
                reference = person.written or person.url
                remarks.append(Remark("warning", people.MADE))
            elif people.is_ins(number):
                system, value = str(number["system"]), str(number["value"])
                reference = f"Patient?identifier={quote(system, safe=':')}|{quote(value)}"
            else:
                raise NobodyHere
            resource = {**resource, element: {**named, "reference": reference}}
        return resource, remarks

    def _inside(
        self, ready: _Prepared, lot: Lot, resource: dict[str, Any], reference: str
    ) -> Person:
        """The person a resource is about and contains."""
        patient = contained(resource, reference)
        if patient is None or patient.get("resourceType") != "Patient":
            raise NobodyHere
        return self._make(ready, self._people.inside(lot.file.folder, patient))

    def _stand_in(self, ready: _Prepared, lot: Lot, reference: dict[str, Any]) -> Person:
        return self._make(ready, self._people.named(lot.file.folder, reference))

    def _make(self, ready: _Prepared, person: Person) -> Person:
        if not self._options.create_patients:
            raise NobodyHere
        if not person.written and person not in ready.people:
            entry = Entry("POST", "Patient", full_url=person.url, resource=person.resource)
            ready.people[person] = entry
            ready.add(entry, None, None, person.mark)
        return person

    def _unheld(self, reference: str) -> bool:
        """Whether a reference names a person by what is no id of ours."""
        if reference.startswith(self._base):
            return False
        if reference.startswith("urn:"):
            return True
        if not is_person(reference):
            return False
        if reference.startswith("Patient?"):  # asked of what is here, unless people are made
            return self._options.create_patients
        last = reference.partition("/_history/")[0].rpartition("/")[2]
        return self._door.ids.decode(last) is None or not reference.startswith("Patient/")

    def _nowhere(self, reference: str) -> bool:
        """Whether a reference within a server names nothing of this one."""
        if "://" in reference or "?" in reference:
            return False
        last = reference.partition("/_history/")[0].rpartition("/")[2]
        return self._door.ids.decode(last) is None

    # -- what is recognised ----------------------------------------------------------------------

    def _mark(self, items: Iterable[Item]) -> None:
        """What each item is recognised by: its content, and what it refers to.

        Inside a ring, what refers to each other is told apart by its own content alone.
        """
        needs = {item: item.targets.values() for item in items}
        for group in in_order(needs, needs):
            found = {item: self._mark_of(item) for item in group}
            for item, mark in found.items():
                item.mark = mark

    def _mark_of(self, item: Item) -> bytes:
        replaced = {
            text: f"mark:{target.mark.hex()}"
            for text, target in item.targets.items()
            if target.mark
        }
        if self._options.create_patients:
            owning = set(self._door.owners.references(item.resource))
            for reference in references(item.resource):
                text = reference["reference"]
                if text in owning and text not in item.targets and self._unheld(text):
                    person = self._people.named(item.lot.file.folder, reference)
                    replaced[text] = f"mark:{person.mark.hex()}"
        return self._door.hasher.long(b"item|" + json.dump(copied(item.resource, replaced)))

    async def _recognise(self, unit: Unit, plan: Plan, ready: _Prepared) -> None:
        """Entries that this organisation's software has loaded before, and that are still here."""
        org = self._who.org
        marks = [ready.whole, *ready.marks] if ready.whole else ready.marks
        if org is not None:
            await unit.alone(f"loaded|{org}")
            await unit.allow(org)
            rows = await queries.find(unit.conn, org, [mark for mark in marks if mark])
            present = await unit.present([(row.cid, row.rid) for row in rows]) if rows else set()
            held = {row.h: row for row in rows if (row.cid, row.rid) in present}
            if ready.whole in held:
                raise _There
            for entry, mark in zip(plan.entries, ready.marks, strict=True):
                row = held.get(mark)
                if row is not None and self._door.names[row.rtype] == entry.rtype:
                    id = self._door.ids.encode(row.cid, row.rid)
                    plan.recognise(entry, Address(row.cid, row.rid, entry.rtype, id))
        ready.apart.clear()
        for index, entry in enumerate(plan.entries):
            if entry.method == "POST" and entry.rtype == "Patient" and not entry.existing:
                kept = await people.apart(unit, entry.resource, self._profile)
                if kept is not None:
                    ready.apart[index] = kept
                    plan.recognise(entry, kept.address)

    async def _remember(self, unit: Unit, plan: Plan, ready: _Prepared) -> None:
        org = self._who.org
        if org is None:
            return
        types = self._door.definitions.types
        rows: dict[bytes, Loaded] = {}
        for entry, mark in zip(plan.entries, ready.marks, strict=True):
            written = entry.written
            if written is None or not written.created or entry.method != "POST":
                continue
            address = written.address
            for each in {mark, ready.whole if not rows else b""} - {b""}:
                rows[each] = Loaded(each, address.cid, address.rid, types[entry.rtype])
        if rows:
            await unit.allow(org)
            await queries.keep(unit.conn, org, list(rows.values()))


def _without_empty(lot: Lot) -> bool:
    """Leave out of a collection the documents whose content is nowhere in it, and say so."""
    empty = [item for item in lot.items if item.rtype == "DocumentReference" and not _full(item)]
    if not empty or len(empty) == len(lot.items):
        return False
    lot.items = [item for item in lot.items if item not in empty]
    lot.left += [EMPTY] * len(empty)
    return True


def _full(document: Item) -> bool:
    attachments = [each.get("attachment", {}) for each in document.resource.get("content", [])]
    return all("data" in each or each.get("url") in document.files for each in attachments)


def _again(entry: Entry, resource: dict[str, Any]) -> Entry:
    """The same request of another resource: what is prepared twice begins as it was given."""
    return Entry(
        entry.method,
        entry.rtype,
        entry.id,
        entry.full_url,
        resource,
        if_match=entry.if_match,
        condition=entry.condition,
    )


def _relative(entry: Entry, text: str, own: set[str]) -> bool:
    """Whether a relative reference is resolved beside the fullUrl of the entry it stands in."""
    base, _, _ = entry.full_url.rpartition(f"/{entry.rtype}/")
    return bool(base) and f"{base}/{text}" in own
