# SPDX-License-Identifier: EUPL-1.2
"""What a database holds, as the values of the reference: read by its superuser, no rule in between."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

import carnet.access
from carnet.access.actor import Actor
from carnet.access.labels import Label
from carnet.access.visibility import (
    Assistant,
    Block,
    Consent,
    Emergency,
    Mandate,
    Member,
    Period,
    Resource,
    State,
    Trusted,
    Viewer,
)

FOLDER = Path(carnet.access.__file__).parent

RESOURCES = """
    SELECT cid, rid, kind, labels, owners, dep_pro, dep_org, upd FROM record.resource
"""


@cache
def matrix() -> dict[str, frozenset[int]]:
    """Kinds each profession reads, from the two files themselves."""
    rows = tomllib.loads((FOLDER / "kinds.toml").read_text("utf-8"))["rows"].values()
    table = tomllib.loads((FOLDER / "matrix/demonstration.toml").read_text("utf-8"))
    order = table["categories"]["order"]
    found = {}
    for line in table["profession"]:
        cells = dict(zip(order, line["cells"].split(), strict=True))
        seen = {
            row["number"]
            for row in rows
            if cells.get(row["class"]) == "R"
            or (cells.get(row["class"]) == "S" and not row.get("sensitive"))
        }
        everyone = {row["number"] for row in rows if row["class"] in ("identity", "directory")}
        found[line["code"]] = frozenset(seen | everyone)
    return found


@cache
def reaches() -> dict[str, frozenset[int]]:
    """Kinds each reach of a mandate holds, from the files themselves."""
    rows = tomllib.loads((FOLDER / "kinds.toml").read_text("utf-8"))["rows"]
    table = tomllib.loads((FOLDER / "mandates.toml").read_text("utf-8"))["reach"]
    loose = rows["loose"]["number"]
    return {
        name: frozenset(
            row["number"]
            for key, row in rows.items()
            if row["number"] != loose
            and (
                said["categories"] == "*"
                or row["class"] in said["categories"]
                or key in said.get("rows", ())
            )
        )
        for name, said in table.items()
    }


@cache
def least() -> frozenset[int]:
    """Kinds an emergency opens at most."""
    rows = tomllib.loads((FOLDER / "kinds.toml").read_text("utf-8"))["rows"]
    table = tomllib.loads((FOLDER / "emergency.toml").read_text("utf-8"))
    return frozenset(rows[name]["number"] for name in table["rows"]["names"])


def resources(conn: psycopg.Connection[Any]) -> list[Resource]:
    """Every row of the store."""
    return [
        Resource(
            cid, rid, kind, Label(labels), frozenset(owners) if owners else None,
            dep_pro, dep_org, updated,
        )
        for cid, rid, kind, labels, owners, dep_pro, dep_org, updated in conn.execute(RESOURCES)
    ]  # fmt: skip


def state(conn: psycopg.Connection[Any]) -> State:
    """Every row that decides."""
    records = dict(conn.execute("SELECT cid, state FROM access.record").fetchall())
    teams = dict(conn.execute("SELECT id, cid FROM access.team").fetchall())
    members = tuple(
        Member(team, rpps, role, Period(since, until))
        for team, rpps, role, since, until in conn.execute(
            "SELECT team, rpps, role, since, until FROM access.team_member"
        )
    )
    consents = tuple(
        Consent(cid, Period(since, until), team, rpps, withdrawn is not None)
        for cid, team, rpps, since, until, withdrawn in conn.execute(
            "SELECT cid, team, rpps, since, until, withdrawn FROM access.consent"
        )
    )
    blocks = tuple(
        Block(cid, rpps, Period(since, until))
        for cid, rpps, since, until in conn.execute(
            "SELECT cid, rpps, since, until FROM access.block"
        )
    )
    mandates = tuple(
        Mandate(cid, sub, reach, Period(since, until), revoked is not None)
        for cid, sub, reach, since, until, revoked in conn.execute(
            "SELECT cid, sub, reach, since, until, revoked FROM access.mandate"
        )
    )
    trusted = tuple(
        Trusted(cid, rpps, Period(since, until))
        for cid, rpps, since, until in conn.execute(
            "SELECT cid, rpps, since, until FROM access.trusted"
        )
    )
    emergencies = tuple(
        Emergency(cid, rpps, mode, Period(since, until), ended is not None)
        for cid, rpps, mode, since, until, ended in conn.execute(
            "SELECT cid, rpps, mode, since, until, ended FROM access.emergency"
        )
    )
    assistants = tuple(
        Assistant(sub, rpps, Period(since, until))
        for sub, rpps, since, until in conn.execute(
            "SELECT sub, rpps, since, until FROM access.assistant"
        )
    )
    refused = frozenset(
        (cid, mode)
        for mode, column in (
            ("bris-de-glace", "emergency_refused"), ("centre-15", "regulation_refused"),
        )
        for (cid,) in conn.execute(f"SELECT cid FROM access.record WHERE {column}".encode())
    )  # fmt: skip
    persons = dict(
        conn.execute("SELECT cid, root FROM access.record WHERE root IS NOT NULL").fetchall()
    )
    return State(
        records, teams, members, consents, blocks, matrix(), mandates, trusted, emergencies,
        assistants, refused, reaches(), least(), persons,
    )  # fmt: skip


def viewer(actor: Actor) -> Viewer:
    """An actor, as the reference knows them."""
    return Viewer(
        str(actor.kind), actor.sub, actor.patient, actor.rpps, actor.profession, actor.org,
        actor.secret,
    )  # fmt: skip
