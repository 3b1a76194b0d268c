# SPDX-License-Identifier: EUPL-1.2
"""The address where the national guide is held to: /pdsm, the same record as /fhir, with no leniency.

What its profiles make mandatory is refused when it is missing (422, every element at once), and a search
names its patient and a status (400). What /fhir takes leniently is there for software that is not so far.
Source: nomenclature/guide.toml; docs/decisions/0046.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from carnet import errors
from carnet.documents import nomenclature
from carnet.fhir.validation.issues import Issue
from carnet.rest.acts import Acts, Entry, Plan
from carnet.rest.outcome import NotValid

ENDPOINT: Final = "pdsm"
LISTS: Final = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes"
SOURCE: Final = (
    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-sourceId"  # who sent a lot
)


class NotAsTheGuide(NotValid):
    """What comes here lacks what the guide makes mandatory."""

    status = 422
    issue = "required"


class NoSuchSearch(errors.Invalid):
    """A search here names what the guide makes mandatory."""

    issue = "required"


class Guided:
    """The API at the guide's own address."""

    def __init__(self, api: ASGIApp) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._api({**scope, "carnet.endpoint": ENDPOINT}, receive, send)


def register(acts: Acts) -> None:
    """Have what comes by this address looked at."""
    acts.guides[ENDPOINT] = searched
    said = nomenclature.table("guide")["capability"]
    acts.instantiates += said["instantiates"]
    acts.supported |= {rtype: tuple(each) for rtype, each in said["profiles"].items()}


def searched(rtype: str, names: Sequence[str]) -> None:
    """Refuse a search that leaves out what the guide makes mandatory."""
    given = {name.replace(":Patient", "") for name in names}
    for choice in nomenclature.table("guide")["search"].get(rtype, ()):
        if given.isdisjoint(choice):
            raise NoSuchSearch(
                f"A search of {rtype} here names {' or '.join(choice)} (PDSm 3.1.1).", path=rtype
            )


def document(plan: Plan, entry: Entry) -> None:
    """Refuse a DocumentReference that lacks what its profile makes mandatory."""
    alone = not any(each.rtype == "List" for each in plan.entries)
    _refuse(entry, "simplified" if alone else "comprehensive")
    lists = [each for each in plan.entries if each.rtype == "List"]
    for each in lists:  # before the first file is written
        submission(each)
    if lists and [kind_of(each.resource) for each in lists].count("submissionset") != 1:
        raise errors.BusinessRule("A lot has exactly one submission set.", path="Bundle")


def submission(entry: Entry) -> None:
    """The same of a submission set, or of a folder."""
    kind = kind_of(entry.resource)
    if kind not in ("submissionset", "folder"):
        raise errors.BusinessRule("A List here is a submission set or a folder.", path="List.code")
    _refuse(entry, kind)


def provided(plan: Plan, entry: Entry) -> None:
    """Refuse a Bundle with a submission set and no document."""
    alone = not any(each.rtype == "DocumentReference" for each in plan.entries)
    if entry.where and alone and kind_of(entry.resource) == "submissionset":
        raise errors.BusinessRule("A lot has at least one document.", path="Bundle")


def kind_of(resource: dict[str, Any]) -> str:
    """submissionset or folder; "" for any other list."""
    for coding in resource.get("code", {}).get("coding", []):
        if coding.get("system") == LISTS:
            return str(coding.get("code", ""))
    return ""


def _refuse(entry: Entry, profile: str) -> None:
    found = list(missing(entry.resource, profile))
    if found:
        where = f"{entry.where}.resource" if entry.where else ""
        raise NotAsTheGuide(found, where)


def missing(resource: dict[str, Any], profile: str) -> Iterator[Issue]:
    """Each element that a profile of the guide asks for and that is not there, or the other way."""
    rules = nomenclature.table("guide")[profile]
    rtype = resource["resourceType"]
    for path in rules["required"]:
        if not all(_at(resource, path)):
            yield _issue(rtype, path, "required", "This element is mandatory in the guide.")
    for path, value in rules.get("fixed", {}).items():
        if any(found not in (None, value) for found in _at(resource, path)):
            yield _issue(rtype, path, "value", f"In the guide this element is {value}.")
    for path in rules["absent"]:
        if any(_at(resource, path)):
            yield _issue(rtype, path, "structure", "This element is not there in the guide.")
    for path in rules["one"]:
        values = next(iter(_at(resource, path)), None)
        if isinstance(values, list) and len(values) > 1:
            yield _issue(rtype, path, "structure", "This element is there once in the guide.")
    urls = {each.get("url") for each in resource.get("extension", [])}
    for url in rules.get("extensions", ()):
        if url not in urls:
            yield _issue(rtype, "extension", "required", f"The guide has the extension {url}.")
    if rtype == "DocumentReference" and "securityLabel" in resource:
        codes = {
            coding.get("code")
            for concept in resource["securityLabel"]
            for coding in concept.get("coding", [])
        }
        if codes.isdisjoint(nomenclature.confidentiality()):
            yield _issue(rtype, "securityLabel", "code-invalid", "A code of JDV_J08 is expected.")


def _at(value: Any, path: str) -> list[Any]:
    """What stands at a path, in each item of the lists it passes by; None where nothing does."""
    name, _, rest = path.partition(".")
    if isinstance(value, list):
        return [found for each in value for found in _at(each, path)]
    found = value.get(name) if isinstance(value, dict) else None
    return _at(found, rest) if rest and found is not None else [found]


def _issue(rtype: str, path: str, code: str, sentence: str) -> Issue:
    return Issue(f"{rtype}.{path}", code, sentence)
