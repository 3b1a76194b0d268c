# SPDX-License-Identifier: EUPL-1.2
"""Words that follow one another: found by their numbers, or in the text where those do not say."""

import itertools

import pytest

from carnet.documents.pages import Asked
from carnet.documents.text import find, index, pairs, words
from carnet.documents.text.matching import Found
from tests.documents.text.test_find import ids, looked, note
from tests.space import Space

pytestmark = pytest.mark.anyio


async def three(space: Space) -> tuple[str, str, str]:
    """One text that says two phrases, one their words apart, one a phrase of the other order."""
    return (
        await note(space, "Kiwi : bilan rénal normal ce jour.", title="Un"),
        await note(space, "Kiwi : bilan du foie, rénal ensuite, jour normal ce mois.", title="Deux"),
        await note(space, "Kiwi : rénal, bilan ; normal ce soir. Un bilan rénal normal.", title="Trois"),
    )  # fmt: skip


ASKED = [
    ('kiwi "bilan rénal"', {0, 2}),
    ('kiwi "BILAN RENAL"', {0, 2}),
    ('kiwi "rénal bilan"', {2}),
    ('kiwi -"bilan rénal"', {1}),
    ('kiwi "bilan rénal normal"', {0, 2}),
    ('kiwi "rénal normal ce jour"', {0}),
    ('kiwi -"normal ce jour"', {1, 2}),
    ('kiwi "normal ce jour" -"du foie"', {0}),
    ('kiwi "rénal"', {0, 1, 2}),
    ('kiwi "rénale"', set()),
    ("kiwi -bila*", set()),
]


@pytest.mark.parametrize("way", ["numbers", "older", "long", "page"])
async def test_a_phrase_is_found_whatever_is_kept_of_it(
    space: Space, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By pairs; where an older version kept none; in a text too long for them; page by page."""
    if way == "long":
        monkeypatch.setattr(pairs, "MOST", 2)
    if way == "page":
        monkeypatch.setattr(find, "CHECKED", -1)
    every = await three(space)
    if way == "older":
        await space.rows("DELETE FROM documents.pairs")
        await space.rows("UPDATE documents.words SET paired = NULL, type = NULL, authors = '{}'")
    for typed, expected in ASKED:
        found = await looked(space, typed)
        assert set(ids(found)) == {every[at] for at in expected}, typed
        if way != "page":
            assert (found.total, found.most) == (len(expected), False), typed
            for facets in (found.kinds, found.years, found.places):
                assert sum(each.count for each in facets) == found.total


async def test_two_words_together_are_told_without_opening_a_text_that_has_them_apart(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _, three_ = await three(space)
    opened: list[Found] = []
    real = find._Texts.of

    async def of(self: find._Texts, found: list[Found]) -> object:
        some = list(found)
        opened.extend(some)
        return await real(self, some)

    monkeypatch.setattr(find._Texts, "of", of)
    assert set(ids(await looked(space, 'kiwi "bilan rénal"'))) == {one, three_}
    assert {space.built.door.ids.encode(*each.place) for each in opened} == {one, three_}


async def test_what_an_older_version_kept_is_made_again(space: Space) -> None:
    (one, *_) = await three(space)
    await space.rows("UPDATE documents.words SET paired = NULL, type = NULL, authors = '{}'")
    await space.rows("DELETE FROM documents.pairs")
    assert await index.rebuild(space.built.door) > 2
    assert not await space.rows("SELECT 1 FROM documents.words WHERE paired IS NULL")
    place = space.built.door.ids.decode(one)
    assert place is not None
    assert await space.rows("SELECT 1 FROM documents.pairs WHERE rid = %s", place[1])
    assert (await looked(space, "kiwi")).authors
    assert await index.rebuild(space.built.door) == 0


async def test_pages_of_what_is_in_doubt_give_each_answer_once(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "PAGE", 2)
    monkeypatch.setattr(find, "STEP", 1)
    for checked, opened in itertools.product((-1, 300), (1, 3, 1000)):
        monkeypatch.setattr(find, "CHECKED", checked)
        monkeypatch.setattr(find, "OPENED", opened)
        made = {
            await note(space, f"Serval {checked} {opened} du nord {n}.", title=f"N° {n}")
            for n in range(5)
        }
        for n in range(3):
            await note(space, f"Nord du serval {checked} {opened}, {n}.", title=f"Rien {n}")
        seen: list[str] = []
        asked = Asked()
        for _ in range(12):
            found = await looked(space, f'"serval {checked} {opened} du nord"', asked=asked)
            seen += ids(found)
            if not found.older:
                break
            asked = Asked(after=found.older)
        assert sorted(seen) == sorted(made), (checked, opened)


@pytest.mark.parametrize(
    ("typed", "said", "found"),
    [
        ("1,2 g/L", "Créatinine 1.2 g/l", True),
        ("1.2", "Créatinine : 1,2 g/L.", True),
        ("1,2", "Créatinine : 1,25 g/L.", False),
        ('"1,2 g/L"', "à 1,2 g/L ce jour", True),
        ('"2 g/L"', "à 1,2 g/L ce jour", False),
        ("12/03/2024", "le 12.03.2024", True),
        ("12/03/2024", "le 12 mars 2024", True),
        ("12/3/2024", "2024-03-12", True),
        ("12/03/2024", "12 le 03 de 2024", False),
        ("01/02/2024", "le 1er février 2024", True),
        ("99/99/2024", "12 mars 2024", False),
        ("anti-inflammatoire", "un anti inflammatoire", True),
        ('"anti-inflammatoire"', "Anti-Inflammatoires", False),
        ('"l’oedème d’APNÉE"', "L'œdème d'apnée", True),
        ("ﬁbrose", "Fibroses", True),
        ("lipoïdose", "LIPOIDOSE", True),
    ],
)
async def test_numbers_days_hyphens_and_apostrophes(
    space: Space, typed: str, said: str, found: bool
) -> None:
    one = await note(space, f"Zebu. {said}")
    assert ids(await looked(space, f"zebu {typed}")) == ([one] if found else [])


async def test_pairs_of_two_records_share_no_number(space: Space) -> None:
    hasher = space.built.door.hasher
    said = words.sequence("Le bilan rénal est normal, le bilan rénal suit")
    one, other = pairs.numbers(hasher, 1, said), pairs.numbers(hasher, 2, said)
    assert len(one) == len(set(itertools.pairwise(said)))
    assert one == sorted(one)
    assert not set(one) & set(other)
    assert pairs.numbers(hasher, 1, said[:1]) == []
    assert set(pairs.numbers(hasher, 1, ["bilan", "renal"])) <= set(one)
    assert not set(pairs.numbers(hasher, 1, ["renal", "bilan"])) & set(one)


async def test_the_type_of_a_document_is_beside_its_words_and_else_looked_for(space: Space) -> None:
    """The same facets from either; a document of no listed type counts as one of none."""
    await three(space)
    kept = (await looked(space, "kiwi")).kinds
    assert sum(each.count for each in kept) == 3
    assert not await space.rows("SELECT 1 FROM documents.words WHERE type IS NULL OR type = 0")
    await space.rows("UPDATE documents.words SET type = NULL")
    assert (await looked(space, "kiwi")).kinds == kept
    await space.rows("UPDATE documents.words SET type = 0")
    assert (await looked(space, "kiwi")).kinds != kept
    await space.rows("UPDATE documents.words SET type = NULL")
    assert await index.rebuild(space.built.door) > 2
    assert (await looked(space, "kiwi")).kinds == kept
