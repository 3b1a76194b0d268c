# SPDX-License-Identifier: EUPL-1.2
"""Invented answers of identity, as preview.py has them for the rest."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from carnet import errors
from carnet.access.actor import Actor
from carnet.identity import datamatrix
from carnet.identity.datamatrix import Coded, NotCoded
from carnet.vigilance.pages import (
    Act,
    Desk,
    Identity,
    Kin,
    Mine,
    Pair,
    Proposal,
    Sheet,
    Step,
    Traits,
    TraitsForm,
)
from carnet.vigilance.sheet import path_of, side_of

AT = datetime(2026, 3, 14, 9, tzinfo=UTC)
INS, OID = "279035121518989", "1.2.250.1.213.1.4.10"
ONE = Traits("a" * 26, "DELAUNAY", "HELENE", date(1980, 5, 4), "female", "75056", INS, "QUAL",
             quarantined=False, doubtful=False)  # fmt: skip
OTHER = Traits("b" * 26, "DELAUNEY", "HELENE", date(1980, 5, 4), "female", "", "", "PROV",
               quarantined=True, doubtful=False)  # fmt: skip
PAIR = Pair(ONE, OTHER, ("near-name",), AT, frozenset(("birth_name", "birth_place", "ins")))


class PreviewIdentity:
    """Claire is qualified, a newcomer is not; two officers."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    async def mine(self, actor: Actor) -> Mine:
        known = actor.sub == "patient:claire" or actor.name.startswith("Claire")
        return Mine(
            "MARTIN", "CLAIRE", date(1975, 3, 2), "female", "75056", "Claire Martin",
            "QUAL" if known else "PROV", doubtful=not known, homonym=known,
            ins=INS if known else "",
            acts=(Act(AT, "validate", "QUAL", "CN"), Act(AT, "retrieve", "RECUP", "00")),
        )  # fmt: skip

    async def sheet(self, actor: Actor) -> Sheet:
        found = await self.mine(actor)
        if not found.ins:
            raise NotCoded
        text = "IS01" + "0" * 22 + f"S1{INS}S2{OID}"
        return Sheet(
            "MARTIN", "CLAIRE", date(1975, 3, 2), "female", "75056", "Claire Martin", INS, OID,
            real=False, drawing=path_of(text), side=side_of(text),
        )  # fmt: skip

    async def desk(self, actor: Actor) -> Desk:
        _officer(actor)
        return Desk(
            (PAIR,),
            (
                Proposal("c" * 26, OTHER, ONE, "pièce vue", AT, "Ada", own=True, confirmed=False),
                Proposal("d" * 26, OTHER, ONE, "pièce vue", AT, "Bob", own=False, confirmed=False),
                Proposal("e" * 26, OTHER, ONE, "pièce vue", AT, "Bob", own=False, confirmed=True),
            ),
            (replace(OTHER, quarantined=True),),
            simulated=True,
        )

    async def compare(self, actor: Actor, one: str, other: str) -> Pair:
        _officer(actor)
        if one != ONE.id:
            raise errors.NotFound
        return PAIR

    async def propose(self, actor: Actor, source: str, target: str, reason: str) -> None:
        _officer(actor)
        self.done.append(("propose", source, target, reason))

    async def different(self, actor: Actor, one: str, other: str) -> None:
        _officer(actor)
        self.done.append(("different", one, other))

    async def decide(self, actor: Actor, proposal: str, what: str, why: str) -> None:
        _officer(actor)
        self.done.append((what, proposal, why))

    async def apart(self, actor: Actor, one: str, what: str, proof: str) -> None:
        _officer(actor)
        self.done.append(("apart", one, what, proof))

    async def find(self, actor: Actor, form: TraitsForm) -> Sequence[Traits]:
        _officer(actor)
        if form.name == "TROP":
            raise errors.Invalid
        return (ONE, OTHER) if form.ins or form.name == "DELAUNAY" else ()

    async def identity(self, actor: Actor, one: str) -> Identity:
        _officer(actor)
        steps = (
            Step(AT, "validate", "QUAL+homonym", "CN", "", "Ada"),
            Step(AT, "retrieve", "RECUP", "00", "", "platform:identity"),
            Step(AT, "doubt", "PROV+doubtful", "", "deux dates de naissance", "Bob"),
        )
        if one == OTHER.id:
            return Identity(OTHER, homonym=False, fictitious=True, may=(), steps=(), family=())
        if one != ONE.id:
            raise errors.NotFound
        may = ("validate", "retrieve", "doubt", "homonym", "degrade", "fictitious")
        kin = (Kin(OTHER, True, "birth-mother", AT), Kin(OTHER, False, "father", AT))
        return Identity(ONE, homonym=True, fictitious=False, may=may, steps=steps, family=kin)

    async def validate(self, actor: Actor, one: str, proof: str) -> None:
        self.done.append(("validate", one, proof))

    async def mark(self, actor: Actor, one: str, what: str, reason: str) -> None:
        self.done.append((what, one, reason))

    async def declare_parent(self, actor: Actor, one: str, ins: str, nature: str) -> None:
        if ins.startswith("1"):
            raise errors.Invalid
        self.done.append(("parent", one, ins, nature))

    async def end_parent(self, actor: Actor, one: str, parent: str) -> None:
        self.done.append(("no-parent", one, parent))

    async def retrieve(self, actor: Actor, one: str) -> str:
        self.done.append(("retrieve", one))
        return "02"

    async def decode(self, actor: Actor, text: str) -> Coded:
        return datamatrix.read(text)


def _officer(actor: Actor) -> None:
    if actor.kind != "operator":
        raise errors.NotFound
