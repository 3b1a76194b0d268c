# SPDX-License-Identifier: EUPL-1.2
"""Mutations from a seed: of bytes, of an XML tree, of a JSON value. Same seed, same inputs."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from lxml import etree

from tests.hostile.corpus.json import NASTY
from tests.hostile.fuzz.seeds import seeds, words

LONGEST: Final = 300_000
INTERESTING: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x27, 0x26, 0x3C, 0x3E, 0x5C, 0x0A, 0xC3, 0xED)
TREES: Final = frozenset(("xml", "cda", "narrative"))
VALUES: Final = frozenset(("resource", "bundle"))
VALUES_OF_XML: Final = (
    "", " ", "0", "-1", "1e400", "9" * 40, "99999999999999", "20261399", "\u202e", "NaN", "x" * 5000,
    "1.2.250.1.213.1.4.8", "1..2", "urn:oid:", "true", "#resultat-01", "ED", "PQ", "CD", "application/pdf",
    "B64", "DF", "2.16.840.1.113883.1.3", "+0000", "\ud7ff", "é", "&", "<", "RPLC",
)  # fmt: skip


def inputs(reader: str, seed: int) -> Iterator[bytes]:
    """Without end: the seeds, then mutations of them."""
    random, held, given = Random(f"{reader}-{seed}"), seeds(reader), words(reader)
    trees = [each for each in held if _tree(each) is not None] if reader in TREES else []
    values = [each for each in held if _value(each) is not None] if reader in VALUES else []
    yield from held
    while True:
        turn = random.random()
        if trees and turn < 0.7:
            yield of_tree(random.choice(trees), random)
        elif values and turn < 0.7:
            yield json.dumps(of_value(_value(random.choice(values)), random)).encode()
        else:
            yield of_bytes(random.choice(held), random, held, given)


def of_bytes(content: bytes, random: Random, held: list[bytes], given: list[bytes]) -> bytes:
    """A few changes anywhere."""
    made = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at = random.randrange(len(made) + 1)
        end = min(len(made), at + random.choice((1, 1, 2, 4, 16, 200)))
        match random.randrange(8):
            case 0:
                made[at:end] = bytes(random.choice(INTERESTING) for _ in range(end - at))
            case 1:
                del made[at:end]
            case 2:
                made[at:at] = random.choice(given)
            case 3:
                made[at:end] = random.choice(given)
            case 4:
                made[at:at] = made[at:end] * random.choice((1, 2, 10, 100))
            case 5:
                other = random.choice(held)
                start = random.randrange(len(other) + 1)
                made[at:end] = other[start : start + random.choice((4, 40, 400))]
            case 6 if at < len(made):
                made[at] ^= 1 << random.randrange(8)
            case _:
                made[at:at] = bytes([random.randrange(256)])
    return bytes(made[:LONGEST])


def _tree(content: bytes) -> etree._Element | None:
    if b"<!DOCTYPE" in content or len(content) > 60_000:
        return None
    try:
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return None


def of_tree(content: bytes, random: Random) -> bytes:
    """Well formed, and wrong: elements moved, doubled, renamed, attributes and texts changed."""
    root = _tree(content)
    assert root is not None
    for _ in range(random.choice((1, 2, 4, 12))):
        every = [each for each in root.iter() if isinstance(each.tag, str)]
        one = random.choice(every)
        parent = one.getparent()
        match random.randrange(9):
            case 0 if parent is not None:
                parent.remove(one)
            case 1 if parent is not None and len(every) < 3000:
                parent.append(copy.deepcopy(one))
            case 2 if one.attrib:
                one.attrib[random.choice(list(one.attrib))] = random.choice(VALUES_OF_XML)
            case 3 if one.attrib:
                del one.attrib[random.choice(list(one.attrib))]
            case 4:
                one.set(random.choice(("nullFlavor", "value", "root", "code", "mediaType")),
                        random.choice(VALUES_OF_XML))  # fmt: skip
            case 5:
                one.text = random.choice(VALUES_OF_XML)
            case 6:
                one.tag = random.choice(every).tag
            case 7 if len(one) > 1:
                one[:] = random.sample(list(one), len(one))
            case _:
                other = random.choice(every)
                if len(every) < 3000 and len(list(other.iter())) < 200:
                    one.append(copy.deepcopy(other))
    return etree.tostring(root)


def _value(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def of_value(value: Any, random: Random) -> Any:
    """JSON of the same shape but for a few places."""
    for _ in range(random.choice((1, 1, 2, 5))):
        places = list(_places(value))
        if not places:
            return random.choice(NASTY)
        holder, key = random.choice(places)
        match random.randrange(6):
            case 0:
                holder[key] = copy.deepcopy(random.choice(NASTY))
            case 1:
                del holder[key]
            case 2:
                holder[key] = [holder[key], holder[key]]
            case 3 if isinstance(holder, dict):
                holder["_" + str(key)] = copy.deepcopy(random.choice(NASTY))
            case 4:
                other, there = random.choice(places)
                if isinstance(other, list):
                    holder[key] = json.loads(json.dumps(other))
                elif there in other:
                    holder[key] = json.loads(json.dumps(other[there]))
            case _:
                if isinstance(holder[key], str):
                    holder[key] += random.choice(("\u202e", "x" * 100, " ", "|", "#"))
                else:
                    holder[key] = str(holder[key])[:1000]
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inside = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, inner in inside:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)
