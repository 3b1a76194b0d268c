# SPDX-License-Identifier: EUPL-1.2
"""The index of routes finds what a walk over all of them finds."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.routing import Router

from carnet.app import parts
from carnet.rest.router import Indexed
from carnet.rest.routes import ROUTES

SEGMENTS = (
    "", "Patient", "Group", "ValueSet", "CodeSystem", "metadata", "_history", "_search", "$meta",
    "$export", "$expand", "$validate", "$everything", "$x", "1", "a.b-c", "Nothing", "café", "a b",
)  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get")
ALL = [*parts.acts().routes, *ROUTES]


async def found(router: Router, method: str, path: str, root: str) -> tuple[Any, Any]:
    """The route and the parameters a router gives a request."""
    scope: dict[str, Any] = {
        "type": "http", "method": method, "path": root + path, "root_path": root, "headers": [],
        "app": router,
    }  # fmt: skip
    seen: list[dict[str, Any]] = []

    async def reached(*asked: Any) -> None:
        seen.append(scope)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("starlette.routing.Route.handle", lambda self, *asked: reached(*asked))
        try:
            await router(scope, None, None)  # type: ignore[arg-type]
        except HTTPException as refusal:
            return refusal.status_code, None
    return scope["route"], scope["path_params"]


@pytest.mark.parametrize("root", ["", "/fhir"])
def test_the_index_gives_the_route_that_all_of_them_give(root: str) -> None:
    plain, indexed = Router(ALL, redirect_slashes=False), Indexed(ALL)
    paths = ["", "/", "//", "/Patient/", "/Patient/1/_history/2", "/ValueSet/1/_history/2/$meta"]
    paths += ["/" + "/".join(each) for n in (1, 2) for each in product(SEGMENTS, repeat=n)]
    paths += ["/Patient/1/" + each for each in SEGMENTS]
    paths += [f"/{a}/1/{b}" for a, b in product(SEGMENTS, SEGMENTS)]

    async def differing() -> list[tuple[str, str]]:
        return [
            (method, path)
            for method, path in product(METHODS, paths)
            if await found(plain, method, path, root) != await found(indexed, method, path, root)
        ]

    assert asyncio.run(differing()) == []


def test_an_address_that_only_begins_like_the_root_is_not_under_it() -> None:
    indexed = Indexed(ALL)
    assert asyncio.run(found(indexed, "GET", "x/Patient", "/fhir"))[0] != 200
