# SPDX-License-Identifier: EUPL-1.2
"""What a value set has: every way of composing one, pages, filters, languages."""

from datetime import datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from carnet import errors
from carnet.fhir.terminology import Terms
from carnet.fhir.terminology.compose import sent
from carnet.fhir.terminology.expand import Expansion, expand
from carnet.fhir.terminology.refusals import Circular, NotListed, UnknownSystem, UnknownValueSet
from tests.fhir.terminology.conftest import AT
from tests.fhir.terminology.herbs import ALL, HERBS, SET, SETS, Json, filtered, value_set

pytestmark = pytest.mark.anyio
Conn = AsyncConnection[Any]


async def codes(terms: Terms, conn: Conn, of: Any, at: datetime = AT, **asked: Any) -> list[str]:
    """The codes of an expansion, whose total is theirs when it is whole."""
    found = (await expand(terms, conn, of, Expansion(**asked), at))["expansion"]
    listed = [each["code"] for each in found.get("contains", [])]
    if not asked.get("offset") and asked.get("count") is None:
        assert found["total"] == len(listed)
    return listed


@pytest.mark.parametrize(
    ("made", "has"), SETS, ids=[made["url"].removeprefix(SET) for made, _ in SETS]
)
async def test_a_value_set_has_what_it_is_composed_of(
    terms: Terms, conn: Conn, made: Json, has: list[str]
) -> None:
    """Stored and asked by its address, or sent with the request: the same codes, in the same order."""
    assert await codes(terms, conn, made["url"]) == has
    assert await codes(terms, conn, sent(made)) == has
    assert await terms.members(conn, made["url"]) == [(HERBS, code) for code in has]


@pytest.mark.parametrize(
    ("made", "has"), SETS, ids=[made["url"].removeprefix(SET) for made, _ in SETS]
)
async def test_membership_says_the_same_as_the_list(
    terms: Terms, conn: Conn, made: Json, has: list[str]
) -> None:
    """Code by code, through the statement that looks for one alone."""
    for code in [*ALL, "inconnue", "nulle-part"]:
        assert await terms.contains(conn, made["url"], HERBS, code) is (code in has), code
        assert await terms.contains(conn, made["url"], None, code) is (code in has), code
        assert await terms.contains(conn, made["url"], "urn:oid:2.999.1", code) is (code in has), (
            code
        )
        assert await terms.contains(conn, made["url"], "urn:carnet:test:autre", code) is False


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("menth", ["menthe", "menthe-p", "menthe-v"]),
        ("MENTHE poiv", ["menthe-p"]),
        ("poivree", ["menthe-p"]),
        ("bruLANTE", ["ortie"]),
        ("peppermint", ["menthe-p"]),
        ("oeillet", ["fenouil"]),
        ("enthe", []),
        ("' | & !", []),
        ("hyso", ["hysope"]),
    ],
)
async def test_a_filter_finds_beginnings_of_words(
    terms: Terms, conn: Conn, text: str, found: list[str]
) -> None:
    """Of codes, displays and designations, whatever the case and the accents."""
    assert await codes(terms, conn, SET + "entier", filter=text) == found
    assert await codes(terms, conn, SET + "toutes", filter=text) == found


async def test_a_filter_finds_the_label_a_value_set_gives(terms: Terms, conn: Conn) -> None:
    assert await codes(terms, conn, SET + "liste", filter="farig") == ["thym"]
    assert await codes(terms, conn, SET + "union", filter="ailleurs") == ["inconnue"]


async def test_what_is_retired_or_not_to_be_chosen_can_be_left_out(
    terms: Terms, conn: Conn
) -> None:
    assert "hysope" not in await codes(terms, conn, SET + "entier", active=True)
    assert "hysope" not in await codes(terms, conn, SET + "importe", active=True)
    assert "lam" not in await codes(terms, conn, SET + "entier", selectable=True)
    assert await codes(terms, conn, SET + "entier", without=frozenset((HERBS,))) == []


@pytest.mark.parametrize("count", [1, 3, 8, 100])
async def test_pages_put_together_are_the_whole(terms: Terms, conn: Conn, count: int) -> None:
    """Each code once, the total the same on every page, the identifier too."""
    for name in ("entier", "union", "moins-importe"):
        whole = await codes(terms, conn, SET + name)
        seen: list[str] = []
        totals, names = set(), set()
        for offset in range(0, len(whole) + count, count):
            asked = Expansion(offset=offset, count=count)
            found = (await expand(terms, conn, SET + name, asked, AT))["expansion"]
            page = [each["code"] for each in found.get("contains", [])]
            assert len(page) <= count
            seen += page
            totals.add(found["total"])
            names.add(found["identifier"])
        assert seen == whole
        assert totals == {len(whole)}
        assert len(names) == 1


async def test_a_count_of_nothing_gives_the_total(terms: Terms, conn: Conn) -> None:
    for _ in range(2):  # the second time it is remembered
        found = (await expand(terms, conn, SET + "union", Expansion(count=0), AT))["expansion"]
        assert found["total"] == 4
        assert "contains" not in found


async def test_a_label_is_in_the_language_asked_for(terms: Terms, conn: Conn) -> None:
    """A value set's own label first, then the system's; the other labels are told when asked."""

    async def shown(name: str, **asked: Any) -> dict[str, str]:
        found = await expand(terms, conn, SET + name, Expansion(**asked), AT)
        return {each["code"]: each["display"] for each in found["expansion"]["contains"]}

    assert (await shown("entier"))["menthe"] == "Menthe"
    assert (await shown("entier", language="en-GB"))["menthe"] == "Mint"
    assert (await shown("entier", language="de, en;q=0.5"))["menthe"] == "Mint"
    assert (await shown("entier", language="de"))["menthe"] == "Menthe"
    assert (await shown("liste"))["thym"] == "Farigoule"
    assert (await shown("liste", language="en"))["ortie"] == "Nettle"
    found = await expand(terms, conn, SET + "is-a", Expansion(designations=True, language="en"), AT)
    first = found["expansion"]["contains"][0]
    assert first["display"] == "Mint"
    assert first["designation"] == [{"language": "fr", "value": "Menthe"}]


async def test_what_is_not_known_is_not_found_however_it_is_asked(terms: Terms, conn: Conn) -> None:
    """Named, imported, or by another version: one answer."""
    for url in (SET + "nulle-part", SET + "manque", SET + "entier|9", ""):
        with pytest.raises(UnknownValueSet) as refused:
            await codes(terms, conn, url)
        assert refused.value.status == 404
        with pytest.raises(UnknownValueSet):
            await terms.contains(conn, url, HERBS, "thym")
        with pytest.raises(UnknownValueSet):
            await terms.members(conn, url)
    with pytest.raises(UnknownSystem) as missing:
        await codes(terms, conn, SET + "systeme-absent")
    assert missing.value.status == 404


async def test_a_code_of_a_system_nobody_loaded_is_not_told_of(terms: Terms, conn: Conn) -> None:
    url = SET + "systeme-absent"
    assert await terms.contains(conn, url, "urn:carnet:test:absent", "x") is None
    assert await terms.contains(conn, url, HERBS, "thym") is True
    assert await terms.contains(conn, url, HERBS, "x") is False
    assert await terms.contains(conn, url, None, "x") is None


async def test_units_are_told_one_by_one_and_never_listed(terms: Terms, conn: Conn) -> None:
    url, ucum = SET + "unites", "http://unitsofmeasure.org"
    assert await terms.contains(conn, url, ucum, "mm[Hg]") is True
    assert await terms.contains(conn, url, ucum, "mmHg!") is False
    assert await terms.contains(conn, url, HERBS, "thym") is True
    with pytest.raises(NotListed):
        await codes(terms, conn, url)


async def test_value_sets_that_include_each_other_are_refused(terms: Terms, conn: Conn) -> None:
    with pytest.raises(Circular):
        await codes(terms, conn, SET + "cercle")


async def test_too_many_codes_are_asked_for_by_pages(terms: Terms, conn: Conn) -> None:
    with pytest.raises(errors.TooCostly):
        await terms.members(conn, SET + "entier", most=3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"include": [{"concept": [{"code": "x"}]}]},
        {"include": [{"system": HERBS, "concept": [{}]}]},
        {"include": [filtered("place", "similar", "x")]},
        {"include": [filtered("place", "exists", "yes")]},
        {"include": [filtered("code", "regex", "x" * 300)]},
        {"include": [filtered("code", "=", "x", concept=[{"code": "y"}])]},
        {"include": ["x"]},
        {"include": [{"system": HERBS}] * 600},
    ],
)
async def test_a_compose_that_means_nothing_is_refused(wrong: Json) -> None:
    with pytest.raises(errors.Invalid):
        sent(value_set("x") | {"compose": wrong})


async def test_hl7_value_sets_are_there(terms: Terms, conn: Conn) -> None:
    """Whole systems, lists and hierarchies of R4 itself."""
    hl7 = "http://hl7.org/fhir/ValueSet/"
    assert (
        await codes(terms, conn, hl7 + "administrative-gender")
        == "male female other unknown".split()
    )
    encounter = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    classes = "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode"
    assert await terms.contains(conn, classes, encounter, "AMB") is True
    assert await terms.contains(conn, classes, encounter, "OBS") is False
    assert await terms.contains(conn, classes, "urn:oid:2.16.840.1.113883.5.4", "AMB") is True
    assert await terms.contains(conn, hl7 + "all-languages", "urn:ietf:bcp:47", "fr-FR") is True
    assert "ACUTE" in await terms.below(conn, encounter, "IMP")
    assert "IMP" in await terms.above(conn, encounter, "ACUTE")
