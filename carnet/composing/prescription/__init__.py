# SPDX-License-Identifier: EUPL-1.2
"""A prescription: one MedicationRequest a line under one group number, and the PDF that says the same.

- `model.py`: the lines and what is refused of them; `rules.toml`: who prescribes, units, limits.
- `resources.py`: FHIR; `paper.py`: the page, with its QR code.
- `prescribe.py`: the act, all in one transaction, through the one publish path.

No interaction, contraindication or dose is checked here: nothing tells a prescriber that a line is safe.
"""

from carnet.composing.prescription.model import (
    Line,
    NotAPrescriber,
    Prescriber,
    Prescription,
    Subject,
    WrongLine,
    WrongPrescription,
    prescribes,
    rules,
)

__all__ = [
    "Line", "NotAPrescriber", "Prescriber", "Prescription", "Subject", "WrongLine", "WrongPrescription",
    "prescribes", "rules",
]  # fmt: skip
