# SPDX-License-Identifier: EUPL-1.2
"""Whole documents: what is a CDA, what is not, and hostile ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet import errors
from carnet.documents import cda

EMPTY = b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>'


def test_the_source_is_kept_byte_for_byte(laboratory: bytes) -> None:
    """What was signed is what is given back."""
    assert cda.read(laboratory).source is laboratory


def test_a_self_presenting_document_is_found_inside_its_stylesheet(laboratory: bytes) -> None:
    """Wrapped in an XSLT root, it is the same document of another media type."""
    start = laboratory.index(b"<ClinicalDocument")
    wrapped = (
        b'<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        b'<xsl:template match="/"><html/></xsl:template>'
        + laboratory[start:]
        + b"</xsl:stylesheet>"
    )
    plain, inside = cda.read(laboratory), cda.read(wrapped)
    assert inside.media_type == "application/xslt+xml"
    assert plain.media_type == "text/xml"
    assert inside.header == plain.header
    assert inside.results == plain.results


@pytest.mark.parametrize(
    "source",
    [
        b"<ClinicalDocument/>",
        b'<ClinicalDocument xmlns="urn:hl7-org:v2"/>',
        b'<Patient xmlns="http://hl7.org/fhir"/>',
        b'<Bundle xmlns="http://hl7.org/fhir">' + EMPTY + EMPTY + b"</Bundle>",
    ],
)
def test_what_is_no_cda_is_refused(source: bytes) -> None:
    """Another namespace, another standard, two documents in one."""
    with pytest.raises(cda.NotCda):
        cda.read(source)


def test_a_document_cut_anywhere_is_refused_whole(laboratory: bytes) -> None:
    """No half document is ever read."""
    for cut in range(1, len(laboratory) - 20, 997):
        with pytest.raises(errors.Invalid):
            cda.read(laboratory[:cut])


def test_a_doctype_is_refused_whatever_follows(laboratory: bytes) -> None:
    """Before anything is read."""
    source = laboratory.replace(b"<ClinicalDocument", b"<!DOCTYPE x><ClinicalDocument", 1)
    with pytest.raises(errors.Invalid, match="DOCTYPE"):
        cda.read(source)


DEEP = {
    "sections": (b"<component><section>", b"</section></component>"),
    "narrative": (b"<content>", b"</content>"),
    "lists": (b"<list><item>", b"</item></list>"),
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_nesting_is_read_to_the_limit_and_refused_beyond(kind: str) -> None:
    """The readers are recursive: the door's limit must be within theirs."""
    opening, closing = DEEP[kind]
    levels = opening.count(b"<")

    def nested(times: int) -> bytes:
        inside = opening * times + b"x" * (kind != "sections") + closing * times
        if kind != "sections":
            inside = b"<component><section><text>" + inside + b"</text></section></component>"
        return (
            b'<ClinicalDocument xmlns="urn:hl7-org:v3"><component><structuredBody>'
            + inside
            + b"</structuredBody></component></ClinicalDocument>"
        )

    most = (256 - 6) // levels
    assert cda.read(nested(most)).sections
    with pytest.raises(errors.Invalid, match="deeper"):
        cda.read(nested(most + 4))


def test_deep_entries_are_read_to_the_limit(laboratory: bytes) -> None:
    """A result may hold a result that holds a result…"""
    start = laboratory.index(b'<entryRelationship typeCode="COMP"><observation')
    opening = laboratory[start : laboratory.index(b"<value", start)]
    closing = b"</observation></entryRelationship>"
    end = laboratory.index(closing, laboratory.index(b"com-na", start)) + len(closing)
    source = laboratory[:start] + opening * 100 + closing * 100 + laboratory[end:]
    assert len(cda.read(source).results.results) > 100


def test_too_many_sections_are_refused() -> None:
    """A page of ten thousand titles serves nobody."""
    many = b"<component><section/></component>" * 2_001
    with pytest.raises(errors.Invalid, match="sections"):
        cda.read(
            b'<ClinicalDocument xmlns="urn:hl7-org:v3"><component><structuredBody>'
            + many
            + b"</structuredBody></component></ClinicalDocument>"
        )


@given(data=st.data())
def test_a_document_with_parts_missing_is_read_all_the_same(
    data: st.DataObject, laboratory: bytes
) -> None:
    """Any element emptied of its attributes, or any code lost: findings, never a failure."""
    source = laboratory.decode()
    name = data.draw(
        st.sampled_from(
            ["root", "extension", "code", "value", "codeSystem", "typeCode", "classCode", "unit",
             "moodCode", "ID", "displayName", "xsi:type", "mediaType", "representation"]
        )
    )  # fmt: skip
    other = data.draw(st.sampled_from(["x", "", "é", "0", "-1", "1e99", "٣", "#", "%", "2.16.840"]))
    cda.read(
        source.replace(f' {name}="', f' {name}="{other}" was-{name.replace(":", "-")}="').encode()
    )


@given(data=st.data())
def test_a_document_with_elements_renamed_is_read_all_the_same(
    data: st.DataObject, laboratory: bytes
) -> None:
    """An element of another name is one that is missing, and one that is not understood."""
    source = laboratory.decode()
    names = sorted({part.split(" ")[0].split(">")[0].strip("/") for part in source.split("<")[1:]})
    name = data.draw(st.sampled_from([n for n in names if n[0].isalpha() and ":" not in n]))
    if name == "ClinicalDocument":
        return
    for mark in (" ", ">", "/"):
        source = source.replace(f"<{name}{mark}", f"<autre{mark}")
    cda.read(source.replace(f"</{name}>", "</autre>").encode())
