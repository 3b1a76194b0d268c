# SPDX-License-Identifier: EUPL-1.2
"""Activation for the pages."""

from __future__ import annotations

from datetime import UTC, date, datetime

from carnet import errors
from carnet.access.actor import Actor
from carnet.access.ended import Over
from carnet.accounts.activate import Opened, WrongActivation
from carnet.accounts.address import Address, WrongProof
from carnet.accounts.end import YourOwn
from carnet.accounts.prove import Given, Way
from carnet.accounts.show import Seen
from carnet.accounts.stop import Line, NoAccount

GOOD, BORN, NUMBER = "0000-0000-0000-000", date(1941, 5, 14), "123 456"
SUBJECT = "patient:activated"
LINES = ("Suzanne LE CŒUR", "12 rue des Tilleuls", "29000 QUIMPER")
AT, UNTIL = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 12, 23, tzinfo=UTC)


class PreviewActivation:
    """One code is good, until it is used; it goes with a birth date or a number."""

    done: list[tuple[object, ...]] = []
    over = False
    stopped: dict[str, str] = {}
    opens = Opened(SUBJECT, "account", "counter")
    lines = LINES
    mails = True
    found = Address("", "", True)

    async def give(self, actor: Actor, patient: str, document: str, way: Way) -> Given:
        self.done.append(("give", actor.sub, patient, document, way))
        code = "" if way.how == "email" else GOOD
        lines = self.lines if way.how == "letter" else ()
        return Given("LE CŒUR Suzanne", code, UNTIL, AT, "", lines, way.email)

    async def give_account(self, actor: Actor, sub: str, document: str, way: Way) -> Given:
        if sub != "rpps:10003456781":
            raise errors.NotFound
        self.done.append(("give-account", actor.sub, sub, document, way))
        code = "" if way.how == "email" else GOOD
        lines = ("Claire MARTIN", *way.lines) if way.how == "letter" else ()
        return Given("Claire MARTIN", code, UNTIL, AT, NUMBER, lines, way.email)

    async def envelope(self, actor: Actor, patient: str) -> tuple[str, ...]:
        return self.lines

    async def listed(self, actor: Actor) -> list[Line]:
        stopped = Line("rpps:10000000001", "professional", "walk", AT, None)
        return [stopped, Line(SUBJECT, "patient", None, None, UNTIL)]

    async def seen(self, actor: Actor, sub: str) -> Seen:
        kind, _, rest = sub.partition(":")
        kinds = {"rpps": "professional", "patient": "patient", "operator": "operator"}
        if kind not in kinds or rest == "nobody":
            raise NoAccount
        why = self.stopped.get(sub)
        name = "" if kind == "patient" else "Dr Paul DURAND"
        return Seen(sub, kinds[kind], name, None, why, AT if why else None, why == "ended", None)

    async def stop(self, actor: Actor, sub: str) -> None:
        self.stopped[sub] = "operator"

    async def reopen(self, actor: Actor, sub: str) -> None:
        if self.stopped.get(sub) == "ended":
            raise Over
        self.stopped.pop(sub, None)

    async def end(self, actor: Actor, sub: str) -> None:
        if sub == actor.sub:
            raise YourOwn
        self.stopped[sub] = "ended"

    async def check(self, code: str, second: date | str) -> Opened:
        if (code, second) not in ((GOOD, BORN), (GOOD, NUMBER)) or self.over:
            raise WrongActivation
        return self.opens

    async def use(self, code: str, second: date | str) -> str:
        found = await self.check(code, second)
        self.done.append(("use",))
        return found.sub

    async def lost(self, email: str, leaves: bool) -> str:
        self.done.append(("lost", email, leaves))
        return NUMBER

    async def address(self, actor: Actor) -> Address:
        return self.found

    async def propose(self, actor: Actor, email: str) -> None:
        self.done.append(("propose", actor.sub, email))

    async def confirm(self, actor: Actor, code: str) -> None:
        if code != GOOD:
            raise WrongProof
        self.done.append(("confirm", actor.sub))

    async def forget(self, actor: Actor) -> None:
        self.done.append(("forget", actor.sub))
