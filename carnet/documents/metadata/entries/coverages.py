# SPDX-License-Identifier: EUPL-1.2
"""Who pays: the social coverages of the patient. Source: IHE PCC, Payers and Coverage Entry; FHIR R4."""

from typing import Final

from carnet.documents.cda import datatypes as d
from carnet.documents.cda.datatypes import Id
from carnet.documents.cda.statements import Part, Statement
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.people import known, logical
from carnet.documents.metadata.pieces import Json, coded, concept, identifier, period

RELATION: Final = "http://terminology.hl7.org/CodeSystem/subscriber-relationship"
# HL7 v3 coverage role → subscriber-relationship.
RELATIONS: Final = {
    "SELF": "self",
    "SPS": "spouse",
    "SPON": "spouse",
    "DEPEND": "child",
    "CHILD": "child",
    "NCHILD": "child",
    "FAMDEP": "other",
    "STUD": "child",
    "DOMPART": "common",
    "INJ": "injured",
}
INS: Final = "1.2.250.1.213.1.4."  # numbers of persons: they stand in the identity alone
STATUS: Final = {"aborted": "cancelled", "cancelled": "cancelled", "nullified": "entered-in-error"}


def listed(reading: Reading, statement: Statement) -> None:
    """The list of coverages: a definition, whose parts are the coverages."""
    before = len(reading.found)
    for link in statement.related:
        reading.again(reading, link.statement)
    if len(reading.found) > before:
        reading.use(statement)


def made(reading: Reading, statement: Statement) -> None:
    """One coverage: its kind and who pays."""
    kind = concept(statement.code)
    payers = _payers(statement)
    if not statement.happened:
        reading.keep(statement, "not-done")
        return
    if kind is None and not payers:
        reading.keep(statement, "no-code")
        return
    covered = next(iter(statement.taking("COV")), None)
    reading.take(
        statement,
        {
            "resourceType": "Coverage",
            "identifier": [identifier(each) for each in statement.ids],
            "status": STATUS.get(statement.status or "", "active"),
            "type": kind,
            "policyHolder": _holder(statement),
            "subscriberId": _number(covered),
            "beneficiary": reading.making.subject,
            "relationship": _relation(covered),
            "period": period(_during(statement, covered)),
            "payor": payers or [{"display": statement.label or "organisme non indiqué"}],
        },
    )


def _payers(statement: Statement) -> list[Json]:
    found: list[Json] = []
    for part in statement.taking("performer"):
        if part.party.name is None and part.party.organisation is not None:
            found += logical([part.party.organisation])
        else:
            found += logical([part.party])
    return found


def _holder(statement: Statement) -> Json | None:
    """Who subscribed, when it is another than the patient."""
    part = next(iter(statement.taking("HLD")), None)
    if part is None:
        return None
    name = part.name or (part.party.name.text if part.party.name else None)
    return known(_public(part.party.ids), name) or None


def _number(part: Part | None) -> str | None:
    found = _public(part.party.ids) if part else ()
    return found[0].extension if found else None


def _public(ids: tuple[Id, ...]) -> tuple[Id, ...]:
    return tuple(each for each in ids if not each.root.startswith(INS))


def _relation(part: Part | None) -> Json | None:
    code = part.code if part else None
    said = RELATIONS.get((code and code.code) or "")
    return coded(RELATION, said) if said else concept(code)


def _during(statement: Statement, part: Part | None) -> d.Period | None:
    return statement.at or (part.party.time if part else None)
