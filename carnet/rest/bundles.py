# SPDX-License-Identifier: EUPL-1.2
"""Bundles made of stored bytes: what was written is repeated digit for digit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from carnet.access.door import Stored
from carnet.fhir import json


def entry(base: str, stored: Stored, mode: str) -> bytes:
    """One entry of a searchset."""
    return (
        b'{"fullUrl":' + json.dump(f"{base}/{stored.address}") + b',"resource":' + stored.body
        + b',"search":{"mode":"' + mode.encode() + b'"}}'
    )  # fmt: skip


def searchset(
    base: str,
    matches: Sequence[Stored],
    included: Sequence[Stored],
    links: Sequence[tuple[str, str]],
    total: int | None,
) -> bytes:
    """A Bundle of type searchset."""
    entries = [entry(base, stored, "match") for stored in matches]
    entries += [entry(base, stored, "include") for stored in included]
    return _bundle("searchset", entries, links, total)


def history(
    base: str,
    versions: Sequence[Stored],
    links: Sequence[tuple[str, str]],
    total: int | None,
    until: datetime,
) -> bytes:
    """A Bundle of type history, newest first; until: when it is complete up to."""
    entries = []
    for stored in versions:
        address = f"{base}/{stored.address}".encode()
        # A UUID was chosen by the caller, so its first version came by PUT.
        posted = stored.ver == 1 and "-" not in stored.id
        method = b"DELETE" if stored.gone else b"POST" if posted else b"PUT"
        target = stored.rtype if method == b"POST" else stored.address
        status = b"204" if stored.gone else b"201" if stored.ver == 1 else b"200"
        resource = b"" if stored.gone else b'"resource":' + stored.body + b","
        entries.append(
            b'{"fullUrl":"' + address + b'",' + resource + b'"request":{"method":"' + method
            + b'","url":"' + target.encode() + b'"},"response":{"status":"' + status
            + b'","etag":"W/\\"' + str(stored.ver).encode() + b'\\"","lastModified":"'
            + instant(stored.upd).encode() + b'"}}'
        )  # fmt: skip
    return _bundle("history", entries, links, total, until)


def instant(upd: datetime) -> str:
    """lastUpdated, as the resource shows it."""
    return upd.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _bundle(
    kind: str,
    entries: Iterable[bytes],
    links: Sequence[tuple[str, str]],
    total: int | None,
    until: datetime | None = None,
) -> bytes:
    parts = [b'{"resourceType":"Bundle"']
    if until is not None:
        parts.append(b'"meta":{"lastUpdated":"' + instant(until).encode() + b'"}')
    parts.append(b'"type":"' + kind.encode() + b'"')
    if total is not None:
        parts.append(b'"total":' + str(total).encode())
    shown = [{"relation": relation, "url": url} for relation, url in links]
    parts.append(b'"link":' + json.dump(shown))
    joined = b",".join(entries)
    if joined:
        parts.append(b'"entry":[' + joined + b"]")
    return b",".join(parts) + b"}"
