# SPDX-License-Identifier: EUPL-1.2
"""What is kept of each document so that it is found by its words.

The text at hand (metadata, sections of a CDA, a plain text) goes in the transaction of the document. A
PDF is read afterwards by a worker, in the confined process of `files`; how many wait is told.
"""

from __future__ import annotations

import html
import json
import re
import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from carnet import errors
from carnet.access.door import Address, Door, Unit, platform
from carnet.documents import files, metadata, nomenclature
from carnet.documents.cda import CdaDocument, read
from carnet.documents.content import File, apart
from carnet.documents.same import keep as same
from carnet.documents.text import asking, pairs, queries, words
from carnet.documents.text.authors import authors, known
from carnet.fhir.search.columns import Tally

log = structlog.get_logger("carnet.documents.text")

LONGEST = 200_000  # characters of a document that are kept
MOST = 5_000  # words of a document that it is found by
TAGS = re.compile(r"<[^>]*>")
BLANKS = re.compile(r"\s+")
XML_TYPES = ("text/xml", "application/xml", "application/xslt+xml", "application/hl7-cda+xml")
READ_LATER = ("application/pdf", "application/rtf", "text/rtf")
TOGETHER = 50  # documents of one step of the worker


@dataclass(frozen=True, slots=True)
class Text:
    """What a document says, by weight."""

    title: str
    heads: tuple[str, ...]
    body: str
    authors: tuple[str, ...] = ()  # names, as they are read

    @property
    def whole(self) -> str:
        """All of it, as phrases see it."""
        return "\n".join((self.title, *self.heads, self.body))


def text_of(resource: dict[str, Any], document: CdaDocument | None, held: Sequence[File]) -> Text:
    """The text at hand: of the metadata, of the sections, of a plain file."""
    coding: dict[str, Any] = next(iter(resource.get("type", {}).get("coding", [])), {})
    attachments = [each.get("attachment", {}) for each in resource.get("content", [])]
    named = [str(each.get("title", "")) for each in attachments]
    label = nomenclature.type_label(str(coding.get("code", ""))) or ""
    title = dict.fromkeys([*named, str(resource.get("description", "")), label,
                           str(coding.get("display", ""))])  # fmt: skip
    who = authors(resource)
    body = list(who)
    heads: tuple[str, ...] = ()
    if document is not None:
        heads = tuple(each.title for each in document.sections if each.title)
        body += [_plain(each.html) for each in document.sections]
    for file in held:
        if _bare(file.media_type) == "text/plain":
            body.append(file.data.decode(errors="replace")[:LONGEST])
    return Text(
        " · ".join(filter(None, title)), heads, "\n".join(filter(None, body))[:LONGEST], who
    )


def waits(document: CdaDocument | None, held: Sequence[File]) -> bool:
    """Whether a worker has files to read: a printed copy of a structured text says nothing more."""
    if document is not None and document.structured:
        return False
    return any(_bare(each.media_type) in READ_LATER for each in held)


async def keep(
    unit: Unit,
    address: Address,
    resource: dict[str, Any],
    document: CdaDocument | None,
    held: Sequence[File],
    more: Sequence[File] = (),
) -> None:
    """Keep what a document is found by, in its own transaction. more: files found inside it."""
    text = text_of(resource, document, held)
    door = unit.visit.door
    cipher = (await door.vault.ciphers(unit.conn, [address.cid]))[address.cid]
    await unit.allow(address.cid)
    await queries.keep(
        unit.conn, row(cipher, door, (address.cid, address.rid), text, kind(door, resource))
    )
    if waits(document, [*held, *more]):
        await queries.later(unit.conn, address.cid, address.rid, unit.at)


async def later(unit: Unit, address: Address) -> None:
    """Have a worker read a document that comes before its files."""
    await unit.allow(address.cid)
    await queries.later(unit.conn, address.cid, address.rid, unit.at)


async def forget(unit: Unit, cid: int, rid: int) -> None:
    """Keep nothing of a document that is deleted."""
    await unit.allow(cid)
    await queries.forget(unit.conn, cid, rid)


def kind(door: Door, resource: dict[str, Any]) -> int:
    """What stands for the type of a document in its row; 0 where it is none that is listed."""
    param = door.definitions.params["DocumentReference"]["type"].number
    for coding in resource.get("type", {}).get("coding", []):
        if nomenclature.type_label(str(coding.get("code", ""))) is not None:
            tally = Tally(param, (str(coding["code"]),), "")
            (number,) = tally.hashes(door.place("DocumentReference"))
            return number
    return 0


def row(
    cipher: AESGCM, door: Door, place: tuple[int, int], text: Text, kind: int
) -> dict[str, object]:
    """Hashes by weight, in no order that says where words stood, and the sealed text."""
    hasher, (cid, rid) = door.hasher, place
    in_title, in_heads, in_body = (
        set(words.said(each)) for each in (text.title, "\n".join(text.heads), text.body)
    )
    title = words.stems_of(in_title)
    heads = title | words.stems_of(in_heads)
    whole = heads | set(sorted(words.stems_of(in_body))[:MOST])
    starts = sorted(words.beginnings(in_title | in_heads | in_body, asking.KEPT))[:MOST]
    together = pairs.numbers(hasher, cid, words.sequence(text.whole))
    paired = len(together) <= pairs.MOST
    return {
        "cid": cid,
        "rid": rid,
        "title": sorted(queries.hashed(hasher, cid, each) for each in title),
        "heads": sorted(queries.hashed(hasher, cid, each) for each in heads),
        "body": sorted(queries.hashed(hasher, cid, each) for each in whole),
        "starts": sorted(queries.begins(hasher, cid, each) for each in starts),
        "authors": sorted({queries.writer(hasher, cid, known(each)) for each in text.authors}),
        "pairs": together if paired else [],
        "paired": paired,
        "type": kind,
        "said": sealed(cipher, door.random(12), cid, rid, text),
    }


def sealed(cipher: AESGCM, nonce: bytes, cid: int, rid: int, text: Text) -> bytes:
    """A text as it rests: packed, then sealed for its row."""
    told = [text.title, text.heads, text.body, text.authors]
    plain = json.dumps(told, ensure_ascii=False).encode()
    packed = zstandard.ZstdCompressor(level=6).compress(plain)
    return nonce + cipher.encrypt(nonce, packed, _place(cid, rid))


def opened(cipher: AESGCM, cid: int, rid: int, body: bytes) -> Text:
    """What was sealed."""
    packed = cipher.decrypt(body[:12], body[12:], _place(cid, rid))
    plain = zstandard.ZstdDecompressor().decompress(packed, max_output_size=8 * LONGEST)
    title, heads, said, *more = json.loads(plain)  # an older version kept three
    return Text(title, tuple(heads), said, tuple(*more))


def _place(cid: int, rid: int) -> bytes:
    return b"text" + struct.pack(">qq", cid, rid)


def _plain(shown: str) -> str:
    return BLANKS.sub(" ", html.unescape(TAGS.sub(" ", shown))).strip()


def _bare(media: str) -> str:
    return media.split(";")[0].strip().lower()


# ------------------------------------------------------------------------------------- the worker's


async def backlog(door: Door) -> int:
    """How many documents wait to be read."""
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        return await queries.backlog(conn)


async def drain(door: Door, most: int = TOGETHER) -> int:
    """Read the files that wait; returns how many documents were done."""
    count = 0
    while count < most:
        async with door.pool.connection() as conn, conn.transaction():
            await platform.enter(door, conn)
            found = await queries.due(conn, 1)
            if not found:
                break
            if await _again(door, conn, found[0]):
                await queries.done(conn, found[0])
            else:
                await queries.tried(conn, found[0])
        count += 1
    return count


async def rebuild(door: Door, *, again: bool = False) -> int:
    """Index the documents of which nothing is kept (again: all of them); returns how many."""
    number, count, after = door.definitions.types["DocumentReference"], 0, queries.Due(0, 0)
    while True:
        async with door.pool.connection() as conn, conn.transaction():
            await platform.enter(door, conn)
            found = await queries.without(conn, number, after, TOGETHER, again=again)
            for each in found:
                await _again(door, conn, each)
        if not found:
            return count
        count, after = count + len(found), found[-1]


async def _again(door: Door, conn: Any, one: queries.Due) -> bool:
    """Index a document from what the record holds, its files read; whether all could be."""
    resource = await platform.resource(door, conn, "DocumentReference", one.cid, one.rid)
    if resource is None:
        await queries.forget(conn, one.cid, one.rid)
        return True
    held, complete, document = [], True, None
    for content in resource.get("content", []):
        attachment = content.get("attachment", {})
        place = door.ids.decode(str(attachment.get("url", "")).removeprefix("Binary/"))
        if place is None:
            continue
        media = _bare(str(attachment.get("contentType", "")))
        try:
            data = await platform.file(door, conn, *place)
            if data is None:
                continue
            if media in XML_TYPES and document is None:
                document = await apart(read, data)
            elif media in READ_LATER and not (document is not None and document.structured):
                said = await apart(files.text, data, media)
                held.append(File("text/plain", said.encode()))
            else:
                held.append(File(media, data))
        except (errors.CarnetError, files.Refused) as error:
            log.warning("text not read", error=type(error).__name__)
            complete = False
    text = text_of(resource, document, held)
    cipher = (await door.vault.ciphers(conn, [one.cid]))[one.cid]
    await queries.keep(conn, row(cipher, door, (one.cid, one.rid), text, kind(door, resource)))
    made = metadata.resources(
        document, patient="Patient", received=door.clock(), new_uuid=lambda: str(uuid.uuid4())
    ) if document is not None else []  # fmt: skip
    told = [each.resource for each in made]
    await same.again(door, conn, one.cid, one.rid, resource, document, told)
    return complete
