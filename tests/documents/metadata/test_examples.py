# SPDX-License-Identifier: EUPL-1.2
"""What the national agency's published documents become: each file, its metadata, its text, its data.

The table is exact (examples.toml): a change of it is a change of what people get.
"""

import base64
import hashlib
import itertools
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from carnet.documents import cda
from carnet.documents.cda import datatypes
from carnet.documents.metadata import Made, resources, told
from carnet.fhir import json, xml
from carnet.fhir.validation import structure
from tools.entries import EXAMPLES, PAGE, TEMPLATES, counted, examples, page, templates
from tools.entries import read as read_all

Json = dict[str, Any]

TABLE = tomllib.loads(EXAMPLES.read_text("utf-8"))
ADDRESS = re.compile(r' <span class="link">\([^<]*\)</span>')
V3 = "{urn:hl7-org:v3}"
# Elements of the narrative HTML and their attributes; an image is its own bytes.
ALLOWED = {
    "table": set(), "thead": set(), "tbody": set(), "tfoot": set(), "tr": {"class"},
    "th": {"class", "colspan", "rowspan", "scope"}, "td": {"class", "colspan", "rowspan", "scope"},
    "caption": set(), "p": {"class"}, "div": {"class"}, "ul": set(), "ol": set(), "li": {"class"},
    "sub": set(), "sup": set(), "br": set(), "span": {"class"}, "ins": set(), "del": set(),
    "img": {"alt", "src"},
}  # fmt: skip


@pytest.fixture(scope="session")
def folder(shared: Path) -> Path:
    return shared / "data/french/cda-examples"


@cache
def read(path: Path) -> cda.CdaDocument:
    return cda.read(path.read_bytes())


@cache
def made(path: Path) -> list[Made]:
    numbers = itertools.count(1)
    return resources(
        read(path),
        patient="Patient/x",
        received=datetime(2025, 1, 1, tzinfo=UTC),
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
    )


def test_every_file_is_in_the_table(folder: Path) -> None:
    assert {path.name for path in folder.glob("*.xml")} == set(TABLE)
    assert len(TABLE) == 69


@pytest.mark.parametrize("name", TABLE)
def test_each_file_becomes_what_the_table_says(folder: Path, name: str) -> None:
    assert facts(folder / name) == TABLE[name], "read the change, then `python -m tools.entries`"


def test_the_tables_and_the_page_are_what_the_documents_say(folder: Path) -> None:
    """What becomes of each template, and the share of all, as people read it."""
    of_files, of_templates = read_all(folder)
    assert tomllib.loads(TEMPLATES.read_text("utf-8")) == of_templates
    assert EXAMPLES.read_text("utf-8") == examples(of_files)
    assert TEMPLATES.read_text("utf-8") == templates(of_templates)


def test_the_page_of_entries_says_what_the_table_says() -> None:
    assert PAGE.read_text("utf-8") == page()


def facts(path: Path) -> Json:
    """What is counted of one document."""
    return counted(read(path), made(path))


def every(sections: list[Json]) -> Iterator[Json]:
    for section in sections:
        yield section
        yield from every(section.get("section", []))


@pytest.mark.parametrize("name", TABLE)
def test_each_document_has_all_that_pdsm_requires(folder: Path, name: str) -> None:
    """PDSm 3.1.1, ComprehensiveDocumentReference: what is required, and what is fixed."""
    found = made(folder / name)
    document = found[0].resource
    assert document["contained"]
    assert document["masterIdentifier"]["value"]
    assert document["status"] == "current"
    for element in ("type", "category", "subject", "date", "author", "authenticator", "custodian"):
        assert document[element], element
    assert len(document["category"]) == 1
    assert all(a["reference"].startswith("#") for a in document["author"])
    assert document["securityLabel"][0]["coding"][0]["code"] in ("N", "R", "V")
    for content, binary in zip(document["content"], found[1:], strict=False):
        attachment = content["attachment"]
        assert binary.data is not None
        assert attachment["size"] == len(binary.data)
        digest = hashlib.sha1(binary.data, usedforsecurity=False).digest()
        assert base64.b64decode(attachment["hash"]) == digest
        assert attachment["url"] == binary.url
        assert attachment["language"] == "fr-FR"
        for element in ("contentType", "title", "creation"):
            assert attachment[element], element
        assert content["format"]["system"]
        assert content["format"]["code"]
    context = document["context"]
    assert context["period"]["start"]
    assert context["facilityType"]["coding"][0]["system"].endswith("TRE-R02-SecteurActivite")
    assert context["practiceSetting"]["coding"][0]["system"].endswith("TRE-A01-CadreExercice")
    assert context["sourcePatientInfo"]["reference"].startswith("#")
    related = [r["identifier"] for r in context.get("related", [])]
    assert all(r["type"]["coding"][0]["system"] == "urn:ietf:rfc:3986" for r in related)
    assert all(r["value"] for r in related)


@pytest.mark.parametrize("name", TABLE)
def test_all_that_each_becomes_has_the_structure_of_its_type(folder: Path, name: str) -> None:
    for one in made(folder / name):
        assert structure.check(one.resource) == [], one.resource["resourceType"]
        assert json.parse(json.dump(one.resource)) == one.resource


@pytest.mark.parametrize("name", TABLE)
def test_no_word_of_a_narrative_is_lost_and_no_markup_but_ours_is_written(
    folder: Path, name: str
) -> None:
    source = (folder / name).read_bytes()
    top = xml.parse(source)
    root = next(top.iter(V3 + "ClinicalDocument"))
    written = list(root.iter(V3 + "section"))
    sections = read(folder / name).sections
    assert len(written) == len(sections)
    for element, section in zip(written, sections, strict=True):
        text = element.find(V3 + "text")
        reader = Reader()
        reader.feed(ADDRESS.sub("", section.html))  # addresses of links are ours to place
        said = "".join(reader.text)
        assert not letters("".join(text.itertext()) if text is not None else "") - letters(said)
        assert set((datatypes.text(text) or "").split()) <= set(said.split()), section.place


def letters(text: str) -> Counter[str]:
    return Counter("".join(text.split()))


class Reader(HTMLParser):
    """Takes the text; fails on any element or attribute that is not allowed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= ALLOWED[tag]
        if tag == "img":
            assert str(dict(attrs)["src"]).startswith(("data:image/png;", "data:image/jpeg;"))
        self._edge(tag)

    def handle_endtag(self, tag: str) -> None:
        self._edge(tag)

    def _edge(self, tag: str) -> None:
        if tag not in ("span", "sub", "sup", "ins", "del"):
            self.text.append(" ")  # the edge of a block ends a word

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError("a declaration")


def test_a_vendor_reads_what_was_kept_and_where(folder: Path) -> None:
    """Name, template, section; never a line without a name."""
    whole = {path: told(read(path)) for path in map(folder.joinpath, TABLE)}
    sentences = [line.sentence for line in whole[folder / "ANEST-CR-CPA_2022.01.xml"]]
    assert (
        "gardé, sans texte : 1 × commentaire (1.2.250.1.213.1.1.3.32) dans la section "
        "11348-0 Antécédents médicaux"
    ) in sentences
    assert not [line.name for lines in whole.values() for line in lines if line.name[0].isdigit()]


def test_a_document_in_its_style_sheet_is_read_as_itself(folder: Path) -> None:
    """Self-presenting: the CDA stands inside an XSLT, and its media type says so."""
    source = (folder / "VSM_1.4_2022.01.xml").read_bytes()
    bare = source[source.index(b"<ClinicalDocument") :]
    wrapped = (
        b'<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/xsl" href="#"?>'
        b'<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        b'<xsl:template match="/"><html/></xsl:template>' + bare + b"</xsl:stylesheet>"
    )
    document, whole = cda.read(wrapped), read(folder / "VSM_1.4_2022.01.xml")
    assert document.header == whole.header
    assert document.sections == whole.sections
    assert document.media_type == "application/xslt+xml"
    assert document.source == wrapped
