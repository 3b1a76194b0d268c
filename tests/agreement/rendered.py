# SPDX-License-Identifier: EUPL-1.2
"""The people's pages as they are sent: each view called as the server calls it, but for the log-in.

What differs at each look (the token of a form) is taken out; lines of the run itself are not shown.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from carnet.access.actor import Actor, ActorKind
from carnet.access.pages import Opening
from carnet.app.pages import PageActs, PageParts
from carnet.app.parts import Built
from tests.portal.setting import set_up
from tests.space import Answer

TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]*')
THREADS = ThreadPoolExecutor(4, thread_name_prefix="twin-pages")
PARTS: ContextVar[PageParts | None] = ContextVar("PARTS", default=None)


class Before(PageActs):
    """The acts of the pages; who was there before anybody asked here, for the rest is the run's own."""

    def __init__(self, built: Built, until: datetime) -> None:
        super().__init__(built)
        self._until = until

    async def openings(self, actor: Actor, patient: str) -> Sequence[Opening]:
        found = await super().openings(actor, patient)
        return [dataclasses.replace(each, line="") for each in found if each.at < self._until]


def parts_of(built: Built, until: datetime) -> PageParts:
    """What the pages of one world call."""
    parts = PageParts(built)
    parts.acts = Before(built, until)
    return parts


@dataclass
class Chosen:
    """The parts of the world that is asked; those that were there before, when none is."""

    before: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(PARTS.get() or self.before, name)


async def html(parts: PageParts, actor: Actor, method: str, path: str) -> Answer:
    """One page, or the file it sends."""
    _ready()
    from carnet.portal import bridge

    loop = asyncio.get_running_loop()
    bridge.attach(loop)
    return await loop.run_in_executor(THREADS, _html, parts, actor, method, path)


def _ready() -> None:
    set_up(None, None)
    from carnet.portal import desk

    if not isinstance(desk._parts, Chosen):
        desk.install(desk.config(), Chosen(desk._parts))


def _html(parts: PageParts, actor: Actor, method: str, path: str) -> Answer:
    from django.test import RequestFactory

    from carnet.portal.accounts import actors
    from carnet.portal.headers import Headers
    from carnet.portal.language import Language

    token = PARTS.set(parts)
    try:
        request: Any = RequestFactory(HTTP_HOST="localhost").generic(method, path)
        request.actor, request.session = actor, {}
        request.user = SimpleNamespace(is_authenticated=True, pk=0)
        if actor.kind is ActorKind.ASSISTANT:
            request.assisted = actors._assisted(actor)
        response: Any = Headers(Language(_view))(request)
        chunks: Iterator[bytes] = response.streaming_content if response.streaming else iter(())
        body = b"".join(chunks) if response.streaming else response.content
    finally:
        PARTS.reset(token)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, TOKEN.sub(rb"\1", body))


def _broken(error: Exception) -> Any:
    from django.http import HttpResponse

    return HttpResponse("".join(traceback.format_exception(error)[-3:]), status=500)


def _view(request: Any) -> Any:
    """The view of an address, and the page of what it refuses."""
    from django.http import Http404
    from django.urls import resolve

    from carnet.portal import refusals

    refused = refusals.Refusals(_view)
    try:
        request.resolver_match = match = resolve(request.path_info)
        return match.func(request, *match.args, **match.kwargs)
    except Http404 as nothing:
        return refusals.page_not_found(request, nothing)
    except Exception as error:
        return refused.process_exception(request, error) or _broken(error)
