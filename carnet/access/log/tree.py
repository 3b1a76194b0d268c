# SPDX-License-Identifier: EUPL-1.2
"""Merkle trees of RFC 6962: roots, the right edge of a growing tree, proofs and their checks.

A subtree is (level, index): the 2**level leaves from index * 2**level. Source: RFC 6962 §2.1, RFC 9162
§2.1.3 and §2.1.4 for the checks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256

from carnet import errors

EMPTY = sha256(b"").digest()

Subtree = tuple[int, int]  # level, index


class WrongProof(errors.Invalid):
    """This proof does not hold."""


def leaf(content: bytes) -> bytes:
    """Hash of a leaf."""
    return sha256(b"\0" + content).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


class Edge:
    """The whole subtrees of a tree that grows to the right, the largest first."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)

    def add(self, hashed: bytes) -> list[tuple[Subtree, bytes]]:
        """One more leaf; returns the subtrees it makes whole, the smallest first."""
        made = []
        index, level = self.size, 0
        while index & 1:
            hashed = node(self.hashes.pop(), hashed)
            index >>= 1
            level += 1
            made.append(((level, index), hashed))
        self.hashes.append(hashed)
        self.size += 1
        return made

    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self.hashes:
            return EMPTY
        found = self.hashes[-1]
        for hashed in reversed(self.hashes[:-1]):
            found = node(hashed, found)
        return found

    def packed(self) -> bytes:
        """As one string."""
        return b"".join(self.hashes)

    @classmethod
    def unpacked(cls, size: int, packed: bytes) -> Edge:
        """From a string; WrongProof when it is not that of a tree of this size."""
        hashes = [packed[start : start + 32] for start in range(0, len(packed), 32)]
        if len(packed) != 32 * size.bit_count():
            raise WrongProof
        return cls(size, hashes)


def whole(first: int, last: int) -> list[Subtree]:
    """The whole subtrees that make leaves [first, last), first being where a larger one may begin."""
    found = []
    while first < last:
        level = min(
            (first & -first).bit_length() - 1 if first else 62, (last - first).bit_length() - 1
        )
        found.append((level, first >> level))
        first += 1 << level
    return found


def inclusion(pos: int, size: int) -> list[list[Subtree]]:
    """What hashes, each of some whole subtrees, prove the leaf at pos, from the leaf up."""
    path = []
    first, last = 0, size
    while last - first > 1:
        half = first + _split(last - first)
        if pos < half:
            path.append(whole(half, last))
            last = half
        else:
            path.append(whole(first, half))
            first = half
    return path[::-1]


def consistency(old: int, size: int) -> list[list[Subtree]]:
    """What hashes prove that the tree of `size` leaves continues that of the `old` first ones."""
    path = []
    first, last, begun = 0, size, False
    while first + (old - first) != last:
        half = first + _split(last - first)
        if old <= half:
            path.append(whole(half, last))
            last = half
        else:
            path.append(whole(first, half))
            first, begun = half, True
    if begun:
        path.append(whole(first, last))
    return path[::-1]


async def gather(
    wanted: Sequence[Sequence[Subtree]], read: Callable[[Subtree], Awaitable[bytes]]
) -> list[bytes]:
    """The hashes of a proof; read gives that of a whole subtree."""
    return [joined([await read(each) for each in subtrees]) for subtrees in wanted]


def joined(hashes: Sequence[bytes]) -> bytes:
    """The hash of adjacent whole subtrees, the largest first."""
    return Edge(0, hashes).root()


def check_inclusion(hashed: bytes, pos: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """WrongProof unless the leaf of this hash stands at pos in the tree of this size and root."""
    if not 0 <= pos < size:
        raise WrongProof
    index, last, found = pos, size - 1, hashed
    for step in path:
        if last == 0:
            raise WrongProof
        if index & 1 or index == last:
            found = node(step, found)
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            found = node(found, step)
        index >>= 1
        last >>= 1
    if last or found != root:
        raise WrongProof


def check_consistency(
    old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """WrongProof unless the tree of `size` leaves begins with that of `old` leaves."""
    if not 0 < old <= size:
        raise WrongProof
    if old == size:
        if path or old_root != root:
            raise WrongProof
        return
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        raise WrongProof
    index, last = old - 1, size - 1
    while index & 1:
        index >>= 1
        last >>= 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise WrongProof
        if index & 1 or index == last:
            before, after = node(step, before), node(step, after)
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            after = node(after, step)
        index >>= 1
        last >>= 1
    if last or before != old_root or after != root:
        raise WrongProof


def _split(length: int) -> int:
    """The largest power of two below a length."""
    return 1 << ((length - 1).bit_length() - 1)
