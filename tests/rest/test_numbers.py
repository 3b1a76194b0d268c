# SPDX-License-Identifier: EUPL-1.2
"""Numbers, quantities and composites over HTTP: units, precision, what stands together, what is sealed."""

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from tests.rest.samples import LAB, Json, observation
from tests.rest.test_search import ids, make, walked
from tests.space import Space

pytestmark = pytest.mark.anyio
UCUM = "http://unitsofmeasure.org"


def amount(value: float, code: str, unit: str | None = None) -> Json:
    return {"value": value, "system": UCUM, "code": code, "unit": unit or code}


def of(code: str) -> Json:
    return {"coding": [{"system": "urn:c", "code": code}]}


async def asked(space: Space, query: str, among: list[str]) -> set[str]:
    found = await ids(space, f"Observation?{quote(query, safe='=&:')}&_id={','.join(among)}")
    assert len(found) == len(set(found))
    return set(found)


async def test_an_amount_is_the_same_in_any_unit(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    made = a, b, c, d, e = await make(
        space,
        observation(someone, valueQuantity=amount(0.97, "g/L")),
        observation(someone, valueQuantity=amount(97, "mg/dL")),
        observation(someone, valueQuantity=amount(5.4, "mmol/L")),
        observation(someone, valueQuantity={"value": 97, "unit": "pages"}),
        observation(someone, valueQuantity={"value": 97, "comparator": "<", "system": "urn:u", "code": "x"}),
    )  # fmt: skip
    for query, expected in [
        (f"97|{UCUM}|mg/dL", {a, b}),
        (f"0.97|{UCUM}|g/L", {a, b}),
        (f"gt1|{UCUM}|g/L", set()),
        (f"lt0.971|{UCUM}|g/L,5.4|{UCUM}|mmol/L", {a, b, c}),
        ("97", {b, d}),
        ("97||pages", {d}),
        ("97||mg/dL", {b}),
        ("lt97", {a, c, e}),
        ("ge97", {b, d, e}),
        ("le97|urn:u|x", {e}),
        ("5.4,97||pages", {c, d}),
        (f"97|{UCUM}|no such unit", set()),
    ]:
        assert await asked(space, f"value-quantity={query}", list(made)) == expected, query
    assert await asked(space, "value-quantity:missing=true", list(made)) == set()
    assert await asked(space, "value-string:missing=true&code:missing=false", list(made)) == set(
        made
    )


async def test_the_digits_asked_for_say_how_exactly(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    texts = ("95", "99.4", "99.5", "100", "100.4", "100.5")
    held = [observation(someone, valueQuantity={"value": float(Decimal(t))}) for t in texts]
    made = dict(zip(await make(space, *held), texts, strict=True))
    for query, expected in [
        ("100", "99.5 100 100.4"), ("100.0", "100"), ("1e2", "95 99.4 99.5 100 100.4 100.5"),
        ("1.00e2", "99.5 100 100.4"), ("ne100", "95 99.4 100.5"), ("gt100", "100.4 100.5"),
        ("ge100", "100 100.4 100.5"), ("lt99.5", "95 99.4"), ("le99.5", "95 99.4 99.5"),
        ("sa100.4", "100.5"), ("eb99.4", "95"), ("ap110", "99.4 99.5 100 100.4 100.5"),
    ]:  # fmt: skip
        got = await asked(space, f"value-quantity={query}", list(made))
        assert {made[id] for id in got} == set(expected.split()), query


async def test_a_composite_is_of_one_element(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"

    def pressure(systolic: int, diastolic: int) -> Json:
        parts = [("sys", systolic), ("dia", diastolic)]
        return observation(
            someone,
            component=[{"code": of(c), "valueQuantity": amount(v, "mm[Hg]")} for c, v in parts],
        )

    made = a, b, c, d = await make(
        space,
        pressure(150, 80),
        pressure(120, 95),
        observation(someone, code=of("sys"), valueQuantity=amount(20, "kPa")),
        observation(someone, code=of("why"), valueCodeableConcept=of("yes")),
    )
    for query, expected in [
        ("component-code-value-quantity=sys$gt140", {a}),
        ("component-code-value-quantity=urn:c|dia$gt90", {b}),
        ("component-code-value-quantity=urn:d|dia$gt90", set()),
        ("component-code-value-quantity=dia$gt140,sys$lt130", {b}),
        (f"combo-code-value-quantity=sys$ge150|{UCUM}|mm[Hg]", {a, c}),
        ("combo-code-value-quantity=urn:c|$gt140", {a}),
        (f"code-value-quantity=sys$gt140|{UCUM}|mm[Hg]", {c}),
        ("code-value-concept=why$yes", {d}),
        ("code-value-concept=urn:c|why$urn:c|yes", {d}),
        ("code-value-concept=why$no", set()),
        ("code-value-concept=yes$why", set()),
        ("code-value-concept:missing=true", {a, b, c}),
    ]:
        assert await asked(space, query, list(made)) == expected, query


async def test_texts_and_dates_stand_in_composites_too(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    made = a, b = await make(
        space,
        observation(someone, code=of("t"), valueString="Négatif à 48 h"),
        observation(someone, code=of("d"), valueDateTime="2024-05-02"),
    )
    for query, expected in [
        ("code-value-string=t$neg", {a}), ("code-value-string=t$48", set()),
        ("code-value-date=d$2024-05", {b}), ("code-value-date=d$lt2024-05-02", set()),
        ("code-value-date=d$ge2024-05-02", {b}), ("code-value-date=t$2024", set()),
    ]:  # fmt: skip
        assert await asked(space, query, list(made)) == expected, query


async def test_numbers_have_an_order(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    small, great, none, middle = await make(
        space,
        observation(someone, valueQuantity=amount(400, "mg")),
        observation(someone, valueQuantity=amount(-0.002, "kg")),
        observation(someone),
        observation(someone, valueQuantity=amount(0.5, "g")),
    )
    them = f"_id={small},{great},{none},{middle}"
    for order in ("value-quantity", "-value-quantity"):
        rising = [great, small, middle]
        expected = [*(rising if order[0] != "-" else rising[::-1]), none]
        assert await ids(space, f"Observation?_sort={order}&{them}") == expected
        assert await walked(space, f"Observation?_sort={order}&{them}&_count=1") == expected


async def test_a_changed_number_is_found_by_what_it_became(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (made,) = await make(space, observation(someone, valueQuantity=amount(1, "g")))
    body: Any = (await space.get(f"Observation/{made}", as_=LAB)).json
    body["valueQuantity"]["value"] = 2
    assert (await space.put(f"Observation/{made}", body, as_=LAB)).status == 200
    assert await asked(space, "value-quantity=1", [made]) == set()
    assert await asked(space, "value-quantity=2", [made]) == {made}


async def test_the_database_alone_does_not_know_a_number(space: Space) -> None:
    """Two rows of one value bear nothing in common but their hashes, and no row bears its order."""
    from carnet.fhir.search import ordered

    someone = f"Patient/{space.patient_id()}"
    await make(space, *(observation(someone, valueQuantity={"value": 7777}) for _ in range(2)))
    rows = await space.rows("SELECT lo, salt FROM record.idx_number ORDER BY rid DESC LIMIT 2")
    plain = ordered.order(7777)
    (one, salt), (other, _) = rows
    assert one != other and plain not in (one, other)
    key = ordered.key(space.built.door.hasher)
    (opened,) = (await space.rows(f"SELECT record.opened({one}, {salt}, '\\x{key.hex()}', 0)"))[0]
    assert opened == plain


async def test_numbers_in_a_hidden_resource_find_nothing(space: Space) -> None:
    """Hidden means absent: the value of what one may not see answers no comparison."""
    someone = f"Patient/{space.patient_id()}"
    (made,) = await make(
        space, observation(someone, code=of("h"), valueQuantity=amount(31337, "mg"))
    )
    for query in (
        "value-quantity=31337", "value-quantity=gt31336", "code-value-quantity=h$31337",
        "value-quantity:missing=false", "_sort=value-quantity", "code:missing=false",
    ):  # fmt: skip
        path = f"Observation?{query}&_id={made}"
        assert await ids(space, path, as_=LAB) == [made], query
        assert await ids(space, path, as_="outsider") == [], query
        (total,) = [(await space.get(path + "&_summary=count", as_="outsider")).json["total"]]
        assert total == 0, query


async def test_what_is_no_number_is_refused_in_its_own_words(space: Space) -> None:
    for query, code in [
        ("value-quantity=a lot", "invalid"), ("value-quantity=1|mg", "invalid"),
        ("value-quantity=1|urn:u|", "invalid"), ("value-quantity=1e9999", "invalid"),
        ("value-quantity=١", "invalid"), ("value-quantity:exact=1", "not-supported"),
        ("code-value-quantity=1", "invalid"), ("code-value-quantity=a$", "invalid"),
        ("code-value-quantity=a$b$c", "invalid"), ("code-value-quantity=a$b", "invalid"),
        ("code:text=%20", "invalid"), ("identifier:of-type=a|b", "invalid"),
        ("code:of-type=a|b|c", "not-supported"), ("code:text=" + "a" * 21, "invalid"),
    ]:  # fmt: skip
        answer = await space.get(f"Observation?{quote(query, safe='=:%')}", as_=LAB)
        assert (answer.status, answer.json["issue"][0]["code"]) == (400, code), answer.body


async def test_identifiers_are_found_by_their_type_and_codes_by_their_words(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    typed = {"coding": [{"system": "urn:t", "code": "VN"}], "text": "Numéro de séjour"}
    made = a, b = await make(
        space,
        observation(someone, identifier=[{"type": typed, "system": "urn:i", "value": "12"}]),
        observation(
            someone,
            code=of("x") | {"text": "Glycémie à jeun"},
            identifier=[{"value": "12"}],
            component=[{"code": {"coding": [{"code": "k", "display": "Cétones"}]}}],
        ),
    )
    for query, expected in [
        ("identifier:of-type=urn:t|VN|12", {a}), ("identifier:of-type=|VN|12", {a}),
        ("identifier:of-type=urn:t|VN|13", set()), ("identifier:of-type=urn:x|VN|12", set()),
        ("identifier:text=numero", {a}), ("code:text=glyc", {b}), ("code:text=Glycemie A J", {b}),
        ("code:text=jeun", set()), ("combo-code:text=glyc", {b}), ("combo-code:text=cetone", {b}),
        ("code:text=cetone", set()), ("component-code:text=cet,zzz", {b}), ("category:text=glyc", set()),
        ("identifier:missing=false", {a, b}), ("component-code:missing=true", {a}),
        ("subject:missing=true", set()), ("performer:missing=true", {a, b}),
    ]:  # fmt: skip
        assert await asked(space, query, list(made)) == expected, query
