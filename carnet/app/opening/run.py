# SPDX-License-Identifier: EUPL-1.2
"""Loading files into a private instance: all that can be read is kept, nobody's documents are mixed.

What a document says of its person is a claim. The same number with the same traits is the same person;
a number that is not sound, or whose traits differ, is an identity apart.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from carnet.app.loading.outcomes import Options, Outcome
from carnet.app.loading.run import Advance, load_all
from carnet.app.opening import owner, report
from carnet.app.parts import Built, actor
from carnet.documents.cda.conformance import Profile

TELL_EVERY: Final = 1.0  # second: the page that shows how far it is


async def take(
    built: Built,
    owner_url: str,
    paths: Sequence[Path],
    listing: Callable[[int], Advance] | None = None,
) -> list[Outcome]:
    """Everything these paths hold; what came of each file."""
    who = await actor(built, owner.SOFTWARE, client="carnet-open")
    options = Options(
        create_patients=True, profile=Profile.LENIENT, unnamed=await owner.unnamed(built)
    )
    keys = built.settings.keys
    done = total = 0
    beat = asyncio.Event()

    def began(files: int) -> Advance:
        nonlocal total
        total = files
        report.progress(keys, done=0, total=total)
        inner = listing(files) if listing is not None else None

        def advance(step: int = 1, /) -> None:
            nonlocal done, total
            if step < 0:
                total -= step
            else:
                done += step
            if inner is not None:
                inner(step)

        return advance

    async def tell() -> None:
        said = -1
        while not beat.is_set():
            if done != said:
                said = done
                await owner.acquaint(owner_url)
                report.progress(keys, done=done, total=total)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(beat.wait(), TELL_EVERY)

    telling = asyncio.create_task(tell())
    try:
        found = await load_all(built, who, list(paths), options, began)
    finally:
        beat.set()
        await telling
    await owner.acquaint(owner_url)
    report.keep(keys, found, total=total, ended=True)
    return found
