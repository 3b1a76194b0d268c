# SPDX-License-Identifier: EUPL-1.2
"""The readable copy at the end of a document. Source: CI-SIS, section 55108-5 of its published examples."""

from __future__ import annotations

from base64 import b64encode
from typing import Final
from uuid import uuid5

from carnet.composing.cda import codes
from carnet.composing.cda.elements import Element, tag, templates
from carnet.composing.model import Document

SECTION: Final = "1.2.250.1.213.1.1.2.243"
ATTACHED: Final = "1.2.250.1.213.1.1.3.18"
KIND: Final = (
    "1.3.6.1.4.1.19376.1.5.3.1.4.13",
    "1.2.250.1.213.1.1.3.48",
    "1.2.250.1.213.1.1.3.48.18",
)
ANCHOR: Final = "copie"


def copied(document: Document, pdf: bytes) -> Element:
    """The section, around a PDF."""

    def number(name: str) -> Element:
        return tag("id", root=str(uuid5(document.number, f"copy {name}")).upper())

    kind = tag(
        "observation",
        *templates(*KIND),
        number("kind"),
        codes.loinc("69764-9", "Type de document"),
        tag("text", tag("reference", value=f"#{ANCHOR}")),
        tag("statusCode", code="completed"),
        tag("effectiveTime", nullFlavor="NA"),
        tag("value", kind="CD", code="55108-5", displayName="Copie du document",
            codeSystem=codes.LOINC, codeSystemName="LOINC"),
        classCode="OBS",
        moodCode="EVN",
    )  # fmt: skip
    media = tag(
        "observationMedia",
        tag(
            "value", text=b64encode(pdf).decode(), mediaType="application/pdf", representation="B64"
        ),
        classCode="OBS",
        moodCode="EVN",
        ID=ANCHOR,
    )
    organizer = tag(
        "organizer",
        *templates(ATTACHED),
        number("file"),
        codes.loinc("55107-7", "Document attaché"),
        tag("statusCode", code="completed"),
        tag("component", kind),
        tag("component", media),
        classCode="CLUSTER",
        moodCode="EVN",
    )
    shown = tag("td", tag("renderMultiMedia", referencedObject=ANCHOR))
    return tag(
        "component",
        tag(
            "section",
            *templates(SECTION),
            number("section"),
            codes.loinc("55108-5", "Copie du document"),
            tag("title", text="Copie du document"),
            tag("text", tag("table", tag("tbody", tag("tr", shown)))),
            tag("entry", organizer),
        ),
    )
