# SPDX-License-Identifier: EUPL-1.2
"""The text of an RTF, and nothing else of it. Confined.

Objects, pictures, fields' instructions, and every destination a reader may ignore are left out: what
remains is characters. Source: Rich Text Format Specification 1.9.1.
"""

from __future__ import annotations

import re

from carnet.documents.files.plain import FORBIDDEN, lines
from carnet.documents.files.refusal import Refusal

DEPTH = 1000  # groups in groups
CHARACTERS = 5_000_000
TOKEN = re.compile(
    rb"\\(?:([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|'([0-9a-fA-F]{2})|([^a-zA-Z]))|([{}])|([^\\{}\r\n]+)"
    rb"|[\r\n]+|\\"
)
# Destinations whose text is not the document's.
SKIPPED = frozenset(
    b"fonttbl colortbl stylesheet info pict object objdata objclass objname fldinst filetbl"
    b" listtable listoverridetable revtbl rsidtbl generator themedata colorschememapping datastore"
    b" latentstyles datafield xmlnstbl mmathPr nonshppict template operator author company comment"
    b" bkmkstart bkmkend private ftnsep ftnsepc aftnsep panose falt fontemb fontfile".split()
)
SPOKEN = {
    b"par": "\n", b"line": "\n", b"sect": "\n\n", b"page": "\n\n", b"row": "\n", b"cell": "\t",
    b"nestcell": "\t", b"nestrow": "\n", b"tab": "\t", b"emdash": "—", b"endash": "–",
    b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•",
    b"emspace": " ", b"enspace": " ", b"qmspace": " ",
}  # fmt: skip
SIGNS = {b"~": "\u00a0", b"_": "\u2011", b"-": "", b"\\": "\\", b"{": "{", b"}": "}"}
SIGNS |= {b"\n": "\n", b"\r": "\n"}
PAGES = {1250: "cp1250", 1251: "cp1251", 1252: "cp1252", 1253: "cp1253", 1254: "cp1254"}
PAGES |= {1255: "cp1255", 1256: "cp1256", 1257: "cp1257", 850: "cp850", 437: "cp437"}
KNOWN = {page: bytes(range(256)).decode(name, "replace") for page, name in PAGES.items()}


def clean(data: bytes) -> tuple[list[str], bytes]:
    """What was removed, and the text, UTF-8."""
    kept = FORBIDDEN.sub("", lines(text(data))).strip("\n") + "\n"
    if not kept.strip():
        raise Refusal("empty")
    return ["formatting"], kept.encode()


def text(data: bytes) -> str:
    """The characters of the document's own text."""
    made: list[str] = []
    count = 0
    table = KNOWN[1252]
    skipped, fallback = False, 1  # this group is left out; characters that follow a \\u
    stack: list[tuple[bool, int]] = []
    begins = False  # a group was just opened
    pending = 0  # characters still to leave out after a \\u
    high = 0  # first half of a character beyond the first plane
    place, end = 0, len(data)
    while place < end:
        found = TOKEN.match(data, place)
        if found is None:
            break
        place = found.end()
        word, number, coded, sign, brace, run = found.groups()
        said = ""
        if brace == b"{":
            if len(stack) > DEPTH:
                raise Refusal("too-complex")
            stack.append((skipped, fallback))
            begins, pending = True, 0
            continue
        if brace == b"}":
            if not stack:
                break
            skipped, fallback = stack.pop()
            begins, pending = False, 0
            if not stack:
                break  # what stands after the document is not of it
            continue
        if word is not None:
            value = int(number) if number else None
            if word == b"bin":
                place += max(0, value or 0)
            elif word in SKIPPED:
                skipped = True
            elif word == b"ansicpg" and value in KNOWN:
                table = KNOWN[value]
            elif word == b"uc":
                fallback = min(max(0, value if value is not None else 1), 100)
            elif word == b"u" and value is not None:
                said, high = _character(value & 0xFFFF, high)
                if not skipped:
                    made.append(said)
                    count += 1
                pending, begins = fallback, False
                continue
            else:
                said = SPOKEN.get(word, "")
        elif coded is not None:
            said = table[int(coded, 16)]
        elif sign is not None:
            if sign == b"*" and begins:
                skipped = True
            said = SIGNS.get(sign, "")
        elif run is not None:
            said = "".join([table[byte] for byte in run])
        begins = False
        if said and pending:
            left = min(pending, len(said))
            said, pending = said[left:], pending - left
        if said and not skipped:
            made.append(said)
            count += len(said)
            if count > CHARACTERS:
                raise Refusal("too-complex")
    return "".join(made)


def _character(value: int, high: int) -> tuple[str, int]:
    """A UTF-16 unit as text, and the first half that waits for its second."""
    if 0xD800 <= value < 0xDC00:
        return "", value
    if 0xDC00 <= value < 0xE000:
        if not high:
            return "", 0
        return chr(0x10000 + ((high - 0xD800) << 10) + (value - 0xDC00)), 0
    return chr(value), 0
