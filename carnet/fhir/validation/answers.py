# SPDX-License-Identifier: EUPL-1.2
"""What one answer must be, by its question: of which type, one of which options, within which bounds.

Source: FHIR R4, Questionnaire.item.type, answerOption, answerValueSet, maxLength; the extensions
minLength, regex, minValue, maxValue, maxDecimalPlaces, maxSize, mimeType, questionnaire-*;
SDC's minQuantity, maxQuantity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from carnet import errors
from carnet.fhir.definitions import load
from carnet.fhir.fhirpath import Item
from carnet.fhir.fhirpath.equality import order
from carnet.fhir.fhirpath.equality import same as equal
from carnet.fhir.fhirpath.functions.fhir import target_of
from carnet.fhir.fhirpath.functions.patterns import bearable, checked
from carnet.fhir.validation import bindings

if TYPE_CHECKING:
    from carnet.fhir.validation.profiles import Context, Problem

Json = dict[str, Any]

STRUCTURE: Final = "http://hl7.org/fhir/StructureDefinition/"
SDC: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
QUESTIONNAIRE: Final = STRUCTURE + "questionnaire-"
LEAST: Final = QUESTIONNAIRE + "minOccurs"
MOST: Final = QUESTIONNAIRE + "maxOccurs"
EXCLUSIVE: Final = QUESTIONNAIRE + "optionExclusive"
BOUNDS: Final = (  # address, sign of what is beyond, what it is
    (STRUCTURE + "minValue", -1, "minValue"),
    (STRUCTURE + "maxValue", 1, "maxValue"),
    (SDC + "minQuantity", -1, "minQuantity"),
    (SDC + "maxQuantity", 1, "maxQuantity"),
)

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "boolean": ("boolean",),
    "decimal": ("decimal",),
    "integer": ("integer",),
    "date": ("date",),
    "dateTime": ("dateTime",),
    "time": ("time",),
    "string": ("string",),
    "text": ("string",),
    "url": ("uri",),
    "choice": ("Coding",),
    "open-choice": ("Coding", "string"),
    "attachment": ("Attachment",),
    "reference": ("Reference",),
    "quantity": ("Quantity",),
}
CODED: Final = frozenset(("choice", "open-choice"))

NOT_LISTED: Final = "This is none of the answers the questionnaire offers."
EXCLUDES: Final = "This answer stands alone: the questionnaire has it exclude all others."
NO_VALUE_SET: Final = "The value set of the answers is not known here: nothing was held against it."
TOO_LONG: Final = "The questionnaire takes {} characters at most."
TOO_SHORT: Final = "The questionnaire asks for {} characters at least."
FORMAT: Final = "The answer has not the format the questionnaire asks for."
NO_FORMAT: Final = "The format the questionnaire asks for cannot be read here: not checked."
PLACES: Final = "The questionnaire takes {} decimal places at most."
BELOW: Final = "The answer is below the least the questionnaire takes."
ABOVE: Final = "The answer is above the most the questionnaire takes."
UNCOMPARED: Final = (
    "The answer cannot be compared with the bound the questionnaire sets: by its units."
)
MEDIA: Final = "The questionnaire takes no attachment of this media type."
SIZE: Final = "The attachment is larger than the questionnaire takes."
UNIT: Final = "The questionnaire does not take this unit."
TARGET: Final = "The questionnaire takes no reference to this type."


def extended(holder: Json, url: str, key: str, kind: type) -> Iterator[Any]:
    """What the extensions of an address say, where they say it as they should."""
    for extension in holder.get("extension", ()):
        if extension.get("url") == url and type(extension.get(key)) is kind:
            yield extension[key]


def kind_of(key: str, prefix: str) -> str:
    """The type a choice of JSON names: `Coding` in `valueCoding`, `dateTime` in `answerDateTime`."""
    name = key.removeprefix(prefix)
    lower = name[:1].lower() + name[1:]
    return lower if lower in load().shapes and name not in load().shapes else name


def value(holder: Json) -> Item | None:
    """The value of an answer, an option or an extension."""
    for key, one in holder.items():
        if key.startswith("value"):
            return kind_of(key, "value"), one, None
    return None


def same(one: Item, other: Item) -> bool:
    """Whether an answer is the one meant: codes by system and code, references by what they name."""
    return _key(one) == _key(other) if _keyed(one, other) else equal(one, other) is True


def _keyed(one: Item, other: Item) -> bool:
    return {one[0], other[0]} <= {"Coding", "Reference", "string", "boolean"}


def _key(item: Item) -> tuple[Any, ...]:
    kind, one, _ = item
    if kind == "Coding":
        return kind, one.get("system"), one.get("code") or one.get("display")
    if kind == "Reference":
        return kind, one.get("reference")
    return kind, one


Rule = Callable[[Item], "list[Problem]"]


@dataclass(slots=True)
class Asked:
    """A question's rules for its answers."""

    kinds: tuple[str, ...] | None
    rules: list[Rule] = field(default_factory=list)
    alone: frozenset[tuple[Any, ...]] = frozenset()  # options that exclude the others

    def one(self, answer: Json) -> list[Problem]:
        """What is wrong with one answer."""
        item = value(answer)
        if item is None:
            return []
        kind = item[0]
        tail = f".value.ofType({kind})"
        if self.kinds is not None and kind not in self.kinds:
            text = f"The questionnaire takes an answer of type {' or '.join(self.kinds)}."
            return [(tail, "error", "structure", text, "Questionnaire.item.type")]
        return [(tail + p[0], *p[1:]) for rule in self.rules for p in rule(item)]

    def together(self, answers: list[Json], tail: str) -> list[Problem]:
        """What is wrong with several answers side by side."""
        if not self.alone or len(answers) < 2:
            return []
        rule = "Questionnaire.item.answerOption.extension:optionExclusive"
        return [
            (f"{tail}[{at}]", "error", "business-rule", EXCLUDES, rule)
            for at, answer in enumerate(answers)
            if (item := value(answer)) is not None and _key(item) in self.alone
        ]


def asked(question: Json, questionnaire: Json, context: Context) -> Asked:
    """The rules of one question."""
    kind = question.get("type")
    kinds = KINDS.get(str(kind))
    options = [o for o in map(value, question.get("answerOption", ())) if o is not None]
    if kinds is not None and kind in CODED:
        kinds = tuple(dict.fromkeys((*kinds, *(o[0] for o in options))))
    made = Asked(kinds)
    free = kind == "open-choice"
    if options:
        made.rules.append(_one_of(options, free))
        made.alone = frozenset(
            _key(option)
            for holder in question["answerOption"]
            if (option := value(holder)) is not None
            and any(extended(holder, EXCLUSIVE, "valueBoolean", bool))
        )
    if "answerValueSet" in question:
        made.rules.append(_in_set(question["answerValueSet"], questionnaire, context, free))
    made.rules += _texts(question)
    made.rules += _bounds(question)
    made.rules += _things(question, context)
    return made


def _problem(severity: str, code: str, text: str, rule: str) -> list[Problem]:
    return [("", severity, code, text, f"Questionnaire.item.{rule}")]


def _one_of(options: list[Item], free: bool) -> Rule:
    wrong = _problem("error", "code-invalid", NOT_LISTED, "answerOption")
    keys = frozenset(_key(o) for o in options if _keyed(o, o))
    others = [o for o in options if not _keyed(o, o)]

    def rule(item: Item) -> list[Problem]:
        if free and item[0] == "string":
            return []
        if _keyed(item, item):
            return [] if _key(item) in keys else wrong
        return [] if any(equal(item, other) is True for other in others) else wrong

    return rule


def _in_set(url: str, questionnaire: Json, context: Context, free: bool) -> Rule:
    name = "answerValueSet"
    wrong = _problem("error", "code-invalid", NOT_LISTED, name)
    if url.startswith("#"):
        local: Json = next(
            (c for c in questionnaire.get("contained", ()) if c.get("id") == url[1:]), {}
        )
        listed = getattr(context.terminology, "listed", None)
        member = listed(local) if listed is not None and local else None
        unknown = _problem("warning", "not-found", NO_VALUE_SET, name)

        def inside(item: Item) -> list[Problem]:
            if (free and item[0] == "string") or item[0] not in ("Coding", "string"):
                return []
            told = None if member is None else member(item)
            return unknown if told is None else [] if told else wrong

        return inside
    bound = bindings.bound_to(url, "required", f"Questionnaire.item.{name}")

    def rule(item: Item) -> list[Problem]:
        if (free and item[0] == "string") or item[0] not in ("Coding", "string"):
            return []
        return bound(item, context) or []

    return rule


def _texts(question: Json) -> Iterator[Rule]:
    """Rules of texts: their length and their format."""
    if type(most := question.get("maxLength")) is int:
        yield _length(0, most, TOO_LONG.format(most), "maxLength")
    for least in extended(question, STRUCTURE + "minLength", "valueInteger", int):
        yield _length(least, None, TOO_SHORT.format(least), "extension:minLength")
    for written in extended(question, STRUCTURE + "regex", "valueString", str):
        yield _format(written)


def _length(least: int, most: int | None, text: str, rule: str) -> Rule:
    problem = _problem("error", "value", text, rule)

    def check(item: Item) -> list[Problem]:
        if type(item[1]) is not str:
            return []
        long = most is not None and len(item[1]) > most
        return problem if long or len(item[1]) < least else []

    return check


def _format(written: str) -> Rule:
    rule = "extension:regex"
    wrong = _problem("error", "value", FORMAT, rule)
    unread = _problem("information", "not-supported", NO_FORMAT, rule)
    try:
        pattern = checked(written)
    except (re.error, OverflowError, RecursionError):
        return lambda item: unread

    def check(item: Item) -> list[Problem]:
        if type(item[1]) is not str:
            return []
        if not bearable(written, len(item[1])):
            return unread
        return [] if pattern.fullmatch(item[1]) else wrong

    return check


def _bounds(question: Json) -> Iterator[Rule]:
    """Rules of numbers, dates and quantities."""
    for url, sign, name in BOUNDS:
        for extension in question.get("extension", ()):
            limit = value(extension) if extension.get("url") == url else None
            if limit is not None:
                yield _bound(limit, sign, f"extension:{name}")
    for places in extended(question, STRUCTURE + "maxDecimalPlaces", "valueInteger", int):
        yield _decimals(places)


def _bound(limit: Item, sign: int, rule: str) -> Rule:
    beyond = _problem("error", "value", BELOW if sign < 0 else ABOVE, rule)
    apart = _problem("error", "value", UNCOMPARED, rule)

    def check(item: Item) -> list[Problem]:
        try:
            told = order(item, limit)
        except errors.CarnetError:
            return []
        if told is None:
            return apart if item[0] == "Quantity" and "value" in item[1] else []
        return beyond if told * sign > 0 else []

    return check


def _decimals(most: int) -> Rule:
    wrong = _problem("error", "value", PLACES.format(most), "extension:maxDecimalPlaces")

    def check(item: Item) -> list[Problem]:
        number = item[1].get("value") if item[0] == "Quantity" else item[1]
        if type(number) is not Decimal:
            return []
        return wrong if -int(number.as_tuple().exponent) > most else []

    return check


def _things(question: Json, context: Context) -> Iterator[Rule]:
    """Rules of attachments, units and references."""
    media = set(extended(question, STRUCTURE + "mimeType", "valueCode", str))
    if media:
        yield _of("Attachment", lambda v: v.get("contentType") not in media, MEDIA, "mimeType")
    for key, kind in (("valueDecimal", Decimal), ("valueDecimal", int)):
        for most in extended(question, STRUCTURE + "maxSize", key, kind):
            yield _of("Attachment", lambda v, most=most: v.get("size", 0) > most, SIZE, "maxSize")  # type: ignore[misc]
    units = {
        (coding.get("system"), coding.get("code"))
        for coding in extended(question, QUESTIONNAIRE + "unitOption", "valueCoding", dict)
    }
    if units:
        yield _of("Quantity", lambda v: "value" in v and _unit(v) not in units, UNIT, "unitOption")
    for url in extended(question, QUESTIONNAIRE + "unitValueSet", "valueCanonical", str):
        yield _unit_in(url, context)
    targets = set(extended(question, QUESTIONNAIRE + "referenceResource", "valueCode", str))
    if targets:
        yield _referring(targets, context)


def _unit(quantity: Json) -> tuple[Any, Any]:
    return quantity.get("system"), quantity.get("code")


def _of(kind: str, wrong: Callable[[Json], bool], text: str, name: str) -> Rule:
    problem = _problem("error", "value", text, f"extension:{name}")
    return lambda item: problem if item[0] == kind and wrong(item[1]) else []


def _unit_in(url: str, context: Context) -> Rule:
    wrong = _problem("error", "code-invalid", UNIT, "extension:unitValueSet")
    bound = bindings.bound_to(url, "required", "Questionnaire.item.extension:unitValueSet")

    def check(item: Item) -> list[Problem]:
        if item[0] != "Quantity" or "value" not in item[1]:
            return []
        return wrong if "code" not in item[1] else bound(item, context) or []

    return check


def _referring(targets: set[str], context: Context) -> Rule:
    wrong = _problem("error", "value", TARGET, "extension:referenceResource")

    def check(item: Item) -> list[Problem]:
        if item[0] != "Reference":
            return []
        target = target_of(item, context.frame)
        return wrong if target is not None and target[0] not in targets else []

    return check
