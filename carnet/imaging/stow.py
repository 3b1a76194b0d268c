# SPDX-License-Identifier: EUPL-1.2
"""STOW-RS: images sent over HTTP, and the answer that says what came of each.

Source: DICOM PS3.18 §10.5 (store transaction), annex I (store instances response).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from carnet import errors
from carnet.access.door import Visit
from carnet.imaging.instances import Instance, Refused, read
from carnet.imaging.store import Keeper, Kept

BATCH: Final = 32 << 20  # bytes that are written together
AT_ONCE: Final = 200  # images that are


class RequestTooLarge(errors.TooLarge):
    """The request holds more than this server takes at once: send the study in several."""


async def store(
    keeper: Keeper, visit: Visit, parts: AsyncIterator[bytes], study: str, most: int
) -> list[Kept | Refused]:
    """Keep what arrives, a batch after another. study: the only one allowed, "" for any."""
    done: list[Kept | Refused] = []
    held: list[bytes] = []
    size = whole = 0
    async for part in parts:
        whole += len(part)
        if whole > most:
            raise RequestTooLarge
        if held and (size + len(part) > BATCH or len(held) >= AT_ONCE):
            done += _bare(await keep(keeper, visit, held, study))
            held, size = [], 0
        held.append(part)
        size += len(part)
    if held:
        done += _bare(await keep(keeper, visit, held, study))
    return done


async def keep(
    keeper: Keeper, visit: Visit, files: Sequence[bytes], study: str = ""
) -> list[Kept | Refused]:
    """Keep the images of some files, or say why not, in their order."""
    judged = [
        Refused("identifiers", one.uid, one.sop_class)
        if isinstance(one, Instance) and study and one.study != study
        else one
        for one in await read(keeper.confined, files)
    ]
    images = [one for one in judged if isinstance(one, Instance)]
    kept = iter(await keeper.keep(visit, images))
    return [next(kept) if isinstance(one, Instance) else one for one in judged]


def _bare(done: list[Kept | Refused]) -> list[Kept | Refused]:
    """The same without the bytes, which are kept by now."""
    return [
        Kept(Instance(*_numbers(one.instance), {}, b""), one.again)
        if isinstance(one, Kept)
        else one
        for one in done
    ]


def _numbers(one: Instance) -> tuple[str, str, str, str]:
    return one.uid, one.sop_class, one.series, one.study


def answer(done: Sequence[Kept | Refused], retrieve: str) -> tuple[int, dict[str, Any]]:
    """Status and DICOM JSON. retrieve: address studies are had at."""
    kept = [one for one in done if isinstance(one, Kept)]
    refused = [one for one in done if isinstance(one, Refused)]
    told: dict[str, Any] = {}
    studies = {one.instance.study for one in kept}
    if len(studies) == 1:
        told["00081190"] = _value("UR", f"{retrieve}/{studies.pop()}")
    if refused:
        told["00081198"] = _value("SQ", *(_failed(one) for one in refused))
    if kept:
        told["00081199"] = _value("SQ", *(_referenced(one.instance, retrieve) for one in kept))
    if not kept:
        return 409, told
    return (202 if refused else 200), told


def _referenced(one: Instance, retrieve: str) -> dict[str, Any]:
    url = f"{retrieve}/{one.study}/series/{one.series}/instances/{one.uid}"
    return {
        "00081150": _value("UI", one.sop_class),
        "00081155": _value("UI", one.uid),
        "00081190": _value("UR", url),
    }


def _failed(one: Refused) -> dict[str, Any]:
    told = {"00081197": _value("US", one.reason)}
    if one.uid:
        told |= {"00081150": _value("UI", one.sop_class), "00081155": _value("UI", one.uid)}
    return told


def _value(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}
