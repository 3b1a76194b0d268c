# SPDX-License-Identifier: EUPL-1.2
"""A mask is the holder's, acts on the whole chain and all that came from it, and is lifted the same."""

from typing import Any

import pytest

from carnet import errors
from carnet.access.labels import Label, of
from carnet.documents.hide import (
    NotHolder,
    NotMinor,
    hide,
    hide_from_representatives,
    show,
    show_to_representatives,
)
from carnet.rights.readers import openings
from carnet.rights.trust import trust
from tests import people
from tests.documents.lots import (
    BINARY,
    DOCUMENT,
    corrected,
    document_of,
    fresh,
    locations,
    lot,
    mask,
    metadata,
    replaces,
    subject,
)
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio


async def sent(space: Space, bundle: dict[str, Any], as_: str = "lab-software") -> Answer:
    answer = await space.post("", bundle, as_=as_)
    assert answer.status == 200, answer.body
    return answer


async def three(space: Space) -> tuple[str, str, str]:
    """A chain of three versions."""
    old = fresh()
    first = document_of(await sent(space, lot(old.xml)))
    second = document_of(await sent(space, lot(corrected(old), relatesTo=replaces(first))))
    third = document_of(await sent(space, lot(corrected(old, 3), relatesTo=replaces(second))))
    return first, second, third


async def rows(space: Space, document: str) -> list[tuple[Any, ...]]:
    """(type number, labels) of a document and of all that follows it."""
    place = space.built.door.ids.decode(document.split("/")[1])
    assert place is not None
    return await space.rows(
        "SELECT rtype, labels FROM record.resource WHERE cid = %s AND (rid = %s OR origin = %s)"
        " ORDER BY rid",
        place[0], place[1], place[1],
    )  # fmt: skip


async def searched(space: Space, as_: str, code: str = "MASQUE_PS") -> set[str]:
    found = await space.get(
        f"DocumentReference?patient={space.patient_id()}&security-label={code}&_count=1000", as_=as_
    )
    assert found.status == 200, found.body
    return {f"DocumentReference/{each['id']}" for each in found.entries}


def id_of(document: str) -> str:
    return document.split("/")[1]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_hiding_one_version_hides_the_whole_chain(space: Space, place: int) -> None:
    chain = await three(space)
    before = {one: await rows(space, one) for one in chain}
    assert all(len(each) > 3 for each in before.values()), "results and files come with a document"
    await hide(await space.visit("patient"), id_of(chain[place]))
    for one in chain:
        assert {label & 7 for _, label in await rows(space, one)} == {1}
        kept = (await space.get(one, as_="patient")).json
        assert of(kept) == Label.MASQUE_PS
        for persona, status in (("nurse", 404), ("gp", 200), ("hospital-doctor", 404)):
            assert (await space.get(one, as_=persona)).status == status, persona
            history = await space.get(f"{one}/_history", as_=persona)
            assert history.status == status, "versions of before are judged by the current row"
            assert (await space.get(f"{one}/_history/1", as_=persona)).status == status
        assert (await space.get(one, as_="lab-software")).status == 200, "who deposited keeps it"
    assert set(chain) <= await searched(space, "patient")
    assert not set(chain) & await searched(space, "nurse")
    await show(await space.visit("patient"), id_of(chain[2 - place]))
    for one in chain:
        assert await rows(space, one) == before[one]
        assert (await space.get(one, as_="nurse")).status == 200
    assert not set(chain) & await searched(space, "patient")


async def test_a_version_that_comes_after_is_masked_too(space: Space) -> None:
    old = fresh()
    first = document_of(await sent(space, lot(old.xml)))
    await hide(await space.visit("patient"), id_of(first))
    second = document_of(await sent(space, lot(corrected(old), relatesTo=replaces(first))))
    assert {label for _, label in await rows(space, second)} == {1}
    assert (await space.get(second, as_="nurse")).status == 404


async def test_nothing_that_came_with_it_is_left_behind(space: Space) -> None:
    answer = await sent(space, lot(fresh().xml))
    document = document_of(answer)
    place = space.built.door.ids.decode(id_of(document))
    assert place is not None
    of_document = await space.rows(
        "SELECT id, rtype FROM record.resource WHERE origin = %s", place[1]
    )
    types = space.built.door.names
    parts = [f"{types[rtype]}/{id}" for id, rtype in of_document] + locations(answer)
    assert {each.split("/")[0] for each in parts} >= {"Observation", "Binary", "List"}
    for each in parts:
        assert (await space.get(each, as_="nurse")).status == 200, each
    await hide(await space.visit("patient"), id_of(document))
    for each in parts:
        assert (await space.get(each, as_="nurse")).status == 404, each
        assert (await space.get(each, as_="patient")).status == 200, each
    (observed, *_) = [each for each in parts if each.startswith("Observation")]
    found = await space.get(f"Observation?_id={id_of(observed)}&_total=accurate", as_="nurse")
    assert found.json["total"] == 0


async def test_a_lot_bears_the_masks_of_all_its_documents(space: Space) -> None:
    bundle = lot(fresh().xml)
    other = lot(fresh(minutes=7).xml)
    second, binary = "urn:uuid:22222222-0000-4000-8000-000000000001", BINARY.replace("1111", "2222")
    for entry in other["entry"]:
        if entry["fullUrl"] == DOCUMENT:
            entry["fullUrl"] = second
            entry["resource"]["content"][0]["attachment"]["url"] = binary
            bundle["entry"].append(entry)
        elif entry["fullUrl"] == BINARY:
            entry["fullUrl"] = binary
            bundle["entry"].append(entry)
    bundle["entry"][0]["resource"]["entry"].append({"item": {"reference": second}})
    answer = await sent(space, bundle)
    (listed,) = [each for each in locations(answer) if each.startswith("List/")]
    one, two = [each for each in locations(answer) if each.startswith("DocumentReference/")]
    patient = await space.visit("patient")
    assert (await space.get(listed, as_="nurse")).status == 200
    await hide(patient, id_of(two))
    assert (await space.get(listed, as_="nurse")).status == 404, "it names what is masked"
    assert (await space.get(one, as_="nurse")).status == 200
    await hide(patient, id_of(one))
    await show(patient, id_of(one))
    assert (await space.get(listed, as_="nurse")).status == 404, "the other one still is"
    await show(patient, id_of(two))
    assert (await space.get(listed, as_="nurse")).status == 200
    assert of((await space.get(listed, as_="nurse")).json) == Label.NONE


async def test_hiding_twice_makes_no_version_and_is_traced(space: Space) -> None:
    document = document_of(await sent(space, lot(fresh().xml)))
    patient = await space.visit("patient")
    await hide(patient, id_of(document))
    version = (await space.get(document, as_="patient")).json["meta"]["versionId"]
    await hide(patient, id_of(document))
    assert (await space.get(document, as_="patient")).json["meta"]["versionId"] == version
    traces = await space.rows("SELECT rule, granted FROM access.audit WHERE act = 'hide'")
    assert traces == [("masked-by-holder", True)] * 2
    told = await openings(patient, "")
    assert any(line.what.startswith("Masquage : Bilan") and line.own for line in told)
    events = await space.rows(
        "SELECT count(*) FROM record.outbox WHERE name = 'written' AND %s = ANY (rids)",
        space.built.door.ids.decode(id_of(document))[1],  # type: ignore[index]
    )
    assert events[0][0] >= 2, "created, then hidden"


async def test_who_is_trusted_reads_what_is_masked(space: Space) -> None:
    document = document_of(await sent(space, lot(fresh().xml)))
    patient = await space.visit("patient")
    await hide(patient, id_of(document))
    assert (await space.get(document, as_="hospital-doctor")).status == 404
    await trust(patient, int(people.HOSPITAL_DOCTOR.rpps))
    assert (await space.get(document, as_="hospital-doctor")).status == 200
    assert (await space.get(document, as_="nurse")).status == 404


@pytest.mark.parametrize("persona", ["gp", "nurse", "hospital-doctor"])
async def test_a_professional_masks_nothing_for_the_patient(space: Space, persona: str) -> None:
    document = document_of(await sent(space, lot(fresh().xml)))
    for act in (hide, show):
        with pytest.raises(NotHolder):
            await act(await space.visit(persona), id_of(document))
    with pytest.raises(NotMinor):
        await hide_from_representatives(await space.visit(persona), id_of(document))
    assert {label for _, label in await rows(space, document)} == {0}


@pytest.mark.parametrize("persona", ["outsider", "blocked", "operator", "hospital-software"])
async def test_to_who_sees_nothing_there_is_nothing_to_mask(space: Space, persona: str) -> None:
    document = document_of(await sent(space, lot(fresh().xml)))
    with pytest.raises(errors.NotFound):
        await hide(await space.visit(persona), id_of(document))
    for one in (document, "DocumentReference/" + "a" * 26):
        assert (await space.post(f"{one}/$hide", {}, as_=persona)).status == 404


async def test_the_legal_representative_of_a_minor_masks_for_them(space: Space) -> None:
    document = document_of(
        await sent(space, lot(fresh(people.MINOR).xml, subject=subject(people.MINOR)))
    )
    assert (await space.get(document, as_="nurse")).status == 200
    await hide(await space.visit("parent"), id_of(document))
    assert (await space.get(document, as_="nurse")).status == 404
    assert (await space.get(document, as_="minor")).status == 200


async def test_a_minor_hides_a_document_from_their_representatives(space: Space) -> None:
    document = document_of(
        await sent(space, lot(fresh(people.MINOR).xml, subject=subject(people.MINOR)))
    )
    assert (await space.get(document, as_="parent")).status == 200
    with pytest.raises(NotMinor):
        await hide_from_representatives(await space.visit("parent"), id_of(document))
    await hide_from_representatives(await space.visit("minor"), id_of(document))
    assert (await space.get(document, as_="parent")).status == 404
    assert (await space.get(document, as_="minor")).status == 200
    assert (await space.get(document, as_="nurse")).status == 200
    with pytest.raises(errors.NotFound):
        await show_to_representatives(await space.visit("parent"), id_of(document))
    await show_to_representatives(await space.visit("minor"), id_of(document))
    assert (await space.get(document, as_="parent")).status == 200


async def test_a_carer_s_mandate_masks_nothing(space: Space) -> None:
    document = document_of(
        await sent(space, lot(fresh(people.ELDER).xml, subject=subject(people.ELDER)))
    )
    await space.rows("UPDATE access.mandate SET reach = 'all' WHERE nature = 'carer'")
    assert (await space.get(document, as_="carer")).status == 200
    with pytest.raises(NotHolder):
        await hide(await space.visit("carer"), id_of(document))


async def test_by_the_api_a_patient_hides_and_shows(space: Space) -> None:
    document = document_of(await sent(space, lot(fresh().xml)))
    done = await space.post(f"{document}/$hide", b"", as_="patient")
    assert (done.status, done.body) == (204, b"")
    assert (await space.get(document, as_="nurse")).status == 404
    assert (await space.post(f"{document}/$show", {}, as_="patient")).status == 204
    assert (await space.get(document, as_="nurse")).status == 200
    assert (await space.get(f"{document}/$hide", as_="patient")).status == 404
    assert (await space.post(f"{document}/$erase", b"", as_="patient")).status == 404
    wrong = await space.post(f"{document}/$hide", {"resourceType": "Patient"}, as_="patient")
    assert wrong.status == 400


async def test_a_mask_the_depositor_put_is_the_patient_s_to_lift(space: Space) -> None:
    labels = [*metadata(b"x")["securityLabel"], mask("MASQUE_PS")]
    document = document_of(await sent(space, lot(fresh().xml, securityLabel=labels)))
    assert (await space.get(document, as_="nurse")).status == 404
    await show(await space.visit("patient"), id_of(document))
    assert (await space.get(document, as_="nurse")).status == 200
    kept = (await space.get(document, as_="nurse")).json
    assert kept["securityLabel"] == metadata(b"x")["securityLabel"]


async def test_other_masks_of_the_document_stay(space: Space) -> None:
    codes = ("MASQUE_PS", "INVISIBLE_REPRESENTANTS_LEGAUX")
    labels = [*metadata(b"x")["securityLabel"], *map(mask, codes)]
    document = document_of(await sent(space, lot(fresh().xml, securityLabel=labels)))
    await show(await space.visit("patient"), id_of(document))
    assert {label for _, label in await rows(space, document)} == {4}
    assert of((await space.get(document, as_="patient")).json) == Label(4)
