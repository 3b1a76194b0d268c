# SPDX-License-Identifier: EUPL-1.2
"""Judge a document and whose it is: where it may be, if it may be anywhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from carnet.access import queries as identities
from carnet.access.actor import ActorKind
from carnet.access.door import Unit
from carnet.config import Instance
from carnet.documents.cda import CdaDocument, conformance
from carnet.documents.cda.conformance import Finding, Profile, Severity, finding
from carnet.documents.identity import (
    PATIENT_ROLE,
    NoPatient,
    Said,
    apart,
    compared,
    of_header,
    source_patient,
)
from carnet.documents.publish.deposit import Deposit, profile_of
from carnet.documents.publish.moving import keep_apart
from carnet.rest.acts import Entry, Plan


async def judge(
    unit: Unit, plan: Plan, entry: Entry, document: CdaDocument | None
) -> list[Finding]:
    """All that is doubtful; afterwards the document is where it may be, if it may be anywhere."""
    profile = profile_of(unit, entry)
    production = not unit.visit.door.settings.lenient
    if document is None:
        return await _place(unit, plan, entry, source_patient(entry.resource), [])
    judge = partial(
        conformance.conformance, document, profile=profile, production=production, now=unit.at
    )
    found = await asyncio.to_thread(judge)
    if unit.visit.door.settings.instance is Instance.PRIVATE:  # real numbers are at home there
        found = [each for each in found if each.rule != "ins-production-system"]
    header = document.header
    declared = {coding.get("code") for coding in entry.resource.get("type", {}).get("coding", [])}
    if declared and header.code and header.code.code not in declared:
        found.append(finding("type-differs", "DocumentReference.type", profile))
    patient = header.patient
    said = None
    if patient is not None and conformance.names_somebody(patient):
        said = of_header(patient)
    return await _place(unit, plan, entry, said, found)


async def _place(
    unit: Unit, plan: Plan, entry: Entry, said: Said | None, found: list[Finding]
) -> list[Finding]:
    """Leave the document in the record it names, or keep it apart; with what the record adds."""
    assert entry.address is not None
    profile, path = profile_of(unit, entry), said.path if said else PATIENT_ROLE
    production = not unit.visit.door.settings.lenient
    nobody = entry.address.cid == unit.visit.actor.org
    known = None if nobody else await identities.identity(unit.conn, entry.address.cid)
    if said is not None and known is not None:
        found = found + compared(said, known, profile)
    if nobody and said is None and not found:
        raise NoPatient([finding("unknown-patient", path, profile)])
    keep = profile is Profile.LENIENT and (
        apart(found, production=production)
        or (nobody and said is not None and (production or not said.holds))
    )
    if nobody and not keep and (said is None or said.claim is not None):
        found = [*found, finding("unknown-patient", path, profile)]
    if keep and (said is None or unit.visit.actor.kind is ActorKind.PATIENT):
        # A patient's own file is theirs or it is refused: they could not read it elsewhere.
        found = [
            replace(each, severity=Severity.ERROR)
            if conformance.quarantines(each.rule, production=production)
            else each
            for each in found
        ]
    if any(each.severity is Severity.ERROR for each in found):
        return found
    if keep and said is not None:
        await keep_apart(unit, plan, entry, said, known, found)
    elif known is None or not known.quarantined or await identities.sets(unit.conn, [known.cid]):
        return found  # what two officers merged is in quarantine no more
    if isinstance(entry, Deposit):
        entry.quarantined = True
    return [*found, finding("quarantined", path, profile)]
