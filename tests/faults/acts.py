# SPDX-License-Identifier: EUPL-1.2
"""The acts that are crashed at every point; an act that is added to Carnet is added here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from carnet.access import handles, notices
from carnet.access.door import Door, Visit
from carnet.notices.deliver import Folder, deliver
from carnet.rights import (
    block,
    close,
    consent,
    emergency,
    erase,
    oppose,
    refuse,
    reopen,
    review,
    trust,
)
from carnet.rights import open as opening
from carnet.rights.clock import due
from tests import people
from tests.faults.failpoints import Act, Step
from tests.space import Space

KEY = people.PATIENT.key


def by(persona: str, act: Callable[[Visit], Awaitable[Any]]) -> Step:
    """An act of one persona."""

    async def run(space: Space, worker: Door) -> Any:
        return await act(await space.visit(persona))

    return run


async def noticed(space: Space, worker: Door) -> None:
    """The patient's record waits for its six weeks, its notice sent."""
    cid = space.where.people[KEY]
    await space.rows("UPDATE access.record SET state = 'notice' WHERE cid = %s", cid)
    await due(worker)
    await deliver(worker, Folder(worker.settings.mail))
    await due(worker)


async def unnoticed(space: Space, worker: Door) -> None:
    cid = space.where.people[KEY]
    await space.rows("UPDATE access.record SET state = 'notice' WHERE cid = %s", cid)


def passed(by: timedelta) -> Step:
    async def run(space: Space, worker: Door) -> None:
        space.clock.advance(by)

    return run


async def with_code(space: Space, worker: Door) -> None:
    door = space.built.door
    found = await space.rows("SELECT id FROM notices.outgoing WHERE template = 'opening-notice'")
    code = notices.one_time_code(door, found[0][0])
    await oppose.by_code(door, "test", code, people.PATIENT.birth_date)


async def jobs(space: Space, worker: Door) -> None:
    await due(worker)


async def mail(space: Space, worker: Door) -> None:
    await deliver(worker, Folder(worker.settings.mail))


async def emergency_opened(space: Space, worker: Door) -> None:
    visit = await space.visit("outsider")
    handle = handles.write(visit, space.where.people[KEY])
    await emergency.open(visit, handle, "bris-de-glace", "unconscious")


async def reviewed(space: Space, worker: Door) -> None:
    ((number,),) = await space.rows("SELECT id FROM access.emergency")
    await review.review(await space.visit("gp"), number, "justified", "known")


async def ended(space: Space, worker: Door) -> None:
    await emergency.end(await space.visit("outsider"), space.patient_id())


async def consented(space: Space, worker: Door) -> None:
    visit = await space.visit("outsider")
    await consent.declare(visit, handles.write(visit, space.where.people[KEY]), "oral")


GP = int(people.GP.rpps)
NOTICED = (noticed,)
CLOSED = (by("patient", close.close),)
ACTS = [
    Act("opposition, by code", with_code, "oppose", ("opposed",), NOTICED),
    Act("opposition, logged in", by("patient", oppose.oppose), "oppose", ("opposed",), NOTICED),
    Act("opposition, when open", by("patient", oppose.oppose), "oppose", ("closed",)),
    Act("opening on request", by("patient", opening.open_now), "open", ("opened",), NOTICED),
    Act("closing", by("patient", close.close), "close", ("closed",)),
    Act("reopening", by("patient", reopen.reopen), "reopen", ("reopened",), CLOSED),
    Act(
        "asking for deletion", by("patient", erase.ask), "ask-erasure", ("closed", "erasure-asked")
    ),
    Act(
        "keeping after all",
        by("patient", erase.keep),
        "keep",
        (),
        (by("patient", erase.ask),),
    ),
    Act(
        "opposition to feeding",
        by("patient", lambda visit: oppose.feeding(visit, opposed=True, motive="personal")),
        "oppose-feeding",
    ),
    Act("emergency", emergency_opened, "emergency", ("emergency", "emergency-treating")),
    Act("end of an emergency", ended, "end-emergency", (), (emergency_opened,)),
    Act("review of an emergency", reviewed, "review", (), (emergency_opened,)),
    Act("the notice's job", jobs, "notice", ("opening-notice",), (unnoticed,), job=True),
    Act(
        "the six weeks' job",
        jobs,
        "open",
        ("opened",),
        (noticed, passed(timedelta(days=43))),
        job=True,
    ),
    Act("consent", consented, "consent", ("access-changed",)),
    Act("withdrawal", by("patient", lambda visit: consent.withdraw(visit, GP)), "withdraw"),
    Act("block", by("patient", lambda visit: block.block(visit, GP)), "block"),
    Act("trust", by("patient", lambda visit: trust.trust(visit, GP)), "trust"),
    Act(
        "refusing an emergency mode",
        by("patient", lambda visit: refuse.refuse(visit, "bris-de-glace", refused=True)),
        "refuse",
    ),
]
RULING, HOLDING = ("carnet.rights.life:ruling",), ("carnet.rights.holder:holding",)
JOBS = ("carnet.rights.clock:due", "carnet.rights.clock:_each")
SITES = {
    "opposition, by code": ("carnet.rights.oppose:by_code", "carnet.rights.oppose:_whose"),
    "opposition, logged in": RULING,
    "closing": RULING,
    "reopening": RULING,
    "emergency": ("carnet.rights.emergency:_open",),
    "end of an emergency": ("carnet.rights.emergency:end",),
    "review of an emergency": ("carnet.rights.review:review",),
    "the notice's job": JOBS,
    "the six weeks' job": JOBS,
    "consent": ("carnet.rights.consent:declared",),
    "withdrawal": HOLDING,
    "block": HOLDING,
    "trust": HOLDING,
    "refusing an emergency mode": HOLDING,
}
ACTS = [replace(act, sites=SITES.get(act.name, ())) for act in ACTS]
