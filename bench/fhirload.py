# SPDX-License-Identifier: EUPL-1.2
"""The load client kept beside the repository (../shared/tools/fhirload.py), unchanged, on Synthea's people.

It knows nothing of this server, and every operation is answered. Its updates give each Observation to a
patient chosen anew: those are refused (422, F8 of the threats), but the few that choose the same one.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import ingest
from bench._place import place
from bench._told import tell

TOOL = ingest.SYNTHEA.parents[1] / "tools" / "fhirload.py"


def run() -> None:
    """All its phases, two workers."""
    if not TOOL.exists() or not ingest.SYNTHEA.is_dir():
        print(f"  not here: {TOOL} and {ingest.SYNTHEA} are needed")
        return
    here = place()
    with tempfile.TemporaryDirectory() as folder, here.serving(2) as client:
        for source in ingest.SYNTHEA.glob("*.json.gz"):
            (Path(folder) / source.stem).write_bytes(gzip.decompress(source.read_bytes()))
        server, postgres = here.installation.server_pids(), here.installation.postgres_pids()
        done = subprocess.run(
            [
                *(sys.executable, str(TOOL), "--base", here.installation.base),
                *("--token", client.token, "--data", folder, "--min-kb", "0"),
                *("--max-kb", "100000", "--bundles", "8", "--conc", "1,8", "--reps", "1"),
                *("--seconds", "2", "--pid", f"server={server[0]}", "--pid", f"db={postgres[0]}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    print(done.stdout or done.stderr[-2000:])
    for line in done.stdout.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) > 4 and cells[1] == "8" and "refused" not in cells[2]:
            tell(
                f"fhirload: {cells[0]}, 2 workers, 8 clients",
                f"{cells[2].split(' (')[0]}, p50 {cells[3]} ms, p99 {cells[4]} ms"
                + (f", {cells[5]} errors" if cells[5] else ""),
            )
