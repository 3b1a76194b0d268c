# SPDX-License-Identifier: EUPL-1.2
"""What a test needs and a machine may lack: said where somebody works, a failure where CI runs."""

import os
from typing import NoReturn

import pytest


def absent(why: str) -> NoReturn:
    """Skip the test with a sentence; where CI runs, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)
