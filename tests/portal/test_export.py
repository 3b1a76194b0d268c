# SPDX-License-Identifier: EUPL-1.2
"""A record taken away from a page: sent as it is made, and broken off when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from carnet import errors
from carnet.portal.asgi import ThreadedWsgi
from tests.portal.preview import CHILD_ID, ELDER_ID

pytestmark = pytest.mark.db
PAGE = "/dossier/emporter/"


def test_the_copy_is_posted_for_and_is_a_file(logged_in: Any) -> None:
    client = logged_in("patient")
    assert PAGE in client.get("/dossier/acces/").content.decode()
    answer = client.post(PAGE)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert answer["Content-Disposition"] == 'attachment; filename="dossier.zip"'
    assert answer["Cache-Control"] == "no-store"
    assert b"".join(answer.streaming_content) == b"PKend"
    child = client.post(f"/pour/{CHILD_ID}/emporter/")
    assert b"".join(child.streaming_content) == b"PKend"
    assert client.post(f"/pour/{ELDER_ID}/emporter/").status_code == 404, "an errand, no right"
    assert logged_in("gp").post(PAGE).status_code == 404


def test_a_page_of_another_site_cannot_ask_for_it(logged_in: Any) -> None:
    client = logged_in("patient")
    client.handler.enforce_csrf_checks = True
    assert client.post(PAGE).status_code == 403


def test_what_fails_in_the_middle_is_raised_not_ended(logged_in: Any) -> None:
    answer = logged_in("newcomer").post(PAGE)
    with pytest.raises(errors.NotFound):
        b"".join(answer.streaming_content)


class Made:
    """A WSGI response made as it is sent, of two pieces; the second may fail."""

    streaming = True

    def __init__(self, *, fails: bool) -> None:
        self.fails, self.closed, self.asked = fails, False, 0

    def __iter__(self) -> Any:
        for piece in (b"one", b"two"):
            self.asked += 1
            if self.fails and piece == b"two":
                raise errors.NotFound
            yield piece

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("fails", [False, True])
def test_each_piece_is_made_when_the_one_before_has_left(fails: bool) -> None:
    """Planted beside it: an answer that was ended all the same would pass for whole."""
    made, told = Made(fails=fails), []

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "application/zip")])
        return made

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            told.append((message["body"], message.get("more_body", False), made.asked))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "path": "/", "method": "POST", "headers": []}
    app = ThreadedWsgi(application, threads=1)
    if fails:
        with pytest.raises(errors.NotFound):
            asyncio.run(app(scope, receive, send))
        assert told == [(b"", True, 0), (b"one", True, 1)]
    else:
        asyncio.run(app(scope, receive, send))
        assert told == [(b"", True, 0), (b"one", True, 1), (b"two", True, 2), (b"", False, 2)]
    assert made.closed
