# SPDX-License-Identifier: EUPL-1.2
"""Documents a little wrong: read all the same or refused in words, and never changed."""

import itertools
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from carnet import errors
from carnet.documents import cda
from carnet.documents.metadata import Made, resources
from carnet.fhir import json
from carnet.fhir.validation import structure

SAMPLES = Path(__file__).parent.parent / "samples"
SOURCES = {path.stem: path.read_bytes() for path in sorted(SAMPLES.glob("*.xml"))}
ODD = [
    "", " ", "x", "é", "a b", " a\t\nb ", "0", "-1", "1e99", "٣", "#", "%", "<", "&", "2024", "20241399",
    "20240229", "20230229", "202402291530+0100", "20240229153045.123+0100", "20240229153045",
    "2024022915", "19", "1.2.250.1", "1.2.250.1.213.1.1.1.45", "urn:oid:1", "N", "V", "MSK", "nullified",
    "active", "RPLC", "XFRM", "tel:", "mailto:a@b", "http://x y", "fr", "fr FR", "INT", "true", "B64", "TXT",
    "GZ", "DF", "image/png", "image/tiff", "application/pdf", "a" * 3000, "55108-5", "OTH", "UNK", "\u2028",
]  # fmt: skip
ACTS = ["drop", "double", "empty", "null", "text", "comment", "pi", *["said"] * 8]
ENCODINGS = ["utf-8", "utf-16", "iso-8859-1", "windows-1252"]


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A sample with a few elements or attributes dropped, doubled, emptied or changed."""
    root = etree.fromstring(SOURCES[draw(st.sampled_from(sorted(SOURCES)))])
    for _ in range(draw(st.integers(1, 12))):
        elements = [e for e in root.iter() if isinstance(e.tag, str)]
        element = elements[draw(st.integers(1, len(elements) - 1))]
        _change(draw, root, element)
    encoding = draw(st.sampled_from(ENCODINGS))
    return etree.tostring(root, encoding=encoding, xml_declaration=True)


def _change(draw: st.DrawFn, root: etree._Element, element: etree._Element) -> None:
    above = element.getparent()
    act = draw(st.sampled_from(ACTS))
    if above is None:
        return
    if act == "drop":
        above.remove(element)
    elif act == "double":
        above.append(etree.fromstring(etree.tostring(element, with_tail=False)))
    elif act == "empty":
        for inner in list(element):
            element.remove(inner)
        element.text = None
        element.attrib.clear()
    elif act == "null":
        element.set("nullFlavor", draw(st.sampled_from(["NI", "UNK", "MSK", "NA", "x"])))
    elif act == "text":
        element.text = draw(st.sampled_from(ODD))
    elif act == "comment":
        element.append(etree.Comment("entre deux mots"))
    elif act == "pi":
        element.append(etree.ProcessingInstruction("word", "fin"))
    elif element.attrib:
        name = draw(st.sampled_from(sorted(element.attrib)))
        if draw(st.integers(0, 4)) == 0:
            del element.attrib[name]
        else:
            element.set(name, draw(st.sampled_from(ODD)))


def made(source: bytes) -> list[Made]:
    numbers = itertools.count(1)
    return resources(
        cda.read(source),
        patient="Patient/x",
        received=datetime(2025, 1, 1, tzinfo=UTC),
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
    )


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(mutations())
def test_whatever_is_wrong_in_it_a_document_is_read_or_refused_and_kept(source: bytes) -> None:
    """Only our own refusals; what is made of it has the structure of its type; the source is whole."""
    try:
        found = made(source)
    except errors.CarnetError:
        return
    for one in found:
        assert structure.check(one.resource) == [], one.resource
        assert json.parse(json.dump(one.resource)) == one.resource
    kept = [one.data for one in found if one.resource["resourceType"] == "Binary"]
    assert kept[0] == source
