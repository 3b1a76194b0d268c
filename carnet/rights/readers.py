# SPDX-License-Identifier: EUPL-1.2
"""Who has read my record: the trace itself, in plain words, for its patient.

A line obeys the visibility of what it names: one that names only what the patient may not see yet is
not shown, and appears when that does. What one person did in one go (a page reads a document, its file
and its results) is one line, which names every document read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise

from carnet import errors
from carnet.access import audit, audit_events, queries
from carnet.access.actor import ActorKind
from carnet.access.door import Stored, Visit
from carnet.access.door.decide import REPRESENTING
from carnet.access.pages import Opening
from carnet.fhir import json

MOST = 1_000_000  # lines: a patient sees them all
NAMED = 3  # titles named of a list; those of documents read one by one are all named
ONE_GO = timedelta(seconds=2)  # between two lines of one page

READ, LISTED = "Lecture", "Liste ou recherche"
ACTS = {
    "search": LISTED,
    "read": READ,
    "vread": READ,
    "history": "Lecture des versions",
    "create": "Ajout",
    "transaction": "Ajout",
    "update": "Modification",
    "delete": "Suppression",
    "consent": "Déclaration de votre accord",
    "withdraw": "Retrait de votre accord",
    "block": "Blocage d’un professionnel",
    "unblock": "Fin du blocage d’un professionnel",
    "trust": "Confiance donnée pour les documents masqués",
    "untrust": "Fin de la confiance pour les documents masqués",
    "refuse": "Choix pour les urgences",
    "emergency": "Ouverture en urgence",
    "end-emergency": "Fin de l’ouverture en urgence",
    "review": "Examen d’une ouverture en urgence",
    "rights": "Liste de vos droits",
    "hide": "Masquage",
    "show": "Fin du masquage",
    "announce-later": "Document mis en attente d’annonce",
    "announced": "Document rendu visible après son annonce",
    "announcement-due": "Document rendu visible, un mois passé",
    "mandate": "Mandat",
    "mandate-ended": "Fin d’un mandat",
    "mandates": "Liste des mandats",
    "receipt": "Reçu d’un accompagnement",
    "readers": "Liste des consultations",
    "find": "Recherche d’identité",
    "audit": "Consultation du journal des accès",
    "export": "Copie du dossier",
    "replay": "Examen d’un accès passé",
    **dict.fromkeys(
        ("identity-look", "identity-compare", "identity-match"), "Examen de l’identité"
    ),
    "merge": "Réunion de deux identités",
    "unmerge": "Séparation de deux identités",
    **dict.fromkeys(("merge-refuse", "identity-different"), "Réunion d’identités écartée"),
    "merge-propose": "Réunion d’identités proposée",
    **dict.fromkeys(
        (
            "identity-validate",
            "identity-clear",
            "identity-retrieve",
            "identity-insi",
            "identity-degrade",
        ),
        "Vérification de l’identité",
    ),
    "identity-doubt": "Doute sur l’identité",
    "identity-homonym": "Signalement d’un homonyme",
    "identity-no-homonym": "Fin du signalement d’un homonyme",
    "identity-fictitious": "Identité dite fictive",
    "identity-release": "Sortie de quarantaine",
    "identity": "Page de votre identité",
    "identity-sheet": "Fiche de votre identité",
    "family-link": "Lien de famille déclaré",
    "family-unlink": "Lien de famille retiré",
    "notice": "Avis d’ouverture préparé",
    "open": "Ouverture de votre dossier",
    "oppose": "Opposition à votre dossier",
    "close": "Fermeture de votre dossier",
    "reopen": "Réouverture de votre dossier",
    "ask-erasure": "Demande de suppression de votre dossier",
    "keep": "Demande de suppression retirée",
    "oppose-feeding": "Opposition à l’ajout de documents",
    "allow-feeding": "Ajout de documents de nouveau accepté",
    "notice-settings": "Choix de vos avertissements",
    "letter-posted": "Lettre à votre nom postée",
    "letter": "Lettre à votre nom ouverte, pour la poster",
    "announcement-told": "Invitation à voir un professionnel de santé",
    "read-refused": READ,
    "end-connections": "Fermeture de vos connexions",
    "activation-code": "Remise d’un code pour votre compte",
    "factor-code": "Remise d’un code pour remplacer votre second facteur",
    "recovery-code": "Envoi d’un code pour un mot de passe perdu",
    "recovery-address": "Choix de l’adresse qui retrouve votre mot de passe",
    "activate": "Activation de votre compte",
    "log-in": "Connexion par un autre fournisseur d’identité",
    "provider-linked": "Votre compte s’ouvre aussi par un autre fournisseur d’identité",
    "provider-unlinked": "Votre compte ne s’ouvre plus par un autre fournisseur d’identité",
    "account-stop": "Arrêt de votre compte",
    "account-end": "Fin de votre compte",
    "account-reopen": "Réouverture de votre compte",
    "app-allowed": "Accord donné à une application",
    "app-ended": "Fin de l’accord donné à une application",
    "app-shortened": "Accord donné à une application, qui finira plus tôt",
    "app-opened": "Dossier ouvert dans une application",
    "explain": "Question sur ce qui n’est pas visible",
}
OTHERWISE = "Accès"  # an act that has no words here is still told
WRITTEN = frozenset(("create", "transaction", "update", "delete"))
READING = frozenset(("search", "read", "vread", "history"))


class NotYours(errors.NotFound):
    """Only the patient, or their legal representative, sees who has read the record."""


async def openings(visit: Visit, patient: str) -> list[Opening]:
    """Every opening, newest first; the reading of this list is a line too.

    patient: id of a Patient, or "" for the viewer's own record.
    """
    door, actor = visit.door, visit.actor
    if actor.kind is not ActorKind.PATIENT or actor.patient is None:
        raise NotYours
    cid = actor.patient
    place = door.ids.decode(patient)
    if patient and (place is None or not await visit.same(cid, place[0])):
        cid = await _represented(visit, patient)
    lines = await visit.lines(cid, MOST)
    wanted = {rid for line in lines for rid in line.rids}
    seen = {stored.rid: stored for stored in await visit.named(cid, sorted(wanted), "readers")}
    return [
        Opening(
            at=group[0].at,
            who=_who(group[0]),
            profession=door.matrix.label(group[0].profession or ""),
            place=group[0].place or "",
            what=_what(group, seen),
            purpose=group[0].purpose,
            own=group[0].sub == actor.sub,
            wrote=group[0].act in WRITTEN,
            application=group[0].application or "",
            line=door.ids.encode(cid, group[0].seq),
        )
        for group in _in_one_go(lines)
    ]


async def _represented(visit: Visit, patient: str) -> int:
    """The record of whom this visitor represents; what a minor did in secret is not among its lines."""
    door, actor = visit.door, visit.actor
    place = door.ids.decode(patient)
    if place is None or place[0] != place[1] or actor.secret:
        raise NotYours
    async with door.pool.connection() as conn:
        held = await queries.held(conn, actor.sub, actor.patient, [place[0]], door.clock(), 100)
    if not any(one.nature in REPRESENTING and one.reach == "all" for one in held):
        raise NotYours
    return place[0]


async def proof(visit: Visit, line: str) -> bytes:
    """The proof of one line of the list, as a file to keep."""
    place = visit.door.ids.decode(line)
    if place is None:
        raise errors.NotFound
    return json.dump(await audit_events.proof(visit, *place))


def _in_one_go(lines: Sequence[audit.Line]) -> Iterable[list[audit.Line]]:
    """Lines newest first, those of one person in one go together; writings stand by themselves."""
    if not lines:
        return
    group = [lines[0]]
    for newer, older in pairwise(lines):
        if (
            _same(newer, older)
            and newer.at - older.at <= ONE_GO
            and ({newer.act, older.act} <= READING or newer.act == older.act == "export")
        ):
            group.append(older)
        else:
            yield group
            group = [older]
    yield group


def _same(one: audit.Line, other: audit.Line) -> bool:
    return (one.sub, one.client, one.place, one.purpose, one.granted) == (
        other.sub,
        other.client,
        other.place,
        other.purpose,
        other.granted,
    )


def _who(line: audit.Line) -> str:
    """A name; what has none is a service of the platform, whose subject is no word for a patient."""
    return line.name or "Service de la plateforme"


def _what(group: Sequence[audit.Line], seen: dict[int, Stored]) -> str:
    """What was done to what; a page that reads documents is told by those."""
    act = group[0].act
    if act in READING and len(group) > 1:
        acts = {line.act for line in group}
        act = next(each for each in ("read", "vread", "history", "search") if each in acts)
    said = ACTS.get(act, OTHERWISE)
    if not group[0].granted:
        return f"{said} (refusé)"
    if act in ("readers", "export"):  # they name every document
        return said
    told = [line for line in group if line.act == act or {line.act, act} <= {"read", "vread"}]
    rids = dict.fromkeys(rid for line in reversed(told) for rid in line.rids if rid in seen)
    titles = dict.fromkeys(
        title_of(seen[rid]) for rid in rids if seen[rid].rtype == "DocumentReference"
    )
    if not titles and act in READING:  # a file is called as its document
        others = dict.fromkeys(rid for line in group for rid in line.rids if rid in seen)
        titles = dict.fromkeys(
            title_of(seen[rid]) for rid in others if seen[rid].rtype == "DocumentReference"
        )
    named = [title for title in titles if title]
    most = NAMED if act == "search" else len(named)
    if named:
        left = len(named) - most
        more = f" et {left} autre{'s' if left > 1 else ''}" if left > 0 else ""
        return f"{said} : {', '.join(named[:most])}{more}"
    if rids:
        return f"{said} ({len(rids)} élément{'s' if len(rids) > 1 else ''})"
    return said


def title_of(document: Stored) -> str:
    contents = document.resource.get("content") or [{}]
    title = contents[0].get("attachment", {}).get("title")
    return str(title or document.resource.get("description") or "Document")
