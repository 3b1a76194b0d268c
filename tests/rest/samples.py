# SPDX-License-Identifier: EUPL-1.2
"""Resources the tests of the API write."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from psycopg_pool import PoolTimeout

from tests.space import Answer

LAB, HOSPITAL = "lab-software", "hospital-software"
LOINC = "http://loinc.org"
Json = dict[str, Any]


def observation(subject: str | None, *, date: str | None = None, **more: Any) -> Json:
    """A glucose of somebody, `Patient/…`."""
    made: Json = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "2339-0"}]},
    }
    if subject is not None:
        made["subject"] = {"reference": subject}
    if date is not None:
        made["effectiveDateTime"] = date
    return made | more


def organization(name: str, **more: Any) -> Json:
    """An organisation nobody knows: it lands in its depositor's bucket."""
    return {"resourceType": "Organization", "name": name} | more


def post(resource: Json, url: str | None = None, **request: Any) -> Json:
    """A POST of a Bundle."""
    entry: Json = {
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]} | request,
    }
    return entry | ({"fullUrl": url} if url else {})


def put(resource: Json, url: str | None = None, **request: Any) -> Json:
    """A PUT of a Bundle."""
    address = f"{resource['resourceType']}/{resource['id']}"
    entry: Json = {"resource": resource, "request": {"method": "PUT", "url": address} | request}
    return entry | ({"fullUrl": url} if url else {})


def get(url: str) -> Json:
    """A GET of a Bundle."""
    return {"request": {"method": "GET", "url": url}}


def bundle(*entries: Json, kind: str = "transaction", **more: Any) -> Json:
    """A Bundle to post to the base."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)} | more


def chosen() -> str:
    """An id of the caller's own."""
    return str(uuid.uuid4())


def urn() -> str:
    """A fullUrl of something not yet created."""
    return f"urn:uuid:{uuid.uuid4()}"


async def insisted(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer of one among many at once: told to try again, on a slow machine, it does."""
    for _ in range(30):
        try:
            answer = await call()
        except PoolTimeout:  # as it made its token
            continue
        if answer.status != 503:
            return answer
    raise AssertionError("never answered")
