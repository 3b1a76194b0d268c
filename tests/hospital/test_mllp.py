# SPDX-License-Identifier: EUPL-1.2
"""Movements sent by MLLP are stays of the record before they are acknowledged, each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import hl7
import pytest
from hl7.mllp import open_hl7_connection

from carnet.app import hospital
from carnet.hospital import stays as stays_of
from carnet.population import Person
from carnet.rest.acts import Plan
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio


def message(
    event: str = "A01",
    *,
    number: str = "1",
    at: str = "20240306110000",
    name: str = "",
    whose: Person = people.PATIENT,
    **other: str,
) -> str:
    """An ADT of the shape of the national example."""
    ins = f"{whose.ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
    given = whose.birth_given_names[0]
    lines = [
        f"MSH|^~\\&|GAM|CHU-X|DPI|CHU-X|{at}||ADT^{event}^ADT_A01|{number}|D|"
        f"{other.get('version', '2.5^FRA^2.11')}|||||FRA|UNICODE UTF-8|FR",
        f"EVN||{at}||||{at}",
        f"PID|1||{other.get('ins', ins)}||{name or whose.birth_name}^{given}^{given}^^^^L||"
        f"{whose.birth_date:%Y%m%d}|{'F' if str(whose.sex) == 'female' else 'M'}",
        "PV1|1|I|^^^CHU-X||||||||||||||||S-42^^^CHU-X&000897406&M^VN",
        f"ZBE|001^CHU-X|{at}||INSERT|N",
    ]
    return "\r".join(lines) + "\r"


@pytest.fixture
async def port(space: Space) -> AsyncIterator[int]:
    """The port, open for this test."""
    settings = replace(space.built.settings, host="127.0.0.1", hl7_port=0)
    server = await hospital.listening(replace(space.built, settings=settings))
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def send(port: int, *texts: str) -> list[tuple[str, str]]:
    """What another's client is answered: MSA-1 and ERR-3, by message."""
    reader, writer = await open_hl7_connection("127.0.0.1", port, encoding="utf-8")
    told = []
    for text in texts:
        writer.writemessage(hl7.parse(text))
        await writer.drain()
        ack = await asyncio.wait_for(reader.readmessage(), 20)
        failed = str(ack.segment("ERR")[3]) if len(ack) > 2 else ""
        told.append((str(ack.segment("MSA")[1]), failed.partition("^")[0]))
    writer.close()
    return told


async def stays(space: Space) -> list[dict[str, Any]]:
    answer = await space.get("Encounter", as_="hospital-software")
    return [each for each in answer.entries if each["resourceType"] == "Encounter"]


async def test_an_admission_is_a_stay_of_its_person_once_and_a_discharge_ends_it(
    space: Space, port: int
) -> None:
    assert await send(port, message(), message()) == [("AA", ""), ("AA", "")]
    (stay,) = await stays(space)
    assert stay["subject"]["reference"].endswith(space.patient_id())
    assert (stay["status"], stay["class"]["code"]) == ("in-progress", "IMP")
    late = message("A03", number="2", at="20240309102840")
    assert await send(port, late, message(), message("A08", number="3")) == [("AA", "")] * 3
    (stay,) = await stays(space)
    assert stay["status"] == "finished", "an admission that comes again reopens nothing"
    assert stay["period"] == {
        "start": "2024-03-06T11:00:00+01:00",
        "end": "2024-03-09T10:28:40+01:00",
    }


async def test_a_discharge_before_its_admission_ends_as_in_order(space: Space, port: int) -> None:
    late = message("A03", number="2", at="20240309102840")
    assert await send(port, late, message()) == [("AA", "")] * 2
    (stay,) = await stays(space)
    assert (stay["status"], stay["period"]["start"][:10]) == ("finished", "2024-03-06")


async def test_nothing_is_filed_of_whom_the_traits_do_not_confirm(space: Space, port: int) -> None:
    told = await send(
        port,
        message(name="QUELQUUNDAUTRE"),
        message(ins="000003^^^CHU-X&000897406&N^PI"),
        message("A40"),
        message(version="9.1"),
    )
    assert told == [("AE", "207"), ("AE", "204"), ("AR", "201"), ("AR", "203")]
    assert await stays(space) == []


async def test_a_stay_never_passes_to_somebody_else(space: Space, port: int) -> None:
    assert await send(port, message()) == [("AA", "")]
    before = await stays(space)
    again = message(whose=people.HUSBAND)
    end = message("A03", number="2", at="20240309102840", whose=people.HUSBAND)
    assert await send(port, again, end) == [("AE", "204")] * 2
    assert await stays(space) == before


async def test_what_is_no_message_is_refused_and_the_port_goes_on(space: Space, port: int) -> None:
    for sent in (b"\x0bMSH|bad\x1c\r", b"GET / HTTP/1.1\r\n\r\n\x1c\r", b"\x0b" + b"A" * (3 << 20)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(sent)
            await writer.drain()
            said = await asyncio.wait_for(reader.read(300), 20)
        except ConnectionError:
            said = b""
        assert b"MSA|AR" in said or len(sent) > 1 << 20  # what is still being sent may not be read
        assert b"MSA|AA" not in said
        writer.close()
    assert await send(port, message()) == [("AA", "")]


async def test_without_its_check_a_movement_of_somebody_else_would_be_taken(
    space: Space, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault planted: the person of the message is never compared with that of the stay."""
    assert await send(port, message()) == [("AA", "")]
    monkeypatch.setattr(stays_of, "Plan", lambda plan, parser, after: Plan(plan, parser=parser))
    end = message("A03", number="2", at="20240309102840", whose=people.HUSBAND)
    assert await send(port, end) == [("AA", "")]
