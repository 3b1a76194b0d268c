# SPDX-License-Identifier: EUPL-1.2
"""Every file says its licence and its subject, and nothing of the machine it was written on."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.tracked import text, tracked

LICENCE = "SPDX-License-Identifier: EUPL-1.2"

# Written in pieces, or this file would find itself.
OF_ONE_MACHINE = re.compile(
    r"https?://[^\s\"'<>)]+/sim" + r"ple(?:[/\s\"']|$)"  # a package index
    r"|https?://[^\s/\"'<>)]*:[^\s/\"'<>)@]*@"  # an address with a password in it
    r"|(?<![\w./{}$~-])/(?:work|root|home|Users)/(?!\W)"  # somebody's folders
)


def test_every_python_file_says_its_licence_then_its_subject(root: Path) -> None:
    """First line: SPDX. Then a docstring whose first line is a sentence."""
    files = tracked(root, "*.py")
    assert files
    wrong = [
        str(path.relative_to(root)) for path in files if not says_both(path.read_text("utf-8"))
    ]
    assert wrong == []


def says_both(source: str) -> bool:
    """Licence on the first line (the second after a shebang), and a one-line subject."""
    lines = source.splitlines()
    if lines and lines[0].startswith("#!"):
        del lines[0]
    if not lines or lines[0] != f"# {LICENCE}":
        return False
    subject = (ast.get_docstring(ast.parse(source)) or "").split("\n", 1)[0]
    return len(subject) > 3 and lines[1].startswith('"""')


def test_every_script_and_table_says_its_licence(root: Path) -> None:
    """Shell, SQL, styles and settings, in one of the first three lines."""
    files = tracked(root, "run", ".ci/run", "tools/*", "*.sh", "*.sql", "*.css", "*.toml")
    wrong = [
        str(path.relative_to(root))
        for path in files
        if (body := text(path)) is not None and LICENCE not in "\n".join(body.splitlines()[:3])
    ]
    assert wrong == []


def test_no_file_names_a_registry_or_a_folder_of_one_machine(root: Path) -> None:
    """What is committed works for whoever clones it."""
    found = [
        f"{path.relative_to(root)}: {match.group()}"
        for path in tracked(root)
        if (body := text(path)) is not None
        for match in OF_ONE_MACHINE.finditer(body)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "index-url = https://registry.example/sim" + "ple",
        "--index-url https://u:secret" + "@registry.example/pypi/sim" + "ple/",
        "open('/ro" + "ot/notes.txt')",
        "cd /wo" + "rk/main",
        "PATH=/ho" + "me/jeanne/bin",
    ],
)
def test_such_a_line_would_be_seen(line: str) -> None:
    """The net above has no hole of the obvious sizes."""
    assert OF_ONE_MACHINE.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "https://example.org/a-simple-example",
        "https://hl7.fr/ig/fhir/core/home/index.html",
        "an address of work/home",
        "carnet/portal/home/page.html",
    ],
)
def test_ordinary_words_are_not_taken_for_one(line: str) -> None:
    """Nor does it catch what is innocent."""
    assert not OF_ONE_MACHINE.search(line)


def test_no_file_is_larger_than_two_megabytes(root: Path) -> None:
    """A clone stays small: what is large is made, or fetched as a package."""
    large = [
        str(path.relative_to(root))
        for path in tracked(root)
        if path.stat().st_size > 2 * 1024 * 1024
    ]
    assert large == []
