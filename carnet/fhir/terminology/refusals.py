# SPDX-License-Identifier: EUPL-1.2
"""What can go wrong with terminology. What is missing is always answered as not found, 404."""

from carnet import errors


class UnknownValueSet(errors.NotFound):
    """This value set is not known here."""

    kind = "not-found"

    def __init__(self, url: str, *, imported: bool = False) -> None:
        super().__init__(f"The value set {shown(url)} is not known here.")
        self.url = url
        self.imported = imported  # another names it


class UnknownSystem(errors.NotFound):
    """This code system is not known here."""

    kind = "not-found"

    def __init__(self, url: str) -> None:
        super().__init__(f"The code system {shown(url)} is not known here.")


class UnknownCode(errors.NotFound):
    """This code is not in the code system."""

    kind = "invalid-code"

    def __init__(self, code: str, url: str) -> None:
        super().__init__(f"The code {shown(code)} is not in the code system {shown(url)}.")


class UnknownSupplement(errors.NotFound):
    """A supplement the value set asks for is not known here."""

    kind = ""

    def __init__(self, url: str) -> None:
        super().__init__(f"The supplement {shown(url)} is not known here.")


class WrongVersion(errors.BusinessRule):
    """The value set takes another version of a code system than the one that must be."""

    def __init__(self, url: str, version: str, wanted: str) -> None:
        super().__init__(
            f"The value set takes {shown(url)} by version {shown(version) or 'none'}, and"
            f" check-system-version says {shown(wanted)}."
        )


class NotListed(errors.TooCostly):
    """This code system has no list of its codes: only whether a code is one of them can be told."""

    kind = "too-costly"

    def __init__(self, url: str) -> None:
        super().__init__(
            f"The code system {shown(url)} has no list of its codes here: whether a code is one of"
            " them can be asked, not which they are."
        )


class TooManyCodes(errors.TooCostly):
    """The value set has too many codes to be given at once: ask by pages, with count and offset."""

    kind = ""


class Circular(errors.BusinessRule):
    """Cyclic reference: the value set includes itself, by way of others, or is nested too deep."""

    kind = ""

    issue = "processing"


class WrongFilter(errors.Invalid):
    """A filter of the value set cannot be understood."""

    kind = "vs-invalid"


class Taken(errors.Conflict):
    """Another resource, with other content, has this address and this version already."""

    held: frozenset[tuple[str, str]] = frozenset()  # addresses and versions


def shown(text: str) -> str:
    """An address or code, of the caller, short and on one line."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= 200 else line[:200] + "…"
