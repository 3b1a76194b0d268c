# SPDX-License-Identifier: EUPL-1.2
"""The national value sets (jeux de valeurs, JDV), as the ANS publishes them for CDA.

Each file is one value set; its concepts name their systems by OID. What it says of a system nobody has
loaded makes a fragment of it: a code of a national table is looked up by the label the value set gives.
Source: IHE ITI TF-2, Sharing Value Sets (RetrieveValueSetResponse); ANS, NOS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from carnet import errors
from carnet.fhir.terminology.load.model import Brought, Concept, System, ValueSet

SVS: Final = "urn:ihe:iti:svs:2008"
ROOT: Final = f"{{{SVS}}}RetrieveValueSetResponse"


class NotValueSet(errors.Invalid):
    """The file is not one value set of concepts with a code and a code system."""


def brought(root: etree._Element, known: Mapping[str, str]) -> Brought:
    """What one response brings; known: addresses of systems by `urn:oid:…`."""
    found = root.findall(f"{{{SVS}}}ValueSet")
    if len(found) != 1 or not found[0].get("id"):
        raise NotValueSet
    given = found[0]
    clauses: dict[str, dict[str, dict[str, Any]]] = {}
    ended: set[tuple[str, str]] = set()
    for each in given.iter(f"{{{SVS}}}Concept"):
        code, oid = each.get("code"), each.get("codeSystem")
        if not code or not oid:
            line = f", line {each.sourceline}" if each.sourceline else ""
            raise NotValueSet(f"A concept has no code, or no code system{line}.")
        name = f"urn:oid:{oid.strip()}"
        address = known.get(name, name)
        clauses.setdefault(address, {}).setdefault(
            code.strip(), {"code": code.strip(), "display": (each.get("displayName") or "").strip()}
        )
        if each.get("dateFin"):
            ended.add((address, code.strip()))
    if not clauses:
        raise NotValueSet
    label = (given.get("displayName") or "").removesuffix(".tabs")
    return Brought(
        "SVS",
        systems=[
            System(
                url=address,
                concepts=tuple(
                    Concept(one["code"], one["display"], inactive=(address, one["code"]) in ended)
                    for one in concepts.values()
                ),
                language="fr",
                fragment=True,
            )
            for address, concepts in clauses.items()
        ],
        value_sets=[
            ValueSet(
                url=address_of(given),
                compose={
                    "include": [
                        {"system": address, "concept": list(concepts.values())}
                        for address, concepts in clauses.items()
                    ]
                },
                version=moment(given.get("dateMaj") or given.get("revisionDate") or ""),
                name=label,
                title=given.get("description") or label,
                published=(given.get("revisionDate") or "")[:10],
                language="fr",
                names=names_of(given, label),
            )
        ],
    )


def address_of(given: etree._Element) -> str:
    """The address the ANS gives its resource; without one, its OID.

    `…/NOS/JDV_J01-Xds-CISIS` is that of the value set, `…/FHIR/JDV-J01-Xds-CISIS` of its resource.
    """
    page = (given.get("urlFichier") or "").rstrip("/")
    if page:
        return f"{page}/FHIR/{page.rpartition('/')[2].replace('_', '-')}"
    return f"urn:oid:{given.get('id')}"


def names_of(given: etree._Element, label: str) -> list[str]:
    """What else it is asked by: its OID, its page, its name."""
    names = [f"urn:oid:{given.get('id')}", (given.get("urlFichier") or "").rstrip("/"), label]
    own = address_of(given)
    return [name for name in names if name and name != own]


def moment(said: str) -> str:
    """A version as the ANS writes it, 20241213120000."""
    digits = "".join(c for c in said[:19] if c.isdigit())
    return digits.ljust(14, "0")[:14] if digits else ""
