# SPDX-License-Identifier: EUPL-1.2
"""What a code bears, and which documents are shown at a counter: rules.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from carnet.identity.status import PROOFS


@dataclass(frozen=True, slots=True)
class Rules:
    """lasts: of a code on paper; tries: wrong birth dates that end it; documents: words by code."""

    lasts: timedelta
    tries: int
    documents: dict[str, str]


@cache
def rules() -> Rules:
    """As the file says."""
    read = tomllib.loads(Path(__file__).with_name("rules.toml").read_text("utf-8"))
    return Rules(
        lasts=timedelta(days=read["days"]),
        tries=read["tries"],
        documents={code: PROOFS[code] for code in read["documents"]},
    )
