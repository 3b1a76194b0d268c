# SPDX-License-Identifier: EUPL-1.2
"""The verifier: what differs between the audit's rows, their leaves, the heads, and the roots handed out.

It reads and asks nothing of who keeps the log. What it finds is told by its kind, and where: a row by its
number; a batch, by the sizes of the heads around it, when leaf and row were rewritten together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from carnet.access.log import rows
from carnet.access.log.heads import Head, instant
from carnet.access.log.rows import Leaf, Row
from carnet.access.log.sources import Source
from carnet.access.log.tree import Edge

MOST = 1000  # findings told; the rest is counted


class Kind(StrEnum):
    """What differs."""

    EDITED = "row edited"
    REMOVED = "row removed"
    INSERTED = "row inserted"
    REORDERED = "leaves reordered"
    LEAF = "leaf missing"
    BATCH = "batch rewritten"
    DATED = "row dated outside its batch"
    HEAD = "head rewritten"
    SIGNATURE = "signature does not hold"
    KEY = "signed by another key"
    UNCOVERED = "leaves under no head"
    BACK = "rolled back"
    ABSENT = "head handed out is missing"
    LATE = "unsealed beyond the delay"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference."""

    kind: Kind
    where: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}"


@dataclass(slots=True)
class Report:
    """What was verified, and what differs."""

    rows: int = 0
    leaves: int = 0
    heads: int = 0
    roots: int = 0
    unsealed: int = 0
    unused: int = 0  # numbers given since the last head that no line has
    last: Head | None = None
    trusted: bool = True  # false: no key was given and the heads' own was believed
    found: list[Finding] = field(default_factory=list)
    more: int = 0  # findings beyond MOST

    def tell(self, kind: Kind, where: str) -> None:
        """Keep a finding."""
        if len(self.found) < MOST:
            self.found.append(Finding(kind, where))
        else:
            self.more += 1

    @property
    def kinds(self) -> set[Kind]:
        """What was found."""
        return {each.kind for each in self.found}

    @property
    def late_only(self) -> bool:
        """Whether nothing was rewritten: the sealer alone is behind."""
        return self.kinds == {Kind.LATE}


def verify(
    source: Source,
    handed: Sequence[Head] = (),
    keys: Collection[bytes] = (),
    *,
    delay: timedelta,
    noted: Sequence[tuple[int, str]] = (),
) -> Report:
    """Compare everything with everything.

    handed: roots somebody else kept. keys: public keys that may sign; none believes the roots', then
    the first head's own. delay: how long a row may wait for its head. noted: sizes and roots, or their
    beginnings in hexadecimal, as somebody wrote them down from the foot of a page.
    """
    heads = source.heads()
    roots = len(handed) + len(noted)
    report = Report(heads=len(heads), roots=roots, last=heads[-1] if heads else None)
    believed = set(keys) or {root.key for root in handed}
    if not believed and heads:
        report.trusted = False
        believed = {heads[0].key}
    _check_heads(heads, believed, report)
    known = _check_handed(heads, handed, believed, report)
    tree = _Tree(heads, known, noted, report)
    _check_rows(source, heads, tree, delay, report)
    tree.end()
    return report


def _check_heads(heads: Sequence[Head], believed: Collection[bytes], report: Report) -> None:
    """Each by itself, and after the one before."""
    before: Head | None = None
    for head in heads:
        if head.key not in believed:
            report.tell(Kind.KEY, _named(head))
        if not head.holds():
            report.tell(Kind.SIGNATURE, _named(head))
        if before and (head.at < before.at or head.upto <= before.upto):
            report.tell(Kind.HEAD, f"{_named(head)} is before the one it follows")
        before = head


def _check_handed(
    heads: Sequence[Head], handed: Sequence[Head], believed: Collection[bytes], report: Report
) -> list[Head]:
    """Each root handed out is still a head; returns those whose tree can be made again."""
    by_size = {head.size: head for head in heads}
    last = heads[-1].size if heads else 0
    known = []
    for root in handed:
        if root.key not in believed or not root.holds():
            report.tell(Kind.SIGNATURE, f"root handed out for {root.size} leaves")
            continue
        known.append(root)
        if root.size > last:
            report.tell(
                Kind.BACK,
                f"{root.size} leaves on {instant(root.at)} when handed out, {last} now",
            )
        elif root.size not in by_size:
            report.tell(Kind.ABSENT, f"{root.size} leaves, {instant(root.at)}")
        elif by_size[root.size] != root:
            report.tell(Kind.HEAD, f"{_named(by_size[root.size])} is not the one handed out")
    return known


class _Tree:
    """The tree made again from the leaves, compared at each size somebody signed."""

    def __init__(
        self,
        heads: Sequence[Head],
        handed: Sequence[Head],
        noted: Sequence[tuple[int, str]],
        report: Report,
    ) -> None:
        self._edge = Edge()
        self._report = report
        signed: dict[int, set[bytes]] = {}
        for head in (*heads, *handed):
            signed.setdefault(head.size, set()).add(head.root)
        self._signed = sorted(signed.items())
        self._next = 0
        self._good = 0  # leaves of the last size that agreed
        self._told = False
        self._noted: dict[int, list[str]] = {}
        for size, root in noted:
            self._noted.setdefault(size, []).append(root.lower())

    def add(self, hashed: bytes) -> None:
        self._edge.add(hashed)
        if self._next < len(self._signed) and self._signed[self._next][0] == self._edge.size:
            if self._signed[self._next][1] == {self._edge.root()}:
                self._good = self._edge.size
            elif not self._told:  # every later one differs too
                self._told = True
                self._report.tell(
                    Kind.BATCH, f"between leaves {self._good} and {self._edge.size - 1}"
                )
            self._next += 1
        for root in self._noted.pop(self._edge.size, ()):
            if not self._edge.root().hex().startswith(root):
                where = f"{self._edge.size} leaves, root {root}"
                self._report.tell(Kind.BATCH, f"not what was noted of {where}")

    def end(self) -> None:
        """What was signed beyond the leaves."""
        if self._next < len(self._signed):
            missing = self._signed[-1][0] - self._edge.size
            self._report.tell(Kind.LEAF, f"{missing} after leaf {self._edge.size - 1}")
        for size in sorted(self._noted):
            self._report.tell(Kind.BACK, f"{size} leaves when noted, {self._edge.size} now")


def _check_rows(
    source: Source, heads: Sequence[Head], tree: _Tree, delay: timedelta, report: Report
) -> None:
    """Rows and leaves, side by side by their numbers; each leaf in its place."""
    covered = heads[-1].size if heads else 0
    upto = heads[-1].upto if heads else 0
    batch = _Batch(heads, delay, report)
    found = _Peeked(source.rows())
    pos, before = 0, 0
    for leaf in source.leaves():
        report.leaves += 1
        if leaf.pos != pos:
            report.tell(Kind.LEAF, f"{leaf.pos - pos} before leaf {leaf.pos}")
        pos = leaf.pos + 1
        tree.add(leaf.hash)
        if leaf.seq <= before:
            report.tell(Kind.REORDERED, f"leaf {leaf.pos}, row {leaf.seq} after row {before}")
            continue
        before = leaf.seq
        while found.row is not None and found.row[rows.SEQ] < leaf.seq:
            report.tell(Kind.INSERTED, f"row {found.row[rows.SEQ]}, before leaf {leaf.pos}")
            found.next()
        if found.row is None or found.row[rows.SEQ] != leaf.seq:
            report.tell(Kind.REMOVED, f"row {leaf.seq}, leaf {leaf.pos}")
            continue
        _compare(found, leaf, report)
        batch.check(leaf, found.last)
    if pos > covered:
        report.tell(Kind.UNCOVERED, f"{pos - covered} after leaf {covered - 1}")
    following = upto
    while found.row is not None:
        seq, at = found.row[rows.SEQ], found.row[rows.AT]
        if seq > upto:
            report.unused += seq - following - 1
            following = seq
        if seq <= upto:
            report.tell(Kind.INSERTED, f"row {seq}, under a number already sealed")
        else:
            report.unsealed += 1
            if source.at - at > delay:
                report.tell(Kind.LATE, f"row {seq}, of {instant(at)}")
        found.next()
    report.rows = found.count
    report.unused += max(source.given - following, 0) if source.given else 0


class _Peeked:
    """Rows one by one, the next one seen before it is taken."""

    def __init__(self, found: Iterator[Row]) -> None:
        self._rows = found
        self.count = 0
        self.row: Row | None = None
        self.last: Row = ()
        self.next()

    def next(self) -> None:
        if self.row is not None:
            self.last = self.row
            self.count += 1
        self.row = next(self._rows, None)


def _compare(found: _Peeked, leaf: Leaf, report: Report) -> None:
    """The row of a leaf is what was sealed; another one of the same number was put in."""
    same = []
    while found.row is not None and found.row[rows.SEQ] == leaf.seq:
        same.append(found.row)
        found.next()
    good = [row for row in same if rows.hashed(row, leaf.form, leaf.salt) == leaf.hash]
    if not good:
        report.tell(Kind.EDITED, f"row {leaf.seq}, leaf {leaf.pos}")
    else:
        found.last = good[0]
    for _ in same[1:]:
        report.tell(Kind.INSERTED, f"another row {leaf.seq}, beside leaf {leaf.pos}")


class _Batch:
    """A row was written between the head before its own and its own, or somebody dated it."""

    def __init__(self, heads: Sequence[Head], delay: timedelta, report: Report) -> None:
        self._heads = heads
        self._slack = delay
        self._report = report
        self._at = 0

    def check(self, leaf: Leaf, row: Row) -> None:
        while self._at < len(self._heads) and self._heads[self._at].size <= leaf.pos:
            self._at += 1
        if self._at == len(self._heads):
            return
        own = self._heads[self._at]
        before = self._heads[self._at - 1] if self._at else None
        at: Any = row[rows.AT]
        early = before is not None and at < before.at - self._slack
        if early or at > own.at + self._slack:
            self._report.tell(Kind.DATED, f"row {leaf.seq} says {instant(at)}, leaf {leaf.pos}")
        if leaf.seq > own.upto or (before is not None and leaf.seq <= before.upto):
            self._report.tell(Kind.REORDERED, f"leaf {leaf.pos}, row {leaf.seq} in another's batch")


def _named(head: Head) -> str:
    return f"head of {head.size} leaves, {instant(head.at)}"
