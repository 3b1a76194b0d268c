# SPDX-License-Identifier: EUPL-1.2
"""A notice is written in the transaction of its act, by e-mail or letter, and holds no health content."""

from datetime import date

import pytest

from carnet.access import notices
from carnet.access.notices import WrongNotice, checked, templates
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio


async def wrote(space: Space, template: str = "updated", **more: object) -> None:
    visit, cid = await space.visit("patient"), space.where.people[people.PATIENT.key]
    async with space.built.pool.connection() as conn, conn.transaction():
        await visit.rights_of(conn, [cid])
        await notices.send(space.built.door, conn, cid, template, **more)  # type: ignore[arg-type]


async def test_it_is_an_e_mail_where_there_is_one_and_else_a_letter(space: Space) -> None:
    cid = space.where.people[people.PATIENT.key]
    await space.rows("DELETE FROM notices.address WHERE cid = %s", cid)
    await wrote(space)
    await space.rows(
        "INSERT INTO notices.address (cid, email, language) VALUES (%s, 'a@b.example', 'en')", cid
    )
    await wrote(space)
    found = await space.rows("SELECT channel, language FROM notices.outgoing ORDER BY id")
    assert found == [("letter", "fr"), ("email", "en")]


async def test_what_is_told_once_is_told_once(space: Space) -> None:
    for _ in range(3):
        await wrote(space, key="the same")
    assert await space.rows("SELECT count(*) FROM notices.outgoing") == [(1,)]


async def test_what_a_person_muted_is_not_written_but_what_the_law_asks_is(space: Space) -> None:
    cid = space.where.people[people.PATIENT.key]
    await space.rows("DELETE FROM notices.address WHERE cid = %s", cid)
    await space.rows(
        "INSERT INTO notices.address (cid, email, muted) VALUES (%s, 'a@b.example', %s)",
        cid, ["updated", "emergency"],
    )  # fmt: skip
    await wrote(space, "updated")
    await wrote(space, "emergency")
    found = await space.rows("SELECT template FROM notices.outgoing")
    assert found == [("emergency",)]


async def test_without_the_record_s_context_nothing_is_written(space: Space) -> None:
    import psycopg

    cid = space.where.people[people.PATIENT.key]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with space.built.pool.connection() as conn, conn.transaction():
            await notices.send(space.built.door, conn, cid, "updated")


@pytest.mark.parametrize("name", sorted(templates()))
def test_a_template_names_only_what_it_declares(name: str) -> None:
    template = templates()[name]
    for text in template.texts.values():
        named = dict.fromkeys(template.codes, "x") | {"link": "x"}
        assert text.text.format(**named)
        assert "{" not in text.subject


@pytest.mark.parametrize("codes", [{}, {"until": "Dr House"}, {"until": date(2026, 1, 1), "x": 1}])
def test_no_text_goes_through(codes: dict[str, date]) -> None:
    with pytest.raises(WrongNotice):
        checked(templates()["closed"], codes)
