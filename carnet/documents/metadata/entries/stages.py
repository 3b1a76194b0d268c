# SPDX-License-Identifier: EUPL-1.2
"""The stage of a cancer, said of the problem it is assessed for. Source: IHE QRPH, TNM stage; FHIR R4."""

from typing import Final

from carnet.documents.metadata.entries.reading import Found, Reading
from carnet.documents.metadata.pieces import Json, kept

TNM: Final = ("1.3.6.1.4.1.19376.1.7.3.1.4.14.2",)
# LOINC: TNM stage, clinical and pathological, as a group.
STAGES: Final = frozenset({"75620-5", "75621-3", "21908-9", "21902-2"})


def whole(reading: Reading) -> None:
    """Each stage that stands in a problem is a stage of its Condition."""
    problems: dict[str, Json] = {
        each.statement.place: each.resource
        for each in reading.found
        if each.resource["resourceType"] == "Condition"
    }
    for each in reading.found:
        problem = problems.get(each.statement.place.rsplit("/", 2)[0])
        if problem is None or not _stage(each) or not each.statement.happened:
            continue
        problem.setdefault("stage", []).append(
            kept(
                {
                    "summary": each.resource.get("valueCodeableConcept"),
                    "assessment": [{"reference": each.url}],
                    "type": each.resource.get("code"),
                }
            )
        )


def _stage(found: Found) -> bool:
    code = found.statement.code
    known = found.statement.is_a(*TNM) or (code is not None and code.code in STAGES)
    return known and found.resource["resourceType"] == "Observation"
