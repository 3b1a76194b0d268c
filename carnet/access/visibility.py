# SPDX-License-Identifier: EUPL-1.2
"""Who sees what, in plain Python: the rule that the door's SQL and row-level security must agree with.

Nothing serves requests from here. It is written from the texts, not from the code beside it, and the
tests compare the three. Source: CSP L.1110-4, L.1110-12, L.1111-16, L.1111-17, R.1111-46 to R.1111-53;
DMP, EX_3.1-1030; ANS, JDV_J08; DESIGN §4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from carnet.access import kinds
from carnet.access.labels import Label

DIRECTORY = 0  # the compartment that is everyone's
LOOSE_FOR = timedelta(hours=24)  # a Binary that no document names is its depositor's for a day
TREATING_ROLE = "PCP"  # HL7 ParticipationFunction of the médecin traitant


class Reader(Enum):
    """What somebody is to one resource."""

    PATIENT = auto()
    GUARDIAN = auto()  # legal representative of the patient, or whom they gave a mandate
    AUTHOR = auto()  # who deposited it, or a colleague of the same establishment and care team
    TREATING = auto()  # médecin traitant
    COLLEAGUE = auto()  # any other professional whom the patient lets read


CLOSED_TO: Mapping[Label, frozenset[Reader]] = {
    Label.MASQUE_PS: frozenset({Reader.COLLEAGUE}),
    Label.INVISIBLE_PATIENT: frozenset({Reader.PATIENT, Reader.GUARDIAN}),
    Label.INVISIBLE_REPRESENTANTS_LEGAUX: frozenset({Reader.GUARDIAN}),
    Label.REPLACED: frozenset(),
}


def readers(labels: Iterable[Label]) -> set[Reader]:
    """Those whom none of the labels closes the resource to."""
    return {who for who in Reader if not any(who in CLOSED_TO[label] for label in labels)}


@dataclass(frozen=True, slots=True)
class Resource:
    """The part of a stored resource that decides who sees it.

    owners: compartments of all the patients it is about; depositor: of its first version.
    """

    cid: int
    rid: int
    kind: int
    labels: Label
    owners: frozenset[int] | None = None
    dep_pro: int | None = None
    dep_org: int | None = None
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks; kind as in Actor."""

    kind: str
    sub: str = ""
    patient: int | None = None
    rpps: int | None = None
    profession: str = ""
    org: int | None = None
    secret: bool = False  # a connection of which the representatives of a minor know nothing


@dataclass(frozen=True, slots=True)
class Period:
    """From `since`, until `until` excluded, for ever when it has none."""

    since: datetime
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether `now` is in it."""
        return self.since <= now and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class Member:
    """A professional in a care team."""

    team: int
    rpps: int
    role: str
    period: Period


@dataclass(frozen=True, slots=True)
class Consent:
    """To a team, or to one professional for a visit."""

    cid: int
    period: Period
    team: int | None = None
    rpps: int | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A professional whom the patient shut out."""

    cid: int
    rpps: int
    period: Period


@dataclass(frozen=True, slots=True)
class Mandate:
    """Somebody who acts for the person of a record, as far as its reach goes."""

    cid: int
    sub: str
    reach: str
    period: Period
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Trusted:
    """A professional whom the holder lets read what is masked."""

    cid: int
    rpps: int
    period: Period


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency opening."""

    cid: int
    rpps: int
    mode: str
    period: Period
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Assistant:
    """Somebody who acts for a professional."""

    sub: str
    rpps: int
    period: Period


@dataclass(frozen=True, slots=True)
class State:
    """Everything a decision depends on but the resource.

    records: state by compartment; teams: compartment of each; reads: kinds by profession; reaches:
    kinds by reach of a mandate; least: kinds of an emergency; refused: (compartment, mode) that the
    patient refused; persons: whose record a compartment is, where it was merged into another.
    """

    records: Mapping[int, str]
    teams: Mapping[int, int]
    members: tuple[Member, ...]
    consents: tuple[Consent, ...]
    blocks: tuple[Block, ...]
    reads: Mapping[str, frozenset[int]]
    mandates: tuple[Mandate, ...] = ()
    trusted: tuple[Trusted, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    assistants: tuple[Assistant, ...] = ()
    refused: frozenset[tuple[int, str]] = frozenset()
    reaches: Mapping[str, frozenset[int]] = field(default_factory=dict)
    least: frozenset[int] = frozenset()
    persons: Mapping[int, int] = field(default_factory=dict)

    def same(self, cid: int) -> frozenset[int]:
        """All the compartments of one person's record: what is said in one holds in each."""
        person = self.persons.get(cid, cid)
        return frozenset(
            {cid} | {each for each in self.records if self.persons.get(each, each) == person}
        )

    def open(self, cid: int) -> bool:
        """Whether a person's record is: all of it."""
        return all(self.records.get(each) == "open" for each in self.same(cid))


def visible(viewer: Viewer, resource: Resource, state: State, now: datetime) -> bool:
    """Whether this viewer may see this resource now, its current row judging all its versions."""
    if resource.cid == DIRECTORY:
        return True
    if resource.kind == kinds.LOOSE and (
        resource.updated is None or resource.updated + LOOSE_FOR <= now
    ):
        return False
    about = resource.owners or {resource.cid}
    match viewer.kind:
        case "patient" | "helper":
            return all(_by_holder(viewer, cid, resource, state, now) for cid in about)
        case "professional":
            return all(_by_professional(viewer, cid, resource, state, now) for cid in about)
        case "assistant":
            return all(_by_assistant(viewer, cid, resource, state, now) for cid in about)
        case "software":
            shut = any(
                state.records.get(each) in ("closed", "deleted")
                for each in state.same(resource.cid)
            )
            return viewer.org is not None and resource.dep_org == viewer.org and not shut
        case _:
            return False  # an operator never sees health data


def _by_holder(viewer: Viewer, cid: int, resource: Resource, state: State, now: datetime) -> bool:
    """As the person of the record, or for them."""
    if not state.open(cid) or resource.kind == kinds.LOOSE:
        return False
    open_to, same = readers(resource.labels), state.same(cid)
    if viewer.patient in same and Reader.PATIENT in open_to:
        return True
    # In a secret connection one is for oneself: nobody hides what they do in another's record.
    return (
        not viewer.secret
        and Reader.GUARDIAN in open_to
        and any(
            resource.kind in state.reaches.get(mandate.reach, ())
            for mandate in state.mandates
            if mandate.cid in same
            and mandate.sub == viewer.sub
            and not mandate.revoked
            and mandate.period.holds(now)
        )
    )


def _by_assistant(
    viewer: Viewer, cid: int, resource: Resource, state: State, now: datetime
) -> bool:
    """For a professional with a consent: an assistant's own line, never an emergency."""
    acts = any(
        one.sub == viewer.sub and one.rpps == viewer.rpps and one.period.holds(now)
        for one in state.assistants
    )
    return (
        acts
        and live_roles(viewer, cid, state, now) is not None
        and resource.kind in reads("assistant", state)
        and Reader.COLLEAGUE in readers(resource.labels)
    )


def _by_professional(
    viewer: Viewer, cid: int, resource: Resource, state: State, now: datetime
) -> bool:
    own = viewer.rpps is not None and resource.dep_pro == viewer.rpps
    if cid == viewer.org:  # the bucket of their establishment: only what they left there themselves
        return own
    roles = live_roles(viewer, cid, state, now)
    urgent = live_emergency(viewer, cid, state, now)
    if roles is None and not urgent:
        return False
    if own:
        return True
    known = resource.kind in reads(viewer.profession, state)
    if roles is None:  # an emergency by itself: the least that helps
        return (
            known and resource.kind in state.least and Reader.COLLEAGUE in readers(resource.labels)
        )
    place: set[Reader] = {Reader.COLLEAGUE} if known else set()
    if known and any(
        one.cid in state.same(cid) and one.rpps == viewer.rpps and one.period.holds(now)
        for one in state.trusted
    ):
        place.add(Reader.TREATING)
    # What stands in no row of the matrix is for the depositor and the treating doctor alone.
    if known or resource.kind == kinds.UNCLASSIFIED:
        if TREATING_ROLE in roles:
            place.add(Reader.TREATING)
        if roles and viewer.org is not None and resource.dep_org == viewer.org:
            place.add(Reader.AUTHOR)
    return bool(place & readers(resource.labels))


def reads(profession: str, state: State) -> frozenset[int]:
    """Kinds a profession reads; the line of the specialty wins over the profession's."""
    for name in (profession, profession.split("/")[0]):
        if name in state.reads:
            return state.reads[name]
    return frozenset()


def shut_out(viewer: Viewer, cid: int, state: State, now: datetime) -> bool:
    """Whether the record is not open, or its patient blocked this professional."""
    same = state.same(cid)
    return not state.open(cid) or any(
        block.cid in same and block.rpps == viewer.rpps and block.period.holds(now)
        for block in state.blocks
    )


def live_emergency(viewer: Viewer, cid: int, state: State, now: datetime) -> bool:
    """Whether an emergency opening, of a mode the patient has not refused, is running."""
    same = state.same(cid)
    return not shut_out(viewer, cid, state, now) and any(
        one.cid in same
        and one.rpps == viewer.rpps
        and one.period.holds(now)
        and not one.ended
        and not any((each, one.mode) in state.refused for each in same)
        for one in state.emergencies
    )


def live_roles(viewer: Viewer, cid: int, state: State, now: datetime) -> set[str] | None:
    """Roles in the care teams the patient consented to; empty for a visit; None when nothing links."""
    if shut_out(viewer, cid, state, now):
        return None
    same = state.same(cid)
    consents = [
        consent
        for consent in state.consents
        if consent.cid in same and not consent.withdrawn and consent.period.holds(now)
    ]
    agreed = {(consent.team, consent.cid) for consent in consents if consent.team is not None}
    roles = {
        member.role
        for member in state.members
        if member.rpps == viewer.rpps
        and (member.team, state.teams.get(member.team)) in agreed
        and member.period.holds(now)
    }
    if roles:
        return roles
    visits = any(consent.rpps is not None and consent.rpps == viewer.rpps for consent in consents)
    return set() if visits else None
