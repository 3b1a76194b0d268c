# SPDX-License-Identifier: EUPL-1.2
"""A document written from a record: offered, looked at, published as every document is, read again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from carnet import errors
from carnet.app.composing import ComposingPages
from carnet.composing.pages import Kept, NotItsModel, Proposed, UnknownPeer, WrongStay
from carnet.documents.cda import constraints, read
from tests import people
from tests.space import Space

pytestmark = [pytest.mark.db, pytest.mark.anyio]
ANSWERED = {
    "entry": "8715000", "exit": "160849004", "searched": "no", "transfused": "no", "derived": "no",
}  # fmt: skip


def every(found: Proposed) -> dict[str, str]:
    return {each.cells[0]: each.address for _, offers in found.groups for each in offers}


async def test_a_synthesis_is_offered_looked_at_published_and_read_again(space: Space) -> None:
    pages, gp, patient = ComposingPages(space.built), await space.actor("gp"), space.patient_id()
    offered = await pages.proposed(gp, patient, "vsm")
    lines = every(offered)
    assert [kind for kind, _ in offered.groups] == [
        "problem", "history", "procedure", "allergy", "lifestyle", "family", "treatment",
        "vaccination", "device",
    ]  # fmt: skip
    assert len(lines) >= 3
    left, *chosen = lines.items()
    kept = Kept(frozenset(address for _, address in chosen), {"results": "Surveiller la tension."})
    draft = pages.draft()
    shown = await pages.preview(gp, patient, "vsm", kept, draft)
    assert shown.pdf.startswith(b"%PDF")
    published = await pages.publish(gp, patient, "vsm", kept, draft)
    assert (
        await pages.publish(gp, patient, "vsm", kept, draft) == published
    )  # sent twice, written once
    reference = (await space.get(f"DocumentReference/{published}", as_="gp")).json
    assert reference["status"] == "current"
    assert reference["type"]["coding"][0]["code"] == "SYNTH"
    assert [each["attachment"]["contentType"] for each in reference["content"]] == [
        "text/xml", "application/pdf",
    ]  # fmt: skip
    text = await space.get(
        f"Composition?identifier={reference['masterIdentifier']['value']}", as_="patient"
    )
    body = str(text.entries)
    assert "Surveiller la tension." in body
    assert all(label.split(",")[0] in body for label, _ in chosen)
    assert left[0] not in body


async def test_a_synthesis_replaces_the_one_its_author_wrote_before(space: Space) -> None:
    pages, gp, patient = ComposingPages(space.built), await space.actor("gp"), space.patient_id()
    assert (await pages.proposed(gp, patient, "vsm")).before is None
    ids, numbers = [], []
    for _ in range(3):
        draft = pages.draft()
        kept = Kept(frozenset(), {"results": "Rien."}, replaces=True)
        ids.append(await pages.publish(gp, patient, "vsm", kept, draft))
        numbers.append(draft.number.int)
        space.clock.advance(timedelta(days=1))
    assert (await pages.proposed(gp, patient, "vsm")).before is not None
    other = await space.actor("hospital-doctor")
    assert (await pages.proposed(other, patient, "vsm")).before is None  # another author's
    states = [
        (await space.get(f"DocumentReference/{each}", as_="gp")).json["status"] for each in ids
    ]
    assert states == ["superseded", "superseded", "current"]
    last = (await space.get(f"DocumentReference/{ids[2]}", as_="gp")).json
    content = await space.get(last["content"][0]["attachment"]["url"].removeprefix("http://carnet.test"),
                              as_="gp", accept="text/xml")  # fmt: skip
    header = read(content.body).header
    assert header.set_id is not None
    assert (header.version, header.set_id.root) == (3, f"2.25.{numbers[0]}")
    assert [each.root for each in header.replaces] == [f"2.25.{numbers[1]}"]


async def test_a_letter_has_a_stay_that_took_place(space: Space) -> None:
    pages, doctor = ComposingPages(space.built), await space.actor("gp")
    patient, draft = space.patient_id(), pages.draft()
    offered = await pages.proposed(doctor, patient, "sortie")
    assert offered.stay is not None
    assert people.GP.idnps not in {each.idnps for each in offered.peers}, "nobody writes to oneself"
    assert {each.idnps for each in offered.peers} & {
        each.idnps for each in people.POPULATION.professionals
    }
    assert not {"M", "MME", "DR", "PR"} & {
        word for each in offered.peers for word in each.name.split()
    }
    doses = [
        each.cells[1] for kind, offers in offered.groups for each in offers if kind == "treatment"
    ]
    assert any("comprimé" in each for each in doses)
    assert not [each for each in doses if "{" in each], "codes are said in words"
    today = draft.at.date()
    story = {"story": "Suites simples."}
    for start, end in (
        (None, None),
        (today, today - timedelta(days=1)),
        (today + timedelta(days=1), None),
    ):
        with pytest.raises(WrongStay):
            await pages.preview(
                doctor, patient, "sortie", Kept(frozenset(), story, start, end), draft
            )
    days = (today - timedelta(days=3), today)
    nothing = Kept(frozenset(every(offered).values()), story, *days)
    with pytest.raises(NotItsModel, match="ORG-070"):
        await pages.publish(doctor, patient, "sortie", nothing, draft)
    other = people.HOSPITAL_DOCTOR
    unknown = replace(nothing, answers=ANSWERED, to=["99999999999"])
    with pytest.raises(UnknownPeer, match="99999999999"):
        await pages.publish(doctor, patient, "sortie", unknown, draft)
    kept = replace(
        nothing, answers=ANSWERED, attending=people.GP.rpps, to=[other.rpps, other.idnps]
    )
    shown = await pages.preview(doctor, patient, "sortie", kept, draft)
    assert people.GP.family_name in shown.attending
    assert [other.family_name in each for each in shown.recipients] == [True] * len(
        shown.recipients
    )
    assert [each.title for each in shown.parts if each.nothing] == [
        "Motif de l’hospitalisation", "Résultats d’examens et informations attendus", "Suites à donner",
    ]  # fmt: skip
    published = await pages.publish(doctor, patient, "sortie", kept, draft)
    reference = (await space.get(f"DocumentReference/{published}", as_="gp")).json
    content = await space.get(
        reference["content"][0]["attachment"]["url"].removeprefix("http://carnet.test"),
        as_="gp", accept="text/xml",
    )  # fmt: skip
    root = etree.fromstring(content.body)
    to = root.xpath("//h:intendedRecipient/h:id/@extension", namespaces={"h": "urn:hl7-org:v3"})
    assert to == [other.idnps], "who is named twice receives it once"
    period = reference["context"]["period"]
    assert period["start"].startswith((today - timedelta(days=3)).isoformat())


@pytest.mark.parametrize("persona", ["patient", "outsider", "assistant"])
async def test_who_may_not_write_in_the_record_finds_no_such_page(
    space: Space, persona: str
) -> None:
    pages, who = ComposingPages(space.built), await space.actor(persona)
    with pytest.raises(errors.NotFound):
        await pages.proposed(who, space.patient_id(), "vsm")
    with pytest.raises(errors.NotFound):
        await pages.publish(who, space.patient_id(), "vsm", Kept(), pages.draft())


async def test_a_resource_of_another_record_is_never_written_in_this_one(space: Space) -> None:
    """Planted: addresses of the form looked up instead of being matched with what is offered here."""
    pages, gp = ComposingPages(space.built), await space.actor("gp")
    mine = every(await pages.proposed(gp, space.patient_id(), "vsm"))
    theirs: Any = Kept(frozenset({"Condition/" + "a" * 26, *list(mine.values())[:1]}))
    shown = await pages.preview(gp, space.patient_id(), "vsm", theirs, pages.draft())
    told = [line for part in shown.parts for inner in (part, *part.inside) for deep in (inner, *inner.inside)
            for line in deep.lines]  # fmt: skip
    assert len({line.cells for line in told}) == 1


async def test_what_would_not_keep_its_model_is_not_written(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, gp = ComposingPages(space.built), await space.actor("gp")
    rule = next(each for each in constraints.rules() if each.severity == "error")
    wrong = [constraints.Broken(rule, "ClinicalDocument", 1)]
    monkeypatch.setattr("carnet.app.composing.broken", lambda root: wrong)
    draft = pages.draft()
    with pytest.raises(NotItsModel, match=rule.en):
        await pages.publish(gp, space.patient_id(), "vsm", Kept(), draft)
    found = await space.get(
        f"DocumentReference?identifier=urn:oid:2.25.{draft.number.int}", as_="gp"
    )
    assert found.entries == []
