# SPDX-License-Identifier: EUPL-1.2
"""Readers given so many mutated inputs, in a process of its own with little memory.

    python -m tests.hostile.fuzz.blind READER,READER… SEED COUNT FOLDER

Says how many were read and how many refused. An input that breaks the reader is kept in FOLDER, whatever
ends the process: it is written before it is read. An alarm ends a reading that does not end by itself.

Files are read in Carnet by a confined process with an end (carnet.documents.files.confined): here each
is read in a fork, and one that takes longer than that is ended, as there, and counted.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from collections import Counter
from itertools import islice
from pathlib import Path

from tests.hostile.fuzz.mutate import inputs
from tests.hostile.fuzz.readers import READERS, REFUSAL, Reader

MEMORY = 3 * 1024**3  # bytes of address space
PATIENCE = 60  # seconds for one input, on a busy machine: a net, not a measure
CONFINED = frozenset(("pdf", "image"))
ENDED = 20  # seconds of a reading that Carnet ends


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
            found[apart(read, content) if reader in CONFINED else here(read, content)] += 1
    kept.unlink()
    ended = f", {found['ended']:,} ended" if found["ended"] else ""
    return (
        f"{reader}: {found.total():,} inputs, {found['read']:,} read,"
        f" {found['refused']:,} refused{ended}"
    )


def here(read: Reader, content: bytes) -> str:
    """What came of one input."""
    signal.alarm(PATIENCE)
    try:
        read(content)
    except REFUSAL:
        return "refused"
    finally:
        signal.alarm(0)
    return "read"


def apart(read: Reader, content: bytes) -> str:
    """The same in a fork, ended when it takes too long; its fault is ours."""
    pid = os.fork()
    if not pid:
        signal.alarm(ENDED)
        try:
            read(content)
        except REFUSAL:
            os._exit(2)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        return "ended"
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 2):
        raise AssertionError(f"the reader ended with {code}")
    return "read" if code == 0 else "refused"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
