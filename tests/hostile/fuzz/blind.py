# SPDX-License-Identifier: EUPL-1.2
"""Readers given so many mutated inputs, in a process of its own with little memory.

    python -m tests.hostile.fuzz.blind READER,READER… SEED COUNT FOLDER

Says how many were read and how many refused. An input that breaks the reader is kept in FOLDER, whatever
ends the process: it is written before it is read. An alarm ends a reading that does not end by itself.
"""

from __future__ import annotations

import resource
import signal
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

from tests.hostile.fuzz.mutate import inputs
from tests.hostile.fuzz.readers import READERS, REFUSAL

MEMORY = 3 * 1024**3  # bytes of address space
PATIENCE = 60  # seconds for one input, on a busy machine: a net, not a measure


def main(readers: str, seed: int, count: int, folder: Path) -> None:
    """Exit status 1 when an input broke a reader."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for reader in readers.split(","):
        print(one(reader, seed, count, folder / f"{reader}-{seed}"), flush=True)


def one(reader: str, seed: int, count: int, kept: Path) -> str:
    """What came of one reader."""
    read, found = READERS[reader], Counter[str]()
    with kept.open("wb", buffering=0) as file:
        for content in islice(inputs(reader, seed), count):
            file.seek(0)
            file.truncate()
            file.write(content)
            signal.alarm(PATIENCE)
            try:
                read(content)
                found["read"] += 1
            except REFUSAL:
                found["refused"] += 1
            signal.alarm(0)
    kept.unlink()
    return (
        f"{reader}: {found.total():,} inputs, {found['read']:,} read, {found['refused']:,} refused"
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
