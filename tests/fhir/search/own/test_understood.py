# SPDX-License-Identifier: EUPL-1.2
"""What a SearchParameter means here, or why it cannot be had; the national ones, each by name."""

import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from carnet import errors
from carnet.fhir import definitions as r4
from carnet.fhir.search.extract import extract
from carnet.fhir.search.own.catalogue import Catalogue, Held
from carnet.fhir.search.own.files import found
from carnet.fhir.search.own.load import taken
from tests.fhir.search.own.samples import COLOUR, HERE, parameter

ANS = "https://interop.esante.gouv.fr/ig/fhir/"


def of(*resources: dict[str, Any]) -> tuple[Catalogue, list[str]]:
    """A process with these in it, all indexed and searched; what was said of each."""
    catalogue = Catalogue(r4.load())
    told = taken(catalogue, ((each.get("code", ""), each) for each in resources))
    given = [each.given for each in told if each.given]
    now = datetime(2026, 1, 1, tzinfo=UTC)
    catalogue.take(2, [
        Held(each.numbered(r4.FIRST_OWN + at), each.bases, 2, now, now)
        for at, each in enumerate(given)
    ])  # fmt: skip
    return catalogue, [each.line for each in told]


@pytest.mark.parametrize(("changes", "why"), [
    ({"expression": "Observation.name"}, "the type has no element of this name"),
    ({"expression": "Observation.value("}, "its expression"),
    ({"expression": None}, "it has no expression"),
    ({"expression": "Patient.name"}, "says nothing of Observation"),
    ({"expression": "Observation.subject"}, "does not compare Reference"),
    ({"expression": "x" * 5000}, "too long"),
    ({"code": "a b"}, "no name of a parameter"),
    ({"code": "_count"}, "FHIR keeps for itself"),
    ({"code": "_lastUpdated"}, "FHIR keeps for itself"),
    ({"code": None}, "it has no code"),
    ({"url": ""}, "it has no url"),
    ({"base": ["Unicorn"]}, "Unicorn is no type of R4"),
    ({"base": "Observation"}, "its base is no list"),
    ({"base": []}, "it has no base"),
    ({"type": "special"}, "type special"),
    ({"type": "reference", "expression": "Observation.subject", "target": ["Unicorn"]},
     "Unicorn, which is no type"),
    ({"status": "retired"}, "it is retired"),
    ({"code": "code"}, "another parameter of this name"),
    ({"base": ["AuditEvent"], "expression": "AuditEvent.period.start"}, "made from the access tables"),
    ({"type": "composite"}, "two components at least"),
    ({"type": "composite", "component": [{"definition": "urn:x", "expression": "y"}]},
     "component urn:x is not known"),
])  # fmt: skip
def test_what_is_not_well_formed_is_refused_with_its_reason(
    changes: dict[str, Any], why: str
) -> None:
    said = parameter("shade", "token", "Observation.status", "Observation") | changes
    catalogue, (line,) = of({key: value for key, value in said.items() if value is not None})
    assert "REFUSED" in line and why in line, line
    assert catalogue.held == ()


def test_what_is_the_same_as_r4s_own_is_served_by_it() -> None:
    """Under another address; the core package itself changes nothing."""
    for url in (HERE + "start", "http://hl7.org/fhir/SearchParameter/Slot-start"):
        catalogue, (line,) = of(parameter("start", "date", "Slot.start", "Slot", url=url))
        assert "there already, on Slot" in line and catalogue.held == ()


def test_a_base_that_others_derive_from_is_all_of_them() -> None:
    catalogue, _ = of(parameter("shade", "token", "DomainResource.language", "DomainResource"))
    (held,) = catalogue.held
    assert {"Observation", "Patient"} <= set(held.bases) and "Binary" not in held.bases


def test_one_by_itself_changes_nothing_of_what_r4s_find() -> None:
    """The same element in both: texts and hashes of R4's parameters stay where they were."""
    resource = {
        "resourceType": "Observation", "status": "final", "extension": [{"url": COLOUR, "valueCode": "x"}],
        "code": {"coding": [{"system": "urn:s", "code": "c", "display": "Mots"}], "text": "Autres"},
    }  # fmt: skip
    catalogue, _ = of(
        parameter("my-code", "token", "Observation.code", "Observation"),
        parameter("fails", "token", "Observation.code.coding.first() + 1", "Observation"),
    )
    plain = extract(resource)
    more = extract(resource, own=catalogue.definitions.own["Observation"])
    for name in ("tokens", "texts", "strings", "dates"):
        own = [each for each in getattr(more, name) if each[0] not in ("my-code", "fails")]
        assert own == getattr(plain, name)
    assert ("my-code", "urn:s", "c") in more.tokens and ("my-code", "Mots") in more.texts


def test_files_folders_bundles_and_packages_are_read_and_what_is_not_is_told(
    tmp_path: Path,
) -> None:
    one = parameter("shade", "token", "Observation.status", "Observation")
    (tmp_path / "one.json").write_text(json.dumps(one), "utf-8")
    (tmp_path / "other.json").write_text(json.dumps({"resourceType": "Patient"}), "utf-8")
    (tmp_path / "bad.json").write_text('{"resourceType": "SearchParameter"', "utf-8")
    (tmp_path / "bad.tgz").write_bytes(b"nothing")
    content = json.dumps({"resourceType": "Bundle", "entry": [{"resource": one}]}).encode()
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        for name in ("package/Bundle-x.json", "package/Observation-y.json"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    read = list(found(tmp_path))
    assert [name for name, each in read if isinstance(each, dict)] == ["one.json", "Bundle-x.json"]
    refused = [name for name, each in read if isinstance(each, errors.CarnetError)]
    assert refused == ["bad.json", "bad.tgz"]


# What each national parameter finds: one resource of the type, and the value it is found by.
EXTENSIONS = ANS + "pdsm/StructureDefinition/pdsm-ext-is-archived"
MSS = ANS + "annuaire/StructureDefinition/as-ext-mailbox-mss-metadata"


@pytest.mark.parametrize(("code", "resource", "kind", "value"), [
    ("period-start", {"resourceType": "DocumentReference", "context": {"period": {
        "start": "2026-03-01"}}}, "dates", datetime(2026, 3, 1, tzinfo=UTC)),
    ("isArchived", {"resourceType": "List", "extension": [
        {"url": EXTENSIONS, "valueBoolean": True}]}, "tokens", "true"),
    ("isArchived", {"resourceType": "DocumentReference", "extension": [
        {"url": EXTENSIONS, "valueBoolean": False}]}, "tokens", "false"),
    ("mailbox-mss", {"resourceType": "Practitioner", "telecom": [
        {"system": "email", "value": "a@b.mssante.fr"}]}, "strings", "a@b.mssante.fr"),
    ("mailbox-mss-type", {"resourceType": "Organization", "telecom": [{"extension": [
        {"url": MSS, "extension": [{"url": "type", "valueCodeableConcept": {
            "coding": [{"code": "ORG"}]}}]}]}]}, "tokens", None),
    ("sourceId", {"resourceType": "List", "extension": [
        {"url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-sourceId",
         "valueIdentifier": {"value": "urn:oid:1.2.3"}}]}, "tokens", None),
    ("targetCommunityIdList", {"resourceType": "DocumentReference", "extension": [
        {"url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-HomeCommunityId",
         "valueOid": "urn:oid:1.2"}]}, "uris", "urn:oid:1.2"),
    ("priority", {"resourceType": "Appointment", "priority": 5}, "tokens", None),
    ("birthplace", {"resourceType": "Patient", "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
         "valueAddress": {"city": "Loches"}}]}, "strings", "Loches"),
    ("authorOrg", {"resourceType": "List", "extension": [
        {"url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-authorOrg",
         "valueReference": {"reference": "Organization/x"}}]}, "references", "Organization/x"),
    ("managingOrganization", {"resourceType": "CareTeam", "managingOrganization": [
        {"reference": "Organization/x"}]}, "references", "Organization/x"),
    ("qualification-code", {"resourceType": "Practitioner", "qualification": [
        {"code": {"coding": [{"code": "SM54"}]}}]}, "tokens", None),
])  # fmt: skip
def test_the_national_parameters_find_what_they_are_for(
    national: Catalogue, code: str, resource: dict[str, Any], kind: str, value: object
) -> None:
    own = national.definitions.own[resource["resourceType"]]
    values = [each for each in getattr(extract(resource, own=own), kind) if each[0] == code]
    assert values, code
    assert value is None or value in values[0]


@pytest.fixture(scope="module")
def national(shared: Path) -> Catalogue:
    return of(*_national(shared))[0]


def _national(shared: Path) -> list[dict[str, Any]]:
    folders = sorted((shared / "data" / "french").glob("*/conformance"))
    return [each for path in folders for _, each in found(path) if isinstance(each, dict)]


def test_every_national_parameter_is_had_but_one_and_the_reasons_are_said(shared: Path) -> None:
    """30 of 37 are loaded, six are R4's own or each other's; AuditEvent is no resource of the store."""
    catalogue, lines = of(*_national(shared))
    assert len(lines) == 37 and len(catalogue.held) == 30
    assert sum("there already" in line for line in lines) == 6
    (refused,) = (line for line in lines if "REFUSED" in line)
    assert refused.startswith("period-start") and "AuditEvent" in refused
