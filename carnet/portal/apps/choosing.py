# SPDX-License-Identifier: EUPL-1.2
"""A professional chooses the patient an application asks for, among those who are open to them."""

from dataclasses import dataclass

from django.http import HttpRequest

from carnet import errors
from carnet.access.actor import Actor
from carnet.portal import bridge, desk
from carnet.portal.patients import views as patients
from carnet.portal.patients.forms import InsForm, PersonForm
from carnet.portal.patients.views import Card


@dataclass(frozen=True, slots=True)
class Choosing:
    """The search, and those found whose record is open to this professional: the others are absent."""

    ins: InsForm
    person: PersonForm
    sent: InsForm | PersonForm | None = None
    searched: bool = False
    found: tuple[Card, ...] = ()


def nothing() -> Choosing:
    """The search, empty."""
    return Choosing(InsForm(auto_id="ins-%s"), PersonForm(auto_id="person-%s"))


def search(request: HttpRequest, who: Actor) -> Choosing:
    """What was typed, and whom it finds: traced and counted as any search."""
    empty = nothing()
    ins, person = empty.ins, empty.person
    sent: InsForm | PersonForm
    if "ins" in request.POST:
        sent = ins = InsForm(request.POST, auto_id="ins-%s")
    else:
        sent = person = PersonForm(request.POST, auto_id="person-%s")
    if not sent.is_valid():
        return Choosing(ins, person, sent)
    try:
        found = bridge.run(desk.parts().acts.find(who, sent.typed()))
    except errors.Invalid:
        sent.add_error(*patients.reproach(sent))
        return Choosing(ins, person, sent)
    cards = tuple(patients.card(one) for one in found if one.consented)
    return Choosing(ins, person, sent, searched=True, found=cards)


def chosen(request: HttpRequest, who: Actor) -> str:
    """Id of the patient whose card the form bears, "" without one; NotFound when it is not open to them."""
    if not request.POST.get("card"):
        return ""
    if who.kind != "professional":
        raise errors.Invalid
    return bridge.run(desk.parts().acts.resolve(who, patients.known(request).handle))
