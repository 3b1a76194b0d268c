# SPDX-License-Identifier: EUPL-1.2
"""Search by `_id`, and by the identifier inside a reference (`:identifier`)."""

from __future__ import annotations

from dataclasses import dataclass

from carnet import errors
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array
from carnet.fhir.store.hashes import ANY
from carnet.fhir.store.ids import Ids


class NoValue(errors.NotSupported):
    """The modifier :identifier compares a value: system|value, |value or value."""


@dataclass(frozen=True, slots=True)
class IdFilter:
    """Any of the ids, ours or client-chosen."""

    ids: tuple[str, ...]

    def compartments(self, ids: Ids) -> set[int] | None:
        """Where the ids route; None when one of them is client-chosen."""
        places = [ids.decode(text) for text in self.ids]
        if any(place is None for place in places):
            return None
        return {place[0] for place in places if place}

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        routed = [found for text in self.ids if (found := place.ids.decode(text))]
        chosen = [text for text in self.ids if place.ids.decode(text) is None]
        values[f"{name}c"] = array(cid for cid, _ in routed)
        values[f"{name}r"] = array(rid for _, rid in routed)
        values[f"{name}h"] = array(
            place.hasher.client_id(place.rtype_number, text) for text in chosen
        )
        values[f"{name}i"] = chosen
        ours = (
            "(r.cid, r.rid) IN (SELECT * FROM"
            f" unnest(%({name}c)s::bigint[], %({name}r)s::bigint[]))"
        )
        if not chosen:
            return ours
        return (
            f"({ours} OR (r.id = ANY (%({name}i)s::text[]) AND (r.cid, r.rid) IN"
            f" (SELECT m.cid, m.rid FROM record.id_map m WHERE m.h = ANY (%({name}h)s::bigint[]))))"
        )


@dataclass(frozen=True, slots=True)
class ReferenceIdentifier:
    """Any of (system, value) inside the reference itself."""

    number: int
    values: tuple[tuple[str | None, str | None], ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        hashes = []
        for system, code in self.values:
            if code is None:
                raise NoValue
            looked = ANY if system is None else system
            hashes.append(place.hasher.token(place.rtype_number, -self.number, looked, code))
        values[name] = array(hashes)
        return f"r.toks {'@>' if len(hashes) == 1 else '&&'} %({name})s::bigint[]"
