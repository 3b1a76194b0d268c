# SPDX-License-Identifier: EUPL-1.2
"""Lines of a prescription stopped, withdrawn or replaced: by who wrote them, told wherever they are read."""

from __future__ import annotations

import io
import json
from typing import Any

import pypdf
import pytest

from carnet import errors
from carnet.access.door import Nothing
from carnet.composing.prescription import (
    Line,
    NotAPrescriber,
    Reason,
    Written,
    WrongReason,
    end,
    resources,
    rules,
)
from tests.composing.test_prescription import AMOXICILLIN, FOUND, NUMBER, PARACETAMOL, write
from tests.space import Space

OTHER = "5f0d6c1e-3d0b-4b52-9c39-1f7a3d5e8a02"
INTOLERANCE = Reason("sintol", True, "Éruption au deuxième jour.")
NEVER = Reason("", False, "Le patient ne l’a pas prise.")


@pytest.mark.parametrize("line", [AMOXICILLIN, PARACETAMOL])
def test_a_line_is_read_again_as_it_was_typed(line: Line) -> None:
    made = json.loads(json.dumps(resources.request(FOUND, line), default=str))
    assert resources.line(made) == line
    assert resources.line(made | {"dosageInstruction": []}) is None
    made["dosageInstruction"][0]["text"] = "autrement"
    assert resources.line(made) is None, "somebody changed it: its words are not ours"


@pytest.mark.parametrize(
    ("code", "words"), [("", ""), ("", "  "), ("x", "y"), ("sintol", "a\nb"), ("salg", "a" * 201)]
)
def test_a_line_ends_for_a_reason(code: str, words: str) -> None:
    with pytest.raises(WrongReason):
        Reason(code, True, words)


def test_stopped_is_said_of_what_began_and_cancelled_of_what_did_not() -> None:
    line = resources.request(FOUND, AMOXICILLIN)
    stopped, cancelled = (resources.ended(line, each) for each in (INTOLERANCE, NEVER))
    assert (stopped["status"], cancelled["status"]) == ("stopped", "cancelled")
    assert stopped["statusReason"]["coding"][0]["code"] == "sintol"
    assert stopped["statusReason"]["text"] == "intolérance supposée : Éruption au deuxième jour."
    assert cancelled["statusReason"] == {"text": "Le patient ne l’a pas prise."}
    assert set(rules()["reasons"]) - {""} <= {
        "altchoice", "clarif", "drughigh", "hospadm", "labint", "non-avail", "preg", "salg", "sddi",
        "sdupther", "sintol", "surg", "washout",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------ the act


async def stop(space: Space, document: str, lines: list[str], as_: str = "gp", **more: Any) -> str:
    given: dict[str, Any] = {"reason": INTOLERANCE, "number": OTHER} | more
    visit, acts = await space.visit(as_), space.built.desk.acts
    return await end.stop(visit, acts, space.patient_id(), document, lines, **given)


async def lines(space: Space, document: str, as_: str = "gp") -> tuple[Written, ...]:
    found = await end.group(await space.visit(as_), space.patient_id(), document)
    return found.lines


async def text_of(space: Space, path: str, as_: str = "patient") -> str:
    answer = await space.get(path, as_=as_, accept="application/pdf")
    assert answer.status == 200, answer.body
    read = pypdf.PdfReader(io.BytesIO(answer.body))
    return " ".join(" ".join(page.extract_text() for page in read.pages).split())


@pytest.mark.anyio
async def test_a_line_is_stopped_and_everything_that_is_read_says_so(space: Space) -> None:
    document = await write(space)
    one, two = await lines(space, document)
    assert (one.line, two.line) == (AMOXICILLIN, PARACETAMOL)
    told = await stop(space, document, [one.id])
    request = (await space.get(f"MedicationRequest/{one.id}", as_="patient")).json
    assert (request["status"], request["statusReason"]["text"]) == ("stopped", INTOLERANCE.text)
    assert request["meta"]["versionId"] == "2"
    assert (await space.get(f"MedicationRequest/{two.id}", as_="patient")).json[
        "status"
    ] == "active"
    added = (await space.get(f"DocumentReference/{told}", as_="patient")).json
    (related,) = added["relatesTo"]
    assert related["code"] == "appends"
    assert related["target"]["reference"].endswith(f"DocumentReference/{document}")
    url = added["content"][0]["attachment"]["url"].split("/fhir/")[-1]
    said = await text_of(space, url)
    assert "Amoxicilline 1 g" in said and "Ligne arrêtée." in said and INTOLERANCE.text in said
    assert "Paracétamol" not in said
    first = (await space.get(f"DocumentReference/{document}", as_="patient")).json
    assert first["status"] == "current", "the prescription stays as it was given out"
    summary = await space.get(f"Patient/{space.patient_id()}/$summary", as_="patient")
    for each in summary.json["entry"]:
        if each["resource"].get("id") == one.id:
            assert each["resource"]["status"] == "stopped"
    (left,) = await end.groups(await space.visit("gp"), space.patient_id())
    assert [each.id for each in left.going] == [two.id]
    await stop(space, document, [two.id], reason=NEVER, number=NUMBER[:-1] + "3")
    assert [each.status for each in await lines(space, document)] == ["stopped", "cancelled"]
    assert await end.groups(await space.visit("gp"), space.patient_id()) == []


@pytest.mark.anyio
async def test_a_line_that_ended_is_not_ended_again(space: Space) -> None:
    document = await write(space)
    one, two = await lines(space, document)
    await stop(space, document, [one.id])
    rows = await space.rows("SELECT count(*) FROM record.resource")
    for chosen in ([one.id], [one.id, two.id], [], ["a" * 26]):
        with pytest.raises(end.NothingToEnd):
            await stop(space, document, chosen)
    assert await space.rows("SELECT count(*) FROM record.resource") == rows


@pytest.mark.anyio
async def test_who_wrote_it_alone_ends_it(space: Space) -> None:
    document = await write(space)
    one, _ = await lines(space, document)
    with pytest.raises(end.NotYours):
        await stop(space, document, [one.id], as_="hospital-doctor")
    for persona in ("nurse", "patient", "pharmacist", "lab-software"):
        with pytest.raises(NotAPrescriber):
            await stop(space, document, [one.id], as_=persona)
    for persona in ("outsider", "blocked"):
        with pytest.raises(Nothing):
            await stop(space, document, [one.id], as_=persona)
    assert [each.status for each in await lines(space, document)] == ["active", "active"]


@pytest.mark.anyio
async def test_a_masked_prescription_looks_absent_to_another_and_its_stop_too(space: Space) -> None:
    document = await write(space)
    one, _ = await lines(space, document)
    await space.post(f"DocumentReference/{document}/$hide", {}, as_="patient")
    with pytest.raises(errors.NotFound):
        await stop(space, document, [one.id], as_="hospital-doctor")
    told = await stop(space, document, [one.id])
    hidden = await space.get(f"DocumentReference/{told}", as_="hospital-doctor")
    assert hidden.status == 404, "what says that it ends says that it was"


@pytest.mark.anyio
async def test_a_prescription_takes_the_place_of_another_whose_lines_end(space: Space) -> None:
    document = await write(space)
    one, two = await lines(space, document)
    less = Line("Amoxicilline 1 g, comprimé dispersible", AMOXICILLIN.dose, "comprime", 2, 7)
    visit, acts = await space.visit("gp"), space.built.desk.acts
    new = await end.replace(visit, acts, space.patient_id(), document, [less], INTOLERANCE, OTHER)
    assert (await space.get(f"DocumentReference/{document}", as_="patient")).json[
        "status"
    ] == "superseded"
    for each in (one, two):
        old = (await space.get(f"MedicationRequest/{each.id}", as_="patient")).json
        assert old["status"] == "stopped"
    (line,) = await lines(space, new)
    made = (await space.get(f"MedicationRequest/{line.id}", as_="patient")).json
    assert made["priorPrescription"]["reference"].endswith(one.id)
    search = f"MedicationRequest?patient={space.patient_id()}&status=active&_count=200"
    found = {each["id"] for each in (await space.get(search, as_="patient")).entries}
    assert line.id in found and not found & {one.id, two.id}
    with pytest.raises(end.NothingToEnd):
        await end.group(visit, space.patient_id(), document)


@pytest.mark.anyio
async def test_a_stop_that_fails_leaves_nothing(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that somebody changed meanwhile: neither it nor another ends, and no document says so."""
    document = await write(space)
    one, two = await lines(space, document)
    ending = end.ending

    async def late(*given: Any) -> Any:
        found = await ending(*given)
        found[-1].if_match = 7
        return found

    monkeypatch.setattr(end, "ending", late)
    before = await space.rows("SELECT count(*) FROM record.resource")
    with pytest.raises(errors.Conflict):
        await stop(space, document, [one.id, two.id])
    assert await space.rows("SELECT count(*) FROM record.resource") == before
    assert [each.status for each in await lines(space, document)] == ["active", "active"]
