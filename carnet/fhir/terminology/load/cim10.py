# SPDX-License-Identifier: EUPL-1.2
"""CIM-10 (ICD-10), from the files an operator has: ClaML, or the ATIH's list of labels.

ClaML: EN 14463, the form WHO publishes its classifications in (Class, SuperClass, Rubric), with its DOCTYPE;
codes that its modifiers would make are not made.
The ATIH's list (LIBCIM10MULTI.TXT): lines of code | MCO and HAD | SMR | psychiatry | short label | label,
one byte a character; codes without their point and filled with spaces; `*** SU09 ***` before the label of
what was suppressed in 2009. Layouts from what is published of them: UNVERIFIED on real files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from carnet import errors
from carnet.fhir import xml
from carnet.fhir.terminology.load.model import Brought, Concept, System

URL: Final = "http://hl7.org/fhir/sid/icd-10"
ATIH: Final = "https://mos.esante.gouv.fr/NOS/TRE_R311-CIM10Atih/FHIR/TRE-R311-CIM10Atih"
LINE: Final = re.compile(
    r"([A-Z][0-9]{2}[0-9A-Z+]{0,5}) *\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|(.*)"
)
USES: Final = ("typeMCO", "typeSMR", "typePSY")
SUPPRESSED: Final = re.compile(r"\*\*\* ?SU ?([0-9]{2}) ?\*\*\* *")
# No subset of its own, so no entity; the file it names is never fetched.
DOCTYPE: Final = re.compile(rb"<!DOCTYPE\s+ClaML\s+(?:SYSTEM|PUBLIC)\s[^\[\]<>]*>")
TIMES: Final = 8  # larger than a document


class NotCim10(errors.Invalid):
    """The file is neither ClaML nor the ATIH's list of labels of CIM-10."""


def is_list(head: bytes) -> bool:
    """Whether a file begins as the ATIH's list does."""
    first = next((line for line in text_of(head).split("\n") if line.strip()), "")
    return LINE.fullmatch(first.rstrip()) is not None


def text_of(content: bytes) -> str:
    """The list as text: in UTF-8 when it is, else in the alphabet of Western Europe that it uses."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        windows = any(0x80 <= byte < 0xA0 for byte in content)
        return content.decode("cp1252" if windows else "iso8859-15", "replace")


def from_list(content: bytes, version: str = "") -> Brought:
    """The ATIH's list: its own system, for it extends WHO's codes."""
    made = []
    known: set[str] = set()
    for at, line in enumerate(text_of(content).split("\n"), 1):
        if not line.strip():
            continue
        found = LINE.fullmatch(line.rstrip())
        if found is None or "\ufffd" in line:
            raise NotCim10(f"Line {at} is not: code | MCO | SMR | PSY | short label | label.")
        bare, *uses, short, label = (part.strip() for part in found.groups())
        code = pointed(bare)
        if code in known:
            raise NotCim10(f"Line {at}: this code has a line already.")
        known.add(code)
        ended = SUPPRESSED.match(label)
        label = SUPPRESSED.sub("", label, count=1)
        above = next((code[:n].rstrip(".+-") for n in range(len(code) - 1, 2, -1)
                      if code[:n].rstrip(".+-") in known), None)  # fmt: skip
        properties = {name: [use] for name, use in zip(USES, uses, strict=True) if use}
        if ended:
            properties["suppressed"] = [f"20{ended[1]}"]
        made.append(
            Concept(
                code=code,
                display=label or short,
                inactive=ended is not None,
                parents=(above,) if above else (),
                properties=properties,
                designations=[{"language": "fr", "value": short}] if short != label else [],
                hints=[bare],
            )
        )
    system = System(ATIH, made, version, "CIM10", "CIM-10 à usage PMSI", language="fr",
                    case_sensitive=False, properties=dict.fromkeys((*USES, "suppressed"), "string"),
                    names=["urn:oid:1.2.250.1.213.2.67"])  # fmt: skip
    return Brought("CIM-10 (ATIH)", [system])


def pointed(code: str) -> str:
    """A code with its point: E1190 is E11.90; what the ATIH adds to a category has none: T08+0."""
    return code if len(code) <= 3 or code[3] == "+" else f"{code[:3]}.{code[3:]}"


def from_claml(content: bytes, version: str = "") -> Brought:
    """A classification in ClaML, taken as WHO's ICD-10."""
    bare = DOCTYPE.sub(lambda found: b"\n" * found[0].count(b"\n"), content, count=1)
    root = xml.parse(bare, times=TIMES)
    if root.tag != "ClaML":
        raise NotCim10
    title = root.find("Title")
    said = title.get("version", "") if title is not None else ""
    label = (title.text or "").strip() if title is not None else ""
    made = tuple(classes(root))
    if not made:
        raise NotCim10
    language = next((c.designations[0]["language"] for c in made if c.designations), "fr")
    system = System(URL, made, version or said, "CIM10", label or "CIM-10", language=language,
                    case_sensitive=False, properties={"kind": "code"},
                    names=["urn:oid:2.16.840.1.113883.6.3"])  # fmt: skip
    return Brought("CIM-10 (ClaML)", [system])


def classes(root: etree._Element) -> Iterator[Concept]:
    """Chapters, blocks and categories."""
    for each in root.iter("Class"):
        code = each.get("code")
        if not code:
            raise NotCim10(f"Line {each.sourceline}: a class has no code.")
        labels: dict[str, list[tuple[str, str]]] = {}
        for rubric in each.iterfind("Rubric"):
            for label in rubric.iterfind("Label"):
                words = " ".join("".join(label.itertext()).split())
                language = label.get("{http://www.w3.org/XML/1998/namespace}lang", "fr")
                labels.setdefault(rubric.get("kind", ""), []).append((language, words))
        preferred = (labels.get("preferredLong") or labels.get("preferred") or [("fr", "")])[0]
        kind = each.get("kind", "category")
        yield Concept(
            code=code,
            display=preferred[1],
            abstract=kind != "category",
            parents=tuple(s.get("code", "") for s in each.iterfind("SuperClass")),
            properties={"kind": [kind]},
            designations=[{"language": preferred[0], "value": preferred[1]}],
            hints=[words for _, words in labels.get("inclusion", ())],
        )
