# SPDX-License-Identifier: EUPL-1.2
"""E-mails about accounts: each waits in a table until a worker has sent it (deliver.py), then its row goes.

A row holds an address and the name of a template, and no code: deliver.py makes it again from a seed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any, Final

from psycopg import AsyncConnection

from carnet.access.door import Door
from carnet.accounts import queries

TOLD_FOR: Final = timedelta(days=7)  # what tells something is of no use later


@dataclass(frozen=True, slots=True)
class Text:
    """One language of a template."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """What is said, by language; code: whether it bears one."""

    code: bool
    texts: Mapping[str, Text]


@cache
def templates() -> Mapping[str, Template]:
    """All of mails.toml."""
    read = tomllib.loads(resources.files(__package__).joinpath("mails.toml").read_text("utf-8"))
    return {
        name: Template(said["code"], {each: Text(**said[each]) for each in ("fr", "en")})
        for name, said in read.items()
    }


async def queue(
    door: Door,
    conn: AsyncConnection[Any],
    template: str,
    email: str,
    *,
    sub: str | None = None,
    cid: int | None = None,
    seed: bytes | None = None,
    number: bytes | None = None,
    until: datetime | None = None,
) -> None:
    """It leaves when the transaction has committed, and not after `until`."""
    now = door.clock()
    values = {
        "id": door.ids.new(), "sub": sub, "cid": cid, "template": template, "email": email, "seed": seed,
        "number": number, "now": now, "until": until or now + TOLD_FOR,
    }  # fmt: skip
    await conn.execute(queries.ADD_MAIL, values)


async def tell(
    door: Door, conn: AsyncConnection[Any], sub: str, cid: int | None, template: str
) -> None:
    """Tell who works by an account, at the address it has; persons of records have their notices."""
    if cid is not None or not door.settings.mails:
        return
    row = await (await conn.execute(queries.WRITTEN_TO, {"sub": sub})).fetchone()
    if row is not None and row[0]:
        await queue(door, conn, template, row[0], sub=sub)
