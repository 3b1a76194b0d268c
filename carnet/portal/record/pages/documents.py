# SPDX-License-Identifier: EUPL-1.2
"""The documents of a record, year by year, and what narrows the list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from carnet.documents.pages import (
    OTHER,
    Asked,
    DocumentLine,
    DocumentList,
    Facet,
)
from carnet.portal.record import words
from carnet.portal.record.pages.measures import Measure, measure
from carnet.portal.record.places import Place
from carnet.portal.record.vocabulary import word


@dataclass(frozen=True, slots=True)
class Other:
    """Another document, named beside one: a copy of it, or one that differs."""

    url: str
    line: DocumentLine
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One document of the list."""

    url: str
    line: DocumentLine
    kind: str
    labels: tuple[str, ...]
    copies: tuple[Other, ...] = ()  # the same document, from others
    unlike: tuple[Other, ...] = ()  # looks like it, and differs


@dataclass(frozen=True, slots=True)
class Year:
    """The documents of one year."""

    year: int
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter, as its list shows it."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """One list of choices, the first of which keeps everything."""

    name: str  # in the address
    label: str
    every: str  # the words of the first choice
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class ListView:
    """The record as its first page."""

    place: Place
    years: tuple[Year, ...]
    filters: tuple[Filter, ...]
    narrowed: bool  # at least one filter is set
    home: str
    total: int
    said: str  # how many documents, in words
    latest: tuple[Measure, ...]
    newer: str  # address of the neighbour page, "" when none
    older: str


KIND, YEAR, PLACE, AFTER, BEFORE = "type", "annee", "lieu", "apres", "avant"  # in the address
AUTHOR = "auteur"  # of a search


def asked(query: Mapping[str, str]) -> Asked:
    """What an address asks of the list; a year that is none asks for nothing."""
    year = query.get(YEAR, "")
    return Asked(
        kind=query.get(KIND, "")[:64],
        year=int(year)
        if len(year) == 4 and year.isascii() and year.isdigit() and year > "1799"
        else None,
        place=query.get(PLACE, "")[:64],
        author=query.get(AUTHOR, "")[:160],
        after=query.get(AFTER, "")[:300],
        before=query.get(BEFORE, "")[:300],
    )


def list_view(place: Place, found: DocumentList, asked: Asked) -> ListView:
    """One page of the list, as it was asked for."""
    home = place.url("documents")
    years = groupby(found.lines, key=lambda line: timezone.localtime(line.date).year)
    said = ngettext("%(count)s document", "%(count)s documents", found.total)
    return ListView(
        place=place,
        years=tuple(
            Year(year, tuple(card(place, line) for line in lines)) for year, lines in years
        ),
        filters=filters(found, asked),
        narrowed=bool(asked.kind or asked.year or asked.place),
        home=home,
        total=found.total,
        said=said % {"count": words.number(Decimal(found.total))},
        latest=tuple(measure(place, line) for line in found.latest),
        newer=neighbour(home, asked, BEFORE, found.newer),
        older=neighbour(home, asked, AFTER, found.older),
    )


def filters(found: DocumentList, asked: Asked) -> tuple[Filter, ...]:
    """What may narrow the list: only what has two choices, or is chosen."""
    kept = (
        (KIND, gettext("Type"), gettext("Tous les types"), found.kinds, asked.kind),
        (YEAR, gettext("Année"), gettext("Toutes les années"), found.years, str(asked.year or "")),
        (PLACE, gettext("Envoyé par"), gettext("Tous"), found.places, asked.place),
    )
    return tuple(
        Filter(name, label, every, tuple(choices(facets, chosen)))
        for name, label, every, facets, chosen in kept
        if len(facets) > 1 or chosen
    )


def choices(facets: Iterable[Facet], chosen: str) -> Iterable[Choice]:
    """The values of a filter; one that was chosen and keeps nothing is still shown."""
    missing = True
    for facet in facets:
        label = gettext("Autres documents") if facet.value == OTHER else word(facet.label)
        missing = missing and facet.value != chosen
        yield Choice(facet.value, f"{label} ({facet.count})", facet.value == chosen)
    if chosen and missing:
        yield Choice(chosen, gettext("Aucun document (0)"), True)


def card(place: Place, line: DocumentLine) -> Card:
    """A document as the list shows it; its kind is left out when its title says it."""
    kind = word(line.kind_label)
    return Card(
        url=place.url("document", line.id),
        line=line,
        kind="" if same(line.title, line.kind_label) else kind or gettext("Document"),
        labels=marked(line),
        copies=others(place, line.copies),
        unlike=others(place, line.unlike),
    )


def others(place: Place, lines: Iterable[DocumentLine]) -> tuple[Other, ...]:
    """Documents named beside one, each with its own masks."""
    return tuple(Other(place.url("document", each.id), each, marked(each)) for each in lines)


def marked(line: DocumentLine) -> tuple[str, ...]:
    """The masks of a document, in words."""
    return tuple(words.label(label) for label in sorted(line.labels))


def same(title: str, label: str) -> bool:
    """Whether a title only repeats the kind of the document."""
    return title.replace("’", "'").casefold() == label.replace("’", "'").casefold()


def neighbour(home: str, asked: Asked, way: str, cursor: str) -> str:
    """The address of another page of the same list; "" when there is none."""
    if not cursor:
        return ""
    chosen = {KIND: asked.kind, YEAR: str(asked.year or ""), PLACE: asked.place, way: cursor}
    return f"{home}?{urlencode({name: value for name, value in chosen.items() if value})}"
