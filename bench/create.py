# SPDX-License-Identifier: EUPL-1.2
"""Create one resource: validated, indexed, sealed, traced; beside a bare handler with a durable insert."""

from __future__ import annotations

import json
import random

from bench import _bare
from bench._place import observation, place
from bench._told import rated, tell

CLIENTS = 8


def run() -> None:
    """With one worker and with two."""
    here, chance = place(), random.Random(5)
    bodies = [
        json.dumps(observation(chance, f"Patient/{chance.choice(here.patients)}")).encode()
        for _ in range(2000)
    ]
    with here.installation.database() as conn:
        _bare.prepare(conn)
    for workers in (1, 2):
        with here.serving(workers) as client:
            sent = [client.request("POST", "/fhir/Observation", body) for body in bodies]
            seen = client.rate(lambda sent=sent: chance.choice(sent), clients=CLIENTS)  # type: ignore[misc]
        with _bare.serving(here.url("carnet_app"), workers) as client:
            sent = [client.request("POST", "/create", body) for body in bodies]
            bare = client.rate(lambda sent=sent: chance.choice(sent), clients=CLIENTS)  # type: ignore[misc]
        tell(
            f"create one Observation, {workers} worker{'s' * (workers > 1)}, {CLIENTS} clients",
            rated(seen),
            f"bare handler, one durable insert: {bare.per_second:,.0f} /s",
        )
