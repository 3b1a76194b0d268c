# SPDX-License-Identifier: EUPL-1.2
"""What is said to who reached a limit."""

from __future__ import annotations

from carnet import errors


class TooFast(errors.TooMany):
    """Too many requests in a short time: wait as long as Retry-After says."""

    def __init__(self, rate: str, wait: int) -> None:
        super().__init__()
        self.rate = rate
        self.wait = wait


class TooManyPatientsRead(errors.TooMany):
    """This account has read the records of too many people: those it read stay open, new ones do not."""

    reason = "too-many-patients"  # of the alarm
    wait = 3600


class TooManyPatientsInADay(TooManyPatientsRead):
    """This account has read the records of too many people in a day."""

    reason = "too-many-patients-day"


class TooManyByClient(TooManyPatientsRead):
    """Too many people's records were read through this application in an hour."""

    reason = "client-walks"


class AccountStopped(errors.Forbidden):
    """This account was stopped for safety: the operator opens it again once they have spoken to you."""
