# SPDX-License-Identifier: EUPL-1.2
"""What is wrong with the answer to a request of the fuzz."""

from __future__ import annotations

from functools import cache
from typing import Final
from urllib.parse import unquote

from tests import people
from tests.hostile.fuzz.requests import Sent
from tests.space import FHIR, Answer


@cache
def secrets() -> tuple[str, ...]:
    """What only records hold: numbers and names of the cast."""
    found = set()
    for person in people.POPULATION.people:
        for each in (
            getattr(person, "ins", None),
            getattr(person, "birth_name", None),
            getattr(person, "name", None),
        ):
            if isinstance(each, str) and len(each) > 5:
                found.add(each)
    return tuple(sorted(found))


TRACES: Final = (
    b"Traceback",
    b"psycopg",
    b'File \\"',
    b"/carnet/",
    b".py:",
    b"SELECT ",
    b"site-packages",
)


def judged(sent: Sent, answer: Answer) -> str | None:
    """What is wrong with an answer; None for nothing."""
    status, kind = answer.status, answer.headers.get("content-type", "")
    if status >= 500:
        return f"{status}: {answer.body[:400]!r}"
    if not 200 <= status < 500:
        return None if status == 304 and not answer.body else f"status {status}"
    asked = unquote(sent.path) + str(sent.headers) + sent.body[:300_000].decode("utf-8", "replace")
    if status >= 400:
        if sent.method == "HEAD":
            return None
        if not kind.startswith(FHIR):
            return f"{status} of {kind!r}: {answer.body[:200]!r}"
        found = answer.json
        if found.get("resourceType") != "OperationOutcome" or not found.get("issue"):
            return f"{status} without an outcome: {answer.body[:200]!r}"
        if any(not each.get("diagnostics") for each in found["issue"]):
            return f"{status} without a sentence: {answer.body[:300]!r}"
        for trace in TRACES:
            if trace in answer.body and trace.decode() not in asked:
                return f"{status} tells {trace!r}: {answer.body[:400]!r}"
    if status >= 400 or sent.who is None:
        for each in secrets():
            if each.encode() in answer.body and each not in asked:
                return f"{status} tells what is in a record: {answer.body[:400]!r}"
    if kind.startswith(FHIR) and answer.body and status < 300:
        found = answer.json
        for entry in found.get("entry", ()):
            if str(entry.get("response", {}).get("status", "")).startswith("5"):
                return f"an entry of {entry['response']!r:.400}"
    return None
