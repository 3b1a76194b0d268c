# SPDX-License-Identifier: EUPL-1.2
"""Values of a URL parameter: what separates them, and the backslash before what does not.

Source: FHIR R4, Search, "Escaping Search Parameters": after a backslash, a comma, a vertical bar, a
dollar and a backslash stand for themselves.
"""

from __future__ import annotations

import re


def cut(text: str, separator: str, *, once: bool = False) -> list[str]:
    """The parts between separators that no backslash escapes; escapes are left as they are."""
    parts, start = [], 0
    for found in re.finditer(rf"\\.|{re.escape(separator)}", text, re.DOTALL):
        if found[0] == separator:
            parts.append(text[start : found.start()])
            start = found.end()
            if once:
                break
    return [*parts, text[start:]]


def unescaped(value: str) -> str:
    """One part, with its escapes read."""
    return re.sub(r"\\([,|$\\])", r"\1", value)
