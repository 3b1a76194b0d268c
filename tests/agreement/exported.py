# SPDX-License-Identifier: EUPL-1.2
"""An export from the asking of it to its last file, as one answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from carnet.app import bulk
from carnet.app.parts import Built
from carnet.postgres.pool import JOB, Pool, open_pool
from tests.space import Answer

Ask = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Answer]]
ASYNC = {"prefer": "respond-async"}


async def worker(url: str) -> Pool:
    """The connections of a worker."""
    return await open_pool(url, min_size=1, max_size=2, limits=JOB)


async def taken(ask: Ask, built: Built, pool: Pool, path: str, sent: bytes = b"") -> Answer:
    """What each step answers, one after the other; nothing of the export is left.

    ask: a request of a method, a path, headers and a body. sent: parameters of an export asked by POST.
    """

    async def got(path: str) -> Answer:
        return await ask("GET", path, {}, b"")

    answer = await ask("POST" if sent else "GET", path, ASYNC, sent)
    told = [_told(answer)]
    if answer.status != 202:
        return answer
    job = answer.headers["content-location"].partition("/fhir/")[2]
    waiting = await got(job)
    await bulk.drain(replace(built.door, pool=pool))
    ready = await got(job)
    told += [_told(waiting), _told(ready)]
    if ready.status == 200:
        for each in ready.json["output"]:
            file = await got(each["url"].partition("/fhir/")[2])
            told.append(_told(file))
            if file.status >= 500:
                return file
    told.append(_told(await ask("DELETE", job, {}, b"")))
    return Answer(ready.status, {}, b"\n".join(told))


def _told(answer: Answer) -> bytes:
    headers = sorted((k, v) for k, v in answer.headers.items() if k != "x-request-id")
    return b"\n".join((str(answer.status).encode(), repr(headers).encode(), answer.body))
