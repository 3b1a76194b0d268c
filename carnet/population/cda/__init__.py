# SPDX-License-Identifier: EUPL-1.2
"""Writes French CDA R2 documents, one module for each model.

Source: ANS, CI-SIS: volets of content and the examples published with them. Only what the
demonstration needs. The reader in carnet.documents shares nothing with this writer, so that each can
show the other's mistakes.
"""

from carnet.population.cda.elements import oid, uuid
from carnet.population.cda.header import Act, Encounter, Header, Seat
from carnet.population.cda.laboratory import also, laboratory_report, told
from carnet.population.cda.letter import letter
from carnet.population.cda.sections import Grid, Model, Row, Section, structured

__all__ = [
    "Act",
    "Encounter",
    "Grid",
    "Header",
    "Model",
    "Row",
    "Seat",
    "Section",
    "also",
    "laboratory_report",
    "letter",
    "oid",
    "structured",
    "told",
    "uuid",
]
