# SPDX-License-Identifier: EUPL-1.2
"""A prescription: one MedicationRequest a line under one group number, and the PDF that says the same.

- `model.py`: the lines and what is refused of them; `rules.toml`: who prescribes, units, limits.
- `resources.py`: FHIR; `paper.py`: the page, with its QR code.
- `prescribe.py`: the act, all in one transaction, through the one publish path.
- `end.py`: lines that are stopped or withdrawn, a prescription that is replaced; by who wrote it.

No interaction, contraindication or dose is checked here: nothing tells a prescriber that a line is safe.
"""

from carnet.composing.prescription.model import (
    Group,
    Line,
    NotAPrescriber,
    Prescriber,
    Prescription,
    Reason,
    Subject,
    Written,
    WrongLine,
    WrongPrescription,
    WrongReason,
    prescribes,
    rules,
)

__all__ = [
    "Group",
    "Line",
    "NotAPrescriber",
    "Prescriber",
    "Prescription",
    "Reason",
    "Subject",
    "Written",
    "WrongLine",
    "WrongPrescription",
    "WrongReason",
    "prescribes",
    "rules",
]  # fmt: skip
