# SPDX-License-Identifier: EUPL-1.2
"""Whose record a page shows, and where its pages are."""

from dataclasses import dataclass

from django.urls import reverse

from carnet.vigilance.pages import Person


@dataclass(frozen=True, slots=True)
class Place:
    """The same pages at two addresses: one's own record, and a patient's for a professional."""

    patient: str  # opaque id, "" for one's own record
    person: Person | None  # None on one's own record

    @property
    def own(self) -> bool:
        return self.person is None

    def url(self, page: str, *args: str) -> str:
        """The address of a page of this record, by name."""
        if self.own:
            return reverse(f"mine:{page}", args=args)
        return reverse(f"patient:{page}", args=(self.patient, *args))
