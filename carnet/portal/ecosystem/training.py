# SPDX-License-Identifier: EUPL-1.2
"""Exercises: two minutes on the real pages of a demonstration, checked by what was really done."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from carnet import errors
from carnet.access.actor import Actor
from carnet.ecosystem.exercises import Exercise, exercises
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.ecosystem.views import language

BEGAN = "exercises"  # of the session: when each was begun


def theirs(request: HttpRequest) -> tuple[Actor, list[Exercise]]:
    """Who asks, and the exercises made for their pages; none where people are real."""
    who = actor(request)
    if not desk.config().demo:
        raise errors.NotFound
    return who, [each for each in exercises() if each.made_for(str(who.kind), who.profession)]


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Those of one's role."""
    _, found = theirs(request)
    told = language()
    lines = [(each.key, each.says[told], each.why[told]) for each in found]
    return render(request, "ecosystem/training.html", {"lines": lines})


@require_http_methods(["GET", "HEAD", "POST"])
def exercise(request: HttpRequest, key: str) -> HttpResponse:
    """One: begin it, and see which steps are done."""
    who, found = theirs(request)
    one = next((each for each in found if each.key == key), None)
    if one is None:
        raise errors.NotFound
    acts = desk.parts().ecosystem
    if request.method == "POST":
        request.session[BEGAN] = {**request.session.get(BEGAN, {}), key: acts.now().isoformat()}
        return redirect("exercise", key)
    began = request.session.get(BEGAN, {}).get(key)
    told = language()
    steps = [False] * len(one.steps)
    if began is not None:
        steps = list(bridge.run(acts.exercise(who, one, datetime.fromisoformat(began))))
    page = {
        "key": key,
        "says": one.says[told],
        "why": one.why[told],
        "began": began is not None,
        "over": all(steps),
        "steps": [
            (step.says[told], reverse(step.page), is_done)
            for step, is_done in zip(one.steps, steps, strict=True)
        ],
    }
    return render(request, "ecosystem/exercise.html", page)
