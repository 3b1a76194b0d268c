# SPDX-License-Identifier: EUPL-1.2
"""Elements of CDA, made by lxml: what they hold is text, never markup."""

from __future__ import annotations

import re
from typing import Any, Final

from lxml import etree

Element = Any  # lxml's, whose stubs ask for a parameter
V3: Final = "urn:hl7-org:v3"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
# What XML 1.0 has no place for.
FORBIDDEN: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tag(name: str, *children: Element | None, text: str = "", **attributes: str | None) -> Element:
    """An element; an attribute or a child that is None is left out. `kind` is its xsi:type."""
    kind = attributes.pop("kind", None)
    made = etree.Element(f"{{{V3}}}{name}")
    if kind:
        made.set(f"{{{XSI}}}type", kind)
    for key, value in attributes.items():
        if value is not None:
            made.set(key, plain(value))
    if text:
        made.text = plain(text)
    made.extend(each for each in children if each is not None)
    return made


def plain(text: str) -> str:
    """Text an XML document can hold."""
    return FORBIDDEN.sub("", text)


def templates(*roots: str | tuple[str, str | None]) -> list[Element]:
    """The templateIds an element claims, each with its version when it has one."""
    pairs = ((each, None) if isinstance(each, str) else each for each in roots)
    return [tag("templateId", root=root, extension=version) for root, version in pairs]


def document(root: Element) -> bytes:
    """The bytes of a document, with the prefixes its readers know."""
    whole = etree.Element(root.tag, nsmap={None: V3, "xsi": XSI})
    whole.extend(list(root))
    etree.indent(whole, "  ")
    return bytes(etree.tostring(whole, xml_declaration=True, encoding="UTF-8")) + b"\n"
