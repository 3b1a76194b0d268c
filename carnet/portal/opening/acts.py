# SPDX-License-Identifier: EUPL-1.2
"""What the pages of a private instance ask of the rest of Carnet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Named:
    """A person whom documents name: claimed, never verified."""

    subject: str
    name: str
    birth_date: date | None
    ins: str
    sound: bool  # the number can be one: its shape and its key are right
    apart: bool
    nobody: bool  # who gets the files that name nobody


class OpeningActs(Protocol):
    """The acts of the owner."""

    def unlocks(self, passphrase: str) -> bool:
        """Whether it is the passphrase of this folder."""

    async def people(self) -> Sequence[Named]:
        """Everybody the documents name."""

    def report(self) -> dict[str, Any]:
        """What came of the files, or how far they are."""

    def written(self, form: str) -> tuple[str, bytes]:
        """The report to give away, without names: its media type and its content."""
