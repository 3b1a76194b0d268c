# SPDX-License-Identifier: EUPL-1.2
"""Every sentence of the pages is in the catalogue, and nothing else is."""

import ast
import re
from pathlib import Path

import polib

from carnet.portal.settings import HERE

CATALOGUE = HERE / "locale/en/LC_MESSAGES/django.po"
TRANSLATE = re.compile(r"""\{%\s*translate\s+(?:"([^"]*)"|'([^']*)')|\b_\(["']([^"']*)["']\)""")
BLOCK = re.compile(
    r"\{%\s*blocktranslate[^%]*%\}(.*?)(?:\{%\s*plural\s*%\}.*?)?\{%\s*endblocktranslate", re.DOTALL
)
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}


def in_template(path: Path) -> set[str]:
    source = path.read_text("utf-8")
    found = {first or second or third for first, second, third in TRANSLATE.findall(source)}
    return found | {re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", text) for text in BLOCK.findall(source)}


def in_module(path: Path) -> set[str]:
    return {
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in CALLS
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_the_catalogue_is_what_the_pages_say() -> None:
    said: set[str] = set()
    for path in HERE.rglob("*.html"):
        said |= in_template(path)
    for path in HERE.rglob("*.py"):
        said |= in_module(path)
    known = {entry.msgid for entry in polib.pofile(str(CATALOGUE)) if not entry.obsolete}
    assert said - known == set()
    assert known - said == set()


def test_no_french_line_starts_with_a_mark() -> None:
    """A space before : ; ! ? never breaks."""
    loose = [
        entry.msgid
        for entry in polib.pofile(str(CATALOGUE))
        if re.search(r" [:;!?»]|« ", entry.msgid)
    ]
    assert loose == []
