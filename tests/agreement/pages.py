# SPDX-License-Identifier: EUPL-1.2
"""What people's pages, letters and archives say, asked as the templates are: one object that says it all.

A page only lays out what its act gives, so the act's value is compared, with whatever it refuses and how.
"""

from __future__ import annotations

import csv
import dataclasses
import re
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from io import BytesIO
from typing import Any

from carnet import errors
from carnet.access.actor import Actor
from carnet.app import export, parts
from carnet.app.pages import PageParts
from carnet.app.parts import Built
from carnet.cli import record
from carnet.documents.pages import Asked
from carnet.export.pages import moment as told
from carnet.vigilance.pages import TraitsForm
from tests.space import Answer

Page = Callable[[PageParts, Actor, Sequence[str]], Awaitable[Any]]


async def _openings(pages: PageParts, actor: Actor, given: Sequence[str]) -> Any:
    """Who was there, before anybody asked here: the rest is the run's own."""
    found = await pages.acts.openings(actor, given[0])
    until = datetime.fromisoformat(given[1])
    return [dataclasses.replace(each, line="") for each in found if each.at < until]


def _list(given: Sequence[str]) -> Asked:
    kind, year, place, after = (*given[1:], "", "", "", "")[:4]
    return Asked(kind, int(year) if year else None, place, after)


async def _documents(pages: PageParts, actor: Actor, given: Sequence[str]) -> Any:
    return await pages.acts.documents(actor, given[0], _list(given))


async def _found(pages: PageParts, actor: Actor, given: Sequence[str]) -> Any:
    """Who is found, by a number or by traits; a handle is drawn anew each time."""
    ins, born, name, given_name, sex = (*given, "", "", "", "", "")[:5]
    day = date.fromisoformat(born) if born else None
    form = TraitsForm(ins, day, name, given_name, sex)
    return [dataclasses.replace(each, handle="") for each in await pages.acts.find(actor, form)]


async def _emergency(pages: PageParts, actor: Actor, given: Sequence[str]) -> Any:
    """The mode of a regulation centre, which nobody here has."""
    return await pages.life.emergency(actor, given[0], "centre-15", "call")


async def _health(pages: PageParts, actor: Actor, given: Sequence[str]) -> Any:
    """The page of health; when it was made is the run's own."""
    found = await pages.acts.health(actor, given[0])
    return dataclasses.replace(found, made=datetime.fromtimestamp(0, UTC))


PAGES: dict[str, Page] = {
    "health": _health,
    "documents": _documents,
    "document": lambda pages, actor, given: pages.acts.document(actor, given[0], given[1]),
    "file": lambda pages, actor, given: pages.acts.file(actor, given[0], given[1]),
    "content": lambda pages, actor, given: pages.acts.content(actor, given[0], given[1]),
    "search": lambda pages, actor, given: pages.acts.search(
        actor, given[0], given[1], _list((given[0], *given[2:]))
    ),
    "curves": lambda pages, actor, given: pages.acts.curves(actor, given[0]),
    "curve": lambda pages, actor, given: pages.acts.curve(actor, given[0], given[1]),
    "person": lambda pages, actor, given: pages.acts.person(actor, given[0]),
    "openings": _openings,
    "rights": lambda pages, actor, given: pages.acts.rights(actor, given[0]),
    "professionals": lambda pages, actor, given: pages.acts.professionals(actor, given[0]),
    "why": lambda pages, actor, given: pages.acts.explain(actor, given[0]),
    "acting": lambda pages, actor, given: pages.acts.acting(actor),
    "mandated": lambda pages, actor, given: pages.acts.mandated(actor, given[0]),
    "life": lambda pages, actor, given: pages.life.life(actor),
    "emergencies": lambda pages, actor, given: pages.life.emergencies(actor, given[0]),
    "running": lambda pages, actor, given: pages.life.running(actor, given[0]),
    "reviews": lambda pages, actor, given: pages.life.queue(actor),
    "emergency": _emergency,
    "identity": lambda pages, actor, given: pages.identity.mine(actor),
    "sheet": lambda pages, actor, given: pages.identity.sheet(actor),
    "find": _found,
}


async def page(built: Built, actor: Actor, name: str, given: Sequence[str]) -> Answer:
    """What a page would say, as an answer that can be compared."""
    try:
        said = await PAGES[name](PageParts(built), actor, given)
    except errors.CarnetError as refusal:
        return Answer(404, {}, f"{type(refusal).__name__}: {refusal}".encode())
    return Answer(200, {}, plain(said).encode())


async def archive(built: Built, actor: Actor, patient: str, until: datetime) -> Answer:
    """The record as it is taken away."""
    return await _files(export.taken(parts.visit(built, actor), patient), until)


async def handed(built: Built, actor: Actor, operator: str, until: datetime) -> Answer:
    """`carnet record export` of one's own record, by an operator; by oneself for who has none."""
    try:
        by = operator if actor.patient is not None else actor.sub
        on = parts.visit(built, await record.writer(built, by))
    except errors.CarnetError as refusal:
        return Answer(404, {}, f"{type(refusal).__name__}: {refusal}".encode())
    own = actor.patient or 0
    return await _files(record.handed_over(on, built.door.ids.encode(own, own)), until)


async def _files(chunks: AsyncIterator[bytes], until: datetime) -> Answer:
    try:
        data = b"".join([chunk async for chunk in chunks])
    except errors.CarnetError as refusal:
        return Answer(404, {}, f"{type(refusal).__name__}: {refusal}".encode())
    return Answer(200, {}, inside(data, until))


def inside(data: bytes, until: datetime) -> bytes:
    """The files of an archive; of the log, the lines before anybody asked here, in one language."""
    with zipfile.ZipFile(BytesIO(data)) as found:
        files = {name: found.read(name) for name in found.namelist() if not name.startswith(LOGGED)}
        for name in found.namelist():
            if name.startswith("acces/") and name.endswith(".csv"):
                rows = csv.reader(found.read(name).decode("utf-8-sig").splitlines()[1:])
                lines = [row for row in rows if row[0] < told(until)]
                files["acces"] = files.get("acces", b"") + repr(lines).encode()
        for name in [each for each in files if each.startswith("index.")]:
            files[name] = COUNTED.sub(b"", files[name])
    return repr(files).encode()


LOGGED = ("manifest", "acces/", "journal/")  # they hold the lines of the run itself
COUNTED = re.compile(rb"</a> \([0-9]+ [^)]*\)")  # how many lines there are


def plain(value: Any) -> str:
    """A value as text, the same for the same content whatever the order of its sets."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ", ".join(
            f"{field.name}={plain(getattr(value, field.name))}"
            for field in dataclasses.fields(value)
        )
        return f"{type(value).__name__}({fields})"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(map(plain, value))) + "}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {plain(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(plain, value)) + "]"
    if isinstance(value, (str, bytes, int, float, Decimal, date, Enum, type(None))):
        return repr(value)
    raise TypeError(f"what is a {type(value).__name__} of a page?")
