# SPDX-License-Identifier: EUPL-1.2
"""The INS datamatrix: the published vector, whatever is written read back, and nothing else read."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.identity.datamatrix import (
    HEADER,
    Coded,
    NotCoded,
    WrongDatamatrix,
    capitals,
    read,
    write,
)
from carnet.identity.ins import Ins, InsSystem, control_key
from carnet.identity.traits import Sex

GS = "\x1d"
ADA = (
    f"{HEADER}S1185057512345673S21.2.250.1.213.1.4.8{GS}S3ADA{GS}S4LOVELACE{GS}S5FS610-12-1815"
    "S799100"
)
words = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=12)
names = st.lists(words, min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from((" ", "-", "'")).map(lambda joint: joint.join(parts))
)
roots = st.from_regex(r"[12][0-9]{12}", fullmatch=True)
coded = st.builds(
    Coded,
    st.builds(
        lambda root, system: Ins(f"{root}{control_key(root):02}", system),
        roots,
        st.sampled_from(InsSystem),
    ),
    names | st.just("A" * 100),
    names | st.just("B" * 100),
    st.sampled_from((Sex.MALE, Sex.FEMALE)),
    st.dates(min_value=date(1, 1, 1), max_value=date(9999, 12, 31)),
    st.none() | st.sampled_from(("75056", "2A004", "99100")),
)


def test_the_published_vector_is_made_and_its_length() -> None:
    """104 bytes; its number has another key than ours, so that it is not read as anybody's."""
    root = "1850575123456"
    ours = Coded(
        Ins(f"{root}{control_key(root):02}", InsSystem.NIR), "Ada", "Lovelace", Sex.FEMALE,
        date(1815, 12, 10), "99100",
    )  # fmt: skip
    assert len(ADA) == 104
    assert write(ours) == ADA.replace("185057512345673", ours.ins.value)


@given(coded)
def test_what_is_written_is_read_back(value: Coded) -> None:
    text = write(value)
    assert read(text) == value
    assert text.isascii()


@given(coded, st.data())
def test_a_text_that_was_changed_is_refused_or_says_something_else(
    value: Coded, data: st.DataObject
) -> None:
    text = write(value)
    place = data.draw(st.integers(0, len(text) - 1))
    cut = text[:place] + text[place + 1 :]
    with contextlib.suppress(WrongDatamatrix):
        assert read(cut) != value


@pytest.mark.parametrize(
    "text",
    [
        "", HEADER, "IS02" + ADA[4:], ADA + GS, ADA.replace("S5F", "S5X"),
        ADA.replace("10-12-1815", "31-02-1815"), ADA + "S5F", ADA.replace(GS, ""),
        ADA.replace("S3ADA", "S3ada"), ADA.replace("S3", "S9"), ADA.replace("S799100", "S7"),
        ADA.replace("185057512345673", "185057512345699"),
        ADA.replace(".213.1.4.8", ".213.1.4.2"),
    ],
)  # fmt: skip
def test_what_is_not_a_datamatrix_is_refused(text: str) -> None:
    with pytest.raises(WrongDatamatrix):
        read(text)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("García-Hämmadi", "GARCIA-HAMMADI"),
        ("d’Œuvre", "D'OEUVRE"),
        (" De  la  Tour ", "DE LA TOUR"),
    ],
)
def test_names_in_capitals_without_accents(name: str, written: str) -> None:
    assert capitals(name) == written


@pytest.mark.parametrize("name", ["", "Ада", "A1", "A_B", "Smith;"])
def test_other_characters_are_refused(name: str) -> None:
    with pytest.raises(NotCoded):
        capitals(name)
