# SPDX-License-Identifier: EUPL-1.2
"""The parts of a multipart/related body, one after another as it arrives: no more than one is held.

Source: RFC 2046 §5.1, RFC 2387; DICOM PS3.18 §8.6 (multipart of DICOM instances).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from email.message import Message
from typing import Final

from carnet import errors

BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", re.ASCII)
HEAD: Final = 8192  # bytes of a part's headers
MOST: Final = 10_000  # parts


class NotRelated(errors.NotSupported):
    """Images are sent as multipart/related; type="application/dicom", each part an application/dicom."""

    status = 415


class BrokenParts(errors.Invalid):
    """The parts of the body do not follow its boundary, or it ends before its last one."""


class PartTooLarge(errors.TooLarge):
    """An image of the request is larger than this server takes."""


def boundary_of(content_type: str, media: str) -> bytes:
    """The boundary of a multipart/related body of parts of one media type; NotRelated else."""
    told = Message()
    told["content-type"] = content_type
    if told.get_content_type() != "multipart/related":
        raise NotRelated
    kind, boundary = told.get_param("type"), told.get_param("boundary")
    if not isinstance(kind, str) or kind.lower() != media:
        raise NotRelated
    if not isinstance(boundary, str) or not BOUNDARY.fullmatch(boundary):
        raise BrokenParts
    return b"--" + boundary.encode()


async def parts(
    chunks: AsyncIterator[bytes], delimiter: bytes, media: str, largest: int
) -> AsyncIterator[bytes]:
    """The bytes of each part; largest: of one, in bytes."""
    held = _Held(chunks, b"\r\n" + delimiter)
    await held.until(largest, HEAD)  # what stands before the first is nothing
    for _ in range(MOST):
        if await held.take(2) == b"--":
            return
        if held.taken != b"\r\n":
            raise BrokenParts
        head = await held.head()
        if head != media:
            raise NotRelated
        yield await held.until(largest, largest)
    raise BrokenParts


class _Held:
    """What has arrived and was not taken yet."""

    def __init__(self, chunks: AsyncIterator[bytes], delimiter: bytes) -> None:
        self._chunks = chunks
        self._delimiter = delimiter
        self._held = bytearray(b"\r\n")  # the first delimiter may begin the body
        self.taken = b""

    async def _more(self) -> None:
        async for chunk in self._chunks:
            if chunk:
                self._held += chunk
                return
        raise BrokenParts

    async def take(self, size: int) -> bytes:
        """The next bytes."""
        while len(self._held) < size:
            await self._more()
        self.taken = bytes(self._held[:size])
        del self._held[:size]
        return self.taken

    async def head(self) -> str:
        """The media type a part's headers say."""
        while (end := self._held.find(b"\r\n\r\n")) < 0 and not self._held.startswith(b"\r\n"):
            if len(self._held) > HEAD:
                raise BrokenParts
            await self._more()
        if self._held.startswith(b"\r\n"):
            raise NotRelated
        told = Message()
        for line in bytes(self._held[:end]).decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            told[name.strip()] = value.strip()
        del self._held[: end + 4]
        return told.get_content_type()

    async def until(self, largest: int, allowed: int) -> bytes:
        """What stands before the next delimiter, which is taken too."""
        start = 0
        while (end := self._held.find(self._delimiter, start)) < 0:
            start = max(0, len(self._held) - len(self._delimiter))
            if start > allowed:
                raise PartTooLarge
            await self._more()
        if end > allowed:
            raise PartTooLarge
        found = bytes(self._held[:end])
        del self._held[: end + len(self._delimiter)]
        return found
