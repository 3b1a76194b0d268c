# SPDX-License-Identifier: EUPL-1.2
"""Assistants: a professional names theirs; an assistant chooses for whom they act, and every page says it."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.access.actor import Actor
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import ACTING_FOR, actor
from carnet.portal.acting.acts import ActingActs
from carnet.portal.record import words
from carnet.rights.acting.queries import Assisted, Colleague


@dataclass(frozen=True, slots=True)
class ColleagueLine:
    """An assistant of the same place, and since when they assist who looks."""

    one: Colleague
    since: str  # "" when they do not


@dataclass(frozen=True, slots=True)
class Choice:
    """A professional an assistant may act for."""

    one: Assisted
    name: str
    current: bool


def acts() -> ActingActs:
    """What the pages call."""
    return desk.parts().acts


@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """The assistants of a professional, and those of their establishments they may name."""
    who = actor(request)
    if who.kind != "professional":
        raise errors.NotFound
    if request.method == "POST":
        named = request.POST.get("act") == "name"
        bridge.run(acts().assist(who, request.POST.get("of", ""), None, named=named))
        return redirect("assistants")
    found = bridge.run(acts().colleagues(who))
    lines = [ColleagueLine(one, words.day(one.since) if one.since else "") for one in found]
    page = {
        "theirs": [one for one in lines if one.since],
        "others": [one for one in lines if not one.since],
    }
    return render(request, "acting/assistants.html", {"page": page})


def assistant(request: HttpRequest) -> Actor:
    """Somebody who assists professionals."""
    who = actor(request)
    if who.kind != "assistant":
        raise errors.NotFound
    return who


@require_http_methods(["GET", "HEAD", "POST"])
def assisting(request: HttpRequest) -> HttpResponse:
    """Whom an assistant acts for, and the choice of another."""
    who = assistant(request)
    found = bridge.run(acts().assisted(who))
    if request.method == "POST":
        chosen = next((one for one in found if str(one.rpps) == request.POST.get("of")), None)
        if chosen is None:
            raise errors.NotFound
        request.session[ACTING_FOR] = chosen.rpps
        return redirect("assisting")
    choices = [
        Choice(one, one.name or f"RPPS {one.rpps:011d}", one.rpps == who.rpps) for one in found
    ]
    return render(request, "acting/assisting.html", {"choices": choices})
