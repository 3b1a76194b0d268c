# SPDX-License-Identifier: EUPL-1.2
"""A reader driven by coverage (libFuzzer, by atheris), in a process of its own.

    python -m tests.hostile.fuzz.guided READER SECONDS FOLDER [SEED]

FOLDER/corpus grows with what opened a new path; FOLDER/crash-… is what broke it.
"""

from __future__ import annotations

import contextlib
import sys
from hashlib import sha256
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["carnet"]):
    from tests.hostile.fuzz.readers import READERS, REFUSAL
from tests.hostile.fuzz.seeds import seeds, words

LENGTH = 50_000  # bytes of an input
MEMORY = 2048  # megabytes


def main(reader: str, seconds: int, folder: Path, seed: int = 0) -> None:
    """Until the time is over, or something breaks."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for content in seeds(reader):
        if len(content) <= LENGTH:
            (corpus / sha256(content).hexdigest()[:20]).write_bytes(content)
    (folder / "words").write_text("".join(f'"{_written(word)}"\n' for word in words(reader)))
    read = READERS[reader]

    def one(content: bytes) -> None:
        with contextlib.suppress(*REFUSAL):
            read(content)

    options = [
        f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", f"-dict={folder}/words",
        f"-max_len={LENGTH}", f"-rss_limit_mb={MEMORY}", "-timeout=60", "-print_final_stats=1",
        f"-seed={seed}", "-verbosity=0", str(corpus),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


def _written(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), *map(int, sys.argv[4:]))
