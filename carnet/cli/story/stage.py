# SPDX-License-Identifier: EUPL-1.2
"""Where the story plays: the demonstration's addresses, a token of each persona, what was already done."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests

from carnet import errors
from carnet.access.tokens import DAY
from carnet.app import demonstration
from carnet.app.parts import actor, build, claims
from carnet.cli.token import PERSON, SCOPES
from carnet.config import Settings
from carnet.population import Population
from carnet.postgres.server import Server

CLIENT: Final = "carnet-story"
FILE: Final = "story.json"
FHIR: Final = "application/fhir+json"
PATIENCE: Final = 60.0  # seconds for what another service does by itself


class Refused(errors.CarnetError):
    """A step was refused by the platform."""


class NothingCame(errors.CarnetError):
    """What a service does by itself was waited for, and did not come."""


def tokens(settings: Settings, server: Server, population: Population) -> dict[str, str]:
    """A token of each persona, for a day."""

    async def issued() -> dict[str, str]:
        built = await build(settings, server, name="carnet story")
        try:
            found = {}
            for persona in population.personas:
                if not persona.built:
                    continue
                subject = demonstration.subject_of(persona, population)
                who = await actor(built, subject, client=CLIENT)
                scope = SCOPES.get(str(who.kind), PERSON)
                found[persona.key] = built.desk.tokens.issue(
                    claims(built, who, scope), lifetime=DAY
                )
            return found
        finally:
            await built.pool.close()

    return asyncio.run(issued())


@dataclass(slots=True)
class Stage:
    """One running demonstration, seen from outside.

    base: its address. tokens: by persona. data: its folder. done: keys of the steps taken.
    """

    base: str
    settings: Settings
    population: Population
    tokens: Mapping[str, str]
    done: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """What was done, written after each step."""
        return self.settings.data / FILE

    def recall(self) -> None:
        """Read what an earlier run did."""
        if self.file.exists():
            said = json.loads(self.file.read_text("utf-8"))
            self.done, self.kept = list(said["done"]), dict(said["kept"])

    def keep(self, name: str, value: str) -> str:
        """What was chosen once, for every run after: written before anything hangs on it."""
        if name not in self.kept:
            self.kept[name] = value
            self._write()
        return self.kept[name]

    def remember(self, key: str) -> None:
        """Write that a step was taken."""
        self.done.append(key)
        self._write()

    def _write(self) -> None:
        """Whole or not at all."""
        temporary = self.file.with_suffix(".new")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump({"done": self.done, "kept": self.kept}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self.file)

    # ------------------------------------------------------------ the API

    def ask(
        self, persona: str, method: str, path: str, body: Any = None, **headers: str
    ) -> requests.Response:
        """One request as a persona; path: below /fhir, or from / on."""
        address = f"{self.base}{path}" if path.startswith("/") else f"{self.base}/fhir/{path}"
        sent = {"Authorization": f"Bearer {self.tokens[persona]}", "Accept": FHIR, **headers}
        data = body
        if isinstance(body, dict):
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", FHIR)
        return requests.request(method, address, data=data, headers=sent, timeout=PATIENCE)

    def fhir(
        self, persona: str, method: str, path: str, body: Any = None, **headers: str
    ) -> dict[str, Any]:
        """The same, whose answer must be good; Refused says the platform's own sentence."""
        answer = self.ask(persona, method, path, body, **headers)
        if answer.status_code >= 400:
            raise Refused(f"{method} {path.split('?')[0]}: {answer.status_code} {said(answer)}")
        return dict(answer.json()) if answer.content else {}

    def all(self, persona: str, path: str) -> list[dict[str, Any]]:
        """The resources of a search, its first page."""
        bundle = self.fhir(persona, "GET", path)
        return [each["resource"] for each in bundle.get("entry", ())]

    def until(self, seen: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """What another service does by itself: looked for until it is there."""
        limit = time.monotonic() + seconds
        while True:
            found = seen()
            if found:
                return found
            if time.monotonic() > limit:
                raise NothingCame(f"Waited {seconds:.0f} s for this: {what}")
            time.sleep(0.3)

    # ------------------------------------------------------------ who is who

    def patient(self, person: str) -> str:
        """The id of a person's record, found once by their treating doctor as any doctor finds it."""
        if person not in self.kept:
            found = next(each for each in self.population.people if each.key == person)
            query = f"Patient?identifier=urn:oid:{found.ins_oid}|{found.ins}"
            self.keep(person, str(self.all("gp", query)[0]["id"]))
        return self.kept[person]

    def rpps(self, professional: str) -> str:
        """Of a professional of the cast."""
        return str(
            next(each.rpps for each in self.population.professionals if each.key == professional)
        )


def said(answer: requests.Response) -> str:
    """The sentence of an OperationOutcome, or of a page."""
    try:
        issues: Sequence[Mapping[str, Any]] = answer.json().get("issue", ())
    except (ValueError, AttributeError):
        return answer.text[:200]
    return "; ".join(str(each.get("diagnostics", each.get("code"))) for each in issues)
