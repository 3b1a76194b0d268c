# SPDX-License-Identifier: EUPL-1.2
"""Refusals as OperationOutcome: a code, a rule, never a value or a stack trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.fhir import json
from carnet.fhir.validation.structure import Issue

FHIR_JSON = "application/fhir+json; charset=utf-8"
MOST_ISSUES = 50  # of one answer
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
        issues = []
        for issue in error.issues[:MOST_ISSUES]:
            path = issue.path
            if error.where:
                path = error.where + path[path.index(".") :] if "." in path else error.where
            issues.append(
                {
                    "severity": "error",
                    "code": issue.code,
                    "diagnostics": issue.text,
                    "expression": [path],
                }
            )
        return {"resourceType": "OperationOutcome", "issue": issues}
    one: dict[str, Any] = {"severity": "error", "code": error.issue, "diagnostics": str(error)}
    if error.code:
        one["details"] = {
            "coding": [{"system": "urn:carnet:ci-sis:erreur-integration", "code": error.code}]
        }
    if error.path:
        one["expression"] = [error.path]
    return {"resourceType": "OperationOutcome", "issue": [one]}


class TimeOut(errors.Transient):
    """The request took longer than this server allows: narrow it."""

    issue = "timeout"


def known(error: Exception) -> errors.CarnetError | None:
    """The refusal an exception stands for; None when it was not foreseen."""
    if isinstance(error, errors.CarnetError):
        return error
    if isinstance(error, psycopg.errors.QueryCanceled):
        return TimeOut()
    if isinstance(error, PoolTimeout | psycopg.OperationalError | psycopg.InterfaceError):
        return errors.Transient()
    if isinstance(error, psycopg.DataError):
        return errors.Invalid("A value is out of the range this server can store.")
    return None


async def refuse(request: Request, error: Exception) -> Response:
    """The answer to any exception."""
    if isinstance(error, HTTPException):
        return _plain(error)
    refusal = known(error)
    reference = request.scope.get("carnet.request", "")
    if refusal is None:
        log.error("unforeseen", request=reference, error=type(error).__name__, exc_info=error)
        issue = {
            "severity": "fatal",
            "code": "exception",
            "diagnostics": f"An unforeseen error; its reference is {reference}.",
        }
        return fhir({"resourceType": "OperationOutcome", "issue": [issue]}, 500)
    headers = {}
    if isinstance(refusal, errors.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="carnet"'
    if isinstance(refusal, errors.Transient | errors.TooMany):
        headers["Retry-After"] = "1"
    return fhir(outcome(refusal), refusal.status, **headers)


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
