# SPDX-License-Identifier: EUPL-1.2
"""Memory of a worker after work, PSS: what it shares is counted once among those who share it."""

from __future__ import annotations

import random
from pathlib import Path

from bench import ingest
from bench._place import place
from bench._told import tell


def run() -> None:
    """Two workers of the API, after reads and transaction bundles."""
    here, chance = place(), random.Random(17)
    name, bodies = ingest.bundles()
    with here.serving(2) as client:
        idle = [pss(pid) for pid in here.installation.server_pids()]
        asked = [client.request("GET", f"/fhir/Observation/{id}") for id in here.observations]
        client.rate(lambda: chance.choice(asked), seconds=2)
        client.all([client.request("POST", "/fhir/", body) for body in bodies])
        busy = [pss(pid) for pid in here.installation.server_pids()]
        postgres = sum(pss(pid) for pid in here.installation.postgres_pids())
    tell(
        f"memory of a worker of the API, after {len(bodies)} bundles ({name}) and 2 s of reads",
        f"{max(busy):.0f} MB (just started {max(idle):.0f} MB)",
        f"PostgreSQL, all its processes: {postgres:.0f} MB",
    )


def pss(pid: int) -> float:
    """Proportional set size, in MB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1000
    return 0.0
