# SPDX-License-Identifier: EUPL-1.2
"""Train a numbered zstd dictionary for the bodies of the store.

    python -m tools.train_dictionary NUMBER HL7_EXAMPLES

HL7_EXAMPLES: the folder of HL7's R4 examples (npm package hl7.fhir.r4.examples, CC0). The invented
population gives the French documents and results. A dictionary that served is never changed: train
the next number.
"""

import itertools
import random
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from carnet.documents import metadata
from carnet.documents.cda import read
from carnet.errors import CarnetError
from carnet.fhir import json
from carnet.population import documents, make

SIZE = 64 * 1024  # bytes
FOLDER = Path(__file__).parents[1] / "carnet" / "fhir" / "store" / "dictionaries"
MOST = 6000  # samples


def samples(examples: Path) -> list[bytes]:
    """Resources as they rest: compact JSON, ids and meta in front, no narrative."""
    chance = random.Random(1)
    found: list[bytes] = []
    for path in sorted(examples.glob("*.json")):
        try:
            resource = json.parse(path.read_bytes())
        except CarnetError:
            continue
        size = path.stat().st_size
        if "resourceType" in resource and size < 60_000 and not path.name.startswith("."):
            resource.pop("text", None)
            found.append(_stamped(resource, chance))
    population = make(1, 40)
    for person in population.people:
        for generated in itertools.islice(documents(population, person), 12):
            made = metadata.resources(
                read(generated.xml),
                patient="Patient/" + _id(chance),
                received=datetime(2026, 1, 1, tzinfo=UTC),
                new_uuid=lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            )
            found += [_stamped(each.resource, chance) for each in made]
    chance.shuffle(found)
    return found[:MOST]


def _id(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz234567", k=26))


def _stamped(resource: dict[str, object], chance: random.Random) -> bytes:
    meta = {"versionId": "1", "lastUpdated": "2026-11-22T07:00:00.000Z"}
    rest = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    return json.dump(
        {"resourceType": rest.pop("resourceType"), "id": _id(chance), "meta": meta, **rest}
    )


def main() -> None:
    """Train, write, say what it gains."""
    number, examples = int(sys.argv[1]), Path(sys.argv[2])
    path = FOLDER / f"{number}.zdict"
    if path.exists():
        raise SystemExit(f"{path.name} exists: a dictionary that served is never changed")
    given = samples(examples)
    half: list[bytes | bytearray | memoryview[int]] = list(given[::2])
    dictionary = zstandard.train_dictionary(SIZE, half, level=3)
    FOLDER.mkdir(exist_ok=True)
    path.write_bytes(dictionary.as_bytes())
    with_it = zstandard.ZstdCompressor(level=3, dict_data=dictionary)
    without = zstandard.ZstdCompressor(level=3)
    rest = given[1::2]
    plain = sum(map(len, rest))
    print(len(rest), "resources", plain // len(rest), "bytes each")
    print("without", sum(len(without.compress(each)) for each in rest) // len(rest))
    print("with", sum(len(with_it.compress(each)) for each in rest) // len(rest))


if __name__ == "__main__":
    main()
