# SPDX-License-Identifier: EUPL-1.2
"""The tree: against RFC 6962's own definition, and proofs that nothing else satisfies."""

from __future__ import annotations

import asyncio
import random
from hashlib import sha256

import pytest

from carnet.access.log import tree
from carnet.access.log.tree import Edge, Subtree, WrongProof

LEAVES = [tree.leaf(str(number).encode()) for number in range(140)]


def root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


def read(level_index: Subtree) -> bytes:
    level, index = level_index
    return root(LEAVES[index << level : (index + 1) << level])


async def _read(where: Subtree) -> bytes:
    return read(where)


def proof(wanted: list[list[Subtree]]) -> list[bytes]:
    return asyncio.run(tree.gather(wanted, _read))


def test_the_published_roots_come_out() -> None:
    """Certificate Transparency's reference tree: eight leaves, known roots."""
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f"]  # fmt: skip
    edge = Edge()
    roots = []
    for each in data:
        edge.add(tree.leaf(bytes.fromhex(each)))
        roots.append(edge.root().hex())
    assert roots[0] == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert roots[1] == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert roots[7] == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_a_growing_edge_has_the_root_of_the_definition() -> None:
    edge = Edge()
    for size, each in enumerate(LEAVES, 1):
        made = edge.add(each)
        assert edge.root() == root(LEAVES[:size])
        assert all(read(where) == hashed for where, hashed in made)
        again = Edge.unpacked(size, edge.packed())
        assert again.root() == edge.root()
    with pytest.raises(WrongProof):
        Edge.unpacked(8, edge.packed())


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 127, 128, 129, 140])
def test_every_leaf_is_proved_and_no_other(size: int) -> None:
    whole = root(LEAVES[:size])
    for pos in range(size):
        path = proof(tree.inclusion(pos, size))
        tree.check_inclusion(LEAVES[pos], pos, size, path, whole)
        for wrong in ((LEAVES[pos - 1], pos), (LEAVES[pos], pos + 1), (LEAVES[pos], pos - 1)):
            if wrong != (LEAVES[pos], pos):
                with pytest.raises(WrongProof):
                    tree.check_inclusion(*wrong, size, path, whole) if size > 1 else _refuse()
        for cut in ([*path, whole], path[:-1]) if path else ([whole],):
            with pytest.raises(WrongProof):
                tree.check_inclusion(LEAVES[pos], pos, size, cut, whole)


def _refuse() -> None:
    raise WrongProof


def test_a_tree_continues_each_of_its_beginnings_and_nothing_else() -> None:
    chance = random.Random(1)
    for size in (*range(1, 34), 64, 65, 128, 140):
        for old in range(1, size + 1):
            path = proof(tree.consistency(old, size))
            tree.check_consistency(old, root(LEAVES[:old]), size, root(LEAVES[:size]), path)
            others = [tree.leaf(b"other"), *LEAVES[1:]]
            with pytest.raises(WrongProof):
                tree.check_consistency(old, root(others[:old]), size, root(LEAVES[:size]), path)
            if path:
                broken = list(path)
                broken[chance.randrange(len(path))] = chance.randbytes(32)
                with pytest.raises(WrongProof):
                    tree.check_consistency(
                        old, root(LEAVES[:old]), size, root(LEAVES[:size]), broken
                    )
