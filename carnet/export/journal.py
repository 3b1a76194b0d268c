# SPDX-License-Identifier: EUPL-1.2
"""Who was in the record, page by page: in plain words, as CSV, and each line with its proof."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape

from carnet.access import audit_events
from carnet.access.audit_events import ALWAYS, Event, Wanted
from carnet.access.door import Nothing, Visit
from carnet.access.log import proofs
from carnet.access.log import queries as log
from carnet.access.log.heads import Head
from carnet.export import pages
from carnet.export.names import cell
from carnet.export.words import LANGUAGES, say
from carnet.fhir import json

LINES = 1000  # of one page: what is in memory at once
HEADS = ("date", "who", "where", "what", "why", "which")


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines, newest first, as files of the archive."""

    files: list[tuple[str, bytes]]
    lines: int
    unsealed: int


async def parts(
    visit: Visit, cid: int, titles: Mapping[str, str], before: datetime, head: Head | None
) -> AsyncIterator[Part]:
    """Every line of the record before a moment that this visitor may know.

    titles: of documents, by their address. head: under which lines are proved.
    """
    after: tuple[datetime, int] | None = None
    subtrees = proofs.Subtrees()
    number = 0
    while True:
        wanted = Wanted(ALWAYS[0], before, LINES, cid=cid, before=after)
        found, _ = await audit_events.events(visit, wanted)
        if not found and after is not None:
            raise Nothing  # more was said to follow: the right to it ended meanwhile
        more, found = len(found) > LINES, found[:LINES]
        number += 1
        proved: list[bytes] = []
        if head is not None and found:
            async with visit.door.pool.connection() as conn:
                opened = {each.seq: each.whole for each in found}
                proved = [
                    json.dump(each) if each else b"null"
                    for each in await proofs.of_lines(conn, opened, head, subtrees)
                ]
        rows = [_told(visit, each, titles) for each in found]
        yield Part(_files(rows, proved, number, last=not more), len(found), proved.count(b"null"))
        if not more:
            return
        after = (found[-1].at, found[-1].seq)


async def head_of(visit: Visit) -> Head | None:
    """The last head of the log; None before there is one."""
    async with visit.door.pool.connection() as conn:
        found = await log.last(conn)
    return found[0] if found else None


def _told(visit: Visit, event: Event, titles: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """A line in each language."""
    names = dict.fromkeys(
        titles[f"{rtype}/{id}"] for rtype, id, _ in event.named if f"{rtype}/{id}" in titles
    )
    found: dict[str, tuple[str, ...]] = {}
    for language in LANGUAGES:
        who = event.name or say(language, "platform")
        refused = "" if event.granted else f" ({say(language, 'refused')})"
        found[language] = (
            pages.moment(event.at),
            who,
            event.place or "",
            say(language, event.act, "acts") + refused,
            say(language, event.purpose, "purposes"),
            ", ".join(names),
        )
    return found


def _files(
    rows: list[dict[str, tuple[str, ...]]], proved: list[bytes], number: int, *, last: bool
) -> list[tuple[str, bytes]]:
    files = []
    for language in LANGUAGES:
        heads = [say(language, name) for name in HEADS]
        body = pages.table(heads, ([escape(each) for each in row[language]] for row in rows))
        ways = []
        if number > 1:
            ways.append((number - 1, "←"))
        if not last:
            ways.append((number + 1, "→"))
        for other, arrow in ways:
            path = pages.named(_name(other), language)  # beside this one
            said = f"{arrow} {say(language, 'page')} {other}"
            body += f"<p>{pages.link(path, said)}</p>\n"
        title = say(language, "readers")
        path = f"acces/{_name(number)}"
        files.append((pages.named(path, language), pages.page(language, path, title, body)))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([say("fr", name) for name in HEADS])
    writer.writerows([cell(each) for each in row["fr"]] for row in rows)
    files.append((f"acces/{_name(number)}.csv", b"\xef\xbb\xbf" + text.getvalue().encode()))
    if proved:
        files.append((f"journal/preuves-{number}.ndjson", b"\n".join((*proved, b""))))
    return files


def _name(number: int) -> str:
    return "acces" if number == 1 else f"acces-{number}"
