# SPDX-License-Identifier: EUPL-1.2
"""Refusals as OperationOutcome: a code, a rule, never a value or a stack trace."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from carnet import errors
from carnet.access import stepup
from carnet.access.scopes import InsufficientScope
from carnet.access.stepup import StepUp
from carnet.access.tokens import NoToken
from carnet.fhir import json
from carnet.fhir.validation import issues as validation
from carnet.fhir.validation.issues import Issue

FHIR_JSON = "application/fhir+json; charset=utf-8"
MOST_ISSUES = 50  # of one answer
CODES = "urn:carnet:ci-sis:erreur-integration"  # of the national answers
TERMINOLOGY = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"
log = structlog.get_logger("carnet.rest")


class NotValid(errors.Structure):
    """The resource does not follow the structure of its type."""

    def __init__(self, issues: Sequence[Issue], where: str = "") -> None:
        super().__init__()
        self.issues = issues
        self.where = where  # Bundle.entry[3].resource, before each path


def fhir(content: bytes | dict[str, Any], status: int = 200, **headers: str) -> Response:
    """A FHIR JSON answer; health data is never kept by a cache."""
    body = content if isinstance(content, bytes) else json.dump(content)
    return Response(
        body,
        status,
        {"Cache-Control": "no-store", **{k.replace("_", "-"): v for k, v in headers.items()}},
        FHIR_JSON,
    )


def outcome(error: errors.CarnetError) -> dict[str, Any]:
    """The OperationOutcome of a refusal."""
    if isinstance(error, NotValid):
        return validation.outcome(placed(error.issues[:MOST_ISSUES], error.where))
    # A document is refused for all that was found in it, the reason first.
    found = getattr(error, "findings", ())[:MOST_ISSUES]
    if found:
        issues = [_issue(each, error.issue) for each in found]
        return {"resourceType": "OperationOutcome", "issue": issues}
    one: dict[str, Any] = {"severity": "error", "code": error.issue, "diagnostics": str(error)}
    if error.code:
        one["details"] = {"coding": [{"system": CODES, "code": error.code}]}
    if error.kind is not None:
        kind = {"coding": [{"system": TERMINOLOGY, "code": error.kind}]} if error.kind else {}
        one["details"] = kind | {"text": str(error)}
    if error.path:
        one["expression"] = [error.path]
    return {"resourceType": "OperationOutcome", "issue": [one]}


def _issue(found: Any, code: str) -> dict[str, Any]:
    """One finding of a document: its weight, its national code, its place."""
    one = {
        "severity": str(found.severity),
        "code": code,
        "details": {"coding": [{"system": CODES, "code": found.code}]},
        "diagnostics": found.sentence,
        "expression": [found.path],
    }
    return one | ({"location": [f"line {found.line}"]} if found.line else {})


def placed(issues: Sequence[Issue], where: str) -> list[Issue]:
    """The same issues, with the place of their resource (Bundle.entry[3].resource) in each path."""
    if not where:
        return list(issues)
    return [
        replace(each, path=where + each.path[each.path.index(".") :] if "." in each.path else where)
        for each in issues
    ]


class TimeOut(errors.Transient):
    """The request took longer than this server allows: narrow it."""

    issue = "timeout"


def known(error: Exception) -> errors.CarnetError | None:
    """The refusal an exception stands for; None when it was not foreseen."""
    if isinstance(error, errors.CarnetError):
        return error
    if isinstance(error, psycopg.errors.QueryCanceled):
        return TimeOut()
    if isinstance(error, psycopg.errors.ProgramLimitExceeded):
        return errors.TooLarge("A text of the resource is too long to be searched by.")
    if isinstance(error, PoolTimeout | psycopg.OperationalError | psycopg.InterfaceError):
        return errors.Transient()
    if isinstance(error, ClientDisconnect):
        return errors.Invalid("The request ended before its body did.")
    if isinstance(error, psycopg.DataError):
        return errors.Invalid("A value is out of the range this server can store.")
    return None


def told(error: Exception) -> tuple[int, dict[str, Any]] | None:
    """Status and OperationOutcome of what was foreseen; None for what was not."""
    refusal = known(error)
    return None if refusal is None else (refusal.status, outcome(refusal))


def unforeseen(reference: str, error: Exception) -> dict[str, Any]:
    """The outcome of a fault of ours: a reference to the log, which says where and not what.

    An exception's own message may hold what was stored or sent, so it is left out of the log too.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    log.error("unforeseen", request=reference, error=type(error).__name__, places=places)
    issue = {
        "severity": "fatal",
        "code": "exception",
        "diagnostics": f"An unforeseen error; its reference is {reference}.",
    }
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def warned(sentences: Iterable[str], *, code: str = "business-rule") -> dict[str, Any]:
    """The outcome of what was done, with what there is to say of it."""
    severity = "information" if code == "informational" else "warning"
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": text} for text in sentences],
    }


async def refuse(request: Request, error: Exception) -> Response:
    """The answer to any exception."""
    if isinstance(error, HTTPException):
        return _plain(error)
    refusal = known(error)
    if refusal is None:
        return fhir(unforeseen(request.scope.get("carnet.request", ""), error), 500)
    headers = {}
    if isinstance(refusal, errors.Unauthenticated):
        headers["WWW-Authenticate"] = challenge(refusal)
    if isinstance(refusal, InsufficientScope):
        headers["WWW-Authenticate"] = 'Bearer realm="carnet", error="insufficient_scope"'
    if isinstance(refusal, errors.Transient | errors.TooMany):
        headers["Retry-After"] = str(getattr(refusal, "wait", 1))
    if refusal.status == 405:
        headers["Allow"] = "GET, HEAD"  # RFC 9110: what remains
    return fhir(outcome(refusal), refusal.status, **headers)


def challenge(refusal: errors.Unauthenticated) -> str:
    """What a 401 asks for; RFC 6750 has no error where no token was given."""
    if isinstance(refusal, NoToken):
        return 'Bearer realm="carnet"'
    if isinstance(refusal, StepUp):
        error = 'error="insufficient_user_authentication"'
        return f'Bearer realm="carnet", {error}, max_age="{stepup.longest()}"'
    return 'Bearer realm="carnet", error="invalid_token"'


def _plain(error: HTTPException) -> Response:
    code = {404: "not-found", 405: "not-supported"}.get(error.status_code, "processing")
    text = {
        404: "There is nothing at this address.",
        405: "This address does not take this method.",
    }.get(error.status_code, "The request cannot be served.")
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return fhir(
        {"resourceType": "OperationOutcome", "issue": [issue]},
        error.status_code,
        **dict(error.headers or {}),
    )
