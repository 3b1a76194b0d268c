# SPDX-License-Identifier: EUPL-1.2
"""The PDF copy at the end of a structured document (section 55108-5)."""

from base64 import b64encode

from carnet.population.cda.elements import LOINC_OID, leaf, loinc, oid, tag, templates, typed

PDF_COPY = ("1.2.250.1.213.1.1.2.243",)
ATTACHED = ("1.2.250.1.213.1.1.3.18",)
ATTACHED_TYPE = (
    "1.3.6.1.4.1.19376.1.5.3.1.4.13",
    "1.2.250.1.213.1.1.3.48",
    "1.2.250.1.213.1.1.3.48.18",
)


def pdf_copy(unique_id: str, pdf: bytes) -> str:
    """The section, around a PDF."""
    content = b64encode(pdf).decode()
    kind = tag(
        "observation",
        templates(*ATTACHED_TYPE),
        tag("id", root=oid(unique_id, "attached type")),
        loinc("69764-9", "Type de document"),
        tag("text", tag("reference", value="#copie")),
        tag("statusCode", code="completed"),
        tag("effectiveTime", nullFlavor="NA"),
        typed(
            "value", "CD", code="55108-5", displayName="Copie du document", codeSystem=LOINC_OID,
            codeSystemName="LOINC",
        ),
        classCode="OBS",
        moodCode="EVN",
    )  # fmt: skip
    media = tag(
        "observationMedia",
        tag("value", content, mediaType="application/pdf", representation="B64"),
        classCode="OBS",
        moodCode="EVN",
        ID="copie",
    )
    organizer = tag(
        "organizer",
        templates(*ATTACHED),
        tag("id", root=oid(unique_id, "attached")),
        loinc("55107-7", "Document attaché"),
        tag("statusCode", code="completed"),
        tag("component", kind),
        tag("component", media),
        classCode="CLUSTER",
        moodCode="EVN",
    )
    shown = tag("td", tag("renderMultiMedia", referencedObject="copie"))
    return "\n" + tag(
        "component",
        tag(
            "section",
            templates(*PDF_COPY),
            tag("id", root=oid(unique_id, "copy")),
            loinc("55108-5", "Copie du document"),
            leaf("title", "Copie du document"),
            tag("text", tag("table", tag("tbody", tag("tr", shown)), border="0")),
            tag("entry", organizer),
        ),
    )
