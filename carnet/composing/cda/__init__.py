# SPDX-License-Identifier: EUPL-1.2
"""A document as CDA R2 level 3: `write(document)` gives the bytes.

- `header.py`: who, about whom, by whom, of what; `body.py`: sections, their words and their entries.
- `entries.py`: an entry of each kind, from its FHIR resource; `codes.py`: systems, codes, dates.
- `elements.py`: XML.

Source: HL7 CDA R2; IHE PCC; ANS, CI-SIS (structuration minimale, VSM 1.4, LDL-SES 2022.01), as their
published examples write them. What is read in what is written here: tests/composing.
"""

from carnet.composing.cda.body import write

__all__ = ["write"]
