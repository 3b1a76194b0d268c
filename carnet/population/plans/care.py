# SPDX-License-Identifier: EUPL-1.2
"""Follow-up by the médecin traitant: at each visit a prescription, then what the pharmacy gave.

A visit may also bring a letter, a request of imaging or a new version of the summary. What is
prescribed is the treatment of the day, the same the summary lists.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from carnet.population import cda, conditions, laboratory, treatment
from carnet.population.cda import dispensing, prescription, synthesis
from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.people import Person
from carnet.population.plans import imaging, stays
from carnet.population.plans.plan import Context, Plan, moment, text, words, working
from carnet.population.treatment import Line

STRUCTURED = 0.5  # the part of the field whose software sends level 3
GIVEN = 0.94  # how often a prescription is brought to a pharmacy
SUMMARY = 420  # days between two versions of the summary
LONG = frozenset({"diabetes", "heart_failure", "kidney", "copd", "dementia", "anticoagulant"})
SUMMARY_TITLE = "Volet de synthèse médicale"


def plans(seed: int, person: Person, until: date) -> Iterator[Plan]:
    """Every follow-up visit up to a day, with what it brings (which may come later)."""
    if not any(one.follow for one in conditions.of(person)):
        yield from _letters_alone(seed, person, until)
        return
    chance = Chance(seed, person.key, "follow-up")
    day = first = working(conditions.begins(person, 200) + timedelta(days=chance.between(8, 160)))
    last: dict[str, date] = {}
    number = versions = 0
    while day <= until:
        known = conditions.known(seed, person, day)
        pace = min((one.follow for one in known if one.follow), default=0)
        if not pace:
            day = working(day + timedelta(days=45))
            continue
        number += 1
        start = moment(day, chance.between(8, 18) * 60 + chance.pick((0, 15, 30, 45)))
        key = f"follow-up {number}"
        yield from prescribed(
            seed, person, key, start, treatment.taken(seed, person, day), pace + 10,
            any(one.key in LONG for one in known),
        )  # fmt: skip
        yield from _letter(person, key, start, last, {one.key for one in known})
        yield from _imaging(seed, person, key, start, last)
        if (day - last.get("summary", first - timedelta(days=SUMMARY - 60))).days >= SUMMARY:
            last["summary"] = day
            versions += 1
            yield _summary(seed, person, start, versions)
        day = working(day + timedelta(days=pace + chance.between(-pace // 8, pace // 8)))


# ---------------------------------------------------------------- medicines


def prescribed(
    seed: int,
    person: Person,
    key: str,
    start: datetime,
    lines: tuple[Line, ...],
    days: int,
    ald: bool = False,
    author: str = "attending",
    encounter: tuple[str, str] | None = None,
) -> Iterator[Plan]:
    """A prescription, then most often what was given for it; nothing without a line."""
    if not lines:
        return
    chance = Chance(seed, person.key, "prescription", key)
    structured = chance.happens(STRUCTURED)
    asked = f"{key} prescription"
    dated = tuple(replace(line, since=start.date()) for line in lines)
    signed = start + timedelta(minutes=chance.between(9, 24))
    plan = Plan(
        key=asked,
        effective=signed,
        start=start,
        kind=prescription.TYPE,
        title="Ordonnance de médicaments",
        author=author,
        write=lambda context: prescription.sections(context.header, dated, days, ald),
        model=prescription.MODEL if structured else None,
    )
    yield plan if encounter is None else replace(plan, encounter=encounter)
    if not chance.happens(GIVEN):
        return
    wait, acute = chance.between(0, 3), any(line.days for line in lines)
    given = working(start.date() + timedelta(days=0 if acute else wait))
    minute = chance.between(9 * 60, 19 * 60)
    received = moment(given, minute)
    if received <= signed:
        received = signed + timedelta(minutes=chance.between(20, 70))
    yield Plan(
        key=f"{key} dispensing",
        effective=received + timedelta(minutes=7),
        start=received,
        kind=dispensing.TYPE,
        title="Dispensation de médicaments",
        author="pharmacist",
        write=lambda context: dispensing.sections(
            context.header,
            dated,
            min(days, 28),
            cda.oid("document", context.seed, context.person.key, asked),
        ),
        model=dispensing.MODEL if chance.happens(STRUCTURED) else None,
        asked_by=author,
        asked=start,
        answers=asked,
    )


# ---------------------------------------------------------------- letters


def _letter(
    person: Person, key: str, start: datetime, last: dict[str, date], known: set[str]
) -> Iterator[Plan]:
    """The letter that has been due for the longest, if one is."""
    day = start.date()
    due = [
        (float((day - last[row["key"]]).days) / row["every"] if row["key"] in last else 99.0, row)
        for row in table("letters")["letter"]
        if row["about"] in known and row["author"] == "attending" and "every" in row
    ]
    late, row = max(due, key=lambda one: one[0], default=(0.0, None))
    if row is None or late < 0.85:
        return
    last[row["key"]] = day
    yield letter(f"{key} letter", row, start, start + timedelta(minutes=25))


def letter(key: str, row: Mapping[str, Any], start: datetime, signed: datetime) -> Plan:
    """A letter of letters.toml, level 1."""
    return Plan(
        key=key,
        effective=signed,
        start=start,
        kind=(row["code"], stays.TYPES[row["code"]]),
        title=row["title"],
        author=row["author"],
        write=lambda context: _lines(context, row),
    )


def _lines(context: Context, row: Mapping[str, Any]) -> list[cda.Section]:
    said = said_of(context)
    return text(*(line.format_map(said) for line in row["lines"]))


def said_of(context: Context) -> Mapping[str, str]:
    """What a letter may quote: the person, their values of the day, their treatment."""
    person, start = context.person, context.start
    chance = Chance(context.seed, person.key, "examination", start.isoformat())
    lines = treatment.taken(context.seed, person, start.date())
    return {
        **laboratory.told(context.seed, person, start),
        **words(context),
        "systolic": str(chance.between(108, 148)),
        "diastolic": str(chance.between(62, 88)),
        "treatment": " ; ".join(f"{line.medicine.name}, {line.told}" for line in lines)
        or "pas de traitement au long cours",
    }


def _letters_alone(seed: int, person: Person, until: date) -> Iterator[Plan]:
    """Consultations of those no condition brings back: seldom."""
    for row in table("letters")["letter"]:
        if row["about"] not in (person.profiles or ("healthy",)) or row["author"] != "attending":
            continue
        chance = Chance(seed, person.key, "letter", row["key"])
        day = conditions.begins(person, 200) + timedelta(days=chance.between(5, row["every"]))
        number = 0
        while day <= until:
            number += 1
            start = moment(working(day), chance.between(8, 18) * 60 + 15)
            yield letter(f"{row['key']} {number}", row, start, start + timedelta(minutes=25))
            day += timedelta(days=row["every"] + chance.between(-row["every"] // 6, 60))


# ---------------------------------------------------------------- imaging and summary


def _imaging(
    seed: int, person: Person, key: str, start: datetime, last: dict[str, date]
) -> Iterator[Plan]:
    """The first imaging of the follow-up that is due."""
    for row in imaging.rows():
        name = f"imaging {row['key']}"
        if row.get("about") not in person.profiles or "every" not in row:
            continue
        chance = Chance(seed, person.key, name)
        seen = last.get(name, conditions.begins(person) - timedelta(days=chance.between(0, 900)))
        if (start.date() - seen).days >= row["every"]:
            last[name] = start.date()
            yield from imaging.asked(seed, person, f"{key} {row['key']}", row, start)
            return


def _summary(seed: int, person: Person, start: datetime, version: int) -> Plan:
    """The summary, as it stands that day: each version replaces the one before."""
    return Plan(
        key="summary",
        effective=start + timedelta(minutes=31),
        start=start,
        kind=synthesis.TYPE,
        title=SUMMARY_TITLE,
        author="attending",
        write=_summarised,
        model=synthesis.MODEL if Chance(seed, person.key, "summary").happens(0.8) else None,
        version=version,
    )


def _summarised(context: Context) -> list[cda.Section]:
    seed, person, on = context.seed, context.person, context.start.date()
    problems = [
        synthesis.Problem(one.name, one.code, one.label, found)
        for one in conditions.known(seed, person, on)
        if one.code and (found := conditions.since(seed, person, one.key)) <= on
    ]
    chance = Chance(seed, person.key, "life")
    smoked = chance.weighted({"never": 0.58, "past": 0.24, "now": 0.18})
    life = table("conditions")["life"]
    lines = treatment.taken(seed, person, on)
    points = [
        life["points"][one]
        for one in ("anticoagulant", "kidney", "diabetes")
        if one in person.profiles
    ]
    return synthesis.sections(
        context.header,
        problems,
        [*_over(seed, person, on), *stays.past(seed, person, on)],
        treatment.allergies(seed, person),
        (life["smoking"][smoked], chance.pick(life["exercise"])),
        points or (life["points"]["none"],),
        lines,
    )


def _over(seed: int, person: Person, on: date) -> Iterator[synthesis.Problem]:
    """The conditions that are of the past."""
    for one in conditions.of(person):
        over = conditions.until(seed, person, one)
        if over is not None and over <= on:
            since = conditions.since(seed, person, one.key)
            yield synthesis.Problem(one.name, one.code, one.label, since, over)
