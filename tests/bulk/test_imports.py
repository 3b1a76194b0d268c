# SPDX-License-Identifier: EUPL-1.2
"""An import writes each line once, by the rules of a transaction, and says what became of it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from carnet.access.door import Unit
from carnet.bulk import imports, lots, writing
from carnet.bulk.imports import Importer
from carnet.bulk.lots import Done, Source, numbered
from carnet.bulk.spool import Spool
from carnet.bulk.writing import Writer
from carnet.identity.ins import InsSystem, control_key
from carnet.rest.plans import carry_out
from tests import people
from tests.rest.samples import LAB, Json, observation, organization
from tests.space import BASE, Answer, Space

pytestmark = pytest.mark.anyio

SOFTWARE = "software:lab-software"


def ndjson(*rows: Json) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


async def send(
    space: Space, content: bytes, *, as_: str = "operator", name: str = "one", input: str = "a"
) -> Answer:
    path = f"$import?name={name}&input={input}&as={SOFTWARE}"
    return await space.call(
        "POST", path, as_=as_, body=content, headers={"content-type": "application/fhir+ndjson"}
    )


def counts(answer: Answer) -> dict[str, int]:
    assert answer.status == 200, answer.body
    return {
        each["name"]: each["valueInteger"]
        for each in answer.json["parameter"]
        if "valueInteger" in each
    }


async def told(space: Space, name: str = "one", input: str = "a") -> list[Json]:
    answer = await space.get(f"$import-job/{name}/{input}", as_="operator")
    assert answer.status == 200
    return [json.loads(line) for line in answer.body.splitlines()]


async def written(space: Space) -> int:
    ((found,),) = await space.rows(
        "SELECT count(*) FROM documents.imported JOIN record.resource USING (cid, rid)"
    )
    return int(found)


async def test_lines_refer_to_lines_before_them_and_are_searchable_when_it_is_done(
    space: Space,
) -> None:
    me = f"Patient/{space.patient_id()}"
    rows = [
        {"resourceType": "Encounter", "id": "e-1", "status": "finished",
         "class": {"code": "AMB"}, "subject": {"reference": me}},
        observation(me, date="2020", id="o-1", encounter={"reference": "Encounter/e-1"}),
    ]  # fmt: skip
    assert counts(await send(space, ndjson(*rows))) == {"lines": 2, "refused": 0, "before": 0}
    later = observation(me, date="2021", id="o-2", encounter={"reference": "Encounter/e-1"})
    assert counts(await send(space, ndjson(later), input="b"))["refused"] == 0
    found = [
        each
        for each in (await space.get(f"Observation?subject={me}&_count=500", as_=LAB)).entries
        if "encounter" in each
    ]
    assert len(found) == 2
    (encounter,) = {each["encounter"]["reference"] for each in found}
    assert (await space.get(encounter, as_=LAB)).json["class"]["code"] == "AMB"


@pytest.mark.parametrize("lines", [400, 1])
async def test_lines_refer_to_later_ones_to_other_inputs_and_to_persons_who_come_last(
    space: Space, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    monkeypatch.setattr(lots, "LINES", lines)
    person = {"resourceType": "Patient", "id": "p", "birthDate": "1950-02-03", "gender": "male",
              "name": [{"use": "official", "family": "TARD", "given": ["PAUL"]}],
              "managingOrganization": {"reference": "Organization/where"}}  # fmt: skip
    encounter = {"resourceType": "Encounter", "id": "e", "status": "finished",
                 "class": {"code": "AMB"}, "subject": {"reference": "Patient/p"},
                 "serviceProvider": {"reference": "Organization/where"}}  # fmt: skip
    one = observation("Patient/p", date="2020", id="o", encounter={"reference": "Encounter/e"})
    derived = observation(
        "Patient/p",
        date="2021",
        id="d",
        derivedFrom=[{"reference": "Observation/o"}],
        identifier=[{"system": "urn:t", "value": "d"}],
    )
    where = organization("Plus tard") | {"id": "where"}
    inputs = {
        name: partial(_source, ndjson(*rows))
        for name, rows in (("1", [derived, one]), ("2", [encounter, person]), ("3", [where]))
    }
    done = await (await importer(space)).run(inputs)
    assert (done.lines, done.refused) == (5, 0)
    for input in inputs:
        said = [row["issue"] for row in await told(space, input=input)]
        assert all(len(issues) == 1 for issues in said), "a reference was lost"
    (found,) = (await space.get("Observation?identifier=urn:t|d", as_=LAB)).entries
    before = (await space.get(found["derivedFrom"][0]["reference"], as_=LAB)).json
    stay = (await space.get(before["encounter"]["reference"], as_=LAB)).json
    assert stay["subject"] == before["subject"] == found["subject"]
    place = (await space.get(stay["serviceProvider"]["reference"], as_=LAB)).json
    assert place["name"] == "Plus tard"
    who = (await space.get(stay["subject"]["reference"], as_=LAB)).json
    assert who["managingOrganization"] == stay["serviceProvider"]
    assert await (await importer(space)).run(inputs) == Done(5, 0, 5)


def person(id: str, *, to: str = "", ins: str = "") -> Json:
    made: Json = {
        "resourceType": "Patient", "id": id, "birthDate": "1950-02-03", "gender": "male",
        "name": [{"use": "official", "family": f"LIE{id.upper()}", "given": ["PAUL"]}],
        "identifier": [{"system": "urn:t", "value": id}],
    }  # fmt: skip
    if to:
        made["link"] = [{"other": {"reference": f"Patient/{to}"}, "type": "seealso"}]
    if ins:
        made["name"][0]["family"] = "MEME"
        made["identifier"].append({"system": str(InsSystem.NIR_DEMO), "value": ins})
    return made


@dataclass(frozen=True)
class Together:
    """Hands that do several lots at once, in one process."""

    importer: Importer

    @property
    def width(self) -> int:
        return 6

    async def do(self, lot: lots.Lot) -> Done:
        return await self.importer.do(lot)


@pytest.mark.parametrize(("lines", "together"), [(400, False), (1, False), (1, True)])
async def test_persons_refer_to_each_other_across_lots(
    space: Space, monkeypatch: pytest.MonkeyPatch, lines: int, together: bool
) -> None:
    """In a ring, to who comes later; and those of one number are one, whatever lines call them."""
    monkeypatch.setattr(lots, "LINES", lines)
    root = "1500237261007"
    ins = f"{root}{control_key(root):02d}"
    rows = [
        person("a", to="b"), person("b", to="c"), person("c", to="a"),
        person("d", to="e", ins=ins), person("e", to="d", ins=ins),
        *[observation(f"Patient/{id}", date="2020", id=f"o-{id}") for id in "abcde"],
    ]  # fmt: skip
    inputs = {
        name: partial(_source, ndjson(*some))
        for name, some in (("1", rows[7:]), ("2", rows[:3:2]), ("3", [*rows[3:7], rows[1]]))
    }
    held = await importer(space)
    done = await replace(held, crew=Together(held) if together else None).run(inputs)
    said = [row["issue"] for input in inputs for row in await told(space, input=input)]
    assert (done.lines, done.refused) == (10, 0), said
    assert all(len(issues) == 1 for issues in said), "a reference was lost"
    linked = {}
    persons = {
        issues[0]["diagnostics"].split(" ")[0] for issues in said
        if issues[0]["diagnostics"].startswith("Patient/")
    }  # fmt: skip
    for address in persons:
        found = (await space.get(address, as_=LAB)).json
        name = found["name"][0]["family"]
        linked[name] = address, found["link"][0]["other"]["reference"]
    (a, to_b), (b, to_c), (c, to_a), (d, to_d) = (
        linked[name] for name in ("LIEA", "LIEB", "LIEC", "MEME")
    )
    assert (to_b, to_c, to_a, to_d) == (b, c, a, d)
    for address, count in ((a, 1), (b, 1), (c, 1), (d, 2)):
        path = f"Observation?subject={address}"
        assert len((await space.get(path, as_=LAB)).entries) == count
    assert await (await importer(space)).run(inputs) == Done(10, 0, 10)


async def test_persons_are_named_as_in_any_transaction(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    mine = (await space.get(me, as_="patient")).json
    ins = next(each for each in mine["identifier"] if each.get("system", "").startswith("urn:oid:"))
    names: list[Json] = [
        {"reference": me},
        {"reference": f"{BASE}/fhir/{me}"},
        {"reference": f"Patient?identifier={ins['system']}|{ins['value']}"},
        {"identifier": {"system": ins["system"], "value": ins["value"]}},
    ]
    rows = [
        observation(me, date="2020", id=f"o{n}") | {"subject": each} for n, each in enumerate(names)
    ]
    done = counts(await send(space, ndjson(*rows)))
    said = [row["issue"] for row in await told(space)]
    assert done == {"lines": 4, "refused": 0, "before": 0}, said
    cid = space.where.people[people.PATIENT.key]
    placed = await space.rows(
        "SELECT cid FROM documents.imported JOIN record.resource USING (cid, rid)"
    )
    assert placed == [(cid,)] * 4


async def test_what_waits_to_be_imported_lies_sealed(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for piece in (b"SECRET" * 50_000, b"", b"end"):
            spool.write(piece)
        for _ in range(2):
            read = b"".join([each async for each in spool.read()])
            assert read == b"SECRET" * 50_000 + b"end"
        kept = os.pread(spool.fileno(), 1 << 20, 0)
        assert len(kept) > 300_000
        assert b"SECRET" not in kept
        assert os.listdir(tmp_path) == []


async def test_each_line_has_its_outcome_and_a_refused_one_leaves_the_others(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    content = (
        ndjson(observation(me, date="2020", id="good"))
        + b"\n{not json}\n"
        + ndjson(
            observation(me, status="wrong", id="bad"),
            observation("Patient/nobody", id="whose"),
            observation(me, date="2021", id="good"),
            {"resourceType": "AuditEvent", "id": "audit"},
            observation(me, date="2022"),
        )
    )
    assert counts(await send(space, content)) == {"lines": 7, "refused": 5, "before": 0}
    rows = await told(space)
    found = {each["issue"][0]["location"][0]: each["issue"][0] for each in rows}
    severities = [each["issue"][0]["severity"] for each in rows]
    assert severities == ["information", "error", "error", "error", "error", "error", "information"]
    assert list(found) == [f"line {n}" for n in (1, 3, 4, 5, 6, 7, 8)]
    assert found["line 4"]["expression"] == ["Observation.status"]
    assert "earlier line" in found["line 6"]["diagnostics"]
    assert await written(space) == 1  # the other one has no id of its own
    again = ndjson(observation(me, date="2023", id="good"), observation(me, date="2023", id="new"))
    assert counts(await send(space, again, input="b"))["refused"] == 1
    (refused, _) = await told(space, input="b")
    assert "earlier line" in refused["issue"][0]["diagnostics"]
    assert await written(space) == 2


async def test_only_an_operator_imports_and_only_for_a_software(space: Space) -> None:
    content = ndjson(observation(f"Patient/{space.patient_id()}", date="2020", id="a"))
    for who in ("patient", "gp", LAB):
        assert (await send(space, content, as_=who)).status == 403, who
        assert (await space.get("$import-job/one/a", as_=who)).status == 403
    path = "$import?name=one&input=a&as={}"
    for whose in ("operator:operator", "software:nobody", "rpps:1"):
        answer = await space.call(
            "POST", path.format(whose), as_="operator", body=content,
            headers={"content-type": "application/fhir+ndjson"},
        )  # fmt: skip
        assert answer.status == 400, whose
    assert await written(space) == 0
    assert (await space.post(path.format(SOFTWARE), {}, as_="operator")).status == 415


async def test_who_did_it_is_in_the_trace_of_each_record(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    await send(space, ndjson(observation(me, date="2020", id="a")))
    cid = space.where.people[people.PATIENT.key]
    operator = (await space.actor("operator")).sub
    ((sub, client, rids),) = await space.rows(
        "SELECT sub, client, rids FROM access.audit WHERE cid = %s ORDER BY seq DESC LIMIT 1", cid
    )
    assert (sub, client, len(rids)) == (SOFTWARE, f"import:{operator}", 1)
    ((asked,),) = await space.rows(
        "SELECT count(*) FROM access.audit WHERE sub = %s AND act = 'import'", operator
    )
    assert asked == 1


async def test_who_may_not_be_fed_is_not(space: Space) -> None:
    cid = space.where.people[people.PATIENT.key]
    await space.rows("UPDATE access.record SET feeding_opposed = true WHERE cid = %s", cid)
    content = ndjson(observation(f"Patient/{space.patient_id()}", date="2020", id="a"))
    assert counts(await send(space, content))["refused"] == 1
    assert (await told(space))[0]["issue"][0]["code"] == "business-rule"
    assert await written(space) == 0


async def _source(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def _inputs(content: bytes, size: int = 1000) -> dict[str, Source]:
    return {"a": lambda: _source(content, size)}


async def importer(space: Space, name: str = "one") -> Importer:
    visit = await space.visit("operator")
    return await imports.begin(space.built.desk, visit, name, SOFTWARE)


@pytest.mark.slow
@pytest.mark.parametrize("after", ["before-the-commit", "after-it"])
async def test_cut_off_anywhere_it_goes_on_without_double_or_hole(
    space: Space, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    me = f"Patient/{space.patient_id()}"
    rows = [
        observation(me, date="2020", id=f"o-{n}", **({"status": "wrong"} if n % 11 == 5 else {}))
        for n in range(40)
    ]
    content = ndjson(*rows)
    monkeypatch.setattr(lots, "LINES", 6)
    kept, whole = Writer._remember, carry_out
    cut = 0

    async def killed(self: Writer, unit: Unit, lot: Any, lines: Any) -> None:
        nonlocal cut
        await kept(self, unit, lot, lines)
        cut += 1
        if after == "before-the-commit" and cut % 2:
            raise KeyboardInterrupt

    async def killed_after(*given: Any) -> None:
        nonlocal cut
        await whole(*given)
        cut += 1
        if after == "after-it" and cut % 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Writer, "_remember", killed)
    monkeypatch.setattr(writing, "carry_out", killed_after)
    done = None
    for _ in range(100):
        try:
            done = await (await importer(space)).run(_inputs(content))
            break
        except KeyboardInterrupt:
            continue
    assert cut > 5
    assert done is not None
    assert (done.lines, done.refused) == (40, 4)
    assert await written(space) == 36
    ((found,),) = await space.rows(
        "SELECT count(*) FROM record.resource r JOIN documents.imported i USING (cid, rid)"
    )
    assert found == 36
    answers = await told(space)
    assert [each["issue"][0]["location"] for each in answers] == [
        [f"line {n + 1}"] for n in range(40)
    ]
    again = await (await importer(space)).run(_inputs(content, 77))
    assert again == Done(40, 4, 40)
    assert await written(space) == 36


async def test_other_lines_under_the_same_name_are_refused(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    one = observation(me, date="2020", id="a")
    assert (await send(space, ndjson(one))).status == 200
    assert (await send(space, ndjson(observation(me, date="2021", id="a")))).status == 409
    assert (await send(space, b"")).status == 409
    more = counts(await send(space, ndjson(one, observation(me, date="2021", id="b"))))
    assert more == {"lines": 2, "refused": 0, "before": 1}
    assert await written(space) == 2


async def test_two_that_do_the_same_at_once_write_it_once(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    content = ndjson(*[observation(me, date="2020", id=f"o-{n}") for n in range(30)])
    answers = await asyncio.gather(*[send(space, content) for _ in range(3)])
    assert {each.status for each in answers} <= {200, 409}
    assert await written(space) == 30
    assert counts(await send(space, content)) == {"lines": 30, "refused": 0, "before": 30}


async def test_an_import_is_of_one_organisation(space: Space) -> None:
    content = ndjson(observation(f"Patient/{space.patient_id()}", date="2020", id="a"))
    assert (await send(space, content)).status == 200
    path = "$import?name=one&input=b&as=software:hospital-software"
    answer = await space.call(
        "POST", path, as_="operator", body=content,
        headers={"content-type": "application/fhir+ndjson"},
    )  # fmt: skip
    assert answer.status == 409


async def test_a_report_says_nothing_of_what_was_in_a_line(space: Space) -> None:
    row = observation(f"Patient/{space.patient_id()}", id="a", note=[{"text": 7, "x": "SECRET"}])
    await send(space, ndjson(row) + b'{"SECRET": \n')
    assert "SECRET" not in json.dumps(await told(space))


async def test_lines_are_numbered_whatever_the_pieces_they_come_in() -> None:
    content = b"a\n\nbb\r\n  \nccc"
    for size in range(1, len(content) + 1):
        found = [each async for each in numbered(_source(content, size), 10)]
        assert found == [(1, b"a"), (3, b"bb"), (5, b"ccc")], size


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_a_line_that_is_too_long_is_not_kept_and_the_others_are(size: int) -> None:
    async def told(long: bytes) -> list[tuple[int, bytes]]:
        content = b"\xef\xbb\xbfa\n" + long + b"\nbb\r\n" + long
        return [each async for each in numbered(_source(content, size), 10)]

    (one, first, two, last) = await told(b"x" * 11)
    assert (one, two) == ((1, b"a"), (3, b"bb"))
    assert (first[0], last[0]) == (2, 4)
    assert first[1] == last[1] and first[1].startswith(lots.BEYOND)
    (_, other, *_) = await told(b"x" * 10 + b"y")
    assert other[1] != first[1], "another line would be taken for the one that was done"
    assert await told(b"x" * 10) == [(1, b"a"), (2, b"x" * 10), (3, b"bb"), (4, b"x" * 10)]
