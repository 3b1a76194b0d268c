# SPDX-License-Identifier: EUPL-1.2
"""Faults of what leaves and is shown: notices, letters, jobs, copies, pages sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from carnet import errors
from carnet.access import notices
from carnet.access.door import (
    Visit,
    platform,
)
from carnet.app.pages import PageParts
from carnet.cli import record
from carnet.documents import announce
from carnet.documents import queries as documents
from carnet.notices import deliver, letters
from carnet.notices import queries as outgoing
from carnet.notices.render import Rendered
from carnet.portal import bridge
from tests.faults.planting import count_of, every_condition, open_condition, unguarded


def _told_how_many(patch: pytest.MonkeyPatch, module: Any) -> None:
    """What `module` renders ends with how many resources its record holds."""
    fetched, render = outgoing.fetched, module.render

    async def counted(conn: Any, query: Any, values: Any) -> list[outgoing.Outgoing]:
        found = []
        for one in await fetched(conn, query, values):
            count = await count_of(conn, "cid = %s", one.cid)
            found.append(replace(one, codes={**one.codes, "count": str(count)}))
        return found

    def said(door: Any, notice: outgoing.Outgoing) -> Rendered:
        made: Rendered = render(door, notice)
        return replace(made, text=f"{made.text} {notice.codes['count']}")

    patch.setattr(outgoing, "fetched", counted)
    patch.setattr(module, "render", said)


def notice_says_how_many(patch: pytest.MonkeyPatch) -> None:
    """An e-mail says how much there is in the record."""
    _told_how_many(patch, deliver)


def letter_says_how_many(patch: pytest.MonkeyPatch) -> None:
    """A letter says how much there is in the record."""
    _told_how_many(patch, letters)


def a_notice_a_document(patch: pytest.MonkeyPatch) -> None:
    """At two weeks the patient is told once for each document that waits."""

    async def tell(door: Any) -> int:
        async with door.pool.connection() as conn, conn.transaction():
            await platform.enter(door, conn)
            due = await documents.to_tell(conn, door.clock() - announce.TOLD_AFTER)
            for one in due:
                await notices.send(door, conn, one.cid, "see-a-professional")
        return len(due)

    patch.setattr(announce, "tell", tell)


def handed_over_whole(patch: pytest.MonkeyPatch) -> None:
    """The copy an operator hands over holds what its person may not see."""
    plain = record.handed_over

    async def handed_over(visit: Visit, id: str) -> AsyncIterator[bytes]:
        with unguarded():
            async for chunk in plain(visit, id):
                yield chunk

    every_condition(patch, open_condition)
    patch.setattr(record, "handed_over", handed_over)


def footer_counts(patch: pytest.MonkeyPatch) -> None:
    """The foot of every page says how much there is in all."""
    plain = vars(PageParts)["matrix"].fget

    async def count(parts: PageParts) -> int:
        async with parts._built.pool.connection() as conn:
            return await count_of(conn, "NOT gone")

    def matrix(parts: PageParts) -> str:
        return f"{plain(parts)}, {bridge.run(count(parts))}"

    patch.setattr(PageParts, "matrix", property(matrix))


def page_is_forbidden(patch: pytest.MonkeyPatch) -> None:
    """The page of a document that is hidden says 403, of one that is not there 404."""
    from carnet.portal import desk, refusals

    plain = refusals.refusal

    async def there(document: str) -> bool:
        built: Any = getattr(desk.parts(), "_built")  # noqa: B009
        place = built.door.ids.decode(document)
        if place is None:
            return False
        async with built.pool.connection() as conn:
            return await count_of(conn, "cid = %s AND rid = %s AND NOT gone", *place) > 0

    def refusal(request: Any, error: errors.CarnetError) -> Any:
        _, _, rest = request.path.partition("/documents/")
        if rest and bridge.run(there(rest.split("/")[0])):
            return refusals.FORBIDDEN
        return plain(request, error)

    patch.setattr(refusals, "refusal", refusal)
