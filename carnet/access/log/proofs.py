# SPDX-License-Identifier: EUPL-1.2
"""Proofs to take away: that a line stands in the log under a signed head, that one head continues another.

A proof is JSON, checked with nothing else than this module (`carnet audit verify --proof`).
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from typing import Any

from psycopg import AsyncConnection

from carnet import errors
from carnet.access.log import queries, rows, tree
from carnet.access.log.heads import Head, WrongHead
from carnet.access.log.rows import CID, NAMED

NAME = "carnet-audit-proof"


class NotSealed(errors.NotFound):
    """This line is not sealed yet: a minute later it is."""


async def of_line(conn: AsyncConnection[Any], seq: int, *, opened: bool) -> dict[str, Any]:
    """The proof of a line; opened: with which records and resources it names, not only committed to."""
    row = await queries.row(conn, seq)
    leaf = await queries.leaf_of(conn, seq)
    if row is None or leaf is None:
        raise NotSealed
    head = await queries.head_over(conn, leaf.pos)
    if head is None:
        raise NotSealed
    path = await tree.gather(
        tree.inclusion(leaf.pos, head.size), lambda where: queries.subtree(conn, where)
    )
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


async def of_growth(conn: AsyncConnection[Any], old: int) -> list[str] | None:
    """The steps that show the last head to continue the tree of its `old` first leaves; None: no such."""
    last = await queries.last(conn)
    if last is None or not 0 < old <= last[0].size:
        return None
    wanted = tree.consistency(old, last[0].size)
    path = await tree.gather(wanted, lambda where: queries.subtree(conn, where))
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
