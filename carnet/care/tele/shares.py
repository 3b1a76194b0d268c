# SPDX-License-Identifier: EUPL-1.2
"""Who pays what of an act, in whole cents: the three shares always add up to it."""

from __future__ import annotations

from dataclasses import dataclass

from carnet import errors


class WrongAmount(errors.Invalid):
    """An amount is a whole number of cents, zero or more; a rate is from 0 to 1000 per mille."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Cents of the compulsory insurance (AMO), of the complementary one (AMC), of the patient."""

    insurer: int
    complementary: int
    patient: int

    @property
    def total(self) -> int:
        return self.insurer + self.complementary + self.patient


def share(total: int, *, insurer: int, complementary: int, flat: int = 0) -> Shares:
    """insurer: its rate of the total; complementary: its rate of what is then left, both per mille.

    flat: cents left to the patient whatever covers them (participation forfaitaire), taken off the
    insurer's share and no more than it. Each share is rounded down; the patient pays what is left.
    """
    if total < 0 or flat < 0 or not (0 <= insurer <= 1000 and 0 <= complementary <= 1000):
        raise WrongAmount
    covered = total * insurer // 1000
    kept = min(flat, covered)
    helped = (total - covered) * complementary // 1000
    return Shares(covered - kept, helped, total - covered - helped + kept)
