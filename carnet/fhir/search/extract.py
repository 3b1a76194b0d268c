# SPDX-License-Identifier: EUPL-1.2
"""What a resource can be found by: every R4 search parameter of its type.

A branch of an expression is run only when the resource has the element it starts from. `_id` and
`_lastUpdated` are columns of the store, and `_text`, `_content`, `_query`, `_filter` have no values.

A resource is expected to have passed `validation.structure.check`.
"""

from __future__ import annotations

from typing import Any

from carnet.fhir import paths
from carnet.fhir.definitions import SearchParameter
from carnet.fhir.search.converters import TEXTS
from carnet.fhir.search.extracted import Extracted
from carnet.fhir.search.rules import EMPTY, joined_of, own_rules, rules_of


def extract(
    resource: dict[str, Any],
    only: frozenset[str] | None = None,
    own: tuple[SearchParameter, ...] = (),
) -> Extracted:
    """Every value of every parameter of the resource's type, or of some of them, each once.

    own: parameters of the installation on this type, beside those of R4.
    """
    out = Extracted()
    rules = rules_of(resource["resourceType"])
    model = paths.model()
    root: paths.Item = (resource["resourceType"], resource, None)
    frame = paths.Frame(model, root)
    focus = [root]
    composites, read = (
        joined_of(resource["resourceType"]),
        dict[tuple[int, str], Extracted | None](),
    )
    for key in (*resource, ""):
        for rule in rules.get(key, ()):
            if only is not None and only.isdisjoint(rule.params):
                continue
            for kind, value, _ in rule.run(focus, frame):
                if value is None or (type(value) is dict and value.keys() <= EMPTY):
                    continue
                out.present.update(rule.params)
                convert = rule.converters.get(kind)
                if convert is not None:
                    for param in rule.params:
                        convert(param, value, out, rule.systems)
                if rule.text and kind in TEXTS:
                    TEXTS[kind](rule.params, value, out)
        for joined in composites.get(key, ()):
            if only is None or joined.param in only:
                joined.extract(focus, frame, out, read)
    for apart in own_rules(resource["resourceType"], own) if own else ():
        if only is None or apart.code in only:
            apart.extract(focus, frame, out)
    for found in (
        out.tokens, out.references, out.strings, out.uris, out.dates, out.quantities, out.texts,
        out.typed,
    ):  # fmt: skip
        _once(found)
    return out


def _once(found: list[Any]) -> None:
    if len(found) > 1:
        found[:] = dict.fromkeys(found)
