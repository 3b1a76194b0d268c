# SPDX-License-Identifier: EUPL-1.2
"""The files of a document and what is read in them, written in its own compartment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from carnet.access.door import Address, Unit, Written
from carnet.access.labels import Label
from carnet.documents import metadata
from carnet.documents.content import File, unpacked
from carnet.rest.acts import Entry, Plan
from carnet.rest.links import copied


@dataclass(frozen=True, slots=True)
class Place:
    """What all that comes from one document shares."""

    address: Address
    kind: int
    label: Label


async def binary(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A Binary that no document of its Bundle names: its depositor alone reads it."""
    assert entry.address is not None
    content = dict(entry.resource)
    plain = unpacked(content)
    content.pop("data", None)
    attachment = await unit.attach(entry.address, plain)
    return unit.put(entry.address, content, attachment=attachment)


async def attach(unit: Unit, place: Place, file: File) -> None:
    """Write one file as a Binary in the document's own compartment."""
    entry = file.entry or Entry("POST", "Binary")
    entry.address = await unit.place_in(place.address.cid, "Binary")
    content = {
        "resourceType": "Binary",
        "contentType": file.media_type,
        "securityContext": {"reference": place.address.literal},
    }
    attachment = await unit.attach(entry.address, file.data)
    entry.written = unit.put(
        entry.address,
        content,
        kind=place.kind,
        label=place.label,
        origin=place.address.rid,
        attachment=attachment,
    )
    file.entry = entry


def point(resource: dict[str, Any], held: list[File]) -> None:
    """Each content points to its Binary, with its size and hash, and bears no data."""
    contents = []
    for content, file in zip(resource["content"], held, strict=True):
        assert file.entry is not None and file.entry.address is not None
        attachment = {
            **{key: value for key, value in content["attachment"].items() if key != "data"},
            "contentType": content["attachment"].get("contentType", file.media_type),
            "url": file.entry.address.literal,
            "size": len(file.data),
            "hash": file.hash,
        }
        contents.append({**content, "attachment": attachment})
    resource["content"] = contents


async def extract(
    unit: Unit, place: Place, made: list[metadata.Made], resource: dict[str, Any]
) -> None:
    """PDF copies and results: resources of their own, with the document as their origin."""
    own, source, *others = made
    attachments = [content["attachment"] for content in resource["content"]]
    places = {own.url: place.address.literal, source.url: str(attachments[0]["url"])}
    brought = {each["hash"]: str(each["url"]) for each in attachments}
    for content in own.resource["content"][1:]:
        attachment = content["attachment"]
        if attachment["hash"] in brought:  # the Bundle has the same file
            places[attachment["url"]] = brought[attachment["hash"]]
            continue
        address = await unit.place_in(place.address.cid, "Binary")
        places[attachment["url"]] = brought[attachment["hash"]] = address.literal
        resource["content"].append(copied(content, places))
        binary = next(each for each in others if each.url == attachment["url"])
        assert binary.data is not None
        unit.put(
            address,
            copied(binary.resource, places),
            kind=place.kind,
            label=place.label,
            origin=place.address.rid,
            attachment=await unit.attach(address, binary.data),
        )
    placed = [
        (each, await unit.place_in(place.address.cid, each.resource["resourceType"]))
        for each in others
        if each.data is None
    ]
    places |= {each.url: address.literal for each, address in placed}
    for each, address in placed:
        unit.put(
            address,
            copied(each.resource, places),
            kind=place.kind,
            label=place.label,
            origin=place.address.rid,
        )
