# SPDX-License-Identifier: EUPL-1.2
"""Answers held against the questionnaire they answer: which questions, where, how many, of what type, which.

The questionnaire is the one that is contained, an entry of the same Bundle, or one a package brought;
nothing is fetched. A condition that cannot be told (`enableWhenExpression`, a question out of reach) makes
its item neither required nor forbidden. What single answers must be is in answers.py.

Source: FHIR R4, Questionnaire, QuestionnaireResponse 9.5.4 and 9.5.5, and the extensions they have in R4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from carnet import errors
from carnet.fhir.fhirpath.equality import order
from carnet.fhir.validation import answers
from carnet.fhir.validation.answers import Json, asked, extended

if TYPE_CHECKING:
    from carnet.fhir.validation.profiles import Context, Problem

OPEN: Final = frozenset(("in-progress", "stopped", "entered-in-error"))  # may lack what is required
CONDITION: Final = "sdc-questionnaire-enableWhenExpression"
MOST_COMPARED: Final = 100_000  # answers looked at for the conditions of one response
SHOWN: Final = 64  # characters of a linkId in a sentence

UNKNOWN: Final = "The questionnaire is not known here: the answers were not held against it."
UNSAID: Final = "No questionnaire is named: the answers were held against none."
NO_ITEM: Final = "The questionnaire has no item of this linkId."
MISPLACED: Final = "The questionnaire has the item of this linkId in another place."
ORDER: Final = "The items come in the order of the questionnaire."
NO_ANSWER: Final = "An item of this type has no answers."
IN_ANSWER: Final = "Items below a question stand in its answer."
ONCE: Final = "The questionnaire takes this item once."
ONE_ANSWER: Final = "The questionnaire takes one answer here."
DISABLED: Final = (
    "The questionnaire does not ask this: the condition of its enableWhen does not hold."
)
EMPTY_GROUP: Final = "A required group holds an item at least."
NO_QUESTION: Final = "enableWhen names a question of this questionnaire."
INNER: Final = "enableWhen names neither its own item nor one below it."


# ---------------------------------------------------------------- the questionnaire itself


def check(questionnaire: Json) -> list[Problem]:
    """Conditions of a questionnaire that name no question which could decide them."""
    known = {item.get("linkId") for item, _ in _every(questionnaire, "")}
    found: list[Problem] = []
    for item, tail in _every(questionnaire, ""):
        conditions = item.get("enableWhen", ())
        within = {item.get("linkId")}
        if conditions and "item" in item:
            within |= {below.get("linkId") for below, _ in _every(item, "")}
        for at, condition in enumerate(conditions):
            named = condition.get("question")
            text = NO_QUESTION if named not in known else INNER if named in within else None
            if text is not None:
                where = f"{tail}.enableWhen[{at}].question"
                rule = "Questionnaire.item.enableWhen.question"
                found.append((where, "error", "invalid", text, rule))
    return found


def _every(holder: Json, tail: str) -> Iterator[tuple[Json, str]]:
    waiting = [(holder, tail)]
    while waiting:
        one, here = waiting.pop()
        for at, item in enumerate(one.get("item", ())):
            inner = (item, f"{here}.item[{at}]")
            yield inner
            waiting.append(inner)


# ---------------------------------------------------------------- a response


@dataclass(slots=True)
class Scope:
    """Items of a response side by side, and those around them."""

    items: list[tuple[Json, str]]
    outer: Scope | None = None
    by_link: dict[str, list[Json]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for item, _ in self.items:
            self.by_link.setdefault(item["linkId"], []).append(item)


@dataclass(slots=True)
class Held:
    """One response being held against its questionnaire."""

    questionnaire: Json
    context: Context
    whole: bool  # what is required is there
    links: frozenset[str]
    found: list[Problem] = field(default_factory=list)
    compared: int = 0

    def tell(self, tail: str, code: str, text: str, rule: str, link: str = "") -> None:
        """Say an error, with the linkId of what is missing."""
        told = f"{text} ({link[:SHOWN]})" if link else text
        self.found.append((tail, "error", code, told, f"Questionnaire.item.{rule}"))


def held(response: Json, questionnaire: Json, context: Context) -> list[Problem]:
    """What the answers of a response break of their questionnaire."""
    links = frozenset(item["linkId"] for item, _ in _every(questionnaire, ""))
    whole = response.get("status") not in OPEN
    one = Held(questionnaire, context, whole, links)
    _level(one, questionnaire, response, "", None)
    return one.found


def _level(one: Held, asking: Json, holder: Json, tail: str, outer: Scope | None) -> None:
    """The items below one holder: all are asked there, in order, and what must be is there."""
    questions = asking.get("item", [])
    places = {question["linkId"]: at for at, question in enumerate(questions)}
    scope = Scope(
        [(item, f"{tail}.item[{at}]") for at, item in enumerate(holder.get("item", ()))], outer
    )
    given: dict[str, list[tuple[Json, str]]] = {}
    reached = 0
    for item, here in scope.items:
        place = places.get(item["linkId"])
        if place is None:
            text = MISPLACED if item["linkId"] in one.links else NO_ITEM
            one.tell(f"{here}.linkId", "structure", text, "linkId")
            continue
        if place < reached:
            one.tell(here, "structure", ORDER, "linkId")
        reached = max(reached, place)
        given.setdefault(item["linkId"], []).append((item, here))
    for question in questions:
        _question(one, question, given.get(question["linkId"], []), tail, scope)


def _question(
    one: Held, question: Json, given: list[tuple[Json, str]], tail: str, scope: Scope
) -> None:
    """The items of a response that are one item of its questionnaire."""
    kind, link = question.get("type"), question["linkId"]
    enabled = _enabled(one, question, scope)
    if enabled is False:
        for item, here in given:
            if "answer" in item or "item" in item:
                one.tell(here, "business-rule", DISABLED, "enableWhen")
        return
    repeats = question.get("repeats", False) is True
    if len(given) > 1 and not (repeats and kind == "group"):
        one.tell(given[1][1], "structure", ONCE, "repeats")
    wanted = question.get("required") is True and enabled is True and one.whole
    if wanted and not given:
        text = "The questionnaire requires this item."
        one.tell(f"{tail}.item", "required", text, "required", link)
    for item, here in given:
        if kind == "group" or kind == "display" or kind == "question":
            if "answer" in item:
                one.tell(f"{here}.answer", "structure", NO_ANSWER, "type")
            if kind != "display" and (wanted and "item" not in item and "answer" not in item):
                one.tell(f"{here}.item", "required", EMPTY_GROUP, "required")
            _level(one, question, item, here, scope)
            continue
        _answers(one, question, item, here, wanted, repeats, scope)


def _answers(
    one: Held,
    question: Json,
    item: Json,
    here: str,
    wanted: bool,
    repeats: bool,
    scope: Scope,
) -> None:
    """The answers to one question, and the items below each."""
    listed = item.get("answer", [])
    if wanted and not listed:
        text = "The questionnaire requires an answer here."
        one.tell(f"{here}.answer", "required", text, "required")
    if "item" in item:
        one.tell(f"{here}.item", "structure", IN_ANSWER, "item")
    least = next(extended(question, answers.LEAST, "valueInteger", int), 0)
    most = next(extended(question, answers.MOST, "valueInteger", int), None)
    if len(listed) > 1 and not repeats and most is None:
        one.tell(f"{here}.answer[1]", "structure", ONE_ANSWER, "repeats")
    if len(listed) < least and one.whole:
        text = f"The questionnaire requires {least} answers at least."
        one.tell(f"{here}.answer", "required", text, "extension:minOccurs")
    if most is not None and len(listed) > most:
        text = f"The questionnaire takes {most} answers at most."
        one.tell(f"{here}.answer[{most}]", "structure", text, "extension:maxOccurs")
    if listed:
        rules = asked(question, one.questionnaire, one.context)
        one.found += rules.together(listed, f"{here}.answer")
        for at, answer in enumerate(listed):
            place = f"{here}.answer[{at}]"
            one.found += [(place + rest, *more) for rest, *more in rules.one(answer)]  # type: ignore[misc]
            if "item" in answer or "item" in question:
                _level(one, question, answer, place, scope)


# ---------------------------------------------------------------- conditions


def _enabled(one: Held, question: Json, scope: Scope) -> bool | None:
    """Whether a question is asked; None when that cannot be told."""
    conditions = question.get("enableWhen", ())
    if any(str(e.get("url", "")).endswith(CONDITION) for e in question.get("extension", ())):
        return None
    if not conditions:
        return True
    told = [_holds(one, condition, scope) for condition in conditions]
    if question.get("enableBehavior") == "any":
        return True if True in told else None if None in told else False
    return False if False in told else None if None in told else True


def _holds(one: Held, condition: Json, scope: Scope) -> bool | None:
    """Whether one condition holds of the nearest items that answer its question."""
    given, beyond = _nearest(one, condition["question"], scope)
    if beyond or one.compared > MOST_COMPARED:
        return None
    expected = next(((k, v) for k, v in condition.items() if k.startswith("answer")), None)
    operator = condition.get("operator")
    values = [v for answer in given if (v := answers.value(answer)) is not None]
    if expected is None:
        return None
    if operator == "exists":
        return bool(values) is expected[1]
    wanted = (answers.kind_of(expected[0], "answer"), expected[1], None)
    told = []
    for value in values:
        one.compared += 1
        told.append(_compared(str(operator), value, wanted))
    if operator == "!=":  # R4's sentence leaves open what several answers, or none, make of it
        return None if not told or (True in told and False in told) else told[0]
    return True if True in told else None if None in told else False


def _compared(operator: str, value: Any, wanted: Any) -> bool | None:
    if operator in ("=", "!="):
        same = answers.same(value, wanted)
        return same if operator == "=" else not same
    try:
        told = order(value, wanted)
    except errors.CarnetError:
        return None
    if told is None:
        return None
    return {">": told > 0, "<": told < 0, ">=": told >= 0, "<=": told <= 0}.get(operator)


def _nearest(one: Held, link: str, scope: Scope) -> tuple[list[Json], bool]:
    """Answers to a question: beside the item, or around it, or below those; whether they may be elsewhere."""
    around: Scope | None = scope
    while around is not None:
        if link in around.by_link:
            return [a for item in around.by_link[link] for a in item.get("answer", ())], False
        below = _below(one, link, around)
        if below is None or below:
            return below or [], below is None
        around = around.outer
    return [], False


def _below(one: Held, link: str, scope: Scope) -> list[Json] | None:
    """Answers below the items of a scope; None when too much was looked at."""
    found: list[Json] = []
    waiting = [item for item, _ in scope.items]
    while waiting:
        one.compared += 1
        if one.compared > MOST_COMPARED:
            return None
        item = waiting.pop()
        inner = [*item.get("item", ())]
        inner += [below for answer in item.get("answer", ()) for below in answer.get("item", ())]
        for each in inner:
            if each["linkId"] == link:
                found += each.get("answer", ())
        waiting += inner
    return found
