# SPDX-License-Identifier: EUPL-1.2
"""A scope: what one caller may see, as values that become part of every statement.

A resource is visible when one clause admits it. `access.door` makes scopes; here they are only
compiled to SQL, and to the parts of the sealed context that row-level security checks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

# Types whose resources in compartment 0 are everyone's: the directory and the definitions.
PUBLIC = frozenset(
    "Practitioner PractitionerRole Organization HealthcareService Location Endpoint "
    "StructureDefinition SearchParameter ValueSet CodeSystem ConceptMap NamingSystem "
    "CapabilityStatement OperationDefinition CompartmentDefinition ImplementationGuide".split()
)
MATRIX_CLAUSES = 4  # as many as the policies of migration 0003 have places for


@dataclass(frozen=True)
class Admits:
    """Compartments whose resources of these matrix rows are seen, but those that bear a label.

    cids: compartments; kinds: rows of the access matrix; refused: mask bits, any of which hides.
    """

    cids: tuple[int, ...]
    kinds: tuple[int, ...]
    refused: int

    @cached_property
    def cids_text(self) -> str:
        """As a PostgreSQL array."""
        return array(self.cids)

    @cached_property
    def kinds_text(self) -> str:
        """As a PostgreSQL array."""
        return array(self.kinds)


@dataclass(frozen=True)
class Scope:
    """Clauses, any of which admits; empty, it admits nothing but the directory.

    organisation, organisation_held: compartment of the organisation whose deposits are seen, and in
    which compartments (None: any, for a software).
    professional, held: RPPS whose own deposits are seen, in these compartments.
    """

    admits: tuple[Admits, ...] = ()
    organisation: int | None = None
    organisation_held: tuple[int, ...] | None = None
    professional: int | None = None
    held: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.admits) > MATRIX_CLAUSES:
            raise ValueError("a scope has four matrix clauses at most")

    @cached_property
    def held_text(self) -> str:
        """As a PostgreSQL array."""
        return array(self.held)


def array(numbers: Iterable[int]) -> str:
    """Numbers as the text of a PostgreSQL array."""
    return "{" + ",".join(map(str, numbers)) + "}"


def condition(scope: Scope, values: dict[str, object], *, public: bool, alias: str = "r") -> str:
    """The scope as one SQL condition on `alias`; its values are added to `values`.

    public: the type may have resources in the directory, which everyone sees.
    """
    parts = [f"{alias}.cid = 0"] if public else []
    for place, clause in enumerate(scope.admits):
        values[f"s_cids{place}"] = clause.cids_text
        values[f"s_kinds{place}"] = clause.kinds_text
        values[f"s_refused{place}"] = clause.refused
        parts.append(
            f"({alias}.cid = ANY (%(s_cids{place})s::bigint[])"
            f" AND {alias}.kind = ANY (%(s_kinds{place})s::smallint[])"
            f" AND ({alias}.labels & %(s_refused{place})s::smallint) = 0"
            f" AND ({alias}.owners IS NULL OR {alias}.owners <@ %(s_cids{place})s::bigint[]))"
        )
    if scope.organisation is not None:
        values["s_org"] = scope.organisation
        own = f"{alias}.dep_org = %(s_org)s::bigint"
        if scope.organisation_held is not None:
            values["s_org_held"] = array(scope.organisation_held)
            own = f"({own} AND {alias}.cid = ANY (%(s_org_held)s::bigint[]))"
        parts.append(own)
    if scope.professional is not None:
        values["s_pro"] = scope.professional
        values["s_held"] = scope.held_text
        parts.append(
            f"({alias}.dep_pro = %(s_pro)s::bigint AND {alias}.cid = ANY (%(s_held)s::bigint[]))"
        )
    return "(" + " OR ".join(parts) + ")" if parts else "FALSE"


def context_parts(
    scope: Scope, *, written: Iterable[int] = (), platform: bool = False
) -> list[str]:
    """The eighteen parts of the sealed context (migration 0003)."""
    parts: list[str] = []
    for clause in scope.admits:
        parts += [clause.cids_text, clause.kinds_text, str(clause.refused)]
    parts += [""] * (3 * MATRIX_CLAUSES - len(parts))
    parts.append("" if scope.organisation is None else str(scope.organisation))
    parts.append("" if scope.professional is None else str(scope.professional))
    parts.append(scope.held_text if scope.held else "")
    parts.append(array(written))
    parts.append("platform" if platform else "")
    parts.append("" if scope.organisation_held is None else array(scope.organisation_held))
    return parts
