# SPDX-License-Identifier: EUPL-1.2
"""Real processes: what one ends, the others refuse within a second; what one used, a new one refuses.

A grant and a client are believed for half a second by each process (grants.py), whatever the load: what is
bounded is when the last request that was given something was sent, never how long an answer took.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from carnet.accounts import prove
from carnet.app import parts
from carnet.cli.demo import PASSWORD
from carnet.oauth import allowing, launching, registering
from carnet.oauth.allowing import Choice
from tests.agreement import revocation
from tests.agreement.revocation import BELIEVED, Served, typed
from tests.oauth.outside import Server, outlived, outside
from tests.oauth.place import AUTHORIZE, Place, Proof, code_of, query_of
from tests.portal.test_factors import totp

pytestmark = [pytest.mark.db, pytest.mark.slow]
WHOLE = os.environ.get("CARNET_WHOLE") == "1"
EHR = "launch openid patient/*.rs user/Practitioner.rs"
BEGINS = "https://app.example/launch?kept=1"
SECURITY, CODE = "/compte/securite/", "/compte/connexion/code/"
CHOSEN = "une-phrase-assez-longue"
UNMARKED = {  # what makes a new process forget that a thing was used
    "authorization code": "WITH whole AS (UPDATE access.allowed SET ended_at = NULL, ended_why = NULL)"
    " UPDATE access.code SET used_at = NULL",  # its second use ended what it had given
    "client assertion": "DELETE FROM access.assertion",
}


@dataclass
class Seen:
    """What the scenario saw."""

    late: dict[str, float] = field(default_factory=dict)  # what ended: seconds it was outlived
    before: dict[str, bool] = field(default_factory=dict)  # what was used: whether it served once
    after: dict[str, bool] = field(default_factory=dict)  # and in the new process
    planted: dict[str, bool] = field(default_factory=dict)  # and with its mark taken away
    killed: int = 0
    commands: list[tuple[int, str]] = field(default_factory=list)  # exit status, what it says


Replay = Callable[[], Awaitable[bool]]


class Scenario:
    """One life of a server, and of the one that follows."""

    def __init__(self, server: Server, served: Served, place: Place) -> None:
        self.server, self.served, self.place = server, served, place
        self.seen = Seen()
        self.replays: dict[str, Replay] = {}

    async def run(self) -> Seen:
        """Endings, then uses, then a new process."""
        await self.place.register("an-app", launch=BEGINS)
        await self.place.register_software()
        await self.grant()
        await self.client()
        if WHOLE:
            await self.commands()
        for each in (self.code, self.refresh, self.assertion, self.launch):
            await each()
        ended = await revocation.mandated(self.served)
        self.seen.late["mandate ended"] = max(ended.late.values(), default=0.0)
        await self.pages()
        self.seen.killed = self.server.kill()
        self.server.start()
        for table in ("code", "launch"):  # so that it is not their end that refuses them
            await self.place.rows(f"UPDATE access.{table} SET until = until + interval '1 hour'")
        for name, again in self.replays.items():
            self.seen.after[name] = await again()
        for name, forget in UNMARKED.items():
            await self.place.rows(forget)
            self.seen.planted[name] = await self.replays[name]()
        return self.seen

    async def used(self, name: str, use: Replay) -> None:
        """Use it once here, and again in the process that comes after."""
        self.seen.before[name] = await use()
        self.replays[name] = use

    # ------------------------------------------------------------------ what ends

    async def grant(self) -> None:
        tokens = await self.place.log_in("an-app", "patient", "patient/*.rs")
        self.seen.late["grant ended"] = await outlived(
            lambda: self.reads(tokens["access_token"]),
            lambda: self.place.post(
                "/oauth/revoke", {"token": tokens["access_token"], "client_id": "an-app"}
            ),
        )

    async def client(self) -> None:
        tokens = await self.place.log_in("an-app", "patient", "patient/*.rs")
        operator = await self.served.visit("operator")
        self.seen.late["client suspended"] = await outlived(
            lambda: self.reads(tokens["access_token"]),
            lambda: registering.decide(operator, "an-app", "suspend", "It was stolen."),
        )
        await registering.decide(operator, "an-app", "resume", "It was found.")

    async def reads(self, token: str) -> bool:
        return (await self.place.fhir("Patient?_summary=count", token)).status == 200

    # ------------------------------------------------------------------ what is used once

    async def commands(self) -> None:
        """`carnet client`, each a process: what it says, and its exit status."""
        file = self.server.data.parent / "key.json"
        file.write_text(json.dumps(self.place.key.as_dict(private=False)))
        add = ("add", "a-lab", "--name", "Résultats", "--kind", "software", "--subject",
               self.place.subject("lab-software"), "--scopes", "system/Observation.rs")  # fmt: skip
        for words in (
            (*add, "--key", str(file)), (*add, "--key", str(file)), ("approve", "a-lab"),
            ("approve", "a-lab"), ("suspend", "a-lab"), ("end", "a-lab"), ("resume", "a-lab"),
            ("approve", "nobody"),
        ):  # fmt: skip
            why = () if words[0] == "add" else ("--why", "Read with its maker.")
            self.seen.commands.append(await self.command(*words, *why))

    async def command(self, *words: str) -> tuple[int, str]:
        """As an operator types it."""
        done = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "carnet", "client", *words, "--by", "operator:operator"),
            *("--data", str(self.server.data)), stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        out, err = await done.communicate()
        return done.returncode or 0, f"{out.decode()}{err.decode()}"

    async def code(self) -> None:
        proof = Proof()
        code = await self.place.code("an-app", "elder", proof, "patient/*.rs")

        async def redeem() -> bool:
            return (await self.place.redeem("an-app", code, proof)).status == 200

        await self.used("authorization code", redeem)

    async def refresh(self) -> None:
        tokens = await self.place.log_in("an-app", "elder")

        async def use() -> bool:
            return (await self.place.refresh("an-app", tokens["refresh_token"])).status == 200

        await self.used("refresh token", use)

    async def assertion(self) -> None:
        now = int(self.place.space.clock().timestamp())
        form = self.place.assertion("lab-server", exp=now + 280)
        form |= {"grant_type": "client_credentials", "scope": "system/*.rs"}

        async def use() -> bool:
            return (await self.place.post("/oauth/token", form)).status == 200

        await self.used("client assertion", use)

    async def launch(self) -> None:
        me = parts.visit(self.served.built, await self.served.actor("gp"))
        patient = await self.served.patient("patient")
        begun = await launching.launch(me, patient, "an-app", issuer=self.place.base)
        secret = query_of(begun)["launch"]

        async def use() -> bool:
            said = self.place.request("an-app", Proof(), scope=EHR, launch=secret)
            answer = await self.place.get(AUTHORIZE, said)
            address = answer.headers["location"]
            if "/autoriser/" not in address:
                return False
            day = self.place.space.clock() + timedelta(days=1)
            asked = address.rstrip("/").rpartition("/")[2]
            choice = Choice(None, (), False, day, False)
            given = await allowing.allow(me, asked, choice, issuer=self.place.base)
            return bool(code_of(given))

        await self.used("launch", use)

    # ------------------------------------------------------------------ pages

    async def pages(self) -> None:
        """A sheet, an application, a code of the counter: in a real person's account."""
        sub = (await self.served.actor("patient")).sub
        await self.place.rows(
            "UPDATE portal.accounts_account SET demonstration = false, enrols = true"
            " WHERE subject = %s", sub,
        )  # fmt: skip
        mine = await self.browser("patient")
        sheet = await self.sheet(mine)
        await self.used("code of the sheet", lambda: self.second("patient", sheet[1]))
        url = self.server.address + SECURITY + "application/"
        async with mine.get(url) as shown:  # each time it is shown, it has another key
            page = await shown.text()
        found = re.search(r"<code>([A-Z2-7]+)</code>", page)
        assert found is not None, page
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        data = {"csrfmiddlewaretoken": token[1], "code": totp(found[1])}
        async with mine.post(url, data=data, headers={"referer": url}) as added:
            assert str(added.url).endswith(SECURITY), added.url
        key = found[1]
        next_ = totp(key, time.time() + 30)  # the one before was used to set it
        await self.used("code of an application", lambda: self.second("patient", next_))
        thief = await self.browser("patient")
        await self.form(thief, CODE, code=sheet[2])
        self.seen.late["second factor removed"] = await outlived(
            lambda: self.opens(thief), lambda: self.sheet(mine)
        )
        await self.activation(mine)

    async def activation(self, mine: aiohttp.ClientSession) -> None:
        patient = await self.served.patient("patient")
        given = await prove.give(await self.served.visit("operator"), patient, "CN")
        born = self.served.cast.person("patient").birth_date

        async def use() -> bool:
            async with browser() as http:
                page = await self.form(
                    http, "/activer/", code=given.code, born=f"{born:%d/%m/%Y}",
                    username="helene.garnier", password=CHOSEN, again=CHOSEN,
                )  # fmt: skip
            return 'name="code"' not in page

        async def once() -> None:
            await self.used("activation code", use)

        self.seen.late["password changed"] = await outlived(lambda: self.opens(mine), once)

    async def browser(self, name: str) -> aiohttp.ClientSession:
        """Where a name and a password were given."""
        http = browser()
        self.served.pages[f"{name} {time.monotonic()}"] = http
        await self.form(http, "/compte/connexion/", login=name, password=PASSWORD)
        return http

    async def second(self, name: str, code: str) -> bool:
        """Log in with a code; whether a record opens."""
        http = await self.browser(name)
        async with http.get(self.server.address + CODE) as asked:
            if not str(asked.url).endswith(CODE):
                return False
        await self.form(http, CODE, code=code)
        return await self.opens(http)

    async def sheet(self, http: aiohttp.ClientSession) -> list[str]:
        """A new sheet, its first code copied."""
        page = await self.form(http, SECURITY + "feuille/")
        found = re.findall(r"<li><code>([^<]+)</code>", page)
        assert len(found) == 10, page
        await self.form(http, SECURITY + "feuille/", code=found[0])
        return found

    async def opens(self, http: aiohttp.ClientSession) -> bool:
        async with http.get(f"{self.server.address}/dossier/", allow_redirects=False) as answer:
            return answer.status == 200

    async def form(self, http: aiohttp.ClientSession, path: str, **fields: str) -> str:
        """Post the form of a page; the page it leads to."""
        url = self.server.address + path
        data = {"csrfmiddlewaretoken": await typed(http, url)} | fields
        async with http.post(url, data=data, headers={"referer": url}) as answer:
            return await answer.text()


def browser() -> aiohttp.ClientSession:
    """With a jar of its own, and a connection for each request."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        connector=aiohttp.TCPConnector(force_close=True),
    )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """The scenario, once."""

    async def run(data: Path) -> Seen:
        async with outside(data) as (server, served, place):
            return await Scenario(server, served, place).run()

    yield asyncio.run(run(tmp_path_factory.mktemp("processes") / "data"))


ENDINGS = (
    "grant ended", "client suspended", "mandate ended", "second factor removed", "password changed",
)  # fmt: skip
USED = (
    "authorization code", "refresh token", "client assertion", "launch", "code of the sheet",
    "code of an application", "activation code",
)  # fmt: skip


@pytest.mark.skipif(not WHOLE, reason="eight processes of the command: with CARNET_WHOLE=1")
def test_the_command_of_clients_says_what_it_did_and_what_it_refuses(seen: Seen) -> None:
    """A life: registered, twice not, approved, twice not, suspended, ended, and no more after it."""
    print(*seen.commands, sep="\n")
    assert [status == 0 for status, _ in seen.commands] == [
        True, False, True, False, True, True, False, False,
    ]  # fmt: skip
    for _, said in seen.commands:
        assert said.strip()
        assert "Traceback" not in said


@pytest.mark.parametrize("what", ENDINGS)
def test_what_one_process_ends_the_others_refuse_within_a_second(seen: Seen, what: str) -> None:
    print(f"FIGURE {what}: last given {seen.late[what] * 1000:.0f} ms after")
    assert seen.late[what] < BELIEVED


@pytest.mark.parametrize("what", USED)
def test_what_was_used_before_a_kill_is_refused_by_a_new_process(seen: Seen, what: str) -> None:
    assert seen.killed >= 3
    assert seen.before[what], "it served once"
    assert not seen.after[what]


@pytest.mark.parametrize("what", UNMARKED)
def test_without_the_mark_of_its_use_the_new_process_would_take_it(seen: Seen, what: str) -> None:
    """The planted fault: the row that says it was used is gone."""
    assert seen.planted[what]


def test_a_thing_that_is_still_given_is_seen() -> None:
    """The planted fault: an end that nobody reads, for a while."""
    acted: list[float] = []

    async def given() -> bool:
        return not acted or time.monotonic() - acted[0] < 0.3

    async def act() -> None:
        acted.append(time.monotonic())

    assert asyncio.run(outlived(given, act)) > 0.2
