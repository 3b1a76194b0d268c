# SPDX-License-Identifier: EUPL-1.2
"""The one page of health: one's own, a patient's, or that of whom one acts for."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from carnet import errors
from carnet.access.actor import Actor
from carnet.composing.prescription import prescribes
from carnet.portal import bridge, desk
from carnet.portal.acting.views import Line, lines
from carnet.portal.acts import Form
from carnet.portal.record.pages.document import ANCHOR
from carnet.portal.record.places import Place
from carnet.portal.record.views import acts, reads
from carnet.portal.summary.page import health_view, language

MEDIA: dict[str, Form] = {"pdf": "pdf", "json": "json"}
TYPES = {"pdf": "application/pdf", "json": "application/fhir+json"}
LANGUAGES = ("fr", "en")


@reads
def summary(
    request: HttpRequest, who: Actor, place: Place, language: str, form: str
) -> HttpResponse:
    """The International Patient Summary, to keep or to hand over."""
    if language not in LANGUAGES or form not in MEDIA:
        raise errors.NotFound
    name, made = bridge.run(acts().summary(who, place.patient, language, MEDIA[form]))
    response = HttpResponse(made, content_type=TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Language"] = language
    return response


@reads
def said(request: HttpRequest, who: Actor, place: Place, rtype: str, id: str) -> HttpResponse:
    """To the section of the document where a line was said; to the document, when none is known."""
    found = bridge.run(acts().said_in(who, place.patient, rtype, id))
    address = place.url("document", found.document)
    if found.section:
        address += f"?section={found.section}#{ANCHOR}{found.section}"
    return redirect(address)


@reads
def health(request: HttpRequest, who: Actor, place: Place) -> HttpResponse:
    """What matters of a record, on one page."""
    found = bridge.run(acts().health(who, place.patient, language()))
    mandates: tuple[Line, ...] = ()
    emergency = False
    if who.kind == "professional":
        mandates = lines(bridge.run(acts().mandated(who, place.patient)), holder=True)
        emergency = bridge.run(desk.parts().life.running(who, place.patient)) is not None
    context = {
        "page": health_view(place, found),
        "place": place,
        "mandates": mandates,
        "emergency": emergency,
        "prescribes": who.kind == "professional" and prescribes(who.profession),
    }
    return render(request, "summary/health.html", context)
