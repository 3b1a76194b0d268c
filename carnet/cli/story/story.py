# SPDX-License-Identifier: EUPL-1.2
"""The story: Suzanne Delaunay, 85, and those around her."""

from __future__ import annotations

from typing import Final

from carnet.cli.story import call, letter, stay
from carnet.cli.story.steps import Chapter

STORY: Final[tuple[Chapter, ...]] = (letter.CHAPTER, call.CHAPTER, stay.CHAPTER)
