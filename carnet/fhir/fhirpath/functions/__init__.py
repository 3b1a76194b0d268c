# SPDX-License-Identifier: EUPL-1.2
"""Functions of FHIRPath by subject: name and number of arguments → what compiles a call of it.

A new function is one entry of the table of its subject. Its builder takes the compiler, the
compiled input and the nodes of the arguments, which it compiles as it needs them.
"""

from typing import Final

from carnet.fhir.fhirpath.compiler import Builder
from carnet.fhir.fhirpath.functions import (
    boundaries,
    collections,
    conversions,
    existence,
    fhir,
    numbers,
    strings,
    utilities,
)

FUNCTIONS: Final[dict[tuple[str, int], Builder]] = {
    **existence.FUNCTIONS,
    **collections.FUNCTIONS,
    **conversions.FUNCTIONS,
    **strings.FUNCTIONS,
    **numbers.FUNCTIONS,
    **boundaries.FUNCTIONS,
    **utilities.FUNCTIONS,
    **fhir.FUNCTIONS,
}
