# SPDX-License-Identifier: EUPL-1.2
"""What a message brings: documents (MDM, ORU), results (ORU), who somebody is (ADT), a consent (PAM-FR).

A message that cancels brings nothing and says so; what is not understood is told by the name of its
segment. The identity it gives is a claim.
Source: CI-SIS, transmission de documents CDA en HL7 v2; IHE PAM, national extension for France 2.11 (ZFA,
ZFD, ZFM…); HL7 v2.5 chapters 3, 7 and 9.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Final

from carnet.exchange.hl7v2.message import Message, Segment, value
from carnet.exchange.parts import Code, Note, Number, Part, Somebody, Told, day, sex

ACKNOWLEDGES: Final = ("ACK", "ZAM")
KNOWN: Final = frozenset(
    "MSH EVN PID PD1 PV1 PV2 ROL ORC OBR OBX TXA PRT NTE ZBE ZFA ZFD ZFM ZFP ZFV ZFS SPM MSA ERR".split()
)
GONE: Final = ("CA", "OC", "DC")  # ORC-1: what was sent before is cancelled
BODIES: Final = ("CORPSMAIL_PS", "CORPSMAIL_PATIENT", "CORPSMAIL_PAT", "CORPSMAIL")
SETTINGS: Final = "MetaDMPMSS"  # what the sender asks of its platform, in OBX

# Masks among them, as documents bear them. Source: ANS, MetaDMPMSS; JDV_J08-XdsConfidentialityCode-CISIS.
STATUS: Final = "1.2.250.1.213.1.1.4.13"
MASKS: Final = {
    "MASQUE_PS": "MASQUE_PS",
    "INVISIBLE_PATIENT": "INVISIBLE_PATIENT",
    "INVISIBLE_REP_LEGAUX": "INVISIBLE_REPRESENTANTS_LEGAUX",
}

# OBX-8 and the systems of HL7 tables, as they are said outside.
SYSTEMS: Final = {"LN": "2.16.840.1.113883.6.1", "LOINC": "2.16.840.1.113883.6.1", "UCUM": "ucum"}
NUMERIC: Final = ("NM", "SN")
TEXTS: Final = ("ST", "TX", "FT", "CE", "CWE", "CNE", "DT", "TM", "TS", "DTM")
MEDIA: Final = {
    "PDF": "application/pdf", "JPEG": "image/jpeg", "JPG": "image/jpeg", "PNG": "image/png",
    "XML": "text/xml", "HTML": "text/html", "RTF": "application/rtf",
}  # fmt: skip

SENTENCES: Final = {
    "v2-masked": (
        "The sender masks this message: its documents bear the mask, its results are no data apart.",
        "L’émetteur masque ce message : ses documents portent le masque, ses résultats n’en sortent pas.",
    ),
    "v2-not-base64": (
        "The document of this OBX is said to be in base64 and is not, or it is cut short.",
        "Le document de cet OBX est dit en base64 et ne l’est pas, ou il est tronqué.",
    ),
    "v2-cancelled": (
        "The message asks to delete a document: it is told, nothing is taken from it.",
        "Le message demande de supprimer un document : c’est dit, rien n’en est pris.",
    ),
    "v2-no-patient": (
        "The message names nobody (no PID, or an empty one).",
        "Le message ne nomme personne (pas de PID, ou vide).",
    ),
    "v2-segment": (
        "This segment is not understood: it stays in the message, which is kept.",
        "Ce segment n’est pas compris : il reste dans le message, qui est gardé.",
    ),
    "v2-value": (
        "The value of this OBX has a type that is not read.",
        "La valeur de cet OBX a un type qui n’est pas lu.",
    ),
    "v2-number": (
        "The value of this OBX is said to be a number and is not: it is kept as text.",
        "La valeur de cet OBX est dite numérique et ne l’est pas : elle est gardée en texte.",
    ),
    "v2-consent": (
        "A file changes nobody's rights: this consent is told here and recorded nowhere.",
        "Un fichier ne change les droits de personne : ce consentement est dit ici, et inscrit nulle part.",
    ),
    "v2-identity": (
        "The message tells who somebody is: the identity is shown as it was read, not verified.",
        "Le message dit qui est une personne : l’identité est montrée telle que lue, non vérifiée.",
    ),
    "v2-ack": (
        "The message acknowledges another one: it brings no document.",
        "Le message en acquitte un autre : il n’apporte aucun document.",
    ),
}
# ZFA-9 and ZFA-11 of PAM-FR 2.11: the national record may be added to, may be read.
CONSENTS: Final = {
    9: {
        "INO": (
            "The message says that the patient does not oppose documents being added to their DMP.",
            "Le message dit que le patient ne s’oppose pas à l’ajout de documents dans son DMP.",
        ),
        "IO": (
            "The message says that the patient opposes documents being added to their DMP.",
            "Le message dit que le patient s’oppose à l’ajout de documents dans son DMP.",
        ),
        "NA": (
            "The message says that the patient was not asked about documents being added to their DMP.",
            "Le message dit que l’opposition du patient à l’ajout de documents n’a pas été recueillie.",
        ),
    },
    11: {
        "IC": (
            "The message says that the patient agrees to their DMP being read.",
            "Le message dit que le patient accepte que son DMP soit consulté.",
        ),
        "INC": (
            "The message says that the patient does not agree to their DMP being read.",
            "Le message dit que le patient n’accepte pas que son DMP soit consulté.",
        ),
        "NA": (
            "The message says that the patient was not asked whether their DMP may be read.",
            "Le message dit que l’accord du patient à la consultation de son DMP n’a pas été recueilli.",
        ),
    },
}


@dataclass(frozen=True, slots=True)
class Result:
    """One OBX that measures or observes."""

    code: Code
    kind: str  # of the value: number, text
    value: str
    comparator: str = ""
    unit: str = ""
    low_high: str = ""  # the range, as given
    flag: str = ""  # HL7 table 0078: H, L…
    status: str = ""  # HL7 table 0085: F, P, C…
    at: str = ""
    place: str = ""  # OBX 3


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one message brings."""

    kind: str  # MDM^T02
    number: str  # MSH-10
    at: str
    person: Somebody | None
    documents: tuple[Part, ...] = ()
    results: tuple[Result, ...] = ()
    report: Code | None = None  # what was asked (OBR-4)
    notes: tuple[Note, ...] = ()


def understood(message: Message) -> Meaning:
    """All that a message brings."""
    return _Reader(message).meaning()


def somebody(segment: Segment | None) -> Somebody | None:
    """The person of a PID."""
    if segment is None:
        return None
    numbers = [
        Number(value(each, 1), value(each, 4, 2), value(each, 5))
        for place in (3, 2)
        for each in segment.repetitions(place)
        if value(each, 1)
    ]
    birth = used = ""
    given: tuple[str, ...] = ()
    for name in segment.repetitions(5):
        family, first, others, kind = (value(name, each) for each in (1, 2, 3, 7))
        if kind == "D":
            used = family
        elif not birth:
            birth = family
            given = tuple(dict.fromkeys(filter(None, (first, *others.split()))))
    place = next(
        (
            value(each, 9) or value(each, 5)
            for each in segment.repetitions(11)
            if value(each, 7) == "BDL"
        ),
        "",
    )
    if not numbers and not birth and not used:
        return None
    return Somebody(
        tuple(dict.fromkeys(numbers)),
        birth or used,
        used,
        given,
        day(segment.get(7)),
        sex(segment.get(8)),
        place,
    )


class _Reader:
    def __init__(self, message: Message) -> None:
        self.message = message
        self.notes: list[Note] = []
        self.person = somebody(message.first("PID"))
        self.documents: list[Part] = []
        self.results: list[Result] = []
        self.at = ""
        self.author = ""

    def note(self, rule: str, place: str = "", severity: str = "information") -> None:
        self.notes.append(Note(rule, severity, *SENTENCES[rule], place))

    def meaning(self) -> Meaning:
        message = self.message
        if message.kind in ACKNOWLEDGES:
            self.note("v2-ack")
        elif self.person is None:
            self.note("v2-no-patient", "PID", "warning")
        gone = self.cancelled()
        if gone:
            self.note("v2-cancelled", gone, "warning")
        report = None
        for each in message.segments:
            match each.name:
                case "OBR":
                    self.at = each.get(7) or each.get(22)
                    report = report or _code(each, 4)
                case "TXA":
                    self.at = each.get(4) or self.at
                case "OBX" if not gone and message.kind not in ACKNOWLEDGES:
                    self.observed(each)
                case "ZFD" | "ZFA" if message.kind == "ADT" and each.get(1):
                    if each.name == "ZFA":
                        self.consents(each)
            if each.name not in KNOWN:
                self.note("v2-segment", f"{each.name} {each.number}")
        if message.kind == "ADT":
            self.note("v2-identity", "PID")
        if labels := self.masks():
            self.documents = [
                replace(each, told=replace(each.told, labels=labels)) for each in self.documents
            ]
            self.results = []
            self.note("v2-masked", "OBX", "warning")
        return Meaning(
            f"{message.kind}^{message.event}".rstrip("^"),
            message.header.get(10),
            message.header.get(7),
            self.person,
            tuple(self.documents),
            tuple(self.results),
            report,
            tuple(dict.fromkeys(self.notes)),
        )

    def masks(self) -> tuple[Code, ...]:
        """What the sender hides of all that the message brings, wherever it says so."""
        found = []
        for each in self.message.segments:
            mask = MASKS.get(each.get(3)) if each.name == "OBX" else None
            if mask and each.get(5).strip().upper() in ("Y", "O", "1", "TRUE"):
                found.append(Code(mask, STATUS, ""))
        return tuple(dict.fromkeys(found))

    def consents(self, segment: Segment) -> None:
        """What a message says of the national record: told in words, since a file changes no right."""
        told = False
        for place, answers in CONSENTS.items():
            if words := answers.get(segment.get(place)):
                told = True
                english, french = SENTENCES["v2-consent"]
                text, texte = words
                self.notes.append(
                    Note(
                        "v2-consent",
                        "information",
                        f"{text} {english}",
                        f"{texte} {french}",
                        f"ZFA-{place}",
                    )
                )
        if not told:
            self.note("v2-consent", segment.name)

    def cancelled(self) -> str:
        if self.message.kind == "MDM" and self.message.event in ("T04", "T11"):
            return "MSH-9"
        return next(
            (f"{each.name} {each.number}" for each in self.message.segments
             if each.name == "ORC" and each.get(1) in GONE), ""
        )  # fmt: skip

    def observed(self, segment: Segment) -> None:
        kind, code = segment.get(2).upper(), _code(segment, 3)
        place = f"OBX {segment.get(1) or segment.number}"
        if kind == "ED":
            self.document(segment, code, place)
        elif code is None or segment.get(3, 3) == SETTINGS or _setting(code.code):
            return
        elif kind in NUMERIC or kind in TEXTS:
            self.result(segment, kind, code, place)
        elif kind or segment.get(5):
            self.note("v2-value", place, "warning")

    def document(self, segment: Segment, code: Code | None, place: str) -> None:
        name = code.code if code else ""
        if name in BODIES or name.startswith("1^XDM") or (segment.get(3, 2).startswith("XDM/")):
            return
        if segment.get(11) in ("D", "X", "W"):
            self.note("v2-cancelled", place, "warning")
            return
        held = segment.repetitions(5)
        form = value(held[0], 3).upper() if held else ""
        text = value(held[0], 5) if held else ""
        coded = value(held[0], 4).upper() if held else ""
        if coded == "BASE64":
            try:
                data = base64.b64decode("".join(text.split()), validate=True)
            except (binascii.Error, ValueError):
                data = b""
        else:
            data = text.encode()
        if not data:
            self.note("v2-not-base64", place, "error")
            return
        media = MEDIA.get(form, "")
        suffix = {
            "application/pdf": "pdf",
            "text/xml": "xml",
            "image/jpeg": "jpg",
            "image/png": "png",
        }
        told = Told(
            title=code.display if code else "",
            type=code,
            at=self.at or self.message.header.get(7),
            person=self.person,
        )
        self.documents.append(
            Part(f"{place.replace(' ', '-')}.{suffix.get(media, 'bin')}", data, media, told)
        )

    def result(self, segment: Segment, kind: str, code: Code, place: str) -> None:
        comparator, text = "", segment.get(5)
        if kind == "SN":
            comparator, text = segment.get(5), segment.get(5, 2)
            if segment.get(5, 3):
                kind, text = "ST", f"{comparator}{text}{segment.get(5, 3)}{segment.get(5, 4)}"
        elif kind in ("CE", "CWE", "CNE"):
            text = segment.get(5, 2) or segment.get(5)
        elif kind in ("TX", "FT", "ST"):
            text = "\n".join(
                "^".join("&".join(piece) for piece in each) for each in segment.repetitions(5)
            ).strip()
        if kind == "NM" and text[:1] in "<>":
            comparator, text = text[: 1 + text[1:2].count("=")], text.lstrip("<>=").strip()
        number = kind in NUMERIC and _decimal(text)
        if kind in NUMERIC and not number and text:
            self.note("v2-number", place, "warning")
        if not text:
            return
        self.results.append(
            Result(
                code,
                "number" if number else "text",
                text.replace(",", ".") if number else text,
                comparator if number else "",
                segment.get(6),
                segment.get(7),
                segment.get(8),
                segment.get(11),
                segment.get(14) or self.at or self.message.header.get(7),
                place,
            )
        )


def _setting(code: str) -> bool:
    """What the sender asks of its platform, in versions that do not say MetaDMPMSS."""
    known = (
        "MASQUE_PS",
        "CONNEXION_SECRETE",
        "COMP_LOT",
        "ACK_RECEPTION",
        "ACK_LECTURE_MSS",
        "ACCUSE",
    )
    return code.startswith(("INVISIBLE_", "MODIF_CONF", "DEST", *known))


def _code(segment: Segment, place: int) -> Code | None:
    code, display, system = (segment.get(place, each) for each in (1, 2, 3))
    if not code and not display:
        return None
    return Code(code, SYSTEMS.get(system.upper(), system), display)


def _decimal(text: str) -> bool:
    whole = text.replace(",", ".").lstrip("+-")
    return whole.replace(".", "", 1).isdigit() and whole.isascii() and len(whole) < 30
