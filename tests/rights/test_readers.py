# SPDX-License-Identifier: EUPL-1.2
"""Who has read my record: each reading with its person and place, in plain words, and no more."""

from datetime import timedelta

import pytest

from carnet.access.door import Nothing
from carnet.documents import consult
from carnet.rights.readers import NotYours, openings
from tests import people
from tests.documents.lots import document_of, fresh, lot, mask, metadata
from tests.space import Space

pytestmark = pytest.mark.anyio

LATER = timedelta(minutes=5)


async def test_each_reading_is_told_with_its_person_and_place(space: Space) -> None:
    sent = await space.post("", lot(fresh().xml), as_="lab-software")
    space.clock.advance(LATER)
    await space.get(document_of(sent), as_="gp")
    space.clock.advance(LATER)
    await consult.documents(await space.visit("hospital-doctor"), space.patient_id())
    space.clock.advance(LATER)
    found = await openings(await space.visit("patient"), "")
    hospital, gp, lab = found[:3]
    assert (hospital.who, hospital.place) == (
        people.HOSPITAL_DOCTOR.name,
        people.POPULATION.establishment("clinic").name,
    )
    assert hospital.what.startswith("Liste ou recherche : ")
    assert (gp.who, gp.place) == (people.GP.name, people.TILLEULS.name)
    assert gp.what == "Lecture : Bilan du 21 novembre"
    assert gp.profession
    assert (lab.what, lab.place) == ("Ajout : Bilan du 21 novembre", people.LABORATORY.name)
    assert [each.wrote for each in (hospital, gp, lab)] == [False, False, True]
    assert not any(each.own for each in (hospital, gp, lab))
    assert [each.at for each in found] == sorted((each.at for each in found), reverse=True)


async def test_a_page_is_one_line_that_names_what_was_read(space: Space) -> None:
    sent = await space.post("", lot(fresh().xml), as_="lab-software")
    space.clock.advance(LATER)
    id = document_of(sent).split("/")[1]
    await consult.document(await space.visit("gp"), space.patient_id(), id)
    space.clock.advance(LATER)
    found = await openings(await space.visit("patient"), "")
    assert [(each.who, each.what) for each in found[:2]] == [
        (people.GP.name, "Lecture : Bilan du 21 novembre"),
        (found[1].who, "Ajout : Bilan du 21 novembre"),
    ]


async def test_documents_read_one_after_another_are_all_named(space: Space) -> None:
    ids = []
    for minutes in range(5):
        data = fresh(minutes=minutes).xml
        content = metadata(data)["content"]
        content[0]["attachment"]["title"] = f"Bilan {minutes}"
        ids.append(
            document_of(await space.post("", lot(data, content=content), as_="lab-software"))
        )
    space.clock.advance(LATER)
    for each in ids:
        await space.get(each, as_="gp")
    space.clock.advance(LATER)
    newest = (await openings(await space.visit("patient"), ""))[0]
    assert newest.what == "Lecture : Bilan 0, Bilan 1, Bilan 2, Bilan 3, Bilan 4"


async def test_a_document_not_yet_announced_is_in_no_line(space: Space) -> None:
    """And appears in the same lines once the patient may see it."""
    labels = [*metadata(b"")["securityLabel"], mask("INVISIBLE_PATIENT")]
    before = await openings(await space.visit("patient"), "")
    space.clock.advance(LATER)
    sent = await space.post("", lot(fresh().xml, securityLabel=labels), as_="lab-software")
    space.clock.advance(LATER)
    assert (await space.get(document_of(sent), as_="gp")).status == 200
    space.clock.advance(LATER)
    hidden = await openings(await space.visit("patient"), "")
    assert len(hidden) == len(before) + 1, "one more: the list itself, read before"
    assert not any("Bilan du 21" in each.what for each in hidden)
    await space.rows("UPDATE record.resource SET labels = 0 WHERE labels = 2")
    shown = await openings(await space.visit("patient"), "")
    assert [each.what for each in shown if "Bilan du 21" in each.what] == [
        "Lecture : Bilan du 21 novembre",
        "Ajout : Bilan du 21 novembre",
    ]


async def test_a_refused_attempt_is_told_too(space: Space) -> None:
    space.clock.advance(LATER)
    with pytest.raises(Nothing):
        await consult.documents(await space.visit("blocked"), space.patient_id())
    space.clock.advance(LATER)
    newest = (await openings(await space.visit("patient"), ""))[0]
    assert (newest.who, newest.what) == (people.BLOCKED.name, "Liste ou recherche (refusé)")


async def test_one_s_own_readings_are_marked(space: Space) -> None:
    await consult.documents(await space.visit("patient"), "")
    space.clock.advance(LATER)
    found = await openings(await space.visit("patient"), space.patient_id())
    assert found[0].own
    assert found[0].what.startswith("Liste ou recherche")
    space.clock.advance(LATER)
    again = await openings(await space.visit("patient"), "")
    assert again[0].what == "Liste des consultations"
    assert again[0].own


async def test_every_line_is_there_however_many(space: Space) -> None:
    before = len(await openings(await space.visit("patient"), ""))
    for _ in range(320):
        space.clock.advance(timedelta(seconds=5))
        await space.get("Observation?_count=1", as_="patient")
    found = await openings(await space.visit("patient"), "")
    assert len(found) >= before + 320


@pytest.mark.parametrize("persona", ["gp", "parent", "operator", "lab-software", "minor"])
async def test_nobody_else_sees_who_has_read(space: Space, persona: str) -> None:
    with pytest.raises(NotYours):
        await openings(await space.visit(persona), space.patient_id())


async def test_words_are_french(space: Space) -> None:
    sent = await space.post("", lot(fresh().xml), as_="lab-software")
    for path in (
        document_of(sent),
        f"{document_of(sent)}/_history",
        f"{document_of(sent)}/_history/1",
    ):
        space.clock.advance(LATER)
        assert (await space.get(path, as_="gp")).status == 200
    found = await openings(await space.visit("patient"), "")
    for each in found:
        assert not {"read", "search", "create", "transaction", "history"} & set(each.what.split())
        assert ":" not in each.who, "a name, never the subject of an account"
