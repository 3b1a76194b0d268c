# SPDX-License-Identifier: EUPL-1.2
"""Definitions among the files of a load: profiles, nomenclatures, search parameters.

They are the installation's, about nobody: the operator's role of PostgreSQL keeps them, before anything else
of the load is written. Running servers know profiles and nomenclatures at their next question; search
parameters once `carnet reindex` has ended.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from carnet import errors
from carnet.app.loading.outcomes import Remark
from carnet.fhir import archives, json
from carnet.fhir.search.own.load import load_into
from carnet.fhir.terminology.load import fhir, files, install, loinc, store
from carnet.fhir.terminology.load import queries as nomenclatures
from carnet.fhir.terminology.load.model import Brought
from carnet.fhir.terminology.refusals import Taken
from carnet.fhir.validation import queries as profiles
from carnet.fhir.validation import structure
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.snapshots import Snapshots
from carnet.rest.outcome import NotValid

Json = dict[str, Any]
Resources = list[tuple[str, Json]]  # where in the file, and the resource

DEFINING: Final = ("StructureDefinition", "CodeSystem", "ValueSet", "SearchParameter")
# A questionnaire by itself is a resource too, which people answer.
KINDS: Final = (*DEFINING, "Questionnaire")
TOGETHER: Final = ("collection", "searchset")
LONGEST: Final = 1000  # characters of an address with its version
TABLES: Final = (b"RetrieveValueSetResponse", b"<ClaML")
OWN: Final = "hl7.fhir.r4.core"  # R4 itself, which every installation has
RELEASE: Final = "4.0"
HEAD: Final = 4096  # bytes
# What a document may be called in an archive.
PAPERS: Final = (
    ".xml",
    ".pdf",
    ".hl7",
    ".er7",
    ".eml",
    ".zip",
    ".ndjson",
    ".jsonl",
    ".rtf",
    ".tif",
    ".tiff",
)
# Where the profiles that agencies publish have faults, which are told: nothing is lost of what they ask.
FAINT: Final = re.compile(
    r"\.(extension|example)\[|\.differential\.element\[[0-9]+\]\.binding\.strength$"
)
MOST_MISSING: Final = 20  # remarks on what a profile leans on


class OtherRelease(errors.NotSupported):
    """This is of another release of FHIR: definitions of R4 (4.0) are loaded."""


class NoAddress(errors.Invalid):
    """It has no url, or one that is none: a definition is known by it."""


class NoDefinition(errors.NotSupported):
    """Nothing in this archive defines anything: documents and resources are unpacked first."""


@dataclass(slots=True)
class Definitions:
    """What one file defines."""

    profiles: Resources = field(default_factory=list)
    codes: Resources = field(default_factory=list)
    parameters: Resources = field(default_factory=list)
    table: Callable[[Mapping[str, str]], Brought | None] | None = None  # of systems by other names
    digest: bytes = b""  # of a table
    left: Counter[str] = field(default_factory=Counter)  # resources of other types
    refused: list[tuple[str, Exception]] = field(default_factory=list)
    beside: int = 0  # files of an archive that are not JSON and may be documents
    data: bool = False  # there are resources beside that are somebody's, not an installation's
    package: bool = False  # it says itself that it is one: its resources are examples

    @property
    def mixed(self) -> bool:
        """Whether an archive holds documents as well: each of its files is then read for itself."""
        return not self.package and bool(self.beside or self.data)

    def __bool__(self) -> bool:
        return bool(self.profiles or self.codes or self.parameters or self.table or self.refused)

    def add(self, where: str, resource: Json) -> None:
        """Take a resource; one that defines nothing is only counted."""
        kind, url, version = (resource.get(name, "") for name in ("resourceType", "url", "version"))
        if kind not in KINDS:
            self.left[str(kind)] += 1
            self.package |= kind == "ImplementationGuide"
            self.data |= "url" not in resource and kind != "NamingSystem"
        elif not (isinstance(url, str) and isinstance(version, str) and url and "|" not in url
                  and len(url) + len(version) <= LONGEST):  # fmt: skip
            self.refused.append((where, NoAddress()))
        else:
            lists = {
                "CodeSystem": self.codes,
                "ValueSet": self.codes,
                "SearchParameter": self.parameters,
            }
            lists.get(kind, self.profiles).append((where, resource))

    def take(self, resource: Json, where: str = "") -> bool:
        """Take what a file of JSON defines; whether there is nothing else in it."""
        if resource.get("resourceType") == "Bundle":
            inside = _inside(resource)
            every = bool(inside) and all(each.get("resourceType") in DEFINING for _, each in inside)
            taken = [
                (", ".join(filter(None, (where, place))), each)
                for place, each in inside
                if each.get("resourceType") in KINDS and (every or resource.get("type") in TOGETHER)
            ]
        else:
            kind = resource.get("resourceType")
            every = kind in DEFINING
            # Without an address a questionnaire is no one's definition.
            known = every or (kind == "Questionnaire" and isinstance(resource.get("url"), str))
            taken = [(where, resource)] if known else []
        for place, each in taken:
            self.add(place, each)
        return every


@dataclass(slots=True)
class Kept:
    """What came of what a file defines."""

    new: Counter[str] = field(default_factory=Counter)
    there: int = 0
    refused: list[tuple[str, Exception]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


# ---------------------------------------------------------------------------------------- reading


def read(path: Path, content: bytes) -> Definitions | None:
    """What a file that is no resource defines: an archive, or a table of codes; None for another file."""
    if archives.is_one(content):
        return _archive(content)
    head = content[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{") or not head:
        return None
    if head.startswith(b"<") and not any(mark in head for mark in TABLES):
        return None
    if not head.startswith(b"<") and path.suffix.lower() not in files.TABLES:
        return None
    if head.startswith(b"<") or files.promising(content):
        return _table(
            content,
            lambda known: files.of_table(content, known, french=lambda: loinc.near(path)),
        )
    return None


def _table(content: bytes, table: Callable[[Mapping[str, str]], Brought | None]) -> Definitions:
    return Definitions(table=table, digest=store.digest_of(content))


def _archive(content: bytes) -> Definitions:
    """A package of FHIR, or a ZIP archive: of a table of codes, or of definitions in JSON."""
    if files.of_archive(content, {}) is not None:
        return _table(content, lambda known: files.of_archive(content, known))
    found = Definitions(package=archives.is_tar(content))

    def wanted(name: str) -> bool:
        found.beside += name.lower().endswith(PAPERS)
        return name.endswith(".json")

    for name, body in archives.members(content, wanted):
        last = name.rpartition("/")[2]
        if last.startswith(".") or "/." in name:
            continue
        try:
            resource = json.parse(body)
        except errors.CarnetError as refusal:
            if last.startswith(KINDS):
                found.refused.append((name, refusal))
            continue
        if last == "package.json" and "resourceType" not in resource:
            _release(resource)
            found.package = True
        elif resource.get("resourceType") != "Bundle":
            if "resourceType" in resource:
                found.add(name, resource)
        elif not found.take(resource, name):
            found.left["Bundle"] += 1
            found.data = True
    if not found:
        raise NoDefinition
    return found


def _inside(bundle: Json) -> list[tuple[str, Json]]:
    """The resources of a Bundle, and where each is."""
    entries = bundle.get("entry")
    found = [
        (f"Bundle.entry[{at}].resource", each.get("resource"))
        for at, each in enumerate(entries if isinstance(entries, list) else ())
        if isinstance(each, dict)
    ]
    return [(where, each) for where, each in found if isinstance(each, dict)]


def _release(package: Json) -> None:
    said = package.get("fhirVersions", package.get("fhir-version-list", ()))
    if isinstance(said, list) and said and not any(str(each).startswith(RELEASE) for each in said):
        raise OtherRelease
    if package.get("name") == OWN:
        raise errors.NotSupported("This is R4 itself: every installation has it already.")


# ---------------------------------------------------------------------------------------- keeping


class Keeper:
    """Keeps what files define. url: of the operator's role."""

    def __init__(
        self, url: str, clock: Callable[[], datetime], *, replace: bool = False, origin: str = ""
    ) -> None:
        self.url = url
        self.clock = clock
        self.replace = replace
        self.origin = origin

    def keep(self, given: Sequence[tuple[str, Definitions]]) -> list[Kept]:
        """Keep what files define, by their names; what came of each, in their order."""
        made = [Kept(refused=list(each.refused)) for _, each in given]
        with psycopg.connect(self.url, autocommit=True) as conn:
            install.base(conn, self.clock())
            for kept, (name, each) in zip(made, given, strict=True):
                self._codes(conn, name, each, kept)
                self._profiles(conn, name, each, kept)
            self._parameters(conn, [each for _, each in given], made)
            for kept, (_, each) in zip(made, given, strict=True):
                kept.remarks += _lacking(
                    conn, [one for _, one in each.profiles if one["resourceType"] in DEFINING]
                )
        for kept, (_, each) in zip(made, given, strict=True):
            if each.left:
                said = ", ".join(f"{number} {kind}" for kind, number in sorted(each.left.items()))
                text = f"Left out, for they define nothing that is loaded: {said}."
                kept.remarks.append(Remark("information", text))
            if each.beside:
                text = f"Left out, for a package brings no documents: {each.beside} files."
                kept.remarks.append(Remark("information", text))
        return made

    def _codes(
        self, conn: psycopg.Connection[Any], name: str, given: Definitions, kept: Kept
    ) -> None:
        """Nomenclatures of a file: all that can be had of them, in one transaction."""
        try:
            if given.table is not None:
                known = dict(conn.execute(nomenclatures.NAMES).fetchall())
                brought = given.table(known)
                if brought is None:
                    raise files.NotTerminology
                kept.new += Counter(_counts(self._store(conn, name, brought, given.digest)))
                kept.there += not kept.new
                return
        except errors.CarnetError as refusal:
            kept.refused.append(("", refusal))
            return
        good: Resources = []
        for where, resource in given.codes:
            try:
                fhir.brought([_of_release(resource)])
                good.append((where, resource))
            except errors.CarnetError as refusal:
                kept.refused.append((where, refusal))
        told: store.Stored | None = None
        while good and told is None:
            listed = [resource for _, resource in good]
            digest = store.digest_of(b"\n".join(map(json.dump, listed)))
            try:
                told = self._store(conn, name, fhir.brought(listed), digest)
            except Taken as taken:
                held = [each for each in good if _key(each[1]) in taken.held]
                if not held:
                    raise
                for where, _ in held:
                    kept.refused.append((where, profiles.OtherContent()))
                good = [each for each in good if _key(each[1]) not in taken.held]
        if told is not None:
            kept.new += Counter(_counts(told))
            kept.there += max(0, len(good) - told.systems - told.value_sets)

    def _store(
        self, conn: psycopg.Connection[Any], name: str, brought: Brought, digest: bytes
    ) -> store.Stored:
        return store.store(
            conn, brought, name=name, digest=digest, at=self.clock(), origin=self.origin,
            replace=self.replace,
        )  # fmt: skip

    def _profiles(
        self, conn: psycopg.Connection[Any], name: str, given: Definitions, kept: Kept
    ) -> None:
        good: Resources = []
        for where, resource in given.profiles:
            try:
                issues = structure.check(_of_release(resource))
                if wrong := [each for each in issues if not FAINT.search(each.path)]:
                    raise NotValid(wrong)
                kept.remarks += [
                    Remark("warning", each.text, each.code, f"{where}; {each.path}".strip("; "))
                    for each in issues
                ]
                good.append((where, resource))
            except errors.CarnetError as refusal:
                kept.refused.append((where, refusal))
        if not good:
            return
        listed = [resource for _, resource in good]
        asked = {where for where, each in good if each["resourceType"] == "Questionnaire"}
        told = profiles.keep(conn, listed, file=name, at=self.clock(), replace=self.replace)
        for (where, _), one in zip(good, told, strict=True):
            if isinstance(one, errors.CarnetError):
                kept.refused.append((where, one))
            else:
                what = "questionnaires" if where in asked else "profiles"
                kept.new += Counter({what: 1} if one else {})
                kept.there += not one

    def _parameters(
        self, conn: psycopg.Connection[Any], given: Sequence[Definitions], made: Sequence[Kept]
    ) -> None:
        listed: list[tuple[Any, Json | errors.CarnetError]] = [
            ((at, where), resource)
            for at, each in enumerate(given)
            for where, resource in each.parameters
        ]
        for one in load_into(conn, listed) if listed else ():
            at, where = one.name
            kept = made[at]
            if one.refusal is not None:
                kept.refused.append((where, one.refusal))
                continue
            kept.new += Counter({"search parameters": 1} if one.new else {})
            kept.there += not one.new
            if one.new:
                text = f"{one.sentence}. It is searched once `carnet reindex` has ended."
                kept.remarks.append(Remark("information", text, path=where))


def _key(resource: Json) -> tuple[str, str]:
    return resource["url"], resource.get("version", "")


def _counts(told: store.Stored) -> dict[str, int]:
    found = {"code systems": told.systems, "value sets": told.value_sets, "codes": told.concepts}
    return {name: number for name, number in found.items() if number}


def _of_release(resource: Json) -> Json:
    """A definition, when it is of this release of FHIR or does not say."""
    said = resource.get("fhirVersion")
    if isinstance(said, str) and not said.startswith(RELEASE):
        raise OtherRelease
    return resource


def _lacking(conn: psycopg.Connection[Any], given: Iterable[Json]) -> Iterator[Remark]:
    """What profiles lean on and nobody brought, and what could not be made of them."""
    addresses = {str(each["url"]) for each in given}
    if not addresses:
        return
    packages = Packages()
    packages.add(profiles.every_now(conn))
    known = {row[0] for row in conn.execute(nomenclatures.VALUE_SET_URLS).fetchall()}
    missing = {
        address: users
        for address, users in packages.missing().items()
        if address not in known and addresses.intersection(users)
    }
    for at, (address, users) in enumerate(missing.items()):
        if at == MOST_MISSING:
            yield Remark("warning", f"and {len(missing) - at} more that nobody brought")
            break
        some = len(addresses.intersection(users))
        yield Remark(
            "warning", f"{address} is named by {some} of these profiles, and nobody brought it."
        )
    snapshots = Snapshots(packages)
    for address in sorted(addresses):
        structure_of = packages.structure(address)
        if structure_of is None or structure_of.get("kind") == "logical":
            continue
        snapshots.of(address)
        for said in snapshots.problems.get(address, ()):
            if not said.startswith("its base is not known"):  # told above
                yield Remark(
                    "warning", f"The profile could not be made whole: {said}.", path=address
                )
