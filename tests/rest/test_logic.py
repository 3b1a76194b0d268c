# SPDX-License-Identifier: EUPL-1.2
"""`_filter`, compartments, places near, and codes that a terminology says, over HTTP."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.rest.samples import HOSPITAL, LAB, Json, observation, organization
from tests.rest.test_numbers import of
from tests.rest.test_search import ids, make
from tests.space import Space

pytestmark = pytest.mark.anyio
STATUS = "http://hl7.org/fhir/ValueSet/observation-status"


async def test_a_filter_is_read_from_left_to_right(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    north, south = await make(space, organization("Étoile du Nord"), organization("Sud"))
    made = a, b, c = await make(
        space,
        observation(someone, code=of("a"), valueQuantity={"value": 1}, date="2020-05-01",
                    performer=[{"reference": f"Organization/{north}"}]),
        observation(someone, code=of("b"), valueQuantity={"value": 2}, status="amended",
                    performer=[{"reference": f"Organization/{south}"}]),
        observation(someone, code=of("c"), valueString="É, où ?"),
    )  # fmt: skip
    await make(
        space, observation(someone, code=of("g"), hasMember=[{"reference": f"Observation/{b}"}])
    )
    for text, expected in [
        ("code eq a", {a}), ("code eq urn:c|a or code eq b", {a, b}),
        ("code eq a or code eq b and status eq amended", {b}),
        ("code eq a or (code eq b and status eq amended)", {a, b}),
        ("not (code eq a)", {b, c}), ("code ne a", {b, c}), ("not (code eq a or code eq b)", {c}),
        ("value-quantity gt 1", {b}), ("value-quantity pr false", {c}),
        ("value-quantity pr true", {a, b}),
        ("date ge 2020-05 and date lt 2021", {a}), ("date lt 2020", set()),
        ('value-string sw "é, o"', {c}), ('value-string eq "e ou"', {c}),
        ('value-string eq "e"', set()),
        (f"performer re Organization/{north}", {a}), (f"performer re {south} or code eq c", {b, c}),
        ('performer:Organization.name sw "étoile"', {a}),
        ("performer:Organization.name co nord and code eq a", {a}),
        (f"status in {STATUS}", {a, b, c}), (f"status ni {STATUS}", set()),
        ('(performer:Organization.name sw "étoile" and code eq a)', {a}),
        ("code eq c or performer:Organization.name co nord", {a, c}),
        ("not (performer:Organization.name co nord)", {b, c}),
        ("not (performer:Organization.name co nord or code eq c)", {b}),
        ("not (not (performer:Organization.name co nord))", {a}),
        ('performer:Organization.name eq "etoile du nord"', {a}),
        ('performer:Organization.name eq "etoile"', set()),
        ("performer:Organization.name ew nord", {a}), ("performer:Organization.name ew Étoile", set()),
        ('value-string ew "ou"', {c}), ('value-string co ", o"', {c}),
        ("date po 2020", {a}), ("date po 2020-05-01T10:00:00Z", {a}), ("date po 2021", set()),
        ("code eq a or _has:Observation:has-member:code eq g", {a, b}),
        ("not (_has:Observation:has-member:code eq g)", {a, c}),
        ("code ne c and not (_has:Observation:has-member:code eq zz or status eq amended)", {a}),
        ("_has:Observation:has-member:value-string sw rien", set()),
        ("((code eq a))", {a}), ('code eq "a\\\\"', set()),
    ]:  # fmt: skip
        found = await ids(space, f"Observation?_filter={quote(text)}&_id={','.join(made)}")
        assert set(found) == expected, text
    both = await ids(
        space, f"Observation?_filter={quote('code ne a')}&status=amended&_id={','.join(made)}"
    )
    assert both == [b]


async def test_what_is_no_filter_is_refused(space: Space) -> None:
    for text, code in [
        ("code", "invalid"), ("code eq", "invalid"), ("(code eq a", "invalid"), ("code eq a)", "invalid"),
        ("code eq a code eq b", "invalid"), ("and", "invalid"), ("not code eq a", "invalid"),
        ("no-such eq a", "not-supported"), ("code zz a", "invalid"), ("code sw a", "not-supported"),
        ("code pr maybe", "invalid"),
        ("(" * 99 + "code eq a" + ")" * 99, "invalid"), ('code eq "a', "invalid"),
        ("value-quantity eq many", "invalid"),
        ("code[status eq final].code eq a", "not-supported"),
        ("has-member[status eq final]", "invalid"), ("has-member[].code eq a", "invalid"),
        ("has-member[status eq final.code eq a", "invalid"), ("[a eq b].code eq a", "invalid"),
        ("has-member[a eq b]code eq a", "invalid"), ("has-member[no-such eq 1].code eq a", "not-supported"),
        ("has-member:Observation[" * 5 + "code eq a" + "].code eq a" * 5, "too-costly"),
        ("code:not eq a", "not-supported"), ("date ew 2020", "not-supported"),
        ("_has:Observation eq a", "invalid"), ("_has:Nothing:subject:code eq a", "invalid"),
        (" or ".join(["code eq a"] * 61), "invalid"),
    ]:  # fmt: skip
        answer = await space.get(f"Observation?_filter={quote(text)}", as_=LAB)
        status = 403 if code == "too-costly" else 400
        assert (answer.status, answer.json["issue"][0]["code"]) == (status, code), answer.body


async def test_what_is_in_brackets_is_of_the_same_resource_as_what_follows(space: Space) -> None:
    """Two members that have one thing each are not one that has both."""
    someone = f"Patient/{space.patient_id()}"
    parts = [("a", "final"), ("b", "amended"), ("a", "amended")]
    one, two, both = await make(
        space, *(observation(someone, code=of(code), status=status) for code, status in parts)
    )
    groups = [[one, two], [both], [one], [two, both]]
    made = await make(
        space,
        *(
            observation(someone, hasMember=[{"reference": f"Observation/{id}"} for id in group])
            for group in groups
        ),
    )
    of_parts = dict(zip((one, two, both), parts, strict=True))

    def having(code: str, status: str) -> set[str]:
        found = zip(made, groups, strict=True)
        return {id for id, group in found if any(of_parts[n] == (code, status) for n in group)}

    for text, expected in [
        ("has-member:Observation[status eq amended].code eq a", having("a", "amended")),
        ("has-member:Observation[code eq a].status eq final", having("a", "final")),
        ("has-member:Observation[code eq a and not (status eq final)].date pr true", set()),
        ("has-member:Observation[code eq b or status eq final].code eq b", having("b", "amended")),
        ("not (has-member:Observation[code eq a].status eq amended)",
         set(made) - having("a", "amended")),
        ("has-member:Observation[code eq a].status eq final or has-member:Observation.code eq b",
         having("a", "final") | having("b", "amended")),
        ('has-member:Observation[code eq "]"].status eq final', set()),
        ("has-member[code eq a].status eq final", having("a", "final")),
    ]:  # fmt: skip
        found = await ids(space, f"Observation?_filter={quote(text)}&_id={','.join(made)}")
        assert set(found) == expected, text


async def test_a_compartment_is_what_is_about_somebody(space: Space) -> None:
    one, other = f"Patient/{space.patient_id()}", f"Patient/{space.patient_id('husband')}"
    mine, theirs, said = await make(
        space,
        observation(one),
        observation(other),
        observation(one, performer=[{"reference": one}], code=of("z")),
    )
    them = f"_id={mine},{theirs},{said}"
    assert set(await ids(space, f"{one}/Observation?{them}")) == {mine, said}
    assert await ids(space, f"{one}/Observation?{them}&code=z") == [said]
    assert await ids(space, f"{other}/Observation?{them}") == [theirs]
    assert await ids(space, f"{one}/Observation?{them}", as_="outsider") == []
    assert await ids(space, f"{one}/Observation?{them}", as_=HOSPITAL) == []
    page = (await space.get(f"{one}/Observation?{them}&_count=1", as_=LAB)).json
    links = {link["relation"]: link["url"] for link in page["link"]}
    assert all(f"/fhir/{one}/Observation?" in url for url in links.values())
    after = await ids(space, links["next"].partition("/fhir/")[2])
    assert {page["entry"][0]["resource"]["id"], *after} == {mine, said}
    for address in (f"{one}/Organization", "Nothing/1/Observation", f"{one}/Nothing"):
        assert (await space.get(address, as_=LAB)).status == 404


async def test_a_compartment_is_told_like_the_search_it_is(space: Space) -> None:
    """Who reads a compartment leaves the line that a search by its patient leaves."""
    one = space.patient_id()
    count = "SELECT count(*) FROM access.audit"
    (before,) = (await space.rows(count))[0]
    assert (await space.get(f"Patient/{one}/Observation", as_="gp")).status == 200
    (after,) = (await space.rows(count))[0]
    assert after == before + 1


def place(latitude: float, longitude: float) -> Json:
    return {"resourceType": "Location", "position": {"latitude": latitude, "longitude": longitude}}


async def test_places_are_found_by_how_far_they_are(space: Space) -> None:
    paris, versailles, lyon, west, east, nowhere = await make(
        space, place(48.8566, 2.3522), place(48.8049, 2.1204), place(45.7640, 4.8357),
        place(0, -179.99), place(0, 179.99), {"resourceType": "Location", "name": "x"},
    )  # fmt: skip
    them = f"_id={paris},{versailles},{lyon},{west},{east},{nowhere}"
    for query, expected in [
        ("48.8566|2.3522|10|km", {paris}), ("48.8566|2.3522", {paris, versailles}),
        ("48.8566|2.3522|17", {paris}), ("48.8566|2.3522|18", {paris, versailles}),
        ("48.8566|2.3522|18000|m", {paris, versailles}),
        ("48.8566|2.3522|300|[mi_i]", {paris, versailles, lyon}),
        ("45.764|4.8357|1,48.8049|2.1204|1", {lyon, versailles}), ("0|180|3", {west, east}),
        ("90|0|1", set()),
    ]:  # fmt: skip
        assert set(await ids(space, f"Location?near={quote(query)}&{them}")) == expected, query
    assert await ids(space, f"Location?near:missing=true&{them}") == [nowhere]
    for wrong in ("48", "91|0", "0|181", "a|b", "1|2|x", "1|2|3|kg", "1|2|3|km|4"):
        answer = await space.get(f"Location?near={quote(wrong)}", as_=LAB)
        assert (answer.status, answer.json["issue"][0]["code"]) == (400, "invalid"), wrong


async def test_addresses_are_found_from_above_and_from_below(space: Space) -> None:
    made = {}
    for url in ("https://a.b/x", "https://a.b/x/y", "https://a.b/xy", "urn:a:b"):
        (made[url],) = await make(
            space, {"resourceType": "Questionnaire", "status": "draft", "url": url}
        )
    them = f"_id={','.join(made.values())}"
    for query, expected in [
        ("url:below=https://a.b/x", {"https://a.b/x", "https://a.b/x/y"}),
        ("url:below=https://a.b/x/", {"https://a.b/x", "https://a.b/x/y"}),
        ("url:below=https://a.b", {"https://a.b/x", "https://a.b/x/y", "https://a.b/xy"}),
        ("url:above=https://a.b/x/y/z", {"https://a.b/x", "https://a.b/x/y"}),
        ("url:above=https://a.b", set()), ("url:below=urn:a:b", {"urn:a:b"}), ("url:below=urn:a", set()),
    ]:  # fmt: skip
        found = await ids(space, f"Questionnaire?{quote(query, safe='=:')}&{them}")
        assert {url for url, id in made.items() if id in found} == expected, query


async def test_codes_are_those_a_terminology_says(space: Space) -> None:
    """What a value set or a hierarchy holds is asked of it, through chains too."""

    class Tree:
        async def members(self, conn: Any, url: str, *, most: int = 0) -> list[tuple[str, str]]:
            return [("urn:c", "a"), ("urn:c", "b")] if url == "urn:vs" else []

        async def below(self, conn: Any, system: str, code: str) -> list[str]:
            return [code, "b"] if code == "a" else [code]

        async def above(self, conn: Any, system: str, code: str) -> list[str]:
            return [code, "a"] if code == "b" else [code]

    object.__setattr__(space.built.door, "codes", Tree())
    someone = f"Patient/{space.patient_id()}"
    made = a, b, c = await make(space, *(observation(someone, code=of(each)) for each in "abc"))
    (group,) = await make(
        space, observation(someone, code=of("g"), hasMember=[{"reference": f"Observation/{b}"}])
    )
    them = f"_id={','.join([*made, group])}"
    for query, expected in [
        ("code:in=urn:vs", {a, b}), ("code:not-in=urn:vs", {c, group}), ("code:in=urn:empty", set()),
        ("code:below=urn:c|a", {a, b}), ("code:below=urn:c|b", {b}), ("code:above=urn:c|b", {a, b}),
        ("code:above=urn:c|a", {a}), ("has-member:Observation.code:in=urn:vs", {group}),
        ("has-member:Observation.code:below=urn:c|c", set()),
        ("_has:Observation:has-member:code:not-in=urn:vs", {b}),
    ]:  # fmt: skip
        found = await ids(space, f"Observation?{quote(query, safe='=:')}&{them}")
        assert set(found) == expected, query
    wrong = await space.get("Observation?code:below=a", as_=LAB)
    assert (wrong.status, wrong.json["issue"][0]["code"]) == (400, "invalid")


async def test_a_value_set_that_nobody_brought_is_not_found(space: Space) -> None:
    answer = await space.get("Observation?code:in=urn:no-such", as_=LAB)
    assert (answer.status, answer.json["issue"][0]["code"]) == (404, "not-found")
