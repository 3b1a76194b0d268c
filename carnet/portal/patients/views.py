# SPDX-License-Identifier: EUPL-1.2
"""Find a patient, declare a consent, open the record.

What is typed travels in the body of a request, never in an address: addresses are logged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from carnet import errors
from carnet.access.actor import Actor
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.patients.forms import ConsentForm, InsForm, PersonForm, sealed, unsealed
from carnet.portal.record import words
from carnet.vigilance.pages import Found


@dataclass(frozen=True, slots=True)
class FindView:
    """The search, and what it found."""

    ins: InsForm
    person: PersonForm
    sent: InsForm | PersonForm | None  # the one of the two that was sent
    searched: bool
    found: tuple["Card", ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One person found."""

    found: Found
    name: str
    born: str
    sex: str
    sealed: str


def professional(request: HttpRequest) -> Actor:
    """Only professionals declare a consent, or open in an emergency."""
    who = actor(request)
    if who.kind != "professional":
        raise errors.NotFound
    return who


def finder(request: HttpRequest) -> Actor:
    """A professional, or an assistant, who finds those whom their professional treats."""
    who = actor(request)
    if who.kind not in ("professional", "assistant"):
        raise errors.NotFound
    return who


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """The search form; its results on the same page."""
    who = finder(request)
    ins, person = InsForm(auto_id="ins-%s"), PersonForm(auto_id="person-%s")
    sent: InsForm | PersonForm | None = None
    if request.method == "POST":
        if "ins" in request.POST:
            sent = ins = InsForm(request.POST, auto_id="ins-%s")
        else:
            sent = person = PersonForm(request.POST, auto_id="person-%s")
    found: Sequence[Found] | None = None
    if sent is not None and sent.is_valid():
        try:
            found = bridge.run(desk.parts().acts.find(who, sent.typed()))
        except errors.Invalid:
            sent.add_error(*reproach(sent))
    view = FindView(ins, person, sent, found is not None, tuple(map(card, found or ())))
    return render(request, "patients/find.html", {"page": view})


def reproach(sent: InsForm | PersonForm) -> tuple[str, str]:
    """Field and sentence for a search the act finds wrong."""
    if isinstance(sent, InsForm):
        return "ins", gettext(
            "Ce matricule n’est pas valable. Il compte 15 caractères, clé comprise."
        )
    return "name", gettext("Trop de personnes répondent à ces traits. Ajoutez-en un autre.")


def card(found: Found) -> Card:
    """A person as the results show them."""
    return Card(
        found=found,
        name=found.name or gettext("Titulaire du matricule INS saisi"),
        born=words.day(found.birth_date) if found.birth_date else "",
        sex=words.sex(found.sex) if found.sex else "",
        sealed=sealed(found),
    )


@require_POST
def opened(request: HttpRequest) -> HttpResponse:
    """Open the record of a person found, whose consent is known."""
    who = finder(request)
    patient = bridge.run(desk.parts().acts.resolve(who, known(request).handle))
    return redirect("patient:health", patient)


@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    """Declare how the consent was had; the record opens on success."""
    who = professional(request)
    found = known(request)
    form = ConsentForm(request.POST if "sent" in request.POST else None)
    if form.is_bound and form.is_valid():
        how = form.cleaned_data["how"]
        patient = bridge.run(desk.parts().acts.declare(who, found.handle, how))
        return redirect("patient:health", patient)
    return render(request, "patients/consent.html", {"card": card(found), "form": form})


def known(request: HttpRequest) -> Found:
    """The person the form carries; a card that was changed or is old is refused."""
    try:
        return unsealed(request.POST.get("card", ""))
    except (signing.BadSignature, ValueError) as wrong:
        raise errors.Invalid("This search result is too old: search again.") from wrong
