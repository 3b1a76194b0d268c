# SPDX-License-Identifier: EUPL-1.2
"""The pages of a person's appointments."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.access.actor import Actor
from carnet.care.agenda.pages import Meeting
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.record.places import Place
from carnet.portal.record.views import other, reads

HOW = {
    "AMB": gettext_noop("Au cabinet ou à l’hôpital"),
    "HH": gettext_noop("À domicile"),
    "VR": gettext_noop("À distance"),
}
STATUS = {
    "pending": gettext_noop("À confirmer"),
    "booked": gettext_noop("Confirmé"),
    "arrived": gettext_noop("Arrivé"),
    "checked-in": gettext_noop("Arrivé"),
    "fulfilled": gettext_noop("A eu lieu"),
    "noshow": gettext_noop("N’a pas eu lieu"),
    "cancelled": gettext_noop("Annulé"),
}


def moment(at: datetime | None) -> str:
    """A day and an hour, here."""
    if at is None:
        return gettext("Date à fixer")
    return date_format(timezone.localtime(at), "l j F Y, H:i")


def shown(place: Place, each: Meeting) -> dict[str, object]:
    """An appointment as it is read."""
    return {
        "one": each,
        "when": moment(each.start),
        "how": gettext(HOW[each.how]) if each.how in HOW else "",
        "status": gettext(STATUS[each.status]) if each.status in STATUS else "",
        "change": place.url("change-appointment", each.id),
        "file": place.url("appointment-file", each.id),
    }


def changing(request: HttpRequest, who: Actor, patient: str) -> Place:
    """One's own record, or that of whom one acts for in everything; absent to anybody else."""
    if who.kind != "patient":
        raise errors.NotFound
    place = other(request, who, patient) if patient else Place("", None)
    if not place.adds:
        raise errors.NotFound
    return place


@reads
def appointments(request: HttpRequest, who: Actor, place: Place) -> HttpResponse:
    """Those to come, then the others."""
    found = bridge.run(desk.parts().agenda.appointments(who, place.patient))
    page = {
        "place": place,
        "coming": [shown(place, each) for each in reversed(found) if each.open],
        "others": [shown(place, each) for each in found if not each.open],
    }
    return render(request, "agenda/appointments.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, appointment: str, patient: str = "") -> HttpResponse:
    """One appointment: cancel it, or take another slot."""
    who = actor(request)
    place = changing(request, who, patient)
    acts, refused = desk.parts().agenda, ""
    if request.method == "POST":
        slot = request.POST.get("slot", "")
        try:
            if request.POST.get("act") == "cancel":
                bridge.run(acts.cancel(who, place.patient, appointment))
            elif slot:
                bridge.run(acts.move(who, place.patient, appointment, slot))
            else:
                raise errors.BusinessRule
        except errors.Conflict:
            refused = gettext(
                "Ce créneau vient d’être pris, ou le rendez-vous a changé. Choisissez-en un autre."
            )
        except errors.BusinessRule:
            refused = gettext("Choisissez un créneau de la liste.")
        else:
            return redirect(place.url("appointments"))
    found = bridge.run(acts.appointments(who, place.patient))
    one = next((each for each in found if each.id == appointment), None)
    if one is None or not one.open:
        raise errors.NotFound
    free = bridge.run(acts.free(who, place.patient, appointment))
    page = {
        "place": place,
        "shown": shown(place, one),
        "free": [(each.id, moment(each.start)) for each in free],
        "refused": refused,
    }
    return render(request, "agenda/change.html", page, status=409 if refused else 200)


@reads
def file(request: HttpRequest, who: Actor, place: Place, appointment: str) -> HttpResponse:
    """For one's own calendar: when and where, never why."""
    title = gettext("Rendez-vous")
    name, made = bridge.run(desk.parts().agenda.file(who, place.patient, appointment, title))
    response = HttpResponse(made, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
