# SPDX-License-Identifier: EUPL-1.2
"""Attachments that say a size or a hash which are not those of the bytes beside.

Source: FHIR R4, Attachment: size in bytes before base64, hash by SHA-1.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from carnet.fhir.validation.profiles import Problem

SIZE: Final = "The size is not that of the data: bytes, before base64."
HASH: Final = "The hash is not that of the data: SHA-1, in base64."


def check(resource: dict[str, Any]) -> list[Problem]:
    """The false sizes and hashes of a resource, but for those of resources that stand in it."""
    return list(_below(resource, ""))


def _below(value: Any, tail: str) -> Iterator[Problem]:
    if type(value) is dict:
        if "data" in value and ("size" in value or "hash" in value):
            yield from _wrong(value, tail)
        for key, inner in value.items():
            if (type(inner) is dict or type(inner) is list) and key not in {
                "contained",
                "resource",
            }:
                yield from _below(inner, f"{tail}.{key}")
    elif type(value) is list:
        for at, one in enumerate(value):
            if type(one) is dict:
                yield from _below(one, f"{tail}[{at}]")


def _wrong(attachment: dict[str, Any], tail: str) -> Iterator[Problem]:
    try:
        data = binascii.a2b_base64(attachment["data"])
    except (ValueError, TypeError):
        return
    if "size" in attachment and attachment["size"] != len(data):
        yield f"{tail}.size", "error", "value", SIZE, "Attachment.size"
    digest = hashlib.sha1(data, usedforsecurity=False).digest()
    if "hash" in attachment and _decoded(attachment["hash"]) != digest:
        yield f"{tail}.hash", "error", "value", HASH, "Attachment.hash"


def _decoded(text: Any) -> bytes:
    try:
        return binascii.a2b_base64(text)
    except (ValueError, TypeError):
        return b""
