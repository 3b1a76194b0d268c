# SPDX-License-Identifier: EUPL-1.2
"""Write a prescription: its lines, then the whole of it read again, then published."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from carnet.composing.prescription import NotAPrescriber, prescribes, rules
from carnet.errors import Conflict
from carnet.portal import bridge
from carnet.portal.accounts.actors import actor
from carnet.portal.prescribing.forms import FIELDS, FIRST, PrescriptionForm
from carnet.portal.record.places import Place
from carnet.portal.record.views import acts, other


@require_http_methods(["GET", "HEAD", "POST"])
def prescribe(request: HttpRequest, patient: str) -> HttpResponse:
    """The lines; reviewed; written, then its document."""
    who = actor(request)
    place = other(request, who, patient)
    if who.kind != "professional" or not prescribes(who.profession):
        raise NotAPrescriber
    if request.method != "POST":
        return _form(request, place, PrescriptionForm())
    count, act = _count(request), request.POST.get("act", "")
    if act in ("more", "change"):
        count = min(count + (act == "more"), rules()["limits"]["lines"])
        return _form(request, place, PrescriptionForm(initial=_typed(request, count), count=count))
    form = PrescriptionForm(request.POST, count=count)
    if not form.is_valid():
        return _form(request, place, form)
    if act != "write":
        number = bridge.run(acts().prescription_number())
        context = {"form": form, "place": place, "number": number, "who": who}
        return render(request, "prescribing/review.html", context)
    number = request.POST.get("number", "")
    try:
        document = bridge.run(acts().prescribe(who, patient, form.lines, number))
    except Conflict:  # sent twice: it is written already
        return redirect(place.url("documents"))
    return redirect(place.url("document", document))


def _form(request: HttpRequest, place: Place, form: PrescriptionForm) -> HttpResponse:
    whole = form.count >= rules()["limits"]["lines"]
    context = {"form": form, "place": place, "whole": whole}
    return render(request, "prescribing/write.html", context)


def _count(request: HttpRequest) -> int:
    said = request.POST.get("count", "")
    count = int(said) if said.isascii() and said.isdigit() and len(said) <= 2 else FIRST
    return max(1, min(count, rules()["limits"]["lines"]))


def _typed(request: HttpRequest, count: int) -> dict[str, str]:
    names = [f"{name}_{number}" for number in range(1, count + 1) for name in FIELDS]
    return {name: request.POST[name] for name in names if name in request.POST}
