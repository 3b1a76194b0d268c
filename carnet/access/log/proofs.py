# SPDX-License-Identifier: EUPL-1.2
"""Proofs to take away: that a line stands in the log under a signed head, that one head continues another.

A proof is JSON, checked with nothing else than this module (`carnet audit verify --proof`).
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any

from psycopg import AsyncConnection

from carnet import errors
from carnet.access.log import queries, rows, tree
from carnet.access.log.heads import Head, WrongHead
from carnet.access.log.rows import CID, NAMED, SEQ, Leaf, Row
from carnet.access.log.tree import Edge

NAME = "carnet-audit-proof"


class NotSealed(errors.NotFound):
    """This line is not sealed yet: a minute later it is."""


async def of_line(conn: AsyncConnection[Any], seq: int, *, opened: bool) -> dict[str, Any]:
    """The proof of a line; opened: with which records and resources it names, not only committed to."""
    leaf = await queries.leaf_of(conn, seq)
    head = None if leaf is None else await queries.head_over(conn, leaf.pos)
    found = None if head is None else await of_lines(conn, {seq: opened}, head)
    if not found or (line := found[0]) is None:
        raise NotSealed
    return line


async def of_lines(
    conn: AsyncConnection[Any],
    wanted: Mapping[int, bool],
    head: Head,
    subtrees: Subtrees | None = None,
) -> list[dict[str, Any] | None]:
    """The proofs of lines under one head, in the order asked for; None for one that it does not cover.

    wanted: numbers of lines, and whether each is opened. subtrees: what was read for the lines before.
    """
    subtrees = subtrees or Subtrees()
    rows_of = {row[SEQ]: row for row in await queries.rows_of(conn, list(wanted))}
    leaves = {leaf.seq: leaf for leaf in await queries.leaves_of(conn, list(wanted))}
    found: list[dict[str, Any] | None] = []
    for seq, opened in wanted.items():
        row, leaf = rows_of.get(seq), leaves.get(seq)
        if row is None or leaf is None or leaf.pos >= head.size:
            found.append(None)
            continue
        path = await tree.gather(
            tree.inclusion(leaf.pos, head.size), lambda where: subtrees.read(conn, where)
        )
        found.append(_told(row, leaf, path, head, opened=opened))
    return found


def _told(row: Row, leaf: Leaf, path: list[bytes], head: Head, *, opened: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        NAME: 1,
        "form": leaf.form,
        "row": dict(zip(rows.SHOWN, rows.shown(row), strict=True)),
        "commitment": rows.commitment(leaf.salt, row[NAMED:]),
        "leaf": leaf.pos,
        "path": [step.hex() for step in path],
        "head": head.line(),
    }
    if opened:
        found["named"] = dict(zip(rows.COMMITTED, row[CID:], strict=True))
        found["salt"] = base64.b64encode(leaf.salt).decode()
    return found


class Subtrees:
    """Whole subtrees, read by blocks that the proofs of neighbouring lines share."""

    MOST = 256  # blocks kept, of 256 hashes

    def __init__(self) -> None:
        self._blocks: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    async def read(self, conn: AsyncConnection[Any], where: tree.Subtree) -> bytes:
        """The root of a whole subtree; WrongProof when it is not whole."""
        level, idx = where
        above = level % queries.STEP
        first, count = idx << above, 1 << above
        key = (level - above, first >> queries.STEP)
        if key not in self._blocks:
            self._blocks[key] = await queries.block(conn, *key)
            while len(self._blocks) > self.MOST:
                self._blocks.popitem(last=False)
        start = first % (1 << queries.STEP)
        hashes = self._blocks[key][start : start + count]
        if len(hashes) != count:
            raise tree.WrongProof
        edge = Edge()
        for hashed in hashes:
            edge.add(hashed)
        return edge.root()


async def of_growth(conn: AsyncConnection[Any], old: int) -> list[str] | None:
    """The steps that show the last head to continue the tree of its `old` first leaves; None: no such."""
    last = await queries.last(conn)
    if last is None or not 0 < old <= last[0].size:
        return None
    wanted, subtrees = tree.consistency(old, last[0].size), Subtrees()
    path = await tree.gather(wanted, lambda where: subtrees.read(conn, where))
    return [step.hex() for step in path]


def check(proof: Mapping[str, Any], keys: Collection[bytes] = ()) -> Head:
    """The head a line stands under, signed by one of the keys if any is given; WrongProof otherwise."""
    try:
        head = Head.of(proof["head"])
        said = [proof["row"][name] for name in rows.SHOWN]
        if "named" in proof:
            named = [proof["named"][name] for name in rows.COMMITTED]
            salt = base64.b64decode(proof["salt"], validate=True)
            if rows.commitment(salt, named) != proof["commitment"]:
                raise tree.WrongProof
        content = rows.content(int(proof["form"]), said, str(proof["commitment"]))
        path = [bytes.fromhex(step) for step in proof["path"]]
        tree.check_inclusion(tree.leaf(content), int(proof["leaf"]), head.size, path, head.root)
    except (KeyError, TypeError, ValueError, WrongHead):
        raise tree.WrongProof from None
    if not head.holds() or (keys and head.key not in keys):
        raise tree.WrongProof
    return head
