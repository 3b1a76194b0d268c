# SPDX-License-Identifier: EUPL-1.2
"""What an evaluation may look at beside its focus, and the hooks by which it asks others."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from carnet.fhir.fhirpath.model import Model
from carnet.fhir.fhirpath.values import Item, Items

MAX_ITEMS: Final = 200_000  # that one evaluation may make; a resource of 10 MB has fewer


class Terminology(Protocol):
    """Whether a value set holds what an item says; None when it is not known here."""

    def member(self, value_set: str, item: Item) -> bool | None: ...


class Conformance(Protocol):
    """Whether an item conforms to a profile; None for a profile that is not known here."""

    def conforms(self, profile: str, item: Item) -> bool | None: ...


class Frame:
    """One evaluation.

    root: %resource, whose contained resources references may name. top: %rootResource, the same
    but for a contained resource. context: %context, the root unless told otherwise.
    """

    __slots__ = (
        "conformance",
        "context",
        "held",
        "index",
        "model",
        "now",
        "resolver",
        "root",
        "terminology",
        "top",
        "total",
        "trace",
        "variables",
        "work",
    )

    def __init__(
        self,
        model: Model,
        root: Item,
        *,
        top: Item | None = None,
        context: Items | None = None,
        variables: Mapping[str, Items] | None = None,
        resolver: Callable[[str], dict[str, Any] | None] | None = None,
        terminology: Terminology | None = None,
        conformance: Conformance | None = None,
        now: datetime | None = None,
        trace: Callable[[str, Items], None] | None = None,
    ) -> None:
        self.model = model
        self.root = root
        self.top = root if top is None else top
        self.context = [root] if context is None else context
        self.variables = variables
        self.resolver = resolver
        self.terminology = terminology
        self.conformance = conformance
        self.now = now
        self.trace = trace
        self.held: dict[str, Any] | None = None  # what the top contains, by id, once asked for
        self.index = 0
        self.total: Items = []
        self.work = MAX_ITEMS

    def clock(self) -> datetime:
        """The time of the evaluation, the same all along it."""
        if self.now is None:
            self.now = datetime.now(UTC)
        return self.now


Run = Callable[[Items, Frame], Items]
