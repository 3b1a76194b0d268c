# SPDX-License-Identifier: EUPL-1.2
"""A long run in shares: a process a core, each share with a seed and a server of its own.

With a folder, a share that has ended is kept there, and the same run started again asks for the others only.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

Figures = TypeVar("Figures")
Run = Callable[[int, int], Figures]  # how many, and the seed


def shared(
    name: str, run: Run[Figures], amount: int, seed: int, size: int, folder: Path | None
) -> list[Figures]:
    """`amount` in shares of `size`; the figures of each, in order. run: a function of a module."""
    shares = {seed + number: min(size, amount - at) for number, at in
              enumerate(range(0, amount, size))}  # fmt: skip
    kept = {each: _kept(folder, name, each, much) for each, much in shares.items()}
    found: dict[int, Figures] = {}
    for each, path in kept.items():
        if path is not None and path.exists():
            found[each] = pickle.loads(path.read_bytes())
            print(f"    {name}, seed {each}, kept from before: {found[each]}", flush=True)
    left = [each for each in shares if each not in found]
    spawn = multiprocessing.get_context("spawn")  # a fork would take the parent's event loop along
    with ProcessPoolExecutor(max(1, min(os.cpu_count() or 1, len(left))), spawn) as pool:
        asked = {pool.submit(run, shares[each], each): each for each in left}
        for done in as_completed(asked):
            each = asked[done]
            found[each] = done.result()
            if (path := kept[each]) is not None:
                path.write_bytes(pickle.dumps(found[each]))
            print(f"    {name}: {found[each]}", flush=True)
    return [found[each] for each in shares]


def _kept(folder: Path | None, name: str, seed: int, much: int) -> Path | None:
    return None if folder is None else folder / f"{name.replace(' ', '-')}-{seed}-{much}"
