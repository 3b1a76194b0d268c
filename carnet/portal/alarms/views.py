# SPDX-License-Identifier: EUPL-1.2
"""The page of alarms: each with what happened, to which account, what was done, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.access.limits.alarms import Alarm, reasons
from carnet.portal import bridge, desk
from carnet.portal.acting.operators import operator

DONE = {
    "nothing": gettext_noop("Rien n’a été fait de soi-même."),
    "refused": gettext_noop("Ce qui était de trop a été refusé."),
    "grant-ended": gettext_noop("L’autorisation de l’application a été terminée."),
    "account-stopped": gettext_noop(
        "Le compte a été arrêté partout, avec ses connexions et ses applications."
    ),
}


class WordForm(forms.Form):
    """How an alarm is closed."""

    alarm = forms.IntegerField(widget=forms.HiddenInput)
    word = forms.CharField(
        label=_("Ce que c’était"),
        max_length=500,
        error_messages={"required": _("Écrivez en un mot ce que c’était.")},
    )
    reopen = forms.BooleanField(label=_("Rouvrir le compte"), required=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """An alarm as it is read."""

    alarm: Alarm
    what: str
    todo: str
    done: str
    first: str
    last: str
    form: WordForm | None


def moment(at: datetime) -> str:
    """A day and an hour, here."""
    return date_format(timezone.localtime(at), "j F Y, H:i")


def shown(found: Sequence[Alarm], wrong: WordForm | None) -> list[Shown]:
    """Each alarm, with the form that closes it while it is open."""
    language, made = (get_language() or "fr")[:2], []
    for each in found:
        reason = reasons()[each.reason]
        form = None
        if each.closed_at is None:
            given = wrong is not None and wrong.data.get("alarm") == str(each.id)
            form = (
                wrong if given else WordForm(initial={"alarm": each.id}, auto_id=f"a{each.id}-%s")
            )
        made.append(
            Shown(
                each,
                reason.what[language],
                reason.todo[language],
                gettext(DONE[each.done]),
                moment(each.at),
                moment(each.last),
                form,
            )
        )
    return made


@require_http_methods(["GET", "HEAD", "POST"])
def alarms(request: HttpRequest) -> HttpResponse:
    """See them, take one, close one."""
    who, acts, wrong = operator(request), desk.parts().alarms, None
    if request.method == "POST":
        number = request.POST.get("alarm", "")
        if not (number.isascii() and number.isdigit() and len(number) < 18):
            raise errors.NotFound
        if request.POST.get("act") == "take":
            bridge.run(acts.take(who, int(number)))
            return redirect("alarms")
        form = WordForm(request.POST, auto_id=f"a{number}-%s")
        if form.is_valid():
            given = form.cleaned_data
            bridge.run(acts.close(who, int(number), given["word"], reopen=given["reopen"]))
            return redirect("alarms")
        wrong = form
    found = shown(bridge.run(acts.listed(who)), wrong)
    page = {
        "waiting": [each for each in found if each.form],
        "closed": [each for each in found if not each.form],
    }
    return render(request, "alarms/alarms.html", {**page, "form": wrong})
