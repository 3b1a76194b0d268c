# SPDX-License-Identifier: EUPL-1.2
"""Every setting is documented, and read in one place."""

import re
from dataclasses import fields
from pathlib import Path

from carnet.config import Settings
from tests.architecture.tracked import tracked
from tools.settings import page


def test_the_page_of_settings_is_that_of_the_code(root: Path) -> None:
    """When it is not: .venv/bin/python -m tools.settings."""
    assert (root / "docs/reference/settings.md").read_text("utf-8") == page()


def test_each_setting_says_what_it_is_in_a_sentence() -> None:
    """And its unit, when it is a number that has one."""
    for setting in fields(Settings):
        assert re.fullmatch(r"[A-Z].+\.", setting.metadata["help"]), setting.name
        assert "unit" in setting.metadata, setting.name
    unitless = {
        setting.name
        for setting in fields(Settings)
        if type(setting.default) in (int, float) and not setting.metadata["unit"]
    }
    assert unitless <= {"port", "mail_port", "mss_port", "dicom_port", "hl7_port"}


def test_the_environment_is_read_by_the_settings_alone(root: Path) -> None:
    """`os.environ` elsewhere would be a setting nobody can find."""
    allowed = {"carnet/config.py"}
    readers = {
        str(path.relative_to(root))
        for path in tracked(root, "carnet/*.py")
        if re.search(
            r"\bos\.(environ|getenv)\b|from os import .*\b(environ|getenv)\b",
            path.read_text("utf-8"),
        )
    }
    assert readers - allowed == set()
