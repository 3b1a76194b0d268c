# SPDX-License-Identifier: EUPL-1.2
"""Faults of the one page, planted on purpose: each breaks a promise of `claims.py`.

A fault is a part of a rule written otherwise; a part that is not there any more plants nothing, and
says so.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from carnet.summary import (
    allergies,
    directives,
    facts,
    pages,
    problems,
    results,
    stays,
    treatments,
    vaccinations,
)
from tests.summary import claims

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Fault:
    """One fault, and the promise it breaks."""

    name: str
    claim: Callable[[], None]
    plant: Plant


def written(module: ModuleType, function: str, *parts: tuple[str, str]) -> Plant:
    """A function of a module with parts of its text replaced, wherever it is used."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        plain = getattr(module, function)
        text = textwrap.dedent(inspect.getsource(plain))
        for old, new in parts:
            assert text.count(old) == 1, f"{function} does not say {old!r}: plant it elsewhere"
            text = text.replace(old, new)
        made: dict[str, Any] = {}
        exec(compile(text, str(module.__file__), "exec"), module.__dict__, made)
        for each in [one for name, one in sys.modules.items() if name.startswith("carnet.summary")]:
            if getattr(each, function, None) is plain:
                patch.setattr(each, function, made[function])

    return plant


def value(module: ModuleType, name: str, new: Any) -> Plant:
    """A value of a module replaced."""
    assert hasattr(module, name)
    return lambda patch: patch.setattr(module, name, new)


def _any_declared(patch: pytest.MonkeyPatch) -> None:
    mixed = property(lambda line: any(each.by != "professional" for each in line.sources))
    patch.setattr(pages.Line, "declared", mixed)


NOBODY: frozenset[str] = frozenset()
GIVEN = 'each.own.get("status") == "completed" and '
FAULTS = (
    Fault("who declares is not looked at", claims.declared_is_told_apart,
          value(facts, "by", lambda own: None)),
    Fault("a relative is taken for a professional", claims.declared_is_told_apart,
          written(facts, "by", ('"relative" if "RelatedPerson" in kinds else OTHER', "OTHER"))),
    Fault("one declaration marks what a professional says too", claims.declared_is_told_apart,
          _any_declared),
    Fault("a measure of one's own is not told apart", claims.declared_is_told_apart,
          written(results, "_made", ('source.by != "professional"', "False"))),
    Fault("a denied problem is a problem", claims.denied_is_no_problem,
          written(problems, "_line", ('verification(each) != "refuted"', "True"))),
    Fault("a denied allergy is an allergy", claims.denied_is_no_problem,
          written(allergies, "_line", ('verification(each) != "refuted"', "True"))),
    Fault("a vaccine that was not given was", claims.denied_is_no_problem,
          written(vaccinations, "vaccinations", (GIVEN, ""))),
    Fault("an act that was not done was", claims.denied_is_no_problem,
          value(stays, "DONE", stays.DONE | {"not-done"})),
    Fault("none known is a problem", claims.none_known_is_no_problem,
          value(problems, "nothing", lambda concept: None)),
    Fault("none known is an allergy", claims.none_known_is_no_problem,
          value(allergies, "nothing", lambda concept: None)),
    Fault("no treatment is a treatment", claims.none_known_is_no_problem,
          value(treatments, "nothing", lambda concept: None)),
    Fault("nobody was asked, so there is none", claims.none_known_is_no_problem,
          written(facts, "nothing", ('"silent" if value in data["silent"] else "none"', '"none"'))),
    Fault("a problem entered in error", claims.entered_in_error_is_nowhere,
          value(problems, "VOID", "")),
    Fault("an allergy entered in error", claims.entered_in_error_is_nowhere,
          value(allergies, "VOID", "")),
    Fault("a treatment entered in error", claims.entered_in_error_is_nowhere,
          value(treatments, "VOID", NOBODY)),
    Fault("a result entered in error", claims.entered_in_error_is_nowhere,
          value(results, "VOID", NOBODY)),
    Fault("a wish entered in error", claims.entered_in_error_is_nowhere,
          value(directives, "VOID", NOBODY)),
    Fault("a stay entered in error", claims.entered_in_error_is_nowhere,
          value(stays, "VOID", NOBODY)),
    Fault("an act entered in error", claims.entered_in_error_is_nowhere,
          value(stays, "DONE", stays.DONE | {"entered-in-error"})),
    Fault("a vaccine entered in error", claims.entered_in_error_is_nowhere,
          written(vaccinations, "vaccinations", (GIVEN, ""),
                  (' if each.own.get("status") != "entered-in-error"', ""))),
    Fault("the newest decides of a treatment", claims.one_who_stops_and_one_who_goes_on,
          written(treatments, "_ended", ("stops.get((fact.told.author, fact.told.by))",
                                         "next(iter(stops.values()), None)"))),
    Fault("a stop is not told", claims.one_who_stops_and_one_who_goes_on,
          written(treatments, "_line", ('conflicts.append("stopped-elsewhere")', "pass"))),
    Fault("what a source says is not told", claims.one_who_stops_and_one_who_goes_on,
          written(treatments, "_line", ("said=_said(each, now, language) if said else \"\"", 'said=""'))),
    Fault("the patient is not believed", claims.one_who_does_not_take_it,
          written(treatments, "_line", ('conflicts.append("not-taken")', "pass"))),
    Fault("the newest dose wins", claims.two_doses,
          written(treatments, "_line", ('conflicts.append("doses")', "pass"))),
    Fault("who denies a problem is left out", claims.one_who_denies_and_one_who_states,
          written(problems, "_line", ("len(held) < len(group)", "False"))),
    Fault("who denies an allergy is left out", claims.one_who_denies_and_one_who_states,
          written(allergies, "_line", ("len(held) < len(group)", "False"))),
    Fault("who ends a problem wins", claims.one_who_ends_and_one_who_states,
          value(problems, "_same_author", lambda one, other: True)),
    Fault("who ends an allergy wins", claims.one_who_ends_and_one_who_states,
          written(allergies, "_line", ("        not lasts,\n", "        bool(over),\n"))),
    Fault("no problem stands beside a problem", claims.none_known_and_one_stated,
          written(problems, "absence", ('("contradicted",) if lines else ()', "()"))),
    Fault("no allergy stands beside an allergy", claims.none_known_and_one_stated,
          written(allergies, "_absence", ('("contradicted",) if against else ()', "()"))),
    Fault("no treatment stands beside a treatment", claims.none_known_and_one_stated,
          written(treatments, "_none", ('("contradicted",) if lines else ()', "()"))),
    Fault("one of two values is chosen", claims.two_values_of_one_instant,
          written(results, "_last", ("len(shown) > 1", "False"))),
    Fault("another's result is the patient's", claims.another_s_is_never_the_patient_s,
          value(results, "of_another", lambda own: False)),
    Fault("another who is only named is the patient", claims.another_s_is_never_the_patient_s,
          value(results, "of_another", lambda own: any("reference" in e for e in own.get("focus", ())
                                                       if e != own["subject"]))),
    Fault("stopped goes on", claims.stopped_is_not_current,
          value(treatments, "STOPPED", NOBODY)),
    Fault("completed goes on", claims.stopped_is_not_current,
          value(treatments, "ENDED", NOBODY)),
    Fault("ends are not looked at", claims.stopped_is_not_current,
          value(treatments, "ending", lambda fact: None)),
    Fault("not to be taken is taken", claims.stopped_is_not_current,
          written(treatments, "state", ('own.get("doNotPerform") is True or ', ""))),
    Fault("a proposal is a treatment", claims.stopped_is_not_current,
          value(treatments, "UNASKED", NOBODY)),
    Fault("a stop of the same author ends nothing", claims.stopped_is_not_current,
          value(treatments, "_ended", lambda fact, stops: False)),
    Fault("a bounded dose has no end", claims.stopped_is_not_current,
          written(treatments, "ending", ("if bounded and all(bounded)", "if False"))),
)  # fmt: skip
