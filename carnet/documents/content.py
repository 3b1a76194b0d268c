# SPDX-License-Identifier: EUPL-1.2
"""The bytes of a document as they come in a Bundle or an attachment, and what they are said to be."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from carnet import errors
from carnet.fhir import json
from carnet.rest.acts import Entry, Plan

UNKNOWN_TYPE = "application/octet-stream"
FHIR_JSON = "application/fhir+json"
# Threads that wait for a confined process: never those that read the store.
_threads = ThreadPoolExecutor(64, thread_name_prefix="carnet-files")

Given = ParamSpec("Given")
Made = TypeVar("Made")


class NotBase64(errors.Invalid):
    """The data of an attachment is not base64."""


class WrongHash(errors.BusinessRule):
    """The size or the hash of the attachment is not that of its data."""


class NoContent(errors.BusinessRule):
    """A document has its content in the same Bundle, or in its own attachment."""


@dataclass(slots=True)
class File:
    """One file of a document: its address once it has one, and its bytes."""

    media_type: str
    data: bytes
    entry: Entry | None = None  # the Binary of the Bundle it came in

    @property
    def hash(self) -> str:
        """SHA-1 in base64, as FHIR and XDS ask."""
        return sha1(self.data)


def files(plan: Plan, resource: dict[str, Any]) -> list[File]:
    """The bytes of each content of a DocumentReference, in order; none may be elsewhere or empty."""
    found = []
    for place, content in enumerate(resource.get("content", [])):
        path = f"DocumentReference.content[{place}].attachment"
        attachment = content.get("attachment", {})
        media = str(attachment.get("contentType", ""))
        entry = None
        if "data" in attachment:
            data = decoded(str(attachment["data"]))
        elif (entry := plan.pointed(str(attachment.get("url", "")))) and entry.rtype == "Binary":
            data = unpacked(entry.resource) if entry.data is None else entry.data
            media = str(entry.resource.get("contentType") or media)
        else:
            raise NoContent(path=path)
        if not data:
            raise NoContent("A document has content: this attachment is empty.", path=path)
        file = File(media or UNKNOWN_TYPE, data, entry)
        if attachment.get("size", len(data)) != len(data):
            raise WrongHash(path=f"{path}.size")
        if attachment.get("hash", file.hash) != file.hash:
            raise WrongHash(path=f"{path}.hash")
        found.append(file)
    if not found:
        raise NoContent
    return found


def packed(plan: Plan) -> None:
    """The FHIR documents of a lot, each as the file it is: a Bundle that a DocumentReference points to.

    Its bytes are those of our own writing of it, so that a size or a hash is ours too.
    Source: IHE MHD 4.2, ITI-65 FHIR Documents Publish option.
    """
    files = {
        entry.full_url: entry
        for entry in plan.entries
        if entry.full_url
        and (entry.method, entry.rtype) == ("POST", "Bundle")
        and entry.resource.get("type") == "document"
    }
    if not files:
        return
    for entry in plan.entries:
        if (entry.method, entry.rtype) != ("POST", "DocumentReference"):
            continue
        contents = []
        for content in entry.resource.get("content", []):
            attachment = dict(content.get("attachment", {}))
            bundle = files.get(str(attachment.get("url", "")))
            if bundle is not None:
                for name in ("size", "hash"):
                    attachment.pop(name, None)
                _pack(bundle)
            contents.append({**content, "attachment": attachment})
        if contents:
            entry.resource = {**entry.resource, "content": contents}


def _pack(bundle: Entry) -> None:
    if bundle.rtype == "Bundle":
        bundle.data = json.dump(bundle.resource)
        bundle.rtype = "Binary"
        bundle.resource = {"resourceType": "Binary", "contentType": FHIR_JSON}


def unpacked(binary: dict[str, Any]) -> bytes:
    """The bytes a Binary resource holds."""
    return decoded(str(binary.get("data", "")))


def decoded(text: str) -> bytes:
    """Base64 as FHIR writes it: white space is nothing, anything foreign is refused."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotBase64 from None


def sha1(data: bytes) -> str:
    """SHA-1 in base64, as FHIR and XDS ask of an attachment."""
    digest = hashlib.sha1(data, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


async def apart(work: Callable[Given, Made], *arguments: Given.args, **named: Given.kwargs) -> Made:
    """Work on a file that blocks (`files`), beside the loop."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, lambda: work(*arguments, **named))
