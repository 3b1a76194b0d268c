# SPDX-License-Identifier: EUPL-1.2
"""What the documents promise: two commands, links that lead somewhere, words that are explained."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture.tracked import tracked

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
SHOWN = re.compile(r"`([a-z_/]+\.py)::(\w+)`")  # a test that shows what a line says
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("name", "heading"), [("README.md", "Start"), ("README.fr.md", "Démarrer")]
)
def test_a_newcomer_is_asked_for_two_commands(root: Path, name: str, heading: str) -> None:
    """Clone, run; in both languages, the same."""
    page = (root / name).read_text("utf-8")
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    commands = "".join(fence for fence in FENCE.findall(section)).replace("```sh", "```")
    lines = [line for line in commands.splitlines() if line and not line.startswith("```")]
    assert len(lines) == 2
    assert lines[0].startswith("git clone ")
    assert lines[1] == "./run demo"


def test_every_check_of_the_sharing_guide_names_a_test_that_is_there(root: Path) -> None:
    """docs/reference/pdsm.md: each line of its tables ends with the test that shows it."""
    page = (root / "docs/reference/pdsm.md").read_text("utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    heads = ("| check |", "| client |")
    assert [each for each in lines if not each.startswith(heads) and not SHOWN.search(each)] == []
    for name, test in set(SHOWN.findall(page)):
        assert f"def {test}(" in (root / "tests" / name).read_text("utf-8"), (name, test)


def test_every_link_between_documents_leads_somewhere(root: Path) -> None:
    """Relative links name a file that is there."""
    dead = [
        f"{page.relative_to(root)}: {target}"
        for page in tracked(root, "*.md")
        for target in LINK.findall(FENCE.sub("", page.read_text("utf-8")))
        if not re.match(r"[a-z]+:|#", target)
        and not (page.parent / unquote(target.split("#")[0])).exists()
    ]
    assert dead == []


def test_every_decision_says_what_it_costs(root: Path) -> None:
    """Context, options, choice, what it costs; numbered without a hole, and listed."""
    pages = sorted((root / "docs/decisions").glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    listed = (root / "docs/decisions/README.md").read_text("utf-8")
    for page in pages:
        titles = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
        assert titles[:4] == ["Context", "Options", "Choice", "What it costs"], page.name
        assert f"({page.name})" in listed


def test_every_word_of_the_glossary_names_its_source(root: Path) -> None:
    """A term, its meaning, the official text or body it comes from, one row each."""
    page = (root / "GLOSSARY.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|\n ").split(" | ")]
        for line in page.splitlines()
        if line.startswith("| **")
    ]
    assert len(rows) > 50
    assert [row[0] for row in rows if len(row) != 3 or not all(row)] == []
