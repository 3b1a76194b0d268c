# SPDX-License-Identifier: EUPL-1.2
"""Documents written for these tests: invented people, test INS."""

from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="session")
def laboratory() -> bytes:
    """A level 3 report with a result of each type, an isolate, a recall and a PDF copy."""
    return (SAMPLES / "laboratory-report.xml").read_bytes()


@pytest.fixture(scope="session")
def consultation() -> bytes:
    """A level 1 document: a PDF under a header."""
    return (SAMPLES / "level-1.xml").read_bytes()
