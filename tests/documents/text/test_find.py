# SPDX-License-Identifier: EUPL-1.2
"""Full text through the door: what is found, by whom, how it is shown, and what is kept of it."""

import base64
import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from carnet.access.door import Nothing
from carnet.documents import consult
from carnet.documents.pages import Asked, DocumentList
from carnet.documents.text import asking, find, index
from carnet.documents.text.pages import Results
from tests.documents.files import samples
from tests.documents.lots import mask, metadata
from tests.space import Space

pytestmark = pytest.mark.anyio


async def note(
    space: Space,
    said: str | bytes,
    *,
    title: str = "Note",
    media: str = "text/plain",
    by: str = "biologist",
    **more: Any,
) -> str:
    """Deposit words as a document; its id."""
    data = said.encode() if isinstance(said, str) else said
    content = [{"attachment": {"contentType": media, "title": title,
                               "data": base64.b64encode(data).decode()}}]  # fmt: skip
    given = metadata(data, content=content, **{"description": None, **more})
    answer = await space.post("DocumentReference", given, as_=by)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


async def looked(
    space: Space, typed: str, persona: str = "gp", asked: Asked | None = None
) -> Results:
    return await find.find(await space.visit(persona), space.patient_id(), typed, asked)


async def listed(space: Space, persona: str) -> DocumentList:
    return await consult.documents(await space.visit(persona), space.patient_id())


def ids(found: Results) -> Sequence[str]:
    return [each.line.id for each in found.hits]


async def test_words_phrases_refusals_and_beginnings(space: Space) -> None:
    one = await note(space, "Zygomatiques opérés. Le bilan rénal est normal.", title="Un")
    two = await note(space, "Zygomatique intact ; bilan du rein, puis rénal.", title="Deux")
    assert set(ids(await looked(space, "ZYGOMATIQUE"))) == {one, two}
    assert ids(await looked(space, "zygomatique operee")) == [one]
    assert ids(await looked(space, 'zygomatiques "bilan rénal"')) == [one]
    assert ids(await looked(space, 'zygomatiques -"bilan rénal"')) == [two]
    assert ids(await looked(space, "zygomatiques -intacts")) == [one]
    assert set(ids(await looked(space, "zygom*"))) == {one, two}
    assert set(ids(await looked(space, "zygomati*"))) == {one, two}
    assert ids(await looked(space, "zygomatop*")) == []
    assert ids(await looked(space, "zygomatique -zygo*")) == []


async def test_an_acronym_finds_what_it_means(space: Space) -> None:
    one = await note(space, "Antécédent : hypertension artérielle. Xylophone.")
    two = await note(space, "HTA traitée. Xylophones.")
    assert set(ids(await looked(space, "xylophone hta"))) == {one, two}
    assert set(ids(await looked(space, "xylophone hypertension artérielle"))) == {one, two}


async def test_titles_come_before_what_is_inside(space: Space) -> None:
    inside = await note(space, "Un wapiti.", title="Plus récent", date="2026-11-21T12:00:00Z")
    named = await note(space, "Rien.", title="Le wapiti", date="2020-01-01T12:00:00Z")
    found = await looked(space, "wapitis")
    assert ids(found) == [named, inside]
    assert [each.where for each in found.hits] == ["title", "body"]
    assert found.total == 2


async def test_a_snippet_marks_the_words_and_holds_no_markup(space: Space) -> None:
    await note(space, "Avant <script>alert(1)</script> le quokka & ses quokkas.")
    (hit,) = (await looked(space, "quokka")).hits
    assert [each.text for each in hit.snippet if each.marked] == ["quokka", "quokkas"]
    assert "<script>" in "".join(each.text for each in hit.snippet)  # text, which the page escapes


async def test_pages_give_each_answer_once(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "PAGE", 2)
    made = {await note(space, f"Un fennec, {n}.", title=f"N° {n}") for n in range(3)}
    made |= {await note(space, f"Rien, {n}.", title=f"Fennec {n}") for n in range(2)}
    for typed in ("fennec", '"fennec"'):
        seen: list[str] = []
        asked = Asked()
        while True:
            found = await looked(space, typed, asked=asked)
            seen += ids(found)
            if not found.older:
                break
            asked = Asked(after=found.older)
        assert len(seen) == 5
        assert set(seen) == made


async def test_what_is_hidden_is_in_no_answer_count_or_choice(space: Space) -> None:
    hidden = await note(
        space, "Un okapi et un secret.", title="Tu", securityLabel=[mask("MASQUE_PS")]
    )
    seen = await note(space, "Un okapi.", title="Vu")
    own = await looked(space, "okapi", "patient")
    assert set(ids(own)) == {hidden, seen}
    for persona in ("pharmacist", "nurse"):
        reads = seen in [each.id for each in (await listed(space, persona)).lines]
        for typed in ("okapi", '"un okapi"', "oka*"):
            other = await looked(space, typed, persona)
            assert ids(other) == ([seen] if reads else [])
            assert other.total == len(other.hits)
            for facets in (other.kinds, other.years, other.places):
                assert sum(each.count for each in facets) == other.total
            said = "".join(piece.text for hit in other.hits for piece in hit.snippet)
            assert "secret" not in said
        assert (await looked(space, "secret", persona)) == Results("secret")
    assert seen in ids(await looked(space, "okapi", "pharmacist"))  # one of them reads it


@pytest.mark.parametrize("persona", ["outsider", "blocked", "operator"])
async def test_a_record_that_is_absent_answers_nothing(space: Space, persona: str) -> None:
    with pytest.raises(Nothing):
        await looked(space, "bilan", persona)


async def test_a_pdf_is_found_once_a_worker_has_read_it(space: Space) -> None:
    door = space.built.door
    await space.rows("DELETE FROM documents.to_read")  # those of the population
    one = await note(space, samples.pdf(), media="application/pdf", title="N")
    asked = '"du 12 mars, page 1"'
    assert one not in ids(await looked(space, asked))
    assert await index.backlog(door) == 1
    assert await index.drain(door) == 1
    assert one in ids(await looked(space, asked))
    assert await index.backlog(door) == 0


async def test_nothing_readable_rests_and_two_records_share_no_number(space: Space) -> None:
    one = await note(space, "Un pangolin.")
    async with await psycopg.AsyncConnection.connect(space.admin_url) as conn:
        rows = await (await conn.execute("SELECT body FROM documents.said")).fetchall()
        assert rows
        assert not any(b"pangolin" in bytes(row[0]) for row in rows)
    door = space.built.door
    place = door.ids.decode(one)
    assert place is not None
    from carnet.documents.text.queries import hashed

    assert hashed(door.hasher, place[0], "pangolin") != hashed(door.hasher, 1, "pangolin")


async def test_the_index_is_made_again_from_the_record(space: Space) -> None:
    one = await note(space, "Un tamanoir.")
    place = space.built.door.ids.decode(one)
    assert place is not None
    for table in ("words", "said", "same"):
        await space.rows(f"DELETE FROM documents.{table} WHERE rid = %s", place[1])
    assert (await looked(space, "tamanoir")).total == 0
    assert await index.rebuild(space.built.door) == 1
    assert ids(await looked(space, "tamanoir")) == [one]
    assert await space.rows("SELECT 1 FROM documents.same WHERE rid = %s", place[1])
    assert await index.rebuild(space.built.door) == 0


async def test_a_deleted_document_keeps_no_words(space: Space) -> None:
    one = await note(space, "Un axolotl.", by="lab-software")
    answer = await space.call("DELETE", f"DocumentReference/{one}", as_="lab-software")
    assert answer.status in (200, 204), answer.body
    place = space.built.door.ids.decode(one)
    assert place is not None
    async with await psycopg.AsyncConnection.connect(space.admin_url) as conn:
        for table in ("words", "said", "same", "to_read"):
            asked = f"SELECT 1 FROM documents.{table} WHERE rid = %s"
            rows = await conn.execute(asked.encode(), (place[1],))
            assert await rows.fetchone() is None, table
    assert (await looked(space, "axolotl")).total == 0


@pytest.mark.parametrize("after", ["x", "9.abc", "0.zz", "-1."])
async def test_a_page_that_does_not_exist_is_said(space: Space, after: str) -> None:
    from carnet import errors

    with pytest.raises(errors.CarnetError):
        await looked(space, "bilan", asked=Asked(after=after))


async def test_hostile_words_are_harmless(space: Space) -> None:
    for typed in ("(a+)+$ [z", "\u202eabc", "a' OR 1=1 --", "a\0b", "x*" * 3 + "y"):
        with contextlib.suppress(asking.ShortBeginning):
            await looked(space, typed)
