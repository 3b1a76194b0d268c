# SPDX-License-Identifier: EUPL-1.2
"""The catalogue of errors is whole and current."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from authlib.oauth2 import OAuth2Error

from carnet import errors
from carnet.oauth import catalogue, routes
from tools import errors as tool

# Said where no Authlib error is raised: by the API's 401 and 403, by the pages that ask the person.
BESIDE = {"invalid_token", "insufficient_scope", "access_denied"}
# Authlib's own, raised by its endpoints.
AUTHLIBS = {"unsupported_grant_type", "unsupported_response_type", "unsupported_token_type"}


def test_the_page_of_errors_is_current(root: Path) -> None:
    """When it is not: .venv/bin/python -m tools.errors."""
    made = subprocess.run(
        [sys.executable, "-c", "import json, tools.errors as t; print(json.dumps(t.page()))"],
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert (root / "docs/reference/errors.md").read_text("utf-8") == json.loads(made)


def test_every_family_of_refusals_has_its_meaning_and_its_remedy() -> None:
    own = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.CarnetError)
    ]
    assert sorted(each.__name__ for each in own) == sorted(e.code for e in catalogue.families())
    for entry in (*catalogue.families(), *catalogue.protocol()):
        assert 400 <= entry.status < 600, entry.code
        assert all(len(text) > 10 and text.endswith(".") for text in entry.means + entry.remedy)
        assert entry.means[0] != entry.means[1] and entry.remedy[0] != entry.remedy[1]


def test_every_refusal_has_a_status_a_code_and_a_sentence() -> None:
    for each in tool.everyone():
        assert 400 <= each.status < 600 and each.issue in ISSUES, each
        assert (each.__doc__ or "").strip(), each


def test_every_error_of_the_authorization_server_is_in_the_catalogue() -> None:
    told = {each.code for each in catalogue.protocol()}
    assert raised() | BESIDE | AUTHLIBS == told
    assert "invented" not in raised() and "invalid_grant" in raised()


def raised() -> set[str]:
    """OAuth errors that modules of carnet/oauth name: by class, or written in an answer."""
    found: set[str] = set()
    classes = {each.__name__: each for each in below(OAuth2Error)}
    for path in Path(routes.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                kind = classes.get(node.func.id)
                found |= {kind.error} if kind is not None and kind.error else set()
            if isinstance(node, ast.Dict):
                found |= {
                    str(value.value)
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant)
                    and key.value == "error"
                    and isinstance(value, ast.Constant)
                }
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "error":
                found |= {node.value.value} if _text(node.value) else set()  # type: ignore[attr-defined]
    return found


def _text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def below(kind: type[OAuth2Error]) -> set[type[OAuth2Error]]:
    """It and what derives of it."""
    return {kind}.union(*(below(each) for each in kind.__subclasses__()))


# FHIR R4, IssueType.
ISSUES = frozenset(
    "invalid structure required value invariant security login unknown expired forbidden suppressed"
    " processing not-supported duplicate multiple-matches not-found deleted too-long code-invalid"
    " extension too-costly business-rule conflict transient lock-error no-store exception timeout"
    " incomplete throttled informational".split()
)
