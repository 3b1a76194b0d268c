# SPDX-License-Identifier: EUPL-1.2
"""Pour qui j'agis, qui agit pour moi, and the session of a helper."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from carnet import errors
from carnet.access.actor import Actor
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.acting import words
from carnet.portal.acting.forms import CodeForm, PaperForm, SessionForm, Until
from carnet.portal.acts import Acts
from carnet.portal.record.places import Place
from carnet.rights.mandate import Acting, NobodyAnswers, Offer, WrongEnd
from carnet.rights.session import Receipt


@dataclass(frozen=True, slots=True)
class Line:
    """One mandate, seen from one end."""

    one: Acting
    name: str
    nature: str
    reach: str
    until: str
    how: str
    url: str  # of the record, where one acts
    ends: bool  # whether who looks may end it


@dataclass(frozen=True, slots=True)
class ActingView:
    """Pour qui j'agis."""

    mine: tuple[Line, ...]  # those I act for
    theirs: tuple[Line, ...]  # those who act for me
    receipts: tuple[tuple[str, str], ...]  # address, words
    code: CodeForm
    give: Until
    offer: Offer | None
    offer_until: str
    shared: bool


def acts() -> Acts:
    """What the pages call."""
    return desk.parts().acts


def person(request: HttpRequest) -> Actor:
    """A person with an account of their own."""
    who = actor(request)
    if who.kind != "patient":
        raise errors.NotFound
    return who


def helper(request: HttpRequest) -> Actor:
    """Somebody whose work is to help."""
    who = actor(request)
    if who.kind != "helper":
        raise errors.NotFound
    return who


def lines(found: Sequence[Acting], *, holder: bool) -> tuple[Line, ...]:
    """holder: the lines name who acts, not whose record it is."""
    return tuple(
        Line(
            one,
            one.holder if holder else one.person,
            words.nature(one.nature),
            words.reach(one.reach),
            words.until(one.until),
            words.how(one.how, one.form),
            reverse("acting:documents", args=(one.patient,)),
            not one.represents,
        )
        for one in found
    )


def shown(
    request: HttpRequest,
    who: Actor,
    code: CodeForm | None = None,
    give: Until | None = None,
    offer: Offer | None = None,
    *,
    shared: bool = False,
) -> HttpResponse:
    """The page, with what was just typed or made."""
    theirs = () if who.secret else bridge.run(acts().mandated(who, ""))
    sessions = () if who.secret else bridge.run(acts().sessions(who))
    view = ActingView(
        mine=lines(bridge.run(acts().acting(who)), holder=False),
        theirs=lines(theirs, holder=True),
        receipts=tuple(
            (reverse("receipt", args=(id,)), words.session(one)) for id, one in sessions
        ),
        code=code or CodeForm(auto_id="code-%s"),
        give=give or Until(auto_id="give-%s"),
        offer=offer,
        offer_until=words.until(offer.ends) if offer else "",
        shared=shared,
    )
    wrong = next((form for form in (code, give) if form is not None and form.errors), None)
    said = {"page": view, "form": wrong, "secret": who.secret}
    return render(request, "acting/acting.html", said)


@require_safe
def acting(request: HttpRequest) -> HttpResponse:
    """Those I act for, and those who act for me."""
    return shown(request, person(request))


@require_POST
def accept(request: HttpRequest) -> HttpResponse:
    """Take the mandate of a code."""
    who = person(request)
    form = CodeForm(request.POST, auto_id="code-%s")
    if form.is_valid():
        try:
            made = bridge.run(acts().accept_mandate(who, form.cleaned_data["code"]))
        except (errors.NotFound, errors.BusinessRule):
            form.add_error("code", gettext("Ce code n’est pas connu, a déjà servi ou est expiré."))
        else:
            return redirect("acting:documents", made.patient)
    return shown(request, who, code=form)


@require_POST
def give(request: HttpRequest) -> HttpResponse:
    """Make a mandate, and show its code once."""
    who = person(request)
    form = Until(request.POST, auto_id="give-%s")
    if form.is_valid():
        try:
            made = bridge.run(acts().offer_mandate(who, form.cleaned_data["reach"], form.end()))
        except WrongEnd:
            form.add_error(
                "until", gettext("Un mandat finit un jour à venir, dans trois ans au plus tard.")
            )
        except errors.BusinessRule:
            form.add_error(None, gettext("Vos représentants donnent les mandats à votre place."))
        else:
            return shown(request, who, offer=made)
    return shown(request, who, give=form)


@require_POST
def share(request: HttpRequest) -> HttpResponse:
    """A code for the other parent."""
    who = person(request)
    made = bridge.run(acts().share_mandate(who, request.POST.get("patient", "")))
    return shown(request, who, offer=made, shared=True)


@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """End a mandate, at once."""
    who = person(request)
    bridge.run(acts().revoke_mandate(who, request.POST.get("mandate", "")))
    return redirect("acting")


# ------------------------------------------------------------------------------- at a public desk


@dataclass(frozen=True, slots=True)
class HelpingView:
    """The session of a helper."""

    now: Line | None
    receipt: str
    form: SessionForm


@require_http_methods(["GET", "HEAD", "POST"])
def helping(request: HttpRequest) -> HttpResponse:
    """The session under way, or the form that begins one."""
    who = helper(request)
    form = SessionForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            made = bridge.run(
                acts().begin_session(who, form.traits(), given["how"], given["reach"])
            )
        except NobodyAnswers:
            form.add_error(
                "ins", gettext("Personne ne répond à ce matricule, ce nom et cette date.")
            )
        else:
            return redirect("acting:documents", made.patient)
    found = lines(bridge.run(acts().acting(who)), holder=False)
    now = found[0] if found else None
    url = reverse("receipt", args=(now.one.id,)) if now else ""
    view = HelpingView(now, url, form)
    return render(request, "acting/helping.html", {"page": view, "form": form})


@require_POST
def ended(request: HttpRequest) -> HttpResponse:
    """End the session; its receipt is the page that follows."""
    who = helper(request)
    told = bridge.run(acts().end_session(who, request.POST.get("session", "")))
    return receipt_page(request, told)


@require_safe
def receipt(request: HttpRequest, session: str) -> HttpResponse:
    """What was done in a session, to print."""
    who = actor(request)
    if who.kind not in ("patient", "helper"):
        raise errors.NotFound
    return receipt_page(request, bridge.run(acts().receipt(who, session)))


def receipt_page(request: HttpRequest, told: Receipt) -> HttpResponse:
    """The receipt: what is of one kind and of one minute is one line."""
    done: dict[tuple[str, str], dict[str, None]] = {}
    for one in told.done:
        line = done.setdefault((words.moment(one.at), words.deed(one)), {})
        line.update(dict.fromkeys(one.titles))
    page = {
        "receipt": told, "reach": words.reach(told.reach), "how": words.how(told.how, ""),
        "since": words.moment(told.since), "until": words.moment(told.until),
        "done": [(at, what, tuple(titles)) for (at, what), titles in done.items()],
    }  # fmt: skip
    return render(request, "acting/receipt.html", {"page": page})


# ------------------------------------------------------------------------------ by who treats them


@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest, patient: str) -> HttpResponse:
    """Who acts for a patient, and the declaration of a form they signed."""
    who = actor(request)
    if who.kind != "professional":
        raise errors.NotFound
    place = Place(patient, bridge.run(acts().person(who, patient)))
    form = PaperForm(request.POST if request.method == "POST" else None)
    if declared(who, patient, form):
        return redirect("patient:mandates", patient)
    found = lines(bridge.run(acts().mandated(who, patient)), holder=True)
    context = {"page": found, "place": place, "form": form}
    return render(request, "acting/paper.html", context)


def declared(who: Actor, patient: str, form: PaperForm) -> bool:
    """Declare a mandate signed on paper; whether it was done, else the form says why not."""
    if not (form.is_bound and form.is_valid()):
        return False
    given = form.cleaned_data
    try:
        bridge.run(
            acts().declare_mandate(
                who, patient, form.traits(), given["reach"], form.end(), given["form"]
            )
        )
    except WrongEnd:
        form.add_error(
            "until", gettext("Un mandat finit un jour à venir, dans trois ans au plus tard.")
        )
    except (NobodyAnswers, errors.BusinessRule):
        nobody(form)
    else:
        return True
    return False


def nobody(form: forms.Form) -> None:
    """No card of somebody who has an account answers."""
    form.add_error(
        "ins",
        gettext("Personne qui ait un compte ne répond à ce matricule, ce nom et cette date."),
    )
