# SPDX-License-Identifier: EUPL-1.2
"""Read by id: checked, unsealed, its trace durable; beside a bare handler with a query and an insert."""

from __future__ import annotations

import random

from bench import _bare
from bench._place import place
from bench._told import costing, rated, tell

CLIENTS = 8


def run() -> None:
    """With one worker and with two; client and server share the cores."""
    here, chance = place(), random.Random(3)
    with here.installation.database() as conn:
        _bare.prepare(conn)
    for workers in (1, 2):
        with here.serving(workers) as client:
            asked = [
                client.request("GET", f"/fhir/Observation/{id}")
                for id in chance.sample(here.observations, 5000)
            ]
            before = here.spent()
            seen = client.rate(lambda asked=asked: chance.choice(asked), clients=CLIENTS, warm=0)  # type: ignore[misc]
            cost = costing(before, here.spent(), len(seen.times))
        with _bare.serving(here.url("carnet_app"), workers) as client:
            asked = [client.request("GET", f"/read/{number}") for number in range(1, _bare.ROWS)]
            bare = client.rate(lambda asked=asked: chance.choice(asked), clients=CLIENTS)  # type: ignore[misc]
        tell(
            f"read by id, by a software, {workers} worker{'s' * (workers > 1)}, {CLIENTS} clients",
            rated(seen) + cost,
            f"bare handler, one query and one durable insert: {bare.per_second:,.0f} /s",
        )
