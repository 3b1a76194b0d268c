# SPDX-License-Identifier: EUPL-1.2
"""Tell somebody outside Carnet: one row, in the transaction of the act that it tells.

The slice `notices` renders and sends it afterwards, once. A row holds the name of a template and what
that template declares (dates, numbers, one-time codes): nothing of what is in a record can be put there.
"""

from __future__ import annotations

import base64
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, LiteralString

from psycopg import AsyncConnection

from carnet.access.door import Door

TEMPLATES = Path(__file__).with_name("notices.toml")
PERSON, PROFESSIONAL = "person", "professional"
SHAPES = {  # of what a template may name
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "number": re.compile(r"[0-9]{1,9}"),
}
MADE = "code"  # a one-time code: made from the notice's number, never stored


class WrongNotice(ValueError):
    """A notice names what its template does not declare: a fault of the program."""


@dataclass(frozen=True, slots=True)
class Text:
    """One language of a template."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """What is told, in each language."""

    name: str
    to: str
    optional: bool
    muted_with: str  # the name its person mutes it by
    codes: Mapping[str, str]  # name: shape
    texts: Mapping[str, Text]


@cache
def templates() -> dict[str, Template]:
    """All of them, by name."""
    found = tomllib.loads(TEMPLATES.read_text("utf-8"))
    return {
        name: Template(
            name=name,
            to=line.get("to", PERSON),
            optional=line.get("optional", False),
            muted_with=line.get("muted_with", name),
            codes=line.get("codes", {}),
            texts={
                language: Text(line[language]["subject"], line[language]["text"].strip())
                for language in ("fr", "en")
            },
        )
        for name, line in found.items()
    }


# The person's choice of a language and of what they want no more is looked at here, so that every
# act tells them alike. Nothing is written for an optional template they muted.
SEND: LiteralString = """
    INSERT INTO notices.outgoing (id, cid, reader, channel, template, language, codes, at, key, next_try)
    SELECT %(id)s, %(cid)s, %(reader)s,
           coalesce(%(channel)s::text, CASE WHEN coalesce(m.email, a.email) IS NULL
                                            THEN 'letter' ELSE 'email' END),
           %(template)s, CASE WHEN %(person)s THEN coalesce(a.language, 'fr') ELSE 'fr' END,
           %(codes)s::jsonb, %(at)s, %(key)s, %(at)s
      FROM (SELECT 1) one
      LEFT JOIN notices.address_of(%(cid)s::bigint) a ON %(person)s
      LEFT JOIN notices.mailbox m ON m.rpps = %(rpps)s
     WHERE NOT (%(optional)s AND %(muted_with)s = ANY (coalesce(a.muted, '{}')))
        ON CONFLICT DO NOTHING
"""


async def send(
    door: Door,
    conn: AsyncConnection[Any],
    cid: int,
    template: str,
    *,
    rpps: int | None = None,
    channel: str | None = None,
    key: str | None = None,
    **codes: date | int,
) -> int:
    """Write the notice, in the transaction and under the context of the act; returns its number.

    cid: the record it speaks of, which the context lets write (`visit.rights_of`, or a job's).
    rpps: of the professional told, when it is not the person. channel: email or letter; the person's
    own when None. key: what is told once only: a second notice of this key is not written.
    codes: dates and numbers that the template declares.
    """
    found = templates()[template]
    if (found.to == PROFESSIONAL) != (rpps is not None):
        raise WrongNotice(f"{template} is told to a {found.to}")
    number = door.ids.new()
    values = {
        "id": number,
        "cid": cid,
        "reader": PERSON if rpps is None else f"rpps:{rpps}",
        "person": rpps is None,
        "rpps": rpps,
        "channel": channel,
        "template": template,
        "codes": json.dumps(checked(found, codes)),
        "at": door.clock(),
        "key": key,
        "optional": found.optional,
        "muted_with": found.muted_with,
    }
    await conn.execute(SEND, values)
    return number


def checked(template: Template, codes: Mapping[str, date | int]) -> dict[str, str]:
    """Dates and numbers, as declared: no text at all goes through here."""
    given = {
        name: (value.date() if isinstance(value, datetime) else value).isoformat()
        if isinstance(value, date)
        else str(value)
        for name, value in codes.items()
    }
    declared = {name for name, shape in template.codes.items() if shape != MADE}
    if given.keys() != declared:
        raise WrongNotice(f"{template.name} declares {sorted(declared)}")
    for name, text in given.items():
        if not SHAPES[template.codes[name]].fullmatch(text):
            raise WrongNotice(f"{name} of {template.name} is a {template.codes[name]}")
    return given


def one_time_code(door: Door, notice: int) -> str:
    """The code of a notice, twelve letters and digits: 60 bits that only the installation can make."""
    made = base64.b32encode(door.hasher.long(f"notice-code:{notice}".encode()))[:12].decode()
    return "-".join((made[:4], made[4:8], made[8:]))


def code_hash(door: Door, code: str) -> bytes:
    """What is stored of a code."""
    plain = re.sub("[^A-Z2-7]", "", code.upper())
    return door.hasher.long(f"notice-code-of:{plain}".encode())


# What the person said themselves is replaced by nobody else's word.
SET_ADDRESS: LiteralString = """
    INSERT INTO notices.address AS a (cid, email, language, muted, verified)
    VALUES (%(cid)s, %(email)s, %(language)s, %(muted)s, %(verified)s)
    ON CONFLICT (cid) DO UPDATE
       SET email = excluded.email, language = excluded.language, muted = excluded.muted,
           verified = excluded.verified
     WHERE a.verified IS NULL OR excluded.verified IS NOT NULL
"""
EMAIL = re.compile(r"[^@\s\x00-\x1f<>,;:]{1,64}@[A-Za-z0-9.-]{1,190}")


async def set_address(
    conn: AsyncConnection[Any],
    cid: int,
    email: str | None,
    *,
    language: str = "fr",
    muted: tuple[str, ...] = (),
    verified: datetime | None = None,
) -> None:
    """Where the person of a record is told; under a context that lets write it.

    verified: when the person said it themselves; None for what somebody else says of them.
    """
    values = {
        "cid": cid, "email": email, "language": language, "muted": list(muted), "verified": verified,
    }  # fmt: skip
    await conn.execute(SET_ADDRESS, values)


SET_MAILBOX: LiteralString = """
    INSERT INTO notices.mailbox (rpps, email) VALUES (%(rpps)s, %(email)s)
    ON CONFLICT (rpps) DO UPDATE SET email = excluded.email
"""
