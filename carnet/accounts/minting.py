# SPDX-License-Identifier: EUPL-1.2
"""Make a code of an account, and what goes with it: a birth date that is known, else a number.

The number is said by voice or read on another screen, and is on no letter and in no e-mail: neither opens
anything alone. What leaves by e-mail is made from a seed that waits with it, by a key of the installation:
the code itself rests nowhere, and a message that is sent twice bears the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from carnet.access.door import Door
from carnet.accounts import codes, queries
from carnet.accounts.rules import rules

ACCOUNT, FACTOR = "account", "factor"  # what a code is for: the account, or its second factors anew
COUNTER, COMMAND, LETTER, EMAIL, RECOVERY = "counter", "command", "letter", "email", "recovery"
SENT: Final = (EMAIL, RECOVERY)  # ways by which the code is seen by nobody here
SEED = 16


@dataclass(frozen=True, slots=True)
class Given:
    """What is shown, once: neither code nor number is kept.

    code: "" when it leaves by e-mail. number: what goes with it, "" where it is the birth date. address:
    lines of a letter. email: where it is sent.
    """

    name: str
    code: str = field(repr=False)
    until: datetime
    at: datetime
    number: str = field(default="", repr=False)
    address: tuple[str, ...] = ()
    email: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A code to be made. born: what goes with it, None for a number; number: of a page that showed one."""

    sub: str
    how: str
    proof: str
    by: str
    kind: str = ACCOUNT
    cid: int | None = None
    born: date | None = None
    email: str = ""
    number: bytes | None = None


def hashed(door: Door, plain: str) -> bytes:
    """What is stored of a code."""
    return door.hasher.long(f"activation:{plain}".encode())


def number_made(door: Door) -> str:
    """Digits that one says aloud: 123 456."""
    count = rules().digits
    text = str(int.from_bytes(door.random(9)) % 10**count).zfill(count)
    return f"{text[: count // 2]} {text[count // 2 :]}"


def number_hashed(door: Door, typed: str) -> bytes:
    """What is stored of a number; whatever was typed has one."""
    digits = "".join(each for each in typed if each.isdigit() and each.isascii())
    return door.hasher.long(f"activation-number:{digits}".encode())


def seeded(door: Door, seed: bytes) -> str:
    """The code of a seed, the same each time."""
    return codes.made(lambda count: door.hasher.long(b"activation-seed:" + seed)[:count])


def plain(code: str) -> str:
    """A code we made, as it is hashed."""
    found = codes.plain(code)
    assert found is not None
    return found


def lasting(how: str) -> timedelta:
    """How long a code is good, by the way it goes."""
    known = rules()
    return {EMAIL: known.mailed, RECOVERY: known.recovers}.get(how, known.lasts)


async def mint(door: Door, conn: AsyncConnection[Any], order: Order, name: str) -> Given:
    """The code is in force when the transaction commits; those before it are over."""
    now, seed = door.clock(), door.random(SEED) if order.how in SENT else None
    code = codes.made(door.random) if seed is None else seeded(door, seed)
    number = "" if order.born or order.number else number_made(door)
    until = now + lasting(order.how)
    values = {
        "hash": hashed(door, plain(code)), "sub": order.sub, "cid": order.cid, "born": order.born,
        "second": number_hashed(door, number) if number else order.number, "kind": order.kind,
        "how": order.how, "proof": order.proof, "by": order.by, "email": order.email or None,
        "now": now, "until": until,
    }  # fmt: skip
    await conn.execute(queries.REPLACE_SAME if order.how == RECOVERY else queries.REPLACE, values)
    await conn.execute(queries.ADD, values)
    if seed is not None:
        mail = values | {"id": door.ids.new(), "template": order.how, "seed": seed, "number": None}
        await conn.execute(queries.ADD_MAIL, mail)
    return Given(name, "" if seed else code, until, now, number, (), order.email)
