# SPDX-License-Identifier: EUPL-1.2
"""Profiles, value sets and code systems loaded at run time: folders, or packages (.tgz) of them.

What R4 itself publishes is always there. What a package leans on and nobody brought is said by
`missing()`, by its canonical address; nothing is ever fetched.
"""

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from carnet import errors
from carnet.fhir import json
from carnet.fhir.definitions import load, profiles
from carnet.fhir.validation.snapshots import STRUCTURE

Json = dict[str, Any]

KINDS: Final = ("StructureDefinition", "ValueSet", "CodeSystem", "Questionnaire")
MOST_FILES: Final = 50_000  # of one package
LARGEST_FILE: Final = 64 * 1024 * 1024  # bytes
TERMS: Final = "http://terminology.hl7.org/"


class NoPackage(errors.Invalid):
    """A package is a folder of JSON files, or a .tgz of them."""


class Packages:
    """Conformance resources by canonical address; of several versions, the last loaded stands."""

    def __init__(self) -> None:
        self.structures: dict[str, Json] = {s["url"]: s for s in profiles().structures}
        self.value_sets: dict[str, Json] = {}
        self.code_systems: dict[str, Json] = {}
        self.questionnaires: dict[str, Json] = {}
        self.loaded: set[str] = set()  # addresses that came with packages

    def load(self, path: Path) -> int:
        """Everything a folder or a .tgz defines; how many definitions it had."""
        if path.is_dir():
            return self.add(_of_folder(path))
        if path.name.endswith((".tgz", ".tar.gz")):
            return self.add(_of_archive(path))
        raise NoPackage

    def add(self, resources: Iterable[Json]) -> int:
        """Conformance resources among some resources; how many."""
        count = 0
        for resource in resources:
            url = resource.get("url")
            kind = resource.get("resourceType")
            if type(url) is not str or kind not in KINDS:
                continue
            match kind:
                case "StructureDefinition":
                    self.structures[url] = resource
                case "ValueSet":
                    self.value_sets[url] = resource
                case "CodeSystem":
                    self.code_systems[url] = resource
                case "Questionnaire":
                    self.questionnaires[url] = resource
                    if type(version := resource.get("version")) is str:
                        self.questionnaires[f"{url}|{version}"] = resource
            self.loaded.add(url)
            count += 1
        return count

    def structure(self, url: str) -> Json | None:
        """A profile or extension, without its version; None for one that is not known."""
        return self.structures.get(url.partition("|")[0])

    def missing(self) -> dict[str, list[str]]:
        """What the packages loaded name and nobody brought: address → who names it."""
        wanted: dict[str, set[str]] = {}
        for url in sorted(self.loaded & self.structures.keys()):
            for address in _named(self.structures[url]):
                bare = address.partition("|")[0]
                if not self._known(bare):
                    wanted.setdefault(bare, set()).add(url)
        return {address: sorted(users) for address, users in sorted(wanted.items())}

    def _known(self, url: str) -> bool:
        if url in self.structures or url in self.value_sets or url in load().value_sets:
            return True
        if url in profiles().value_sets:
            return True
        return url.startswith(STRUCTURE) and url.removeprefix(STRUCTURE) in load().shapes


def _of_folder(folder: Path) -> Iterator[Json]:
    for path in sorted(folder.rglob("*.json")):
        if path.stat().st_size < LARGEST_FILE:
            yield from _read(path.read_bytes())


def _of_archive(path: Path) -> Iterator[Json]:
    with tarfile.open(path, "r:gz") as archive:
        for at, member in enumerate(archive):
            if at > MOST_FILES:
                raise NoPackage("The package has too many files.")
            if member.isfile() and member.name.endswith(".json") and member.size < LARGEST_FILE:
                file = archive.extractfile(member)
                if file is not None:
                    yield from _read(file.read())


def _read(body: bytes) -> Iterator[Json]:
    try:
        yield json.parse(body)
    except errors.CarnetError:  # a file of other things: an index, a list
        return


def _named(structure: Json) -> Iterator[str]:
    """The profiles and value sets a structure names."""
    if "baseDefinition" in structure:
        yield structure["baseDefinition"]
    for holder in ("differential", "snapshot"):
        for element in structure.get(holder, {}).get("element", ()):
            for t in element.get("type", ()):
                yield from t.get("profile", ())
                yield from t.get("targetProfile", ())
            binding = element.get("binding", {})
            if binding.get("strength") in {"required", "extensible"} and "valueSet" in binding:
                yield binding["valueSet"]
