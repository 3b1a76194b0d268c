# SPDX-License-Identifier: EUPL-1.2
"""Alarm signs on two screens, questions on the third, then whom to turn to and where they are."""

from collections.abc import Mapping

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from carnet.care.orientation.table import SCREENS, NotAnAnswer, Table, Way
from carnet.directory.near import NotAPostalCode
from carnet.portal import bridge, desk
from carnet.portal.ecosystem.views import language

NONE = "none"  # "none of these": said, never supposed
SHOWN = 10  # places


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def orientation(request: HttpRequest) -> HttpResponse:
    """The screen after what was answered; each stands alone, and the way back is the browser's."""
    table = desk.parts().orientation.table()
    if request.method != "POST":
        return signs(request, table, SCREENS[0])
    step = request.POST.get("step", "")
    if step in {str(each) for each in SCREENS}:
        return after_signs(request, table, int(step))
    if step == "questions":
        return after_questions(request, table)
    if step == "near":
        return places(request, table)
    raise NotAnAnswer


def after_signs(request: HttpRequest, table: Table, screen: int) -> HttpResponse:
    """One sign is 15, whatever else is ticked; nothing ticked is asked again."""
    alarm = table.alarm(request.POST.getlist("sign"))
    if alarm is not None:
        return way(request, table, alarm)
    if NONE not in request.POST:
        return signs(request, table, screen, missing=True)
    following = screen + 1
    return signs(request, table, following) if following in SCREENS else questions(request, table)


def signs(
    request: HttpRequest, table: Table, screen: int, *, missing: bool = False
) -> HttpResponse:
    """One screen of signs."""
    told = language()
    page = {
        "screen": screen,
        "signs": [(each.key, each.says[told]) for each in table.on(screen)],
        "missing": missing,
    }
    return shown(request, table, "signs", page)


def questions(
    request: HttpRequest, table: Table, answers: Mapping[str, str] | None = None
) -> HttpResponse:
    """The questions; answers: those given when others were forgotten."""
    told, given = language(), answers or {}
    asked = [
        (
            each.key,
            each.asks[told],
            [(key, says[told], given.get(each.key) == key) for key, says in each.answers.items()],
            answers is not None and each.key not in given,
        )
        for each in table.questions
    ]
    page = {"questions": asked, "missing": answers is not None}
    return shown(request, table, "questions", page)


def after_questions(request: HttpRequest, table: Table) -> HttpResponse:
    """The way, once all are answered."""
    keys = [each.key for each in table.questions]
    answers = {key: request.POST[key] for key in keys if request.POST.get(key)}
    if len(answers) < len(keys):
        return questions(request, table, answers)
    return way(request, table, table.way(answers))


def places(request: HttpRequest, table: Table) -> HttpResponse:
    """The way again, with the places near a postal code."""
    found = table.ways.get(request.POST.get("way", ""))
    if found is None or not found.places:
        raise NotAnAnswer
    return way(request, table, found, request.POST.get("code", "").replace(" ", ""))


def way(request: HttpRequest, table: Table, found: Way, code: str | None = None) -> HttpResponse:
    """Whom to turn to."""
    told = language()
    near, error = None, ""
    if code is not None:
        try:
            near = bridge.run(desk.parts().orientation.near(found.places, code))[:SHOWN]
        except NotAPostalCode:
            error = gettext("Écrivez un code postal de cinq chiffres.")
    page = {
        "way": found,
        "title": found.title[told],
        "says": found.says[told],
        "code": code or "",
        "near": near,
        "error": error,
    }
    return shown(request, table, "way", page)


def shown(
    request: HttpRequest, table: Table, name: str, page: Mapping[str, object]
) -> HttpResponse:
    """A screen, with what is said on all."""
    more = {"version": table.version, "reviewed": table.reviewed}
    return render(request, f"orientation/{name}.html", {**page, **more})
