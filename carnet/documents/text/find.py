# SPDX-License-Identifier: EUPL-1.2
"""The documents of a record that answer to words, a page at a time.

The candidates are those of a search through the door: its scope stands in the statement, and in those
that count what may narrow the answer. Only what is shown, or has a phrase to check, is opened.
Order: every word in the title, then in the title and the section titles, then anywhere; newest first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from carnet import errors
from carnet.access.door import Stored, Visit
from carnet.documents import nomenclature
from carnet.documents.consult import listing, record
from carnet.documents.pages import Asked
from carnet.documents.same import queries as queries_of_same
from carnet.documents.same.keep import Copies, copies
from carnet.documents.text import asking, index, queries, words
from carnet.documents.text.asking import Question
from carnet.documents.text.index import Text
from carnet.documents.text.pages import Hit, Piece, Results
from carnet.documents.text.queries import ZONES, WordFilter
from carnet.fhir.search.columns import Tally
from carnet.fhir.search.query import Filter, Query, Sort

PAGE = 20  # documents
STEP = 50  # candidates of a phrase opened at once, twice as many each time
OPENED = 1_000  # candidates of a phrase opened for one page
AROUND = 90  # characters on each side of the first word of a snippet
PIECES = 24  # runs of a snippet

_Found = tuple[Stored, str, tuple[Piece, ...]]  # a document, its zone, its snippet


class WrongPage(errors.Invalid):
    """This page of results does not exist."""


async def find(
    visit: Visit,
    patient: str,
    typed: str,
    asked: Asked | None = None,
) -> Results:
    """What answers in a record; Nothing when it must look absent. asked.after: where to go on."""
    cid = await record.opened(visit, patient)
    question = asking.question(typed, words.loaded(visit.door.settings.synonyms))
    asked = asked or Asked()
    number = visit.door.definitions.params["DocumentReference"]["type"].number
    types = tuple(nomenclature.types())
    whole = Query("DocumentReference", listing.standing(visit), compartments=(cid,))
    anywhere = listing.narrowed(whole, WordFilter(question, (cid,)))
    same = await _once(visit, cid, anywhere) if question.exact else await copies(visit, cid)
    organisation = listing.organisation(visit, asked)
    once = same.hidden(organisation) if question.exact else None
    tally = Tally(number, types, listing.ZONE)
    counts = listing.counts(
        visit, await visit.tally(listing.narrowed(anywhere, once), tally), asked
    )
    sent = counts
    if once is not None:
        again = await visit.tally(listing.narrowed(anywhere, same.repeated()), tally)
        sent = listing.counts(visit, again, asked)
    total = counts.total()
    narrowed = tuple(listing.filters(visit, number, types, asked))
    hits, older = (
        await _page(visit, listing.narrowed(whole, once), narrowed, question, same, asked.after)
        if total
        else ([], "")
    )
    lines = await listing.lines(visit, cid, [each for each, _, _ in hits], same)
    return Results(
        typed,
        tuple(Hit(told, zone, said) for told, (_, zone, said) in zip(lines, hits, strict=True)),
        total,
        not question.exact,
        counts.kinds(),
        counts.years(),
        await sent.places(visit),
        question.also,
        older,
    )


async def _once(visit: Visit, cid: int, anywhere: Query) -> Copies:
    """The documents that are one, of those that answer: a copy that says the words stands for the others."""
    same = await copies(visit, cid)
    every = queries_of_same.places(place for group in same.groups for place in group.places)
    if not every.places:
        return same
    found = await visit.beside(listing.narrowed(anywhere, every), queries_of_same.SHARED)
    return same.answering((row[0], row[1]) for row in found)


async def _page(
    visit: Visit,
    whole: Query,
    narrowed: tuple[Filter, ...],
    question: Question,
    same: Copies,
    after: str,
) -> tuple[list[_Found], str]:
    """A page of what answers, and where the next begins: its rank of zone and the cursor in it.

    A phrase is known only once a document is opened: its copies are then left out page by page.
    """
    group_of = {place: group.places[0] for group in same.groups for place in group.places}
    met: set[tuple[int, int]] = set()
    zone, cursor = _place(after)
    assert whole.compartments is not None
    hits: list[_Found] = []
    opened = 0
    while zone < len(ZONES) and len(hits) < PAGE and opened < OPENED:
        wanted = WordFilter(question, whole.compartments, ZONES[zone], ZONES[:zone])
        page = await visit.search(
            replace(
                whole,
                filters=(*whole.filters, wanted, *narrowed),
                sort=Sort("date", True, plain=True),
                count=PAGE - len(hits) if question.exact else min(opened + STEP, OPENED - opened),
                after=visit.door.cursors.read(cursor, "DocumentReference") if cursor else None,
            )
        )
        opened += len(page.matches)
        texts = await _texts(visit, whole.compartments, page.matches)
        for at, stored in enumerate(page.matches):
            text = texts.get((stored.cid, stored.rid))
            if text is None or not _answers(question, text):
                continue
            place = (stored.cid, stored.rid)
            group = group_of.get(place, place)
            if group in met:
                continue
            met.add(group)
            hits.append((stored, ZONES[zone], snippet(question, text)))
            if len(hits) == PAGE and at + 1 < len(page.matches):
                return hits, _after(visit, zone, stored)
        if page.next:
            cursor = page.next
        else:
            zone, cursor = zone + 1, ""
    return hits, f"{zone}.{cursor}" if zone < len(ZONES) else ""


def _after(visit: Visit, zone: int, stored: Stored) -> str:
    cursor = visit.door.cursors.write("DocumentReference", stored.mark, stored.rid, stored.cid)
    return f"{zone}.{cursor}"


def _place(after: str) -> tuple[int, str]:
    if not after:
        return 0, ""
    zone, _, cursor = after.partition(".")
    if zone not in ("0", "1", "2"):
        raise WrongPage
    return int(zone), cursor


async def _texts(
    visit: Visit, cids: Sequence[int], matches: Sequence[Stored]
) -> dict[tuple[int, int], Text]:
    """The texts of what was found, opened under the scope it was found by."""
    if not matches:
        return {}
    door = visit.door
    async with door.pool.connection() as conn:
        decision = await door.decide(conn, visit.actor, list(cids))
        async with conn.transaction():
            await visit.enter(conn, decision.scope)
            rows = await queries.said(conn, [(each.cid, each.rid) for each in matches])
        ciphers = await door.vault.ciphers(conn, {each.cid for each in rows})
    return {
        (each.cid, each.rid): index.opened(ciphers[each.cid], each.cid, each.rid, each.body)
        for each in rows
    }


def _answers(question: Question, text: Text) -> bool:
    """Whether what hashes cannot say is so: words together, whole beginnings."""
    if question.exact:
        return True
    said = words.bare(words.lowered("\n".join((text.title, *text.heads, text.body))))
    return all(
        (re.search(term.check, said) is not None) is not term.refused
        for term in question.terms
        if term.check
    )


def snippet(question: Question, text: Text) -> tuple[Piece, ...]:
    """A few words around the first that was looked for, each of those marked; plain text."""
    wanted = {form for term in question.terms if not term.refused for form in term.shown}
    starts = tuple(each.start for each in question.terms if each.start and not each.refused)
    for source in (text.body, " · ".join(text.heads), text.title):
        found = next(_marked(source, wanted, starts), None)
        if found is not None:
            return tuple(_pieces(source, found[0], wanted, starts))
    return ()


def _marked(
    source: str, wanted: set[str], starts: tuple[str, ...], at: int = 0, to: int | None = None
) -> Iterator[tuple[int, int]]:
    """Where words that were looked for stand. The forms are of each word by itself."""
    for each in words.WORD.finditer(source, at, len(source) if to is None else to):
        for one in words.said(each[0]):
            plain = words.bare(one)
            if wanted.intersection(words.forms(one)) or (starts and plain.startswith(starts)):
                yield each.span()
                break


def _pieces(source: str, first: int, wanted: set[str], starts: tuple[str, ...]) -> Iterator[Piece]:
    low, high = max(0, first - AROUND), min(len(source), first + 2 * AROUND)
    if low:
        low = source.find(" ", low, first) + 1 or low
    if high < len(source):
        high = max(source.rfind(" ", first, high), first + 1)
        word = words.WORD.match(source, first)
        high = max(high, word.end() if word else high)
    if low:
        yield Piece("… ")
    at = low
    for start, end in list(_marked(source, wanted, starts, low, high))[:PIECES]:
        if start > at:
            yield Piece(source[at:start])
        yield Piece(source[start:end], marked=True)
        at = end
    if at < high:
        yield Piece(source[at:high])
    if high < len(source):
        yield Piece(" …")
