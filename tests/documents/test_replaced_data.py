# SPDX-License-Identifier: EUPL-1.2
"""What was read in a document that another replaced: read by its address, and found by no search."""

from __future__ import annotations

from typing import Any

import pytest

from carnet.access.door import Unit, commit
from carnet.documents.consult import document as page_of
from carnet.documents.replace import stand
from tests.documents.lots import corrected, document_of, fresh, lot, mask, metadata, plain, replaces
from tests.documents.metadata.entries.fragments import problem, with_entries
from tests.space import Space

pytestmark = pytest.mark.anyio

ASTHMA = problem("J45", "Asthme")


async def publish(space: Space, data: bytes, as_: str = "lab-software", **more: Any) -> str:
    answer = await space.post("", lot(data, **more), as_=as_)
    assert answer.status == 200, answer.body
    return document_of(answer)


async def found(space: Space, query: str, as_: str = "patient") -> list[str]:
    """Addresses a search gives."""
    answer = await space.get(f"{query}&_count=200", as_=as_)
    assert answer.status == 200, answer.body
    return sorted(f"{each['resourceType']}/{each['id']}" for each in answer.entries)


async def ours(space: Space, rtype: str, as_: str = "patient") -> list[str]:
    """What a search finds of a type for the patient of the tests."""
    return await found(space, f"{rtype}?patient=Patient/{space.patient_id()}", as_)


async def results(space: Space) -> int:
    """How many results a search counts."""
    query = f"Observation?patient=Patient/{space.patient_id()}&_summary=count"
    total: int = (await space.get(query, as_="patient")).json["total"]
    return total


async def test_it_is_found_by_no_search_and_does_not_double(space: Space) -> None:
    old = fresh(minutes=700)
    before, counted = set(await ours(space, "Condition")), await results(space)
    first = await publish(space, with_entries(old.xml, ASTHMA))
    (gone,) = set(await ours(space, "Condition")) - before
    once = await results(space)
    assert once > counted
    await publish(space, with_entries(corrected(old), ASTHMA))
    (there,) = set(await ours(space, "Condition")) - before
    assert there != gone
    assert await results(space) == once
    # By its address it is read, as it was; by no other way in.
    assert (await space.get(gone, as_="patient")).json["code"]["coding"][0]["code"] == "J45"
    included = await found(space, f"Patient?_id={space.patient_id()}&_revinclude=Condition:subject")
    answer = await space.get(
        f"Patient/{space.patient_id()}/$everything?_type=Condition&_count=1000", as_="patient"
    )
    everything = [f"{each['resourceType']}/{each['id']}" for each in answer.entries]
    for listed in (included, everything):
        assert there in listed
        assert gone not in listed
    # The old version is shown as it was.
    page = await page_of(await space.visit("patient"), "", first.split("/")[1])
    assert page.results


async def test_each_link_of_a_chain_leaves_one_in_force_and_one_that_stands_again_is_found(
    space: Space,
) -> None:
    old = fresh(minutes=710)
    before = set(await ours(space, "Condition"))
    documents = [await publish(space, with_entries(old.xml, ASTHMA))]
    seen = [set(await ours(space, "Condition")) - before]
    for number in (2, 3):
        documents.append(await publish(space, with_entries(corrected(old, number), ASTHMA)))
        seen.append(set(await ours(space, "Condition")) - before)
    assert [len(each) for each in seen] == [1, 1, 1]
    assert len(set.union(*seen)) == 3

    place = space.built.door.ids.decode(documents[1].split("/")[1])
    assert place is not None
    cid, rid = place

    async def again(unit: Unit) -> None:
        await stand(unit, cid, [rid], stands=True)

    await commit(await space.visit("lab-software"), again, "update")
    assert set(await ours(space, "Condition")) - before == seen[1] | seen[2]


async def test_what_another_depositor_says_stays(space: Space) -> None:
    """The same fact by somebody else is another statement: who replaces takes back their own."""
    old, other = fresh(minutes=720), fresh(minutes=721)
    await publish(space, with_entries(old.xml, ASTHMA))
    before = set(await ours(space, "Condition"))
    await publish(space, with_entries(other.xml, ASTHMA), as_="hospital-software")
    theirs = set(await ours(space, "Condition")) - before
    assert len(theirs) == 1
    await publish(space, with_entries(corrected(old), ASTHMA))
    assert theirs <= set(await ours(space, "Condition"))


async def test_a_mask_and_a_replacement_do_not_undo_each_other(space: Space) -> None:
    old = fresh(minutes=730)
    before = set(await ours(space, "Condition"))
    document = await publish(space, with_entries(old.xml, ASTHMA))
    (first,) = set(await ours(space, "Condition")) - before
    labels = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    data = with_entries(plain(corrected(old)), ASTHMA)
    second = await publish(space, data, relatesTo=replaces(document), securityLabel=labels)
    assert first not in await ours(space, "Condition")
    assert (await space.get(first, as_="hospital-doctor")).status == 404, "masked with its chain"
    assert (await space.get(first, as_="patient")).status == 200
    shown = await space.post(f"{second}/$show", {}, as_="patient")
    assert shown.status in (200, 204), shown.body
    assert first not in await ours(space, "Condition"), "what is shown again is not in force again"
    assert (await space.get(first, as_="hospital-doctor")).status == 200
