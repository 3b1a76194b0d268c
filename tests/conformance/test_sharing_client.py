# SPDX-License-Identifier: EUPL-1.2
"""npm `fhir-kit-client`, unmodified, does the whole of the national document sharing over a socket.

`sharing.mjs` drives it, at /fhir and at /pdsm; each step it prints is judged here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from carnet.documents.archive import ARCHIVED
from tests.absent import absent
from tests.conformance.serving import Served
from tests.documents.lots import RFC3986, fresh, lot
from tests.documents.test_guide import comprehensive, simplified, submission

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).with_name("sharing.mjs")
STEPS = {
    "ITI-65": 200, "ITI-66": 200, "ITI-67": 200, "ITI-68": 200, "ITI-105": 201, "replaced": 200,
    "archive": 200, "archived": 200, "title": 405, "not the author": 403, "delete": 204,
    "deleted": 410,
}  # fmt: skip


@pytest.mark.parametrize("address", ["fhir", "pdsm"])
def test_a_client_shares_finds_replaces_archives_and_deletes(
    served: Served, peers: Path, tmp_path: Path, address: str
) -> None:
    node = shutil.which("node")
    if node is None or not (peers / "fhir-kit-client").is_dir():
        absent("node, or the client, is not here: `./run test` installs them")
    rank = ["fhir", "pdsm"].index(address)  # one server: what each shares is its own
    made = fresh(minutes=20 + rank)
    bundle = lot(made.xml)
    bundle["entry"][0]["resource"] |= submission()
    bundle["entry"][1]["resource"] = comprehensive(made.xml, made.unique_id)
    number = {"system": RFC3986, "value": f"urn:oid:1.2.250.1.999.60.{rank}"}
    pdf = f"%PDF-1.4 {address}".encode()
    given = {
        "lot": bundle,
        "simple": simplified(pdf, masterIdentifier=number),
        "archived": [
            {"op": "add", "path": f"/extension[url:'{ARCHIVED}']/valueBoolean", "value": True}
        ],
        "number": f"{RFC3986}|urn:oid:{made.unique_id}",
    }
    if address == "fhir":
        del bundle["entry"][1]["resource"]["custodian"]  # as the agency's own lot
    (tmp_path / "lots.json").write_text(json.dumps(given), "utf-8")
    done = subprocess.run(
        [node, str(DRIVER), str(peers / "fhir-kit-client"),
         served.base.replace("/fhir", f"/{address}"), served.token("lab-software"),
         served.token("patient"), served.patient, str(tmp_path / "lots.json")],
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = {
        (one := json.loads(line))["name"]: one for line in done.stdout.splitlines()
    }
    assert {name: each["status"] for name, each in told.items()} == STEPS
    assert told["replaced"]["data"]["status"] == "superseded"
    assert told["ITI-68"]["data"]["resourceType"] == "Binary"
    assert len(told["ITI-67"]["data"]["entry"]) == 1
    found = {each["resource"]["id"] for each in told["archived"]["data"]["entry"]}
    assert told["ITI-105"]["data"]["id"] in found
    assert told["title"]["data"]["resourceType"] == "OperationOutcome"
