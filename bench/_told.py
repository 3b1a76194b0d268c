# SPDX-License-Identifier: EUPL-1.2
"""What was seen: printed as it comes, kept for `--write`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime

from bench._client import Rate

MACHINE = "2 cores, 24 GB"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    work: str
    figure: str
    beside: str  # the limit measured in the same run, and its figure
    load: float  # of the machine when it was told, one minute's


SEEN: list[Figure] = []


def tell(work: str, figure: str, beside: str = "") -> None:
    """Print and keep a figure."""
    seen = Figure(work, figure, beside, os.getloadavg()[0])
    SEEN.append(seen)
    beside = f"  (beside: {beside})" if beside else ""
    print(f"  {work}: {figure}{beside}  [load {seen.load:.1f}]", flush=True)


def rated(rate: Rate, unit: str = "") -> str:
    """`1,234 /s, p50 3.2 ms, p99 9.9 ms`, and what was refused."""
    text = f"{rate.per_second:,.0f} {unit}/s, p50 {rate.percentile(0.5):.1f} ms,"
    text += f" p99 {rate.percentile(0.99):.1f} ms"
    return text + (f", {rate.refused} REFUSED" if rate.refused else "")


def costing(before: tuple[float, float], after: tuple[float, float], count: int) -> str:
    """`, CPU 850 + 620 µs each (server + PostgreSQL)`: what does not hang on who else is on the machine."""
    server, postgres = ((b - a) / max(count, 1) * 1e6 for a, b in zip(before, after, strict=True))
    return f", CPU {server:,.0f} + {postgres:,.0f} µs each (server + PostgreSQL)"


def table() -> str:
    """Everything seen, as Markdown."""
    lines = ["| work | figure | beside it, in the same run | load |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {each.work} | {each.figure} | {each.beside or '—'} | {each.load:.1f} |" for each in SEEN
    ]
    return "\n".join(lines)


def today() -> str:
    """The date of a run."""
    return datetime.now(UTC).date().isoformat()
