# SPDX-License-Identifier: EUPL-1.2
"""The results of a laboratory report (CR-BIO): samples, batteries, isolates, observations.

What is stated is kept as stated: digits, units, comparators, several interpretations or ranges,
masked values. A statement that is negated, only intended, or of a shape not known here never
becomes a result: it stays in the source and is told in the report. Source: CI-SIS, volet CR-BIO;
IHE PaLM XD-LAB.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from carnet.documents.cda import datatypes as d
from carnet.documents.cda import values
from carnet.documents.cda.header import Party, party
from carnet.documents.cda.statements import happened, linked, what
from carnet.documents.cda.understood import Report
from carnet.documents.cda.values import Value, kind_of

# Templates of the CI-SIS beside the IHE ones they refine: either is enough.
ENTRY: Final = frozenset({"1.2.250.1.213.1.1.3.21", "1.3.6.1.4.1.19376.1.3.1"})
SPECIMEN: Final = frozenset({"1.2.250.1.213.1.1.3.77", "1.3.6.1.4.1.19376.1.3.1.2"})
RECEIVED: Final = frozenset({"1.2.250.1.213.1.1.3.107", "1.3.6.1.4.1.19376.1.3.1.3"})
BATTERY: Final = frozenset({"1.2.250.1.213.1.1.3.78", "1.3.6.1.4.1.19376.1.3.1.4"})
ISOLATE: Final = frozenset({"1.2.250.1.213.1.1.3.79", "1.3.6.1.4.1.19376.1.3.1.5"})
OBSERVATION: Final = frozenset({"1.2.250.1.213.1.1.3.80", "1.3.6.1.4.1.19376.1.3.1.6"})
COMMENT: Final = frozenset({"1.2.250.1.213.1.1.3.32", "1.3.6.1.4.1.19376.1.5.3.1.4.2"})


NULLIFIED: Final = "nullified"


@dataclass(frozen=True, slots=True)
class ReferenceRange:
    """A range the laboratory compares with; `text` when it is not an interval."""

    low: d.Quantity | None
    high: d.Quantity | None
    text: str | None
    meaning: d.Code | None  # what falls in it: N normal…


@dataclass(frozen=True, slots=True)
class Previous:
    """An earlier result recalled beside the present one."""

    value: Value
    at: d.Period | None


@dataclass(frozen=True, slots=True)
class Specimen:
    """A sample, or an isolate grown from one (`parent`)."""

    place: str
    ids: tuple[d.Id, ...]
    type: d.Code | None  # nature of the sample; the organism of an isolate
    procedure: d.Code | None  # how it was taken (NABM)
    sites: tuple[d.Code, ...]
    collected: d.Period | None
    received: str | None
    collector: Party | None
    parent: int | None = None  # index in the specimens


@dataclass(frozen=True, slots=True)
class Group:
    """A battery of results, or an isolate with what was found of it."""

    place: str
    rank: int  # reading order, shared with the results
    isolate: bool
    code: d.Code | None
    status: str
    at: d.Period | None
    section: int
    parent: int | None  # index in the groups
    specimen: int | None  # index in the specimens
    comments: tuple[str, ...]
    performers: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One observation."""

    place: str
    rank: int
    section: int  # index in the sections
    group: int | None
    ids: tuple[d.Id, ...]
    code: d.Code
    status: str  # of the CDA act: completed, active, aborted…
    value: Value | None
    null: str | None  # nullFlavor of the value
    at: d.Period | None
    interpretations: tuple[d.Code, ...]
    ranges: tuple[ReferenceRange, ...]
    methods: tuple[d.Code, ...]
    sites: tuple[d.Code, ...]
    devices: tuple[d.Code, ...]  # kits and media used
    specimen: int | None
    performers: tuple[Party, ...]
    validators: tuple[Party, ...]  # biologists who validated (AUTHEN)
    comments: tuple[str, ...]
    previous: tuple[Previous, ...]

    @property
    def label(self) -> str:
        return self.code.label or ""


@dataclass(frozen=True, slots=True)
class Results:
    specimens: tuple[Specimen, ...]
    groups: tuple[Group, ...]
    results: tuple[Result, ...]
    comments: tuple[str, ...]  # on a whole entry; those on a battery or a result stand with it


@dataclass(slots=True)
class _Context:
    """What an entry hands down to what it holds."""

    section: int
    narrative: d.Narrative
    performers: tuple[Party, ...] = ()
    validators: tuple[Party, ...] = ()
    at: d.Period | None = None
    specimen: int | None = None
    group: int | None = None
    void: bool = False  # what holds it was withdrawn: so is it


@dataclass(slots=True)
class Reader:
    """Reads laboratory entries one after another, then gives the whole."""

    report: Report
    specimens: list[Specimen] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    rank: int = 0

    def done(self) -> Results:
        return Results(
            tuple(self.specimens), tuple(self.groups), tuple(self.results), tuple(self.comments)
        )

    def entry(self, act: d.Element, place: str, section: int, narrative: d.Narrative) -> None:
        """The act of one laboratory entry."""
        self.report.data(what(act, act.getparent()), place)
        context = _Context(section, narrative)
        self._participants(act, context)
        context.at = d.period(d.child(act, "effectiveTime"))
        context.void = _status(act, context) == NULLIFIED
        self.comments.extend(self._inside(act, place, context))

    def _inside(self, element: d.Element, place: str, context: _Context) -> tuple[str, ...]:
        """Everything an act or organizer holds; gives back the comments that are its own."""
        statements = list(linked(element, place))
        # Samples first: what follows speaks of them. Several in one act: none is assumed.
        before = len(self.specimens)
        for _, statement, where in statements:
            if d.local(statement) == "procedure":
                self._specimen(statement, where, context)
        if len(self.specimens) - before == 1:
            context = replace(context, specimen=before)
        elif len(self.specimens) - before > 1:
            context = replace(context, specimen=None)
        comments: list[str] = []
        for relation, statement, where in statements:
            kind, templates = d.local(statement), set(d.templates(statement))
            if kind == "procedure":
                continue
            if kind == "observation" and (OBSERVATION & templates or relation == "COMP"):
                self._observation(statement, where, context)
            elif kind == "organizer" and ISOLATE & templates:
                self._group(statement, where, context, isolate=True)
            elif kind == "organizer" and (
                BATTERY & templates or statement.get("classCode") == "BATTERY"
            ):
                self._group(statement, where, context, isolate=False)
            elif kind == "act" and COMMENT & templates:
                comments.extend(self._comment(statement, where, context))
            elif kind == "observationMedia":
                pass  # read with the attachments
            else:
                self._keep(statement, where, "kind")
        return tuple(comments)

    def _keep(self, statement: d.Element, place: str, why: str) -> None:
        """Tell that a statement, and all it holds, stays in the source: nothing goes unsaid."""
        self.report.kept(what(statement), place, why)
        self._below(statement, place, why)

    def _below(self, statement: d.Element, place: str, why: str = "kind") -> None:
        """What stands in a statement that is read without it."""
        for _, inside, where in linked(statement, place):
            if d.local(inside) != "observationMedia":  # read with the attachments
                self._keep(inside, where, why)

    def _specimen(self, procedure: d.Element, place: str, context: _Context) -> None:
        if not SPECIMEN & set(d.templates(procedure)) or not happened(procedure):
            self._keep(procedure, place, "kind")
            return
        product = next(
            (p for p in d.children(procedure, "participant") if p.get("typeCode") == "PRD"), None
        )
        role = d.child(product, "participantRole")
        received = None
        for _, statement, where in linked(procedure, place):
            if d.local(statement) == "act" and RECEIVED & set(d.templates(statement)):
                received = d.period(d.child(statement, "effectiveTime"))
                self.report.data(what(statement), where)
                self._below(statement, where)
            else:
                self._keep(statement, where, "kind")
        performer = d.child(procedure, "performer")
        self.report.data(what(procedure), place)
        self.specimens.append(
            Specimen(
                place,
                d.ids(role),
                d.code(d.down(role, "playingEntity", "code"), context.narrative),
                d.code(d.child(procedure, "code"), context.narrative),
                self._codes(procedure, "targetSiteCode", context),
                d.period(d.child(procedure, "effectiveTime")),
                received.first if received else None,
                None
                if performer is None
                else party("collector", performer, d.child(performer, "assignedEntity")),
            )
        )

    def _group(self, organizer: d.Element, place: str, context: _Context, *, isolate: bool) -> None:
        if not happened(organizer):
            self._keep(organizer, place, "not-done")
            return
        self.report.data(what(organizer), place)
        inner = replace(context)
        self._participants(organizer, inner)
        inner.at = d.period(d.child(organizer, "effectiveTime")) or context.at
        if isolate:
            inner.specimen = self._isolate(organizer, place, context)
        index = len(self.groups)
        self.rank += 1
        self.groups.append(
            Group(
                place,
                self.rank,
                isolate,
                d.code(d.child(organizer, "code"), context.narrative),
                _status(organizer, context),
                inner.at,
                context.section,
                context.group,
                inner.specimen,
                (),
                inner.performers,
            )
        )
        inner.group = index
        inner.void = _status(organizer, context) == NULLIFIED
        comments = self._inside(organizer, place, inner)
        if comments:
            self.groups[index] = replace(self.groups[index], comments=comments)

    def _isolate(self, organizer: d.Element, place: str, context: _Context) -> int:
        """The organism grown from the sample, as a specimen of its own."""
        role = d.down(organizer, "specimen", "specimenRole")
        organism = d.code(d.down(role, "specimenPlayingEntity", "code"), context.narrative)
        self.specimens.append(
            Specimen(
                f"{place}/specimen",
                d.ids(role),
                organism,
                None,
                (),
                None,
                None,
                None,
                context.specimen,
            )
        )
        return len(self.specimens) - 1

    def _observation(self, observation: d.Element, place: str, context: _Context) -> None:
        named = d.code(d.child(observation, "code"), context.narrative)
        if not happened(observation):
            self._keep(observation, place, "not-done")
            return
        if named is None or not named.label:
            self._keep(observation, place, "no-code")
            return
        inner = replace(context, void=_status(observation, context) == NULLIFIED)
        self._participants(observation, inner)
        values = d.children(observation, "value")
        value, null = self._value(values[0], place, context) if values else (None, None)
        for extra in values[1:]:
            self.report.kept(f"value {kind_of(extra)}", f"{place}/value", "repeated")
        self.rank += 1
        rank = self.rank
        previous: list[Previous] = []
        comments: list[str] = []
        for relation, statement, where in linked(observation, place):
            kind, templates = d.local(statement), set(d.templates(statement))
            if kind == "observation" and relation == "REFR":
                previous.extend(self._previous(statement, where, context))
            elif kind == "act" and COMMENT & templates:
                comments.extend(self._comment(statement, where, context))
            elif kind == "observation" and OBSERVATION & templates:
                self._observation(statement, where, inner)
            elif kind != "observationMedia":
                self._keep(statement, where, "kind")
        written = context.narrative.text(d.child(observation, "text"))
        if written and written not in (named.original, named.display):
            comments.insert(0, written)
        self.report.data(what(observation), place)
        self.results.append(
            Result(
                place=place,
                rank=rank,
                section=context.section,
                group=context.group,
                ids=d.ids(observation),
                code=named,
                status=_status(observation, context),
                value=value,
                null=null,
                at=d.period(d.child(observation, "effectiveTime")) or context.at,
                interpretations=self._codes(observation, "interpretationCode", context),
                ranges=tuple(self._ranges(observation, place, context)),
                methods=self._codes(observation, "methodCode", context),
                sites=self._codes(observation, "targetSiteCode", context),
                devices=tuple(self._devices(observation, context)),
                specimen=self._own_specimen(observation, place, context),
                performers=inner.performers,
                validators=inner.validators,
                comments=tuple(comments),
                previous=tuple(previous),
            )
        )

    def _own_specimen(self, observation: d.Element, place: str, context: _Context) -> int | None:
        """The sample an observation names itself, known by its identifier, else the entry's."""
        role = d.down(observation, "specimen", "specimenRole")
        named = set(d.ids(role))
        for index, specimen in enumerate(self.specimens):
            if named & set(specimen.ids):
                return index
        if role is None:
            return context.specimen
        self.specimens.append(
            Specimen(
                f"{place}/specimen",
                d.ids(role),
                d.code(d.down(role, "specimenPlayingEntity", "code"), context.narrative),
                None,
                (),
                None,
                None,
                None,
            )
        )
        return len(self.specimens) - 1

    def _previous(
        self, observation: d.Element, place: str, context: _Context
    ) -> Iterator[Previous]:
        element = d.child(observation, "value")
        value, _ = self._value(element, place, context) if element is not None else (None, None)
        if value is None or not happened(observation):
            self._keep(observation, place, "no-value")
            return
        self.report.data("previous observation", place)
        self._below(observation, place)
        yield Previous(value, d.period(d.child(observation, "effectiveTime")))

    def _comment(self, act: d.Element, place: str, context: _Context) -> Iterator[str]:
        written = context.narrative.text(d.child(act, "text"))
        if written and happened(act):
            self.report.data(what(act), place)
            yield written
        else:
            self.report.kept(what(act), place, "not-done" if written else "no-text")
        self._below(act, place)

    def _ranges(
        self, observation: d.Element, place: str, context: _Context
    ) -> Iterator[ReferenceRange]:
        for index, element in enumerate(d.children(observation, "referenceRange"), 1):
            where = f"{place}/referenceRange[{index}]"
            inside = d.child(element, "observationRange")
            meaning = d.code(d.child(inside, "interpretationCode"), context.narrative)
            written = context.narrative.text(d.child(inside, "text"))
            bounds = d.child(inside, "value")
            low: d.Quantity | None = None
            high: d.Quantity | None = None
            if bounds is not None:
                value, _ = self._value(bounds, where, context)
                if isinstance(value, d.Interval):
                    low, high = value.low, value.high
                elif isinstance(value, d.Quantity):
                    low = d.bare(value) if value.comparator in (">", ">=") else None
                    high = d.bare(value) if value.comparator in ("<", "<=") else None
                    written = written or (None if low or high else str(value.value))
                elif isinstance(value, d.Code):
                    written = written or value.label
                elif isinstance(value, str):
                    written = written or value
            if low or high or written:
                yield ReferenceRange(low, high, written, meaning)
            else:
                self.report.kept("referenceRange", where, "no-value")

    def _devices(self, observation: d.Element, context: _Context) -> Iterator[d.Code]:
        for element in d.children(observation, "participant"):
            named = d.code(
                d.down(element, "participantRole", "playingDevice", "code"), context.narrative
            )
            if named:
                yield named

    def _codes(self, element: d.Element, name: str, context: _Context) -> tuple[d.Code, ...]:
        found = (d.code(e, context.narrative) for e in d.children(element, name))
        return tuple(c for c in found if c and c.label)

    def _participants(self, element: d.Element, context: _Context) -> None:
        """Who performed or validated here, in place of those of the level above."""
        performers = [
            party(role, e, d.child(e, entity))
            for role, entity in (("performer", "assignedEntity"), ("author", "assignedAuthor"))
            for e in d.children(element, role)
        ]
        validators = [
            party("AUTHEN", e, d.child(e, "participantRole"))
            for e in d.children(element, "participant")
            if e.get("typeCode") == "AUTHEN"
        ]
        context.performers = tuple(performers) or context.performers
        context.validators = tuple(validators) or context.validators

    def _value(
        self, element: d.Element, place: str, context: _Context
    ) -> tuple[Value | None, str | None]:
        """A value of any type, or its nullFlavor."""
        null = d.attribute(element, "nullFlavor")
        value = values.typed(element, context.narrative)
        if value is not None:
            return value, None
        if null is None:
            self.report.kept(f"value {kind_of(element)}", f"{place}/value", "value")
            # What cannot be read as its type is shown as written rather than lost.
            return values.written(element, context.narrative), None
        return None, null


def _status(statement: d.Element, context: _Context) -> str:
    """Of a CDA act; what stands in something withdrawn is withdrawn."""
    own = d.attribute(d.child(statement, "statusCode"), "code") or "completed"
    return NULLIFIED if context.void else own
