# SPDX-License-Identifier: EUPL-1.2
"""Public pages: the counter of rules, the money that was announced, the indicators."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from carnet.access.actor import Actor
from carnet.ecosystem import guichet as counter
from carnet.ecosystem import investments as money
from carnet.ecosystem import prevention as calendar
from carnet.portal import bridge, desk
from carnet.portal.record.places import Place
from carnet.portal.record.views import reads
from carnet.words import Source


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is shown: its answers, and the one that was chosen."""

    key: str
    asks: str
    help: str
    answers: list[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class Line:
    """What a table says, in the language of the page."""

    what: str
    todo: str
    source: Source


def language() -> str:
    """fr or en."""
    return (get_language() or "fr")[:2]


@login_not_required
@require_safe
def guichet(request: HttpRequest) -> HttpResponse:
    """A few answers, then the rules that apply; nothing is kept."""
    table, told = counter.guichet(), language()
    answers = {
        each.key: request.GET[each.key] for each in table.questions if request.GET.get(each.key)
    }
    sure, open_ = table.checklist(answers)
    page: Mapping[str, object] = {
        "version": table.version,
        "questions": [
            Asked(
                each.key,
                each.asks[told],
                each.help[told],
                [(key, says[told], answers.get(each.key) == key) for key, says in each.answers],
            )
            for each in table.questions
        ],
        "answered": bool(answers),
        "sure": [Line(each.what[told], each.todo[told], each.source) for each in sure],
        "open": [Line(each.what[told], each.todo[told], each.source) for each in open_],
    }
    return render(request, "ecosystem/guichet.html", dict(page))


@reads
def prevention(request: HttpRequest, who: Actor, place: Place) -> HttpResponse:
    """What the calendar proposes at this age, with its reasons and what the record says."""
    told = language()
    found = bridge.run(desk.parts().ecosystem.prevention(who, place.patient))
    advice = [(each, each.reason.says[told], each.reason.why[told]) for each in found]
    page = {
        "place": place,
        "now": [each for each in advice if each[0].state == "now"],
        "unknown": [each for each in advice if each[0].state == "unknown"],
        "done": [each for each in advice if each[0].state == "done"],
        "version": calendar.calendar()[0],
    }
    return render(request, "ecosystem/prevention.html", page)


@login_not_required
@require_safe
def openness(request: HttpRequest) -> HttpResponse:
    """What is told to everybody."""
    return render(request, "ecosystem/openness.html")


@login_not_required
@require_safe
def investments(request: HttpRequest) -> HttpResponse:
    """The money that was announced, each amount with the text that names it."""
    told = language()
    lines = [(each, each.what[told]) for each in money.investments()]
    return render(request, "ecosystem/investments.html", {"lines": lines})


@login_not_required
@require_safe
def indicators(request: HttpRequest) -> HttpResponse:
    """What the audit says of how the platform is used; no group of fewer than eleven people."""
    told = language()
    found = [(each, each.says[told]) for each in bridge.run(desk.parts().ecosystem.indicators())]
    return render(request, "ecosystem/indicators.html", {"found": found})


@login_not_required
@require_safe
def regulated(request: HttpRequest) -> HttpResponse:
    """The functions that may be a medical device: what each is for, and whether it is in service here."""
    told = language()
    page = {
        "found": [
            (each, each.function.name[told], each.function.purpose[told])
            for each in desk.parts().ecosystem.regulated()
        ]
    }
    return render(request, "ecosystem/regulated.html", page)
