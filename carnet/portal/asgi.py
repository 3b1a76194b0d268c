# SPDX-License-Identifier: EUPL-1.2
"""The pages inside an ASGI application: each request runs in a thread of a small pool.

Django's own ASGI handler hops threads at each middleware and serves a third of the pages. Pages that
wait for a file to be looked at have threads of their own: a file made to be slow holds back other files,
never the rest of the site.
"""

import asyncio
import io
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY = 12 << 20  # bytes of a request, at most
DROPPED = (
    64 << 20
)  # bytes read all the same, and dropped: a browser shows an answer once it has sent all
# Addresses of carnet/portal/files: what they do waits for a confined process.
OF_FILES = re.compile(r"/(?:fichier/|fichiers/[^/]+/page-[0-9]+\.png|documents/ajouter/)$")
TOO_LARGE = "carnet.too_large"  # in the WSGI environment
WAIT = "carnet.wait"  # the same; seconds, of a page that is asked for too soon


@dataclass(frozen=True, slots=True)
class Answer:
    """A WSGI response: whole, or its beginning and what follows."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    more: Iterator[bytes] | None = None  # what follows, made as it is sent
    close: Callable[[], None] | None = None  # once it is sent, or broken off


class ThreadedWsgi:
    """An ASGI application that answers HTTP from a WSGI one; but for files, responses are sent whole."""

    def __init__(
        self, application: Callable[..., Iterable[bytes]], *, threads: int, of_files: int = 4
    ) -> None:
        self.application = application
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="carnet-pages")
        self.of_files = ThreadPoolExecutor(of_files, thread_name_prefix="carnet-page-files")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await read(receive)
        values = environ(scope, body or b"")
        values[TOO_LARGE] = body is None  # the pages have the words for it
        values[WAIT] = scope.get(WAIT)  # this one too
        loop = asyncio.get_running_loop()
        pool = self.of_files if OF_FILES.search(scope["path"]) else self.pool
        answer = await loop.run_in_executor(pool, self.answer, values)
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        if answer.more is None:
            await send({"type": "http.response.body", "body": answer.body})
            return
        # What fails once it has begun is raised: the answer is broken off, never ended.
        piece: bytes | None = answer.body
        try:
            while piece is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await loop.run_in_executor(pool, next, answer.more, None)
            await send({"type": "http.response.body", "body": b""})
        finally:
            if answer.close is not None:
                await loop.run_in_executor(pool, answer.close)

    def answer(self, environ: dict[str, Any]) -> Answer:
        """Run the WSGI application to its end, in this thread."""
        said: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], None]:
            said.append((status, headers))
            return lambda _: None

        chunks = self.application(environ, start_response)
        close = getattr(chunks, "close", None)
        if getattr(chunks, "streaming", False):  # a response of Django's that is made as it is sent
            status, headers = said[-1]
            return Answer(int(status[:3]), _encoded(headers), b"", iter(chunks), close)
        try:
            body = b"".join(chunks)
        finally:
            if close is not None:
                close()
        status, headers = said[-1]
        return Answer(int(status[:3]), _encoded(headers), body)


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]


async def read(receive: Receive) -> bytes | None:
    """The body; None when it is too large."""
    body, size = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        piece = message.get("body", b"")
        size += len(piece)
        if size <= BODY:
            body += piece
        else:
            body.clear()
        if size > DROPPED or not message.get("more_body"):
            return bytes(body) if size <= BODY else None


def environ(scope: Scope, body: bytes) -> dict[str, Any]:
    """The WSGI environment of a request (PEP 3333)."""
    root = scope.get("root_path", "")
    path = scope["path"].removeprefix(root) if root else scope["path"]
    host, port = scope.get("server") or ("localhost", 80)
    values: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": root.encode().decode("latin-1"),
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw, content in scope["headers"]:
        name = raw.decode("latin-1")
        if "_" in name or name == "content-length":  # X_Real_Ip must not pass for X-Real-Ip
            continue
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        value = content.decode("latin-1")
        if key in values:
            value = f"{values[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        values[key] = value
    return values
