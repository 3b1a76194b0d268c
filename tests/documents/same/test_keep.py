# SPDX-License-Identifier: EUPL-1.2
"""Documents that are one, through the door: shown once with their sources, by what each viewer sees."""

import base64
from typing import Any

import pytest

from carnet.documents import consult
from carnet.documents.consult import listing
from carnet.documents.pages import DocumentLine
from carnet.documents.text import find
from tests.documents.lots import document_of, fresh, lot, mask, metadata
from tests.space import Space

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """One page holds the record."""
    monkeypatch.setattr(listing, "PAGE", 1_000)


async def paper(space: Space, data: bytes, *, by: str = "biologist", **more: Any) -> str:
    """Deposit a printed document; its id."""
    content = [{"attachment": {"contentType": "text/plain", "title": more.pop("title", "Note"),
                               "data": base64.b64encode(data).decode()}}]  # fmt: skip
    answer = await space.post("DocumentReference", metadata(data, content=content, **more), as_=by)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


async def shown(space: Space, persona: str = "patient") -> dict[str, DocumentLine]:
    found = await consult.documents(await space.visit(persona), space.patient_id())
    assert found.total == len(found.lines)
    assert sum(each.count for each in found.kinds) == found.total
    return {each.id: each for each in found.lines}


def ids(lines: tuple[DocumentLine, ...]) -> list[str]:
    return [each.id for each in lines]


async def test_the_same_bytes_from_two_are_shown_once_with_both(space: Space) -> None:
    before = await shown(space)
    one = await paper(space, b"Le meme compte rendu")
    two = await paper(space, b"Le meme compte rendu", by="gp", title="Autre titre")
    other = await paper(space, b"Un autre")
    lines = await shown(space)
    assert lines.keys() - before.keys() == {one, other}
    assert ids(lines[one].copies) == [two]
    assert not lines[other].copies
    assert not lines[one].unlike


async def test_the_number_of_an_order_tells_the_printed_report_of_a_structured_one(
    space: Space,
) -> None:
    sent = await space.post("", lot(fresh(minutes=1).xml), as_="lab-software")
    structured = document_of(sent).split("/")[1]
    read = (await space.get(f"DocumentReference/{structured}", as_="patient")).json
    number = read["masterIdentifier"]
    printed = await paper(space, b"imprime", by="gp", masterIdentifier=number)
    twice = await paper(space, b"autre impression", by="pharmacist", masterIdentifier=number)
    lines = await shown(space)
    assert ids(lines[structured].copies) == [printed]
    assert twice in lines  # two prints that differ and that nobody read
    assert {each.id for each in lines[twice].unlike} == {structured, printed}


async def test_a_hidden_copy_tells_nothing_of_itself(space: Space) -> None:
    """Nor by a number of sources, nor by the document that stays when the other is hidden."""
    alone = await paper(space, b"Un seul vu", by="biologist", title="Vu")
    before = await shown(space, "pharmacist")
    hidden = await paper(
        space, b"Un seul vu", by="gp", title="Tu", securityLabel=[mask("MASQUE_PS")]
    )
    assert ids((await shown(space))[alone].copies) == [hidden]
    after = await shown(space, "pharmacist")
    assert after == before


async def test_a_replaced_document_is_a_version_and_no_copy(space: Space) -> None:
    one = await paper(space, b"Premiere", by="lab-software")
    two = await paper(
        space,
        b"Seconde",
        by="lab-software",
        relatesTo=[{"code": "replaces", "target": {"reference": f"DocumentReference/{one}"}}],
    )
    lines = await shown(space)
    assert {one, two} <= lines.keys()
    assert not lines[one].copies + lines[two].copies + lines[two].unlike


async def test_a_search_gives_the_document_once_by_the_copy_that_says_the_words(
    space: Space,
) -> None:
    one = await paper(space, b"Un capybara", title="Premier")
    two = await paper(space, b"Un capybara", by="gp", title="Ragondin")
    visit = await space.visit("patient")
    found = await find.find(visit, space.patient_id(), "capybara")
    assert [each.line.id for each in found.hits] == [one]
    assert ids(found.hits[0].line.copies) == [two]
    assert found.total == 1
    found = await find.find(visit, space.patient_id(), "ragondin")
    assert [each.line.id for each in found.hits] == [two]
    assert found.total == 1
