# SPDX-License-Identifier: EUPL-1.2
"""Validation whole: structure, R4's rules, extensions, references, and profiles.

    validator = Validator(packages)
    issues = validator.validate(resource)                 # what R4 asks, and the profiles it claims
    issues = validator.validate(resource, (profile_url,))  # and these

A Validator is made once for some packages, and keeps what it compiles. Each pass supposes the one
before it: what has the wrong structure is told so, and is not looked at further.
"""

from collections.abc import Iterator, Sequence
from threading import RLock
from typing import Any, Final, cast

from carnet.fhir.fhirpath import Frame, Item, Terminology, model
from carnet.fhir.validation import (
    attachments,
    bindings,
    bundles,
    extensions,
    invariants,
    questionnaires,
    references,
    structure,
)
from carnet.fhir.validation.issues import Issue, Severity
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.profiles import Check, Compiler, Context, Found, Problem
from carnet.fhir.validation.snapshots import Snapshots
from carnet.fhir.validation.terms import LocalTerminology

MAX_ISSUES: Final = 200


class Validator:
    """Validates resources against R4 and the profiles of some packages."""

    def __init__(
        self, packages: Packages | None = None, terminology: Terminology | None = None
    ) -> None:
        self.packages = packages or Packages()
        self.terminology = terminology or LocalTerminology(self.packages)
        self.snapshots = Snapshots(self.packages)
        self._checks: dict[str, Check | None] = {}
        self._sound: dict[str, bool] = {}  # questionnaires, by address
        self._making = RLock()

    def validate(
        self,
        resource: dict[str, Any],
        profiles: Sequence[str] = (),
        *,
        claimed: bool = True,
        structured: bool = False,
    ) -> list[Issue]:
        """The faults of a resource, none when it is as it should be.

        profiles: what it is held to, beside those its `meta.profile` claims (unless `claimed` is
        false). A profile that nobody brought is said, as a warning; one asked for, as an error.
        structured: its structure was looked at, and is right.
        """
        issues = [] if structured else structure.check(resource)
        if any(issue.code == "structure" for issue in issues):
            return issues
        try:
            for place in _resources(resource):
                asked = tuple(profiles) if place.tail == "" else ()
                issues += self._validated(place, asked, claimed)
                if len(issues) >= MAX_ISSUES and len(_errors(issues)) >= MAX_ISSUES:
                    break
        except (TypeError, AttributeError, KeyError, ValueError):
            if not issues:  # a value of the wrong kind, already told, may stop what comes after
                raise
        return _most(list(dict.fromkeys(issues)))

    def _validated(self, place: "Place", asked: Sequence[str], claimed: bool) -> list[Issue]:
        resource, kind = place.resource, place.resource["resourceType"]
        context = self._context(place)
        start = place.path
        found = [_issue(start, p) for p in invariants.check(resource, context.frame)]
        found += [_issue(start, p) for p in bindings.check(resource, context)]
        found += [_issue(start, p) for p in references.check(resource, context)]
        found += [_issue(start, p) for p in attachments.check(resource)]
        if kind == "Bundle":
            found += [_issue(start, p) for p in bundles.check(resource)]
        if kind == "Questionnaire":
            found += [_issue(start, p) for p in questionnaires.check(resource)]
        if kind == "QuestionnaireResponse":
            found += self._answered(place, context)
        if place.bundle is not None and place.find is not None:
            loose = bundles.loose(resource, place.bundle, place.base, place.find)
            found += [_issue(start, p) for p in loose]
        if _extended(resource):
            told = extensions.check(self.packages, kind, resource, context)
            found += [_issue(start, problem, url) for problem, url in told]
        urls: list[tuple[str, Severity]] = [(url, "error") for url in asked]
        if claimed:
            named = resource.get("meta", {}).get("profile", ())
            urls += [(url, "warning") for url in named if type(url) is str and url not in asked]
        for url, severity in urls:
            check = self._check(url)
            if check is None:
                text = "The profile is not known here: nothing was held against it."
                found.append(Issue(start, "not-found", text, severity, "", url))
                continue
            for lack in self.snapshots.lacks(url):
                text = f"The profile could not be made whole here: {lack}."
                found.append(Issue(start, "incomplete", text, "warning", "", url))
            problems = self.conforms(url, (kind, resource, None), context) or []
            found += [_issue(start, p, url) for p in problems]
        return found

    def _answered(self, place: "Place", context: Context) -> list[Issue]:
        """What answers break of their questionnaire, where it is at hand."""
        url = place.resource.get("questionnaire")
        if type(url) is not str:
            text = questionnaires.UNSAID
            return [Issue(place.path, "not-found", text, "information")]
        asking = self._questionnaire(place, url)
        if asking is None:
            path = f"{place.path}.questionnaire"
            return [Issue(path, "not-found", questionnaires.UNKNOWN, "warning")]
        problems = questionnaires.held(place.resource, asking, context)
        return [_issue(place.path, p, url) for p in problems]

    def _questionnaire(self, place: "Place", url: str) -> dict[str, Any] | None:
        """The questionnaire of an address: contained, beside in a Bundle, or of a package."""
        found: list[Any] = []
        if url.startswith("#"):
            holder = place.holder or place.resource
            found = [c for c in holder.get("contained", ()) if c.get("id") == url[1:]]
        elif place.bundle is not None:
            held = [entry.get("resource", {}) for entry in place.bundle.get("entry", ())]
            found = [
                one
                for one in held
                if url in (one.get("url"), f"{one.get('url')}|{one.get('version')}")
            ]
        kinds = [one for one in found if one.get("resourceType") == "Questionnaire"]
        if kinds:
            return cast("dict[str, Any]", kinds[0])
        brought = self.packages.questionnaires.get(url)
        if brought is None:
            return None
        if url not in self._sound:  # what a package brings may be wrong itself
            wrong = {issue.code for issue in structure.check(brought)}
            self._sound[url] = wrong.isdisjoint({"structure", "required"})
        return brought if self._sound[url] else None

    def _context(self, place: "Place") -> Context:
        known = model()
        root = known.item(place.resource)
        top = None if place.holder is None else known.item(place.holder)
        find, base = place.find, place.base
        if find is None and root[0] == "Bundle":
            find, base = bundles.resolver(place.resource), bundles.ANY
        frame = Frame(
            known,
            root,
            top=top,
            resolver=None if find is None else (lambda reference: find(reference, base)),
            terminology=self.terminology,
        )
        context = Context(frame, self.terminology, self)
        frame.conformance = _Conformance(self, context)
        return context

    # ------------------------------------------------------------ profiles

    def known(self, url: str) -> bool:
        """Whether a profile can be validated against."""
        return self._check(url) is not None

    def conforms(self, url: str, item: Item, context: Context) -> Found:
        """What an item breaks of a profile."""
        check = self._check(url)
        if check is None:
            return None
        context.depth += 1
        try:
            return check(item, context)
        finally:
            context.depth -= 1

    def _check(self, url: str) -> Check | None:
        url = url.partition("|")[0]
        if url not in self._checks:
            with self._making:  # a thread never sees half of one
                whole, _, element = url.partition("#")
                snapshot = self.snapshots.of(whole)
                made = None
                if snapshot is not None and element:
                    made = Compiler(self.snapshots).element(snapshot, element)
                elif snapshot is not None:
                    made = _typed(snapshot.name, Compiler(self.snapshots).root(snapshot))
                self._checks[url] = made
        return self._checks[url]


def _typed(kind: str, check: Check) -> Check:
    """A profile's function, for what is of the profile's type."""
    text = f"The profile is one of {kind}."
    problem: Found = [("", "error", "structure", text, kind)]
    known = model()

    def typed(item: Item, context: Context) -> Found:
        return check(item, context) if known.is_a(item[0], kind) else problem

    return typed


class _Conformance:
    """What `conformsTo()` asks."""

    def __init__(self, validator: Validator, context: Context) -> None:
        self.validator = validator
        self.context = context

    def conforms(self, profile: str, item: Item) -> bool | None:
        if not self.validator.known(profile):
            return None
        problems = self.validator.conforms(profile, item, self.context)
        return problems is None or all(p[1] != "error" for p in problems)


def _issue(start: str, problem: Problem, profile: str = "") -> Issue:
    tail, severity, code, text, rule = problem
    return Issue(start + tail, code, text, cast(Severity, severity), rule, profile)


def _errors(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.severity == "error"]


def _most(issues: list[Issue]) -> list[Issue]:
    """As many as are told, in their order: no error is left out for what is less than one."""
    if len(issues) <= MAX_ISSUES:
        return issues
    errors = _errors(issues)[:MAX_ISSUES]
    others = [issue for issue in issues if issue.severity != "error"]
    kept = {*errors, *others[: MAX_ISSUES - len(errors)]}
    return [issue for issue in issues if issue in kept]


# ---------------------------------------------------------------- resources in a resource


class Place:
    """A resource, and where it stands."""

    __slots__ = ("base", "bundle", "find", "holder", "path", "resource", "tail")

    def __init__(self, resource: dict[str, Any], path: str, tail: str) -> None:
        self.resource = resource
        self.path = path
        self.tail = tail
        self.holder: dict[str, Any] | None = None  # that which contains it
        self.bundle: dict[str, Any] | None = None
        self.base = ""  # fullUrl of the entry it is in
        self.find: Any = None


def _resources(resource: dict[str, Any]) -> Iterator[Place]:
    """A resource and those that stand in it, outermost first."""
    yield from _below(Place(resource, resource["resourceType"], ""))


def _below(place: Place) -> Iterator[Place]:
    yield place
    resource = place.resource
    for at, one in enumerate(resource.get("contained", ())):
        inner = Place(one, f"{place.path}.contained[{at}]", f"{place.tail}.contained[{at}]")
        inner.holder, inner.bundle = resource, None
        inner.base, inner.find = place.base, place.find
        yield inner
    kind = resource["resourceType"]
    if kind == "Bundle":
        find = bundles.resolver(resource)
        for at, entry in enumerate(resource.get("entry", ())):
            if "resource" in entry:
                tail = f".entry[{at}].resource"
                inner = Place(entry["resource"], place.path + tail, place.tail + tail)
                inner.bundle, inner.base, inner.find = resource, entry.get("fullUrl", ""), find
                yield from _below(inner)
    elif kind == "Parameters":
        yield from _of_parameters(place, resource.get("parameter", ()), "parameter", "")


def _of_parameters(place: Place, parameters: Any, name: str, before: str) -> Iterator[Place]:
    for at, parameter in enumerate(parameters):
        tail = f"{before}.{name}[{at}]"
        if "resource" in parameter:
            inner = Place(
                parameter["resource"],
                f"{place.path}{tail}.resource",
                f"{place.tail}{tail}.resource",
            )
            yield from _below(inner)
        yield from _of_parameters(place, parameter.get("part", ()), "part", tail)


def _extended(value: Any) -> bool:
    """Whether an extension stands anywhere in a value."""
    if type(value) is dict:
        if "extension" in value or "modifierExtension" in value:
            return True
        return any(_extended(v) for v in value.values() if type(v) is dict or type(v) is list)
    if type(value) is list:
        return any(_extended(v) for v in value if type(v) is dict or type(v) is list)
    return False
