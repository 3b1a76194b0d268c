# SPDX-License-Identifier: EUPL-1.2
"""Rows of the store, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from carnet.fhir import json
from carnet.fhir.search.ordered import Number


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of one resource, opened."""

    cid: int
    rid: int
    rtype: str
    id: str
    ver: int
    upd: datetime  # aware, UTC
    gone: bool  # deleted: body is empty
    body: bytes  # JSON as written
    mark: str = ""  # sort value of a search, as text

    @property
    def resource(self) -> dict[str, Any]:
        """The JSON as Python values; decimals keep their digits."""
        return json.parse(self.body)

    @property
    def address(self) -> str:
        """`Type/id`."""
        return f"{self.rtype}/{self.id}"


@dataclass(frozen=True, slots=True)
class Index:
    """What search compares."""

    lo: str  # timestamptz as text; -infinity when the type has no principal date
    hi: str
    toks: tuple[int, ...]
    strings: tuple[tuple[int, str], ...]  # (parameter, normalised word)
    dates: tuple[tuple[int, str, str], ...]  # (parameter, lo, hi)
    numbers: tuple[Number, ...] = ()  # sealed when they are written
    generation: int = 0  # by which parameters it was made (search.generation)


@dataclass(slots=True)
class New:
    """A row to insert; made by the door, which decided all but the body."""

    cid: int
    rid: int
    rtype: str
    rtype_number: int
    id: str
    ver: int
    kind: int
    labels: int
    dep_pro: int | None
    dep_org: int | None
    origin: int | None
    body: bytes
    index: Index
    owners: tuple[int, ...] | None = None
    client_id: bool = False
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """Sealed bytes already written and synced."""

    address: bytes  # SHA-256 of the sealed bytes
    digest: bytes  # SHA-256 of the plain bytes
    size: int  # plain bytes


@dataclass(slots=True)
class Changed:
    """A new version of a row; the old one goes to the history."""

    before: Stored
    rtype_number: int
    kind: int
    labels: int
    body: bytes
    index: Index
    gone: bool = False


@dataclass(slots=True)
class Compartment:
    """A new compartment and its wrapped key."""

    cid: int
    nature: int  # 0 directory, 1 patient, 2 organisation
    wrapped: bytes = field(repr=False)
