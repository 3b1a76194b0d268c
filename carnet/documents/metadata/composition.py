# SPDX-License-Identifier: EUPL-1.2
"""The Composition of a structured document: its sections as they stand, and their text.

It says nothing the document does not say: the source stays the truth. People are named by their
number, without a copy of them. Its identifier is the document's own number, so that
`Composition?identifier=` finds the text of a document (R4 lets it be that or the number all
versions share, which stays in DocumentReference.identifier). A document of level 1 has none.

Source: FHIR R4, Composition, mapping from CDA R2.
"""

from html import escape
from typing import Final

from carnet.documents import nomenclature
from carnet.documents.cda.body import Section
from carnet.documents.cda.header import Header, Party
from carnet.documents.metadata.making import RELATION, Making
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import (
    Json,
    coded,
    concept,
    identifier,
    kept,
    language,
    period,
)
from carnet.documents.metadata.reference import category, level, unique_id
from carnet.documents.metadata.report import Shown

XHTML: Final = "http://www.w3.org/1999/xhtml"
VERSION: Final = (
    "http://hl7.org/fhir/StructureDefinition/composition-clinicaldocument-versionNumber"
)
UNKNOWN_AUTHOR: Final = "Auteur non indiqué"
SILENT: Final = "Cette section ne porte pas de texte dans le document."


def composition(making: Making, shown: Shown) -> Json:
    """The document as a Composition.

    shown: by section, the resources that were made of its entries.
    """
    header = making.header
    authors = logical(header.authors) or logical([header.custodian])
    return kept(
        {
            "resourceType": "Composition",
            "language": language(header.language),
            "extension": [{"url": VERSION, "valueString": str(header.version)}]
            if header.version is not None
            else None,
            "identifier": unique_id(header),
            "status": making.status,
            "type": concept(header.code) or {"text": header.title or "Document"},
            "category": category(header),
            "subject": making.subject,
            "date": header.effective or making.now,
            "author": authors or [{"display": UNKNOWN_AUTHOR}],
            "title": header.title or (header.code.label if header.code else None) or "Document",
            "confidentiality": level(header),
            "attester": _attesters(header),
            "custodian": next(iter(logical([header.custodian])), None),
            "relatesTo": [
                {"code": RELATION[parent.relation], "targetIdentifier": identifier(number)}
                for parent in header.parents
                if parent.relation in RELATION
                for number in parent.ids
            ],
            "event": [
                made
                for made in (
                    kept(
                        {
                            "code": [c for c in (concept(event.code),) if c],
                            "period": period(event.period),
                        }
                    )
                    for event in header.events
                )
                if made
            ],
            "section": _sections(making, shown),
        }
    )


def _attesters(header: Header) -> list[Json]:
    """Who answers for it, then who also read it."""
    parties: list[tuple[str, Party]] = []
    if header.legal_authenticator:
        parties.append(("legal", header.legal_authenticator))
    parties += [("professional", p) for p in header.authenticators]
    return [
        kept(
            {
                "mode": mode,
                "time": party.time.first if party.time else None,
                "party": next(iter(logical([party])), None),
            }
        )
        for mode, party in parties
    ]


def _sections(making: Making, shown: Shown) -> list[Json]:
    """Each section in the one it stands in, in reading order."""
    sections = making.document.sections
    files: dict[int, list[tuple[str, str]]] = {}
    for url, file in making.files:
        if file.section is not None:
            named = f"{file.title or making.header.title or 'Fichier'} ({file.media_type})"
            files.setdefault(file.section, []).append((url, named))
    below: dict[int | None, list[int]] = {}
    for index, section in enumerate(sections):
        below.setdefault(section.parent, []).append(index)
    made: dict[int, Json] = {}
    for index in reversed(range(len(sections))):  # those inside come after: they are made first
        inside = [made[i] for i in below.get(index, ())]
        came = [url for _, url in sorted(shown.get(index, ()))]
        came += [url for url, _ in files.get(index, ())]
        names = [name for _, name in files.get(index, ())]
        made[index] = _section(sections[index], came, names, inside)
    return [made[i] for i in below.get(None, ())]


def _section(section: Section, came: list[str], files: list[str], inside: list[Json]) -> Json:
    absent = nomenclature.empty(section.null) if section.null and not came else None
    return kept(
        {
            "title": section.title,
            "code": concept(section.code),
            "author": logical(section.authors),
            "focus": {"display": section.subject} if section.subject else None,
            "text": _text(section, files, bool(inside)),
            "entry": [{"reference": url} for url in came],
            "emptyReason": coded("http://terminology.hl7.org/CodeSystem/list-empty-reason", absent)
            if absent
            else None,
            "section": inside,
        }
    )


def _text(section: Section, files: list[str], parted: bool) -> Json | None:
    """The words of the author; ours where there are none, but for a section that only holds others."""
    if section.html:
        return _narrative("generated" if section.generated else "additional", section.html)
    if files:
        items = "".join(f"<li>{escape(name)}</li>" for name in files)
        return _narrative("generated", f"<p>Fichier joint au document :</p><ul>{items}</ul>")
    return None if parted else _narrative("generated", f"<p>{SILENT}</p>")


def _narrative(status: str, html: str) -> Json:
    return {"status": status, "div": f'<div xmlns="{XHTML}">{html}</div>'}
