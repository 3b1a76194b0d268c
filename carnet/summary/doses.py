# SPDX-License-Identifier: EUPL-1.2
"""A dose in words: those of its source, else its codes said in a language. FHIR R4, Dosage and Timing.

The words of codes are data (`doses.toml`). What has none there stays as its source writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Final

from carnet.summary.facts import codings, folded, listed, mapping, name, rules
from carnet.summary.pages import Ours
from carnet.summary.words import Language, figures

Json = Mapping[str, Any]
# What begins the words of a condition that says by itself that it is one.
SAYS_IF: Final = ("si ", "s'il", "s’il", "en cas", "au besoin", "a la demande", "if ", "as needed")
SHORT: Final = 8  # days or hours of the day that are read; a longer list is counted


def dosages(own: Json) -> list[dict[str, Any]]:
    """How it is taken, whatever the type calls it."""
    return listed(own.get("dosageInstruction")) or listed(own.get("dosage"))


def dose(own: Json, language: Language = "fr") -> str:
    """The dose as it is read: its words, else its codes in words; `Ours` when no word is its source's."""
    found: list[str] = []
    for each in dosages(own):
        if said := str(each.get("text") or each.get("patientInstruction") or ""):
            found.append(" ".join(said.split()))
        elif shown := spoken(each, language):
            found.append(Ours(shown))
    told = list(dict.fromkeys(found))
    whole = " ; ".join(told)
    return Ours(whole) if told and all(isinstance(each, Ours) for each in told) else whole


def spoken(dosage: Json, language: Language) -> str:
    """A coded dosage in words."""
    parts: list[str] = []
    for each in listed(dosage.get("doseAndRate")):
        parts.append(_quantity_or_range(each, "dose", language))
        parts.append(_quantity_or_range(each, "rate", language))
        parts.append(_ratio(mapping(each.get("rateRatio")), language))
    timing = mapping(dosage.get("timing"))
    repeat = mapping(timing.get("repeat"))
    parts += [_rhythm(repeat, language), *_moments(repeat, language)]
    parts += [_coded(timing.get("code"), language)]
    parts += [_bounds(repeat, language), _needed(dosage, language)]
    most = _ratio(mapping(dosage.get("maxDosePerPeriod")), language)
    parts += [_word("most", language) % most] if most else []
    parts += [name(each) for each in listed(dosage.get("additionalInstruction"))]
    return ", ".join(dict.fromkeys(filter(None, parts)))


# ---------------------------------------------------------------------------------------- amounts


def amount(quantity: Json, language: Language) -> str:
    """A number and its unit: 1 comprimé, 500 mg."""
    value = quantity.get("value")
    if value is None or isinstance(value, bool):
        return ""
    number = f"{quantity.get('comparator') or ''}{figures(str(value), language)}"
    return f"{number} {_unit(quantity, language)}".strip()


def _unit(quantity: Json, language: Language) -> str:
    """The unit in words: of its own word, of its code, else as it is written."""
    word, code = str(quantity.get("unit") or ""), str(quantity.get("code") or "")
    for written in (word, f"{{{word}}}", code):
        if written and (known := _units().get(folded(written))):
            return str(known[language][_several(quantity.get("value"), language)])
    if (code or word) in rules("doses")["time"]:
        said = rules("doses")["time"][code or word][language]
        return str(said["several" if _several(quantity.get("value"), language) else "one"])
    shown = word or code
    return "" if shown == "1" else shown.strip("{}")  # {tablet}: an annotation of UCUM


@cache
def _units() -> dict[str, Mapping[str, Sequence[str]]]:
    return {folded(code): each for each in rules("doses")["unit"] for code in each["as"]}


def _several(value: object, language: Language) -> bool:
    """Whether a number takes the plural: from two on in French, above one in English."""
    if not isinstance(value, Decimal | int):
        return False
    return value >= 2 if language == "fr" else value > 1


def _quantity_or_range(each: Json, stem: str, language: Language) -> str:
    if found := amount(mapping(each.get(f"{stem}Quantity")), language):
        return found
    ends = mapping(each.get(f"{stem}Range"))
    low, high = mapping(ends.get("low")), mapping(ends.get("high"))
    if low.get("value") is not None and high.get("value") is not None:
        same = (low.get("unit"), low.get("code")) == (high.get("unit"), high.get("code"))
        first = figures(str(low["value"]), language) if same else amount(low, language)
        return _word("to", language) % (first, amount(high, language))
    if found := amount(low, language):
        return _word("least", language) % found
    return _word("most", language) % found if (found := amount(high, language)) else ""


def _ratio(ratio: Json, language: Language) -> str:
    """An amount in a length of time."""
    over, under = mapping(ratio.get("numerator")), mapping(ratio.get("denominator"))
    if not (found := amount(over, language)):
        return ""
    value, unit = _same(under.get("value", 1), under.get("code") or under.get("unit"))
    known = rules("doses")["time"].get(unit)
    if known and value == 1:
        return f"{found} {_word('per', language) % known[language]['one']}"
    return f"{found} / {amount(under, language)}" if under.get("value") is not None else found


# ---------------------------------------------------------------------------------------- rhythms


def _rhythm(repeat: Json, language: Language) -> str:
    """So many times in so long."""
    least, most = repeat.get("frequency"), repeat.get("frequencyMax")
    value, unit = _same(repeat.get("period"), repeat.get("periodUnit"))
    if repeat.get("when") and value == 1 and unit == "d" and least == len(repeat["when"]):
        return ""  # its moments say it
    times = _times(least, most, language)
    known = rules("doses")["time"].get(unit)
    if value is None or not unit:
        return "" if repeat.get("dayOfWeek") else times
    if known is None:
        return f"{times or 1} × / {value} {unit}"
    said = known[language]
    if value == 1 and repeat.get("periodMax") is None:
        per = _word("per", language) % said["one"]
        return f"{times or _word('once', language)} {per}"
    span = figures(str(value), language)
    if repeat.get("periodMax") is not None:
        span = _word("to", language) % (span, figures(str(repeat["periodMax"]), language))
    every = f"{said['every']} {span} {said['several']}"
    return every if not times or (least == 1 and most in (None, 1)) else f"{times} {every}"


def _times(least: object, most: object, language: Language) -> str:
    if least is None:
        return _word("most", language) % _counted(most, language) if most is not None else ""
    if most is None or most == least:
        return _counted(least, language)
    return _word("times", language) % (_word("to", language) % (least, most))


def _counted(times: object, language: Language) -> str:
    rare = {1: "once", 2: "twice"}.get(times) if isinstance(times, int) else None
    return _word(rare, language) if rare else _word("times", language) % times


def _moments(repeat: Json, language: Language) -> Iterable[str]:
    """At which moments of the day, at what time, on which days."""
    data, offset = rules("doses"), repeat.get("offset")
    far = isinstance(offset, int) and offset > 0
    said = []
    for each in _texts(repeat.get("when")):
        known = (far and data["far"].get(each)) or data["when"].get(each)
        said.append(str(known[language]) if known else each)
    moments = _joined(said, language)
    if far and moments and isinstance(offset, int):
        unit = {"value": offset, "code": "min"}
        if offset % 60 == 0:
            unit = {"value": offset // 60, "code": "h"}
        moments = f"{amount(unit, language)} {moments}"
    yield moments
    hours = [_hour(each, language) for each in _texts(repeat.get("timeOfDay"))]
    if hours:
        yield _word("at", language) % _joined(hours, language)
    days = [
        data["day"].get(each, {}).get(language, each) for each in _texts(repeat.get("dayOfWeek"))
    ]
    yield _joined(days, language)


def _hour(time: str, language: Language) -> str:
    """A time of the day: 8 h 30, 08:30."""
    hour, _, minutes = time[:5].partition(":")
    if language != "fr" or not hour.isdigit():
        return time[:5]
    return f"{int(hour)} h {minutes}".removesuffix(" 00")


def _texts(found: object) -> list[str]:
    return [str(each) for each in found if each][:SHORT] if isinstance(found, list) else []


def _joined(said: Sequence[str], language: Language) -> str:
    if len(said) < 2:
        return "".join(said)
    return f"{', '.join(said[:-1])} {_word('and', language)} {said[-1]}"


def _coded(concept: object, language: Language) -> str:
    known = rules("doses")["code"]
    found = next((known[code] for _, code in codings(concept) if code in known), None)
    return str(found[language]) if found and not mapping(concept).get("text") else name(concept)


def _bounds(repeat: Json, language: Language) -> str:
    if found := amount(mapping(repeat.get("boundsDuration")), language):
        return _word("for", language) % found
    count = repeat.get("count")
    return _word("total", language) % _counted(count, language) if count else ""


def _needed(dosage: Json, language: Language) -> str:
    why = name(dosage.get("asNeededCodeableConcept"))
    if not why:
        return _word("needed", language) if dosage.get("asNeededBoolean") is True else ""
    return why if folded(why).startswith(SAYS_IF) else _word("needed-for", language) % why


def _same(value: object, unit: object) -> tuple[object, str]:
    """A length of time as people say it."""
    said = rules("doses")["same"].get(f"{value} {unit}")
    if said is None:
        return value, str(unit or "")
    number, other = said.split()
    return int(number), other


def _word(name: str, language: Language) -> str:
    return str(rules("doses")["words"][name][language])
