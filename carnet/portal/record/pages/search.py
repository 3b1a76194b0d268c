# SPDX-License-Identifier: EUPL-1.2
"""The page of a search in a record: what answers, with a few words of it, and what narrows it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.utils.translation import gettext, ngettext

from carnet.documents.pages import OTHER, Asked, Facet
from carnet.documents.text import asking
from carnet.documents.text.pages import Piece, Results
from carnet.portal.record import words
from carnet.portal.record.pages.documents import AFTER, AUTHOR, KIND, PLACE, YEAR, Card, card
from carnet.portal.record.places import Place
from carnet.portal.record.vocabulary import word

TYPED = "q"  # in the address
LONGEST = asking.LONGEST
MANY = 8  # choices of a facet


@dataclass(frozen=True, slots=True)
class Link:
    """One choice of a facet: where it leads, or where it is let go of."""

    url: str
    label: str
    count: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """One facet."""

    label: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One document that answers."""

    card: Card
    snippet: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class SearchView:
    """The whole page."""

    home: str
    documents: str
    typed: str
    asked: bool  # something was looked for
    refused: str  # why it could not be
    said: str  # how many, in words
    also: str
    answers: tuple[Answer, ...]
    groups: tuple[Group, ...]
    older: str


def refusal(error: Exception) -> str:
    """Why what was typed is no question."""
    match error:
        case asking.TooManyWords():
            return gettext("Une recherche compte douze mots au plus.")
        case asking.ShortBeginning():
            return gettext("Une étoile vient après trois lettres au moins.")
        case _:
            return gettext("Indiquez au moins un mot à chercher.")


def search_view(
    place: Place, typed: str, found: Results | None, asked: Asked, refused: str
) -> SearchView:
    """One page of answers."""
    home = place.url("search")
    documents = place.url("documents")
    if found is None:
        return SearchView(home, documents, typed, False, refused, "", "", (), (), "")
    if found.most:
        said = ngettext("%(count)s document au plus", "%(count)s documents au plus", found.total)
    else:
        said = ngettext("%(count)s document trouvé", "%(count)s documents trouvés", found.total)
    return SearchView(
        home,
        documents,
        typed,
        True,
        "",
        said % {"count": words.number(Decimal(found.total))},
        ", ".join(found.also),
        tuple(Answer(card(place, each.line), each.snippet) for each in found.hits),
        tuple(groups(home, typed, found, asked)),
        address(home, typed, asked, AFTER, found.older) if found.older else "",
    )


def groups(home: str, typed: str, found: Results, asked: Asked) -> list[Group]:
    """The facets that have two choices, or one that is chosen."""
    kept = (
        (KIND, gettext("Type"), found.kinds, asked.kind),
        (YEAR, gettext("Année"), found.years, str(asked.year or "")),
        (AUTHOR, gettext("Auteur"), found.authors, asked.author),
        (PLACE, gettext("Envoyé par"), found.places, asked.place),
    )
    made = []
    for name, label, facets, chosen in kept:
        if len(facets) < 2 and not chosen:
            continue
        links = tuple(
            Link(
                address(home, typed, asked, name, "" if each.value == chosen else each.value),
                _label(name, each),
                words.number(Decimal(each.count)),
                each.value == chosen,
            )
            for at, each in enumerate(facets)
            if at < MANY or each.value == chosen
        )
        made.append(Group(label, links))
    return made


def _label(name: str, facet: Facet) -> str:
    """A choice as it is read: kinds are words of ours, authors and senders have names."""
    if name != KIND:
        return facet.label
    return gettext("Autres documents") if facet.value == OTHER else word(facet.label)


def address(home: str, typed: str, asked: Asked, name: str, value: str) -> str:
    """The same search with one thing changed; from its first page, unless that is the change."""
    kept = {
        TYPED: typed,
        KIND: asked.kind,
        YEAR: str(asked.year or ""),
        AUTHOR: asked.author,
        PLACE: asked.place,
    }
    kept[name] = value
    return f"{home}?{urlencode({key: each for key, each in kept.items() if each})}"
