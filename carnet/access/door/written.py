# SPDX-License-Identifier: EUPL-1.2
"""What a write is of and what came of it; why it is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from carnet import errors


class UnknownOwner(errors.BusinessRule):
    """The person this resource is about is unknown here, or their record cannot be fed."""

    code = "902"


class NotYours(errors.Forbidden):
    """You may not write this type of resource."""


class NotDepositor(errors.Forbidden):
    """Only who deposited a resource may change or delete it."""


class NotSecret(errors.Forbidden):
    """In a secret connection, only what representatives do not see is changed."""


class NotHidden(errors.BusinessRule):
    """A label that hides a resource is put by its own act: a change does not hide what was not hidden."""


class OtherOwner(errors.BusinessRule):
    """A change may not move a resource to another person."""


class WrongId(errors.Invalid):
    """An id chosen by the caller is a UUID in lower case."""


class Busy(errors.Transient):
    """Others are writing the same things: try again."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a resource is, or is about to be."""

    cid: int
    rid: int
    rtype: str
    id: str
    owners: tuple[int, ...] | None = None
    chosen: bool = False  # by the caller
    ver: int = field(default=1, compare=False)  # of what is there already, where it was read

    @property
    def literal(self) -> str:
        """`Type/id`."""
        return f"{self.rtype}/{self.id}"


@dataclass(slots=True)
class Written:
    """What came of one write."""

    address: Address
    ver: int
    upd: datetime
    body: bytes
    created: bool
    changed: bool = True  # false: the same bytes again, no new version
