# SPDX-License-Identifier: EUPL-1.2
"""Titles of people as they are read. Source: ANS, TRE_R81-Civilite and TRE_R11-CiviliteExercice."""

from typing import Final

TITLES: Final = {"DR": "Dr", "PR": "Pr", "M": "M.", "MME": "Mme"}


def title(code: str) -> str:
    """A title in the words of a page; one that is no code, as it is."""
    return TITLES.get(code, code)
