# SPDX-License-Identifier: EUPL-1.2
"""Write a prescription, its lines read again before it is published; stop one's own, or replace it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from carnet.access.actor import Actor
from carnet.composing.prescription import Group, NotAPrescriber, prescribes, rules
from carnet.errors import Conflict
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.prescribing.ends import EndForm, StopForm
from carnet.portal.prescribing.forms import FIELDS, FIRST, PrescriptionForm, typed
from carnet.portal.record.places import Place
from carnet.portal.record.views import acts, other


@dataclass(frozen=True, slots=True)
class Instead:
    """What a prescription takes the place of, and why its lines end."""

    group: Group
    form: EndForm


@require_http_methods(["GET", "HEAD", "POST"])
def prescribe(request: HttpRequest, patient: str) -> HttpResponse:
    """The lines; reviewed; written, then its document."""
    who, place = _opened(request, patient)
    instead = _instead(request, who, patient)
    if request.method != "POST":
        return _first(request, who, place, instead)
    count, act = _count(request), request.POST.get("act", "")
    if act in ("more", "change"):
        count = min(count + (act == "more"), rules()["limits"]["lines"])
        form = PrescriptionForm(initial=_typed(request, count), count=count)
        return _form(request, place, form, instead)
    form = PrescriptionForm(request.POST, count=count)
    if not form.is_valid() or (instead is not None and not instead.form.is_valid()):
        return _form(request, place, form, instead)
    if act != "write":
        number = bridge.run(acts().prescription_number())
        context = {"form": form, "place": place, "number": number, "who": who, "instead": instead}
        return render(request, "prescribing/review.html", context)
    number = request.POST.get("number", "")
    try:
        document = bridge.run(_written(who, patient, form, instead, number))
    except Conflict:  # sent twice: it is written already
        return redirect(place.url("documents"))
    return redirect(place.url("document", document))


@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, patient: str, document: str) -> HttpResponse:
    """A prescription of one's own, and the lines that end."""
    who, place = _opened(request, patient)
    prescribing = desk.parts().prescribing
    group = bridge.run(prescribing.group(who, patient, document))
    number = bridge.run(prescribing.number())
    form = StopForm(group=group)
    if request.method == "POST":
        form = StopForm(request.POST, group=group)
        if form.is_valid():
            sent = request.POST.get("number", "")
            try:
                told = bridge.run(
                    prescribing.stop(who, patient, document, form.chosen, form.reason, sent)
                )
            except Conflict:
                return redirect(place.url("documents"))
            return redirect(place.url("document", told))
    context = {"group": group, "form": form, "place": place, "number": number}
    return render(request, "prescribing/stop.html", context)


def _opened(request: HttpRequest, patient: str) -> tuple[Actor, Place]:
    """Who prescribes, and whose record."""
    who = actor(request)
    place = other(request, who, patient)
    if who.kind != "professional" or not prescribes(who.profession):
        raise NotAPrescriber
    return who, place


def _instead(request: HttpRequest, who: Actor, patient: str) -> Instead | None:
    """What is replaced, when something is."""
    given = request.POST if request.method == "POST" else request.GET
    document = given.get("remplace", "")
    if not document:
        return None
    group = bridge.run(desk.parts().prescribing.group(who, patient, document))
    asked = request.method == "POST" and request.POST.get("act") not in ("more", "change")
    form = EndForm(request.POST) if asked else EndForm(initial=request.POST.dict())
    return Instead(group, form)


async def _written(
    who: Actor, patient: str, form: PrescriptionForm, instead: Instead | None, number: str
) -> str:
    if instead is None:
        return await acts().prescribe(who, patient, form.lines, number)
    document, reason = instead.group.document, instead.form.reason
    return await desk.parts().prescribing.replace(
        who, patient, document, form.lines, reason, number
    )


def _first(request: HttpRequest, who: Actor, place: Place, instead: Instead | None) -> HttpResponse:
    """What is shown first: lines to type, those of what is replaced typed already."""
    if instead is None:
        groups = bridge.run(desk.parts().prescribing.groups(who, place.patient))
        return _form(request, place, PrescriptionForm(), None, groups)
    lines = [each.line for each in instead.group.going if each.line is not None]
    form = PrescriptionForm(initial=typed(lines), count=max(len(lines), 1))
    return _form(request, place, form, instead)


def _form(
    request: HttpRequest,
    place: Place,
    form: PrescriptionForm,
    instead: Instead | None,
    groups: Sequence[Group] = (),
) -> HttpResponse:
    whole = form.count >= rules()["limits"]["lines"]
    context = {
        "form": form,
        "place": place,
        "whole": whole,
        "instead": instead,
        "groups": groups,
    }
    return render(request, "prescribing/write.html", context)


def _count(request: HttpRequest) -> int:
    said = request.POST.get("count", "")
    count = int(said) if said.isascii() and said.isdigit() and len(said) <= 2 else FIRST
    return max(1, min(count, rules()["limits"]["lines"]))


def _typed(request: HttpRequest, count: int) -> dict[str, str]:
    names = [f"{name}_{number}" for number in range(1, count + 1) for name in FIELDS]
    return {name: request.POST[name] for name in names if name in request.POST}
