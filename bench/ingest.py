# SPDX-License-Identifier: EUPL-1.2
"""Transaction bundles over HTTP: resources a second; beside COPY of as many rows with a primary key."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

from bench._place import person, place
from bench._told import costing, tell

SYNTHEA = Path(__file__).resolve().parents[2] / "shared" / "data" / "synthea"
CLIENTS = 8


def bundles() -> tuple[str, list[bytes]]:
    """What is sent: Synthea's people when they are beside the repository, else ours."""
    if SYNTHEA.is_dir():
        found = [gzip.decompress(path.read_bytes()) for path in sorted(SYNTHEA.glob("*.json.gz"))]
        return "Synthea", found
    chance = random.Random(11)
    return "invented here", [person(chance, 300) for _ in range(25)]


def run() -> None:
    """Every bundle once, with one worker and with two."""
    here = place()
    name, bodies = bundles()
    counts = [len(json.loads(body)["entry"]) for body in bodies]
    rows = [entry for body in bodies for entry in rows_of(body)]
    for workers in (1, 2):
        with here.serving(workers) as client:
            client.ask(client.request("POST", "/fhir/", bodies[0]))  # warm: compiled once a worker
            size, before = here_size(workers), here.spent()
            sent = [client.request("POST", "/fhir/", body) for body in bodies]
            seen = client.all(sent, clients=CLIENTS)
            resources = sum(counts)
            cost = costing(before, here.spent(), resources)
            grown = here_size(workers) - size
        tell(
            f"transaction bundles ({name}, {len(bodies)} people, {resources} resources of"
            f" {sum(map(len, rows)) / len(rows):,.0f} bytes), {workers}"
            f" worker{'s' * (workers > 1)}, {CLIENTS} clients",
            f"{resources / seen.seconds:,.0f} resources/s"
            + (f", {seen.refused} REFUSED" if seen.refused else "")
            + cost
            + f", {grown / resources / 1000:.2f} kB a resource on disk",
            f"COPY with a primary key, a commit a bundle: {copied(rows, counts):,.0f} rows/s",
        )


def here_size(_: int) -> int:
    """Bytes of the record's tables and their indexes, history and outbox included."""
    with place().installation.database() as conn:
        row = conn.execute(
            "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname IN ('record', 'access', 'documents') AND c.relkind = 'r'"
        ).fetchone()
        assert row is not None
        return int(row[0])


def rows_of(body: bytes) -> list[bytes]:
    """Each resource of a bundle, as JSON."""
    return [json.dumps(entry["resource"]).encode() for entry in json.loads(body)["entry"]]


def copied(rows: Sequence[bytes], counts: Sequence[int]) -> float:
    """Rows a second by COPY into a table with a primary key."""
    with place().installation.database() as conn:
        conn.execute("CREATE SCHEMA IF NOT EXISTS bare")
        conn.execute("DROP TABLE IF EXISTS bare.copied")
        conn.execute("CREATE TABLE bare.copied (id bigint PRIMARY KEY, body bytea)")
        started = time.perf_counter()
        number = 0
        for count in counts:
            with (
                conn.transaction(),
                conn.cursor().copy("COPY bare.copied FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.set_types(["int8", "bytea"])
                for row in rows[number : number + count]:
                    number += 1
                    copy.write_row((number, row))
        return number / (time.perf_counter() - started)
