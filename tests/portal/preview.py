# SPDX-License-Identifier: EUPL-1.2
"""Invented answers, to look at every page without a record behind it.

It stands for no part of Carnet: what the real acts answer is tested with them. It only gives each
page something to show, the rare states included.
"""

import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Unpack

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.limits.login import Tries
from carnet.access.limits.refusals import TooFast
from carnet.access.pages import Opening, Seal
from carnet.composing.prescription import Line
from carnet.documents import files
from carnet.documents.pages import (
    Aside,
    Asked,
    Content,
    Curve,
    CurveLine,
    DocumentLine,
    DocumentList,
    DocumentPage,
    Facet,
    Point,
    ResultLine,
    Section,
)
from carnet.documents.show import FilePage
from carnet.documents.text.asking import question
from carnet.documents.text.pages import Hit, Piece, Results
from carnet.documents.upload import Given
from carnet.portal.activation.acts import ActivationActs
from carnet.portal.acts import Acts
from carnet.portal.agenda.acts import AgendaActs
from carnet.portal.alarms.acts import AlarmActs
from carnet.portal.apps.acts import AppActs
from carnet.portal.clients.acts import ClientActs
from carnet.portal.composing.acts import ComposingActs
from carnet.portal.ecosystem.acts import EcosystemActs
from carnet.portal.life.acts import LifeActs
from carnet.portal.messaging.acts import MailActs
from carnet.portal.orientation.acts import OrientationActs
from carnet.portal.prescribing.acts import PrescribingActs
from carnet.portal.upstream.acts import UpstreamActs
from carnet.portal.vigilance.acts import IdentityActs
from carnet.rights.acting.queries import Session
from carnet.rights.mandate import Acting, NobodyAnswers, Offer, Traits, WrongCode, WrongEnd
from carnet.rights.session import Did, Receipt
from carnet.summary.pages import Health
from carnet.summary.said import Place as Said
from carnet.summary.words import Language
from carnet.vigilance.pages import Found, Person, TraitsForm
from tests.portal.preview_acting import PreviewAssistants
from tests.portal.preview_activation import PreviewActivation
from tests.portal.preview_agenda import PreviewAgenda
from tests.portal.preview_alarms import PreviewAlarms
from tests.portal.preview_apps import PreviewApps
from tests.portal.preview_clients import PreviewClients
from tests.portal.preview_composing import PreviewComposing
from tests.portal.preview_ecosystem import PreviewEcosystem
from tests.portal.preview_health import EMPTY, FULL
from tests.portal.preview_life import PreviewLife
from tests.portal.preview_mail import PreviewMail
from tests.portal.preview_orientation import PreviewOrientation
from tests.portal.preview_prescribing import PreviewPrescribing
from tests.portal.preview_rights import PreviewRights
from tests.portal.preview_upstream import PreviewUpstream
from tests.portal.preview_vigilance import PreviewIdentity

PASSWORD = "correct horse battery"
SUBJECTS = {
    "patient": "patient:claire",
    "gp": "rpps:10000000001",
    "operator": "operator:one",
    "newcomer": "patient:newcomer",
    "helper": "helper:desk",
    "assistant": "assistant:poulain",
    "idle": "assistant:nobody",
}
ACTORS = {
    "patient:claire": Actor(ActorKind.PATIENT, "patient:claire", "Claire MARTIN", "web", patient=1),
    "patient:newcomer": Actor(ActorKind.PATIENT, "patient:newcomer", "Noé PETIT", "web", patient=2),
    "rpps:10000000001": Actor(
        ActorKind.PROFESSIONAL, "rpps:10000000001", "Dr Paul DURAND", "web", profession="10"
    ),
    "helper:desk": Actor(ActorKind.HELPER, "helper:desk", "Inès CARREL", "web"),
    "assistant:poulain": Actor(
        ActorKind.ASSISTANT, "assistant:poulain", "Martine POULAIN", "web", rpps=10000000001
    ),
    "assistant:nobody": Actor(ActorKind.ASSISTANT, "assistant:nobody", "Jean LEROUX", "web"),
    "operator:one": Actor(ActorKind.OPERATOR, "operator:one", "Opérateur", "web"),
}
LAB = "Laboratoire des Tilleuls, Lyon"
CLAIRE = "k3v9q2x7claire"
CHILD_ID, ELDER_ID = "k3v9q2x7jules", "k3v9q2x7suzanne"


def at(year: int, month: int, day: int, hour: int = 9, minute: int = 30) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def line(
    ident: str, title: str, kind: str, label: str, when: datetime, **more: object
) -> DocumentLine:
    plain = DocumentLine(
        ident, title, kind, label, when, "Dr Inès BENALI", LAB, "current", frozenset(), ()
    )
    return replace(plain, **more)  # type: ignore[arg-type]


BIO = ("11502-2", "CR d’examens biologiques")
LETTER = ("34112-3", "CR hospitalier")
IMAGING = ("18748-4", "CR d’imagerie médicale")

LINES = (
    line("bio-2026", "Bilan lipidique et glycémie", *BIO, at(2026, 3, 12)),
    line(
        "letter-2026",
        "Lettre de sortie, service de cardiologie",
        *LETTER,
        at(2026, 1, 20),
        author="Dr Hugo LEROY",
        place="Centre hospitalier du Val d’Or",
        labels=frozenset({"MASQUE_PS"}),
    ),
    line(
        "bio-2025",
        "Bilan de contrôle",
        *BIO,
        at(2025, 9, 2),
        copies=(
            line("bio-2025-ch", "Bilan", *BIO, at(2025, 9, 3), labels=frozenset({"MASQUE_PS"})),
            line("bio-2025-own", "Copie", *BIO, at(2025, 9, 9), author="", place=""),
        ),
        unlike=(line("bio-2025-far", "Bilan de contrôle", *BIO, at(2025, 9, 2)),),
    ),
    line("bio-2025-old", "Bilan de contrôle", *BIO, at(2025, 9, 1), status="superseded"),
    line(
        "img-2025",
        "Radiographie du thorax",
        *IMAGING,
        at(2025, 6, 17),
        author="Dr Sophie MOREAU",
        place="Imagerie du Parc",
        warnings=("La clé du matricule INS écrit dans le document est fausse.",),
    ),
    *(
        line(f"bio-{year}-{month}", "Suivi biologique", *BIO, at(year, month, 10))
        for year in range(2024, 2017, -1)
        for month in range(12, 0, -1)
    ),
)

GLUCOSE = Curve(
    "2345-7",
    "Glucose à jeun",
    "mmol/L",
    Decimal("3.9"),
    Decimal("6.1"),
    tuple(
        Point(
            at(2022 + index // 3, 1 + index % 3 * 4, 12),
            Decimal(value),
            "bio-2026",
            LAB,
            Decimal("3.9"),
            Decimal("6.1"),
        )
        for index, value in enumerate(
            [
                "4.9",
                "5.1",
                "5.6",
                "6.0",
                "6.4",
                "6.8",
                "6.2",
                "5.9",
                "5.7",
                "5.5",
                "5.8",
                "6.3",
                "5.4",
            ]
        )
    ),
)
PLATELETS = Curve(
    "777-3",
    "Plaquettes",
    "/mm3",
    Decimal(150000),
    None,
    (Point(at(2025, 9, 2), Decimal(148000), "bio-2025", LAB, Decimal(150000)),),
)
HEART = Curve(
    "8867-4",
    "Fréquence cardiaque",
    "/min",
    None,
    None,
    tuple(
        Point(at(2026, 3, 1) + timedelta(days=index), Decimal(62 + index % 5), "", "")
        for index in range(12)
    ),
)
OTHER_LAB = "Biologie du Parc, Villeurbanne"
CREATININE = Curve(
    "14682-9",
    "Créatinine",
    "µmol/L",
    Decimal(50),
    Decimal(95),
    (
        Point(
            at(2024, 2, 1), Decimal("81.3"), "bio-2024-2", OTHER_LAB, Decimal("53.0"),
            Decimal("97.2"), written="9.2 mg/L",
        ),
        Point(at(2025, 2, 1), Decimal(84), "bio-2025", LAB, Decimal(49), Decimal(90), disputed=True),
        Point(
            at(2025, 2, 1), Decimal(94), "bio-2025-old", OTHER_LAB, Decimal(50), Decimal(95),
            disputed=True,
        ),
        Point(at(2026, 3, 12), Decimal(192), "bio-2026", LAB, Decimal(50), Decimal(95), "HH"),
    ),
    (
        Aside(at(2023, 5, 4), "0.9 UA/L", "unit", "bio-2023-5", OTHER_LAB),
        Aside(at(2023, 6, 4), "<5 µmol/L", "bound", "bio-2023-6", LAB),
        Aside(at(2023, 7, 4), "Non réalisé", "text", "bio-2023-7", LAB),
        Aside(
            at(2025, 9, 1), "912 µmol/L", "replaced", "bio-2025-old", LAB,
            newer="bio-2025", newer_at=at(2025, 9, 2),
        ),
        Aside(at(2022, 9, 1), "91 µmol/L", "replaced", "bio-2022-9", LAB),
    ),
)  # fmt: skip
DIASTOLIC = Curve(
    "8462-4", "Diastolique", "mmHg", None, None,
    tuple(
        Point(at(2026, 2, 1) + timedelta(days=index), Decimal(76 + index % 4), "", "", by_patient=True)
        for index in range(20)
    ),
)  # fmt: skip
PRESSURE = Curve(
    "85354-9", "Pression artérielle", "mmHg", None, None,
    tuple(
        Point(
            at(2026, 2, 1) + timedelta(days=index), Decimal(124 + index % 7), "", "", by_patient=True
        )
        for index in range(20)
    ),
    beside=(DIASTOLIC,), joint="/", line="Systolique",
)  # fmt: skip
STEPS = Curve(
    "55423-8", "Nombre de pas", "", None, None,
    tuple(
        Point(at(2023, 1, 1) + timedelta(days=index), Decimal(4000 + index * 37 % 5000), "", "",
              by_patient=True)
        for index in range(900)
    ),
)  # fmt: skip
CURVES = {curve.code: curve for curve in (GLUCOSE, PLATELETS, HEART, CREATININE, PRESSURE, STEPS)}
PAGE = 50


def result(
    code: str,
    label: str,
    value: str,
    unit: str,
    low: str,
    high: str,
    flag: str | None,
    **more: object,
) -> ResultLine:
    number = Decimal(value) if value.replace(".", "", 1).isdigit() else None
    plain = ResultLine(
        id=code,
        code=code,
        label=label,
        value=value,
        number=number,
        unit=unit,
        low=Decimal(low) if low else None,
        high=Decimal(high) if high else None,
        range_text="",
        interpretation=flag,
        at=at(2026, 3, 12),
        section="Biochimie",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


LAST_YEAR = {"previous": Decimal("1.20"), "previous_at": at(2025, 9, 2)}
RESULTS = (
    result(
        "2345-7",
        "Glucose à jeun",
        "5.40",
        "mmol/L",
        "3.9",
        "6.1",
        "N",
        previous=Decimal("6.3"),
        previous_at=at(2025, 9, 2),
    ),
    result("2571-8", "Triglycérides", "2.35", "mmol/L", "", "1.70", "H", **LAST_YEAR),
    result("2085-9", "Cholestérol HDL", "0.85", "mmol/L", "1.00", "2.00", "L"),
    result("2160-0", "Créatinine", "192", "µmol/L", "49", "90", "HH"),
    result(
        "777-3", "Plaquettes", "148000", "/mm3", "150000", "400000", None, section="Hématologie"
    ),
    result("718-7", "Hémoglobine", "13.2", "g/dL", "12.0", "16.0", None, section="Hématologie"),
    result("24331-1", "Bilan lipidique", "", "", "", "", None),
    result("5196-1", "Antigène HBs", "Négatif", "", "", "", "NEG", section="Sérologie"),
)
NARRATIVE = """<table><thead><tr><th>Analyse</th><th>Résultat</th><th>Unité</th></tr></thead><tbody>
<tr><td>Glucose à jeun</td><td>5,40</td><td>mmol/L</td></tr></tbody></table>
<p>Prélèvement à jeun. Résultats validés par le Dr Inès BENALI.</p>"""
SECTIONS = (
    Section("Biochimie", NARRATIVE, ("Glycémie à jeun", "Cholestérol <total>"), "1"),
    Section("Conclusion", "<p>Contrôle dans six mois.</p>", ranks="2"),
)

OPENINGS = (
    Opening(
        at(2026, 3, 14, 8, 12),
        "Dr Paul DURAND",
        "Médecin",
        "Cabinet médical des Arcades",
        "Lecture : Bilan lipidique et glycémie",
        "TREAT",
        False,
        application="Ma tension",
        line="a" * 26,
    ),
    Opening(
        at(2026, 3, 14, 8, 11),
        "Dr Paul DURAND",
        "Médecin",
        "Cabinet médical des Arcades",
        "Liste ou recherche (3 éléments)",
        "TREAT",
        False,
    ),
    Opening(
        at(2026, 2, 2, 22, 40),
        "Dr Léa FABRE",
        "Médecin",
        "SAMU 69",
        "Liste ou recherche (3 éléments)",
        "ETREAT",
        False,
    ),
    Opening(
        at(2026, 3, 12),
        "Logiciel du Laboratoire des Tilleuls",
        "",
        LAB,
        "Ajout : Bilan lipidique et glycémie",
        "TREAT",
        False,
        True,
    ),
    Opening(
        at(2026, 3, 15), "Claire MARTIN", "", "", "Liste ou recherche (3 éléments)", "PATRQT", True
    ),
)


CHILD = Acting(
    "m1", CHILD_ID, "BEN SALAH Jules", date(2018, 6, 21), "male", "Claire MARTIN", "representative",
    "all", "civil-status", "", at(2026, 1, 1), datetime(2036, 6, 20, 22, tzinfo=UTC),
)  # fmt: skip
CARED = Acting(
    "m2", ELDER_ID, "LE CŒUR Suzanne", date(1941, 5, 14), "female", "Claire MARTIN", "carer",
    "care", "paper", "Mandat n° 2026-014", at(2026, 1, 1), datetime(2026, 12, 31, 23, tzinfo=UTC),
)  # fmt: skip
RECEIPT = Receipt(
    "s1", CLAIRE, "Claire MARTIN", "Inès CARREL", "care", "oral", at(2026, 11, 2),
    at(2026, 11, 2, 11), True,
    (
        Did(at(2026, 11, 2, 9, 31), "Liste ou recherche", (), False),
        Did(at(2026, 11, 2, 9, 31), "Liste ou recherche", ("Bilan de contrôle",), False),
        Did(at(2026, 11, 2, 9, 40), "Lecture", (), True),
    ),
)  # fmt: skip


revisions: dict[str, int] = {}  # of accounts whose connections were ended


class PreviewActs(PreviewRights, PreviewAssistants):
    """Answers by what is asked; raises what the real acts raise."""

    consented = False
    prescribed: dict[str, tuple[Line, ...]] = {}
    uploaded: list[tuple[bytes, str, dict[str, Any]]] = []

    async def end_connections(self, actor: Actor) -> int:
        revisions[actor.sub] = actor.rev + 1
        return actor.rev + 1

    async def person(self, actor: Actor, patient: str) -> Person:
        if patient == CHILD_ID:
            return Person("BEN SALAH Jules", date(2018, 6, 21), "male")
        if patient == ELDER_ID:
            return Person("LE CŒUR Suzanne", date(1941, 5, 14), "female")
        if patient != CLAIRE:
            raise errors.NotFound
        return Person("Claire MARTIN", date(1985, 3, 27), "female")

    async def prescription_number(self) -> str:
        return "5f0d6c1e-3d0b-4b52-9c39-1f7a3d5e8a01"

    async def prescribe(
        self, actor: Actor, patient: str, lines: Sequence[Line], number: str
    ) -> str:
        await self.person(actor, patient)
        if number in self.prescribed:
            raise errors.Conflict
        self.prescribed[number] = tuple(lines)
        return "bio-2026"

    async def summary(
        self, actor: Actor, patient: str, language: str, form: str
    ) -> tuple[str, bytes]:
        return f"{language}.{form}", b"%PDF-1.7"

    async def health(self, actor: Actor, patient: str, language: Language = "fr") -> Health:
        return EMPTY if actor.sub == "patient:newcomer" else FULL

    async def said_in(self, actor: Actor, patient: str, rtype: str, id: str) -> Said:
        if id == "unknown":
            raise errors.NotFound
        return Said("bio-2026", "1")

    async def search(self, actor: Actor, patient: str, typed: str, asked: Asked) -> Results:
        question(typed)
        hits = tuple(
            Hit(line, "title", (Piece("… le "), Piece(typed, marked=True), Piece(" <b> …")))
            for line in (() if typed == "rien" else LINES)
        )
        kinds = (Facet("11502-2", "CR d'examens biologiques", 2), Facet("autres", "Autre", 1))
        return Results(typed, hits, len(hits), False, kinds, also=("HTA",), older="0.abc")

    async def documents(self, actor: Actor, patient: str, asked: Asked) -> DocumentList:
        if actor.sub == "patient:newcomer":
            return DocumentList(())
        kept = [
            line
            for line in LINES
            if asked.kind in ("", line.kind) and asked.year in (None, line.date.year)
        ]
        first = int(asked.after or asked.before or 0)
        shown = kept[first : first + PAGE]
        kinds = {line.kind: line.kind_label for line in LINES}
        years = sorted({line.date.year for line in LINES}, reverse=True)
        return DocumentList(
            tuple(shown),
            total=len(kept),
            kinds=tuple(
                Facet(kind, label, sum(line.kind == kind for line in LINES))
                for kind, label in kinds.items()
            ),
            years=tuple(
                Facet(str(year), str(year), sum(line.date.year == year for line in LINES))
                for year in years
            ),
            places=(Facet("org1", LAB, 60), Facet("org2", OTHER_LAB, 29)),
            latest=(await self.curves(actor, patient))[:4] if asked == Asked() else (),
            newer=str(first - PAGE) if first else "",
            older=str(first + PAGE) if first + PAGE < len(kept) else "",
        )

    async def curves(self, actor: Actor, patient: str) -> tuple[CurveLine, ...]:
        if actor.sub == "patient:newcomer":
            return ()
        return tuple(
            CurveLine(
                c.code,
                c.label,
                c.unit,
                c.joint.join(str(one.points[-1].value) for one in (c, *c.beside)),
                c.points[-1].at,
            )
            for c in CURVES.values()
        )

    async def document(self, actor: Actor, patient: str, document: str) -> DocumentPage:
        if document in RAISED:
            raise RAISED[document]
        found = next((one for one in LINES if one.id == document), None)
        if found is None:
            raise errors.NotFound
        chain = tuple(
            one for one in LINES if one.id.startswith("bio-2025") and one.id[8:9] in ("", "-")
        )
        chain = tuple(one for one in chain if one.id in ("bio-2025", "bio-2025-old"))
        results = RESULTS if found.kind == BIO[0] else ()
        return DocumentPage(
            found,
            chain if found in chain else (found,),
            results,
            () if found.kind == LETTER[0] else SECTIONS,
            "pdf-1",
            "xml-1",
            "Claire MARTIN",
            kept=3,
            read=12,
            shown=True,
        )

    async def curve(self, actor: Actor, patient: str, code: str) -> Curve:
        if code not in CURVES:
            raise errors.NotFound
        return CURVES[code]

    async def content(self, actor: Actor, patient: str, binary: str) -> Content:
        if binary == "pdf-1":
            return Content("application/pdf", "Bilan lipidique", b"%PDF-1.4\n%%EOF\n")
        if binary == "xml-1":
            return Content("text/xml", "Bilan lipidique", b"<ClinicalDocument/>")
        if binary == "html-1":
            return Content("text/html; charset=utf-8", "../x", b"<script>alert(1)</script>")
        raise errors.NotFound

    async def upload(self, actor: Actor, **given: Unpack[Given]) -> str:
        more: dict[str, Any] = dict(given)
        data, name = more.pop("data"), more.pop("name")
        files.sniff(data, more["declared"], name)
        self.uploaded.append((data, name, more))
        return "photo-2026"

    async def file(self, actor: Actor, patient: str, document: str) -> FilePage:
        if document not in FILES:
            raise errors.NotFound
        return FILES[document]

    async def picture(
        self, actor: Actor, patient: str, binary: str, number: int, width: int
    ) -> bytes:
        if binary != "pdf-1" or number > 12:
            raise errors.NotFound
        return PIXEL

    async def openings(self, actor: Actor, patient: str) -> Sequence[Opening]:
        return () if actor.sub == "patient:newcomer" else OPENINGS

    async def proof(self, actor: Actor, line: str) -> bytes:
        return b'{"carnet-audit-proof":1}'

    async def take_away(self, actor: Actor, patient: str) -> AsyncIterator[bytes]:
        yield b"PK"
        if actor.sub == "patient:newcomer":
            raise errors.NotFound
        yield b"end"

    async def acting(self, actor: Actor) -> Sequence[Acting]:
        if actor.sub == "patient:newcomer":
            return ()
        if actor.kind is ActorKind.HELPER:
            return (replace(CARED, nature="helper", how="oral", until=at(2026, 11, 22, 12)),)
        return (CHILD, CARED)

    async def place(self, actor: Actor, patient: str) -> Acting:
        for one in await self.acting(actor):
            if one.patient == patient:
                return one
        raise errors.NotFound

    async def mandated(self, actor: Actor, patient: str) -> Sequence[Acting]:
        if actor.sub == "patient:newcomer":
            return ()
        return (replace(CARED, holder="Bruno DELAUNAY"), replace(CHILD, holder="Camille GARNIER"))

    async def offer_mandate(self, actor: Actor, reach: str, until: datetime) -> Offer:
        if until < at(2026, 1, 1):
            raise WrongEnd
        return Offer("ABCDE 23456", at(2026, 11, 29), until)

    async def share_mandate(self, actor: Actor, patient: str) -> Offer:
        return Offer("ABCDE 23456", at(2026, 11, 29), None)

    async def accept_mandate(self, actor: Actor, code: str) -> Acting:
        if code != "ABCDE 23456":
            raise WrongCode
        return CARED

    async def revoke_mandate(self, actor: Actor, mandate: str) -> None:
        self.revoked = mandate

    async def declare_mandate(self, actor: Actor, patient: str, carer: Traits, *more: Any) -> str:
        if carer.name != "Delaunay":
            raise NobodyAnswers
        return "m2"

    async def begin_session(self, actor: Actor, person: Traits, how: str, reach: str) -> Acting:
        if person.name != "Le Cœur":
            raise NobodyAnswers
        return CARED

    async def end_session(self, actor: Actor, session: str) -> Receipt:
        return RECEIPT

    async def sessions(self, actor: Actor) -> Sequence[tuple[str, Session]]:
        one = Session(
            3, 1, "helper:desk", "care", "oral", at(2026, 11, 2), at(2026, 11, 2, 11), None,
            "Inès CARREL", "Claire MARTIN",
        )  # fmt: skip
        return () if actor.sub == "patient:newcomer" else (("s1", one),)

    async def receipt(self, actor: Actor, session: str) -> Receipt:
        if session != "s1":
            raise errors.NotFound
        return RECEIPT

    async def find(self, actor: Actor, form: TraitsForm) -> Sequence[Found]:
        if form.ins and len(form.ins) != 15:
            raise errors.Invalid
        found = Found("h-claire", "MARTIN Claire", date(1985, 3, 27), form.sex, self.consented)
        if form.name.upper() == "HOMONYME":
            return found, replace(found, handle="h-other", consented=True)
        return (found,) if form.ins or form.name.upper() == "MARTIN" else ()

    async def resolve(self, actor: Actor, handle: str) -> str:
        if handle not in ("h-claire", "h-other"):
            raise errors.NotFound
        return CLAIRE

    async def declare(self, actor: Actor, handle: str, how: str) -> str:
        return await self.resolve(actor, handle)


FILES = {
    "letter-2026": FilePage(
        LINES[1], "pdf-1", "application/pdf", 12, "Madame,\n\nVous sortez ce jour.", False, True
    ),
    "photo-2026": FilePage(LINES[4], "pdf-1", "image/jpeg", 1, "", True, True),
    "note-2026": FilePage(
        LINES[4], "txt-1", "text/plain", 0, "Allergie à la pénicilline", True, True
    ),
    "img-2025": FilePage(LINES[4], "pdf-2", "application/pdf", 0, "", False, False),
}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4////fwAJ+wP9BUNFygAAAABJRU5ErkJggg=="
)
RAISED: dict[str, BaseException] = {
    "forbidden": errors.Forbidden(),
    "deleted": errors.Deleted(),
    "invalid": errors.Invalid("secret of somebody"),
    "conflict": errors.Conflict(),
    "too-many": errors.TooMany(),
    "rule": errors.BusinessRule(),
    "transient": errors.Transient(),
    "broken": RuntimeError("secret of somebody"),
    "late": TimeoutError(),
}


class PreviewTries:
    """Nothing is counted, or no try passes."""

    full = False

    async def password(self, account: str, address: str, device: str) -> None:
        if self.full:
            raise TooFast("login-pair", 30)

    async def right(self, account: str, address: str, device: str) -> None: ...

    async def factor(self, subject: str) -> None: ...

    async def activation(self, address: str) -> None: ...

    async def developer(self, address: str) -> None:
        if self.full:
            raise TooFast("developer", 30)

    async def lost(self, email: str, address: str) -> bool:
        if self.full:
            raise TooFast("recovery-address", 30)
        return email != "flooded@example.org"

    async def device(self, subject: str) -> None: ...


class PreviewParts:
    """What app.py would hand over."""

    acts: Acts = PreviewActs()
    composing: ComposingActs = PreviewComposing()
    prescribing: PrescribingActs = PreviewPrescribing()
    life: LifeActs = PreviewLife()
    apps: AppActs = PreviewApps()
    identity: IdentityActs = PreviewIdentity()
    tries: Tries = PreviewTries()
    alarms: AlarmActs = PreviewAlarms()
    agenda: AgendaActs = PreviewAgenda()
    mail: MailActs = PreviewMail()
    ecosystem: EcosystemActs = PreviewEcosystem()
    orientation: OrientationActs = PreviewOrientation()
    activation: ActivationActs = PreviewActivation()
    clients: ClientActs = PreviewClients()
    upstream: UpstreamActs = PreviewUpstream()
    practised: Sequence[tuple[str, str]] = ()  # by every professional
    matrix = "matrice de démonstration, non officielle, version 2026-11"

    def seal(self) -> Seal | None:
        return Seal("3f2ab4" * 10 + "0000", 12345, datetime(2026, 3, 14, 9, 12, tzinfo=UTC))

    dismissed: set[int] = set()  # whom an assistant no longer assists

    async def actor(
        self,
        subject: str,
        *,
        secret: bool = False,
        acting_for: int | None = None,
        situation: str | None = None,
    ) -> Actor:
        if situation is not None and situation not in dict(self.practised):
            raise errors.Unauthenticated
        if secret and subject != "patient:newcomer":
            raise errors.BusinessRule
        if acting_for in self.dismissed:
            raise errors.Forbidden
        found = ACTORS[subject]
        rev = revisions.get(subject, 1)
        found = replace(found, org_name=dict(self.practised).get(situation or "", ""))
        return replace(found, secret=secret, rpps=acting_for or found.rpps, rev=rev)

    async def situations(self, subject: str) -> Sequence[tuple[str, str]]:
        return self.practised
