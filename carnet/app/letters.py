# SPDX-License-Identifier: EUPL-1.2
"""A letter as a page to print: the notice, and the small PDF writer of the demonstration."""

from __future__ import annotations

from carnet.notices.letters import Letter
from carnet.population import pdf


def page(letter: Letter) -> bytes:
    """PDF, A4; the address stands where the window of an envelope shows it."""
    blocks: list[pdf.Block] = [
        pdf.Pair(("Carnet",), letter.to),
        pdf.Paragraph(letter.day),
        pdf.Heading(letter.subject),
        *(
            pdf.Paragraph(line)
            for each in letter.paragraphs
            for line in (each.split("\n- ") if "\n- " in each else (each.replace("\n", " "),))
        ),
    ]
    return pdf.write(letter.subject, blocks, "Carnet")
