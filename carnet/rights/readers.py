# SPDX-License-Identifier: EUPL-1.2
"""Who has read my record: the trace itself, in plain words, for its patient.

A line obeys the visibility of what it names: one that names only what the patient may not see yet is
not shown, and appears when that does.
"""

from __future__ import annotations

from carnet import errors
from carnet.access import audit
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.pages import Opening

LONGEST = 300  # lines of the page
NAMED = 3  # titles named on one line

ACTS = {
    "search": "Liste ou recherche",
    "read": "Lecture",
    "vread": "Lecture d'une version",
    "history": "Historique",
    "create": "Ajout",
    "transaction": "Ajout",
    "update": "Modification",
    "delete": "Suppression",
    "consent": "Déclaration de votre accord",
    "readers": "Liste des consultations",
}


class NotYours(errors.NotFound):
    """Only the patient sees who has read the record."""


async def openings(visit: Visit, patient: str) -> list[Opening]:
    """Every opening, newest first; the reading of this list is a line too."""
    door, actor = visit.door, visit.actor
    place = door.ids.decode(patient)
    if actor.kind is not ActorKind.PATIENT or place is None or place[0] != actor.patient:
        raise NotYours
    cid = place[0]
    lines = await visit.lines(cid, LONGEST)
    wanted = {rid for line in lines for rid in line.rids}
    seen = {stored.rid: stored for stored in await visit.named(cid, sorted(wanted), "readers")}
    found = []
    for line in lines:
        visible = [seen[rid] for rid in line.rids if rid in seen]
        titles = [
            str(stored.resource.get("content", [{}])[0].get("attachment", {}).get("title", ""))
            for stored in visible
            if stored.rtype == "DocumentReference"
        ]
        found.append(
            Opening(
                at=line.at,
                who=line.name or line.sub,
                profession=door.matrix.label(line.profession or ""),
                place=line.place or "",
                what=_what(line, titles, len(visible)),
                purpose=line.purpose,
                own=line.sub == actor.sub,
            )
        )
    return found


def _what(line: audit.Line, titles: list[str], number: int) -> str:
    said = ACTS.get(line.act, line.act)
    if not line.granted:
        return f"{said} (refusé)"
    if line.act == "readers":  # it names every document of the list
        return said
    named = [title for title in dict.fromkeys(titles) if title]
    if named:
        more = f" et {len(named) - NAMED} autres" if len(named) > NAMED else ""
        return f"{said} : {', '.join(named[:NAMED])}{more}"
    if number:
        return f"{said} ({number} élément{'s' if number > 1 else ''})"
    return said
