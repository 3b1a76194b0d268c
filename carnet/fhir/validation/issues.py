# SPDX-License-Identifier: EUPL-1.2
"""What is found wrong with a resource: where, by which rule, how grave."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

Severity = Literal["error", "warning", "information"]
RULE: Final = "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id"


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault of a resource."""

    path: str  # FHIRPath: "Observation.component[1].value.ofType(Quantity).code"
    code: str  # FHIR R4 IssueType: structure, required, value, invariant, code-invalid
    text: str
    severity: Severity = "error"
    rule: str = ""  # key of a constraint, or id of an element: "obs-6", "Patient.name:official"
    profile: str = ""  # canonical address of the profile that has the rule; "": R4 itself


def right(issues: Iterable[Issue]) -> bool:
    """Whether nothing among them is an error."""
    return all(issue.severity != "error" for issue in issues)


def outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """The OperationOutcome of what was found."""
    told = [_told(issue) for issue in issues]
    fine = {
        "severity": "information",
        "code": "informational",
        "diagnostics": "Nothing was found wrong.",
    }
    return {"resourceType": "OperationOutcome", "issue": told or [fine]}


def _told(issue: Issue) -> dict[str, Any]:
    one: dict[str, Any] = {}
    if issue.rule:
        named = f"{issue.profile}#{issue.rule}" if issue.profile else issue.rule
        one["extension"] = [{"url": RULE, "valueString": named}]
    return one | {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": issue.text,
        "expression": [issue.path],
    }
