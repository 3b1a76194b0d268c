# SPDX-License-Identifier: EUPL-1.2
"""What a refusal says of a file: one sentence, and everything that was found."""

from __future__ import annotations

from pathlib import Path

from carnet import errors
from carnet.app.loading.outcomes import Outcome, Remark, State
from carnet.app.loading.outcomes import found as told_of
from carnet.rest.outcome import NotValid, known


class Unforeseen(errors.CarnetError):
    """An unforeseen error."""


def refusal(path: Path, error: Exception, seconds: float = 0.0) -> Outcome:
    """A whole file refused."""
    remarks = remarks_of(error)
    found = foreseen(error)
    return Outcome(
        path,
        State.REFUSED,
        sentence(error),
        found.code or "",
        remarks=tuple(remarks),
        seconds=seconds,
    )


def foreseen(error: Exception) -> errors.CarnetError:
    """The refusal an exception stands for; an unforeseen one says its kind, never its message."""
    if isinstance(error, OSError):
        reason = error.strerror or "no reason given"
        return errors.Invalid(f"The file cannot be read: {reason}.")
    return known(error) or Unforeseen(f"An unforeseen error: {type(error).__name__}.")


def sentence(error: Exception) -> str:
    """A refusal in one line."""
    found = foreseen(error)
    if isinstance(found, NotValid):
        return "; ".join(f"{issue.path}: {issue.text}" for issue in found.issues[:5])
    if listed := told_of(found):
        return listed[0].sentence
    return f"{found} ({found.path})" if found.path else str(found)


def remarks_of(error: Exception, where: str = "") -> list[Remark]:
    """Everything a refusal found, errors first."""
    found = foreseen(error)

    def at(path: str | None) -> str:
        return "; ".join(filter(None, (where, path)))

    if isinstance(found, NotValid):
        return [
            Remark("error", issue.text, issue.code, at(_place(found, issue.path)))
            for issue in found.issues
        ]
    listed = told_of(found)
    if listed:
        return listed
    return [Remark("error", str(found), found.code or found.issue, at(found.path))]


def _place(error: NotValid, path: str) -> str:
    if not error.where:
        return path
    return error.where + path[path.index(".") :] if "." in path else error.where
