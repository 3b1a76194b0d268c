# SPDX-License-Identifier: EUPL-1.2
"""$validate-code, of a code system and of a value set.

A code that is not in it, or a display that is not one of its own, is a result of false, with each reason as
an issue; a value set or code system that is not known is not found, as everywhere. A coding whose system,
or whose version of it, is not loaded is false too: nothing vouches for it.
Source: FHIR R4, CodeSystem/$validate-code, ValueSet/$validate-code; HL7, Terminology Ecosystem IG (issues).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from carnet.fhir.terminology import queries
from carnet.fhir.terminology.compose import Compose
from carnet.fhir.terminology.grammars import GRAMMARS, says
from carnet.fhir.terminology.labels import preferred, those
from carnet.fhir.terminology.queries import Conn, Found, System
from carnet.fhir.terminology.refusals import UnknownSystem, UnknownValueSet, shown
from carnet.fhir.terminology.resolve import NONE, Pins, Resolved, wary
from carnet.fhir.terminology.terms import Member, Terms
from carnet.fhir.terminology.words import same

Json = dict[str, Any]
TYPES: Final = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"


@dataclass(frozen=True, slots=True)
class Coding:
    """A code as it is asked about; without a system, of any. path: where it stands in what was given."""

    code: str
    system: str | None = None
    version: str = ""
    display: str | None = None
    path: str = ""  # "Coding.", "CodeableConcept.coding[0]."
    normal: str = ""  # the code as its system writes it


@dataclass(frozen=True, slots=True)
class Issue:
    """One reason."""

    severity: str
    code: str  # FHIR R4 IssueType
    kind: str  # of TYPES
    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one coding, or of several."""

    result: bool
    issues: tuple[Issue, ...] = ()
    display: str = ""
    coding: Coding | None = None
    inactive: bool = False
    unknown: str = ""  # the system that is not known
    caused: bool = False  # and the value set has codes of it
    concept: Json = field(default_factory=dict)  # the CodeableConcept that was given

    @property
    def message(self) -> str:
        """Every error and every warning, each once."""
        said = {each.text for each in self.issues if each.severity in ("error", "warning")}
        return "; ".join(sorted(said))


@dataclass(frozen=True, slots=True)
class Manner:
    """How strictly it is asked."""

    language: str | None = None
    abstract: bool = True  # what is not selectable may be used
    active: bool = False  # what is retired may not
    lenient: bool = False  # a display that is not one of its own is warned of
    membership: bool = False  # only whether it is in the value set
    infer: bool = True  # a code without a system is looked for in all of them


USUAL: Final = Manner()


async def in_system(
    terms: Terms, conn: Conn, url: str, coding: Coding, manner: Manner = USUAL, pins: Pins = NONE
) -> Answer:
    """Whether a code is in a code system."""
    if url in GRAMMARS:
        if says(url, coding.code):
            return Answer(True, (), coding.code, replace(coding, system=url))
        text = f"{shown(coding.code)} does not follow the grammar of {url}."
        return Answer(False, (_unknown(coding, text),), "", replace(coding, system=url))
    await terms.memory.look(conn)
    try:
        system = await terms.system(conn, url, coding.version, pins.at)
    except UnknownSystem:
        if not await queries.supplements(conn, url=url, version=""):
            raise
        text = (
            f"CodeSystem {shown(url)} is a supplement, so can't be used as a value in Coding.system"
        )
        wrong = Issue("error", "invalid", "invalid-data", text, coding.path + "system")
        return Answer(False, (wrong,), "", coding)
    found = await queries.concept(conn, system, coding.code)
    if found is None:
        asked = replace(coding, system=system.url, version="")
        return Answer(False, (_unknown(coding, _not_in(coding, system)),), "", asked)
    member = _member(system, found)
    wanted = manner.language or coding.display
    added = list(terms.memory.supplements.get(system.url, ())) if wanted else []
    [member] = await terms.supplemented(conn, [member], added)
    return _judged(coding, member, manner, "", None)


async def in_value_set(
    terms: Terms,
    conn: Conn,
    of: str | Compose,
    codings: Sequence[Coding],
    manner: Manner = USUAL,
    *,
    version: str = "",
    pins: Pins = NONE,
    concept: Json | None = None,
) -> Answer:
    """Whether a value set has a coding, or one of several: the first it has is answered."""
    try:
        resolved = await terms.resolve(conn, of, version, pins)
    except UnknownValueSet as missing:
        if not missing.imported:
            raise
        return await _unresolved(conn, of, version, codings[0], missing.url, concept)
    if manner.language is None and resolved.compose.language:  # it is in a language of its own
        manner = replace(manner, language=resolved.compose.language)
    told: list[Answer] = []
    for coding in codings:
        told.append(await _one(terms, conn, resolved, coding, manner))
    if concept is None:
        return told[0]
    good = next((each for each in told if each.result), None)
    if good is None and manner.membership:
        return Answer(False, (), "", None, concept=concept)
    if good is None:
        wrong = next((each for each in told if each.coding and _member_of(each)), None)
        if wrong is not None:
            return replace(wrong, concept=concept)
        text = f"No valid coding was found for the value set '{_named(resolved)}'"
        issues = [Issue("error", "code-invalid", "not-in-vs", text)]
        for each in told:
            issues += [_aside(one) if one.kind == "not-in-vs" else one for one in each.issues]
        first = next((each for each in told if each.unknown), Answer(False))
        only = told[0] if len(told) == 1 else Answer(False)
        return Answer(False, tuple(issues), only.display, None, only.inactive, first.unknown,
                      first.caused, concept)  # fmt: skip
    others = [] if manner.membership else [
        _aside(one) if one.kind == "not-in-vs" else one
        for each in told if each is not good for one in each.issues
    ]  # fmt: skip
    # A coding of its system that does not exist is wrong, be another of them right.
    result = not any(each.severity == "error" and each.kind == "invalid-code" for each in others)
    return replace(good, result=result, issues=(*good.issues, *others), concept=concept)


async def _unresolved(
    conn: Conn, of: str | Compose, version: str, coding: Coding, missing: str, concept: Json | None
) -> Answer:
    """Of a value set that imports one that is not here, nothing can be told but that."""
    if isinstance(of, str):
        bare, _, said = of.partition("|")
        row = await queries.value_set(conn, bare, said or version)
        where = shown(f"{bare}|{row.version}" if row is not None and row.version else bare)
    else:
        where = shown(of.canonical or "of the request")
    known = f"A definition for the value Set '{shown(missing)}' could not be found"
    unable = (
        f"Unable to check whether the code is in the value set '{where}' because the value set"
        f" {shown(missing)} was not found"
    )
    issues = (Issue("error", "not-found", "not-found", known),
              Issue("warning", "not-found", "vs-invalid", unable))  # fmt: skip
    return Answer(False, issues, "", coding if concept is None else None, concept=concept or {})


def _member_of(answer: Answer) -> bool:
    """Whether a coding is in the value set, and was refused for its display."""
    return bool(answer.issues) and all(each.kind == "invalid-display" for each in answer.issues)


def _aside(issue: Issue) -> Issue:
    """Of one coding among others: to be known, no more."""
    return replace(issue, severity="information", kind="this-code-not-in-vs")


async def _one(terms: Terms, conn: Conn, of: Resolved, coding: Coding, manner: Manner) -> Answer:
    where = _named(of)
    out = Issue("error", "code-invalid", "not-in-vs", _not_of(coding, where), coding.path + "code")
    if coding.system is None and (coding.path or not manner.infer):
        text = (
            "Coding has no system. A code with no system has no defined meaning, and it cannot be"
        )
        text += " validated. A system should be provided"
        path = coding.path.rstrip(".")
        return Answer(
            False, (out, Issue("warning", "invalid", "invalid-data", text, path)), "", coding
        )
    name = None if coding.system is None else await terms.system_named(conn, coding.system)
    member = await terms.find(conn, of, name, coding.code)
    system = None
    if member is None or coding.version not in ("", member.version):
        system = await _system(terms, conn, of, name, coding)
        if isinstance(system, Answer):
            if member is None or member.version:
                return system
            system = None  # listed by its code: no version of its system is known, nor asked for
    if member is not None and coding.version not in ("", member.version) and member.version:
        text = (
            f"{_not_of(coding, where)}: it takes its system by version '{shown(member.version)}',"
            f" and the coding is of '{shown(coding.version)}'"
        )
        mismatch = Issue("error", "invalid", "vs-invalid", text, coding.path + "version")
        return Answer(False, (mismatch,), member.display, replace(coding, system=member.system))
    if member is None:
        if isinstance(system, System):
            found = await queries.concept(conn, system, coding.code)
            known = replace(coding, system=system.url, version=system.version)
            if found is None:
                bad = _unknown(coding, _not_in(coding, system))
                # Of a system that was inferred, that the code is not in it says nothing more.
                return Answer(False, (out, bad) if coding.system else (out,), "", coding)
            display = preferred(manner.language, _member(system, found).designations, found.display)
            why = [out]
            if found.inactive and not of.compose.inactive:
                text = f"The code '{shown(found.code)}' is valid but is not active"
                why.append(Issue("error", "business-rule", "code-rule", text, coding.path + "code"))
            return Answer(False, tuple(why), display, known, found.inactive)
        if system is None and name in GRAMMARS and not says(str(name), coding.code):
            text = f"{shown(coding.code)} does not follow the grammar of {name}."
            return Answer(False, (out, _unknown(coding, text)), "", coding)
        return Answer(False, (out,), "", coding)
    added = terms.supplements(of, manner.language or coding.display)
    [member] = await terms.supplemented(conn, [member], added)
    answer = _judged(coding, member, manner, where, out)
    wary_of = () if manner.membership else tuple(_wary(of, member))
    return replace(answer, issues=(*answer.issues, *wary_of))


def _wary(of: Resolved, member: Member) -> Iterator[Issue]:
    """What there is to know of the system and the value sets a code was found in."""
    found = [("CodeSystem", part.system.url, part.system.version, part.system.status, part.system.head)
             for part in of.parts() if part.url == member.system and part.system is not None]  # fmt: skip
    found = found[:1] + [("ValueSet", s.url, s.version, s.status, s.head) for s in of.composes()]
    for kind, url, version, status, head in found:
        if word := wary(status, head):
            named = shown(f"{url}|{version}" if version else url)
            text = f"Reference to {word} {kind} {named}"
            yield Issue("information", "business-rule", "status-check", text)


async def _system(
    terms: Terms, conn: Conn, of: Resolved, name: str | None, coding: Coding
) -> System | Answer | None:
    """The system a coding is of; an answer when it, or the version, is not known; None for a grammar."""
    if name is None:
        systems = {part.url: part.system for part in of.parts() if part.system is not None}
        return next(iter(systems.values())) if len(systems) == 1 else None
    if name in GRAMMARS:
        return None
    used = next((p.system for p in of.parts() if p.url == name and p.system is not None), None)
    if used is not None and coding.version in ("", used.version):
        return used
    system = await queries.system(conn, name, coding.version)
    if system is not None:
        return system
    versions = [each for each in await queries.versions(conn, name) if each]
    said = f"A definition for CodeSystem '{shown(name)}'"
    named = name
    if coding.version:
        said += f" version '{shown(coding.version)}'"
        named += f"|{coding.version}"
    said += " could not be found, so the code cannot be validated"
    if coding.version and versions:
        said += f". Valid versions: [{', '.join(versions)}]"
    issues = [Issue("error", "not-found", "not-found", said, coding.path + "system")]
    caused = any(part.url == name for part in of.parts())
    if caused:
        text = (
            f"Unable to check whether the code is in the value set '{_named(of)}' because the code system"
            f" {shown(named)} was not found"
        )
        issues.append(Issue("warning", "not-found", "vs-invalid", text))
    else:
        text = _not_of(coding, _named(of))
        issues.append(Issue("error", "code-invalid", "not-in-vs", text, coding.path + "code"))
    return Answer(False, tuple(issues), "", coding, unknown=named, caused=caused)


def _judged(asked: Coding, member: Member, manner: Manner, where: str, out: Issue | None) -> Answer:
    """The answer for a code that is there: whether it may be used, and its display is one of its own."""
    display = preferred(manner.language, member.designations, member.display)
    # As it was asked: of a system that takes no heed of case, the issue tells the other.
    known = Coding(asked.code, member.system, member.version, display, asked.path, member.code)
    if manner.active and member.inactive:
        text = f"The code '{shown(member.code)}' is valid but is not active"
        issue = Issue("error", "business-rule", "code-rule", text, asked.path + "code")
        return Answer(False, (out, issue) if out else (issue,), display, known, True)
    if member.abstract and not manner.abstract:
        text = f"The code '{shown(member.code)}' is abstract, and cannot be used here"
        issue = Issue("error", "business-rule", "code-rule", text, asked.path + "code")
        return Answer(False, (out, issue) if out else (issue,), display, known, member.inactive)
    if asked.code != member.code:
        of = shown(f"{member.system}|{member.version}" if member.version else member.system)
        text = (
            f"The code '{shown(asked.code)}' differs from the correct code '{shown(member.code)}' by case."
            f" Although the code system '{of}' is case insensitive, implementers are strongly encouraged to"
            " use the correct case anyway"
        )
        case = [Issue("information", "business-rule", "code-rule", text, asked.path + "code")]
    else:
        case = []
    every = [member.display, *(str(each.get("value", "")) for each in member.designations)]
    labels = those(manner.language, member.designations) or every
    wrong = asked.display and not any(same(asked.display, each) for each in labels)
    if wrong and not manner.membership and any(labels):
        told = " or ".join(
            f"'{shown(each)}'" for each in dict.fromkeys(each for each in labels if each)
        )
        text = f"Wrong Display Name '{shown(str(asked.display))}' for"
        text += f" {shown(member.system)}#{shown(member.code)}. Valid display is {told}"
        if manner.language:
            text += f" (for the language(s) '{shown(manner.language)}')"
        severity = "warning" if manner.lenient else "error"
        case.append(Issue(severity, "invalid", "invalid-display", text, asked.path + "display"))
        return Answer(manner.lenient, tuple(case), display, known, member.inactive)
    return Answer(True, tuple(case), display, known, member.inactive)


def _member(system: System, found: Found) -> Member:
    """A concept as a member of its system."""
    own = {"value": found.display} if found.display else {}
    if own and system.language:
        own = {"language": system.language} | own
    labels: list[Json] = [own, *found.designations] if own else [*found.designations]
    return Member(system.url, found.code, system.version, found.display, found.abstract,
                  found.inactive, system.id, labels)  # fmt: skip


def _unknown(coding: Coding, text: str) -> Issue:
    return Issue("error", "code-invalid", "invalid-code", text, coding.path + "code")


def _not_in(coding: Coding, system: System) -> str:
    said = f"Unknown code '{shown(coding.code)}' in the CodeSystem '{shown(system.url)}'"
    if system.version:
        said += f" version '{shown(system.version)}'"
    if system.content == "fragment":
        said += ", of which only a part is known here"
    return said


def _not_of(coding: Coding, where: str) -> str:
    said = f"{shown(coding.system or '')}#" if coding.system or coding.path else ""
    return (
        f"The provided code '{said}{shown(coding.code)}' was not found in the value set '{where}'"
    )


def _named(of: Resolved) -> str:
    said = of.compose
    return shown(f"{said.url}|{said.version}" if said.version else said.url or "of the request")


def parameters(answer: Answer) -> Json:
    """The Parameters of an answer."""
    told: list[Json] = [{"name": "result", "valueBoolean": answer.result}]
    if answer.message:
        told.append({"name": "message", "valueString": answer.message})
    coding = answer.coding
    if coding is not None:
        told.append({"name": "code", "valueCode": coding.code})
        if coding.system:
            told.append({"name": "system", "valueUri": coding.system})
        if coding.version:
            told.append({"name": "version", "valueString": coding.version})
    if answer.display:
        told.append({"name": "display", "valueString": answer.display})
    if coding is not None and coding.normal not in ("", coding.code):
        told.append({"name": "normalized-code", "valueCode": coding.normal})
    if answer.inactive:
        told.append({"name": "inactive", "valueBoolean": True})
    if answer.concept:
        told.append({"name": "codeableConcept", "valueCodeableConcept": answer.concept})
    if answer.unknown:
        name = "x-caused-by-unknown-system" if answer.caused else "x-unknown-system"
        told.append({"name": name, "valueCanonical": answer.unknown})
    if answer.issues:
        issues = [_issue(each) for each in answer.issues]
        outcome = {"resourceType": "OperationOutcome", "issue": issues}
        told.append({"name": "issues", "resource": outcome})
    return {"resourceType": "Parameters", "parameter": told}


def _issue(one: Issue) -> Json:
    details = {"coding": [{"system": TYPES, "code": one.kind}], "text": one.text}
    made: Json = {"severity": one.severity, "code": one.code, "details": details}
    if one.path:
        made |= {"location": [one.path], "expression": [one.path]}
    return made
