# SPDX-License-Identifier: EUPL-1.2
"""carnet load: the agency's examples, and what each file is told."""

from pathlib import Path

import pytest

from carnet.cli.load import Options, Outcome, load_all
from tests.space import Space

pytestmark = pytest.mark.anyio


async def loaded(space: Space, paths: list[Path], **options: object) -> dict[str, Outcome]:
    """What came of each file, by name."""
    who = await space.actor("lab-software")
    found = await load_all(space.built, who, paths, Options(**options))  # type: ignore[arg-type]
    return {each.path.name: each for each in found}


async def test_x(space: Space, shared: Path) -> None:
    found = await loaded(space, [shared / "data/french/cda-examples"], create_patients=True)
    for n, o in found.items():
        print(n, o.refused, o.code, o.counts, o.reserves)
