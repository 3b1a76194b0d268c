# SPDX-License-Identifier: EUPL-1.2
"""Narrative: the XHTML a resource shows itself by, and what it may hold.

The list of elements and attributes is the one FHIR gives: text, lists, tables, images, links. What
runs, fetches by itself or leaves the page is refused, so that a display fault elsewhere has nothing
to run. A display still cleans what it shows, and serves it under its own policy: remote images are
conformant here, and tell their host who reads.

Source: FHIR R4, Narrative (txt-1, txt-2): HTML 4.0 chapters 7 to 11 and 15, without forms, scripts,
frames, objects and event attributes.
"""

import re
from typing import Any, Final

from carnet import errors
from carnet.fhir import xml

XHTML: Final = "{http://www.w3.org/1999/xhtml}"
XML: Final = "{http://www.w3.org/XML/1998/namespace}"

ELEMENTS: Final = frozenset(
    "a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd del dfn "
    "div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li map ol p pre q samp small span strong sub "
    "sup table tbody td tfoot th thead tr tt ul var".split()
)
ATTRIBUTES: Final = frozenset(
    "abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff "
    "charset cite class color colspan compact coords datetime dir frame headers height href "
    "hreflang hspace id ismap lang longdesc name nohref noshade nowrap rel rev rowspan rules "
    "scope shape size span src start style summary tabindex title type usemap valign value "
    "vspace width".split()
) | {XML + "lang", XML + "space", XML + "base"}
ADDRESSES: Final = frozenset(("href", "src", "cite", "longdesc", "usemap", XML + "base"))

SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
SCHEMES: Final = frozenset(("http", "https", "mailto", "tel", "ftp", "urn"))
IMAGE: Final = re.compile(r"data:image/(?:png|gif|jpe?g|webp|svg\+xml)[;,]", re.IGNORECASE)
# What a browser drops or skips inside an address before it reads the scheme.
HIDING: Final = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff]")
ACTIVE_STYLE: Final = re.compile(
    r"expression\s*\(|javascript:|vbscript:|behaviou?r\s*:|-moz-binding|@import|\\", re.IGNORECASE
)

ROOT: Final = "A narrative is one div in the namespace http://www.w3.org/1999/xhtml."


def check(value: Any) -> str | None:
    """None, or the rule the XHTML of a `div` breaks."""
    if type(value) is not str:
        return "A narrative is written as a JSON string."
    try:
        root = xml.parse(value.encode())
    except (errors.CarnetError, UnicodeEncodeError):
        return "A narrative is well-formed XHTML, without DOCTYPE and named HTML entities."
    if root.tag != XHTML + "div":
        return ROOT
    content = False
    for element in root.iter():
        tag = element.tag
        if type(tag) is not str or not tag.startswith(XHTML):
            return "A narrative holds XHTML elements only."
        name = tag[len(XHTML) :]
        if name not in ELEMENTS:
            return "A narrative holds text, lists, tables, links and images; nothing that acts."
        for attribute, given in element.items():
            if attribute not in ATTRIBUTES:
                return "A narrative has none but the attributes of text, tables, links and images."
            if attribute in ADDRESSES and not _harmless(str(given), name, str(attribute)):
                return "An address in a narrative is http, https, mailto, tel, relative or #."
            if attribute == "style" and ACTIVE_STYLE.search(str(given)):
                return "A style in a narrative only says how text looks."
        content = content or name == "img" or bool((element.text or "").strip())
        content = content or bool((element.tail or "").strip())
    return None if content else "A narrative has some text or an image."


def _harmless(address: str, element: str, attribute: str) -> bool:
    bare = HIDING.sub("", address)
    scheme = SCHEME.match(bare)
    if scheme is None or scheme[1].lower() in SCHEMES:
        return True
    return element == "img" and attribute == "src" and IMAGE.match(bare) is not None
