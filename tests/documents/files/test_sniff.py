# SPDX-License-Identifier: EUPL-1.2
"""What a file is, by its content; what is refused, and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.documents import files
from carnet.documents.files import MOST, MediaType, Refused, TooLarge, sniff
from carnet.documents.files.refused import words
from tests.documents.files import samples

KINDS = {
    "bilan.pdf": (samples.pdf(), MediaType.PDF),
    "photo.jpg": (samples.photo(), MediaType.JPEG),
    "scan.tiff": (samples.scan(), MediaType.TIFF),
    "radio.png": (samples.picture("PNG"), MediaType.PNG),
    "note.txt": ("Allergie à la pénicilline\n".encode(), MediaType.TEXT),
    "windows.txt": ("Né le 3 mai, 12 €".encode("cp1252"), MediaType.TEXT),
    "large.txt": ("Née le 3 mai".encode("utf-16"), MediaType.TEXT),
    "lettre.rtf": (samples.RTF, MediaType.RTF),
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_known_by_its_content(name: str) -> None:
    data, kind = KINDS[name]
    assert sniff(data) is kind
    assert sniff(data, str(kind), name) is kind
    assert sniff(data, "application/octet-stream", name.upper()) is kind


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "empty"),
        (samples.archive(), "zip"),
        (samples.archive("word/document.xml"), "zip"),
        (b"\x1f\x8b\x08\0rest", "zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "office"),
        (b"MZ\x90\0\x03\0\0\0", "program"),
        (b"\x7fELF\x02\x01\x01\0", "program"),
        (b"#!/bin/sh\nrm -rf /\n", "program"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "web"),
        (b"\xef\xbb\xbf  <HTML>", "web"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "web"),
        (b"<?xml version='1.0'?><ClinicalDocument/>", "web"),
        ("<html>".encode("utf-16"), "web"),
        (b"GIF89a" + bytes(20), "other-image"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "other-image"),
        (b"RIFF\0\0\0\0WAVEfmt ", "media"),
        (b"BM" + bytes(60), "other-image"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "heic"),
        (b"\0\0\0\x18ftypmp42" + bytes(20), "media"),
        (bytes(128) + b"DICM" + bytes(20), "dicom"),
        (bytes(64), "unknown"),
        (bytes(range(256)) * 4, "unknown"),
        # two things at once
        (b"GIF89a" + bytes(20) + samples.archive(), "other-image"),
        (samples.picture("JPEG") + samples.archive(), "two-kinds"),
        (samples.picture("PNG") + samples.archive(), "two-kinds"),
        (samples.pdf() + samples.archive(), "two-kinds"),
        (b"plain words\n" + samples.archive(), "unknown"),
        (samples.pdf()[:9] + b"<html><script>alert(1)</script>" + samples.pdf()[9:], "two-kinds"),
        (b"<html><!-- " + samples.pdf(), "web"),
        (b"GIF89a " + samples.pdf(), "other-image"),
        (b"MZ      " + samples.pdf(), "program"),
        (b"words before " + samples.pdf(), "two-kinds"),
        (samples.picture("JPEG", comment=b"<script>alert(1)</script>"), "two-kinds"),
        (samples.picture("JPEG", comment=b"%PDF-1.4"), "two-kinds"),
    ],
)
def test_what_is_none_of_them_is_refused_with_its_reason(data: bytes, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        sniff(data)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ("image/png", ""),
        ("text/html", ""),
        ("application/pdf; charset=utf-8", "bilan.png"),
        ("", "bilan.txt"),
    ],
)
def test_what_is_declared_has_to_agree(declared: str, name: str) -> None:
    with pytest.raises(Refused) as refused:
        sniff(samples.pdf(), declared, name)
    assert refused.value.rule == "other-type"


def test_five_megabytes_and_not_one_byte_more() -> None:
    assert sniff(b"a" * MOST) is MediaType.TEXT
    with pytest.raises(TooLarge):
        sniff(b"a" * (MOST + 1))


def test_words_that_begin_as_a_program_does_are_words() -> None:
    for text in (b"MZ est le code", b"BM 24 ce jour", b"BZh en notes", b"ID3 negatif"):
        assert sniff(text) is MediaType.TEXT


@given(st.binary(max_size=400))
def test_whatever_the_bytes_it_is_a_kind_or_a_reason(data: bytes) -> None:
    try:
        assert isinstance(sniff(data), MediaType)
    except Refused as refused:
        assert refused.rule in words()["refused"]


def test_every_reason_has_its_words_in_both_languages() -> None:
    for table in words().values():
        for said in table.values():
            assert said["en"].endswith(".")
            assert said["fr"].endswith(".")
    assert files.removed("script")[1].startswith("Des programmes")
