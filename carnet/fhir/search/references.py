# SPDX-License-Identifier: EUPL-1.2
"""Search by reference: `Type/id`, `id`, an absolute address of this server or another.

Source: FHIR R4, Search, "reference".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from carnet import errors
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array
from carnet.fhir.store.ids import Ids

LITERAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})", re.ASCII)
ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)


class WrongReference(errors.Invalid):
    """A reference is Type/id, an id, or an absolute address."""


@dataclass(frozen=True, slots=True)
class ReferenceFilter:
    """Any of the targets, each `Type/id` or an absolute address."""

    number: int
    targets: tuple[str, ...]

    def patients(self, ids: Ids) -> set[int]:
        """Compartments of the patients among the targets."""
        return {cid for target in self.targets if (cid := _patient(target, ids)) is not None}

    def widened(self, sets: Mapping[int, tuple[int, ...]], ids: Ids) -> ReferenceFilter:
        """Each patient among the targets, by any of their ids."""
        targets: dict[str, None] = {}
        for target in self.targets:
            cid = _patient(target, ids)
            targets |= dict.fromkeys(
                [f"Patient/{ids.encode(each, each)}" for each in sets[cid]]
                if cid is not None and cid in sets
                else [target]
            )
        return ReferenceFilter(self.number, tuple(targets))

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        hashes = [
            place.hasher.reference(place.rtype_number, self.number, target)
            for target in self.targets
        ]
        values[name] = array(hashes)
        return f"r.toks {'@>' if len(hashes) == 1 else '&&'} %({name})s::bigint[]"


def _patient(target: str, ids: Ids) -> int | None:
    """The compartment of a Patient's address; None of any other."""
    named = LITERAL.fullmatch(target)
    place = ids.decode(named[2]) if named and named[1] == "Patient" else None
    return place[0] if place is not None and place[0] == place[1] else None


def read(text: str, targets: tuple[str, ...], kind: str | None, base: str) -> tuple[str, ...]:
    """The addresses one value may mean.

    targets: types the parameter may point to; kind: type of a `:Type` modifier; base: our own address.
    """
    text = literal(text, base)
    if found := LITERAL.fullmatch(text):
        if kind is not None and found[1] != kind:
            raise WrongReference
        return (text,)
    if "://" in text or text.startswith("urn:"):
        return (text,)
    if not ID.fullmatch(text):
        raise WrongReference
    return tuple(f"{target}/{text}" for target in ((kind,) if kind else targets))


def literal(reference: str, base: str) -> str:
    """A reference without our own address before it nor a version after it."""
    return reference.removeprefix(base + "/").partition("/_history/")[0]
