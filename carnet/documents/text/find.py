# SPDX-License-Identifier: EUPL-1.2
"""The documents of a record that answer to words, a page at a time.

One statement through the door says which answer, with what they may be narrowed and ordered by; its scope
is that of any search. Only what is shown, and what numbers leave in doubt, is opened.
Order: every word in the title, then in the title and the section titles, then anywhere; newest first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from carnet import errors
from carnet.access.door import Stored, Visit
from carnet.documents import nomenclature
from carnet.documents.consult import listing, record
from carnet.documents.pages import Asked
from carnet.documents.same.keep import Copies, copies
from carnet.documents.text import asking, facets, index, queries, words
from carnet.documents.text.asking import Question
from carnet.documents.text.index import Text
from carnet.documents.text.matching import ZONES, Answers, Found
from carnet.documents.text.pages import Hit, Piece, Results
from carnet.fhir.search.columns import Tally
from carnet.fhir.search.query import Query

PAGE = 20  # documents
CHECKED = 300  # texts opened so that every number is exact; with more, each page checks its own
STEP = 50  # texts opened at once for one page, twice as many each time
OPENED = 1_000  # texts opened for one page
LONG = 3_000_000  # characters of them
AROUND = 90  # characters on each side of the first word of a snippet
PIECES = 24  # runs of a snippet

_Place = tuple[int, int]


class WrongPage(errors.Invalid):
    """This page of results does not exist."""


@dataclass(slots=True)
class _Texts:
    """The texts of a record that were opened for one answer."""

    visit: Visit
    cid: int
    read: dict[_Place, Text]

    async def of(self, found: Iterable[Found]) -> dict[_Place, Text]:
        """Those of these documents, under the scope they were found by."""
        wanted = [each.place for each in found if each.place not in self.read]
        if wanted:
            self.read |= await _opened(self.visit, self.cid, wanted)
        return self.read


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
    texts = _Texts(visit, cid, {})
    found = await _answering(visit, cid, question)
    found, most = await _checked(question, found, texts)
    same = (await copies(visit, cid)).answering(each.place for each in found)
    once = _but(found, _hidden(visit, same, asked)) if not most else found
    choice = facets.choice(visit, asked)
    groups = facets.counts(visit, once, asked, choice)
    sent = once if most else _but(found, same.repeats())
    total = groups.total()
    wanted = sorted(choice.kept(once), key=_order)
    hits, older = await _page(visit, question, wanted, same, texts, asked.after)
    stored = await _named(visit, cid, hits)
    lines = await listing.lines(visit, cid, [stored[each.place] for each in hits], same)
    return Results(
        typed,
        tuple(
            Hit(line, ZONES[each.zone], snippet(question, texts.read[each.place]))
            for line, each in zip(lines, hits, strict=True)
        ),
        total,
        most,
        groups.kinds(),
        groups.years(),
        await facets.counts(visit, sent, asked, choice).places(visit),
        await facets.authors(visit, texts.of, once, choice),
        question.also,
        older,
    )


async def _answering(visit: Visit, cid: int, question: Question) -> list[Found]:
    number = visit.door.definitions.params["DocumentReference"]["type"].number
    tally = Tally(number, tuple(nomenclature.types()), listing.ZONE)
    query = Query("DocumentReference", listing.standing(visit), compartments=(cid,))
    return [Found(*row) for row in await visit.beside(query, Answers(question, tally))]


async def _checked(
    question: Question, found: list[Found], texts: _Texts
) -> tuple[list[Found], bool]:
    """Without those whose text does not say it; True when so many are in doubt that none was opened."""
    doubtful = [each for each in found if each.doubt]
    if len(doubtful) > CHECKED:
        return found, True
    read = await texts.of(doubtful)
    return [each for each in found if not each.doubt or _holds(question, read, each)], False


def _hidden(visit: Visit, same: Copies, asked: Asked) -> frozenset[_Place]:
    """The copies of what is shown: of those that answer, one stands for the others."""
    heads = same.heads(listing.organisation(visit, asked))
    return frozenset(p for group in same.groups for p in group.places if p not in heads)


def _but(found: list[Found], left_out: frozenset[_Place]) -> list[Found]:
    return [each for each in found if each.place not in left_out] if left_out else found


def _order(one: Found) -> tuple[int, float, int, int]:
    return one.zone, -one.began, -one.rid, one.cid


async def _page(
    visit: Visit,
    question: Question,
    wanted: Sequence[Found],
    same: Copies,
    texts: _Texts,
    after: str,
) -> tuple[list[Found], str]:
    """A page of what answers, and where the next begins.

    Where a phrase is known only once a text is opened, copies are left out page by page.
    """
    group_of = {place: group.places[0] for group in same.groups for place in group.places}
    begin = _place(visit, after)
    left = [each for each in wanted if begin is None or _order(each) > begin]
    met: set[_Place] = set()
    hits: list[Found] = []
    last = None
    async for each in _confirmed(question, left, texts):
        if len(hits) == PAGE:
            return hits, _after(visit, last) if last is not None else ""
        last, holds = each
        group = group_of.get(last.place, last.place)
        if holds and group not in met:
            met.add(group)
            hits.append(last)
    at_end = last is None or last is left[-1]
    return hits, "" if at_end or last is None else _after(visit, last)


async def _confirmed(
    question: Question, left: Sequence[Found], texts: _Texts
) -> AsyncIterator[tuple[Found, bool]]:
    """Each document with whether it answers, until enough texts were opened for one page."""
    at, step, opened, long = 0, PAGE + 1, 0, 0
    while at < len(left) and opened < OPENED and long < LONG:
        some = left[at : at + min(step, OPENED - opened)]
        read = await texts.of(some)
        for each in some:
            text = read.get(each.place)
            long += len(text.body) if text is not None else 0
            yield each, text is not None and (not each.doubt or question.holds(_said(text)))
        at, opened = at + len(some), opened + len(some)
        step = max(STEP, 2 * step)


def _holds(question: Question, read: dict[_Place, Text], one: Found) -> bool:
    text = read.get(one.place)
    return text is not None and question.holds(_said(text))


def _said(text: Text) -> str:
    return f" {' '.join(words.sequence(text.whole))} "


def _after(visit: Visit, one: Found) -> str:
    mark = f"{one.zone}.{one.began!r}"
    return visit.door.cursors.write("DocumentReference", mark, one.rid, one.cid)


def _place(visit: Visit, after: str) -> tuple[int, float, int, int] | None:
    if not after:
        return None
    mark, rid, cid = visit.door.cursors.read(after, "DocumentReference")
    zone, _, began = mark.partition(".")
    try:
        return int(zone), -float(began), -rid, cid
    except ValueError:  # of another list
        raise WrongPage from None


async def _named(visit: Visit, cid: int, hits: Sequence[Found]) -> dict[_Place, Stored]:
    """The documents of a page, traced; that nothing was found is traced too."""
    stored = await visit.named(cid, sorted(each.rid for each in hits), "search")
    return {(each.cid, each.rid): each for each in stored}


async def _opened(visit: Visit, cid: int, places: Sequence[_Place]) -> dict[_Place, Text]:
    door = visit.door
    async with door.pool.connection() as conn:
        decision = await door.decide(conn, visit.actor, [cid])
        async with conn.transaction():
            await visit.enter(conn, decision.scope)
            rows = await queries.said(conn, places)
        ciphers = await door.vault.ciphers(conn, {each.cid for each in rows})
    return {
        (each.cid, each.rid): index.opened(ciphers[each.cid], each.cid, each.rid, each.body)
        for each in rows
    }


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
        forms, plain = _forms(each[0])
        if not wanted.isdisjoint(forms) or (starts and any(p.startswith(starts) for p in plain)):
            yield each.span()


@lru_cache(1 << 14)
def _forms(word: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """What a word as it is written is kept under, and itself without accents."""
    said = tuple(words.said(word))
    return frozenset(words.stems_of(said)), tuple(map(words.bare, said))


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
