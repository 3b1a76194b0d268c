# SPDX-License-Identifier: EUPL-1.2
"""What people read on screen is in French and in English, whole, and compiled as it stands."""

import gettext
from pathlib import Path

import polib

from tests.architecture.tracked import tracked


def test_every_sentence_is_translated(root: Path) -> None:
    """No entry is empty, doubtful, or loses a value the sentence carries."""
    missing = [
        f"{path.relative_to(root)}: {entry.msgid[:60]}"
        for path in tracked(root, "*.po")
        for entry in polib.pofile(str(path))
        if not entry.obsolete and (not entry.translated() or entry.fuzzy)
    ]
    assert missing == []


def test_compiled_translations_are_those_of_the_sources(root: Path) -> None:
    """The .mo files are committed, tools/translations remakes them."""
    for path in tracked(root, "*.po"):
        with path.with_suffix(".mo").open("rb") as compiled:
            known = gettext.GNUTranslations(compiled)
        stale = [
            entry.msgid
            for entry in polib.pofile(str(path))
            if entry.msgstr
            and not entry.obsolete
            and (
                known.pgettext(entry.msgctxt, entry.msgid)
                if entry.msgctxt
                else known.gettext(entry.msgid)
            )
            != entry.msgstr
        ]
        assert stale == [], path
