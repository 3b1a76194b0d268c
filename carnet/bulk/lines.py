# SPDX-License-Identifier: EUPL-1.2
"""One line of an import, and what is answered to it: an OperationOutcome that names it by its number."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from carnet.fhir import json
from carnet.rest.acts import Entry

AFTER: Final = "It refers to what is neither in the lines of this import nor here: {}."


@dataclass(slots=True)
class Line:
    """One line; said: its OperationOutcome, once there is something to say."""

    number: int
    raw: bytes
    given: dict[str, Any] = field(default_factory=dict)
    name: str = ""  # `Type/id`, as given; "" without an id
    follows: str = ""  # the document it came with
    entry: Entry | None = None
    said: bytes = b""
    refused: bool = False
    lost: tuple[str, ...] = ()  # references to nothing

    def refuse(self, outcome: dict[str, Any]) -> None:
        """Say why it is not written."""
        self.entry, self.refused = None, True
        self.said = json.dump(self._placed(outcome))

    def tell(self) -> None:
        """Say that it is written."""
        entry = self.entry
        assert entry is not None and entry.written is not None
        address = entry.written.address.literal
        sentence = f"{address} was written." if entry.written.created else f"{address} was there."
        if not entry.warnings and not self.lost:  # as json.dump says it
            self.said = (
                '{"resourceType":"OperationOutcome","issue":[{"severity":"information",'
                f'"code":"informational","diagnostics":"{sentence}",'
                f'"location":["line {self.number}"]}}]}}'
            ).encode()
            return
        issues = [{"severity": "information", "code": "informational", "diagnostics": sentence}]
        said = [*entry.warnings]
        if self.lost:
            lost = sorted(Counter(self.lost).items())
            said.append(AFTER.format(", ".join(f"{n} × {what}" for what, n in lost)))
        issues += [{"severity": "warning", "code": "business-rule", "diagnostics": t} for t in said]
        self.said = json.dump(self._placed({"resourceType": "OperationOutcome", "issue": issues}))

    def _placed(self, said: dict[str, Any]) -> dict[str, Any]:
        """An outcome that names this line, with paths that begin at the resource."""
        rtype = str(self.given.get("resourceType", "line"))
        issues = []
        for issue in said["issue"]:
            made = dict(issue, location=[f"line {self.number}"])
            if "expression" in made:
                made["expression"] = [
                    re.sub(r"^Bundle\.entry\[[0-9]+\](\.resource)?", rtype, path)
                    for path in made["expression"]
                ]
            issues.append(made)
        return {"resourceType": "OperationOutcome", "issue": issues}


def number_of(said: bytes) -> int:
    """The number of the line an answer is of."""
    return int(said.rpartition(b'"line ')[2].partition(b'"')[0])
