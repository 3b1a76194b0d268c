# SPDX-License-Identifier: EUPL-1.2
"""A record to take away: asked for by a form, since it is written in the log, and sent as it is made."""

from collections.abc import AsyncIterator, Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.rights.views import place_of

NAME = "dossier.zip"


@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest, patient: str = "") -> HttpResponseBase:
    """What a copy holds; posted, the copy itself."""
    who = actor(request)
    place = place_of(request, who, patient)
    if request.method != "POST":
        page: HttpResponse = render(request, "export/take.html", {"place": place})
        return page
    chunks = desk.parts().acts.take_away(who, place.patient)
    first = bridge.run(following(chunks))  # a refusal is a page, not half a file
    return StreamingHttpResponse(
        sent(first, chunks),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{NAME}"'},
    )


async def following(chunks: AsyncIterator[bytes]) -> bytes | None:
    """The next bytes; None at the end."""
    return await anext(chunks, None)


def sent(first: bytes | None, chunks: AsyncIterator[bytes]) -> Iterator[bytes]:
    """The bytes, each asked for when the one before has left."""
    chunk = first
    while chunk is not None:
        yield chunk
        chunk = bridge.run(following(chunks))
