# SPDX-License-Identifier: EUPL-1.2
"""Loading files: each goes in with what was understood of it, or is refused with the reason."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from carnet.app.loading.outcomes import Options, Outcome, State
from carnet.app.loading.reports import Form
from carnet.app.loading.reports import written as written_report
from carnet.app.loading.run import load_all
from carnet.documents.cda.conformance import Profile
from tests import people
from tests.documents.lots import document_of, fresh, holds, lot
from tests.space import Space

pytestmark = pytest.mark.anyio


async def loaded(space: Space, *paths: Path, **options: Any) -> dict[str, Outcome]:
    """What came of each file, by name."""
    who = await space.actor("lab-software")
    found = await load_all(space.built, who, list(paths), Options(**options))
    return {each.path.name: each for each in found}


def written(folder: Path, name: str, content: bytes | dict[str, Any]) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


async def one(space: Space, path: Path, **options: Any) -> Outcome:
    return (await loaded(space, path, **options))[path.name]


# ------------------------------------------------------------------------------ what a report says


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("Bilan glycémique", "Bilan glycémique"),
        ("Bilan de Mme GARNIER", ""),
        ("hélène, suivi", ""),
        ("Née Delaunay", ""),
        ("Appeler le 06 39 98 02 01", ""),
        ("Bilan du 09/03/1967", ""),
        ("Score : 18 points sur 20", "Score : 18 points sur 20"),
    ],
)
async def test_a_report_names_nobody_even_where_a_section_does(
    space: Space, tmp_path: Path, title: str, told: str
) -> None:
    """The title of a section is the author's own words; it says where an entry is, nothing of whom."""
    data = fresh().xml.replace("Bilan glycémique".encode(), title.encode())
    found = await one(space, written(tmp_path, "a.xml", data))
    report = written_report([found], Form.TEXT) + written_report([found], Form.JSON)
    assert "dans la section 18719-5" in report
    assert (f"18719-5 {title}" in report) == bool(told)
    for word in ("GARNIER", "hélène", "Delaunay", "06 39", "09/03", people.PATIENT.ins):
        assert word not in report


async def test_each_finding_has_its_line(space: Space, tmp_path: Path) -> None:
    """In every form; a refusal begins with its own."""
    data = fresh().xml.replace(b'confidentialityCode code="N"', b'confidentialityCode code="TOP"')
    line = data[: data.index(b"<confidentialityCode")].count(b"\n") + 1
    found = await one(space, written(tmp_path, "a.xml", data))
    assert found.why.endswith(f"(line {line}, ClinicalDocument/confidentialityCode)")
    (said,) = json.loads(written_report([found], Form.JSON))["files"][0]["findings"]
    assert (said["line"], said["path"]) == (line, "ClinicalDocument/confidentialityCode")
    for form in (Form.TEXT, Form.JUNIT):
        assert f"line {line}, ClinicalDocument/confidentialityCode" in written_report([found], form)


async def test_a_document_of_two_people_is_refused_with_its_code(
    space: Space, tmp_path: Path
) -> None:
    data = fresh().xml
    start, end = data.index(b"<recordTarget>"), data.index(b"</recordTarget>") + 15
    found = await one(space, written(tmp_path, "a.xml", data[:end] + data[start:end] + data[end:]))
    assert (found.state, found.code) == (State.REFUSED, "906")
    assert "recordTarget[2]" in found.why


# --------------------------------------------------------------------- the agency's own examples

REPORTS = {
    # results, files extracted
    "BIO-CR-BIO_2021.01_CDA-R2-Niveau-1.xml": (0, 1),
    "BIO-CR-BIO_2021.01_Electrophorese.xml": (44, 0),
    "BIO-CR-BIO_2021.01_Microbiologie_V1.xml": (14, 0),
    "BIO-CR-BIO_2021.01_Microbiologie_V2.xml": (14, 0),
    "BIO-CR-BIO_2024.01_CR-2nde-intention-PDF.xml": (1, 2),
    "BIO-CR-BIO_2024.01_CRP_non_LOINC.xml": (1, 1),
    "BIO-CR-BIO_2024.01_DEP-CCU-HPV-structuré-CYTO-pdf.xml": (1, 2),
    "BIO-CR-BIO_2024.01_DEP-CCU-tout-structuré.xml": (2, 1),
    "BIO-CR-BIO_2024.01_Electrophorese.xml": (44, 1),
    "BIO-CR-BIO_2024.01_Glycémie mole.xml": (1, 1),
    "BIO-CR-BIO_2024.01_Microbiologie_V1.xml": (14, 1),
    "BIO-CR-BIO_2024.01_TSH_1.xml": (2, 1),
}


async def test_every_laboratory_report_of_the_agency_goes_in(space: Space, shared: Path) -> None:
    """With a report of what was understood; twice is once."""
    paths = sorted((shared / "data/french/cda-examples").glob("BIO-CR-BIO*"))
    found = await loaded(space, *paths, create_patients=True)
    assert set(found) == set(REPORTS)
    for name, outcome in found.items():
        assert outcome.refused == "", (name, outcome.refused)
        counts = outcome.counts
        assert (counts["results"], counts["files"]) == REPORTS[name], name
        assert outcome.understood, name
        assert any(line["fate"] == "data" for line in outcome.understood), name
        cid, rid = space.built.door.ids.decode(outcome.address.split("/")[1]) or (0, 0)
        types = space.built.door.definitions.types
        rows = dict(
            await space.rows(
                "SELECT rtype, count(*) FROM record.resource WHERE cid = %s AND origin = %s"
                " GROUP BY rtype",
                cid,
                rid,
            )
        )
        assert rows.get(types["Binary"], 0) == 1 + REPORTS[name][1], name
        assert rows.get(types["Observation"], 0) >= REPORTS[name][0], name
    before = await holds(space)
    again = await loaded(space, *paths, create_patients=True)
    assert {name: each.address for name, each in again.items()} == {
        name: each.address for name, each in found.items()
    }
    assert not any(each.created for each in again.values())
    assert await holds(space) == before


# Documents whose identity cannot be filed: doubtful numbers, or a number that is another's here.
APART = {
    "CSE-CS24_2025.01.xml",
    "CSE-CS8_2024.01.xml",
    "CSE-CS8_2025.01.xml",
    "CSE-CS9_2024.01.xml",
    "CSE-MDE_1obs.xml",
    "CSE-MDE_2023.01.xml",
    "OBP-SNE_2024.01.xml",
    "SDM-MR_2024.01_nouveau-ne.xml",
    "eDISP-MED_2024.01.xml",
}


async def test_every_document_of_the_agency_is_taken(space: Space, shared: Path) -> None:
    found = await loaded(space, shared / "data/french/cda-examples", create_patients=True)
    assert len(found) == 69
    assert {name: each.why for name, each in found.items() if each.refused} == {}
    assert {name for name, each in found.items() if "kept in quarantine" in each.counts} == APART
    for each in found.values():
        assert each.counts["sections"] or each.counts["files"]
    doubtful = [name for name, each in found.items() if each.reserves]
    assert len(doubtful) >= 14, "wrong keys, production OIDs and mislabelled files are said"


async def test_without_leave_to_make_people_strangers_are_902(space: Space, shared: Path) -> None:
    before = await holds(space)
    paths = sorted((shared / "data/french/cda-examples").glob("BIO-CR-BIO*"))
    found = await loaded(space, *paths)
    assert {each.code for each in found.values()} == {"902"}
    assert await holds(space) == before


async def test_a_strict_reception_lists_all_that_is_wrong(space: Space, shared: Path) -> None:
    """Not the first error alone: each with its severity, its code and its place."""
    folder = shared / "data/french/cda-examples"
    found = await loaded(space, folder, create_patients=True, profile=Profile.STRICT)
    refused = [each for each in found.values() if each.refused]
    assert {"CSE-CS24_2025.01.xml", "CSE-CS8_2024.01.xml"} <= {each.path.name for each in refused}
    assert len(refused) < len(found) / 2
    assert max(len(each.remarks) for each in refused) > 3
    for each in refused:
        assert each.code in {"900", "901", "902", "903", "904", "905", "906"}
        assert all(remark.path and (remark.code or remark.source) for remark in each.remarks)
    assert not any("kept in quarantine" in each.counts for each in found.values())


async def test_the_agency_s_replacement_works_on_a_document_that_is_here(
    space: Space, shared: Path
) -> None:
    """Its example names doc-x-id: put where a real one is, it is taken, PATCH included."""
    folder = shared / "data/french/pdsm4dmp/examples"
    first = json.loads((folder / "Bundle-example-td2-iti65-lot-soumission.json").read_text("utf-8"))
    known = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "123456789012345"}],
        "name": [{"use": "official", "family": "EXEMPLE"}],
    }
    await space.post("Patient", known, as_="hospital-software")
    answer = await space.post("", first, as_="lab-software")
    assert answer.status == 200, answer.body
    old = document_of(answer)
    kept = (await space.get(old, as_="lab-software")).json
    assert [each["valueCoding"]["code"] for each in kept["extension"]] == ["empty-cda"]
    text = (folder / "Bundle-example-td2-1-remplacement.json").read_text("utf-8")
    second = json.loads(text.replace("DocumentReference/doc-x-id", old))
    answer = await space.post("", second, as_="lab-software")
    assert answer.status == 200, answer.body
    assert (await space.get(old, as_="lab-software")).json["status"] == "superseded"


async def test_the_simplified_example_lies_about_its_size(space: Space, shared: Path) -> None:
    path = shared / "data/french/pdsm/examples/DocumentReference-PDSmSimplifiedExample.json"
    text = path.read_text("utf-8").replace(
        "Patient/fr-patient-123", f"Patient/{space.patient_id()}"
    )
    answer = await space.post("DocumentReference", json.loads(text), as_="lab-software")
    assert answer.status == 422
    assert answer.json["issue"][0]["expression"] == ["DocumentReference.content[0].attachment.size"]
    honest = json.loads(text)
    del honest["content"][0]["attachment"]["size"], honest["content"][0]["attachment"]["hash"]
    answer = await space.post("DocumentReference", honest, as_="lab-software")
    assert answer.status == 201, answer.body


# -------------------------------------------------------------------------------- forms of files


async def test_the_same_document_by_file_and_by_iti_65_is_one(space: Space, tmp_path: Path) -> None:
    data = fresh().xml
    sent = document_of(await space.post("", lot(data), as_="lab-software"))
    before = await holds(space)
    outcome = await one(space, written(tmp_path, "report.xml", data))
    assert (outcome.address, outcome.created) == (sent, False)
    assert await holds(space) == before


async def test_and_the_other_way_round(space: Space, tmp_path: Path) -> None:
    data = fresh().xml
    outcome = await one(space, written(tmp_path, "report.xml", data))
    answer = await space.post("", lot(data), as_="lab-software")
    assert document_of(answer) == outcome.address
    rows = await space.rows("SELECT count(*) FROM record.attachment")
    await space.post("", lot(data), as_="lab-software")
    assert await space.rows("SELECT count(*) FROM record.attachment") == rows


async def test_a_folder_is_all_its_files_and_one_refusal_stops_nothing(
    space: Space, tmp_path: Path
) -> None:
    (tmp_path / "inside").mkdir()
    written(tmp_path, "1.xml", b"<broken")
    written(tmp_path / "inside", "2.xml.gz", gzip.compress(fresh().xml))
    written(tmp_path, ".hidden", b"nobody's document")
    found = await loaded(space, tmp_path)
    assert set(found) == {"1.xml", "2.xml.gz"}
    assert found["1.xml"].refused
    assert found["2.xml.gz"].refused == ""
    assert found["2.xml.gz"].counts["results"] > 0


def observation(space: Space, value: str = "72.50") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": f"Patient/{space.patient_id()}"},
        "effectiveDateTime": "2026-11-21",
        "valueQuantity": {"value": float(value), "unit": "kg"},
    }


async def test_a_resource_and_lines_of_resources_go_in(space: Space, tmp_path: Path) -> None:
    single = await one(space, written(tmp_path, "one.json", observation(space)))
    assert (single.refused, single.counts) == ("", {"resources": 1})
    lines = "\n".join(json.dumps(observation(space, f"{kg}.5")) for kg in range(3)) + "\n\n"
    many = await one(space, written(tmp_path, "many.ndjson.gz", gzip.compress(lines.encode())))
    assert (many.refused, many.counts) == ("", {"resources": 3})


async def test_a_wrong_line_is_told_by_its_number_and_the_others_go_in(
    space: Space, tmp_path: Path
) -> None:
    good, other = (json.dumps(observation(space, kg)) for kg in ("70.5", "71.5"))
    text = f"{good}\n{{not json\n{other}\n"
    outcome = await one(space, written(tmp_path, "many.ndjson", text.encode()))
    assert "line 2:" in outcome.refused
    assert "1 lines refused" in outcome.refused
    assert outcome.counts == {"resources": 2}


@pytest.mark.parametrize("kind", ["transaction", "collection", "searchset", "document", "batch"])
async def test_bundles_keep_their_references(space: Space, tmp_path: Path, kind: str) -> None:
    number = {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "284059999978968"}
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [number],
        "name": [{"family": "A"}],
    }
    entries: list[dict[str, Any]] = [
        {"fullUrl": "http://elsewhere.example/Observation/o1", "resource": observation(space)},
        {"fullUrl": "http://elsewhere.example/Patient/p1", "resource": patient},
    ]
    reference = "http://elsewhere.example/Patient/p1" if kind == "transaction" else "Patient/p1"
    if kind == "batch":
        entries = entries[:1]
    else:
        entries[0]["resource"]["subject"]["reference"] = reference
    if kind in ("transaction", "batch"):
        for each in entries:
            each["request"] = {"method": "POST", "url": each["resource"]["resourceType"]}
    bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
    outcome = await one(space, written(tmp_path, "bundle.json", bundle))
    assert (outcome.refused, outcome.counts) == ("", {"resources": len(entries)})
    if kind != "batch":
        rows = await space.rows(
            "SELECT count(*) FROM record.resource r JOIN access.identity i USING (cid)"
            " WHERE i.ins = '284059999978968'"
        )
        assert rows == [(2,)]


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "empty": ("a.xml", b"", "empty"),
    "blank": ("a.xml", b" \n\n", "empty"),
    "HL7 v2": ("a.hl7", b"MSH|^~\\&|LAB|", "HL7 v2"),
    "framed HL7 v2": ("a.hl7", b"\x0bMSH|^~\\&|LAB|", "HL7 v2"),
    "zip": ("a.zip", b"PK\x03\x04....", "ZIP"),
    "pdf": ("a.pdf", b"%PDF-1.4\n", "PDF"),
    "package": ("package.tgz", gzip.compress(b"\0" * 257 + b"ustar" + b"\0" * 250), "package"),
    "text": ("a.txt", b"bonjour", "neither a CDA document nor FHIR"),
    "json of another kind": ("a.json", b'{"a": 1}', "not a FHIR resource"),
    "an unknown type": ("a.json", b'{"resourceType": "Dossier"}', "not a FHIR resource"),
    "a type that is no word": ("a.json", b'{"resourceType": ["Patient"]}', "not a FHIR resource"),
    "twice the same key": ("a.json", b'{"resourceType": "Patient", "id": "a", "id": "b"}', ""),
    "gzip that is not": ("a.json.gz", b"not gzip", "gzip"),
    "gzip cut short": ("a.json.gz", gzip.compress(b"{" * 9000)[:-20], "gzip"),
    "a gzip bomb": ("a.xml.gz", b"", "256 MB"),
    "xml that is no CDA": ("a.xml", b"<Patient xmlns='http://hl7.org/fhir'/>", "not a CDA"),
    "a CDA of nobody": ("a.xml", b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>", "names no patient"),
    "an entry that is no object": (
        "a.json",
        b'{"resourceType": "Bundle", "type": "collection", "entry": [1]}',
        "Bundle",
    ),
    "a transaction without requests": (
        "a.json",
        b'{"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {}}]}',
        "request",
    ),
    "a message": ("a.json", b'{"resourceType": "Bundle", "type": "message"}', "transaction, batch"),
}


def bomb() -> bytes:
    """300 MB of nothing in 300 kB."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b" " * 10_000_000) for _ in range(30)) + packer.flush()


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_not_loaded_is_said_plainly(space: Space, tmp_path: Path, what: str) -> None:
    name, content, said = REFUSED[what]
    before = await holds(space)
    path = written(tmp_path, name, bomb() if what == "a gzip bomb" else content)
    outcome = await one(space, path, create_patients=True)
    assert outcome.refused
    assert said in outcome.refused
    assert "nforeseen" not in outcome.refused
    assert await holds(space) == before


SKIPPED: dict[str, tuple[str, str]] = {
    "profile": ('{"resourceType": "StructureDefinition"}', "its operator loads it"),
    "package": ('{"name": "hl7.fhir.fr.core", "version": "2.1.0"}', "describes a package"),
    "nomenclature": ('{"resourceType": "ValueSet"}', "its operator loads it"),
    "parameter": ('{"resourceType": "SearchParameter"}', "its operator loads it"),
    "trace": ('{"resourceType": "AuditEvent"}', "written by the server"),
    "consent": ('{"resourceType": "Consent"}', "declared by the patient"),
    "message": ('{"resourceType": "Parameters"}', "nothing to keep"),
    "outcome": ('{"resourceType": "OperationOutcome"}', "nothing to keep"),
    "versions": ('{"resourceType": "Bundle", "type": "history"}', "versions"),
    "answer": ('{"resourceType": "Bundle", "type": "transaction-response"}', "answers"),
    "empty": ('{"resourceType": "Bundle", "type": "searchset"}', "no resource"),
    "of traces": (
        '{"resourceType": "Bundle", "type": "searchset",'
        ' "entry": [{"resource": {"resourceType": "AuditEvent"}}]}',
        "written by the server",
    ),
    "questions": (
        '{"resourceType": "Bundle", "type": "batch",'
        ' "entry": [{"request": {"method": "GET", "url": "Patient/1"}}]}',
        "nothing in it to write",
    ),
}


@pytest.mark.parametrize("what", SKIPPED)
async def test_what_holds_nothing_to_load_is_skipped_not_refused(
    space: Space, tmp_path: Path, what: str
) -> None:
    content, said = SKIPPED[what]
    before = await holds(space)
    outcome = await one(space, written(tmp_path, "a.json", content.encode()))
    assert (outcome.state, said in outcome.why) == (State.SKIPPED, True), outcome.why
    assert await holds(space) == before


async def test_a_page_of_a_folder_is_skipped_and_refused_when_it_is_named(
    space: Space, tmp_path: Path
) -> None:
    page = written(tmp_path, "README.md", b"# Examples")
    assert (await loaded(space, tmp_path))["README.md"].state is State.SKIPPED
    assert (await loaded(space, page))["README.md"].state is State.REFUSED


async def test_the_report_is_data(space: Space, tmp_path: Path) -> None:
    outcome = await one(space, written(tmp_path, "report.xml", fresh().xml))
    said = outcome.as_json()
    assert json.loads(json.dumps(said)) == said
    assert (said["outcome"], said["why"]) == ("in", None)
    assert said["document"].startswith("DocumentReference/")
    assert set(said["counts"]) == {"results", "sections", "files", "entries only kept"}
    shown = "\n".join(outcome.lines())
    assert said["document"] in shown
    assert people.PATIENT.birth_name not in shown
