# SPDX-License-Identifier: EUPL-1.2
"""What the one page shows, in words; nothing is interpreted, and no absence is made of a silence."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, gettext_noop

from carnet.documents import units
from carnet.portal.record import words
from carnet.portal.record.places import Place
from carnet.summary.pages import Health, Ours, Section, Source, Value
from carnet.summary.pages import Line as Known
from carnet.summary.results import names
from carnet.summary.words import LANGUAGES, OWN, Language
from carnet.summary.words import rounded as about

STAGES = {
    "prescribed": gettext_noop("Prescrit"),
    "planned": gettext_noop("Prévu"),
    "dispensed": gettext_noop("Délivré"),
    "taken": gettext_noop("Pris"),
}
CONFLICTS = {
    "stopped-elsewhere": gettext_noop("Une source l’arrête, une autre le continue : à vérifier"),
    "not-taken": gettext_noop("Le patient dit ne pas le prendre"),
    "doses": gettext_noop("Deux sources donnent des posologies différentes : à vérifier"),
    "denied-elsewhere": gettext_noop("Une source l’écarte, une autre l’indique : à vérifier"),
    "over-elsewhere": gettext_noop("Une source plus récente le dit terminé : à vérifier"),
    "contradicted": gettext_noop("Une autre source indique le contraire : à vérifier"),
    "future": gettext_noop("Daté d’un jour à venir : à vérifier"),
    "values": gettext_noop("Deux documents donnent des valeurs différentes pour le même instant"),
}
# What a source says of itself, when sources differ.
SAID = {
    "active": gettext_noop("en cours"),
    "recurrence": gettext_noop("récidive"),
    "relapse": gettext_noop("rechute"),
    "inactive": gettext_noop("inactif"),
    "remission": gettext_noop("en rémission"),
    "resolved": gettext_noop("guéri"),
    "refuted": gettext_noop("écarté"),
    "stopped": gettext_noop("arrêté"),
    "cancelled": gettext_noop("annulé"),
    "on-hold": gettext_noop("suspendu"),
    "not-taken": gettext_noop("non pris"),
    "completed": gettext_noop("terminé"),
    "ended": gettext_noop("terminé"),
    "do-not": gettext_noop("à ne pas prendre"),
}
SOURCES = 4  # shown at once; the others are unfolded
PAST = 30  # lines
DAYS = 8  # of one line
OLDER = 12  # lines of a section of what took place, after which they are folded
TOOK_PLACE = ("vaccinations", "stays", "procedures")
MOST = 200  # lines of a section: what comes after is said to be there
FOLDED = 60  # sources of a line, unfolded


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a line comes from."""

    url: str  # of where it was said in a document, "" when it came with none
    title: str
    titled: bool  # by the document, in its language
    rest: str  # who, when
    said: str  # what this source says, when sources differ
    ours: bool  # in the words of the page


@dataclass(frozen=True, slots=True)
class Row:
    """One line."""

    label: str
    written: bool  # in the language of its document
    details: tuple[tuple[str, bool], ...]  # words, and whether they are those of the document
    when: str
    badges: tuple[tuple[str, str], ...]  # (class, words)
    conflicts: tuple[str, ...]
    sources: tuple[Origin, ...]
    others: tuple[Origin, ...]  # unfolded
    left: int  # sources that are not told


@dataclass(frozen=True, slots=True)
class Result:
    """One key result."""

    url: str  # of its curve
    label: str
    worded: bool  # its value is in the words of its document
    value: str
    unit: str
    range: str
    reading: words.Reading | None
    trend: str
    day: str
    row: Row


@dataclass(frozen=True, slots=True)
class Part:
    """One section."""

    name: str
    title: str
    rows: tuple[Row, ...]
    older: tuple[Row, ...]  # of what took place, unfolded
    nothing: tuple[Row, ...]
    past: tuple[Row, ...]
    past_title: str
    empty: str  # why there is no line
    more: str


@dataclass(frozen=True, slots=True)
class HealthView:
    """The page."""

    place: Place
    made: str
    parts: tuple[Part, ...]
    results: tuple[Result, ...]
    unsettled: int  # lines with a disagreement
    silent: bool  # nothing at all is known
    unread: bool  # there are results too far back to have been looked at


def health_view(place: Place, found: Health) -> HealthView:
    """The page of a record, as its viewer reads it."""
    parts = (
        _part(
            place, "allergies", gettext("Allergies et intolérances"), found.allergies,
            gettext("Allergies passées"),
            gettext("Aucune allergie n’est indiquée. Cela ne veut pas dire qu’il n’y en a pas."),
        ),
        _part(
            place, "treatments", gettext("Traitements en cours"), found.treatments,
            gettext("Traitements terminés ou arrêtés"),
            gettext("Aucun traitement en cours n’est indiqué."),
        ),
        _part(
            place, "problems", gettext("Problèmes de santé"), found.problems,
            gettext("Antécédents"),
            gettext("Aucun problème de santé en cours n’est indiqué."),
        ),
        _part(
            place, "vaccinations", gettext("Vaccinations"), found.vaccinations, "",
            gettext("Aucune vaccination n’est indiquée."),
        ),
        _part(
            place, "stays", gettext("Séjours récents"), found.stays, "",
            gettext("Aucun séjour n’est indiqué ces deux dernières années."),
        ),
        _part(
            place, "procedures", gettext("Actes et interventions"), found.procedures, "",
            gettext("Aucun acte n’est indiqué."),
        ),
        _part(
            place, "directives", gettext("Volontés et directives anticipées"), found.directives, "",
            gettext("Aucune directive n’est indiquée."),
        ),
        _part(
            place, "contacts", gettext("Personnes à contacter"), found.contacts, "",
            gettext("Aucune personne à contacter n’est indiquée."),
        ),
    )  # fmt: skip
    results = tuple(_result(place, each) for each in found.results)
    unsettled = sum(bool(row.conflicts) for part in parts for row in (*part.rows, *part.nothing))
    unsettled += sum(bool(each.row.conflicts) for each in results)
    silent = not results and not any((*p.rows, *p.nothing, *p.past) for p in parts)
    return HealthView(
        place, words.moment(found.made), parts, results, unsettled, silent, found.unread
    )


def language() -> Language:
    """The language of the page."""
    asked = (get_language() or OWN).partition("-")[0]
    return next((each for each in LANGUAGES if each == asked), OWN)


def _part(place: Place, name: str, title: str, section: Section, past: str, empty: str) -> Part:
    rows = tuple(_row(place, each) for each in section.lines[:MOST])
    nothing = tuple(_row(place, each) for each in section.nothing)
    cut = OLDER if name in TOOK_PLACE else MOST
    more = ""
    if len(section.lines) > MOST:
        more = gettext(
            "%(n)s autres lignes ne sont pas montrées ici. La synthèse à emporter et les documents "
            "les disent."
        ) % {"n": len(section.lines) - MOST}
    elif section.more or (past and len(section.past) > PAST):
        more = gettext("Il y en a d’autres, plus anciens, dans les documents.")
    return Part(
        name,
        title,
        rows[:cut],
        rows[cut:],
        nothing,
        tuple(_row(place, each) for each in section.past[:PAST]) if past else (),
        past,
        "" if rows or nothing else empty,
        more,
    )


def _row(place: Place, line: Known) -> Row:
    badges = []
    if line.severe:
        badges.append(("warn", gettext("Risque élevé")))
    if line.declared:
        badges.append(("declared", declared(line.sources, place)))
    badges += [("", gettext(STAGES[each])) for each in line.stages]
    if line.unsure:
        badges.append(("old", gettext("Non confirmé")))
    if line.old:
        badges.append(("old", gettext("Ancien, sans fin indiquée")))
    if line.days:
        dates = ", ".join(when(each) for each in line.days[:DAYS])
        if len(line.days) > DAYS:
            others = len(line.days) - DAYS
            dates = gettext("%(days)s et %(n)s autres jours") % {"days": dates, "n": others}
        said = gettext("Fait : %(days)s") if line.act else gettext("Reçu : %(days)s")
        shown = said % {"days": dates}
    elif line.since and line.until and line.since[:10] != line.until[:10]:
        shown = gettext("De %(start)s à %(end)s") % {
            "start": when(line.since),
            "end": when(line.until),
        }
    elif line.until and not line.since:
        shown = gettext("Jusqu’à : %(day)s") % {"day": when(line.until)}
    else:
        shown = when(line.since)
    split = bool(line.conflicts)
    # What one document says twice is one source of it: the first that is met.
    origins = unlike(origin(place, each, said=split) for each in line.sources)
    cut = FOLDED if split else SOURCES  # what disagrees is not folded away
    return Row(
        line.label or gettext("Sans nom"),
        bool(line.label) and not isinstance(line.label, Ours),
        tuple((each, not isinstance(each, Ours)) for each in line.told),
        shown,
        tuple(badges),
        tuple(gettext(CONFLICTS[each]) for each in line.conflicts),
        origins[:cut],
        origins[cut : cut + FOLDED],
        max(0, len(origins) - cut - FOLDED),
    )


def _result(place: Place, value: Value) -> Result:
    label = value.label if language() == OWN else names(language()).get(value.label, value.label)
    unit = units.shown(value.unit) if value.unit else ""
    row = _row(place, Known(Ours(label), sources=value.sources, conflicts=value.conflicts))
    known = words.INTERPRETATIONS.get(value.interpretation or "")
    reading = (
        words.Reading(known[0], gettext(known[1]))
        if known is not None
        else words.beside(value.number, value.low, value.high)
    )
    return Result(
        place.url("curve", value.code) if value.number is not None or "/" in value.value else "",
        label,
        value.number is None and not value.unit,
        rounded(value),
        unit,
        words.spread(value.low, value.high, value.range_text),
        reading,
        trend(value, unit),
        words.day(value.at),
        row,
    )


def rounded(value: Value) -> str:
    """A value as it is written; one with more digits than a measure has, about five of them."""
    text = about(value.value)
    return (
        words.figures(text)
        if text == value.value
        else f"≈ {words.figures(text.removeprefix('≈ '))}"
    )


def trend(value: Value, unit: str) -> str:
    """What it was before, in as many digits."""
    if value.previous is None or value.number is None:
        return ""
    near = about(str(value.previous)).removeprefix("≈ ")
    if near == str(value.previous):
        return words.trend(value.number, value.previous, value.previous_at, unit)
    now = Decimal(about(str(value.number)).removeprefix("≈ "))
    return words.trend(now, Decimal(near), value.previous_at, unit)


def unlike(origins: Iterable[Origin]) -> tuple[Origin, ...]:
    """The first of those that read the same."""
    found: dict[tuple[str, ...], Origin] = {}
    for each in origins:
        found.setdefault((each.title, each.rest, each.said), each)
    return tuple(found.values())


def origin(place: Place, source: Source, *, said: bool) -> Origin:
    """A source, as its link and its words."""
    who = {
        "patient": gettext("déclaré par vous") if place.own else gettext("déclaré par le patient"),
        "relative": gettext("déclaré par un proche"),
    }.get(source.by, source.author)
    parts = [who, words.day(source.at) if source.at else ""]
    known = source.said in SAID
    rtype, _, id = source.address.partition("/")
    if not source.document:
        url = ""
    elif rtype == "DocumentReference":
        url = place.url("document", source.document)
    else:
        url = place.url("said", rtype, id)
    return Origin(
        url,
        source.title or gettext("Document" if source.document else "Donnée du dossier"),
        bool(source.title),
        ", ".join(filter(None, parts)),
        (gettext(SAID[source.said]) if known else source.said) if said else "",
        known or isinstance(source.said, Ours),
    )


def declared(sources: Sequence[Source], place: Place) -> str:
    """Who declares what no professional says."""
    if all(each.by == "relative" for each in sources):
        return gettext("Déclaré par un proche")
    return gettext("Déclaré par vous") if place.own else gettext("Déclaré par le patient")


PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def when(text: str) -> str:
    """A FHIR date, as partial as it was written: 2010, mai 2010, 12 mai 2010; other words as they are."""
    found = PARTIAL.match(text)
    if found is None:
        return text
    year, month, day = found.groups()
    try:
        if "T" in text:
            return words.day(datetime.fromisoformat(text))
        if day:
            return words.day(date(int(year), int(month), int(day)))
        return date_format(date(int(year), int(month), 1), "F Y") if month else year
    except (ValueError, OverflowError):
        return text
