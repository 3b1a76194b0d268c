# SPDX-License-Identifier: EUPL-1.2
"""What can go wrong, in the words of FHIR.

Each refusal is a class: its `issue` is a FHIR R4 IssueType, its docstring is the sentence the caller
reads. A message never holds personal data: it speaks of rules, paths and positions.
"""

from typing import ClassVar


class CarnetError(Exception):
    """A refusal the caller can act on."""

    issue: ClassVar[str] = "processing"  # FHIR R4 IssueType
    status: ClassVar[int] = 400  # HTTP status the REST edge answers with
    code: ClassVar[str | None] = None  # code of the national specification, where it has one
    kind: ClassVar[str | None] = None  # of terminology: HL7's word for it, or ""

    def __init__(self, message: str | None = None, *, path: str | None = None) -> None:
        """`message` replaces the docstring; `path` is a FHIRPath expression of the place."""
        super().__init__(message or (self.__doc__ or "").strip())
        self.path = path


class Invalid(CarnetError):
    """The request or its content is not well formed."""

    issue = "invalid"
    status = 400


class Structure(Invalid):
    """The content does not follow the structure of its type."""

    issue = "structure"


class NotSupported(CarnetError):
    """This interaction, parameter or format is not supported here."""

    issue = "not-supported"
    status = 400


class Unauthenticated(CarnetError):
    """A valid bearer token is required."""

    issue = "login"
    status = 401


class Forbidden(CarnetError):
    """You may see this, but not do that to it."""

    issue = "forbidden"
    status = 403


class NotFound(CarnetError):
    """Nothing is known at this address."""

    issue = "not-found"
    status = 404


class Deleted(CarnetError):
    """This resource has been deleted."""

    issue = "deleted"
    status = 410


class Conflict(CarnetError):
    """The request contradicts what is stored."""

    issue = "conflict"
    status = 409


class VersionConflict(Conflict):
    """The version named in If-Match is not the current one: read it again before changing it."""

    status = 412


class TooLarge(CarnetError):
    """The content is larger than this server accepts."""

    issue = "too-long"
    status = 413


class TooCostly(CarnetError):
    """The request would touch too much: narrow it."""

    issue = "too-costly"
    status = 403


class TooMany(CarnetError):
    """Too many requests of this kind: wait before trying again."""

    issue = "throttled"
    status = 429
    wait: int = 1  # seconds, Retry-After


class BusinessRule(CarnetError):
    """A rule of the field refuses this content."""

    issue = "business-rule"
    status = 422


class Transient(CarnetError):
    """The server cannot answer just now: try again."""

    issue = "transient"
    status = 503
