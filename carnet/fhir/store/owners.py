# SPDX-License-Identifier: EUPL-1.2
"""Whose a resource is, and its principal date: one owner path a type (owner.toml)."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from typing import Any

from carnet.fhir.definitions import Definitions


class Owners:
    """The table of owner paths and principal dates."""

    def __init__(self, definitions: Definitions) -> None:
        table = tomllib.loads(files(__package__).joinpath("owner.toml").read_text("utf-8"))
        self._paths: dict[str, list[str]] = table["owner"]
        self._dates: dict[str, str] = table["date"]
        self._definitions = definitions
        self._parameters: dict[str, frozenset[str]] = {}

    def principal(self, rtype: str) -> str | None:
        """The search parameter whose dates stand in lo and hi."""
        return self._dates.get(rtype)

    def parameters(self, rtype: str) -> frozenset[str]:
        """Search parameters that name the owner."""
        if rtype not in self._parameters:
            elements = [f"{rtype}.{path}" for path in self._paths.get(rtype, [])]
            self._parameters[rtype] = frozenset(
                code
                for code, parameter in self._definitions.params[rtype].items()
                if parameter.type == "reference"
                and any(
                    re.match(re.escape(element) + r"\b", part.strip())
                    for element in elements
                    for part in parameter.expression.split("|")
                )
            )
        return self._parameters[rtype]

    def several(self, rtype: str) -> bool:
        """Whether a resource of this type may have several owners; it is then kept with the first."""
        return any(self._many(rtype, path.split(".")) for path in self._paths.get(rtype, []))

    def _many(self, shape: str, steps: list[str]) -> bool:
        elements = {each.name: each for each in self._definitions.shapes[shape].elements}
        element = elements[steps[0]]
        if element.many or len(steps) == 1:
            return element.many
        return element.children is not None and self._many(element.children, steps[1:])

    def part(self, resource: dict[str, Any]) -> dict[str, Any]:
        """The type, and the elements the owner path starts from."""
        rtype = resource["resourceType"]
        starts = {path.partition(".")[0] for path in self._paths.get(rtype, [])}
        return {
            "resourceType": rtype,
            **{key: value for key, value in resource.items() if key in starts},
        }

    def references(self, resource: dict[str, Any]) -> list[str]:
        """The literal references of the owner path; Patient ones are the owners."""
        found: list[str] = []
        for path in self._paths.get(resource["resourceType"], []):
            found += _walk(resource, path.split("."))
        return found


def _walk(value: Any, steps: list[str]) -> list[str]:
    if isinstance(value, list):
        return [text for each in value for text in _walk(each, steps)]
    if not isinstance(value, dict):
        return []
    if not steps:
        reference = value.get("reference")
        return [reference] if isinstance(reference, str) else []
    return _walk(value.get(steps[0]), steps[1:])
