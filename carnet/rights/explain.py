# SPDX-License-Identifier: EUPL-1.2
"""Why can I not see this: what a reader may be told, which is never whether something is there.

Without a live link the answer is one and the same, word for word, whether the record is unknown, closed,
not consented to, or closed to this reader. With one, it says what follows from the link and from the matrix
alone: what the line of a profession leaves out is public, whether the record holds any is not. The person of
a record, and those who act for them, are told the rules that hold for every record, and nothing of theirs.
"""

from __future__ import annotations

from carnet import errors
from carnet.access import handles, kinds, queries
from carnet.access.actor import ActorKind
from carnet.access.audit import write
from carnet.access.door import Visit
from carnet.access.door.decide import REPRESENTING, judged
from carnet.access.matrix import ASSISTANT, CATEGORIES
from carnet.rights import queries as rights
from carnet.rights.pages import Explanation, Reason

NOBODY = -1  # no record has this number


class NotForYou(errors.Forbidden):
    """Only who may read a record is told why: its person, who acts for them, a professional, an assistant."""


NO_LINK = (
    Reason(
        "no-live-link",
        "Aucun accès en cours ne vous ouvre de dossier à cette adresse. La réponse est la même dans tous "
        "les cas qui suivent, pour ne rien révéler.",
    ),
    Reason("no-consent", "Votre équipe de soins, ou vous pour cette visite, n’avez pas d’accord."),
    Reason("ended", "L’accord a pris fin : la visite est passée, ou la personne l’a retiré."),
    Reason("no-record", "Il n’y a pas de dossier, ou il est fermé."),
    Reason("refused", "La personne ne souhaite pas être lue par vous."),
)
MASKS = Reason(
    "masks",
    "La personne peut masquer des documents un par un. Rien n’indique si elle l’a fait.",
)
UNMASKED = Reason(
    "unmasked",
    "Vous lisez aussi les documents masqués : médecin traitant, ou désigné par la personne.",
)
UNCLASSIFIED = Reason(
    "unclassified",
    "Un document dont le type n’est dans aucune catégorie n’est lu que par son auteur, le médecin "
    "traitant et la personne.",
)
LEAST = Reason(
    "emergency",
    "Un accès en urgence n’ouvre que l’essentiel, pour quelques heures, et jamais ce qui est masqué.",
)


SENT = Reason(
    "not-sent",
    "Un document n’arrive que lorsque le professionnel ou l’établissement qui l’a écrit l’envoie.",
)
CHECKED = Reason(
    "identity",
    "Un document dont les traits d’identité ne sont pas exactement ceux de la personne est mis de côté "
    "jusqu’à ce qu’ils soient vérifiés.",
)
ANNOUNCED = Reason(
    "announcement",
    "Un professionnel peut annoncer lui-même un résultat avant qu’il s’affiche, pendant un mois au plus. "
    "Rien n’indique s’il l’a fait.",
)
KEPT = Reason(
    "kept",
    "La personne, ou qui la soigne, peut garder un document hors de la vue de ceux qui agissent pour elle. "
    "Rien n’indique si c’est le cas.",
)
REACH = {
    "care": Reason("reach-care", "Votre mandat ouvre le suivi des soins, et rien d’autre."),
    "management": Reason(
        "reach-management", "Votre mandat ouvre l’administratif, et rien d’autre."
    ),
}
NOT_HELD = (
    Reason("no-mandate", "Aucun mandat en cours ne vous ouvre de dossier à cette adresse."),
    Reason(
        "mandate-ended", "Un mandat a pris fin : à sa date, ou parce que l’un de vous y a mis fin."
    ),
    Reason("no-record", "Il n’y a pas de dossier, ou il est fermé."),
)
RULE_OF = {"self": "patient-self", "representative": "representative", "guardian": "representative",
           "carer": "carer-mandate", "helper": "helper-session"}  # fmt: skip


async def explain(visit: Visit, patient: str = "", handle: str = "") -> Explanation:
    """The limits of what this reader sees of a record.

    patient: id of a Patient, "" one's own; handle: from a search for the person. One of the two.
    """
    door, actor = visit.door, visit.actor
    if actor.kind in (ActorKind.PATIENT, ActorKind.HELPER) and not handle:
        return await _to_holder(visit, patient)
    if actor.rpps is None or actor.kind not in (ActorKind.PROFESSIONAL, ActorKind.ASSISTANT):
        raise NotForYou
    if handle:
        cid = handles.read(visit, handle)
    else:
        place = door.ids.decode(patient)
        cid = place[0] if place is not None and place[0] == place[1] else NOBODY
    now = door.clock()
    matrix = door.matrix.at(now)
    named = f"{matrix.name} ({matrix.version})"
    assists = actor.kind is ActorKind.ASSISTANT
    async with door.pool.connection() as conn:
        # The same statements whatever the record: nothing is to be learnt from how long it takes.
        links = await queries.links(conn, actor.rpps, [cid], now, 1)
        ends = await rights.ends(conn, cid, actor.rpps, now)
        if assists and not await queries.assists(conn, actor.sub, actor.rpps, now):
            links = []
        if assists:
            links = [one for one in links if not one.emergency]
        decision = judged(actor, actor.rpps, links, matrix, now)
        rule = ("assistant" if assists else decision.rule) if links else "no-live-link"
        await write(
            conn,
            visit.trace("explain", rule),
            granted=bool(links),
            cids=[] if cid == NOBODY else [cid],
        )
    if not links:
        return Explanation(False, "", None, named, NO_LINK)
    (link,) = links
    reasons = list(unread(matrix.reads(ASSISTANT if assists else actor.profession)))
    if link.emergency:
        reasons.append(LEAST)
    elif not assists and (link.treating or link.trusted):
        reasons.append(UNMASKED)
    else:
        reasons.append(MASKS)
    if assists or not link.treating:
        reasons.append(UNCLASSIFIED)
    until = ends.emergency if link.emergency else None if link.in_team else ends.visit
    return Explanation(True, rule, until, named, tuple(reasons))


async def _to_holder(visit: Visit, patient: str) -> Explanation:
    """For the person of a record and those who act for them: by what they hold it, never by its content."""
    door, actor = visit.door, visit.actor
    if not patient and actor.patient is not None:
        cid = actor.patient
    else:
        place = door.ids.decode(patient)
        cid = place[0] if place is not None and place[0] == place[1] else NOBODY
    now = door.clock()
    matrix = door.matrix.at(now)
    async with door.pool.connection() as conn:
        held = await queries.held(conn, actor.sub, actor.patient, [cid], now, 10)
        # A secret connection is on one's own record alone.
        held = [one for one in held if one.nature == "self" or not actor.secret]
        natures = {one.nature for one in held}
        rule = next((RULE_OF[each] for each in RULE_OF if each in natures), "no-mandate")
        trace = visit.trace("explain", rule)
        named = [] if cid == NOBODY else [cid]
        await write(conn, trace, granted=bool(held), cids=named)
    version = f"{matrix.name} ({matrix.version})"
    if not held:
        return Explanation(False, "", None, version, NOT_HELD)
    reasons = [SENT, CHECKED, ANNOUNCED]
    if "self" not in natures:
        reasons.append(KEPT)
    if not natures & (REPRESENTING | {"self"}) and not any(one.reach == "all" for one in held):
        widest = "care" if any(one.reach == "care" for one in held) else "management"
        reasons.insert(0, REACH[widest])
    return Explanation(True, rule, None, version, tuple(reasons))


def unread(rows: tuple[int, ...]) -> list[Reason]:
    """What a line of the matrix leaves out, by category; sensitive types apart."""
    read = frozenset(rows)
    table = [kind for kind in kinds.table().values() if kind.category in CATEGORIES]
    found = []
    for category, label in CATEGORIES.items():
        of = [kind for kind in table if kind.category == category]
        left = [kind for kind in of if kind.number not in read]
        if not left:
            continue
        if any(kind.number in read for kind in of):
            text = f"Votre fonction ne donne pas à lire les documents sensibles de « {label} »."
            found.append(Reason(f"matrix-sensitive-{category}", text))
        else:
            text = f"Votre fonction ne donne pas à lire « {label} »."
            found.append(Reason(f"matrix-{category}", text))
    return found


async def operation(visit: Visit, id: str) -> dict[str, object]:
    """GET Patient/{id}/$explain: the reasons, as an OperationOutcome."""
    said = await explain(visit, id)
    issues: list[dict[str, object]] = [
        {
            "severity": "information",
            "code": "suppressed" if said.linked else "not-found",
            "details": {"coding": [{"system": "urn:carnet:access:reason", "code": each.code}]},
            "diagnostics": each.text,
        }
        for each in said.reasons
    ]
    return {"resourceType": "OperationOutcome", "issue": issues}
