# SPDX-License-Identifier: EUPL-1.2
"""dom-3 and ref-1: what is contained is referred to, and what is referred to by # is contained.

R4's expression of the first walks the whole resource once for each resource that is contained, the second
looks through all of them for each reference: ten thousand take a minute. The same is asked here of what one
walk found.

Source: FHIR R4, DomainResource, dom-3, and Reference, ref-1. The narrative
refers to what is contained too: a picture, a link.
"""

import re
from functools import cache
from typing import Any, Final

from carnet.fhir.fhirpath import Frame, Items, Run, read, truth
from carnet.fhir.fhirpath.compiler import Compiler
from carnet.fhir.fhirpath.functions.fhir import by_id

REFERENCES: Final = (
    "%resource.descendants().reference | %resource.descendants().as(canonical)"
    " | %resource.descendants().as(uri) | %resource.descendants().as(url)"
)
DIVS: Final = "%resource.descendants().`div`"
OUTWARD: Final = (
    "descendants().where(reference = '#').exists()"
    " or descendants().where(as(canonical) = '#').exists()"
)
NAMED: Final = re.compile('"(#[^"]*)"')


@cache
def _run(expression: str) -> Run:
    return Compiler(search=True).compile(read(expression))


def referred(items: Items, frame: Frame) -> Items:
    """Whether all that a resource contains is referred to, in it or from it."""
    contained = [one for item in items for one in item[1].get("contained", ())]
    if not contained:
        return [("boolean", True, None)]
    found = _run(REFERENCES)(items, frame)  # some elements named so are References themselves
    named = {item[1] for item in found if type(item[1]) is str}
    for item in _run(DIVS)(items, frame):
        named.update(NAMED.findall(str(item[1])))
    fine = all(
        "id" not in one or f"#{one['id']}" in named or _outward(one, frame) for one in contained
    )
    return [("boolean", fine, None)]


def _outward(one: dict[str, Any], frame: Frame) -> bool:
    return truth(_run(OUTWARD)([frame.model.item(one)], frame)) is True


def there(items: Items, frame: Frame) -> Items:
    """ref-1, of one Reference: what it names by # is contained; # is what contains, as R5 says."""
    reference = items[0][1].get("reference") if type(items[0][1]) is dict else None
    if type(reference) is not str or reference[:1] != "#":
        return [("boolean", True, None)]
    return [("boolean", reference == "#" or reference[1:] in by_id(frame), None)]
