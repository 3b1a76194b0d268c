# SPDX-License-Identifier: EUPL-1.2
"""Search by parameters of the installation: refused until their index is whole, then as R4's own."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from carnet.access.door.reindex import Reindex
from tests.fhir.search.own.samples import (
    COLOUR,
    load_into,
    look,
    parameter,
    reindexed,
    worker_of,
    written,
)
from tests.rest.samples import LAB, Json, observation, organization
from tests.rest.test_search import ids, make
from tests.space import Space

pytestmark = pytest.mark.anyio


def coloured(name: str, value: Any, url: str = COLOUR) -> Json:
    return {"extension": [{"url": url, name: value}]}


EXTENSION = f"extension.where(url='{COLOUR}').value"
MANY = [
    parameter("shade", "token", EXTENSION, "Observation"),
    parameter("shade-of", "reference", "extension('urn:of').value", "Observation"),
    parameter("shade-words", "string", "extension('urn:words').value", "Observation"),
    parameter("shade-since", "date", "Observation.extension('urn:since').value", "Observation"),
    parameter("shade-depth", "number", "extension('urn:depth').value", "Observation"),
    parameter("shade-mass", "quantity", "extension('urn:mass').value", "Observation"),
    parameter("shade-address", "uri", "extension('urn:uri').value", "Observation"),
    parameter("shade-rank", "token", "extension('urn:depth').value", "Observation"),
    parameter(
        "shade-mass-by", "composite", "Observation.component", "Observation",
        component=[
            {"definition": "http://hl7.org/fhir/SearchParameter/clinical-code", "expression": "code"},
            {"definition": "urn:parameter:shade-mass", "expression": "value"},
        ],
    ),
]  # fmt: skip


async def test_every_type_is_searched_as_r4s_own(space: Space, tmp_path: Path) -> None:
    someone = f"Patient/{space.patient_id()}"
    (house,) = await make(space, organization("Teinturerie"))
    mass = {"value": 5, "system": "http://unitsofmeasure.org", "code": "mg", "unit": "mg"}
    component = {"code": {"coding": [{"system": "urn:c", "code": "x"}]}, "valueQuantity": mass}
    a, b = await make(
        space,
        observation(
            someone,
            extension=[
                {"url": COLOUR, "valueCodeableConcept": {
                    "coding": [{"system": "urn:s", "code": "garance", "display": "Rouge garance"}]}},
                {"url": "urn:of", "valueReference": {"reference": f"Organization/{house}"}},
                {"url": "urn:words", "valueString": "Écarlate vif"},
                {"url": "urn:since", "valueDate": "2026-03"},
                {"url": "urn:depth", "valueInteger": 12},
                {"url": "urn:mass", "valueQuantity": mass},
                {"url": "urn:uri", "valueUri": "urn:dye:1"},
            ],
            component=[component],
        ),
        observation(someone, **coloured("valueCode", "indigo")),
    )  # fmt: skip
    lines, new, refused = load_into(space, written(tmp_path, *MANY))
    assert (new, refused) == (len(MANY), 0), lines
    await look(space)
    waiting = await space.get("Observation?shade=indigo", as_=LAB)
    assert waiting.status == 400 and "carnet reindex" in waiting.said
    assert "shade" not in await announced(space)
    # What is written from now on is indexed; it is not said before the rest is too.
    (c,) = await make(space, observation(someone, **coloured("valueCode", "indigo")))
    assert (await space.get("Observation?shade=indigo", as_=LAB)).status == 400
    report = await reindexed(space)
    assert report.good and report.indexed >= 1 and len(report.complete) == len(MANY)
    assert "shade" in await announced(space)
    among = f"&_id={a},{b},{c}"
    for query, expected in [
        ("shade=indigo", {b, c}),
        ("shade=urn:s|garance", {a}),
        ("shade:text=rouge", {a}),
        ("shade:not=indigo", {a}),
        ("shade:missing=false", {a, b, c}),
        (f"shade-of=Organization/{house}", {a}),
        ("shade-of:Organization.name=teinturerie", {a}),
        ("shade-words=ecarlate", {a}),
        ("shade-words:exact=Écarlate vif", {a}),
        ("shade-since=ge2026-03-01", {a}),
        ("shade-since:missing=true", {b, c}),
        ("shade-depth=gt11", {a}),
        ("shade-rank=12", {a}),
        ("shade-mass=0.005|http://unitsofmeasure.org|g", {a}),
        ("shade-address=urn:dye:1", {a}),
        ("shade-mass-by=urn:c|x$5|http://unitsofmeasure.org|mg", {a}),
        ("shade-mass-by=urn:c|x$6|http://unitsofmeasure.org|mg", set()),
        ('_filter=shade eq "indigo" or shade-depth gt 11', {a, b, c}),
    ]:
        assert set(await ids(space, f"Observation?{query}{among}")) == expected, query
    assert (await ids(space, f"Observation?_sort=-shade-depth{among}"))[0] == a
    included = await space.get(f"Observation?_id={a}&_include=Observation:shade-of", as_=LAB)
    assert {one["resourceType"] for one in included.entries} == {"Observation", "Organization"}
    back = await space.get(f"Organization?_id={house}&_revinclude=Observation:shade-of", as_=LAB)
    assert a in {one["id"] for one in back.entries}
    has = await ids(space, f"Organization?_has:Observation:shade-of:shade=garance&_id={house}")
    assert has == [house]


async def announced(space: Space) -> set[str]:
    """What the capability statement says Observation is searched by."""
    rest = (await space.get("metadata")).json["rest"][0]["resource"]
    (found,) = (each for each in rest if each["type"] == "Observation")
    return {each["name"] for each in found["searchParam"]}


async def test_a_process_that_has_not_looked_writes_and_searches_no_less_rightly(
    space: Space, tmp_path: Path
) -> None:
    """Loaded, completed, changed, removed by others: a statement made by what was fails, and is made anew."""
    someone = f"Patient/{space.patient_id()}"
    load_into(space, written(tmp_path, parameter("shade", "token", EXTENSION, "Observation")))
    async with worker_of(space) as made:
        assert (await Reindex(made, settled=timedelta(0)).run()).complete
    # The index is whole, and what it writes without having looked is no less in it.
    (a,) = await make(space, observation(someone, **coloured("valueCode", "indigo")))
    await look(space)
    assert await ids(space, f"Observation?shade=indigo&_id={a}") == [a]
    assert (await reindexed(space, verify=True)).good
    other = parameter("shade", "token", "extension('urn:elsewhere').value", "Observation")
    load_into(space, written(tmp_path, other))
    # This process still believes in the first: it finds nothing wrong, nor anything right, but says so.
    assert (await space.get(f"Observation?shade=indigo&_id={a}", as_=LAB)).status == 503
    await look(space)
    assert (await space.get(f"Observation?shade=indigo&_id={a}", as_=LAB)).status == 400
    assert (await reindexed(space)).good
    assert await ids(space, f"Observation?shade=indigo&_id={a}") == []
