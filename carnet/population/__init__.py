# SPDX-License-Identifier: EUPL-1.2
"""An invented population: people, professionals, places, care teams and years of documents.

Everything follows from a seed. Nobody here exists: identities carry the test OID of the INS.
"""

from carnet.population.make import EDITION, TODAY, make
from carnet.population.measures import measures
from carnet.population.people import (
    Address,
    Block,
    CareTeam,
    Commune,
    Establishment,
    Member,
    Person,
    Persona,
    Population,
    Professional,
    Situation,
)
from carnet.population.supply import near
from carnet.population.timeline import GeneratedDocument, documents, report

__all__ = [
    "EDITION",
    "TODAY",
    "Address",
    "Block",
    "CareTeam",
    "Commune",
    "Establishment",
    "GeneratedDocument",
    "Member",
    "Person",
    "Persona",
    "Population",
    "Professional",
    "Situation",
    "documents",
    "make",
    "measures",
    "near",
    "report",
]
