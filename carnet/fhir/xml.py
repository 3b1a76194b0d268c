# SPDX-License-Identifier: EUPL-1.2
"""The one door by which XML enters: bytes in, a tree out, or a sentence of refusal.

What is refused is refused before libxml2 sees it, or by limits it keeps itself: any DOCTYPE (so no
entity, no external subset, no amplification), unlisted encodings, too many bytes, elements,
attributes or levels. XInclude is never run, processing instructions and comments are dropped, and
nothing is fetched. No sentence quotes the content.
"""

import codecs
import re
from typing import Final

from lxml import etree

from carnet import errors

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 256
# Counted as bytes `<` and `=` before the parse, which bounds from above what the tree may hold: 100 MB.
# The largest of the national examples has 6,400 and 32,000.
MAX_MARKUP: Final = 200_000
MAX_ATTRIBUTES: Final = 200_000

# Encodings of Europe's real documents. Others (UTF-7, UTF-32, EBCDIC, ISO-2022…) are how a DOCTYPE
# hides.
ENCODINGS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
}

DECLARATION: Final = re.compile(
    rb"""<\?xml\s[^<>?]{0,200}?encoding\s*=\s*["']"""
    rb"""([A-Za-z][A-Za-z0-9._-]{0,40})["'][^<>?]{0,100}\?>"""
)
# What may stand before the root: white space, one comment or one processing instruction at a time.
SPACE: Final = re.compile(rb"[ \t\r\n]*")
# The children of the 256th level: XPath walks level by level and stops where the tree does.
TOO_DEEP: Final = etree.XPath("/" + "/".join(["*"] * (MAX_DEPTH + 1)) + "[1]")


class Hidden(errors.Invalid):
    """A DOCTYPE is never accepted: neither entities nor external definitions are read."""


class Excessive(errors.Invalid):
    """The XML document is nested deeper than 256 levels, or holds a text longer than 10 MB."""


def parse(source: bytes, *, times: int = 1) -> etree._Element:
    """The root element of an XML document received from outside.

    source: the whole document as received, in one of ENCODINGS. times: how many times larger than a
    document a file of the operator's own may be.
    Raises errors.TooLarge beyond MAX_BYTES, errors.Invalid for all else.
    """
    if len(source) > MAX_BYTES * times:
        raise errors.TooLarge(f"The XML document is larger than {MAX_BYTES * times} bytes.")
    text = _utf8(source)
    if text.count(b"<") > MAX_MARKUP * times or text.count(b"=") > MAX_ATTRIBUTES * times:
        raise errors.Invalid("The XML document holds too many elements or attributes.")
    _prolog(text)
    parser = etree.XMLParser(
        encoding="utf-8",  # what was judged is what is parsed: the declaration is not read again
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
            raise Excessive from None
        # libxml2's own message may quote the content: only the place is told.
        line, column = error.position
        place = f" at line {line}, column {column}" if line else ""
        raise errors.Invalid(f"The XML document is not well formed{place}.") from None
    except (ValueError, LookupError):
        raise errors.Invalid("The XML document is not well formed.") from None
    if (
        root.getroottree().docinfo.internalDTD is not None
    ):  # cannot be: a second lock on the same door
        raise Hidden
    if TOO_DEEP(root):
        raise Excessive
    return root


def _utf8(source: bytes) -> bytes:
    """The same document in UTF-8, whatever listed encoding it came in."""
    if source.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise errors.Invalid("The encoding of the XML document is not accepted here.")
    if source.startswith(codecs.BOM_UTF8):
        source, encoding = source[3:], "utf-8"
    elif source.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif source.startswith(b"<\0") and source[2:4] != b"\0\0":
        encoding = "utf-16-le"
    elif source.startswith(b"\0<"):
        encoding = "utf-16-be"
    else:
        encoding = _declared(source)
        if encoding == "utf-16":  # said, but the first bytes are not
            raise errors.Invalid("The encoding the XML document declares is not the one it is in.")
    try:
        if encoding == "utf-8":
            codecs.utf_8_decode(source, "strict", True)
            return source
        return source.decode(encoding).encode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        raise errors.Invalid("The XML document holds bytes foreign to its encoding.") from None


def _declared(source: bytes) -> str:
    found = DECLARATION.match(source)
    if found is None:
        return "utf-8"
    encoding = ENCODINGS.get(found[1].decode("ascii").lower())
    if encoding is None:
        raise errors.Invalid("The encoding of the XML document is not accepted here.")
    return encoding


def _prolog(text: bytes) -> None:
    """Walks to the root element, past comments and processing instructions only."""
    at = 0
    while True:
        at = SPACE.match(text, at).end()  # type: ignore[union-attr]  # matches the empty string
        if text.startswith(b"<?", at):
            end = text.find(b"?>", at + 2)
        elif text.startswith(b"<!--", at):
            end = text.find(b"-->", at + 4)
        elif text[at : at + 2] == b"<!":
            raise Hidden
        else:
            return
        if end < 0:
            raise errors.Invalid("The XML document ends before its root element.")
        at = end + (2 if text[end : end + 2] == b"?>" else 3)
