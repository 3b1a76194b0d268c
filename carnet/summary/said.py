# SPDX-License-Identifier: EUPL-1.2
"""Where a line was said: the document, and the section of it that holds the very statement.

What was read in a document has a Provenance that names its element, as a path from the root of the
source. What came by itself was said in no document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from carnet.access.door import Nothing, Visit
from carnet.access.door.origins import origins
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.summary.facts import content, listed, mapping, rules
from carnet.summary.gather import opened

SECTIONS = re.compile(r"structuredBody((?:/component\[\d+\]/section)+)(?:/|$)")
RANK = re.compile(r"\[(\d+)\]")
PROVENANCES = 20  # of one resource that are looked at


@dataclass(frozen=True, slots=True)
class Place:
    """A document, and the section in it: the ranks of it and of those it stands in, as 2-1."""

    document: str  # id of a DocumentReference
    section: str  # "" when it is not known


async def place(visit: Visit, patient: str, rtype: str, id: str) -> Place:
    """Where a resource of a record was said; Nothing when it, or its document, must look absent."""
    cid = await opened(visit, patient)
    if rtype not in visit.door.definitions.types:
        raise Nothing
    stored = await visit.read(rtype, id)
    if not await visit.same(stored.cid, cid):
        raise Nothing
    found = (await origins(visit, stored.cid, [stored])).get((stored.cid, stored.rid))
    if found is None or found.rtype != "DocumentReference":
        raise Nothing
    number = visit.door.definitions.params["Provenance"]["target"].number
    query = Query(
        "Provenance",
        (ReferenceFilter(number, (stored.address,)),),
        compartments=(stored.cid,),
        count=PROVENANCES,
        replaced=True,
    )
    for each in (await visit.search(query)).matches:
        for target in listed(content(each).get("target")):
            if target.get("reference") == stored.address and (said := section(target)):
                return Place(found.id, said)
    return Place(found.id, "")


def section(target: object) -> str:
    """The section of a target of a Provenance, by the path of its element."""
    for each in listed(mapping(target).get("extension")):
        if each.get("url") == rules()["said"]["read_at"]:
            return ranks(str(each.get("valueString") or ""))
    return ""


def ranks(path: str) -> str:
    """The ranks of the sections a path goes through: 2-1 for the first of those in the second."""
    found = SECTIONS.search(path)
    return "-".join(RANK.findall(found[1])) if found else ""
