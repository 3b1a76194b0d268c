# SPDX-License-Identifier: EUPL-1.2
"""The pages of the rights: forms alone, each act a POST that comes back to the page."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from carnet import errors
from carnet.access.actor import Actor
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.acts import Acts
from carnet.portal.record.places import Place
from carnet.portal.record.views import other
from carnet.portal.rights import words
from carnet.rights.pages import Chosen, Given, Professional, Refused

READERS = ("patient", "helper", "professional", "assistant")  # of a record


def acts() -> Acts:
    """What the pages call."""
    return desk.parts().acts


@dataclass(frozen=True, slots=True)
class GivenLine:
    """A consent in words."""

    one: Given
    how: str
    since: str
    until: str
    withdrawn: str


@dataclass(frozen=True, slots=True)
class ChosenLine:
    """A professional chosen, in words."""

    one: Professional
    since: str


@dataclass(frozen=True, slots=True)
class ModeLine:
    """An emergency mode in words."""

    one: Refused
    label: str
    text: str
    since: str


@dataclass(frozen=True, slots=True)
class RightsView:
    """Who may read this record."""

    place: Place
    live: tuple[GivenLine, ...]
    past: tuple[GivenLine, ...]
    blocked: tuple[ChosenLine, ...]
    trusted: tuple[ChosenLine, ...]
    modes: tuple[ModeLine, ...]
    done: str  # what was just done, "" when nothing was


@dataclass(frozen=True, slots=True)
class ProfessionalLine:
    """A professional, and where the patient meets them."""

    one: Professional
    why: str


@dataclass(frozen=True, slots=True)
class ProfessionalsView:
    """The professionals of a record, and those of the directory that were asked for."""

    place: Place
    known: tuple[ProfessionalLine, ...]
    found: tuple[ProfessionalLine, ...]
    typed: str
    wrong: str


def place_of(request: HttpRequest, who: Actor, patient: str) -> Place:
    """One's own record, or that of whom one legally represents; absent to anybody else."""
    if patient:
        place = other(request, who, patient)
        if not place.represents:
            raise errors.NotFound
        return place
    if who.kind != "patient":
        raise errors.NotFound
    return Place("", None)


@require_safe
def rights(request: HttpRequest, patient: str = "") -> HttpResponse:
    """Who may read my record."""
    who = actor(request)
    place = place_of(request, who, patient)
    found = bridge.run(acts().rights(who, place.patient))
    lines = [given(one) for one in found.consents]
    done = words.DONE.get(request.GET.get("fait", ""), "")
    view = RightsView(
        place,
        tuple(line for line in lines if line.one.live),
        tuple(line for line in lines if not line.one.live),
        tuple(map(chosen, found.blocked)),
        tuple(map(chosen, found.trusted)),
        tuple(map(mode, found.emergencies)),
        gettext(done) if done else "",
    )
    return render(request, "rights/rights.html", {"page": view, "place": place})


@require_http_methods(["GET", "HEAD", "POST"])
def professionals(request: HttpRequest, patient: str = "") -> HttpResponse:
    """The professionals one may block or trust; a name is sent in the body, never in the address."""
    who = actor(request)
    place = place_of(request, who, patient)
    typed, wrong = request.POST.get("name", "").strip()[:100], ""
    found: tuple[ProfessionalLine, ...] = ()
    if request.method == "POST":
        try:
            found = tuple(map(line, bridge.run(acts().find_professional(who, typed))))
            wrong = "" if found else gettext("Aucun professionnel de ce nom n’est connu ici.")
        except (errors.Invalid, errors.NotFound):
            wrong = gettext("Écrivez trois lettres du nom au moins, ou les 11 chiffres du RPPS.")
    known = tuple(map(line, bridge.run(acts().professionals(who, place.patient))))
    state = {each.one.rpps: each for each in known}
    found = tuple(state.get(each.one.rpps, each) for each in found)
    view = ProfessionalsView(place, known, found, typed, wrong)
    return render(request, "rights/professionals.html", {"page": view, "place": place})


@require_POST
def decide(request: HttpRequest, patient: str = "") -> HttpResponse:
    """Do one thing, then the page again."""
    who = actor(request)
    place = place_of(request, who, patient)
    act, of = request.POST.get("act", ""), request.POST.get("of", "")
    doing = DOING.get(act)
    if doing is None:
        raise errors.Invalid("This choice is not known.")
    doing(who, place.patient, of)
    return redirect(f"{place.url('rights')}?fait={act}")


def _rpps(of: str) -> int:
    if not (of.isascii() and of.isdigit() and len(of) <= 11):
        raise errors.Invalid("A professional is named by an RPPS number.")
    return int(of)


def _withdraw(who: Actor, patient: str, of: str) -> None:
    bridge.run(acts().withdraw(who, patient, of))


def _block(who: Actor, patient: str, of: str) -> None:
    bridge.run(acts().block(who, patient, _rpps(of), blocked=True))


def _unblock(who: Actor, patient: str, of: str) -> None:
    bridge.run(acts().block(who, patient, _rpps(of), blocked=False))


def _trust(who: Actor, patient: str, of: str) -> None:
    bridge.run(acts().trust(who, patient, _rpps(of), trusted=True))


def _untrust(who: Actor, patient: str, of: str) -> None:
    bridge.run(acts().trust(who, patient, _rpps(of), trusted=False))


def _refuse(who: Actor, patient: str, of: str) -> None:
    bridge.run(acts().refuse(who, patient, of, refused=True))


def _accept(who: Actor, patient: str, of: str) -> None:
    bridge.run(acts().refuse(who, patient, of, refused=False))


DOING: dict[str, Callable[[Actor, str, str], None]] = {
    "withdraw": _withdraw,
    "block": _block,
    "unblock": _unblock,
    "trust": _trust,
    "untrust": _untrust,
    "refuse": _refuse,
    "accept": _accept,
}


@require_POST
def mask(request: HttpRequest, document: str, patient: str = "") -> HttpResponse:
    """Hide a document from professionals, or show it again; then the document."""
    who = actor(request)
    place = place_of(request, who, patient)
    act = request.POST.get("act", "")
    if act not in ("mask", "unmask"):
        raise errors.Invalid("This choice is not known.")
    bridge.run(acts().mask(who, document, masked=act == "mask"))
    return redirect(place.url("document", document))


MARKS = frozenset(("announce-later", "announced", "keep", "give-back"))
SURE = frozenset(("announced", "keep"))  # not undone by who says it: a box is ticked first


@require_POST
def mark(request: HttpRequest, document: str, patient: str = "") -> HttpResponse:
    """Put an announcement off, say that it took place, keep a document from representatives."""
    who = actor(request)
    place = other(request, who, patient) if patient else place_of(request, who, "")
    act = request.POST.get("act", "")
    if act not in MARKS:
        raise errors.Invalid("This choice is not known.")
    url = place.url("document", document)
    if act in SURE and "sure" not in request.POST:
        return redirect(f"{url}?fait=sure#marks")
    bridge.run(acts().mark(who, document, act))
    return redirect(f"{url}?fait={act}")


@require_safe
def why(request: HttpRequest, patient: str = "") -> HttpResponse:
    """Why this reader does not see; it is the same page whatever there is."""
    who = actor(request)
    if who.kind not in READERS or not (patient or who.kind == "patient"):
        raise Http404
    match = request.resolver_match
    acting = match is not None and match.namespace == "acting"
    if patient and acting != (who.kind in ("patient", "helper")):
        raise Http404
    found = bridge.run(acts().explain(who, patient))
    view = {
        "linked": found.linked,
        "rule": gettext(words.RULES[found.rule]) if found.rule else "",
        "until": words.moment(found.until),
        "reasons": [words.reason(one) for one in found.reasons if one.code not in words.LEADS],
        "lead": next((words.reason(one) for one in found.reasons if one.code in words.LEADS), ""),
        "own": not patient,
        "acting": acting,
        "patient": patient,
    }
    return render(request, "rights/why.html", {"page": view})


def given(one: Given) -> GivenLine:
    """A consent in words."""
    how = gettext(words.HOW.get(one.how, words.HOW["electronic"]))
    return GivenLine(
        one, how, words.moment(one.since), words.moment(one.until), words.moment(one.withdrawn)
    )


def chosen(one: Chosen) -> ChosenLine:
    """A professional blocked or trusted."""
    return ChosenLine(one.professional, words.moment(one.since))


def mode(one: Refused) -> ModeLine:
    """An emergency mode in words."""
    label, text = words.MODES[one.mode]
    return ModeLine(one, gettext(label), gettext(text), words.moment(one.since))


def line(one: Professional) -> ProfessionalLine:
    """A professional, with where the patient meets them."""
    return ProfessionalLine(one, ", ".join(gettext(words.WHY[each]) for each in one.why))
