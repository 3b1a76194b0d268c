# SPDX-License-Identifier: EUPL-1.2
"""Certificates of a simulated trust space, asked for by several processes at once."""

import ssl
import subprocess
import sys
from pathlib import Path

from cryptography import x509

MAKES = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from carnet.messaging.certificates import simulate
sys.stdin.read(1)
simulate(Path(sys.argv[1]), sys.argv[2], [sys.argv[2] + ".test"], datetime.now(UTC))
"""


def test_processes_that_begin_together_share_one_authority(tmp_path: Path) -> None:
    names = ("one", "two", "three", "four")
    folder = tmp_path / "mss"
    processes = [
        subprocess.Popen([sys.executable, "-c", MAKES, str(folder), name], stdin=subprocess.PIPE)
        for name in names
    ]
    for each in processes:
        assert each.stdin
        each.stdin.write(b".")
        each.stdin.close()
    assert [each.wait(60) for each in processes] == [0] * len(names)
    authority = x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes())
    for name in names:
        made = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
        made.verify_directly_issued_by(authority)
        context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
