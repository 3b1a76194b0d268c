# SPDX-License-Identifier: EUPL-1.2
"""A text as UTF-8 without what commands a screen or misleads a reader. Confined."""

from __future__ import annotations

import codecs
import re

# Controls but tab and line feed; marks that turn the order of what is read; what a screen hides.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)


def clean(data: bytes) -> tuple[list[str], bytes]:
    """What was removed, and the text."""
    text = lines(decoded(data))
    kept = FORBIDDEN.sub("", text)
    return ["control"] if kept != text else [], kept.encode()


def lines(text: str) -> str:
    """Line ends and page breaks, as one kind of line end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n")
    return text.replace("\u2028", "\n").replace("\u2029", "\n\n")


def decoded(data: bytes) -> str:
    """By its mark when it has one, else UTF-8, else what Windows writes (Latin-1 is in it)."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return windows(data)


def windows(data: bytes) -> str:
    """CP1252, by a table: five of its bytes are nothing."""
    return data.decode("cp1252", "replace")
