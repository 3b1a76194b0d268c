# SPDX-License-Identifier: EUPL-1.2
"""Compartments: what is about a patient, an encounter, a professional… by the parameters FHIR names.

    Patient/x/Observation?code=…      of one type
    Patient/x/*?_lastUpdated=…        of every type, by the parameters that every type has

Source: FHIR R4, CompartmentDefinition; RESTful API, "Variant Searches".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from carnet.fhir.search.identifiers import IdFilter
from carnet.fhir.search.query import Place
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.scope import array
from carnet.fhir.store.ids import Ids


@dataclass(frozen=True, slots=True)
class InCompartment:
    """Points to the compartment's resource by one of its type's parameters, or is that resource.

    rtype: number of the compartment's own type. pointers: (number of a type, of a parameter of it).
    targets: `Type/id`, one for each compartment that is the same person's. own: that resource too.
    """

    rtype: int
    pointers: tuple[tuple[int, int], ...]
    targets: tuple[str, ...]
    own: bool = False

    def patients(self, ids: Ids) -> set[int]:
        """The compartment of the patient, where it is a patient's."""
        return ReferenceFilter(0, self.targets).patients(ids)

    def widened(self, sets: Mapping[int, tuple[int, ...]], ids: Ids) -> InCompartment:
        """The same of each of their compartments."""
        return replace(self, targets=ReferenceFilter(0, self.targets).widened(sets, ids).targets)

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[name] = array(
            place.hasher.reference(rtype, param, target)
            for rtype, param in self.pointers
            for target in self.targets
        )
        if not self.own:
            return f"r.toks && %({name})s::bigint[]"
        values[f"{name}t"] = self.rtype
        own = IdFilter(tuple(target.split("/")[1] for target in self.targets))
        here = own.sql(replace(place, rtype_number=self.rtype), values, f"{name}o")
        return f"(r.toks && %({name})s::bigint[] OR (r.rtype = %({name}t)s::smallint AND {here}))"
