# SPDX-License-Identifier: EUPL-1.2
"""Find a person: an act of its own, traced and limited, that returns what was typed and a handle.

Full INS, or birth date, name and one more trait; never a list over five.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from carnet import errors
from carnet.access import audit, handles, queries
from carnet.access.actor import ActorKind
from carnet.access.door import Address, Unit, Visit
from carnet.access.door.decide import MOST_PATIENTS
from carnet.identity.ins import ARC, InsSystem
from carnet.identity.traits import normal
from carnet.vigilance.pages import Found, Person, TraitsForm

MOST = 5
FINDERS = (ActorKind.PROFESSIONAL, ActorKind.ASSISTANT)


class NotEnough(errors.Invalid):
    """Give the whole INS, or the birth date, the birth name and one more trait."""


class TooManyFound(errors.Invalid):
    """Several people answer to these traits: add one."""


class TooManyFinds(errors.TooMany):
    """This account has searched for too many people in an hour."""


class NotForYou(errors.Forbidden):
    """Only a professional, or who assists one, searches for a person."""


async def find(visit: Visit, form: TraitsForm) -> list[Found]:
    """Those who answer to all that is typed, five at most, with only the traits typed.

    A record that is not open, or whose patient blocked this professional, is absent here too. An assistant
    finds whom their professional treats, and nobody else.
    """
    actor, door = visit.actor, visit.door
    if actor.kind not in FINDERS or actor.rpps is None:
        raise NotForYou
    ins = "".join(form.ins.split()).upper()
    name, given = normal(form.name), normal(form.given_name)
    place = form.birth_place.strip().upper()
    by_traits = bool(form.birth_date and name and (given or form.sex or place))
    if not ins and not by_traits:
        raise NotEnough
    now = door.clock()
    async with door.pool.connection() as conn:
        done = await queries.finds_since(conn, actor.sub, now - timedelta(hours=1))
    if done >= door.settings.find_per_hour:
        await visit.refused("find-refused", "too-many-finds")  # not counted: the hour would not end
        raise TooManyFinds
    async with door.pool.connection() as conn:
        if ins:
            systems = [str(system) for system in InsSystem if system.real or door.settings.lenient]
            rows = await queries.identities_by_ins(conn, ins, systems)
        else:
            traits = {
                "birth_date": form.birth_date,
                "birth_name": name,
                "first_given": given or None,
                "sex": form.sex or None,
                "birth_place": place or None,
            }
            rows = await queries.identities_by_traits(conn, traits)
        rows = [row for row in rows if _answers(row, form)]
        rows = _once(rows, await queries.sets(conn, [row.cid for row in rows]))
        many = len(rows) > MOST
        opened = await queries.open_records(conn, [row.cid for row in rows])
        rows = [
            row
            for row in rows
            if row.cid in opened and not await queries.blocked(conn, row.cid, actor.rpps, now)
        ]
        held = sorted(row.cid for row in rows)
        links = await queries.links(conn, actor.rpps, held, now, MOST_PATIENTS)
        if actor.kind is ActorKind.ASSISTANT:
            treated = {link.cid for link in links if not link.emergency}
            rows = [row for row in rows if row.cid in treated]
        # The people found are not named in the trace's compartments: finding is not reading.
        await audit.write(conn, visit.trace("find", "find-a-person"), granted=not many)
    if many:
        raise TooManyFound
    linked = {link.cid for link in links}
    return [
        Found(
            handle=handles.write(visit, row.cid),
            name=" ".join(filter(None, (form.given_name.strip(), form.name.strip()))),
            birth_date=form.birth_date,
            sex=form.sex,
            consented=row.cid in linked,
        )
        for row in rows
    ]


def _once(
    rows: list[queries.Identity], merged: Mapping[int, tuple[int, ...]]
) -> list[queries.Identity]:
    """Each person once, whatever identities of theirs were merged."""
    seen: set[int] = set()
    found = []
    for row in rows:
        if row.cid not in seen:
            found.append(row)
        seen.update(merged.get(row.cid, ()))
    return found


def _answers(row: queries.Identity, form: TraitsForm) -> bool:
    """Whether every trait typed is this person's: beside an INS too, since the answer repeats them."""
    pairs = (
        (normal(form.name), row.birth_name),
        (normal(form.given_name), row.first_given),
        (form.sex, row.sex),
        (form.birth_place.strip().upper(), row.birth_place),
        (form.birth_date, row.birth_date),
    )
    return all(not typed or typed == known for typed, known in pairs)


async def person(visit: Visit, patient: str) -> Person:
    """Whose record this is, for who may read it."""
    stored = await visit.read("Patient", patient)
    async with visit.door.pool.connection() as conn:
        found = await queries.identity(conn, stored.cid)
    if found is None:
        raise errors.NotFound
    return Person(found.shown_name, found.birth_date, found.sex)


async def resolve(visit: Visit, text: str) -> str:
    """The patient's id behind a handle, for a professional who already has consent; else absent."""
    cid = handles.read(visit, text)
    assert visit.actor.rpps is not None
    async with visit.door.pool.connection() as conn:
        found = await queries.links(conn, visit.actor.rpps, [cid], visit.door.clock(), 1)
    assists = visit.actor.kind is ActorKind.ASSISTANT
    if not found or (assists and found[0].emergency):
        raise errors.NotFound
    return visit.door.ids.encode(cid, cid)


async def by_identifier(unit: Unit, system: str, value: str) -> Address | None:
    """The Patient an INS names: feeding a record needs no right to read it.

    It tells that the person is known here: a software may know, a patient only of themselves, and for
    a professional with no link it is a search for a person, counted and limited as one.
    """
    if not system.removeprefix("urn:oid:").startswith(ARC):
        return None
    systems = [system if system.startswith("urn:oid:") else f"urn:oid:{system}"]
    actor = unit.visit.actor
    found = await queries.identities_by_ins(unit.conn, value, systems)
    cid = found[0].cid if len(found) == 1 else None
    if actor.kind is ActorKind.PATIENT and cid != actor.patient:
        return None
    if actor.kind is ActorKind.PROFESSIONAL:
        await _count(unit, cid)
    return (
        None if cid is None else Address(cid, cid, "Patient", unit.visit.door.ids.encode(cid, cid))
    )


async def _count(unit: Unit, cid: int | None) -> None:
    """Count a search for a person, but for one whose record this professional may read."""
    visit, now = unit.visit, unit.visit.door.clock()
    assert visit.actor.rpps is not None
    if cid is not None and await queries.links(unit.conn, visit.actor.rpps, [cid], now, 1):
        return
    done = await queries.finds_since(unit.conn, visit.actor.sub, now - timedelta(hours=1))
    if done >= visit.door.settings.find_per_hour:
        raise TooManyFinds
    unit.finds = True
