# SPDX-License-Identifier: EUPL-1.2
"""The story: Suzanne Delaunay, 85, from a letter to her return."""

from __future__ import annotations

from typing import Final

from carnet.cli.story.steps import Chapter

STORY: Final[tuple[Chapter, ...]] = ()
