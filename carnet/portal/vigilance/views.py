# SPDX-License-Identifier: EUPL-1.2
"""One's identity and its sheet; the officers' queue, comparisons and merges. Traits only, never health."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from carnet import errors
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.record import words as dates
from carnet.portal.vigilance import forms, words
from carnet.portal.vigilance.acts import IdentityActs
from carnet.vigilance.insi import Off
from carnet.vigilance.pages import Mine, Pair, Proposal, Sheet, Traits

SEPARATOR = "\x1d"


@dataclass(frozen=True, slots=True)
class Row:
    """One trait of a comparison."""

    label: str
    one: str
    other: str
    differs: bool


@dataclass(frozen=True, slots=True)
class PairView:
    """A comparison, or a line of the queue."""

    pair: Pair
    why: str
    since: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A merge that waits, or in force."""

    proposal: Proposal
    at: str
    source: str
    target: str


def acts() -> IdentityActs:
    """What these pages call."""
    return desk.parts().identity


@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """« Mon identité »."""
    who = actor(request)
    if who.kind != "patient":
        raise errors.NotFound
    found = bridge.run(acts().mine(who))
    shown = {
        "mine": found,
        "traits": traits(found),
        "status": words.said(words.STATUSES, found.status),
        "qualified": bool(found.ins),
        "acts": [
            (dates.day(each.at.date()), words.said(words.ACTS, each.act)) for each in found.acts
        ],
    }
    return render(request, "vigilance/mine.html", shown)


@require_safe
def sheet(request: HttpRequest) -> HttpResponse:
    """The sheet to print; a page that says why while the identity is not qualified."""
    who = actor(request)
    if who.kind != "patient":
        raise errors.NotFound
    try:
        found = bridge.run(acts().sheet(who))
    except errors.BusinessRule:
        return render(request, "vigilance/no_sheet.html", status=422)
    return render(request, "vigilance/sheet.html", {"sheet": found, "traits": traits(found)})


@require_safe
def desk_(request: HttpRequest) -> HttpResponse:
    """The officers' queue."""
    found = bridge.run(acts().desk(actor(request)))
    shown = {
        "desk": found,
        "pairs": [pair_view(each) for each in found.pairs],
        "waiting": [proposal_view(each) for each in found.proposals if not each.confirmed],
        "merged": [proposal_view(each) for each in found.proposals if each.confirmed],
        "apart": [
            {"id": each.id, "naming": naming(each), "status": status(each), "claim": each.ins}
            for each in found.apart
        ],
        "proofs": words.PROOFS.items(),
    }
    return render(request, "vigilance/desk.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Find an identity by its number, or by birth name and birth date; what is typed is in no address."""
    who = actor(request)
    if who.kind != "operator":
        raise errors.NotFound
    number, name = forms.NumberForm(auto_id="ins-%s"), forms.NameForm(auto_id="name-%s")
    sent: forms.NumberForm | forms.NameForm | None = None
    if request.method == "POST":
        if "ins" in request.POST:
            sent = number = forms.NumberForm(request.POST, auto_id="ins-%s")
        else:
            sent = name = forms.NameForm(request.POST, auto_id="name-%s")
    found: Sequence[Traits] | None = None
    if sent is not None and sent.is_valid():
        try:
            found = bridge.run(acts().find(who, sent.typed()))
        except errors.Invalid:
            wrong = gettext("Trop d’identités répondent. Cherchez par matricule INS.")
            sent.add_error("name" if "name" in sent.fields else "ins", wrong)
    rows = [(each, naming(each), status(each)) for each in found or ()]
    view = {
        "number": number,
        "name": name,
        "searched": found is not None,
        "rows": rows,
        "form": sent,
    }
    return render(request, "vigilance/find.html", view)


@require_http_methods(["GET", "HEAD", "POST"])
def identity(request: HttpRequest, one: str) -> HttpResponse:
    """One identity, its history, and what an officer does on it."""
    who = actor(request)
    found = bridge.run(acts().identity(who, one))
    sent = request.POST.get("act", "")
    seen = forms.ValidateForm(request.POST if sent == "validate" else None, auto_id="seen-%s")
    mark = forms.MarkForm(request.POST if sent == "mark" else None, auto_id="mark-%s")
    parent = forms.ParentForm(request.POST if sent == "parent" else None, auto_id="parent-%s")
    marked = mark.offer(found.may)
    answer = request.GET.get("insi", "")
    if sent == "retrieve":
        try:
            said = bridge.run(acts().retrieve(who, one))
        except Off:
            said = "off"
        return redirect(f"{request.path}?insi={said}")
    if seen.is_bound and seen.is_valid():
        bridge.run(acts().validate(who, one, seen.cleaned_data["proof"]))
        return redirect("an-identity", one)
    if mark.is_bound and mark.is_valid():
        given = mark.cleaned_data
        bridge.run(acts().mark(who, one, given["what"], given["reason"]))
        return redirect("an-identity", one)
    if sent == "no-parent":
        bridge.run(acts().end_parent(who, one, request.POST.get("parent", "")))
        return redirect("an-identity", one)
    if parent.is_bound and parent.is_valid():
        given = parent.cleaned_data
        try:
            bridge.run(acts().declare_parent(who, one, given["ins"], given["nature"]))
            return redirect("an-identity", one)
        except errors.Invalid:
            parent.add_error("ins", gettext("Personne d’autre, ici, ne porte ce matricule."))
    view = {
        "identity": found,
        "family": [
            (each, naming(each.traits), str(words.PARENTS.get(each.nature, "")))
            for each in found.family
        ],
        "parent": parent,
        "name": naming(found.traits),
        "traits": traits(found.traits),
        "status": status(found.traits, homonym=found.homonym, fictitious=found.fictitious),
        "seen": seen if "validate" in found.may else None,
        "asks": "retrieve" in found.may,
        "mark": mark if marked else None,
        "answer": words.said(words.ANSWERS, answer) if answer in words.ANSWERS else "",
        "steps": [
            (
                each,
                dates.moment(each.at),
                words.said(words.ACTS, each.act),
                words.standing(each.after),
                str(words.PROOFS.get(each.proof, "")),
                words.said(words.ANSWERS, each.reason)
                if each.reason in words.ANSWERS
                else each.reason,
            )
            for each in found.steps
        ],
        "form": next((each for each in (seen, mark, parent) if each.errors), None),
    }
    return render(request, "vigilance/identity.html", view)


@require_http_methods(["GET", "HEAD", "POST"])
def compare(request: HttpRequest, one: str, other: str) -> HttpResponse:
    """Two identities side by side; what is decided of them."""
    who = actor(request)
    error = ""
    if request.method == "POST":
        what, reason = request.POST.get("what", ""), request.POST.get("reason", "").strip()
        if what == "different":
            bridge.run(acts().different(who, one, other))
            return redirect("vigilance")
        target = request.POST.get("target", "")
        if what == "merge" and target in (one, other) and reason:
            source = one if target == other else other
            bridge.run(acts().propose(who, source, target, reason))
            return redirect("vigilance")
        error = gettext("Choisissez l’identité qui reste, et dites ce qui a été vérifié.")
    found = bridge.run(acts().compare(who, one, other))
    view = {"view": pair_view(found), "error": error}
    return render(request, "vigilance/compare.html", view)


@require_POST
def decide(request: HttpRequest, proposal: str) -> HttpResponse:
    """Confirm, refuse or undo a merge."""
    what, why = request.POST.get("what", ""), request.POST.get("why", "")
    bridge.run(acts().decide(actor(request), proposal, what, why))
    return redirect("vigilance")


@require_http_methods(["GET", "HEAD", "POST"])
def decode(request: HttpRequest) -> HttpResponse:
    """The text of a datamatrix, as a reader types it, back to its traits."""
    who = actor(request)
    if who.kind not in ("operator", "professional"):
        raise errors.NotFound
    shown: dict[str, object] = {"error": "", "rows": []}
    if request.method == "POST":
        text = request.POST.get("text", "").strip("\r\n").replace("<GS>", SEPARATOR)
        try:
            found = bridge.run(acts().decode(who, text))
        except errors.Invalid:
            shown["error"] = gettext("Ce texte n’est pas celui d’un datamatrix INS.")
        else:
            values = {
                "birth_name": found.birth_name,
                "given_names": found.given_names,
                "birth_date": dates.day(found.birth_date),
                "sex": dates.sex(str(found.sex)),
                "birth_place": found.birth_place or "",
                "ins": found.ins.value,
            }
            shown["rows"] = [(gettext(label), values[name]) for name, label in words.TRAITS]
    return render(request, "vigilance/datamatrix.html", shown)


def traits(found: Mine | Sheet | Traits) -> list[tuple[str, str]]:
    """The five traits and the number, with their labels."""
    return [
        (gettext(label), value)
        for name, label in words.TRAITS
        if (value := shown(getattr(found, name), name))
    ]


def shown(value: object, name: str) -> str:
    """One trait as it is read."""
    if isinstance(value, date):
        return dates.day(value)
    return dates.sex(str(value)) if name == "sex" else str(value)


def pair_view(pair: Pair) -> PairView:
    """A comparison in words."""
    rows = [
        Row(
            gettext(label),
            shown(getattr(pair.one, name), name),
            shown(getattr(pair.other, name), name),
            name in pair.differing,
        )
        for name, label in words.TRAITS
    ]
    rows.append(
        Row(
            gettext("Statut"),
            status(pair.one),
            status(pair.other),
            status(pair.one) != status(pair.other),
        )
    )
    why = ", ".join(words.said(words.WHY, each) for each in pair.why)
    return PairView(pair, why, dates.day(pair.since.date()), tuple(rows))


def status(one: Traits, *, homonym: bool = False, fictitious: bool = False) -> str:
    """The status with its attributes."""
    marks = [words.said(words.SHORT, one.status)]
    if homonym:
        marks.append(gettext("homonyme"))
    if fictitious:
        marks.append(gettext("fictive"))
    if one.quarantined:
        marks.append(gettext("en quarantaine"))
    if one.doubtful:
        marks.append(gettext("douteuse"))
    return ", ".join(marks)


def proposal_view(each: Proposal) -> ProposalView:
    """A merge in words."""
    return ProposalView(each, dates.day(each.at.date()), naming(each.source), naming(each.target))


def naming(one: Traits) -> str:
    """Who an identity says it is."""
    return f"{one.given_names} {one.birth_name}, {dates.day(one.birth_date)}"
