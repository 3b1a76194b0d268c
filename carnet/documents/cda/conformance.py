# SPDX-License-Identifier: EUPL-1.2
"""What is wrong in a CDA document received, judged without knowing the record it goes to.

Codes 902 (unknown patient) and 904 (another INS than the record's) need the record: they are said
where it is known. How much each finding weighs is data: nomenclature/findings.toml.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from carnet.documents import nomenclature
from carnet.documents.cda import datatypes, minimal
from carnet.documents.cda.attachments import Role, Trouble
from carnet.documents.cda.document import ROOT as CLINICAL_DOCUMENT
from carnet.documents.cda.document import CdaDocument
from carnet.documents.cda.header import Header, Patient
from carnet.fhir import xml
from carnet.identity import traits
from carnet.identity.ins import Defect

ROOT: Final = "ClinicalDocument"
MOST: Final = 20  # times one rule is told of one document
# Which of several reasons a refusal is known by: whose it is comes before the rest.
FIRST: Final = ("903", "902", "904", "905", "901", "900", "906")

# Names of the traits as they are told to people.
TRAITS_EN: Final = {
    "birth_name": "birth name",
    "birth_given_names": "birth given names",
    "birth_date": "birth date",
    "sex": "sex",
    "birth_place": "birth place",
}
TRAITS_FR: Final = {
    "birth_name": "nom de naissance",
    "birth_given_names": "prénoms de naissance",
    "birth_date": "date de naissance",
    "sex": "sexe",
    "birth_place": "lieu de naissance",
}


class Profile(StrEnum):
    """How an entry receives documents; each entry names its own."""

    STRICT = "strict"
    LENIENT = "lenient"


class Severity(StrEnum):
    """As in FHIR's IssueSeverity: an error refuses the document."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str  # key of nomenclature/findings.toml
    code: str  # of the national answers, 900 to 906
    severity: Severity
    sentence: str  # English
    french: str  # the same, as people read it on screen
    path: str  # place in the document; never content
    line: int | None = None  # of the XML received, from 1


def conformance(
    document: CdaDocument,
    *,
    profile: Profile,
    production: bool = False,
    now: datetime | None = None,
) -> list[Finding]:
    """Everything found wrong, errors first; one rule is told twenty times at most.

    production: whether the instance holds real people; it decides which INS OIDs are out of place.
    now: when the document is received, None to judge no date against it.
    """
    top = xml.parse(document.source)
    root = next(top.iter(CLINICAL_DOCUMENT), top)
    found = [
        replace(finding(rule, path, profile, words), line=_line(root, path))
        for rule, path, words in (
            *_identity(document.header.patient, production),
            *_header(document.header),
            *_body(document),
        )
    ]
    found += [
        replace(finding(rule, path, profile), line=_line_of(element))
        for rule, path, element in minimal.faults(root, document.header, now)
    ]
    return ordered(_capped(found))


def ordered(found: Iterable[Finding]) -> list[Finding]:
    """Errors first, and among them those that say whose the document is."""
    weights = list(Severity)
    return sorted(found, key=lambda f: (weights.index(f.severity), FIRST.index(f.code)))


def _capped(found: list[Finding]) -> Iterator[Finding]:
    times: Counter[str] = Counter()
    for each in found:
        times[each.rule] += 1
        if times[each.rule] <= MOST:
            yield each


def _line(root: datatypes.Element, path: str) -> int | None:
    """The line of a place, or of what is there on the way to it."""
    return _line_of(minimal.nearest(root, path.removeprefix(ROOT).removeprefix("/")))


def _line_of(element: datatypes.Element) -> int | None:
    return int(element.sourceline) if element.sourceline else None


_Fault = tuple[str, str, tuple[str, ...]]  # rule, path, missing traits

FAULTS: Final = {
    Defect.WRONG_SHAPE: "ins-shape",
    Defect.WRONG_KEY: "ins-key",
    Defect.UNKNOWN_SYSTEM: "ins-unknown-system",
    Defect.TEST_SYSTEM: "ins-test-system",
    Defect.PRODUCTION_SYSTEM: "ins-production-system",
}


def _identity(patient: Patient | None, production: bool) -> Iterator[_Fault]:
    role = f"{ROOT}/recordTarget/patientRole"
    if patient is None or not names_somebody(patient):
        yield "no-patient", role, ()
        return
    if patient.claim is None:
        yield "no-ins", f"{role}/id", ()
    else:
        faults = patient.claim.faults(production=production)
        for defect, rule in FAULTS.items():
            if defect in faults:
                yield rule, f"{role}/id", ()
    if patient.other_claims:
        yield "several-ins", f"{role}/id", ()
    missing = traits.missing(patient.traits)
    if missing:
        yield "traits", f"{role}/patient", missing


def names_somebody(patient: Patient) -> bool:
    """Whether a person is named at all: by a number, or by a birth name."""
    return patient.claim is not None or bool(traits.normal(patient.traits.birth_name or ""))


def quarantines(rule: str, *, production: bool) -> bool:
    """Whether a lenient entry keeps a document with this finding apart."""
    where = nomenclature.table("findings")[rule].get("quarantine")
    return where == "always" or (production and where is not None)


def _header(header: Header) -> Iterator[_Fault]:
    absent = (
        ("no-type", "code", header.code is None or not header.code.code),
        ("no-title", "title", not header.title),
        ("no-date", "effectiveTime", not header.effective),
        ("no-legal-authenticator", "legalAuthenticator", header.legal_authenticator is None),
        ("no-author", "author", not header.authors),
        ("no-custodian", "custodian", header.custodian is None),
        ("no-act-date", "documentationOf", not any(e.period for e in header.events)),
    )
    for rule, path, wrong in absent:
        if wrong:
            yield rule, f"{ROOT}/{path}", ()
    if header.id is None:
        yield "no-unique-id", f"{ROOT}/id", ()
    elif not header.id.well_formed:
        yield "unique-id-shape", f"{ROOT}/id", ()
    if header.id is not None and header.id in header.replaces:
        yield "replaces-itself", f"{ROOT}/relatedDocument", ()
    if any(p.relation == "RPLC" and not p.ids for p in header.parents):
        yield "replaces-nothing", f"{ROOT}/relatedDocument", ()
    known = nomenclature.confidentiality()
    codes = [c.code or "" for c in header.confidentiality]
    if any(c not in known for c in codes):
        yield "confidentiality-unknown", f"{ROOT}/confidentialityCode", ()
    elif not any(not known[c]["mask"] for c in codes):
        yield "no-confidentiality", f"{ROOT}/confidentialityCode", ()


def _body(document: CdaDocument) -> Iterator[_Fault]:
    roles = {*(f.role for f in document.attachments), *(f.role for f in document.not_extracted)}
    if Role.BODY not in roles and not document.sections:
        yield "no-body", f"{ROOT}/component", ()
    for kept in document.attachments:
        if kept.renamed:
            yield "file-renamed", kept.place, ()
    for file in document.not_extracted:
        lost = file.role is Role.BODY and file.trouble not in (Trouble.BASE64, Trouble.SIZE)
        yield "body-unread" if lost else f"file-{file.trouble.value}", file.place, ()


def finding(rule: str, path: str, profile: Profile, missing: tuple[str, ...] = ()) -> Finding:
    """A rule of findings.toml, with its weight in a profile. missing: names of traits."""
    known = nomenclature.table("findings")[rule]
    severity = Severity(known[profile.value])
    words = known.get("refused", known) if severity is Severity.ERROR else known
    return Finding(
        rule,
        known["code"],
        severity,
        words["en"].format(", ".join(TRAITS_EN[t] for t in missing)),
        words["fr"].format(", ".join(TRAITS_FR[t] for t in missing)),
        path,
    )
