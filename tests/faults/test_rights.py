# SPDX-License-Identifier: EUPL-1.2
"""Faults planted in the patient's rights: each must turn red the test that guards it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from carnet import errors
from carnet.access import notices
from carnet.access import queries as access
from carnet.access.door import Decision, Door, Unit, Visit
from carnet.access.matrix import Matrix
from carnet.documents import announce, hide
from carnet.documents import queries as documents
from carnet.fhir.store import queries as store
from carnet.rights import explain, holder, view
from carnet.rights import queries as rights
from carnet.rights.pages import Explanation, Reason
from tests.access import test_matrix
from tests.documents import test_announce, test_hide
from tests.documents.test_announce import worker
from tests.rights import test_choices, test_explain, test_view
from tests.space import Space

__all__ = ["worker"]
Plant = Callable[[pytest.MonkeyPatch], None]
Guard = Callable[[Space, Door, Path], Awaitable[None]]


# ------------------------------------------------------------------------------------- planted


def mask_of_one_row(patch: pytest.MonkeyPatch) -> None:
    """What was extracted keeps its labels."""
    patch.setattr(store, "MASK", store.MASK.replace("OR origin = ANY (%(rids)s)", ""))


def mask_of_one_version(patch: pytest.MonkeyPatch) -> None:
    """The rest of the chain keeps its labels."""

    async def alone(unit: Unit, document: Any) -> list[Any]:
        return [document]

    patch.setattr(hide, "chain", alone)


def mask_not_said(patch: pytest.MonkeyPatch) -> None:
    """The row bears the mask, the resource does not say it: a search by label misses it."""

    async def silent(*given: Any) -> None: ...

    patch.setattr(hide, "_say", silent)


def lots_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A lot of several documents bears the masks of its first alone."""

    async def nothing(*given: Any) -> None: ...

    patch.setattr(hide, "_lots", nothing)


def anybody_masks(patch: pytest.MonkeyPatch) -> None:
    """Whoever sees a document masks it."""

    async def anybody(unit: Unit, held: Any) -> str:
        return "masked-by-holder"

    patch.setattr(hide, "by_holder", anybody)


def any_mandate_holds(patch: pytest.MonkeyPatch) -> None:
    """A carer decides as a legal representative does."""
    patch.setattr(hide, "REPRESENTING", frozenset(("representative", "guardian", "carer")))


def any_mandate_blocks(patch: pytest.MonkeyPatch) -> None:
    """A carer blocks professionals."""
    patch.setattr(holder, "REPRESENTING", frozenset(("representative", "guardian", "carer")))
    plain = access.held

    async def held(*given: Any) -> Any:
        return [replace(one, reach="all") for one in await plain(*given)]

    patch.setattr(access, "held", held)


def month_begins_again(patch: pytest.MonkeyPatch) -> None:
    """Only the row whose month has passed is shown, not its later versions."""
    mask_of_one_version(patch)


def told_again(patch: pytest.MonkeyPatch) -> None:
    """What was told is told at each turn."""
    patch.setattr(documents, "TOLD", documents.TOLD.replace("told = %(now)s", "told = NULL"))


def told_with_its_name(patch: pytest.MonkeyPatch) -> None:
    """Two weeks before: the patient is told at once."""
    patch.setattr(announce, "TOLD_AFTER", announce.TOLD_AFTER * 0)


def put_off_for_ever(patch: pytest.MonkeyPatch) -> None:
    """An author puts off again and again."""

    async def never(*given: Any) -> bool:
        return False

    patch.setattr(documents, "announced_before", never)


def block_is_a_note(patch: pytest.MonkeyPatch) -> None:
    """The block is written with an end in the past."""
    patch.setattr(rights, "BLOCK", rights.BLOCK.replace(
        "(cid, rpps, since)\n    SELECT %(cid)s, %(rpps)s, %(now)s",
        "(cid, rpps, since, until)\n    SELECT %(cid)s, %(rpps)s, %(now)s, %(now)s",
    ))  # fmt: skip


def unblocking_forgets(patch: pytest.MonkeyPatch) -> None:
    """Lifting a block rewrites when it began."""
    patch.setattr(rights, "UNBLOCK", rights.UNBLOCK.replace("IS NULL OR", "IS NOT NULL OR"))


def refusal_is_not_kept(patch: pytest.MonkeyPatch) -> None:
    """The mode refused is the other one."""
    patch.setattr(rights, "SET_REFUSED", dict(zip(
        rights.SET_REFUSED, reversed(list(rights.SET_REFUSED.values())), strict=True)))  # fmt: skip


def withdrawn_tomorrow(patch: pytest.MonkeyPatch) -> None:
    """A consent that is withdrawn is only marked for its end."""
    patch.setattr(
        "carnet.rights.consent.END_CONSENT",
        rights.END_CONSENT.replace("SET withdrawn = %(now)s", "SET withdrawn = NULL"),
    )


def nobody_is_told(patch: pytest.MonkeyPatch) -> None:
    """A consent is declared behind the patient's back."""

    async def silent(*given: Any, **more: Any) -> int:
        return 0

    patch.setattr(notices, "send", silent)


def explain_tells_of_a_block(patch: pytest.MonkeyPatch) -> None:
    """A blocked professional is told so."""
    plain = explain.explain

    async def tells(visit: Visit, patient: str = "", handle: str = "") -> Explanation:
        found = await plain(visit, patient, handle)
        place = visit.door.ids.decode(patient)
        async with visit.door.pool.connection() as conn:
            blocked = await rights.blocks(conn, [place[0] if place else -1], visit.door.clock())
        if visit.actor.rpps in {one.rpps for one in blocked}:
            return replace(found, reasons=(*found.reasons, Reason("blocked", "bloqué")))
        return found

    patch.setattr(explain, "explain", tells)
    patch.setattr(test_explain, "explain", tells)


def consents_of_all(patch: pytest.MonkeyPatch) -> None:
    """A professional reads every consent of a record they may read."""
    patch.setattr(view, "opened_to", _everybody)


class _Everybody:
    def __contains__(self, one: object) -> bool:
        return True

    def __iter__(self) -> Any:
        return iter(())


def _everybody(*given: Any) -> Any:
    return _Everybody()


def hide_says_forbidden(patch: pytest.MonkeyPatch) -> None:
    """403 where a document is hidden, 404 where there is none."""
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


def first_version_for_ever(patch: pytest.MonkeyPatch) -> None:
    """A new matrix never comes into force."""
    patch.setattr(Matrix, "at", lambda self, now: self)


def declared_though_blocked(patch: pytest.MonkeyPatch) -> None:
    """Who is blocked declares a consent."""

    async def nobody(*given: Any) -> bool:
        return False

    patch.setattr(access, "blocked", nobody)


def depositors_are_known(patch: pytest.MonkeyPatch) -> None:
    """Whoever deposited is in the list, hidden or not."""
    plain = rights.members

    async def members(conn: Any, cids: Any) -> Any:
        cursor = await conn.execute(
            "SELECT DISTINCT sub FROM access.audit WHERE cid = ANY (%s) AND sub LIKE 'rpps:%%'",
            (list(cids),),
        )
        more = [
            rights.Member(cids[0], 0, int(sub.removeprefix("rpps:")), "", LONG_AGO, None)
            for (sub,) in await cursor.fetchall()
        ]
        return [*await plain(conn, cids), *more]

    patch.setattr(rights, "members", members)


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


# ------------------------------------------------------------------------------------- and found


def of(test: Callable[..., Awaitable[None]], *given: Any) -> Guard:
    """A test that takes a space alone."""

    async def guard(space: Space, worker: Door, folder: Path) -> None:
        await test(space, *given)

    guard.__name__ = test.__name__
    return guard


def timed(test: Callable[..., Awaitable[None]]) -> Guard:
    """A test that takes a worker too."""

    async def guard(space: Space, worker: Door, folder: Path) -> None:
        await test(space, worker)

    guard.__name__ = test.__name__
    return guard


async def dated(space: Space, worker: Door, folder: Path) -> None:
    """The door by the version in force."""
    for name, on, cells in (
        ("first", "2026-01-01", {}),
        ("second", "2026-12-01", {"_60": test_matrix.LESS}),
    ):
        text = test_matrix.version(name, date.fromisoformat(on), **cells)
        (folder / f"{name}.toml").write_text(text, "utf-8")
    await test_matrix.test_the_door_judges_by_the_version_in_force_and_says_which(space, folder)


GUARDED: list[tuple[Plant, Guard]] = [
    (mask_of_one_row, of(test_hide.test_nothing_that_came_with_it_is_left_behind)),
    (mask_of_one_version, of(test_hide.test_hiding_one_version_hides_the_whole_chain, 1)),
    (mask_not_said, of(test_hide.test_hiding_one_version_hides_the_whole_chain, 0)),
    (lots_forgotten, of(test_hide.test_a_lot_bears_the_masks_of_all_its_documents)),
    (anybody_masks, of(test_hide.test_a_professional_masks_nothing_for_the_patient, "nurse")),
    (any_mandate_holds, of(test_hide.test_a_carer_s_mandate_masks_nothing)),
    (any_mandate_blocks,
     of(test_choices.test_a_legal_representative_decides_for_a_minor_and_a_carer_for_nobody)),
    (month_begins_again, timed(test_announce.test_the_month_of_a_chain_runs_from_its_first_version)),
    (told_again, timed(test_announce.test_at_two_weeks_the_patient_is_told_and_at_a_month_they_see)),
    (told_with_its_name,
     timed(test_announce.test_at_two_weeks_the_patient_is_told_and_at_a_month_they_see)),
    (put_off_for_ever, timed(test_announce.test_the_author_puts_an_announcement_off_once)),
    (block_is_a_note, of(test_choices.test_a_professional_who_is_blocked_finds_an_empty_record)),
    (unblocking_forgets, of(test_choices.test_blocks_and_trust_keep_their_past)),
    (refusal_is_not_kept,
     of(test_choices.test_each_emergency_mode_is_refused_by_itself_and_stops_at_once,
        "centre-15", "bris-de-glace")),
    (withdrawn_tomorrow, of(test_choices.test_withdrawn_a_consent_ends_at_once_and_is_still_told)),
    (nobody_is_told, of(test_choices.test_a_visit_is_told_with_who_asked_how_and_until_when)),
    (explain_tells_of_a_block,
     of(test_explain.test_without_a_link_the_answer_is_one_and_the_same, test_explain.blocked)),
    (consents_of_all, of(test_view.test_a_professional_reads_those_they_read_by)),
    (declared_though_blocked, of(test_view.test_to_who_is_blocked_it_is_as_if_nobody_were_known)),
    (depositors_are_known,
     of(test_choices.test_who_only_deposited_something_hidden_is_not_among_the_known)),
    (hide_says_forbidden, of(test_hide.test_to_who_sees_nothing_there_is_nothing_to_mask, "outsider")),
    (first_version_for_ever, dated),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("plant", "guard"), GUARDED, ids=lambda each: str(getattr(each, "__name__", each))
)
async def test_a_fault_in_the_rights_is_found(
    space: Space,
    worker: Door,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plant: Plant,
    guard: Guard,
) -> None:
    plant(monkeypatch)
    try:
        await guard(space, worker, tmp_path)
    except (AssertionError, pytest.fail.Exception, errors.CarnetError, ValueError):
        return
    raise AssertionError(f"nothing found {plant.__name__}")
