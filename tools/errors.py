# SPDX-License-Identifier: EUPL-1.2
"""Writes docs/reference/errors.md from the code: `.venv/bin/python -m tools.errors`."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import carnet
from carnet import errors
from carnet.oauth import catalogue
from carnet.oauth.catalogue import Entry

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/errors.md"
ELSEWHERE = frozenset(
    ("carnet.__main__", "carnet.portal")
)  # the portal refuses in words of its pages

HEAD = """\
# Errors

Every refusal of the API is an OperationOutcome: its `code` is a FHIR IssueType, its `diagnostics` one of
the sentences below, which never holds a value of somebody's record. Every refusal of the authorization
server is an OAuth error. Both say here what they mean and what to do; the page `/developpeurs/erreurs/`
of an installation has the families in French and English. This page is written by `tools/errors.py` from
the code; a test compares them.

## Of the authorization server

| `error` | HTTP | what it means | what to do |
| --- | --- | --- | --- |
"""
FAMILY = """
## {code}

HTTP {status}, `{issue}`. {means} {remedy}

| refusal | HTTP | `code` | sentence |
| --- | --- | --- | --- |
"""


def everyone() -> list[type[errors.CarnetError]]:
    """Every refusal of the program, by family and name."""
    _load(carnet.__path__, "carnet.")
    found = {
        each
        for each in _below(errors.CarnetError)
        if each.__module__.startswith("carnet.") and each.__module__ != errors.__name__
    }
    return sorted(found, key=_entry)


def _load(path: Iterable[str], prefix: str) -> None:
    for each in pkgutil.iter_modules(path, prefix):
        if each.name not in ELSEWHERE:
            module = importlib.import_module(each.name)
            if each.ispkg:
                _load(module.__path__, each.name + ".")


def _below(kind: type[errors.CarnetError]) -> Iterator[type[errors.CarnetError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _entry(kind: type[errors.CarnetError]) -> str:
    return f"{kind.__module__.removeprefix('carnet.')}.{kind.__qualname__}"


def _row(kind: type[errors.CarnetError]) -> str:
    sentence = " ".join((kind.__doc__ or "").split()).replace("|", "\\|")
    code = f"`{kind.issue}`" + (f", `{kind.code}`" if kind.code else "")
    return f"| `{_entry(kind)}` | {kind.status} | {code} | {sentence} |\n"


def _family(entry: Entry, kinds: list[type[errors.CarnetError]]) -> str:
    head = FAMILY.format(
        code=entry.code, status=entry.status, issue=entry.issue,
        means=entry.means[1], remedy=entry.remedy[1],
    )  # fmt: skip
    return head + "".join(_row(each) for each in kinds if catalogue.family(each) == entry.code)


def page() -> str:
    """The whole page."""
    oauth = "".join(
        f"| `{each.code}` | {each.status} | {each.means[1]} | {each.remedy[1]} |\n"
        for each in catalogue.protocol()
    )
    kinds = everyone()
    return HEAD + oauth + "".join(_family(each, kinds) for each in catalogue.families())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
