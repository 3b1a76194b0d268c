# SPDX-License-Identifier: EUPL-1.2
"""Definitions that `carnet load` takes: profiles, nomenclatures, search parameters, questionnaires."""

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from carnet.access import door
from carnet.app.loading.definitions import Keeper
from carnet.app.loading.outcomes import Options, Outcome, State
from carnet.app.loading.run import load_all
from carnet.rest import checks
from tests.documents.lots import fresh
from tests.exchange.test_containers import zipped
from tests.fhir.search.own.samples import parameter
from tests.rest.samples import LAB
from tests.space import Space

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
HERE = "http://example.org/herbs/"
PROFILE = HERE + "StructureDefinition/named"


def profile(**more: Any) -> Json:
    """An organization of the garden has a name, and is a herb."""
    return {
        "resourceType": "StructureDefinition", "url": PROFILE, "version": "1", "name": "Named",
        "status": "active", "fhirVersion": "4.0.1", "kind": "resource", "abstract": False,
        "type": "Organization", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Organization",
        "derivation": "constraint",
        "differential": {"element": [
            {"id": "Organization", "path": "Organization"},
            {"id": "Organization.name", "path": "Organization.name", "min": 1},
            {"id": "Organization.type", "path": "Organization.type",
             "binding": {"strength": "required", "valueSet": HERE + "ValueSet/herbs"}},
        ]},
    } | more  # fmt: skip


def codes(*given: str) -> Json:
    return {
        "resourceType": "CodeSystem", "url": HERE + "herbs", "version": "1", "status": "active",
        "content": "complete", "concept": [{"code": each, "display": each} for each in given],
    }  # fmt: skip


VALUES: Json = {
    "resourceType": "ValueSet", "url": HERE + "ValueSet/herbs", "version": "1", "status": "active",
    "compose": {"include": [{"system": HERE + "herbs"}]},
}  # fmt: skip
ASKED: Json = {
    "resourceType": "Questionnaire", "url": HERE + "Questionnaire/which", "version": "1",
    "status": "active", "item": [{"linkId": "1", "type": "integer", "text": "How many?"}],
}  # fmt: skip


def package(*resources: Json, **manifest: Any) -> bytes:
    """A package of FHIR, as a registry gives it."""
    made = io.BytesIO()
    about = {"name": "org.example.herbs", "version": "1", "fhirVersions": ["4.0.1"]} | manifest
    files = {"package.json": about} | {
        f"{each['resourceType']}-{at}.json": each for at, each in enumerate(resources)
    }
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            body = json.dumps(content).encode()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return made.getvalue()


async def loaded(space: Space, *paths: Path, replace: bool = False) -> list[Outcome]:
    keeper = Keeper(space.admin_url, door.now, replace=replace)
    who = await space.actor("lab-software")
    return await load_all(space.built, who, list(paths), Options(), keeper=keeper)


async def load(
    space: Space, path: Path, content: bytes | Json, *, replace: bool = False
) -> Outcome:
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())  # noqa: ASYNC240
    (found,) = await loaded(space, path, replace=replace)
    return found


async def said(space: Space, resource: Json) -> list[str]:
    """The errors that the service, already running, finds."""
    space.built.desk.checks._next = 0.0  # the second has passed
    answer = await space.post(f"{resource['resourceType']}/$validate", resource, as_=LAB)
    return [json.dumps(each) for each in answer.json["issue"] if each["severity"] == "error"]


def organization(**more: Any) -> Json:
    kind = {"coding": [{"system": HERE + "herbs", "code": "thyme"}]}
    return {
        "resourceType": "Organization", "meta": {"profile": [PROFILE]}, "name": "Garden", "type": [kind]
    } | more  # fmt: skip


async def test_a_package_is_loaded_and_the_running_service_validates_by_it(
    space: Space, tmp_path: Path
) -> None:
    """The second load says that all is there; the nameless one is red, so is a code that is no herb."""
    file = tmp_path / "herbs.tgz"
    given = (profile(), codes("thyme", "sage"), VALUES, ASKED,
             parameter("called", "string", "Organization.name", "Organization"))  # fmt: skip
    first = await load(space, file, package(*given, {"resourceType": "ImplementationGuide"}))
    assert (first.state, first.why) == (State.IN, "")
    assert first.counts == {
        "code systems": 1, "value sets": 1, "codes": 2, "profiles": 1, "questionnaires": 1,
        "search parameters": 1,
    }  # fmt: skip
    remarks = " ".join(each.text for each in first.remarks)
    assert "carnet reindex" in remarks and "1 ImplementationGuide" in remarks
    assert not first.warnings
    assert await said(space, organization()) == []
    nameless = organization()
    del nameless["name"], nameless["type"]
    nameless["identifier"] = [{"value": "1"}]
    assert any("Organization.name" in each for each in await said(space, nameless)), await said(
        space, nameless
    )
    basil = {"coding": [{"system": HERE + "herbs", "code": "basil"}]}
    assert await said(space, organization(type=[basil]))
    answers = {
        "resourceType": "QuestionnaireResponse", "status": "completed",
        "questionnaire": HERE + "Questionnaire/which",
        "item": [{"linkId": "1", "answer": [{"valueString": "three"}]}],
    }  # fmt: skip
    assert await said(space, answers)
    (again,) = await loaded(space, file)
    assert (again.state, again.counts) == (State.THERE, {"definitions already there": 5})


async def test_other_content_of_the_same_version_is_refused_until_it_replaces(
    space: Space, tmp_path: Path
) -> None:
    file = tmp_path / "herbs.tgz"
    await load(space, file, package(profile(), codes("thyme"), VALUES))
    lax = profile(differential={"element": [{"id": "Organization", "path": "Organization"}]})
    nameless = {"resourceType": "Organization", "meta": {"profile": [PROFILE]},
                "identifier": [{"value": "1"}]}  # fmt: skip
    refused = await load(space, file, package(lax, codes("thyme", "basil"), VALUES))
    assert refused.state is State.REFUSED
    assert "2 definitions refused" in refused.why and "--replace" in refused.why
    assert refused.counts == {"definitions already there": 1}
    assert await said(space, nameless)
    taken = await load(space, file, package(lax, codes("thyme", "basil"), VALUES), replace=True)
    assert (taken.state, taken.counts["profiles"], taken.counts["code systems"]) == (State.IN, 1, 1)
    assert await said(space, nameless) == []


async def test_an_archive_of_definitions_and_documents_gives_both(
    space: Space, tmp_path: Path
) -> None:
    herb = codes("rue") | {"url": HERE + "rue", "version": "7"}
    path = tmp_path / "both.zip"
    path.write_bytes(
        zipped({"CodeSystem-rue.json": json.dumps(herb).encode(), "cr.xml": fresh().xml})
    )
    found = {each.path.name: each for each in await loaded(space, path)}
    assert found["CodeSystem-rue.json"].counts["code systems"] == 1
    assert found["cr.xml"].address.startswith("DocumentReference/")
    told = await load(space, tmp_path / "package.zip", zipped({
        "package.json": b'{"name": "x", "fhirVersions": ["4.0.1"]}', "cr.xml": b"<a/>",
        "CodeSystem-rue.json": json.dumps(herb).encode()}))  # fmt: skip
    assert any("1 files" in each.text for each in told.remarks), "a package says what it leaves"


async def test_a_folder_of_definitions_is_loaded_as_a_package(space: Space, tmp_path: Path) -> None:
    """Files by themselves, a Bundle of them, a ZIP archive, lines; what is no definition goes on."""
    bundle = {"resourceType": "Bundle", "type": "collection",
              "entry": [{"resource": codes("thyme")}, {"resource": VALUES}]}  # fmt: skip
    files = {"package.json": {"name": "a", "version": "1"}, "profile.json": profile(), "codes.json": bundle,
             "guide.json": {"resourceType": "ImplementationGuide"}, "api.json": {"openapi": "3.0.1"},
             "actor.json": {"resourceType": "ActorDefinition"}}  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content), "utf-8")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("in/a.json", json.dumps(profile(url=PROFILE + "2", name="Other")))
    (tmp_path / "lines.ndjson").write_text(json.dumps(profile(version="2")) + "\n", "utf-8")
    found = {each.path.name: each for each in await loaded(space, tmp_path)}
    states = {name: str(each.state) for name, each in found.items()}
    skipped = ("package.json", "guide.json", "api.json", "actor.json")
    taken = ("profile.json", "codes.json", "more.zip", "lines.ndjson")
    assert states == dict.fromkeys(skipped, "skipped") | dict.fromkeys(taken, "in")
    assert await said(space, organization()) == []


async def test_faults_that_published_profiles_have_are_told_and_break_nothing(
    space: Space, tmp_path: Path
) -> None:
    """An extension without an address, an example without a value, a binding without a strength."""
    binding = {"valueSet": HERE + "ValueSet/herbs", "extension": [{"valueString": "a"}]}
    element = {"id": "Organization.type", "path": "Organization.type", "binding": binding,
               "example": [{"label": "a"}]}  # fmt: skip
    faint = profile(
        differential={"element": [{"id": "Organization", "path": "Organization"}, element]}
    )
    found = await load(space, tmp_path / "a.json", faint)
    assert (found.state, found.counts) == (State.IN, {"profiles": 1})
    said_of = " ".join(each.path for each in found.warnings)
    assert (
        "binding.strength" in said_of
        and "binding.extension[0].url" in said_of
        and "example[0]" in said_of
    )
    basil = {"coding": [{"system": HERE + "herbs", "code": "basil"}]}
    assert await said(space, organization(type=[basil])) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (package(profile(), fhirVersions=["5.0.0"]), "another release"),
        (package(profile(fhirVersion="5.0.0")), "another release"),
        (package(profile(url="")), "no url"),
        (package(profile(url=HERE + "x" * 5000)), "no url"),
        (package(profile(kind=["herb"])), "kind"),
        (package(parameter("wrong", "string", "Organization.nothing", "Organization")), "expression"),
        (package({"resourceType": "ImplementationGuide"}), "Nothing in this archive"),
        (package(profile())[:-60], "gzip"),
        (b"PK\x03\x04....", "cut short"),
        (package(codes("a") | {"concept": [1]}), "form"),
    ],
)  # fmt: skip
async def test_what_is_refused_says_why_and_leaves_nothing(
    space: Space, tmp_path: Path, content: bytes, why: str
) -> None:
    name = "a.zip" if content.startswith(b"PK") else "a.tgz"
    found = await load(space, tmp_path / name, content)
    assert (found.state, why in found.why) == (State.REFUSED, True), found.why
    assert "nforeseen" not in found.why
    assert await space.rows("SELECT url FROM validation.profile") == []


async def test_profiles_are_looked_for_once_a_second(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at each validation: between two looks what was loaded is not known yet."""
    monkeypatch.setattr(checks, "EVERY", 3600.0)
    assert await said(space, organization(meta={"source": HERE})) == []
    assert not space.built.desk.checks.late
    await load(space, tmp_path / "a.json", profile())
    held = space.built.desk.checks.generation
    await space.post("Organization/$validate", organization(), as_=LAB)
    assert space.built.desk.checks.generation == held
    await said(space, organization())
    assert space.built.desk.checks.generation == held + 1


@pytest.mark.needs_shared
@pytest.mark.slow
async def test_the_french_profiles_are_loaded(space: Space, shared: Path) -> None:
    """Those of Interop'Santé, from their folder."""
    found = await loaded(space, shared / "data/french/fr-core/conformance")
    refused = [(each.path.name, each.why) for each in found if each.state is State.REFUSED]
    assert refused == []
    address = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient"
    patient = {"resourceType": "Patient", "meta": {"profile": [address]}, "gender": "female"}
    assert await said(space, patient)
