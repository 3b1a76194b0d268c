# SPDX-License-Identifier: EUPL-1.2
"""Whose record a page shows, by what, and where its pages are."""

from dataclasses import dataclass

from django.urls import reverse

from carnet.rights.mandate import Acting
from carnet.vigilance.pages import Person


@dataclass(frozen=True, slots=True)
class Place:
    """The same pages at three addresses: one's own record, a patient's, and that of whom one acts for."""

    patient: str  # opaque id, "" for one's own record
    person: Person | None  # None on one's own record
    acting: Acting | None = None  # by what one acts for this person; None for a professional

    @property
    def own(self) -> bool:
        return self.person is None

    @property
    def adds(self) -> bool:
        """Whether documents are added from here: one's own record, or a whole mandate."""
        if self.acting is not None:
            return self.acting.reach == "all" and self.acting.nature != "helper"
        return self.own

    @property
    def represents(self) -> bool:
        """Whether the holder's own pages are shown: who has read, among others."""
        return self.own or (self.acting is not None and self.acting.represents)

    def url(self, page: str, *args: str) -> str:
        """The address of a page of this record, by name."""
        if self.own:
            return reverse(f"mine:{page}", args=args)
        space = "patient" if self.acting is None else "acting"
        return reverse(f"{space}:{page}", args=(self.patient, *args))
