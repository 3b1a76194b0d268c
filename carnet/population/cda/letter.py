# SPDX-License-Identifier: EUPL-1.2
"""Documents of level 1: the head, and a PDF. Most of the field sends these.

Source: ANS, CI-SIS, volet Document non structuré.
"""

from base64 import b64encode

from carnet.population.cda.elements import tag
from carnet.population.cda.header import Header, document

UNSTRUCTURED = ("1.3.6.1.4.1.19376.1.2.20",)


def letter(header: Header, pdf: bytes) -> bytes:
    """A document of level 1."""
    content = b64encode(pdf).decode()
    text = tag("text", content, mediaType="application/pdf", representation="B64")
    return document(header, UNSTRUCTURED, tag("nonXMLBody", text))
