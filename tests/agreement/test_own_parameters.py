# SPDX-License-Identifier: EUPL-1.2
"""Parameters of the installation agree with a plain search through FHIRPath, as R4's own do.

Each parameter of R4 is loaded once more under a name of the installation, by the way an operator's are;
the same questions are asked of it.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from random import Random
from typing import Any

import psycopg
import pytest

from carnet.fhir.definitions import SearchParameter, load
from carnet.fhir.search.own import Catalogue, queries
from carnet.fhir.search.own.catalogue import FORM
from carnet.fhir.search.own.load import taken
from carnet.fhir.search.parse import Parser
from carnet.fhir.store.cursors import Cursors
from carnet.fhir.store.index import Indexer
from carnet.fhir.store.owners import Owners
from carnet.postgres.cluster import DATABASE, Cluster
from tests.agreement.test_parameters import ALWAYS, READERS, Server, generated, parameters
from tests.space import clone

TYPES = sorted(set(ALWAYS) - {"PlanDefinition"})
RARE = {"special", "quantity"}  # a day may have no match of these


def again(rtype: str, of: SearchParameter) -> dict[str, Any]:
    """A parameter of R4 as somebody's own."""
    return {
        "resourceType": "SearchParameter", "status": "active", "url": f"urn:{rtype}:{of.code}",
        "code": f"own{of.code}", "type": of.type, "base": [rtype], "expression": of.expression,
        "target": list(of.targets),
        "component": [
            {"definition": each.definition, "expression": each.expression} for each in of.components
        ],
    }  # fmt: skip


@pytest.mark.slow
def test_the_same_parameters_as_ones_own_find_the_same(cluster: Cluster) -> None:
    day = os.environ.get(
        "CARNET_SEED", "0" if os.environ.get("CI") == "true" else str(datetime.now(UTC).date())
    )
    with clone(cluster, DATABASE) as name:
        asyncio.run(agreed(cluster.url(database=name), day))


async def agreed(url: str, day: str) -> None:
    """Loaded and complete, then asked; nothing is refused that R4 has."""
    catalogue = Catalogue(load())
    told = taken(
        catalogue,
        [
            (each.code, again(rtype, each))
            for rtype in TYPES
            for each in parameters(rtype)
            if each.type != "special"
        ],
    )
    assert not any(each.refusal for each in told), [each.line for each in told if each.refusal]
    given = [each.given for each in told if each.given]
    with psycopg.connect(url, autocommit=True) as conn:
        queries.keep(conn, given)
        conn.execute("UPDATE search.parameter SET complete = clock_timestamp()")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        generation, held = await queries.live(conn, FORM)
        catalogue.take(generation, held)
        server = Server(conn)
        server.definitions = catalogue.definitions
        server.owners = Owners(catalogue.definitions)
        server.indexer = Indexer(catalogue.definitions, server.owners, server.hasher, catalogue)
        server.parser = Parser(
            catalogue.definitions, server.ids, Cursors(b"c" * 64), server.owners,
            "https://carnet.test/fhir", 50, 5000,
        )  # fmt: skip
        await server.store(generated(day, 30, TYPES))
        wrong = []
        for rtype in TYPES:
            for parameter in catalogue.definitions.own[rtype]:
                several = parameter.type in ("quantity", "composite", "number")
                for turn in range(6 if several else 1):
                    rng = Random(f"{day} {rtype} {parameter.code} {turn}")
                    wrong += await server.agree(rng, rtype, parameter)
        assert not wrong, "\n".join(wrong[:20]) + f"\n{len(wrong)} in all"
        assert server.asked > 300 and all(server.found[kind] for kind in set(READERS) - RARE)
