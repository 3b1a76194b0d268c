# SPDX-License-Identifier: EUPL-1.2
"""Unlock, choose whom to see, read the report."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from carnet import errors
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import REVISION, SEEN, actor
from carnet.portal.opening.acts import OpeningActs

OWNER = "owner"  # the one account
PAUSE = 1.0  # seconds after a wrong passphrase
FORMS = ("html", "json", "junit")

_one = threading.Lock()  # one try at a time, whoever tries

View = Callable[..., HttpResponse]


def acts() -> OpeningActs:
    """The acts of this instance; no page of these where it is not private."""
    found: OpeningActs | None = getattr(desk.parts(), "opening", None)
    if found is None or not desk.config().private:
        raise Http404
    return found


def private(view: View) -> View:
    """A page of a private instance alone."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        acts()
        return view(request, *args, **kwargs)

    return guarded


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@private
def unlock(request: HttpRequest) -> HttpResponse:
    """The passphrase, then the people."""
    wrong = False
    if request.method == "POST":
        given = request.POST.get("passphrase", "")
        with _one:
            if acts().unlocks(given):
                user = User.objects.get(username=OWNER)
                login(request, user, backend="allauth.account.auth_backends.AuthenticationBackend")
                return redirect("people")
            wrong = True
            time.sleep(PAUSE)
    return render(request, "opening/unlock.html", {"wrong": wrong}, status=403 if wrong else 200)


@require_safe
@private
def people(request: HttpRequest) -> HttpResponse:
    """Everybody the documents name, each apart."""
    who = actor(request)
    found = bridge.run(acts().people())
    report = acts().report()
    alike = Counter((each.name, each.birth_date) for each in found)
    met: Counter[tuple[str, date | None]] = Counter()
    numbers: dict[str, int] = {}
    for each in found:
        met[each.name, each.birth_date] += 1
        numbers[each.subject] = met[each.name, each.birth_date]
    lines = [
        {
            "one": each,
            "number": numbers[each.subject],
            "alike": alike[each.name, each.birth_date],
            "born": date_format(each.birth_date, "j F Y") if each.birth_date else "",
            "current": each.subject == who.sub,
        }
        for each in found
    ]
    return render(
        request,
        "opening/people.html",
        {"lines": lines, "report": report, "loading": bool(report) and not report.get("ended")},
    )


@require_http_methods(["POST"])
@private
def choose(request: HttpRequest) -> HttpResponse:
    """Whose documents are read from now on."""
    wanted = request.POST.get("subject", "")
    if wanted not in {each.subject for each in bridge.run(acts().people())}:
        raise errors.NotFound
    chosen = bridge.run(desk.parts().actor(wanted))
    request.session[SEEN] = wanted
    request.session[REVISION] = chosen.rev
    return redirect("mine:health")


@require_safe
@private
def report(request: HttpRequest) -> HttpResponse:
    """What was understood, kept, or does not conform, file by file."""
    actor(request)
    found = acts().report()
    words = {
        "in": _("lu"),
        "already there": _("déjà là"),
        "skipped": _("laissé"),
        "refused": _("refusé"),
    }
    files = [
        {
            **each,
            "state": words.get(each["outcome"], each["outcome"]),
            "data": [line for line in each["understood"] if line["fate"] == "data"],
            "kept": [line for line in each["understood"] if line["fate"] == "kept"],
            "broken": [one for one in each["findings"] if one.get("source")],
            "doubts": [one for one in each["findings"] if not one.get("source")],
        }
        for each in found.get("files", [])
    ]
    return render(
        request,
        "opening/report.html",
        {"report": found, "files": files, "ended": found.get("ended"), "forms": FORMS},
    )


@require_safe
@private
def written(request: HttpRequest, form: str) -> HttpResponse:
    """The report to give away."""
    actor(request)
    if form not in FORMS:
        raise errors.NotFound
    media, content = acts().written(form)
    suffix = {"html": "html", "json": "json", "junit": "xml"}[form]
    answer = HttpResponse(content, content_type=media)
    answer["Content-Disposition"] = f'attachment; filename="carnet-report.{suffix}"'
    return answer


urls = [
    path("ouvrir/", unlock, name="unlock"),
    path("personnes/", people, name="people"),
    path("personnes/choisir/", choose, name="choose"),
    path("rapport/", report, name="report"),
    path("rapport/<slug:form>/", written, name="report-file"),
]
