# SPDX-License-Identifier: EUPL-1.2
"""What a hostile document tries to reach: a file it must not read, a place it must not call."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOKEN: Final = "canari-7f3a91c2e5"  # what the file holds: seen anywhere, it was read


@dataclass(frozen=True, slots=True)
class Bait:
    """Where they are."""

    file: Path
    url: str  # of the listener, no final slash

    @property
    def uri(self) -> str:
        """The file, as a URL."""
        return self.file.as_uri()


NOWHERE: Final = Bait(Path("/nowhere/canary.txt"), "http://127.0.0.1:9")
