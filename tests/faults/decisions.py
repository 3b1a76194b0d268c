# SPDX-License-Identifier: EUPL-1.2
"""Faults of the decision: both walls believe it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from carnet import errors
from carnet.access import kinds, reach
from carnet.access import queries as access
from carnet.access.door import (
    Decision,
    Visit,
    decide,
)
from carnet.access.door.writing import Unit
from carnet.access.labels import Label
from carnet.access.matrix import Matrix
from carnet.documents import hide
from carnet.rights import explain, view
from carnet.rights import queries as rights
from carnet.rights.pages import Reason
from tests.faults.planting import judged_as, rewritten


def block_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Who is blocked reads as before."""
    rewritten(patch, access, "LINKS LINKS_PROVEN", "b.rpps = %(rpps)s", "b.rpps = -1")


def linked_with_everybody(patch: pytest.MonkeyPatch) -> None:
    """Every open record is linked, whoever consented to what."""
    plain = access.links

    async def links(conn: Any, rpps: int, cids: Any, now: Any, limit: int) -> Any:
        found = await plain(conn, rpps, cids, now, limit)
        held = {one.cid for one in found}
        cursor = await conn.execute("SELECT cid, person FROM access.record WHERE state = 'open'")
        rows = await cursor.fetchall()
        more = [access.Link(cid, False, True, person=person) for cid, person in rows
                if cid not in held and (cids is None or cid in cids)]  # fmt: skip
        return [*found, *more]

    async def never(*given: Any) -> Any:
        return None, await links(*given[:5])

    patch.setattr(access, "links", links)
    patch.setattr(access, "links_proven", never)


def everyone_is_treating(patch: pytest.MonkeyPatch) -> None:
    """Whoever is in the team reads as the médecin traitant does, masked and unclassified."""
    judged_as(patch, lambda link: replace(link, treating=True))


def everyone_is_trusted(patch: pytest.MonkeyPatch) -> None:
    """Every link reads what is masked, as those the holder names do."""
    judged_as(patch, lambda link: replace(link, trusted=True))


def every_profession_reads_all(patch: pytest.MonkeyPatch) -> None:
    """The matrix opens every row to everybody."""
    every = tuple(sorted(kind.number for kind in kinds.table().values()))
    patch.setattr(Matrix, "reads", lambda self, profession: every)


def assistant_is_the_doctor(patch: pytest.MonkeyPatch) -> None:
    """An assistant reads by the line of whom they assist."""
    patch.setattr(decide, "ASSISTANT", "10/SM54")


def every_mandate_holds_all(patch: pytest.MonkeyPatch) -> None:
    """A mandate for papers opens care."""
    patch.setattr(reach, "of_mandate", lambda name: reach.ALL_KINDS)


def secrets_told_at_home(patch: pytest.MonkeyPatch) -> None:
    """What a minor keeps from their parents is shown to them."""
    _holding(patch, int(Label.INVISIBLE_REPRESENTANTS_LEGAUX))


def announced_too_soon(patch: pytest.MonkeyPatch) -> None:
    """What waits to be announced is shown at once."""
    _holding(patch, int(Label.INVISIBLE_PATIENT))


def _holding(patch: pytest.MonkeyPatch, bit: int) -> None:
    plain = decide.holding

    def holding(held: Any) -> Decision:
        made = plain(held)
        admits = tuple(replace(one, refused=one.refused & ~bit) for one in made.scope.admits)
        return replace(made, scope=replace(made.scope, admits=admits))

    patch.setattr(decide, "holding", holding)


def lookup_before_right(patch: pytest.MonkeyPatch) -> None:
    """A caller who may create no Patient is told whether a number is known."""
    patch.setattr(Unit, "may_create", lambda self, rtype: None)


async def _consents(visit: Visit, patient: str) -> int:
    place = visit.door.ids.decode(patient)
    async with visit.door.pool.connection() as conn:
        given = await rights.consents(conn, [place[0] if place else -1], 1000)
    return len(given)


def explain_counts(patch: pytest.MonkeyPatch) -> None:
    """Why one sees nothing depends on the rights of others."""
    plain = explain.explain

    async def tells(visit: Visit, patient: str = "", handle: str = "") -> Any:
        found = await plain(visit, patient, handle)
        more = Reason("consents", str(await _consents(visit, patient)))
        return replace(found, reasons=(*found.reasons, more))

    patch.setattr(explain, "explain", tells)


class _Everybody:
    def __contains__(self, one: object) -> bool:
        return True

    def __iter__(self) -> Any:
        return iter(())


def consents_of_all(patch: pytest.MonkeyPatch) -> None:
    """A professional reads every consent of a record they may read."""
    patch.setattr(view, "opened_to", lambda *given: _Everybody())


def hide_says_forbidden(patch: pytest.MonkeyPatch) -> None:
    """403 where a document is hidden, 404 where there is none, when one asks to mask it."""
    plain = Unit.held

    async def held(self: Unit, rtype: str, id: str, *, lock: bool = True) -> Any:
        try:
            return await plain(self, rtype, id, lock=lock)
        except errors.NotFound:
            place = self.visit.door.ids.decode(id)
            if place is not None:
                self.decided(place[0], Decision(hide.whole(place[0]), ""))
                await plain(self, rtype, id, lock=lock)
                raise errors.Forbidden from None
            raise

    patch.setattr(Unit, "held", held)
