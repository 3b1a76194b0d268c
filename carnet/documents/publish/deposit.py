# SPDX-License-Identifier: EUPL-1.2
"""What comes to be published: a document from a file, a lot from a container; how strict one is with it."""

from __future__ import annotations

from dataclasses import dataclass

from carnet.access.door import Unit
from carnet.documents import guide
from carnet.documents.cda import CdaDocument, conformance
from carnet.documents.cda.conformance import Finding, Profile, Severity
from carnet.rest.acts import Entry


@dataclass(slots=True)
class Deposit(Entry):
    """A DocumentReference that comes with more than its resource: from a file."""

    profile: Profile | None = None  # None: what the instance says
    document: CdaDocument | None = None  # already read
    findings: tuple[Finding, ...] = ()  # what publishing it found
    quarantined: bool = False  # it is in the record of an identity in quarantine
    patient_made: bool = False  # that identity was made for it
    found: tuple[Finding, ...] = ()  # before it was published: what was taken out of the file


@dataclass(slots=True)
class Brought(Entry):
    """A List that comes with a container of files: the same number again is the same List."""


def profile_of(unit: Unit, entry: Entry) -> Profile:
    if isinstance(entry, Deposit) and entry.profile is not None:
        return entry.profile
    if unit.visit.endpoint == guide.ENDPOINT:
        return Profile.STRICT
    return Profile.LENIENT if unit.visit.door.settings.lenient else Profile.STRICT


def tell(entry: Entry, findings: list[Finding]) -> None:
    """What was found, in the answer and to who sends a file."""
    entry.warnings += tuple(
        dict.fromkeys(each.sentence for each in findings if each.severity is Severity.WARNING)
    )
    if isinstance(entry, Deposit):
        entry.findings = tuple(conformance.ordered(findings))
