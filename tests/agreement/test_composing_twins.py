# SPDX-License-Identifier: EUPL-1.2
"""What is written from a record is alike in two worlds that differ by what its author may not see.

A quick run asks as the hospital's doctor, the patient and one more of a seed, CARNET_WHOLE=1 as all.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from carnet.access.door import Visit
from carnet.summary.background import Background, background
from tests.agreement import composing, seeds, worlds
from tests.agreement.worlds import World
from tests.space import Peopled

PERSONAS = ("hospital-doctor", "nurse", "gp", "outsider", "assistant", "patient")


@dataclass
class Report:
    """What was asked of both worlds, and where they differ."""

    asked: Counter[str] = field(
        default_factory=Counter
    )  # by what: page, offered, draft, published…
    hidden: Counter[str] = field(
        default_factory=Counter
    )  # by persona: items of records they may write in
    leaks: list[str] = field(default_factory=list)


async def walk(
    peopled: Peopled, seed: int, monkeypatch: pytest.MonkeyPatch, personas: tuple[str, ...]
) -> Report:
    """Ask both worlds of each persona, record by record."""
    made, report = composing.items(), Report()
    monkeypatch.setattr(worlds, "make", lambda seed, count: made)
    async with worlds.original(peopled, seed, len(made)) as of:
        for persona in personas:
            async with worlds.twins(of, persona) as twins:
                try:
                    for key in composing.ABOUT:
                        told = [
                            list(await composing.said(world, persona, of.ids[key], of.now))
                            for world in (twins.a, twins.b)
                        ]
                        _compared(report, persona, key, *told)
                        if any(what.startswith("published") for what, _ in told[0]):
                            report.hidden[persona] += sum(
                                key in of.items[number].about for number in twins.hidden
                            )
                finally:
                    for world in (twins.a, twins.b):
                        world.forget(of.now)
                        world.source.begin("asking", of.now, frozen=True)
    return report


def _compared(
    report: Report, persona: str, key: str, a: list[tuple[str, str]], b: list[tuple[str, str]]
) -> None:
    if [what for what, _ in a] != [what for what, _ in b]:
        report.leaks.append(f"{persona}, {key}: {[w for w, _ in a]} and {[w for w, _ in b]}")
    for (what, one), (_, other) in zip(a, b, strict=False):
        report.asked[what.partition(" ")[0]] += 1
        if one != other:
            at = next((i for i, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), 0)
            around = slice(max(0, at - 90), at + 90)
            report.leaks.append(f"{persona}, {key}: {what}: {one[around]} | {other[around]}")


def test_what_is_hidden_is_in_no_page_draft_or_published_document(
    peopled: Peopled, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = seeds.chosen()
    whole = os.environ.get("CARNET_WHOLE") == "1"
    others = PERSONAS[1:] if whole else random.Random(seed).sample(PERSONAS[1:-1], 1)
    asked = (PERSONAS[0], *others, *(() if whole else PERSONAS[-1:]))
    report = asyncio.run(walk(peopled, seed, monkeypatch, asked))
    print(report.asked, report.hidden)
    assert report.leaks == [], "\n".join(report.leaks[:5])
    assert report.asked["published"] and report.asked["draft"] and report.asked["refusal"]
    assert (
        sum(report.hidden.values()) > 5
    )  # there was something to hide where something was written


def test_a_background_read_with_the_rights_of_another_is_found(
    peopled: Peopled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: habits, family and devices are gathered as the laboratory's software that wrote them."""
    deposited: dict[int, World] = {}

    async def leaking(visit: Visit, cid: int) -> Background:
        world = deposited.get(id(visit.door))
        if world is None:
            return await background(visit, cid)
        return await background(replace(visit, actor=await world.actor("lab-software")), cid)

    kept = composing.said

    async def said(world: World, *given: object) -> object:
        deposited[id(world.built.door)] = world
        return await kept(world, *given)  # type: ignore[arg-type]

    monkeypatch.setattr("carnet.app.composing.background", leaking)
    monkeypatch.setattr(composing, "said", said)
    report = asyncio.run(walk(peopled, seeds.chosen(), monkeypatch, ("hospital-doctor",)))
    found = " ".join(report.leaks)
    assert "offered vsm" in found and "draft vsm" in found and "published vsm" in found
