# SPDX-License-Identifier: EUPL-1.2
"""Code systems that are a grammar, not a list: units, languages, media types, addresses.

Sources: UCUM; RFC 5646 (BCP 47); RFC 6838 (BCP 13); RFC 3986.
"""

import re
from collections.abc import Callable
from typing import Final

from carnet.fhir import ucum

UCUM: Final = "http://unitsofmeasure.org"
LANGUAGE: Final = re.compile(
    "(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    "(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*"
    "(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+",
    re.IGNORECASE | re.ASCII,
)
NAME: Final = "[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"
MEDIA: Final = re.compile(rf"{NAME}/{NAME}(?:\s*;\s*[^;\s]+=[^;]+)*", re.IGNORECASE | re.ASCII)
ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE | re.ASCII)
LONGEST: Final = 300  # characters of a code

GRAMMARS: Final[dict[str, Callable[[str], bool]]] = {
    UCUM: ucum.known,
    "urn:ietf:bcp:47": lambda code: LANGUAGE.fullmatch(code) is not None,
    "urn:ietf:bcp:13": lambda code: MEDIA.fullmatch(code) is not None,
    "urn:ietf:rfc:3986": lambda code: ADDRESS.fullmatch(code) is not None,
}


def says(system: str, code: str) -> bool:
    """Whether a code follows the grammar of its system, which is one of GRAMMARS."""
    return 0 < len(code) <= LONGEST and GRAMMARS[system](code)
