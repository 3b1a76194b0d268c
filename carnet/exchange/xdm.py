# SPDX-License-Identifier: EUPL-1.2
"""IHE XDM: an archive whose METADATA.XML says what each file is, and whose.

What the metadata say of a file is told with it; what does not agree with the file is noted. A file the
metadata do not name is a part all the same: nothing is lost.
Source: IHE ITI TF-1 16 and TF-2 3.32 (Distribute Document Set on Media), TF-3 4.2 (ebRIM 3.0 of document
sharing); CI-SIS, volet échange de documents de santé.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from carnet import errors
from carnet.exchange import ebrim
from carnet.exchange.ebrim import Entry, Metadata
from carnet.exchange.parts import Lot, Note, Opened, Part, Related, Told

FOLDER: Final = "IHE_XDM"
METADATA: Final = "METADATA.XML"
REPLACES: Final = "replaces"
ISO: Final = re.compile(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?")  # ISO 9660 level 1, as XDM asks

SENTENCES: Final = {
    "xdm-metadata-unread": (
        "METADATA.XML cannot be read: what it says of the files of its folder is not known, nor their masks.",
        "METADATA.XML est illisible : ce qu’il dit des fichiers du dossier, masques compris, est inconnu.",
    ),
    "xdm-no-metadata": (
        "The archive has no METADATA.XML in a folder of IHE_XDM.",
        "L’archive n’a aucun METADATA.XML dans un dossier de IHE_XDM.",
    ),
    "xdm-no-index": (
        "The archive has no INDEX.HTM: XDM asks for one, for people who open it without software.",
        "L’archive n’a pas d’INDEX.HTM : XDM en demande un, pour qui l’ouvre sans logiciel.",
    ),
    "xdm-no-readme": (
        "The archive has no README.TXT: XDM asks for one, that says who made it.",
        "L’archive n’a pas de README.TXT : XDM en demande un, qui dit qui l’a faite.",
    ),
    "xdm-name": (
        "This name is not one of ISO 9660 level 1, as XDM asks (8 capitals or digits, a dot, 3).",
        "Ce nom n’est pas un nom ISO 9660 niveau 1, comme XDM le demande (8 capitales ou chiffres, 3).",
    ),
    "xdm-no-uri": (
        "This DocumentEntry names no file (slot URI).",
        "Cette fiche ne nomme aucun fichier (slot URI).",
    ),
    "xdm-uri-climbs": (
        "The URI of this DocumentEntry leads out of its folder: it is not followed.",
        "L’URI de cette fiche mène hors de son dossier : elle n’est pas suivie.",
    ),
    "xdm-file-missing": (
        "The file this DocumentEntry names is not in the archive.",
        "Le fichier que cette fiche nomme n’est pas dans l’archive.",
    ),
    "xdm-hash": (
        "The SHA-1 hash of the metadata is not that of the file: one or the other was changed.",
        "L’empreinte SHA-1 des métadonnées n’est pas celle du fichier : l’un ou l’autre a changé.",
    ),
    "xdm-size": (
        "The size of the metadata is not that of the file.",
        "La taille des métadonnées n’est pas celle du fichier.",
    ),
    "xdm-no-hash": (
        "The metadata give no hash or no size of this file: XDM asks for both.",
        "Les métadonnées ne donnent pas l’empreinte ou la taille de ce fichier : XDM demande les deux.",
    ),
    "xdm-not-named": (
        "No DocumentEntry names this file: it is kept, with nothing said of it.",
        "Aucune fiche ne nomme ce fichier : il est gardé, sans rien qui le dise.",
    ),
    "xdm-twice": (
        "Two DocumentEntry name this file: it is loaded once, with what the first says and every mask.",
        "Deux fiches nomment ce fichier : il est chargé une fois, selon la première, masques des deux.",
    ),
    "xdm-id-twice": (
        "Two DocumentEntry have this id: links and folders that name it are taken for the first.",
        "Deux fiches ont cet identifiant : liens et dossiers qui le nomment valent pour la première.",
    ),
    "xdm-member-nowhere": (
        "This SubmissionSet or Folder holds objects the metadata do not describe: they are left out.",
        "Ce lot ou ce dossier contient des objets que les métadonnées ne décrivent pas : ils sont laissés.",
    ),
    "xdm-persons": (
        "The documents of this SubmissionSet or Folder are of several persons: each has a List apart.",
        "Les documents de ce lot ou dossier sont de plusieurs personnes : chacune a sa liste à part.",
    ),
    "xdm-link-nowhere": (
        "This Association names a document that is neither in the archive nor known by a unique id.",
        "Cette association nomme un document absent de l’archive, sans identifiant unique.",
    ),
    "xdm-ring": (
        "These documents replace each other in a ring: each is loaded, and none replaces another.",
        "Ces documents se remplacent en rond : chacun est chargé, et aucun n’en remplace un autre.",
    ),
    "xdm-lot-empty": (
        "This SubmissionSet or Folder holds no file of the archive.",
        "Ce lot ou ce dossier ne contient aucun fichier de l’archive.",
    ),
    "xdm-no-submission": (
        "The metadata have no SubmissionSet.",
        "Les métadonnées n’ont pas de lot de soumission (SubmissionSet).",
    ),
}


def looks(parts: Sequence[Part]) -> bool:
    """Whether the files of an archive are those of an XDM."""
    return any(
        each.name.upper().split("/")[-1] == METADATA or f"/{FOLDER}/" in f"/{each.name.upper()}"
        for each in parts
    )


@dataclass(slots=True)
class _Reading:
    """One archive on its way."""

    by_name: dict[str, Part]
    notes: list[Note]
    said: list[str] = field(default_factory=list)
    found: list[Part] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)  # folders whose masks nobody knows

    def note(self, rule: str, severity: str, place: str = "") -> None:
        """One more finding."""
        self.notes.append(note(rule, severity, place))


def read(archive: Opened) -> Opened:
    """The documents of an XDM, each with what its metadata say, and the lots they came in."""
    reading = _Reading({each.name.upper(): each for each in archive.parts}, list(archive.notes))
    root = _root(reading.by_name)
    for name, rule in (
        (f"{root}INDEX.HTM", "xdm-no-index"),
        (f"{root}README.TXT", "xdm-no-readme"),
    ):
        reading.used.add(name)
        if name not in reading.by_name:
            reading.note(rule, "warning")
    listed = sorted(name for name in reading.by_name if name.split("/")[-1] == METADATA)
    if not listed:
        reading.note("xdm-no-metadata", "error")
    for name in listed:
        _metadata(reading, name)
    _others(reading)
    return Opened(
        "XDM", tuple(reading.found), tuple(reading.notes), tuple(reading.said), tuple(reading.lots)
    )


def _metadata(reading: _Reading, name: str) -> None:
    """What one METADATA.XML names, in an order in which what is replaced comes first."""
    place = reading.by_name[name].name
    reading.used.add(name)
    try:
        metadata = ebrim.parse(reading.by_name[name].data)
    except errors.CarnetError as refusal:
        reading.note("xdm-metadata-unread", "error", place)
        reading.unread.append(posixpath.dirname(name) + "/")
        reading.said.append(f"{place}: {refusal}")
        return
    if not metadata.submissions:
        reading.note("xdm-no-submission", "warning", place)
    folders = len(metadata.lots) - len(metadata.submissions)
    reading.said.append(
        f"{place}: {len(metadata.submissions)} SubmissionSet, {folders} Folder,"
        f" {len(metadata.entries)} DocumentEntry"
    )
    held: dict[str, Part] = {}
    for entry in metadata.entries:
        part = _file(reading, name, entry)
        if part is None:
            continue
        if part.name.upper() in reading.used:
            reading.note("xdm-twice", "warning", part.name)
            _masked_too(reading, held, part)
            continue
        reading.used.add(part.name.upper())
        if entry.id in held:
            reading.note("xdm-id-twice", "error", f"{place} line {entry.line}")
        held[entry.id if entry.id and entry.id not in held else f"\0{part.name}"] = part
    linked = _linked(reading, place, metadata, held)
    reading.found += linked.values()
    described = {each.id for each in metadata.entries} | {each.id for each in metadata.lots}
    for lot in metadata.lots:
        inside = [linked[each] for each in lot.members if each in linked]
        members = tuple(each.name for each in inside)
        if not described.issuperset(lot.members):
            reading.note("xdm-member-nowhere", "warning", f"{place} line {lot.line}")
        if _several(inside):
            reading.note("xdm-persons", "warning", f"{place} line {lot.line}")
        if not members:
            reading.note("xdm-lot-empty", "warning", f"{place} line {lot.line}")
            continue
        reading.lots.append(
            Lot(
                lot.kind, members, lot.unique_id, lot.id, lot.source_id, lot.title, lot.comments,
                lot.at, lot.codes, lot.authors,
            )
        )  # fmt: skip


def _masked_too(reading: _Reading, held: dict[str, Part], again: Part) -> None:
    """Masks a second DocumentEntry says of a file: what is hidden too much is easily shown."""

    def masked(part: Part) -> Part:
        labels = tuple(dict.fromkeys((*part.told.labels, *again.told.labels)))
        return replace(part, told=replace(part.told, labels=labels))

    for key, part in held.items():
        if part.name == again.name:
            held[key] = masked(part)
    reading.found = [masked(each) if each.name == again.name else each for each in reading.found]


def _several(parts: Sequence[Part]) -> bool:
    """Whether two of these files give other numbers, of one authority, to whose they are."""
    known: dict[str, set[str]] = {}
    for part in parts:
        own: dict[str, set[str]] = {}
        for each in part.told.person.numbers if part.told.person else ():
            own.setdefault(each.oid, set()).add(each.value)
        for oid, values in own.items():
            if oid and known.setdefault(oid, values).isdisjoint(values):
                return True
    return False


def _linked(
    reading: _Reading, place: str, metadata: Metadata, held: dict[str, Part]
) -> dict[str, Part]:
    """The files with what they replace or complete; one that is replaced before what replaces it."""
    related: dict[str, list[Related]] = {}
    after: dict[str, list[str]] = {}
    for link in metadata.links:
        if link.source not in held:
            reading.note("xdm-link-nowhere", "warning", f"{place} line {link.line}")
            continue
        if link.target == link.source:
            reading.note("xdm-ring", "error", f"{place} line {link.line}")
            continue
        target = held.get(link.target)
        number = target.told.unique_id if target else _number(link.target)
        if not number:
            reading.note("xdm-link-nowhere", "warning", f"{place} line {link.line}")
            continue
        related.setdefault(link.source, []).append(Related(link.code, number))
        if target is not None:
            after.setdefault(link.source, []).append(link.target)
    order, ring = _order(list(held), after)
    if ring:
        reading.note("xdm-ring", "error", place)
    made = {}
    for id in order:
        links = [each for each in related.get(id, ()) if not (id in ring and each.code == REPLACES)]
        told = replace(held[id].told, related=tuple(links))
        made[id] = replace(held[id], told=told)
    return made


def _number(target: str) -> str:
    """The unique id of a document that is elsewhere; an id of a registry (urn:uuid:) names none here."""
    bare = target.removeprefix("urn:oid:")
    return bare if re.fullmatch(r"[0-9]+(\.[0-9]+)+(\^.*)?", bare) else ""


def _order(ids: Sequence[str], after: dict[str, list[str]]) -> tuple[list[str], set[str]]:
    """Each after those it names, and those that name each other in a ring."""
    done: dict[str, None] = {}
    waiting = list(ids)
    while waiting:
        ready = [id for id in waiting if all(each in done for each in after.get(id, ()))]
        if not ready:
            core, last = _core(waiting, after)
            return [*done, *core, *last], set(core)
        done |= dict.fromkeys(ready)
        waiting = [id for id in waiting if id not in done]
    return list(done), set()


def _core(waiting: Sequence[str], after: dict[str, list[str]]) -> tuple[list[str], list[str]]:
    """Those of a ring, and those that only name one of them, in their order."""
    core, last = list(waiting), list[str]()
    while True:
        named = {target for each in core for target in after.get(each, ())}
        outer = [each for each in core if each not in named]
        if not outer:
            return core, last
        last = [*outer, *last]
        core = [each for each in core if each in named]


def _others(reading: _Reading) -> None:
    """Files the metadata do not name are parts all the same."""
    for upper, part in reading.by_name.items():
        if f"/{FOLDER}/" in f"/{upper}":
            inside = upper.partition(f"{FOLDER}/")[2]
            steps = part.name.split("/")[-inside.count("/") - 1 :]
            if not all(ISO.fullmatch(step) for step in steps):
                reading.note("xdm-name", "information", part.name)
        if upper not in reading.used and not _furniture(upper):
            reading.note("xdm-not-named", "information", part.name)
            unsaid = any(upper.startswith(each) for each in reading.unread)
            reading.found.append(replace(part, altered=True) if unsaid else part)


def _root(by_name: dict[str, Part]) -> str:
    """The folder IHE_XDM stands in, "" at the root of the archive."""
    for name in by_name:
        before, mark, _ = f"/{name}".partition(f"/{FOLDER}/")
        if mark:
            return f"{before[1:]}/" if before[1:] else ""
    return ""


def _furniture(upper: str) -> bool:
    """Files an XDM has for those who look at it without software: style sheets and the like."""
    return upper.endswith(
        (".XSL", ".XSLT", ".CSS", "INDEX.HTM", "INDEX.HTML", "README.TXT", "README.HTM")
    )


def _file(reading: _Reading, metadata: str, entry: Entry) -> Part | None:
    """The file a DocumentEntry names, with what it says of it; of other bytes it says nothing but masks."""
    place = f"{metadata} line {entry.line}"
    if not entry.uri:
        reading.note("xdm-no-uri", "error", place)
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(metadata), entry.uri.upper()))
    if path.startswith(("..", "/")) or ":" in path:
        reading.note("xdm-uri-climbs", "error", place)
        return None
    part = reading.by_name.get(path)
    if part is None:
        reading.note("xdm-file-missing", "error", place)
        return None
    if not entry.hash or not entry.size:
        reading.note("xdm-no-hash", "warning", place)
    digest = hashlib.sha1(part.data, usedforsecurity=False).hexdigest()
    other_hash = bool(entry.hash) and entry.hash.lower() != digest
    other_size = bool(entry.size) and entry.size != str(len(part.data))
    if other_hash:
        reading.note("xdm-hash", "error", part.name)
    if other_size:
        reading.note("xdm-size", "error", part.name)
    if other_hash or other_size:
        return replace(part, told=Told(labels=entry.told.labels), altered=True)
    return replace(part, media_type=entry.media_type, told=entry.told)


def note(rule: str, severity: str, place: str = "") -> Note:
    """A finding of this reader."""
    return Note(rule, severity, *SENTENCES[rule], place)
