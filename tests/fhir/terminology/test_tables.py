# SPDX-License-Identifier: EUPL-1.2
"""LOINC and CIM-10 as they are distributed: columns, folders, archives, and errors by their line."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from carnet import errors
from carnet.fhir.terminology.load import files
from carnet.fhir.terminology.load.model import Brought

# The heading of Loinc.csv since 2.72; what is under it is invented.
HEADING = (
    "LOINC_NUM COMPONENT PROPERTY TIME_ASPCT SYSTEM SCALE_TYP METHOD_TYP CLASS VersionLastChanged CHNG_TYPE"
    " DefinitionDescription STATUS CONSUMER_NAME CLASSTYPE FORMULA EXMPL_ANSWERS SURVEY_QUEST_TEXT"
    " SURVEY_QUEST_SRC UNITSREQUIRED RELATEDNAMES2 SHORTNAME ORDER_OBS HL7_FIELD_SUBFIELD_ID"
    " EXTERNAL_COPYRIGHT_NOTICE EXAMPLE_UNITS LONG_COMMON_NAME EXAMPLE_UCUM_UNITS STATUS_REASON STATUS_TEXT"
    " CHANGE_REASON_PUBLIC COMMON_TEST_RANK COMMON_ORDER_RANK HL7_ATTACHMENT_STRUCTURE"
    " EXTERNAL_COPYRIGHT_LINK"
    " PanelType AskAtOrderEntry AssociatedObservations VersionFirstReleased ValidHL7AttachmentRequest"
    " DisplayName"
).split()
VARIANT = (
    "LOINC_NUM COMPONENT PROPERTY TIME_ASPCT SYSTEM SCALE_TYP METHOD_TYP CLASS SHORTNAME LONG_COMMON_NAME"
    " RELATEDNAMES2 LinguisticVariantDisplayName"
).split()
ATIH = (
    "Z99   |3|NNN|3|HERBES|Dépendance envers des herbes\r\n"
    "Z991  |0|ONO|0|THYM|Dépendance envers le thym\r\n"
    "Z99+0 |1|NNO|1|OEILLET|Dépendance envers l'œillet\r\n"
    "Z992  |3|NNN|3|MAUVE|*** SU09 *** Dépendance envers la mauve\r\n"
)
CLAML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ClaML SYSTEM "ClaML.dtd">
<ClaML version="2.0.0">
<Meta name="lang" value="fr"/>
<Title date="2099-01-01" name="ICD-10-TEST" version="2099">Classification d'herbes</Title>
<ClassKinds><ClassKind name="chapter"/><ClassKind name="block"/><ClassKind name="category"/></ClassKinds>
<Class code="I" kind="chapter"><SubClass code="Z90-Z99"/>
  <Rubric id="D1" kind="preferred"><Label xml:lang="fr" xml:space="default">Herbes</Label></Rubric></Class>
<Class code="Z90-Z99" kind="block"><SuperClass code="I"/><SubClass code="Z99"/>
  <Rubric id="D2" kind="preferred"><Label xml:lang="fr">Herbes de Provence</Label></Rubric></Class>
<Class code="Z99" kind="category"><SuperClass code="Z90-Z99"/>
  <Rubric id="D3" kind="preferred"><Label xml:lang="fr">Thym &amp; serpolet</Label></Rubric>
  <Rubric id="D4" kind="exclusion"><Label xml:lang="fr">origan<Reference code="Z98">Z98.-</Reference></Label>
  </Rubric></Class>
</ClaML>"""


def table(heading: list[str], *rows: dict[str, str]) -> bytes:
    """A table as it is distributed: every cell between quotes, CRLF."""
    lines = [heading, *([row.get(name, "") for name in heading] for row in rows)]
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    return ("\r\n".join(quoted) + "\r\n").encode()


def herb(code: str, **more: str) -> dict[str, str]:
    return {
        "LOINC_NUM": code,
        "LONG_COMMON_NAME": f'Herb "{code}" [Mass] in Serum',
        "STATUS": "ACTIVE",
        "CLASS": "CHEM",
        "VersionLastChanged": "2.80",
        "DefinitionDescription": "On two\r\nlines",
        "DisplayName": "Herb",
    } | more


MEMBERS: dict[str, bytes] = {
    "Loinc_2.80/LoincTableCore/LoincTableCore.csv": table([*HEADING[:14], "LONG_COMMON_NAME"], herb("1-8")),
    "Loinc_2.80/LoincTable/Loinc.csv": table(HEADING, herb("1-8"), herb("2-6", STATUS="DEPRECATED")),
    "Loinc_2.80/AccessoryFiles/LinguisticVariants/frCA8LinguisticVariant.csv": table(
        VARIANT, {"LOINC_NUM": "1-8", "LONG_COMMON_NAME": "Herbe d'ailleurs"}
    ),
    "Loinc_2.80/AccessoryFiles/LinguisticVariants/frFR18LinguisticVariant.csv": table(
        VARIANT, {"LOINC_NUM": "1-8", "LONG_COMMON_NAME": "Herbe [Masse] Sérum"},
        {"LOINC_NUM": "2-6", "COMPONENT": "Herbe", "PROPERTY": "Masse", "SYSTEM": "Sérum"},
    ),
    "Loinc_2.80/AccessoryFiles/PanelsAndForms/PanelsAndForms.csv": table(["ParentId", "ParentLoinc"]),
    "Loinc_2.80/LoincReadMe.txt": b"Read me.\n",
}  # fmt: skip


def zipped(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def read(path: Path, content: bytes, **more: Any) -> Brought:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return files.understood(path, content, {}, **more)


@pytest.mark.parametrize("packed", [False, True])
def test_loinc_is_taken_as_it_was_downloaded(tmp_path: Path, packed: bool) -> None:
    """From the archive, or from its table once unpacked: the whole table, with the French of France."""
    if packed:
        found = read(tmp_path / "Loinc_2.80.zip", zipped(MEMBERS))
    else:
        for name, content in MEMBERS.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        name = "Loinc_2.80/LoincTable/Loinc.csv"
        found = files.understood(tmp_path / name, MEMBERS[name], {})
    (system,) = found.systems
    first, second = system.concepts
    assert (system.version, first.code, first.display) == (
        "2.80",
        "1-8",
        'Herb "1-8" [Mass] in Serum',
    )
    assert first.designations[0] == {"language": "fr-FR", "value": "Herbe [Masse] Sérum"}
    assert second.designations[0]["value"] == "Herbe:Masse::Sérum"
    assert (first.inactive, second.inactive) == (False, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (table(HEADING, herb("1-8"), herb("a")), "line 5: no code"),
        (table(HEADING, herb("1-8"), herb("1-8")), "line 5: this code has a line already"),
        (table(HEADING, herb("1-8", LONG_COMMON_NAME=" ")), "line 3: no code (like 1234-5), or no label"),
        (table(HEADING, herb("1-8")) + b'"2-6","x"\r\n', "line 4: it has not as many columns"),
        (table(HEADING, herb("1-8")) + b'"2-6","x', "line 4: it is no UTF-8 text, or no CSV"),
        (table(HEADING, herb("1-8")) + b'"\xff"', "line 4: it is no UTF-8 text, or no CSV"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_loinc_is_told_by_its_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(errors.CarnetError, match=r"Loinc\.csv, ") as told:
        list(read(tmp_path / "Loinc.csv", content).systems[0].concepts)
    assert said in str(told.value)


@pytest.mark.parametrize("alphabet", ["iso8859-15", "cp1252", "utf-8"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_list_of_the_atih_is_taken_as_it_was_downloaded(
    tmp_path: Path, alphabet: str, packed: bool
) -> None:
    """What was suppressed is inactive, under its own label; a code is found without its point."""
    content = ATIH.encode(alphabet)
    name = "LIBCIM10MULTI.TXT"
    if packed:
        name, content = "cim.zip", zipped({"LIBCIM10MULTI.TXT": content, "cim.pdf": b"%PDF-1.4"})
    made = {c.code: c for c in read(tmp_path / name, content).systems[0].concepts}
    assert list(made) == ["Z99", "Z99.1", "Z99+0", "Z99.2"]
    assert [each.parents for each in made.values()] == [(), ("Z99",), ("Z99",), ("Z99",)]
    assert made["Z99+0"].display == "Dépendance envers l'œillet"
    assert made["Z99.1"].properties == {"typeMCO": ["0"], "typeSMR": ["ONO"], "typePSY": ["0"]}
    assert made["Z99.1"].hints == ["Z991"]
    assert (made["Z99.2"].inactive, made["Z99.2"].display) == (True, "Dépendance envers la mauve")
    assert made["Z99.2"].properties["suppressed"] == ["2009"]


@pytest.mark.parametrize(
    ("more", "said"), [("Z993 |0|0\r\n", "Line 5 is not"), ("Z991|0|0|0|A|B", "Line 5: this code")]
)
def test_what_is_wrong_in_the_list_is_told_by_its_line(
    tmp_path: Path, more: str, said: str
) -> None:
    with pytest.raises(errors.Invalid, match=said):
        read(tmp_path / "LIBCIM10MULTI.TXT", (ATIH + more).encode("cp1252"))


@pytest.mark.parametrize("packed", [False, True])
def test_claml_is_taken_with_its_doctype(tmp_path: Path, packed: bool) -> None:
    """As WHO publishes it; chapters and blocks are not codes to record."""
    content = CLAML.encode()
    name = "icd.zip" if packed else "icd.xml"
    content = (
        zipped({"ClaML.dtd": b"<!ELEMENT x>", "icd102099.xml": content}) if packed else content
    )
    (system,) = read(tmp_path / name, content).systems
    made = {c.code: c for c in system.concepts}
    assert [each.abstract for each in made.values()] == [True, True, False]
    assert (made["Z99"].display, made["Z99"].parents) == ("Thym & serpolet", ("Z90-Z99",))
    assert (system.version, system.title) == ("2099", "Classification d'herbes")


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE ClaML SYSTEM "ClaML.dtd" [<!ENTITY a "b">]>',
        '<!DOCTYPE ClaML [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE ClaML SYSTEM "ClaML.dtd"><!DOCTYPE ClaML SYSTEM "ClaML.dtd">',
    ],
)
def test_a_doctype_that_defines_anything_is_refused(tmp_path: Path, doctype: str) -> None:
    content = CLAML.replace('<!DOCTYPE ClaML SYSTEM "ClaML.dtd">', doctype)
    with pytest.raises(errors.Invalid):
        read(tmp_path / "a.xml", content.encode())


def test_a_class_without_a_code_is_told_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(errors.Invalid, match="Line 11: a class has no code"):
        read(tmp_path / "a.xml", CLAML.replace('<Class code="Z99"', "<Class", 1).encode())
