# SPDX-License-Identifier: EUPL-1.2
"""Write a document: what the record offers is reviewed line by line, looked at, then signed.

Nothing is kept between the steps but in the page itself: what was chosen, and a sealed draft (its number and
its instant), so that what is sent twice is written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.access.actor import Actor
from carnet.composing.pages import (
    Draft,
    Kept,
    NoSignature,
    Offer,
    Preview,
    Proposed,
    UnknownPeer,
    WrongStay,
)
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.composing.acts import ComposingActs
from carnet.portal.composing.forms import WriteForm
from carnet.portal.record import words
from carnet.portal.record.places import Place
from carnet.portal.record.views import other, reads

SALT: Final = "carnet.composing"
AGE: Final = 3600  # seconds between looking and signing
TITLES: Final = {
    "vsm": gettext_noop("Synthèse médicale (VSM)"),
    "sortie": gettext_noop("Lettre de liaison à la sortie"),
}
PARTS: Final = {
    "problem": gettext_noop("Problèmes en cours"),
    "history": gettext_noop("Antécédents"),
    "procedure": gettext_noop("Actes et interventions"),
    "allergy": gettext_noop("Allergies"),
    "treatment": gettext_noop("Traitements"),
    "stopped": gettext_noop("Traitements arrêtés"),
    "lifestyle": gettext_noop("Mode de vie"),
    "family": gettext_noop("Antécédents familiaux"),
    "vaccination": gettext_noop("Vaccinations"),
    "device": gettext_noop("Dispositifs médicaux"),
}
DOUBTS: Final = {
    "declared": gettext_noop("Déclaré par le patient ou un proche"),
    "conflict": gettext_noop("Des sources se contredisent"),
    "old": gettext_noop("Ancien, sans fin connue"),
    "unsure": gettext_noop("Non confirmé"),
    "outside": gettext_noop("Arrêté récemment\u00a0: cochez si c’est pendant ce séjour"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """A line with its box: chosen unless something in it asks to be looked at first."""

    address: str
    title: str
    rest: str
    doubts: tuple[str, ...]
    chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one kind."""

    name: str
    title: str
    boxes: Sequence[Box]


def acts() -> ComposingActs:
    """What these pages call."""
    return desk.parts().composing


@reads
def choose(request: HttpRequest, who: Actor, place: Place) -> HttpResponse:
    """The kinds of documents that can be written here."""
    _writes(who, place)
    sorts = [(place.url("write", key), gettext(title)) for key, title in TITLES.items()]
    return render(request, "composing/choose.html", {"place": place, "sorts": sorts})


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest, patient: str, sort: str) -> HttpResponse:
    """The form; then the document to look at; then, signed, the document of the record."""
    who = actor(request)
    request.patient = patient  # type: ignore[attr-defined]
    place = other(request, who, patient)
    _writes(who, place)
    if sort not in TITLES:
        raise errors.NotFound
    offered = bridge.run(acts().proposed(who, patient, sort))
    if request.method != "POST":
        return _form(request, place, offered, _fresh(offered), None)
    form = WriteForm(offered.words, offered.answers, offered.stay is not None, request.POST)
    chosen = frozenset(request.POST.getlist("line"))
    step = request.POST.get("step", "look")
    if not form.is_valid() or step == "fix":
        return _form(request, place, offered, form, chosen)
    given = form.cleaned_data
    kept = Kept(
        chosen,
        {name: given[name] for name in offered.words},
        given.get("start"),
        given.get("end"),
        given["replaces"],
        {name: given[name] for name in offered.answers},
        given.get("attending", ""),
        _numbers(request, given),
    )
    draft = _draft(request, who, patient, sort)
    try:
        if step == "sign" and draft is not None:
            return redirect(
                place.url("document", bridge.run(acts().publish(who, patient, sort, kept, draft)))
            )
        fresh = draft or acts().draft()
        shown = bridge.run(acts().preview(who, patient, sort, kept, fresh))
    except WrongStay:
        form.add_error(
            "end", gettext("Le séjour commence avant de finir, et ne finit pas dans l’avenir.")
        )
        return _form(request, place, offered, form, chosen)
    except UnknownPeer as wrong:
        field = "attending" if str(wrong) == kept.attending else "others"
        form.add_error(field, gettext("L’annuaire ne connaît pas ce numéro RPPS."))
        return _form(request, place, offered, form, chosen)
    except NoSignature:
        form.add_error(
            None,
            gettext("L’annuaire n’a pas votre numéro, ou celui de votre lieu d’exercice."),
        )
        return _form(request, place, offered, form, chosen)
    if step == "pdf":
        return _copy(shown, sort)
    sealed = _sealed(fresh, who, patient, sort)
    context = {"place": place, "sort": sort, "title": gettext(TITLES[sort]), "page": shown,
               "sent": _sent(request), "sealed": sealed, "late": step == "sign"}  # fmt: skip
    return render(request, "composing/preview.html", context)


def _writes(who: Actor, place: Place) -> None:
    if who.kind != "professional" or place.acting is not None or place.own:
        raise errors.NotFound


def _fresh(offered: Proposed) -> WriteForm:
    start, end = offered.stay or (None, None)
    begin = {
        name: f"{day:%d/%m/%Y}" for name, day in (("start", start), ("end", end)) if day is not None
    }
    attending = next((each.idnps[1:] for each in offered.peers if each.attending), "")
    return WriteForm(
        offered.words,
        offered.answers,
        offered.stay is not None,
        initial={**begin, "attending": attending},
    )


def _form(
    request: HttpRequest,
    place: Place,
    offered: Proposed,
    form: WriteForm,
    chosen: frozenset[str] | None,
) -> HttpResponse:
    groups = [
        Group(kind, gettext(PARTS[kind]), [_box(each, chosen) for each in offers])
        for kind, offers in offered.groups
    ]
    context = {"place": place, "sort": offered.sort, "title": gettext(TITLES[offered.sort]),
               "groups": groups, "form": form, "peers": _peers(offered, form),
               "before": words.day(offered.before) if offered.before else "",
               "replaces": form.data.get("replaces") if form.is_bound else True}  # fmt: skip
    return render(request, "composing/write.html", context)


def _peers(offered: Proposed, form: WriteForm) -> list[Box]:
    """Who may receive it: chosen when they are the treating doctor."""
    sent = frozenset(form.data.getlist("to")) if form.is_bound else None  # type: ignore[attr-defined]
    return [
        Box(each.idnps, each.name, gettext("Médecin traitant") if each.attending else "", (),
            each.attending if sent is None else each.idnps in sent)
        for each in offered.peers
    ]  # fmt: skip


def _numbers(request: HttpRequest, given: dict[str, Any]) -> tuple[str, ...]:
    """Who receives it: those chosen, then those typed."""
    typed = (each.strip() for each in given.get("others", "").split(","))
    return tuple(filter(None, (*request.POST.getlist("to"), *typed)))


def _box(offer: Offer, chosen: frozenset[str] | None) -> Box:
    title, *rest = offer.cells
    return Box(
        offer.address,
        title,
        " · ".join(filter(None, rest)),
        tuple(gettext(DOUBTS[each]) for each in offer.doubts),
        offer.address in chosen if chosen is not None else not offer.doubts,
    )


def _sent(request: HttpRequest) -> list[tuple[str, str]]:
    """What was sent, to send again: the page holds it, nothing else does."""
    own = {"csrfmiddlewaretoken", "step", "draft"}
    return [(name, each) for name, held in request.POST.lists() if name not in own for each in held]


def _copy(shown: Preview, sort: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{sort}.pdf"'}
    return HttpResponse(shown.pdf, content_type="application/pdf", headers=headers)


def _sealed(draft: Draft, who: Actor, patient: str, sort: str) -> str:
    return signing.dumps(
        [draft.number.hex, draft.at.isoformat(), who.sub, patient, sort], salt=SALT, compress=True
    )


def _draft(request: HttpRequest, who: Actor, patient: str, sort: str) -> Draft | None:
    """The draft that was looked at, when it is of this document and not too old."""
    try:
        held: list[Any] = signing.loads(request.POST.get("draft", ""), salt=SALT, max_age=AGE)
    except signing.BadSignature:
        return None
    number, at, *rest = held
    return (
        Draft(UUID(hex=number), datetime.fromisoformat(at))
        if rest == [who.sub, patient, sort]
        else None
    )
