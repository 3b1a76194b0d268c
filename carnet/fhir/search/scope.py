# SPDX-License-Identifier: EUPL-1.2
"""A scope: what one caller may see, as values that become part of every statement.

A resource is visible when one clause admits it. `access.door` makes scopes; here they are only
compiled to SQL, and to the parts of the sealed context that row-level security checks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

# Types whose resources in compartment 0 are everyone's: the directory and the definitions.
PUBLIC = frozenset(
    "Practitioner PractitionerRole Organization HealthcareService Location Endpoint "
    "StructureDefinition SearchParameter ValueSet CodeSystem ConceptMap NamingSystem "
    "CapabilityStatement OperationDefinition CompartmentDefinition ImplementationGuide "
    "Schedule Slot".split()
)
# Those of them that organisations write themselves: what they offer to everybody (decision 66).
OFFERED = frozenset(("Schedule", "Slot"))
MATRIX_CLAUSES = 4  # as many as the policies of migration 0003 have places for
REPLACED = 8  # bit of labels: read in a document that another replaced; no search finds it
LOOSE = 3  # kind of a Binary that no document names (access/kinds.toml)


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
class OfOrganisation:
    """Deposits of an organisation, as its professionals in the care team see them, masked or not.

    organisation: its compartment; cids: records of the team; kinds: rows of the access matrix.
    """

    organisation: int
    cids: tuple[int, ...]
    kinds: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """Resources that a token's scopes let through. None is any.

    types: numbers of types; cids: compartments; kinds: rows of the access matrix, which the directory has
    none of; tests: hashes of tokens, one of each of which a resource has.
    """

    types: tuple[int, ...] | None = None
    cids: tuple[int, ...] | None = None
    kinds: tuple[int, ...] | None = None
    tests: tuple[tuple[int, ...], ...] = ()

    def sql(self, values: dict[str, object], name: str, alias: str) -> str:
        """One condition; TRUE when all is let through.

        It is written so that no index is walked for it: what was asked for finds the rows.
        """
        said = []
        if self.types is not None:
            values[f"{name}t"] = array(self.types)
            said.append(f"({alias}.rtype + 0) = ANY (%({name}t)s::integer[])")
        if self.cids is not None:
            values[f"{name}c"] = array((0, *self.cids))
            said.append(f"({alias}.cid + 0) = ANY (%({name}c)s::bigint[])")
        if self.kinds is not None:
            values[f"{name}k"] = array(self.kinds)
            said.append(f"({alias}.cid = 0 OR ({alias}.kind + 0) = ANY (%({name}k)s::integer[]))")
        for number, hashes in enumerate(self.tests):
            values[f"{name}h{number}"] = array(hashes)
            said.append(f"{alias}.toks && %({name}h{number})s::bigint[]")
        return "(" + (" AND ".join(said) or "TRUE") + ")"


@dataclass(frozen=True)
class Scope:
    """Clauses, any of which admits; empty, it admits nothing but the directory.

    software: compartment of the organisation whose deposits its software sees, in records that are
    not shut. team: see OfOrganisation. professional, held: RPPS whose own deposits are seen, in these
    compartments. loose_since: deposits that no document names are seen when younger than this.
    proof: what the scope was made of and must not have changed (migration 0022); "" for nothing.
    only: what a token narrows all of this to, any of which lets through, the directory too; None for nothing.
    """

    admits: tuple[Admits, ...] = ()
    software: int | None = None
    team: OfOrganisation | None = None
    professional: int | None = None
    held: tuple[int, ...] = ()
    loose_since: datetime | None = None
    proof: str = ""
    only: tuple[Part, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.admits) > MATRIX_CLAUSES:
            raise ValueError("a scope has four matrix clauses at most")


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
    # A Binary that no document names is its depositor's for a day; NULL is never younger.
    values["s_since"] = scope.loose_since
    young = f"({alias}.kind <> {LOOSE} OR {alias}.upd > %(s_since)s::timestamptz)"
    if scope.software is not None:
        values["s_org"] = scope.software
        parts.append(
            f"({alias}.dep_org = %(s_org)s::bigint AND {young} AND NOT EXISTS (SELECT 1"
            " FROM access.record m JOIN access.record s ON s.person = m.person"
            f" WHERE m.cid = {alias}.cid AND s.state IN ('closed', 'deleted')))"
        )
    if scope.team is not None:
        values["s_team"] = scope.team.organisation
        values["s_team_cids"] = array(scope.team.cids)
        values["s_team_kinds"] = array(scope.team.kinds)
        parts.append(
            f"({alias}.dep_org = %(s_team)s::bigint"
            f" AND {alias}.cid = ANY (%(s_team_cids)s::bigint[])"
            f" AND {alias}.kind = ANY (%(s_team_kinds)s::smallint[])"
            f" AND ({alias}.owners IS NULL OR {alias}.owners <@ %(s_team_cids)s::bigint[]))"
        )
    if scope.professional is not None:
        values["s_pro"] = scope.professional
        values["s_held"] = array(scope.held)
        parts.append(
            f"({alias}.dep_pro = %(s_pro)s::bigint AND {alias}.cid = ANY (%(s_held)s::bigint[])"
            f" AND {young}"
            f" AND ({alias}.owners IS NULL OR {alias}.owners <@ %(s_held)s::bigint[]))"
        )
    if not parts or scope.only == ():
        return "FALSE"
    seen = "(" + " OR ".join(parts) + ")"
    if scope.only is None:
        return seen
    through = [each.sql(values, f"s_only{n}", alias) for n, each in enumerate(scope.only)]
    return f"({seen} AND ({' OR '.join(through)}))"


def context_parts(
    scope: Scope,
    *,
    written: Iterable[int] = (),
    platform: bool = False,
    erased: int | None = None,
) -> list[str]:
    """The twenty-two parts of the sealed context (migrations 0003, 0022); an empty one opens nothing.

    erased: the record an erasure is of, and nothing else is let through.
    """
    parts: list[str] = []
    for clause in scope.admits:
        parts += [clause.cids_text, clause.kinds_text, str(clause.refused)]
    parts += [""] * (3 * MATRIX_CLAUSES - len(parts))
    parts.append("" if scope.software is None else str(scope.software))
    parts.append("" if scope.professional is None else str(scope.professional))
    parts.append(array(scope.held))
    parts.append(array(written if erased is None else (erased,)))
    parts.append("erase" if erased is not None else "platform" if platform else "")
    if scope.team is None:
        parts += ["", "", ""]
    else:
        parts += [str(scope.team.organisation), array(scope.team.cids), array(scope.team.kinds)]
    parts.append("" if scope.loose_since is None else scope.loose_since.isoformat())
    parts.append(scope.proof)
    return parts
