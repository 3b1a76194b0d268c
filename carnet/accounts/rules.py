# SPDX-License-Identifier: EUPL-1.2
"""What a code bears, how long each lasts, and which documents are shown at a counter: rules.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from carnet.identity.status import PROOFS


@dataclass(frozen=True, slots=True)
class Rules:
    """lasts: of a code on paper; mailed, recovers, proves: of one by e-mail, after a lost password, to
    prove an address; tries: wrong second things that end it; digits: of the number; most: accounts of one
    address; documents: words by code.
    """

    lasts: timedelta
    mailed: timedelta
    recovers: timedelta
    proves: timedelta
    tries: int
    digits: int
    most: int
    documents: dict[str, str]


@cache
def rules() -> Rules:
    """As the file says."""
    read = tomllib.loads(Path(__file__).with_name("rules.toml").read_text("utf-8"))
    return Rules(
        lasts=timedelta(days=read["days"]),
        mailed=timedelta(hours=read["hours"]),
        recovers=timedelta(hours=read["recovery"]["hours"]),
        proves=timedelta(hours=read["recovery"]["address"]),
        tries=read["tries"],
        digits=read["digits"],
        most=read["recovery"]["accounts"],
        documents={code: PROOFS[code] for code in read["documents"]},
    )
