# SPDX-License-Identifier: EUPL-1.2
"""What can be wrong with an expression, or with what it is run on: a sentence, and a place."""

from carnet import errors


class WrongPath(errors.Invalid):
    """The FHIRPath expression is not well formed."""


class NotCompiled(errors.NotSupported):
    """The FHIRPath expression uses a function or an operator that is not supported here."""


class NotSingle(errors.Invalid):
    """The FHIRPath expression gives several items where one is needed."""


class WrongType(errors.Invalid):
    """The FHIRPath expression applies an operation to a type that has none such."""


class TooMuchWork(errors.TooCostly):
    """The FHIRPath expression makes more items than are worked on here."""


def placed(error: type[errors.CarnetError], at: int, what: str) -> errors.CarnetError:
    """The error, with the character of the expression it stands at, counted from one."""
    return error(f"FHIRPath, character {at + 1}: {what}")
