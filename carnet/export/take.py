# SPDX-License-Identifier: EUPL-1.2
"""A record as one ZIP, made as it is sent: what its person, or who represents them, may see of it now.

Memory is bounded by bytes: a batch, the largest file, and the titles of the documents. What is sent is
whole when it ends with the directory of the archive, which nothing before it can pass for; the last file,
`manifest.json`, says what there is and the digest of each.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from carnet.access import labels
from carnet.access.door import Stored, Visit
from carnet.access.door.takeout import batch, place, plain, still
from carnet.access.labels import Label
from carnet.access.log.heads import Head, instant
from carnet.export import journal, pages
from carnet.export.archive import Archive
from carnet.export.names import Names, cell, safe, suffix
from carnet.export.words import LANGUAGES, say
from carnet.fhir import json

FORM = 1  # of the archive
NAME = "dossier.zip"
TOGETHER = 4 << 20  # bytes of resources that wait to be written
PIECE = 1 << 16  # bytes handed over at once: a server keeps several for who reads slowly
INLINE = 1 << 16  # bytes compressed without leaving the loop
DOCUMENT = "DocumentReference"
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
FILES = ("Binary", "contentType", "file", "SHA-256")
RIGHTS = ("what", "who", "since", "until", "how")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing the person decided of who reads. what: a key of `rights` in words.toml."""

    what: str
    who: str
    since: datetime | None
    until: datetime | None
    how: str


# FHIR Consents and the same in words: `app` has the slice that knows.
Rights = Callable[[Visit, str], Awaitable[tuple[list[dict[str, Any]], list[Choice]]]]


@dataclass(slots=True)
class Paper:
    """A document, as the index shows it. files: addresses of its Binaries."""

    address: str
    title: str
    date: str
    files: tuple[str, ...]
    masked: bool


@dataclass
class _Copy:
    """What one export knows of what it wrote."""

    archive: Archive
    names: Names = field(default_factory=Names)
    person: str = ""
    papers: list[Paper] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, list[bytes]] = field(default_factory=dict)
    held: int = 0  # bytes that wait
    files: list[tuple[str, str, str, str]] = field(
        default_factory=list
    )  # Binary, type, path, SHA-256

    async def put(self, name: str, data: bytes) -> bytes:
        """One file into the archive."""
        if len(data) <= INLINE:
            return self.archive.add(name, data)
        return await asyncio.to_thread(self.archive.add, name, data)

    def keep(self, stored: Stored) -> None:
        """A resource, until enough of them wait."""
        line = stored.body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
        self.waiting.setdefault(stored.rtype, []).append(line)
        self.held += len(line)
        self.counts[stored.rtype] = self.counts.get(stored.rtype, 0) + 1
        if stored.rtype == DOCUMENT:
            self.papers.append(_paper(stored))
        elif stored.cid == stored.rid and not self.person:
            self.person = _person(stored.resource)

    def flushed(self, *, end: bool) -> Iterator[tuple[str, bytes]]:
        """What to write now: the types that weigh most, or all of them."""
        order = sorted(self.waiting, key=lambda rtype: -sum(map(len, self.waiting[rtype])))
        for rtype in sorted(order) if end else order:
            if not end and self.held <= TOGETHER // 2:
                return
            lines = self.waiting.pop(rtype)
            self.held -= sum(map(len, lines))
            number = 1 + sum(e.name.startswith(f"fhir/{rtype}-") for e in self.archive.entries)
            yield f"fhir/{rtype}-{number}.ndjson", b"".join(lines)


async def taken(visit: Visit, patient: str, rights: Rights) -> AsyncIterator[bytes]:
    """The bytes of the archive, in order; Nothing for who may not take the record away.

    patient: id of a Patient, or "" for the visitor's own record.
    """
    async for made in _made(visit, patient, rights):
        for start in range(0, len(made), PIECE):
            yield made[start : start + PIECE]


async def _made(visit: Visit, patient: str, rights: Rights) -> AsyncIterator[bytes]:
    cid = place(visit, patient)
    patient = visit.door.ids.encode(cid, cid)
    started = visit.door.clock()
    head = await journal.head_of(visit)
    copy = _Copy(Archive(started))
    cids: tuple[int, ...] | None = None
    after: tuple[int, int] | None = None
    while True:
        found = await batch(visit, cid, after, binaries=False, cids=cids)
        cids, after = found.cids, found.after
        for stored in found.found:
            copy.keep(stored)
        if copy.held > TOGETHER:
            for name, data in copy.flushed(end=False):
                yield await copy.put(name, data)
        if after is None:
            break
    for name, data in copy.flushed(end=True):
        yield await copy.put(name, data)

    paths = {address: paper for paper in copy.papers for address in paper.files}
    while True:
        found = await batch(visit, cid, after, binaries=True, cids=cids)
        after = found.after
        for stored in found.found:
            data = await plain(visit, found, stored)
            yield await _file(copy, stored, data, paths.get(stored.address))
        if after is None:
            break
    if copy.files:
        yield await copy.put("fhir/fichiers.csv", _csv(FILES, copy.files))

    consents, choices = await rights(visit, patient)
    masked = [paper for paper in copy.papers if paper.masked]
    choices += [Choice("mask", paper.title, None, None, "") for paper in masked]
    if masked:
        consents.append(_masks(patient, masked, started))
    if consents:
        lines = b"".join(json.dump(each) + b"\n" for each in consents)
        yield await copy.put("droits/Consent.ndjson", lines)
    if choices:
        heads = tuple(say("fr", name) for name in RIGHTS)
        yield await copy.put("droits/droits.csv", _csv(heads, _choices("fr", choices)))

    titles = {paper.address: paper.title for paper in copy.papers}
    lines_, unsealed = 0, 0
    async for part in journal.parts(visit, cid, titles, started, head):
        lines_ += part.lines
        unsealed += part.unsealed
        for name, data in part.files:
            yield await copy.put(name, data)
    if head is not None:
        yield await copy.put("journal/racine.ndjson", json.dump(head.line()) + b"\n")
    for language, name in zip(LANGUAGES, ("VERIFIER.txt", "CHECK.txt"), strict=True):
        yield await copy.put(f"journal/{name}", _how(language, head).encode())
    for language in LANGUAGES:
        body = _index(language, visit, copy, choices, lines_, unsealed, head)
        title = say(language, "title")
        data = pages.page(language, "index", title, body)
        yield await copy.put(pages.named("index", language), data)
    await still(visit, cid)  # a right that ended while the last pages were made
    yield await copy.put("manifest.json", _manifest(copy, patient, started))
    yield copy.archive.end()


async def _file(copy: _Copy, stored: Stored, data: bytes, paper: Paper | None) -> bytes:
    """A file as it was received, called as its document."""
    media = str(stored.resource.get("contentType", ""))
    title = safe(f"{paper.date} {paper.title}" if paper else stored.address)
    path = copy.names.free("documents", title, suffix(media))
    sent = await copy.put(path, data)
    copy.files.append((stored.address, media, path, copy.archive.entries[-1].digest))
    return sent


def _paper(stored: Stored) -> Paper:
    resource = stored.resource
    contents = [each.get("attachment", {}) for each in resource.get("content", [])]
    title = next((str(each["title"]) for each in contents if each.get("title")), "")
    title = title or str(resource.get("description") or "")
    if not title:
        coding = (resource.get("type", {}).get("coding") or [{}])[0]
        title = str(coding.get("display") or "Document")
    begun = resource.get("context", {}).get("period", {}).get("start") or resource.get("date")
    return Paper(
        stored.address,
        title,
        str(begun or stored.upd.date().isoformat())[:10],
        tuple(str(each["url"]) for each in contents if each.get("url")),
        bool(labels.of(resource) & Label.MASQUE_PS),
    )


def _person(resource: dict[str, Any]) -> str:
    names = resource.get("name") or [{}]
    name = next((each for each in names if each.get("use") == "official"), names[0])
    return " ".join((*name.get("given", [])[:1], str(name.get("family", "")))).strip()


def _masks(patient: str, papers: Sequence[Paper], now: datetime) -> dict[str, Any]:
    """What is masked, as a FHIR Consent."""
    return {
        "resourceType": "Consent", "status": "active",
        "scope": {"coding": [{"system": SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"}, "dateTime": instant(now),
        "policyRule": {"text": "MASQUE_PS"},
        "provision": {"type": "deny", "data": [
            {"meaning": "instance", "reference": {"reference": paper.address}} for paper in papers
        ]},
    }  # fmt: skip


def _choices(language: str, choices: Sequence[Choice]) -> list[tuple[str, ...]]:
    return [
        (say(language, one.what, "rights"), one.who, pages.moment(one.since),
         pages.moment(one.until), one.how)
        for one in choices
    ]  # fmt: skip


def _csv(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([cell(each) for each in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()  # a spreadsheet knows UTF-8 by its mark


def _index(
    language: str,
    visit: Visit,
    copy: _Copy,
    choices: Sequence[Choice],
    lines: int,
    unsealed: int,
    head: Head | None,
) -> str:
    def word(name: str) -> str:
        return escape(say(language, name))

    made = pages.moment(copy.archive.now)
    found = [
        f"<p>{word('of')} <strong>{escape(copy.person)}</strong>. {word('made')} {made}."
        f" {word('by')} {escape(visit.actor.name)}.</p>\n<p>{word('whole')}</p>\n",
        f"<h2>{word('documents')}</h2>\n",
    ]
    by_binary = {address: path for address, _, path, _ in copy.files}
    rows = [
        (escape(paper.date), escape(paper.title), "<br>".join(
            pages.link(by_binary[each], by_binary[each].partition("/")[2])
            for each in paper.files if each in by_binary))
        for paper in sorted(copy.papers, key=lambda one: (one.date, one.title), reverse=True)
    ]  # fmt: skip
    heads = [say(language, name) for name in ("date", "name", "file")]
    found.append(pages.table(heads, rows) if rows else f"<p>{word('no_documents')}</p>\n")
    found.append(f"<h2>{word('data')}</h2>\n<ul>\n")
    for entry in copy.archive.entries:
        if entry.name.startswith("fhir/"):
            found.append(f"<li>{pages.link(entry.name, entry.name.partition('/')[2])}</li>\n")
    found.append(f"</ul>\n<h2>{word('rights')}</h2>\n")
    heads = [say(language, name) for name in RIGHTS]
    told = [[escape(each) for each in row] for row in _choices(language, choices)]
    found.append(pages.table(heads, told) if told else f"<p>{word('no_rights')}</p>\n")
    found.append(f"<h2>{word('readers')}</h2>\n<p>{word('until_copy')}</p>\n")
    path = pages.named("acces/acces", language)
    found.append(
        f"<p>{pages.link(path, say(language, 'readers'))} ({lines} {word('lines')}),"
        f" {pages.link('acces/acces.csv', 'CSV')}</p>\n<h2>{word('check')}</h2>\n"
    )
    if head is None:
        found.append(f"<p>{word('no_root')}</p>\n")
    else:
        found.append(
            f"<p>{word('root')} <code>{head.root.hex()}</code>, {head.size} {word('lines')},"
            f" {instant(head.at)}.</p>\n"
        )
        if unsealed:
            found.append(f"<p>{unsealed} {word('unsealed')}</p>\n")
    text = "journal/VERIFIER.txt" if language == "fr" else "journal/CHECK.txt"
    found.append(f"<p>{pages.link(text, text.partition('/')[2])}</p>\n")
    return "".join(found)


def _manifest(copy: _Copy, patient: str, at: datetime) -> bytes:
    """What there is; a copy without it is not whole."""
    return json.dump({
        "carnet-export": FORM, "patient": f"Patient/{patient}", "time": instant(at),
        "resources": dict(sorted(copy.counts.items())),
        "files": {each.name: {"size": each.size, "sha256": each.digest} for each in copy.archive.entries},
    })  # fmt: skip


def _how(language: str, head: Head | None) -> str:
    root = head.root.hex() if head else "-"
    return (FRENCH if language == "fr" else ENGLISH).format(root=root)


FRENCH = """\
Vérifier le journal des accès
=============================

Chaque ouverture de votre dossier est une ligne d’un journal. Toutes les vingt secondes environ, les
lignes nouvelles deviennent les feuilles d’un arbre de Merkle (RFC 6962) dont la racine est signée
(Ed25519). Qui garde une racine peut prouver qu’une ligne y était, et voir si le journal a été réécrit.

La racine de cette copie : {root}

Elle doit être la même au pied des pages du site à ce moment, à l’adresse /fhir/$audit-root, et dans le
fichier des racines de l’hébergeur (roots.ndjson).

1. Vos lignes. journal/preuves-1.ndjson a une preuve par ligne de acces/acces.csv, dans le même ordre
   (null : la ligne n’était pas encore scellée). Sur n’importe quel ordinateur, sans réseau :

     carnet audit verify --proof journal/preuves-1.ndjson

   ou toute la copie à la fois :

     carnet audit verify --proof copie.zip

   Sans clé donnée, la signature est vérifiée avec la clé écrite dans la racine : comparez-la à celle que
   l’hébergeur publie, avec --key.

2. Le journal entier. L’hébergeur, ou qui a une copie de sa base, vérifie contre votre racine :

     carnet audit verify --roots journal/racine.ndjson

   Un journal réécrit, même avec tous ses sceaux recalculés, ne s’accorde plus avec elle.

3. Sans ce logiciel. La feuille d’une ligne est SHA-256(0x00 || contenu) ; contenu est le tableau JSON
   sans espaces [form, les valeurs de row dans leur ordre, commitment]. Puis, de bas en haut, chaque
   nœud est SHA-256(0x01 || gauche || droite) avec les empreintes de path (RFC 9162, 2.1.3.2).
   commitment est SHA-256(salt || tableau JSON des valeurs de named).

Ce qui n’est pas couvert : les lignes de la dernière minute avant la racine. Une ligne retirée avant
d’être scellée ne laisse pas de trace.
"""
ENGLISH = """\
Checking the log of openings
============================

Each opening of your record is a line of a log. Every twenty seconds or so, new lines become the leaves of
a Merkle tree (RFC 6962) whose root is signed (Ed25519). Whoever keeps a root can prove that a line was
there, and see whether the log was rewritten.

The root of this copy: {root}

It must be the same at the foot of the pages of the site at that moment, at the address /fhir/$audit-root,
and in the host's file of roots (roots.ndjson).

1. Your lines. journal/preuves-1.ndjson has one proof for each line of acces/acces.csv, in the same order
   (null: the line was not sealed yet). On any computer, without a network:

     carnet audit verify --proof journal/preuves-1.ndjson

   or the whole copy at once:

     carnet audit verify --proof copy.zip

   Without a key given, the signature is checked with the key written in the root: compare it with the one
   the host publishes, by --key.

2. The whole log. The host, or whoever has a copy of its database, checks it against your root:

     carnet audit verify --roots journal/racine.ndjson

   A log that was rewritten, even with all its seals made anew, no longer agrees with it.

3. Without this software. The leaf of a line is SHA-256(0x00 || content); content is the JSON array
   without spaces [form, the values of row in their order, commitment]. Then, from the bottom up, each
   node is SHA-256(0x01 || left || right) with the hashes of path (RFC 9162, 2.1.3.2). commitment is
   SHA-256(salt || JSON array of the values of named).

What is not covered: the lines of the last minute before the root. A line removed before it is sealed
leaves no trace.
"""
