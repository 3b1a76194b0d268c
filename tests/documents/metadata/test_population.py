# SPDX-License-Identifier: EUPL-1.2
"""The invented population: every coded entry of its documents is data, and says what its people have."""

from __future__ import annotations

from collections import Counter

from carnet.documents import cda, metadata
from carnet.documents.cda.understood import Fate
from carnet.population import documents
from tests import people
from tests.documents.metadata.entries.fragments import made_of

TREATED = {"MedicationRequest", "MedicationDispense", "MedicationStatement"}


def test_every_coded_entry_of_the_population_is_data_and_tells_its_stories() -> None:
    kinds: Counter[str] = Counter()
    ill = treated = 0
    for person in (*people.POPULATION.people[:3], people.POPULATION.people[16]):
        here: Counter[str] = Counter()
        for document in documents(people.POPULATION, person):
            read = cda.read(document.xml)
            assert [line.what for line in metadata.told(read) if line.fate is Fate.KEPT] == []
            if read.entries:
                here.update(made.resource["resourceType"] for made in made_of(document.xml))
        if here["Condition"]:
            ill += 1
            treated += bool(TREATED & set(here))
        kinds += here
    for each in ("Condition", "AllergyIntolerance", "Immunization", "Procedure", *TREATED):
        assert kinds[each], each
    assert treated == ill > 2, "who has an illness on their list has treatments"
