# SPDX-License-Identifier: EUPL-1.2
"""The checker: reads an installation after the fact and compares it with what the writers were told.

It shares no state with the driver but the history. Each violation is a sentence.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import aiohttp

from tests.durability.installation import Installation
from tests.durability.writers import FHIR, SYSTEM, Outcome, Sent, Write

AT_ONCE = 8
DRAINED = 15.0  # seconds the relay has to empty the outbox
Result = TypeVar("Result")
WRITES = ("create", "update", "delete", "transaction")


@dataclass
class Report:
    """What was found."""

    lost: list[str] = field(default_factory=list)  # acknowledged and not there, or not as sent
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)  # half there, or there though refused
    unequal: list[str] = field(default_factory=list)  # audit, outbox, files against data
    present_unknown: int = 0  # unknown writes that turned out to be there
    orphans: int = 0  # files that no row names: allowed, and swept

    @property
    def violations(self) -> list[str]:
        """All of them."""
        return [*self.lost, *self.doubled, *self.torn, *self.unequal]


@dataclass(frozen=True)
class Found:
    """One resource as it is read back."""

    id: str
    version: int
    content: dict[str, Any]


class Checker:
    """Asks the API for each resource, and the database for what must be equal."""

    def __init__(self, installation: Installation, floor: int) -> None:
        """floor: the highest row number before the first write."""
        self._installation = installation
        self._floor = floor
        self._report = Report()
        self._rows = 0  # resources accounted for

    async def check(self, history: Sequence[Write], since: int = 0) -> Report:
        """Everything that was ever sent; or what was touched from one write on, which is quicker.

        Only the first compares the whole: rows, traces, outbox, files.
        """
        last = {sent.key: (write, sent) for write in history[since:] for sent in write.resources}
        async with aiohttp.ClientSession() as http:
            found = dict(
                zip(
                    last,
                    await several(self._find(http, sent) for _, sent in last.values()),
                    strict=True,
                )
            )
            for write in history[since:]:
                if write.kind != "update":
                    self._whole(write, [found[sent.key] for sent in write.resources])
            await several(
                self._judge(http, write, sent, found[key], _about(write, found))
                for key, (write, sent) in last.items()
            )
        self._rows = sum(
            1 if last[key][1].data is None else 2
            for key, there in found.items()
            if there is not None
        )
        if since == 0:
            await asyncio.to_thread(self._database)
        return self._report

    # -- one write -------------------------------------------------------------------------------

    def _whole(self, write: Write, found: Sequence[Found | None]) -> None:
        """A request that was refused left nothing; an unknown one, all or nothing."""
        names = ", ".join(sent.name for sent in write.resources)
        if write.outcome is Outcome.FAILED and any(found):
            self._report.torn.append(f"refused with {write.status}, yet there: {names}")
        if write.outcome is Outcome.UNKNOWN and any(found):
            self._report.present_unknown += 1
            if not all(found):
                self._report.torn.append(f"{write.kind} half there: {names}")

    async def _judge(
        self,
        http: aiohttp.ClientSession,
        write: Write,
        sent: Sent,
        found: Found | None,
        about: str | None,
    ) -> None:
        """One resource against the last write of it."""
        if write.kind == "update":
            if found is None:
                self._report.lost.append(f"lost with its updates: {sent.name}")
                return
            assert sent.before is not None
            if write.outcome is Outcome.OK or found.version == sent.version:
                self._report.present_unknown += write.outcome is Outcome.UNKNOWN
                if write.outcome is Outcome.FAILED:
                    self._report.torn.append(f"refused with {write.status}, yet there: {sent.name}")
            else:
                sent = replace(sent, content=sent.before, version=sent.version - 1)
            await self._same(http, write, sent, found, None)
        elif found is not None:
            await self._same(http, write, sent, found, about)
        elif write.outcome is Outcome.OK:
            self._report.lost.append(f"{write.kind} lost: {sent.rtype} {sent.name}")

    async def _find(self, http: aiohttp.ClientSession, sent: Sent) -> Found | None:
        """By its identifier, as anyone would look for it."""
        path = f"{sent.rtype}?identifier={SYSTEM}|{sent.name}&_count=5"
        status, answer = await self._json(http, path)
        if status != 200:
            self._report.unequal.append(f"searching {sent.name} answers {status}")
            return None
        entries = [entry["resource"] for entry in answer.get("entry", [])]
        if len(entries) > 1:
            self._report.doubled.append(f"{sent.rtype} {sent.name} is there {len(entries)} times")
        if not entries:
            return None
        return Found(entries[0]["id"], int(entries[0]["meta"]["versionId"]), entries[0])

    async def _same(
        self,
        http: aiohttp.ClientSession,
        write: Write,
        sent: Sent,
        found: Found,
        about: str | None,
    ) -> None:
        """Content, version, id, each earlier version, the file."""
        wrong = []
        if sent.id is not None and found.id != sent.id:
            wrong.append("another id")
        if found.version != sent.version:
            wrong.append(f"version {found.version}, not {sent.version}")
        status, read = await self._json(http, f"{sent.rtype}/{found.id}")
        if status != 200 or read != found.content:
            wrong.append(f"read by id ({status}) is not what the search gives")
        expected = dict(sent.content)
        if about is not None and "subject" in expected:
            expected["subject"] = {"reference": f"Patient/{about}"}
        if _plain(found.content) != _plain(expected):
            wrong.append("other content")
        if sent.version > 1:
            status, versions = await self._json(http, f"{sent.rtype}/{found.id}/_history")
            if status != 200 or len(versions.get("entry", [])) != sent.version:
                wrong.append("versions missing")
        if sent.data is not None:
            url = found.content["content"][0]["attachment"].get("url", "")
            status, data = await self._get(http, url, "application/octet-stream")
            if status != 200 or data != sent.data:
                wrong.append(f"its file ({status}) is not what was sent")
        if wrong:
            kind = self._report.lost if write.outcome is Outcome.OK else self._report.torn
            kind.append(f"{write.kind} {sent.rtype} {sent.name}: {', '.join(wrong)}")

    async def _json(self, http: aiohttp.ClientSession, path: str) -> tuple[int, dict[str, Any]]:
        headers = {"authorization": f"Bearer {self._installation.token}", "accept": FHIR}
        async with http.get(f"{self._installation.base}/{path}", headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def _get(self, http: aiohttp.ClientSession, path: str, accept: str) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {self._installation.token}", "accept": accept}
        async with http.get(f"{self._installation.base}/{path}", headers=headers) as answer:
            return answer.status, await answer.read()

    # -- the whole -------------------------------------------------------------------------------

    def _database(self) -> None:
        report = self._report
        with self._installation.database() as conn:
            rows = conn.execute(
                "SELECT count(*) FROM record.resource WHERE rid > %s", [self._floor]
            ).fetchone()
            assert rows is not None
            if rows[0] != self._rows:
                report.doubled.append(f"{rows[0]} resources for {self._rows} accounted for")
            data = _pairs(
                conn.execute(
                    "SELECT rid, ver FROM record.resource WHERE rid > %(floor)s UNION ALL"
                    " SELECT rid, ver FROM record.history WHERE rid > %(floor)s",
                    {"floor": self._floor},
                )
            )
            told = _pairs(
                conn.execute(
                    "SELECT rid, ver FROM access.audit, unnest(rids, vers) AS u (rid, ver)"
                    " WHERE act = ANY (%(acts)s) AND granted AND rid > %(floor)s",
                    {"acts": list(WRITES), "floor": self._floor},
                )
            )
            if data != told:
                report.unequal.append(
                    f"{(data - told).total()} versions without a trace,"
                    f" {(told - data).total()} traces without a version"
                )
            deadline = time.monotonic() + DRAINED
            while (left := _count(conn, "record.outbox")) and time.monotonic() < deadline:
                time.sleep(0.05)
            if left:
                report.unequal.append(f"{left} events still in the outbox")
            named = {
                bytes(address).hex()
                for (address,) in conn.execute("SELECT address FROM record.attachment")
            }
        folder = self._installation.data / "attachments"
        files = {path.name for path in folder.glob("??/??/*")}
        report.orphans = len(files - named)
        if named - files:
            report.lost.append(f"{len(named - files)} rows name a file that is not there")


async def several(work: Iterable[Awaitable[Result]]) -> list[Result]:
    """Some at a time; results in order."""
    waiting = asyncio.Semaphore(AT_ONCE)

    async def one(each: Awaitable[Result]) -> Result:
        async with waiting:
            return await each

    return await asyncio.gather(*map(one, work))


def _about(write: Write, found: Mapping[tuple[str, str], Found | None]) -> str | None:
    """Id of the patient a request made with what is about them."""
    patient = found[write.resources[0].key] if write.kind == "person" else None
    return patient.id if patient is not None else None


def _plain(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource without what the server adds: id, meta, and what stands for inline data."""
    found = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    if found.get("resourceType") == "Patient":  # its number and its status are vigilance's to say
        families = [name.get("family") for name in found.get("name", [])]
        return {"family": families, **{key: found.get(key) for key in ("gender", "birthDate")}}
    if "content" in found:
        added = ("data", "url", "size", "hash")
        found["content"] = [
            {"attachment": {k: v for k, v in each["attachment"].items() if k not in added}}
            for each in found["content"]
        ]
    return found


def _pairs(rows: Iterable[tuple[Any, ...]]) -> Counter[tuple[int, int]]:
    return Counter((rid, ver) for rid, ver in rows)


def _count(conn: Any, table: str) -> int:
    return int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
