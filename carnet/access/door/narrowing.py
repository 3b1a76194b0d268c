# SPDX-License-Identifier: EUPL-1.2
"""What a token narrows: its scopes and what its grant allows, made part of the scope of every statement.

What is included, chained, counted, exported or of the past obeys it like what is asked for, and is absent.
The kinds of a grant also narrow the clauses that row-level security checks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from carnet.access import scopes
from carnet.access.actor import Actor
from carnet.access.scopes import DataScope
from carnet.fhir.definitions import Definitions
from carnet.fhir.search.scope import Part, Scope
from carnet.fhir.search.tokens import read
from carnet.fhir.store.hashes import ANY, Hasher

# The bytes of a document are the document: who may read it may read its files.
WITH: Final = {"DocumentReference": ("Binary",)}


def narrows(actor: Actor) -> bool:
    """Whether a token narrows what this actor reads."""
    return actor.kinds is not None or scopes.limited(actor)


def narrowed(
    scope: Scope,
    actor: Actor,
    merged: Mapping[int, tuple[int, ...]],
    definitions: Definitions,
    hasher: Hasher,
) -> Scope:
    """The same scope, narrowed. merged: of the records decided on, those of one person, and all of each.

    What its clauses can say they say, and row-level security checks it; the rest is said beside them.
    """
    own = _record(actor, merged)
    if scopes.fence(actor) is not None:
        scope = _within(scope, own)
    if actor.kinds is not None:
        scope = _of_kinds(scope, actor.kinds)
    return replace(scope, only=parts(scope, actor, own, definitions, hasher))


def _within(scope: Scope, own: tuple[int, ...]) -> Scope:
    """In these compartments alone."""
    admits = tuple(
        replace(each, cids=cids)
        for each in scope.admits
        if (cids := tuple(cid for cid in each.cids if cid in own))
    )
    team = scope.team
    if team is not None:
        team = replace(team, cids=tuple(cid for cid in team.cids if cid in own))
    held = tuple(cid for cid in scope.held if cid in own)
    return replace(scope, admits=admits, team=team, held=held)


def _of_kinds(scope: Scope, held: frozenset[int]) -> Scope:
    """Of these rows of the access matrix alone."""
    admits = tuple(
        replace(each, kinds=tuple(kind for kind in each.kinds if kind in held))
        for each in scope.admits
    )
    team = scope.team
    if team is not None:
        team = replace(team, kinds=tuple(kind for kind in team.kinds if kind in held))
    return replace(scope, admits=admits, team=team)


def parts(
    scope: Scope, actor: Actor, own: tuple[int, ...], definitions: Definitions, hasher: Hasher
) -> tuple[Part, ...] | None:
    """What is let through besides, of a scope whose clauses are narrowed already; None for all of it."""
    by_depositor = scope.software is not None or scope.professional is not None
    kinds = tuple(sorted(actor.kinds)) if actor.kinds is not None and by_depositor else None
    if not scopes.limited(actor):
        return None if kinds is None else (Part(kinds=kinds),)
    fenced = scopes.fence(actor) is not None and scope.software is None
    plain: dict[tuple[int, ...] | None, set[int] | None] = {}  # types by compartments
    found = []
    for one in scopes.read(actor.scopes):
        if not set("rs") & set(one.letters):
            continue
        types = _types(one, definitions)
        cids = own if one.level == "patient" and not fenced else None
        if one.tests:
            tests = _tests(one, definitions, hasher)
            if types and tests is not None:
                found.append(Part(types, cids, kinds, tests))
        elif types is None or plain.get(cids, ()) is None:
            plain[cids] = None
        elif types:
            plain[cids] = (plain.get(cids) or set()).union(types)
    for cids, all_ in plain.items():
        found.append(Part(None if all_ is None else tuple(sorted(all_)), cids, kinds))
    if any(part == Part() for part in found):
        return None
    return tuple(found)


def _types(one: DataScope, definitions: Definitions) -> tuple[int, ...] | None:
    if one.rtype == scopes.WHOLE:
        return None
    names = (one.rtype, *(() if one.tests else WITH.get(one.rtype, ())))
    return tuple(definitions.types[name] for name in names if name in definitions.types)


def _record(actor: Actor, merged: Mapping[int, tuple[int, ...]]) -> tuple[int, ...]:
    """The record in context, else one's own, with those it is merged with."""
    of = actor.patient if actor.context is None else actor.context
    return () if of is None else merged.get(of, (of,))


def _tests(
    one: DataScope, definitions: Definitions, hasher: Hasher
) -> tuple[tuple[int, ...], ...] | None:
    """Hashes of what each test looks for; None when the type has no such parameter: nothing passes."""
    found = []
    for name, values in one.tests:
        param = definitions.params.get(one.rtype, {}).get(name)
        if param is None:
            return None
        rtype = definitions.types[one.rtype]
        hashes = []
        for system, code in map(read, values):
            if code is None:
                hashes.append(hasher.system(rtype, param.number, system or ""))
            else:
                looked = ANY if system is None else system
                hashes.append(hasher.token(rtype, param.number, looked, code))
        found.append(tuple(hashes))
    return tuple(found)
