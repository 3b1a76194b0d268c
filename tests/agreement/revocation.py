# SPDX-License-Identifier: EUPL-1.2
"""A right ends on every channel: a real server of two workers is asked without a pause while it does.

Each channel is asked on connections of its own, over and over: reads, searches, the next page of one
that runs, pages of a session that stays open, files, copies of the whole record, what is written. A copy
under way when the right ends is broken off. What counts is a positive answer to a request sent after the
act that ends the right had answered. Rights are decided with each statement, so there is none; a token is
believed for half a second (carnet/access/revisions.py).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psycopg

from carnet.access import handles, keyring
from carnet.access.actor import Actor
from carnet.access.door import Visit
from carnet.access.limits import alarms
from carnet.app import demonstration, parts
from carnet.app.parts import Built
from carnet.cli.demo import PASSWORD, SEED
from carnet.config import Instance, Settings
from carnet.documents import hide
from carnet.population import Population, make
from carnet.postgres.cluster import Cluster
from carnet.rights import (
    assist,
    block,
    close,
    connections,
    consent,
    emergency,
    mandate,
    reopen,
    session,
)
from tests.durability.installation import HOST, answers, free_port
from tests.space import FHIR

AFTER = 6  # requests of a channel sent after the act before it is believed closed
PATIENCE = 180.0  # seconds for the server to serve, and for a channel to answer
BELIEVED = 1.0  # seconds a token may outlive its end


@dataclass
class Served:
    """A demonstration with its pages, two workers, and a third process to act from."""

    address: str
    built: Built
    admin_url: str
    cast: Population
    pages: dict[str, aiohttp.ClientSession] = field(default_factory=dict)

    async def actor(self, persona: str) -> Actor:
        """Who a persona is."""
        subject = demonstration.subject_of(self.cast.persona(persona), self.cast)
        return await parts.actor(self.built, subject, client="revocation")

    async def visit(self, persona: str) -> Visit:
        """A visit of a persona, to act."""
        return parts.visit(self.built, await self.actor(persona))

    async def token(self, persona: str) -> str:
        """A bearer token, for an hour."""
        claims = parts.claims(self.built, await self.actor(persona), "*")
        return self.built.desk.tokens.issue(claims, lifetime=3600)

    async def patient(self, key: str) -> str:
        """The id of somebody's Patient."""
        sub = demonstration.subject_of(self.cast.persona(key), self.cast)
        with psycopg.connect(self.admin_url) as conn:
            row = conn.execute(
                "SELECT patient FROM access.subject WHERE sub = %s", (sub,)
            ).fetchone()
        assert row is not None, sub
        return self.built.door.ids.encode(row[0], row[0])

    async def browser(self, persona: str) -> aiohttp.ClientSession:
        """Logged in, by the form."""
        if persona not in self.pages:
            http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
            self.pages[persona] = http
            url = f"{self.address}/compte/connexion/"
            data = {"csrfmiddlewaretoken": await typed(http, url), "login": persona,
                    "password": PASSWORD}  # fmt: skip
            async with http.post(url, data=data, headers={"referer": url}) as done:  # fmt: skip
                assert "connexion" not in str(done.url), await done.text()
        return self.pages[persona]


@contextlib.contextmanager
def started(data: Path) -> Iterator[str]:
    """`carnet demo` of two workers, until its pages answer; its address."""
    port = free_port()
    command = [sys.executable, "-m", "carnet", "demo", "--data", str(data), "--port", str(port)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CARNET_")}
    log = data.parent / "demo.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--people", "7", "--workers", "2"], stdout=out, stderr=out, env=clean,
            start_new_session=True,
        )  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE
        while not answers(f"http://{HOST}:{port}/health"):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text("utf-8", "replace")[-3000:])
            time.sleep(0.1)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


@contextlib.asynccontextmanager
async def serving(data: Path) -> AsyncIterator[Served]:
    """The server, and our own process on its database."""
    with started(data) as address:
        cluster = Cluster.attach_or_start(data)
        try:
            settings = Settings(
                data=data, instance=Instance.DEMONSTRATION, base_url=address, log_level="ERROR"
            )
            built = await parts.build(settings, cluster, name="revocation")
            try:
                served = Served(address, built, cluster.url(), make(SEED, 0))
                try:
                    yield served
                finally:
                    for http in served.pages.values():
                        await http.close()
            finally:
                await built.pool.close()
        finally:
            cluster.stop()


# ------------------------------------------------------------------------------------- channels


@dataclass
class Channel:
    """One way to what a right opens; positive: whether an answer gives it."""

    name: str
    http: aiohttp.ClientSession
    url: str
    headers: Mapping[str, str]
    positive: Callable[[int, bytes], bool]
    posted: Any = None  # what is posted: a form's fields, or bytes
    answers: list[tuple[float, float, bool]] = field(default_factory=list)  # sent, ended, positive

    async def watch(self, stop: asyncio.Event) -> None:
        """Ask again and again."""
        while not stop.is_set():
            sent = time.monotonic()
            async with self.http.request(
                "GET" if self.posted is None else "POST", self.url, data=self.posted,
                headers=self.headers, allow_redirects=False,
            ) as answer:  # fmt: skip
                try:
                    body = await answer.read()
                except aiohttp.ClientPayloadError:  # broken off: not whole
                    self.answers.append((sent, time.monotonic(), False))
                    continue
                assert answer.status not in (429, 500), (self.name, answer.status, body[:300])
                if answer.status != 503:  # "the rights are being changed: try again"
                    self.answers.append(
                        (sent, time.monotonic(), self.positive(answer.status, body))
                    )


def given(status: int, body: bytes) -> bool:
    """A resource, bytes or a page."""
    return status == 200


def made(status: int, body: bytes) -> bool:
    """Something was written."""
    return status == 201


def found(status: int, body: bytes) -> bool:
    """A searchset with something in it."""
    if status != 200:
        return False
    bundle = json.loads(body)
    return bool(bundle.get("entry")) or bundle.get("total", 0) > 0


async def channels(
    served: Served,
    persona: str,
    patient: str,
    *,
    rtype: str = "DocumentReference",
    pages: bool = True,
    document: str = "",
    holds: bool = False,
) -> list[Channel]:
    """Every way a persona reads a record by, that gives something now.

    rtype: what they read of it. document: of which document alone, where one is taken away. holds:
    they exercise the person's rights, copies of the whole record among them.
    """
    base, token = f"{served.address}/fhir", await served.token(persona)
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
    served.pages[f"fhir {persona} {time.monotonic()}"] = http
    headers = {"authorization": f"Bearer {token}", "accept": FHIR}

    async def entries(path: str) -> list[dict[str, Any]]:
        async with http.get(f"{base}/{path}", headers=headers) as answer:
            bundle = await answer.json(content_type=None)
            assert answer.status == 200, bundle
        if link := [each["url"] for each in bundle["link"] if each["relation"] == "next"]:
            links.append(link[0])
        return [each["resource"] for each in bundle.get("entry", [])]

    links: list[str] = []
    who = f"Patient/{patient}"
    about = f"_id={patient}" if rtype == "Patient" else f"subject={who}"
    seen = await entries(f"{rtype}?_id={document}" if document else f"{rtype}?{about}&_count=1")
    assert seen, f"{persona} sees no {rtype} of {patient}"
    one = seen[0]["id"]
    ways: dict[str, tuple[str, Callable[[int, bytes], bool]]] = {
        "read": (f"{rtype}/{one}", given),
        "version": (f"{rtype}/{one}/_history/1", given),
        "history": (f"{rtype}/{one}/_history", given),
        "search by id": (f"{rtype}?_id={one}", found),
        "count": (f"{rtype}?_id={one}&_summary=count", found),
    }
    if not document:
        ways |= {
            "search": (f"{rtype}?{about}", found),
            "$everything": (f"{who}/$everything?_count=5", found),
        }
        if links:
            ways["next page"] = (links[0], found)
    binary = ""
    if rtype == "DocumentReference":
        binary = seen[0]["content"][0]["attachment"]["url"].rsplit("/", 1)[1]
        ways["file"] = (f"Binary/{binary}", given)
        ways["chain"] = (f"{rtype}?subject:Patient._id={patient}&_id={one}", found)
        if not document:
            ways |= {
                "_has": (f"Patient?_id={patient}&_has:{rtype}:subject:_id={one}", found),
                "_revinclude": (f"Patient?_id={patient}&_revinclude={rtype}:subject", found),
            }
    if holds:
        ways |= {
            "copy": (f"{who}/$take-away", given),
            "consents": (f"Consent?patient={patient}", found),
            "readers": (f"AuditEvent?patient={patient}&_count=1", found),
        }
    result = []
    for name, (path, positive) in ways.items():
        parts_ = urlsplit(path)
        url = f"{served.address}{parts_.path}?{parts_.query}" if parts_.scheme else f"{base}/{path}"
        result.append(Channel(name, http, url, headers, positive))
    if holds:
        answer = {"resourceType": "QuestionnaireResponse", "status": "completed"}
        sent = json.dumps({**answer, "subject": {"reference": who}}).encode()
        result.append(
            Channel("create", http, f"{base}/QuestionnaireResponse",
                    {**headers, "content-type": FHIR}, made, sent)
        )  # fmt: skip
    if pages:
        web = await served.browser(persona)
        kind = served.cast.persona(persona).kind
        place = "patients" if kind in ("professional", "assistant") else "pour"
        under = f"{served.address}/{place}/{patient}"
        shown = {"page of the record": "/", "page of curves": "/courbes/"}
        if kind == "professional":
            shown["page of who acts for them"] = "/mandats/"
        if holds:
            shown |= {"page of readers": "/acces/", "page of rights": "/droits/",
                      "page of professionals": "/droits/professionnels/",
                      "page that adds": "/documents/ajouter/",
                      "page of a copy": "/emporter/"}  # fmt: skip
        if document:
            shown = {}
        if binary:
            shown["page of a document"] = f"/documents/{one}/"
            shown["page of a file"] = f"/documents/{one}/fichier/"
            shown["file of a page"] = f"/fichiers/{binary}"
        result += [Channel(name, web, under + path, {}, given) for name, path in shown.items()]
        if holds:
            url = f"{under}/emporter/"
            form = {"csrfmiddlewaretoken": await typed(web, url)}
            result.append(Channel("copy by its page", web, url, {"referer": url}, given, form))
    return result


async def typed(web: aiohttp.ClientSession, url: str) -> str:
    """What a form of a page carries against another site's."""
    async with web.get(url) as form:
        text = await form.text()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
    assert found is not None, text
    return found[1]


class Copy:
    """A copy of a record under way: its beginning read, the rest left to come."""

    def __init__(self, served: Served, persona: str, patient: str) -> None:
        self._url = f"{served.address}/fhir/Patient/{patient}/$take-away"
        self._token = served.token(persona)
        self._http = aiohttp.ClientSession(
            read_bufsize=4096, connector=aiohttp.TCPConnector(socket_factory=narrow)
        )

    async def __aenter__(self) -> Copy:
        headers = {"authorization": f"Bearer {await self._token}"}
        self._answer = await self._http.get(self._url, headers=headers)
        assert self._answer.status == 200
        self._start = await self._answer.content.readany()
        assert self._start
        return self

    async def rest(self) -> bytes:
        """All that came, to its end or to where it was broken off."""
        sent = [self._start]
        with contextlib.suppress(aiohttp.ClientPayloadError):
            async for piece in self._answer.content.iter_any():
                sent.append(piece)
        return b"".join(sent)

    async def __aexit__(self, *of: object) -> None:
        await self._http.close()


def narrow(of: Any) -> socket.socket:
    """A socket that takes in little before it is read."""
    family, kind, proto = of[:3]
    made = socket.socket(family, kind, proto)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.setblocking(False)
    return made


# ------------------------------------------------------------------------------------ scenarios


@dataclass(frozen=True)
class Ended:
    """What became of each channel when a right ended."""

    what: str
    latency: float  # seconds from the act's answer to the end of the last positive one
    late: dict[str, float]  # channel → how long after the act's answer its last positive was sent
    channels: int
    asked: int
    open: list[str]  # channels that gave nothing before: nothing can be said of them

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.channels} channels, {self.asked} requests; last positive answer"
            f" {self.latency * 1000:+.0f} ms after the act's, {len(self.late)} sent after it"
        )


async def watched(what: str, of: list[Channel], act: Callable[[], Awaitable[Any]]) -> Ended:
    """Have all the channels asked while the right is taken away."""
    stop = asyncio.Event()
    asking = [asyncio.create_task(channel.watch(stop)) for channel in of]

    async def until(ready: Callable[[Channel], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not all(ready(channel) for channel in of):
            for task in asking:
                if task.done():
                    task.result()
            assert time.monotonic() < end, [each.name for each in of if not ready(each)]
            await asyncio.sleep(0.01)

    try:
        await until(lambda channel: len(channel.answers) >= 2)
        closed = [channel.name for channel in of if not channel.answers[-1][2]]
        await act()
        at = time.monotonic()

        def over(channel: Channel) -> bool:
            after = [positive for sent, _, positive in channel.answers if sent > at]
            return len(after) >= AFTER and not any(after[-AFTER:])

        await until(over)
    finally:
        stop.set()
        await asyncio.gather(*asking, return_exceptions=True)
    last = [max((end - at for _, end, yes in each.answers if yes), default=-1.0) for each in of]
    late = {
        channel.name: max(sent - at for sent, _, yes in channel.answers if yes and sent > at)
        for channel in of
        if any(yes and sent > at for sent, _, yes in channel.answers)
    }
    return Ended(
        what, max(last), late, len(of), sum(len(each.answers) for each in of), closed
    )  # fmt: skip


async def blocked(served: Served) -> Ended:
    """The patient blocks their doctor."""
    patient = await served.patient("patient")
    rpps = int(served.cast.professional("gp").rpps)
    ways = await channels(served, "gp", patient)
    ended = await watched(
        "block", ways, lambda: _as(served, "patient", lambda visit: block.block(visit, rpps))
    )
    await block.unblock(await served.visit("patient"), rpps)
    return ended


async def withdrawn(served: Served) -> Ended:
    """The patient withdraws the consent they gave for a visit."""
    patient = await served.patient("patient")
    rpps = int(served.cast.professional("outsider").rpps)
    visit = await served.visit("outsider")
    place = served.built.door.ids.decode(patient)
    assert place is not None
    await consent.declare(visit, handles.write(visit, place[0]), "oral")
    ways = await channels(served, "outsider", patient)
    return await watched(
        "withdrawn consent", ways,
        lambda: _as(served, "patient", lambda visit: consent.withdraw(visit, rpps)),
    )  # fmt: skip


async def masked(served: Served) -> Ended:
    """The patient masks a document; the regulation's doctor of the visit sees it no more."""
    patient = await served.patient("patient")
    await _opened(served, patient)
    visit = await served.visit("outsider")
    query = served.built.desk.parser.parse(
        "DocumentReference", [("subject", f"Patient/{patient}"), ("_count", "1")]
    )
    document = (await visit.search(query)).matches[0].id
    ways = await channels(served, "outsider", patient, document=document)
    ended = await watched(
        "mask", ways, lambda: _as(served, "patient", lambda visit: hide.hide(visit, document))
    )
    await hide.show(await served.visit("patient"), document)
    await emergency.end(await served.visit("outsider"), patient)
    return ended


async def represented(served: Served) -> Ended:
    """The operator ends a parent's representation of a child."""
    patient = await served.patient("minor")
    ways = await channels(served, "parent", patient, holds=True)
    mandates = await mandate.mandated(await served.visit("minor"))
    who = await served.actor("parent")
    (one,) = [each for each in mandates if each.represents and each.holder == who.name]
    return await watched(
        "representation", ways,
        lambda: _as(served, "operator", lambda visit: mandate.revoke(visit, one.id)),
    )  # fmt: skip


async def heavy(served: Served, patient: str) -> None:
    """A record whose copy does not wait whole in the buffers of a connection."""
    token = await served.token("hospital-software")
    headers = {"authorization": f"Bearer {token}", "content-type": FHIR}
    noise = random.Random(1)
    async with aiohttp.ClientSession(headers=headers) as http:
        for number in range(3):
            text = base64.b64encode(base64.b64encode(noise.randbytes(3 << 20))).decode()
            of = {
                "resourceType": "DocumentReference", "status": "current",
                "type": {"coding": [{"system": "urn:x", "code": f"heavy-{number}"}]},
                "subject": {"reference": f"Patient/{patient}"},
                "content": [{"attachment": {"contentType": "text/plain", "data": text}}],
            }  # fmt: skip
            async with http.post(f"{served.address}/fhir/DocumentReference", json=of) as done:
                assert done.status == 201, await done.text()


async def mandated(served: Served) -> Ended:
    """An elder ends their carer's mandate."""
    patient = await served.patient("elder")
    ways = await channels(served, "carer", patient)
    mandates = await mandate.mandated(await served.visit("elder"))
    (one,) = [each for each in mandates if each.nature == "carer"]
    return await watched(
        "mandate", ways,
        lambda: _as(served, "elder", lambda visit: mandate.revoke(visit, one.id)),
    )  # fmt: skip


async def _opened(served: Served, patient: str) -> None:
    visit = await served.visit("outsider")
    place = served.built.door.ids.decode(patient)
    assert place is not None
    await emergency.open(visit, handles.write(visit, place[0]), "bris-de-glace", "unconscious")


async def emergency_over(served: Served) -> Ended:
    """The professional ends their emergency."""
    patient = await served.patient("patient")
    await _opened(served, patient)
    ways = await channels(served, "outsider", patient)
    return await watched(
        "emergency", ways,
        lambda: _as(served, "outsider", lambda visit: emergency.end(visit, patient)),
    )  # fmt: skip


async def session_over(served: Served) -> Ended:
    """A helper ends the session of an elder."""
    elder = next(each for each in served.cast.people if each.key == "elder")
    traits = mandate.Traits(elder.ins, elder.birth_name, elder.birth_date)
    begun = await session.begin(await served.visit("helper"), traits, "oral", "care")
    patient = await served.patient("elder")
    ways = await channels(served, "helper", patient)
    return await watched(
        "session", ways,
        lambda: _as(served, "helper", lambda visit: session.end(visit, begun.id)),
    )  # fmt: skip


async def dismissed(served: Served) -> Ended:
    """A doctor's assistant is dismissed: their role ends."""
    patient = await served.patient("patient")
    who = await served.actor("assistant")
    ways = await channels(served, "assistant", patient, rtype="Patient")
    return await watched(
        "role of an assistant", ways,
        lambda: _as(served, "gp", lambda visit: assist.dismiss(visit, who.sub)),
    )  # fmt: skip


async def blocked_too(served: Served) -> Ended:
    """The patient blocks their doctor: whoever assists the doctor reads no more."""
    patient = await served.patient("patient")
    rpps = int(served.cast.professional("gp").rpps)
    ways = await channels(served, "assistant", patient, rtype="Patient")
    ended = await watched(
        "block, for an assistant", ways,
        lambda: _as(served, "patient", lambda visit: block.block(visit, rpps)),
    )  # fmt: skip
    await block.unblock(await served.visit("patient"), rpps)
    return ended


async def closed(served: Served) -> Ended:
    """The patient closes their record; what a laboratory deposited in it is shut too.

    The copy they were making of it is broken off.
    """
    patient = await served.patient("patient")
    ways = await channels(served, "gp", patient)
    await heavy(served, patient)
    async with Copy(served, "patient", patient) as copy:
        ended = await watched(
            "closed record", ways, lambda: _as(served, "patient", lambda visit: close.close(visit))
        )
        if zipfile.is_zipfile(io.BytesIO(await copy.rest())):
            ended.late["copy under way"] = ended.latency
    await reopen.reopen(await served.visit("patient"))
    return ended


async def connections_over(served: Served) -> Ended:
    """A doctor ends all that is connected in their name: open pages at once, tokens when believed no more."""
    patient = await served.patient("patient")
    ways = await channels(served, "gp", patient)
    ended = await watched("connections", ways, lambda: _as(served, "gp", connections.end))
    await served.pages.pop("gp").close()
    return ended


async def account_stopped(served: Served) -> Ended:
    """An account that walked through records is stopped: nothing enters by it until an operator looked."""
    patient, actor = await served.patient("patient"), await served.actor("gp")
    ways = await channels(served, "gp", patient)

    async def stop() -> None:
        async with served.built.pool.connection() as conn, conn.transaction():
            await alarms.stop(conn, actor.sub, "walk", served.built.door.clock())

    ended = await watched("account stopped", ways, stop)
    async with served.built.pool.connection() as conn:
        await alarms.resume(conn, actor.sub)
    await served.pages.pop("gp").close()
    return ended


async def key_leaked(served: Served) -> Ended:
    """A key that signs tokens is in other hands: all it signed ends."""
    ways = await channels(served, "gp", await served.patient("patient"), pages=False)
    built = served.built

    async def leak() -> None:
        keyring.rotate(
            built.settings.keys, built.door.clock, parts.longest(built.settings), leaked=True
        )

    return await watched("key leaked", ways, leak)


async def _as(served: Served, persona: str, act: Callable[[Visit], Awaitable[Any]]) -> None:
    await act(await served.visit(persona))


Scenario = Callable[[Served], Awaitable[Ended]]
RIGHTS: tuple[Scenario, ...] = (
    blocked,
    blocked_too,
    masked,
    emergency_over,
    represented,
    mandated,
    session_over,
    dismissed,
    withdrawn,
)


EVERY = (
    *RIGHTS,
    connections_over,
    account_stopped,
    key_leaked,
    closed,
)  # the whole record last: nothing is open after it


async def ended(data: Path, these: Sequence[Scenario] = EVERY) -> list[Ended]:
    """Each of these rights ended once."""
    async with serving(data) as served:
        return [await one(served) for one in these]
