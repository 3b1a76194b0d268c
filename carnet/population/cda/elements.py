# SPDX-License-Identifier: EUPL-1.2
"""Elements of a CDA as text: tags, codes, times, identifiers. Text is escaped, markup is not."""

from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from carnet.population.clock import stamp

LOINC_OID = "2.16.840.1.113883.6.1"
ANS_TYPE_OID = "1.2.250.1.213.1.1.4.12"  # document types that LOINC does not have
TA_ASIP_OID = "1.2.250.1.213.1.1.4.322"
SNOMED_OID = "2.16.840.1.113883.6.96"
CIM_10_OID = "2.16.840.1.113883.6.3"
ATC_OID = "2.16.840.1.113883.6.73"
CIS_OID = "1.2.250.1.213.2.3.1"
EDQM_OID = "0.4.0.127.0.16.1.1.2.1"

SYSTEM_NAMES = {
    LOINC_OID: "LOINC",
    TA_ASIP_OID: "TA_ASIP",
    SNOMED_OID: "SNOMED CT",
    CIM_10_OID: "CIM-10",
    ATC_OID: "ATC",
    CIS_OID: "CIS",
    EDQM_OID: "EDQM",
}

ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def oid(*path: object) -> str:
    """An OID for a thing of the demonstration: 2.25 and a UUID of its path (ITU-T X.667)."""
    return f"2.25.{uuid(*path).int}"


def uuid(*path: object) -> UUID:
    """A UUID drawn from a path: the same path, the same UUID."""
    return UUID(bytes=sha256("/".join(map(str, path)).encode()).digest()[:16], version=4)


def tag(name: str, *children: str, **attributes: str | None) -> str:
    """An element. Children are markup (see `leaf` for text); an attribute of None is left out."""
    said = "".join(
        f' {key}="{value.translate(ESCAPED)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not children:
        return f"<{name}{said}/>"
    return f"<{name}{said}>{''.join(children)}</{name}>"


def leaf(name: str, text: str, **attributes: str | None) -> str:
    """An element around a text."""
    return tag(name, text.translate(ESCAPED), **attributes)


def typed(name: str, kind: str, *children: str, **attributes: str | None) -> str:
    """An element with an xsi:type."""
    return tag(name, *children, **{"xsi:type": kind, **attributes})


def templates(*roots: str) -> str:
    """The templateIds an element claims."""
    return "".join(map(_template, roots))


def _template(root: str) -> str:
    """A template; its version, where it has one, is written after a circumflex."""
    oid, _, version = root.partition("^")
    return tag("templateId", root=oid, extension=version or None)


def loinc(code: str, label: str, *children: str) -> str:
    """A code in LOINC."""
    return tag(
        "code", *children, code=code, displayName=label, codeSystem=LOINC_OID,
        codeSystemName="LOINC",
    )  # fmt: skip


def time(moment: datetime, name: str = "time") -> str:
    """A point in time."""
    return tag(name, value=stamp(moment))


def interval(
    name: str, low: datetime | None, high: datetime | None, kind: str | None = None
) -> str:
    """An interval, open where a bound is None."""
    bounds = (time(low, "low") if low else "", time(high, "high") if high else "")
    return tag(name, *bounds, **{"xsi:type": kind})


def coded(name: str, system: str, code: str, label: str, *children: str) -> str:
    """A code in a system we know the name of."""
    return tag(
        name, *children, code=code, displayName=label, codeSystem=system,
        codeSystemName=SYSTEM_NAMES.get(system),
    )  # fmt: skip


def day(moment: datetime | date, name: str = "effectiveTime") -> str:
    """A day, without its time."""
    return tag(name, value=f"{moment:%Y%m%d}")


def done(status: str = "completed") -> str:
    """The status of an act."""
    return tag("statusCode", code=status)


def pointer(anchor: str) -> str:
    """The text a code stands for, by its anchor in the narrative."""
    return tag("originalText", tag("reference", value=f"#{anchor}"))


def told_at(anchor: str) -> str:
    """Where the narrative says what an entry says."""
    return tag("text", tag("reference", value=f"#{anchor}"))
