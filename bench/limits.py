# SPDX-License-Identifier: EUPL-1.2
"""What holding everybody to a rate costs a request: the address before everything, then the account."""

from __future__ import annotations

import time
from typing import Any, cast

from bench._told import tell
from carnet.access.limits.address import counted
from carnet.access.limits.counter import Counter
from carnet.access.limits.table import load

REQUESTS = 100_000


def run() -> None:
    """Both counts of a request of the API, in the process that serves it."""
    counter = Counter(cast(Any, None), load(demonstration=True), b"k" * 32)
    started = time.perf_counter()
    for number in range(REQUESTS):
        counter.take("api-address", counted(f"2001:db8:0:{number % 4096:x}::1"))
        counter.take("api-read", f"rpps:{number % 1000:011d}")
    each = (time.perf_counter() - started) / REQUESTS * 1e6
    tell("a request held to the rates of its address and account", f"{each:.1f} µs", "200 µs")
