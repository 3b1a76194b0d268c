# SPDX-License-Identifier: EUPL-1.2
"""The process files are looked at in: what it cannot do, and what becomes of one that tries."""

from __future__ import annotations

import platform
import struct
import threading

import pytest

from carnet.documents.files import cell, confined, probe
from carnet.documents.files.confined import Broken, Busy, call, confinement
from carnet.documents.files.refused import Refused
from tests.documents.files import jobs

HERE = jobs.__name__
linux = pytest.mark.skipif(platform.system() != "Linux", reason="the layers are those of Linux")


@pytest.mark.slow
@linux
def test_nothing_gets_out_of_the_cell() -> None:
    """Every attempt of the probe fails inside; most of them succeed outside, so they are real."""
    found = confinement()
    assert found.escapes == ()
    assert {"no-new-privileges", "memory", "time", "processes", "seccomp"} <= set(found.layers)
    outside = [
        "read a file", "open a socket", "take more memory", "run what it wrote", "signal a process"
    ]  # fmt: skip
    for name in outside:
        probe.ATTEMPTS[name]()


@linux
def test_without_its_filter_the_cell_would_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: a cell whose walls are down is seen by the probe."""
    start = confined.START.replace(
        "child.main(",
        "child.cell._seccomp = child.cell._landlock = lambda libc: False; child.main(",
    )
    monkeypatch.setattr(confined, "START", start)
    found = confinement()
    assert "seccomp" not in found.layers
    assert {"run what it wrote"} <= set(found.escapes)


def test_what_is_sent_comes_back() -> None:
    for size in (0, 1, 5_000_000):
        data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        answer = call(f"{HERE}:echo", data, number=3, name="é")
        assert answer.data == data
        assert answer.told == {"number": 3, "name": "é"}


def test_it_knows_nothing_but_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARNET_SECRET", "of the server")
    assert call(f"{HERE}:environment", b"").told == {}
    assert call(f"{HERE}:descriptors", b"").told == []


@pytest.mark.parametrize(
    ("job", "rule"),
    [
        ("forever", "too-complex"),
        ("asleep", "too-complex"),
        ("greedy", "too-complex"),
        ("crash", "unreadable"),
        ("flood", "unreadable"),
        ("nonsense", "unreadable"),
    ],
)
@pytest.mark.slow
def test_one_that_misbehaves_is_refused_and_the_next_is_served(job: str, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        call(f"{HERE}:{job}", b"x", seconds=1, patience=4.0)
    assert refused.value.rule == rule
    assert call(f"{HERE}:echo", b"next").data == b"next"


def test_two_work_at_once_and_the_others_wait_or_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "_queue", threading.BoundedSemaphore(1))
    with confined._queue, pytest.raises(Busy):
        call(f"{HERE}:echo", b"")
    assert call(f"{HERE}:echo", b"").data == b""


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 7,
        struct.pack(">II", 2**31, 0),
        struct.pack(">II", 2, 5) + b"{}" + b"four",
        struct.pack(">II", 2, 0) + b"{}",
        struct.pack(">II", 2, 0) + b"[]",
        struct.pack(">II", 1, 0) + b"{",
    ],
)
def test_an_answer_is_read_as_what_comes_from_outside(answer: bytes) -> None:
    with pytest.raises(Broken):
        confined._understood(answer)


def test_the_filter_allows_by_name_and_refuses_the_rest() -> None:
    """Read back as the kernel does: a call, its third argument, what is answered."""
    for architecture, mapping, allowed in cell.CALLS.values():
        code = cell.filter_of(architecture, mapping, allowed)
        for number in allowed:
            assert judged(code, architecture, number) == cell.ALLOW
        for number in mapping:
            assert judged(code, architecture, number, third=3) == cell.ALLOW
            assert judged(code, architecture, number, third=7) == cell.REFUSE
        others = set(range(600)) - set(allowed) - set(mapping)
        assert {judged(code, architecture, number) for number in others} == {cell.REFUSE}
        assert judged(code, architecture, allowed[0] | 0x40000000) == cell.REFUSE  # x32
        assert judged(code, architecture ^ 1, allowed[0]) == cell.KILL


def judged(code: bytes, architecture: int, number: int, third: int = 0) -> int:
    """What the filter answers, run here."""
    seen = {cell.NUMBER: number, cell.ARCHITECTURE: architecture, cell.THIRD: third}
    steps = list(struct.iter_unpack("<HBBI", code))
    place = held = 0
    while True:
        what, true, false, value = steps[place]
        place += 1
        if what == cell.LOAD:
            held = seen[value]
        elif what == cell.RETURN:
            return int(value)
        else:
            met = held == value if what == cell.EQUAL else bool(held & value)
            place += true if met else false
