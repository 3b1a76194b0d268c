# SPDX-License-Identifier: EUPL-1.2
"""Add a document to one's own record; look at the file of a document, page after page."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.access.actor import Actor
from carnet.documents.files import Refused, TooLarge
from carnet.documents.show import FilePage
from carnet.documents.upload import NoDate, NoTitle
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.files.forms import AddForm
from carnet.portal.record import words
from carnet.portal.record.places import Place
from carnet.portal.record.views import other, page_number, reads
from carnet.portal.record.vocabulary import word

TOGETHER = 10  # page images on one page
WIDTH = 900  # pixels of a page image
INERT = "default-src 'none'; sandbox"


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, patient: str = "") -> HttpResponse:
    """The form, and what is wrong in it; on success, the document."""
    who = actor(request)
    if who.kind != "patient":
        raise errors.NotFound
    place = other(request, who, patient) if patient else Place("", None)
    if not place.adds:
        raise errors.NotFound
    if request.method != "POST":
        return page(request, AddForm(), place)
    form = AddForm(request.POST, request.FILES)
    if getattr(request, "too_large", False):
        form.errors.pop("file", None)
        form.add_error("file", told(TooLarge()))
    if not form.is_valid():
        return page(request, form, place)
    given, sent = form.cleaned_data, form.cleaned_data["file"]
    try:
        document = bridge.run(
            desk.parts().acts.upload(
                who,
                data=sent.read(),
                title=given["title"],
                kind=given["kind"],
                on=given["on"],
                declared=sent.content_type or "",
                name=sent.name or "",
                patient=patient,
            )
        )
    except (Refused, TooLarge) as refused:
        form.add_error("file", told(refused))
    except NoTitle:
        form.add_error("title", AddForm.base_fields["title"].error_messages["required"])
    except NoDate:
        form.add_error("on", AddForm.base_fields["on"].error_messages["invalid"])
    else:
        return redirect(place.url("document", document))
    return page(request, form, place)


def page(request: HttpRequest, form: AddForm, place: Place) -> HttpResponse:
    """The form: 200 when nothing was sent, or with what is wrong."""
    return render(request, "files/add.html", {"form": form, "place": place})


def told(refused: Refused | TooLarge) -> str:
    """Why a file is refused, in the language of the page."""
    return refused.french if (get_language() or "fr") == "fr" else str(refused)


@dataclass(frozen=True, slots=True)
class Picture:
    """One page image."""

    number: int
    url: str


@dataclass(frozen=True, slots=True)
class FileView:
    """The file of a document."""

    place: Place
    file: FilePage
    kind: str
    day: str
    back: str  # of the document
    save: str
    pictures: tuple[Picture, ...]
    first: int
    last: int
    newer: str
    older: str


def file_view(place: Place, found: FilePage, number: int) -> FileView:
    """number: from 1, of a page of page images."""
    here = place.url("viewer", found.line.id)
    first = (number - 1) * TOGETHER + 1
    last = min(number * TOGETHER, found.pages)
    return FileView(
        place=place,
        file=found,
        kind=word(found.line.kind_label),
        day=words.moment(found.line.date),
        back=place.url("document", found.line.id),
        save=place.url("file", found.binary) + "?enregistrer=1",
        pictures=tuple(
            Picture(each, place.url("picture", found.binary, str(each)))
            for each in range(first, last + 1)
        ),
        first=first,
        last=last,
        newer=(here if number == 2 else f"{here}?page={number - 1}") if number > 1 else "",
        older=f"{here}?page={number + 1}" if last < found.pages else "",
    )


@reads
def viewer(request: HttpRequest, who: Actor, place: Place, document: str) -> HttpResponse:
    """The file of a document: its page images, its text, and the file itself to save."""
    found = bridge.run(desk.parts().acts.file(who, place.patient, document))
    view = file_view(place, found, page_number(request))
    if found.pages and not view.pictures:
        raise errors.NotFound
    return render(request, "files/viewer.html", {"page": view, "place": place})


@reads
def picture(
    request: HttpRequest, who: Actor, place: Place, binary: str, number: str
) -> HttpResponse:
    """One page image, made now and kept nowhere."""
    image = bridge.run(desk.parts().acts.picture(who, place.patient, binary, int(number), WIDTH))
    return HttpResponse(
        image,
        content_type="image/png",
        headers={"Content-Security-Policy": INERT, "Content-Disposition": "inline"},
    )
