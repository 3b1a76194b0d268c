# SPDX-License-Identifier: EUPL-1.2
"""The pages as ASGI and WSGI applications, and the bridge to the acts."""

import asyncio
import threading
import time
from typing import Any

import httpx
import pytest

from carnet import errors, portal
from carnet.portal import bridge
from carnet.portal.asgi import BODY, OF_FILES, ThreadedWsgi, environ

pytestmark = pytest.mark.db


@pytest.fixture
def http(site: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(portal.asgi_application(threads=2))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")


@pytest.mark.anyio
async def test_pages_and_static_files_come_from_one_application(http: httpx.AsyncClient) -> None:
    async with http:
        page = await http.get("/")
        assert page.status_code == 200
        style = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
        sheet = await http.get(style)
        assert sheet.headers["content-type"].startswith("text/css")
        assert "immutable" in sheet.headers["cache-control"]
        assert sheet.headers["x-content-type-options"] == "nosniff"
        head = await http.head("/")
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.anyio
async def test_a_form_goes_through(http: httpx.AsyncClient) -> None:
    async with http:
        page = await http.get("/langue/")
        token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        data = {"csrfmiddlewaretoken": token, "language": "en", "next": "/"}
        answer = await http.post("/langue/", data=data, headers={"Origin": "http://localhost:8000"})
        assert answer.status_code == 302
        assert "Log in" in (await http.get("/")).text


@pytest.mark.anyio
async def test_a_body_over_the_limit_is_refused(http: httpx.AsyncClient) -> None:
    async with http:
        answer = await http.post("/compte/connexion/", content=b"x" * (BODY + 1))
    assert answer.status_code == 413


@pytest.mark.anyio
async def test_a_slow_page_stops_neither_the_loop_nor_the_next_page() -> None:
    slow = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/slow":
            assert slow.wait(10)
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    transport = httpx.ASGITransport(ThreadedWsgi(application, threads=2))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        waiting = asyncio.create_task(http.get("/slow"))
        assert (await http.get("/quick")).text == "/quick"
        assert not waiting.done()
        slow.set()
        assert (await waiting).text == "/slow"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    [
        "/dossier/documents/a1/fichier/",
        "/patients/p1/documents/a1/fichier/",
        "/dossier/fichiers/b1/page-3.png",
        "/patients/p1/fichiers/b1/page-12.png",
        "/dossier/documents/ajouter/",
    ],
)
async def test_files_made_to_be_slow_hold_back_files_alone(path: str) -> None:
    """However many wait for one, the pages of everybody else are served."""
    slow = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == path:
            assert slow.wait(10)
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    served = ThreadedWsgi(application, threads=2, of_files=2)
    transport = httpx.ASGITransport(served)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        waiting = [asyncio.create_task(http.get(path)) for _ in range(9)]
        await asyncio.sleep(0)
        for quick in ("/dossier/", "/dossier/fichiers/b1", "/dossier/documents/a1/"):
            assert (await asyncio.wait_for(http.get(quick), 8)).text == quick
        assert not any(each.done() for each in waiting)
        slow.set()
        assert {each.text for each in await asyncio.gather(*waiting)} == {path}


def test_every_page_that_waits_for_a_file_has_a_thread_of_files(site: Any) -> None:
    """Written from the addresses themselves: a new one cannot be forgotten."""
    from django.urls import reverse

    from carnet.portal.files import urls

    given: dict[str, dict[str, Any]] = {
        "add": {},
        "viewer": {"document": "a1"},
        "picture": {"binary": "b1", "number": "3"},
    }
    assert {str(each.name) for each in urls.mine} == set(given)
    for name, values in given.items():
        assert OF_FILES.search(reverse(f"mine:{name}", kwargs=values)), name
    assert not OF_FILES.search(reverse("mine:document", kwargs={"document": "a1"}))


def test_a_header_cannot_pass_for_another() -> None:
    scope = {
        "method": "GET",
        "path": "/é",
        "headers": [
            (b"x_forwarded_for", b"1.2.3.4"),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
            (b"host", b"h"),
        ],
    }
    values = environ(scope, b"")
    assert "HTTP_X_FORWARDED_FOR" not in values
    assert values["HTTP_COOKIE"] == "a=1; b=2"
    assert values["PATH_INFO"].encode("latin-1").decode() == "/é"


def test_the_bridge_gives_the_result_or_what_was_raised() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 7

    async def refuse() -> int:
        raise errors.NotFound

    assert bridge.run(answer()) == 7
    with pytest.raises(errors.NotFound):
        bridge.run(refuse())


def test_an_act_that_takes_too_long_is_given_up() -> None:
    ended = threading.Event()

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    before = time.monotonic()
    with pytest.raises(errors.Transient):
        bridge.run(long(), patience=0.05)
    assert time.monotonic() - before < 5
    assert ended.wait(5), "it is cancelled too"


def test_the_bridge_uses_the_loop_of_the_application() -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    previous = bridge.start()
    try:
        bridge.attach(loop)

        async def where() -> asyncio.AbstractEventLoop:
            return asyncio.get_running_loop()

        assert bridge.run(where()) is loop
    finally:
        bridge.attach(previous)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
