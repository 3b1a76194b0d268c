# SPDX-License-Identifier: EUPL-1.2
"""Full text over a record of ten thousand documents, and what it keeps of each.

The record of `bench/_long.py`, each document with a text of 400 words out of 4,000 and one of
200 authors. The acts are called as
the pages call them: question, decision, scope, counts of the facets, a page of hits, snippets.
`CARNET_BENCH_DOCUMENTS` makes a smaller one.
"""

from __future__ import annotations

import random
import statistics
from typing import Any

from psycopg import AsyncConnection

from bench._long import Long, on_a_record, times
from bench._told import tell
from carnet.access.door import Door
from carnet.documents import nomenclature
from carnet.documents.text import find, index, queries

WORDS, SAID, AUTHORS = 4_000, 400, 200
QUESTIONS = (
    "mot7", "mot7 mot3900", "mot1 -mot2", "mot12*", "mot123*", '"mot1 mot2"', '"mot1 mot2 mot3"', '"mot1"',
    'mot7 -"mot1 mot2"', 'mot7 -"mot1 mot2 mot3"',
)  # fmt: skip
SIZE = """
    SELECT (pg_total_relation_size('documents.words') / count(*))::bigint,
           (pg_total_relation_size('documents.said') / count(*))::bigint,
           (pg_total_relation_size('documents.pairs') / count(*))::bigint FROM documents.words
"""


def run() -> None:
    """Each question several times."""
    on_a_record(_asked, _said)


async def _asked(long: Long) -> None:
    (count,) = long.more
    async with await AsyncConnection.connect(long.cluster.url(database=long.name)) as conn:
        sizes = await (await conn.execute(SIZE)).fetchone()
    assert sizes is not None
    tell(
        f"{count:,} documents of {SAID} words, kept to be found",
        f"hashes {sizes[0]:,} bytes a document, pairs {sizes[2]:,}, text {sizes[1]:,}",
        "indexes included",
    )
    for typed in QUESTIONS:

        async def act(typed: str = typed) -> object:
            return await find.find(long.visit(), "", typed)

        seen = await times(act)
        tell(
            f"full text on {count:,} documents: {typed}",
            f"median {statistics.median(seen):.0f} ms, worst {max(seen):.0f} ms",
            "goal 300 ms",
        )


async def _said(conn: AsyncConnection[Any], door: Door, cid: int, org: int) -> int:
    """The words of every document; common ones come more often."""
    chance = random.Random(4)
    cipher = (await door.vault.ciphers(conn, [cid]))[cid]
    number = door.definitions.types["DocumentReference"]
    rows = await conn.execute(
        """
        SELECT rid, coalesce((SELECT t FROM unnest(toks) t WHERE t = ANY (%s) LIMIT 1), 0)
          FROM record.resource WHERE cid = %s AND rtype = %s
        """,
        ([index.kind(door, {"type": {"coding": [{"code": each}]}}) for each in nomenclature.types()],
         cid, number),
    )  # fmt: skip
    places = await rows.fetchall()
    for rid, kind in places:
        said = " ".join(f"mot{int(WORDS * chance.random() ** 2)}" for _ in range(SAID))
        who = (f"Dr Auteur {chance.randrange(AUTHORS)}",)
        text = index.Text("Compte rendu d'examen", ("Résultats", "Conclusion"), said, who)
        await queries.keep(conn, index.row(cipher, door, (cid, rid), text, kind))
    return len(places)


if __name__ == "__main__":
    run()
