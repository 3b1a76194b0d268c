# SPDX-License-Identifier: EUPL-1.2
"""The operator's pages: who represents whom, on proof; mandates on paper; assistants. Nothing of health."""

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from carnet import errors
from carnet.access.actor import Actor
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.acting.acts import ActingActs
from carnet.portal.acting.forms import Card, NameForm, PaperForm, RepresentForm
from carnet.portal.acting.views import declared, lines, nobody
from carnet.portal.record import words
from carnet.rights.mandate import NobodyAnswers
from carnet.rights.represent import GuardianOfAge, OfAge, PastEnd


def acts() -> ActingActs:
    """What the pages call."""
    return desk.parts().acts


def operator(request: HttpRequest) -> Actor:
    """Whoever runs the installation; they see no health data."""
    who = actor(request)
    if who.kind != "operator":
        raise errors.NotFound
    return who


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What an operator does here, a card each."""
    operator(request)
    return render(request, "acting/operating.html")


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Find the person somebody is to act for, by the card they hold."""
    who = operator(request)
    form = Card(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            patient = bridge.run(acts().find_person(who, form.traits()))
        except NobodyAnswers:
            form.add_error(
                "ins", gettext("Personne ne répond à ce matricule, ce nom et cette date.")
            )
        else:
            return redirect("represented", patient)
    return render(request, "acting/representatives.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def represented(request: HttpRequest, patient: str) -> HttpResponse:
    """Who acts for a person, and the declaration of a representative or a guardian."""
    who = operator(request)
    form = RepresentForm(request.POST if request.method == "POST" else None, auto_id="by-%s")
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            bridge.run(
                acts().represent(
                    who, patient, form.traits(), given["nature"], given["proof"], form.end()
                )
            )
        except OfAge:
            form.add_error(
                "nature", gettext("Une personne majeure n’a pas de parent représentant.")
            )
        except PastEnd:
            form.add_error("until", gettext("Ce jour est passé : le jugement n’a plus d’effet."))
        except GuardianOfAge:
            form.add_error("nature", gettext("Une personne mineure n’en protège pas une autre."))
        except (NobodyAnswers, errors.BusinessRule):
            nobody(form)
        else:
            return redirect("represented", patient)
    return shown(request, who, patient, represent=form)


@require_POST
def paper(request: HttpRequest, patient: str) -> HttpResponse:
    """Declare a mandate signed on paper."""
    who = operator(request)
    form = PaperForm(request.POST, auto_id="paper-%s")
    if declared(who, patient, form):
        return redirect("represented", patient)
    return shown(request, who, patient, paper=form)


@require_POST
def ended(request: HttpRequest, patient: str) -> HttpResponse:
    """End a mandate or a representation, at once."""
    bridge.run(desk.parts().acts.revoke_mandate(operator(request), request.POST.get("mandate", "")))
    return redirect("represented", patient)


def shown(
    request: HttpRequest,
    who: Actor,
    patient: str,
    represent: RepresentForm | None = None,
    paper: PaperForm | None = None,
) -> HttpResponse:
    """The page of a person, with what was just typed."""
    found = bridge.run(acts().represented(who, patient))
    wrong = next((one for one in (represent, paper) if one is not None and one.errors), None)
    page = {
        "person": found,
        "born": words.day(found.birth_date),
        "lines": lines(found.acting, holder=True),
        "represent": represent or RepresentForm(auto_id="by-%s"),
        "paper": paper or PaperForm(auto_id="paper-%s"),
    }
    return render(request, "acting/represented.html", {"page": page, "form": wrong})


@require_http_methods(["GET", "HEAD", "POST"])
def assistants(request: HttpRequest) -> HttpResponse:
    """Every assistant and whom they assist; an establishment asks for one to be named or dismissed."""
    who = operator(request)
    found = bridge.run(acts().assistants(who))
    people = [list(group) for _, group in groupby(found, key=lambda one: one.sub)]
    form = NameForm(request.POST if request.method == "POST" else None)
    form.choose(
        [(each[0].sub, ", ".join(filter(None, (each[0].name, each[0].place)))) for each in people]
    )
    if form.is_bound and form.is_valid():
        sub, rpps = form.cleaned_data["sub"], int(form.cleaned_data["rpps"])
        try:
            bridge.run(acts().assist(who, sub, rpps, named=request.POST.get("act") == "name"))
        except errors.NotFound:
            form.add_error(
                "rpps",
                gettext("Ce professionnel ne travaille pas au même endroit que cette personne."),
            )
        else:
            return redirect("every-assistant")
    lines = [
        (each[0], [(one, words.day(one.since)) for one in each if one.since]) for each in people
    ]
    return render(request, "acting/every_assistant.html", {"people": lines, "form": form})
