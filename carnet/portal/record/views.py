# SPDX-License-Identifier: EUPL-1.2
"""The pages of a record: one's own under /dossier/, a patient's under /patients/<id>/."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from carnet import errors
from carnet.access.actor import Actor
from carnet.documents.text.asking import WrongQuestion
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.acting.views import Line, lines
from carnet.portal.acts import Acts
from carnet.portal.life.rows import going_on, row
from carnet.portal.record import pages
from carnet.portal.record.places import Place
from carnet.portal.rights.words import DONE

View = Callable[..., HttpResponse]
INLINE = {"application/pdf"}  # what a browser shows by itself, in its own viewer


def reads(view: View) -> View:
    """Give the view who asks and whose record: `patient` is in the address, or is oneself."""

    @require_safe
    def opened(request: HttpRequest, *args: str, patient: str = "", **kwargs: str) -> HttpResponse:
        who = actor(request)
        request.patient = patient  # type: ignore[attr-defined]
        if patient:
            place = other(request, who, patient)
        else:
            if who.kind != "patient":
                raise errors.NotFound
            place = Place("", None)
        return view(request, who, place, *args, **kwargs)

    return opened


def other(request: HttpRequest, who: Actor, patient: str) -> Place:
    """Somebody else's record: of whom one treats, or of whom one acts for, each at its own address."""
    match = request.resolver_match
    acting = None
    if match is not None and match.namespace == "acting":
        if who.kind not in ("patient", "helper"):
            raise errors.NotFound
        acting = bridge.run(desk.parts().acts.place(who, patient))
    elif who.kind not in ("professional", "assistant"):
        raise errors.NotFound
    person = bridge.run(desk.parts().acts.person(who, patient))
    return Place(patient, person, acting)


def acts() -> Acts:
    """What the pages call."""
    return desk.parts().acts


@reads
def documents(request: HttpRequest, who: Actor, place: Place) -> HttpResponse:
    """The list of documents."""
    asked = pages.asked(request.GET)
    found = bridge.run(acts().documents(who, place.patient, asked))
    view = pages.list_view(place, found, asked)
    mandates: tuple[Line, ...] = ()
    emergency = None
    if who.kind == "professional":
        mandates = lines(bridge.run(acts().mandated(who, place.patient)), holder=True)
        emergency = going_on(bridge.run(desk.parts().life.running(who, place.patient)))
    context = {"page": view, "place": place, "mandates": mandates, "emergency": emergency}
    return render(request, "record/documents.html", context)


@reads
def search(request: HttpRequest, who: Actor, place: Place) -> HttpResponse:
    """The documents that answer to words."""
    typed = request.GET.get(pages.TYPED, "")
    asked = pages.asked(request.GET)
    found, refused = None, ""
    if typed.strip():
        try:
            found = bridge.run(acts().search(who, place.patient, typed, asked))
        except WrongQuestion as refusal:
            refused = pages.refusal(refusal)
    view = pages.search_view(place, typed[: pages.LONGEST], found, asked, refused)
    status = 400 if refused else 200
    return render(request, "record/search.html", {"page": view, "place": place}, status=status)


@reads
def document(request: HttpRequest, who: Actor, place: Place, document: str) -> HttpResponse:
    """One document."""
    page = bridge.run(acts().document(who, place.patient, document))
    view = pages.document_view(place, page, request.GET.get("section", ""))
    done = request.GET.get("fait", "")
    said = {
        "page": view,
        "place": place,
        "marks": bridge.run(acts().marks(who, document)),
        "done": gettext(DONE[done]) if done in DONE else "",
        "unsure": done == "sure",
    }
    return render(request, "record/document.html", said)


@reads
def curves(request: HttpRequest, who: Actor, place: Place) -> HttpResponse:
    """The measures that have a curve."""
    found = bridge.run(acts().curves(who, place.patient))
    view = pages.curves_view(place, found)
    return render(request, "record/curves.html", {"page": view, "place": place})


@reads
def curve(request: HttpRequest, who: Actor, place: Place, code: str) -> HttpResponse:
    """One measure over time."""
    found = bridge.run(acts().curve(who, place.patient, code))
    if not found.points:
        raise errors.NotFound
    view = pages.curve_view(place, found, page_number(request))
    return render(request, "record/curve.html", {"page": view, "place": place})


@reads
def file(request: HttpRequest, who: Actor, place: Place, binary: str) -> HttpResponse:
    """A file of a document: a PDF opens in the browser, all else is saved."""
    content = bridge.run(acts().content(who, place.patient, binary))
    kind = content.media_type.split(";")[0].strip().lower()
    shown = kind in INLINE and "enregistrer" not in request.GET
    suffix = {"application/pdf": ".pdf", "text/xml": ".xml", "application/xml": ".xml"}.get(
        kind, ""
    )
    return HttpResponse(
        content.data,
        content_type=kind if kind in INLINE else "application/octet-stream",
        headers={
            "Content-Disposition": content_disposition_header(
                not shown, f"{slugify(content.title) or 'document'}{suffix}"
            )
            or "attachment",
            # nothing in a file may run or call outside, whatever it is
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"
            + ("" if shown else "; sandbox"),
        },
    )


@reads
def openings(request: HttpRequest, who: Actor, place: Place) -> HttpResponse:
    """Who has read my record."""
    found = bridge.run(acts().openings(who, place.patient))
    tab = request.GET.get("vue", "")
    view = pages.openings_view(place.url("openings"), found, tab, page_number(request))
    rows = map(row, bridge.run(desk.parts().life.emergencies(who, place.patient)))
    said = {"page": view, "place": place, "emergencies": tuple(rows)}
    return render(request, "record/openings.html", said)


@reads
def proof(request: HttpRequest, who: Actor, place: Place, line: str) -> HttpResponse:
    """The proof of one line of that list, to keep."""
    return HttpResponse(
        bridge.run(acts().proof(who, line)),
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="preuve.json"'},
    )


def page_number(request: HttpRequest) -> int:
    """From 1; what is not a number is the first."""
    asked = request.GET.get("page", "1")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
