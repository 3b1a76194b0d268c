# SPDX-License-Identifier: EUPL-1.2
"""`_sort` by each parameter that has an order, both ways, page by page, and a plain sort through FHIRPath."""

from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from carnet.fhir.definitions import SearchParameter, load
from carnet.fhir.search import ranks
from tests.agreement.test_parameters import parameters, values
from tests.agreement.test_search import plain
from tests.rest.samples import LAB, Json, observation
from tests.rest.test_search import ids, links, make, walked
from tests.space import Space

pytestmark = pytest.mark.anyio
SYSTEMS = ("urn:a", "urn:b")
WORDS = ("Étoile", "etoile", "dune", "Zénith", "œuvre", "1er", "à jeun")
SORTED = frozenset(("token", "reference", "uri", "string", "date", "number", "quantity"))


def drawn(rng: Random, someone: str, by: list[str]) -> Json:
    """An Observation that has some of each kind of value."""

    def concept() -> Json:
        return {"coding": [{"system": rng.choice(SYSTEMS), "code": rng.choice("aAbc")}]}

    some: Json = {
        "category": [concept() for _ in range(rng.randint(1, 2))],
        "method": concept(),
        "identifier": [{"system": rng.choice(SYSTEMS), "value": rng.choice(("9", "10", "x"))}],
        "performer": [{"reference": rng.choice(by)}],
        "valueString": rng.choice(WORDS),
        "meta": {
            "tag": [{"system": "urn:t", "code": rng.choice("xyz")}],
            "source": f"urn:source:{rng.choice('ab')}",
        },
    }
    kept = {name: each for name, each in some.items() if rng.random() < 0.7}
    if "valueString" not in kept and rng.random() < 0.7:
        kept["valueQuantity"] = {"value": rng.randint(1, 3), "unit": "g"}
    made = observation(someone, date=rng.choice(("2020", "2021-02", "2021")))
    return made | {"code": concept(), "status": rng.choice(("final", "amended"))} | kept


def rank(parameter: SearchParameter, resource: Json, *, last: bool) -> Any:
    """What counts of a resource; None where it has no value."""
    held = values(parameter, resource)
    found: list[Any]
    match parameter.type:
        case "token":
            pairs = [*held.tokens, *((None, code) for code in held.codes)]
            found = [(code.casefold(), code, system or "") for system, code in pairs]
        case "reference":
            found = list(held.targets)
        case "uri":
            found = list(held.uris)
        case "string":
            found = [plain(text) for text in held.strings]
        case "date":
            found = [lo for lo, _ in held.spans]
        case _:
            found = [Fraction(low) for low, _, _ in held.amounts]
    return (max if last else min)(found, default=None)


def in_order(found: list[Any], *, down: bool) -> bool:
    """What has a value first, in its order."""
    there = [each for each in found if each is not None]
    if found != there + [None] * (len(found) - len(there)):
        return False
    return all((one >= two) if down else (one <= two) for one, two in pairwise(there))


async def filled(space: Space, seed: str, number: int) -> tuple[str, list[Json]]:
    rng, someone = Random(seed), f"Patient/{space.patient_id('husband')}"
    places = await make(space, *({"resourceType": "Organization", "name": name} for name in "ab"))
    by = [f"Organization/{each}" for each in places]
    made = await make(space, *(drawn(rng, someone, by) for _ in range(number)))
    answer = await space.get(f"Observation?_id={','.join(made)}&_count=100", as_=LAB)
    return f"Observation?_id={','.join(made)}", [each["resource"] for each in answer.json["entry"]]


async def test_every_parameter_that_has_an_order_sorts_as_a_plain_sort(space: Space) -> None:
    query, held = await filled(space, "sorted", 14)
    of, asked = {each["id"]: each for each in held}, 0
    for parameter in parameters("Observation"):
        if parameter.type not in SORTED:
            continue
        for down in (False, True):
            asked_for = f"{query}&_sort={'-' * down}{parameter.code}"
            whole = await ids(space, asked_for)
            assert sorted(whole) == sorted(of), parameter.code
            found = [rank(parameter, of[id], last=down) for id in whole]
            assert in_order(found, down=down), (parameter.code, down, found)
            if any(each is not None for each in found):
                asked += 1
                assert await walked(space, f"{asked_for}&_count=5") == whole, parameter.code
    assert asked > 20


async def test_keys_that_are_opened_go_with_those_that_are_not(space: Space) -> None:
    query, held = await filled(space, "several", 12)
    of, known = {each["id"]: each for each in held}, load().params["Observation"]
    for sort in (
        "code,-date",
        "-status,category,-_id",
        "date,code,-performer",
        "-value-string,code",
    ):
        keys = sort.split(",")
        whole = await ids(space, f"{query}&_sort={sort}")

        def told(id: str, key: str) -> Any:
            down, name = key.startswith("-"), key.lstrip("-")
            return id if name == "_id" else rank(known[name], of[id], last=down)

        for one, two in pairwise(whole):
            for key in keys:
                first, second = told(one, key), told(two, key)
                if first != second:
                    assert in_order([first, second], down=key.startswith("-")), (sort, key)
                    break
        assert await walked(space, f"{query}&_sort={sort}&_count=5") == whole, sort


async def test_pages_repeat_and_lose_nothing_while_others_write(space: Space) -> None:
    """The value a page ended at is gone when the next is asked: it goes on after where it stood."""
    someone = f"Patient/{space.patient_id('husband')}"
    made = [observation(someone, date="2020", valueString=word) for word in ("a", "c", "e", "g")]
    one, two, three, four = await make(space, *made)
    query = f"Observation?subject={someone}&value-string:missing=false&_sort=value-string&_count=2"
    page = await space.get(query, as_=LAB)
    assert [each["id"] for each in page.entries] == [one, two]
    for id, word in ((two, "z"), (one, "h")):  # both go after the page's end
        body = (await space.get(f"Observation/{id}", as_=LAB)).json | {"valueString": word}
        assert (await space.put(f"Observation/{id}", body, as_=LAB)).status == 200
    (new,) = await make(space, observation(someone, date="2020", valueString="b"))
    following = await ids(space, links(page)["next"])
    assert following == [three, four] and new not in following


async def test_more_than_a_service_opens_is_refused_with_what_to_do(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    await make(space, *(observation(someone, date="2020") for _ in range(3)))
    monkeypatch.setattr(ranks, "MOST_ORDERED", 2)
    answer = await space.get(f"Observation?subject={someone}&_sort=code", as_=LAB)
    assert (answer.status, answer.json["issue"][0]["code"]) == (403, "too-costly")
    assert "_sort: " in answer.said and "2,000" in answer.said
    answer = await space.get(f"Observation?subject={someone}&_sort=code&_count=0", as_=LAB)
    assert (answer.status, answer.json["total"]) == (200, 3)


@pytest.mark.parametrize("name", ["_score", "near", "code-value-quantity", "_text", "no-such"])
async def test_what_has_no_order_is_refused_by_its_name(space: Space, name: str) -> None:
    rtype = "Location" if name == "near" else "Observation"
    answer = await space.get(f"{rtype}?_sort={name}", as_=LAB)
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, "not-supported")
    assert answer.said.count(name) == 1
