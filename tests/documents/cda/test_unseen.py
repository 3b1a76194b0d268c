# SPDX-License-Identifier: EUPL-1.2
"""Documents nobody has seen: the agency's, put out of order by a seed. Nothing said in them is lost.

Each coded statement is data or told as kept; every resource is the patient's and well formed; what is said
of somebody else is in no resource but their history.
"""

from __future__ import annotations

import copy
import itertools
import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from carnet import errors
from carnet.app.loading import models
from carnet.documents import cda, metadata
from carnet.documents.cda.conformance import Profile, conformance
from carnet.documents.cda.statements import STATEMENTS
from carnet.fhir.validation import structure

V3 = "{urn:hl7-org:v3}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
SDTC = "{urn:hl7-org:sdtc}"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATIENT = "Patient/leonie"
# Of others, or of no patient: they may name somebody else.
OTHERS = {"FamilyMemberHistory", "Composition", "DocumentReference", "Binary"}
SUBJECT = (
    '<subject xmlns="urn:hl7-org:v3"><relatedSubject classCode="PRS"><subject><name>ZZAUTRE</name>'
    "</subject></relatedSubject></subject>"
)
MOODS = ["EVN", "INT", "RQO", "PRP", "GOL", "DEF", "EVN.CRT", "xx", ""]
STATES = ["completed", "active", "aborted", "nullified", "held", "cancelled", "new", "obsolete"]
NULLS = ["UNK", "MSK", "NI", "NA", "OTH", "ASKU", "zz", ""]
TYPES = ["CD", "PQ", "ST", "BL", "INT", "IVL_PQ", "TS", "RTO_PQ_PQ", "ED", "hl7:CD", "MO", ""]
ODD = [
    "",
    "abc",
    "1e400",
    "-0",
    "NaN",
    "1,5",
    "99999999999999999999",
    "٣",
    "true",
    "<&",
    "Non",
    "Oui",
]
OIDS = ["2.999.1", "1.2.250.1.213.1.1.3.99", "1.3.6.1.4.1.19376.1.3.1", "1.2.250.1.213.1.1.3.18",
        "1.3.6.1.4.1.19376.1.5.3.1.4.5", "1.2.250.1.213.1.1.3.20", "1.2.250.1.213.1.1.3.51"]  # fmt: skip
TIMES = [{"value": "20240102"}, {"value": "20249999"}, {"nullFlavor": "UNK"}, {}]
Root = Any
Change = Callable[[random.Random, Root, Any, Any], None]  # seed, document, an element, a statement


def drop(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    element.getparent().remove(element)


def double(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    element.addnext(copy.deepcopy(element))


def shuffle(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    children = list(element.getparent())
    seed.shuffle(children)
    element.getparent()[:] = children


def template(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    for known in statement.findall(f"{V3}templateId") if seed.random() < 0.5 else ():
        statement.remove(known)
    statement.insert(0, etree.Element(f"{V3}templateId", root=seed.choice(OIDS)))


def turned(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    element.set("nullFlavor", seed.choice(NULLS))
    statement.set("moodCode", seed.choice(MOODS))
    if seed.random() < 0.3:
        statement.set("negationInd", seed.choice(["true", "1", "false", "x"]))


def status(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    for each in statement.findall(f"{V3}statusCode"):
        each.set("code", seed.choice(STATES))


def value(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    for each in statement.findall(f"{V3}value"):
        each.set(f"{XSI}type", seed.choice(TYPES))
        each.set("value", seed.choice(ODD))


def attribute(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    for name in list(element.attrib)[:1]:
        element.set(name, seed.choice([*ODD, "2.999", "20240101"]))


def nested(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    kind = seed.choice(["entryRelationship", "component"])
    link = etree.SubElement(statement, V3 + kind, typeCode=seed.choice(["COMP", "RSON", "zz"]))
    link.append(copy.deepcopy(seed.choice(statements_of(root))))


def beside(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    """A second statement in one entry or relation, against the schema."""
    statement.addnext(copy.deepcopy(seed.choice(statements_of(root))))


def moved(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    """A section within another, or before it."""
    held = [each.getparent() for each in root.iter(f"{V3}section")]
    one, other = seed.choice(held), seed.choice(held)
    if other not in one.iter():
        other.find(f"{V3}section").append(one)


def of_another(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    statement.append(etree.fromstring(SUBJECT))


def told_twice(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    for each in statement.findall(f"{V3}code"):
        etree.SubElement(each, f"{V3}translation", code="A1", codeSystem="2.999.7")


def extended(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    etree.SubElement(element, SDTC + seed.choice(["raceCode", "observation", "entry"]), value="x")
    element.insert(0, etree.Comment(" une remarque "))
    element.insert(0, etree.ProcessingInstruction("x", "y"))


def timed(seed: random.Random, root: Root, element: Any, statement: Any) -> None:
    for each in statement.findall(f"{V3}effectiveTime"):
        each.clear()
        each.attrib.update(seed.choice(TIMES))
        etree.SubElement(each, V3 + seed.choice(["low", "high", "center"]), value="20240102")


CHANGES: tuple[Change, ...] = (
    drop, double, shuffle, template, turned, status, value, attribute, nested, beside, moved,
    of_another, told_twice, extended, timed,
)  # fmt: skip


def statements_of(root: Root) -> list[Any]:
    names = [V3 + each for each in STATEMENTS]
    return [each for each in root.iter(*names) if each.getparent() is not None]


def unseen(source: bytes, seed: random.Random) -> bytes:
    """A document that was changed in some places, in one of the encodings and prefixes of the field."""
    root = next(etree.fromstring(source).iter(f"{V3}ClinicalDocument"))
    root = etree.fromstring(etree.tostring(root))
    for _ in range(seed.randint(1, 20)):
        held = statements_of(root)
        elements = [each for each in root.iter(f"{V3}*") if each.getparent() is not None]
        if held:
            change = seed.choice(CHANGES)
            change(seed, root, seed.choice(elements), seed.choice(held))
    mark(root)
    encoding = seed.choice(["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
    text = etree.tostring(root, encoding="unicode")
    if seed.random() < 0.3 and not re.search(r"<[a-z0-9]+:|xmlns:(?!xsi|sdtc)", text):
        text = re.sub(r"<(/?)([A-Za-z])", r"<\1h:\2", text).replace("xmlns=", "xmlns:h=")
    declared = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
    return declared.encode(encoding, "xmlcharrefreplace")


def mark(root: Root) -> None:
    """Give an identifier to all that is said of somebody else: a resource of it bears it."""
    for each in statements_of(root):
        if each.find(f"{V3}subject") is not None:
            for inside in (each, *each.iter(*[V3 + name for name in STATEMENTS])):
                etree.SubElement(inside, f"{V3}id", root="2.999.8", extension="ZZAUTRE")


def statements_said(root: Root) -> int:
    """The statements of the entries of sections, at any depth."""
    above = {V3 + each for each in ("entry", "entryRelationship", "component")}
    found = 0
    for section in root.iter(f"{V3}section"):
        ways = {each.tag for each in section.iterancestors()}
        if ways <= {
            V3 + each for each in ("section", "component", "structuredBody", "ClinicalDocument")
        }:
            for entry in section.findall(f"{V3}entry"):
                found += sum(each.getparent().tag in above for each in statements_of(entry))
    return found


@pytest.mark.parametrize("number", range(24))
def test_nothing_said_in_an_unseen_document_is_lost_nor_of_another(
    shared: Path, number: int
) -> None:
    seed = random.Random(number)
    files = sorted((shared / "data/french/cda-examples").glob("*.xml"))
    for path in seed.sample(files, 6):
        source = unseen(path.read_bytes(), seed)
        try:
            document = cda.read(source)
        except errors.CarnetError:
            continue
        urls = map(str, itertools.count())
        made = metadata.resources(document, patient=PATIENT, received=NOW, new_uuid=urls.__next__)
        for each in made:
            resource = each.resource
            kind = resource["resourceType"]
            for element in ("subject", "patient", "beneficiary"):
                assert resource.get(element, {"reference": PATIENT})["reference"] == PATIENT
            if kind not in OTHERS:
                assert "ZZAUTRE" not in json.dumps(resource, default=str), (path.name, kind)
            issues = [issue for issue in structure.check(resource) if "urn:uuid" not in issue.text]
            assert issues == [], (path.name, number)
        lines = metadata.told(document)
        own = [each for each in lines if not each.what.startswith(("value ", "referenceRange"))]
        root = next(etree.fromstring(source).iter(f"{V3}ClinicalDocument"))
        told = sum(each.count for each in own if each.what != "entry")
        assert statements_said(root) <= told, (path.name, number)
        for profile in Profile:
            conformance(document, profile=profile, now=NOW)
        models.told(source)


def test_a_file_that_holds_statements_tells_them(laboratory: bytes) -> None:
    """An observationMedia may hold others; they are read by nothing, and told as kept."""
    media = (
        '<component><section><title>F</title><text>F</text><entry><observationMedia classCode="OBS"'
        ' moodCode="EVN"><value mediaType="image/png" representation="B64">iVBORw0=</value>'
        '<entryRelationship typeCode="COMP"><observation classCode="OBS" moodCode="EVN"><code'
        ' code="a" codeSystem="2.999"/></observation></entryRelationship></observationMedia></entry>'
        "</section></component></structuredBody>"
    )
    source = laboratory.replace(b"</structuredBody>", media.encode())
    kept = [each.what for each in metadata.told(cda.read(source)) if each.fate == "kept"]
    assert "observation" in kept


def test_two_sections_or_statements_where_one_should_be_are_both_read(laboratory: bytes) -> None:
    root = etree.fromstring(laboratory)
    before = cda.read(laboratory)
    section = next(root.iter(f"{V3}section"))
    section.addnext(copy.deepcopy(section))
    assert len(cda.read(etree.tostring(root)).sections) == len(before.sections) + 1
    entry = next(root.iter(f"{V3}entry"))
    entry.append(copy.deepcopy(entry[-1]))
    twice = cda.read(etree.tostring(root))
    assert len(twice.results.results) > len(before.results.results)
    places = [each.place for each in twice.results.results]
    assert len(set(places)) == len(places)


def test_results_of_somebody_else_are_no_results_of_the_patient(laboratory: bytes) -> None:
    root = etree.fromstring(laboratory)
    act = next(iter(root.iter(f"{V3}entry")))[-1]
    act.append(etree.fromstring(SUBJECT))
    document = cda.read(etree.tostring(root))
    assert len(document.results.results) < len(cda.read(laboratory).results.results)
