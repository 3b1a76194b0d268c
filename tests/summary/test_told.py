# SPDX-License-Identifier: EUPL-1.2
"""The International Patient Summary in two languages, with what the one page does not show."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from carnet.fhir import json as fhir_json
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.validator import Validator
from carnet.summary.facts import rules
from carnet.summary.pages import Source
from carnet.summary.told import source, when
from carnet.summary.words import LANGUAGES, figures
from tests.fhir.terminology.conftest import put
from tests.space import Space
from tests.summary.facts import (
    ATC,
    ICD,
    IPS,
    NOW,
    SNOMED,
    allergy,
    concept,
    condition,
    prescription,
    result,
    taking,
)
from tests.summary.test_summary import sections, send, summary

pytestmark = pytest.mark.anyio

PROFILES = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
# What a validator without these nomenclatures, and resources written by others, leave as warnings.
LEFT = {"dom-6", "Bundle.entry", "Observation.status", "Condition.category", "Identifier.type"}

AILMENTS: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": "https://maux.test/cs",
    "status": "active",
    "language": "fr",
    "content": "complete",
    "concept": [
        {
            "code": "c1",
            "display": "Rhume",
            "designation": [{"language": "en", "value": "Common cold"}],
        },
        {"code": "c2", "display": "Mal du pays"},
    ],
}


def test_every_word_is_said_in_every_language() -> None:
    for name, held in rules("words").items():
        for key, said in held.items():
            assert set(said) == set(LANGUAGES), (name, key)
            assert all(said.values())
            assert said["fr"].count("%s") == said["en"].count("%s")
    assert all(each.get("en") for each in rules("results")["result"])


@pytest.mark.parametrize(
    ("written", "fr", "en"),
    [
        ("2026-05-27", "27/05/2026", "27 May 2026"),
        ("2026-05", "05/2026", "May 2026"),
        ("2026", "2026", "2026"),
        ("2026-05-27T08:00:00Z", "27/05/2026", "27 May 2026"),
        ("dans l’enfance", "dans l’enfance", "dans l’enfance"),
    ],
)
def test_a_date_is_as_partial_as_it_was_written(written: str, fr: str, en: str) -> None:
    assert (when(written, "fr"), when(written, "en")) == (fr, en)


def test_a_number_keeps_its_digits() -> None:
    assert (figures("72.50", "fr"), figures("72.50", "en")) == ("72,50", "72.50")
    assert figures("n.d.", "fr") == "n.d."


def test_a_source_says_who_what_and_when() -> None:
    told = Source("Condition/a", "d", "Lettre", "Dr A", NOW, said="resolved")
    assert source(told, "fr") == "Dr A, Lettre, 22/11/2026 : guéri"
    assert source(told, "en") == "Dr A, Lettre, 22 Nov 2026 : resolved"
    declared = Source("Condition/a", "", "", "", NOW, by="patient")
    assert source(declared, "en") == "declared by the patient, 22 Nov 2026"


async def test_many_sources_are_counted_but_those_that_disagree_are_all_told(space: Space) -> None:
    for month in range(1, 7):
        day = f"2026-{month:02}-01T08:00:00Z"
        await send(space, prescription(concept(ATC, "C07AB07", "Bisoprolol"), day, "5 mg"))
    told = sections(await summary(space))["10160-0"]
    line = next(each for each in told["text"]["div"].split("</tr>") if "Bisoprolol" in each)
    assert line.count("/2026") == 1 + 3, "since when, and the three newest"
    assert "et 3 autres sources" in line
    await send(
        space,
        prescription(concept(ATC, "C07AB07", "Bisoprolol"), "2026-11-01", "10 mg"),
        "hospital-doctor",
    )
    told = sections(await summary(space))["10160-0"]
    line = next(each for each in told["text"]["div"].split("</tr>") if "Bisoprolol" in each)
    assert "autres sources" not in line
    assert line.count("/2026") >= 7


async def filled(space: Space) -> None:
    """A record with something in each section."""
    await send(space, condition(concept(ICD, "J45", "Asthme")))
    await send(space, condition(concept(ICD, "A15", "Tuberculose"), "resolved"))
    await send(space, allergy(concept(SNOMED, "764146007", "Pénicilline"), criticality="high"))
    await send(space, taking(concept(ATC, "A10BA02", "Metformine"), "2026-11-02", "500 mg"))
    await send(space, prescription(concept(ATC, "C07AB07", "Bisoprolol"), "2026-11-02"))
    kind = concept("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")
    await send(space, result("29463-7", 70, "2026-10-01", "kg", category=[kind]))
    await send(space, result("74013-4", 2, "2026-10-01", "verres/j"))
    await send(space, result("11996-6", 1, "2026-10-01", "1"))
    await send(
        space,
        {
            "resourceType": "Immunization",
            "status": "completed",
            "vaccineCode": concept(ATC, "J07BB02", "Grippe"),
            "occurrenceDateTime": "2026-10-01",
        },
    )
    await send(
        space,
        {
            "resourceType": "DeviceUseStatement",
            "status": "active",
            "timingDateTime": "2024-02-01",
            "contained": [
                {"resourceType": "Device", "id": "d", "type": {"text": "Stimulateur cardiaque"}}
            ],
            "device": {"reference": "#d"},
        },
    )


async def test_every_section_conforms_in_both_languages(space: Space, shared: Path) -> None:
    await filled(space)
    packages = Packages()
    folder = shared / "data" / "french" / "ips" / "conformance"
    packages.add([json.loads(each.read_text("utf-8")) for each in sorted(folder.glob("*.json"))])
    validator = Validator(packages)
    for language in LANGUAGES:
        path = f"Patient/{space.patient_id()}/$summary?_language={language}"
        answer = await space.get(path, as_="patient")
        assert answer.headers["content-language"] == language
        found = validator.validate(fhir_json.parse(answer.body), (f"{PROFILES}Bundle-uv-ips",))
        wrong = [(i.path, i.rule, i.text) for i in found if i.severity in ("error", "fatal")]
        assert not wrong, "\n".join(map(str, wrong))
        warned = Counter(i.rule for i in found if i.severity == "warning" and i.rule)
        assert set(warned) <= LEFT, warned
        held = sections(answer)
        assert set(rules("words")["titles"]) - set(held) == {"42348-3"}, "nobody has any"
        for code, each in held.items():
            assert each["title"] == rules("words")["titles"][code][language]
            assert each["text"]["div"]
            assert each.get("entry") or each.get("emptyReason")
        assert "Stimulateur cardiaque" in held["46264-8"]["text"]["div"]


async def test_english_says_what_stays_in_the_words_of_its_source(space: Space) -> None:
    with psycopg.connect(space.admin_url, autocommit=True) as conn:
        put(conn, AILMENTS)
    await send(space, condition(concept(ICD, "J45", "Asthme")))
    await send(space, condition(concept(AILMENTS["url"], "c1", "Rhume")))
    await send(space, condition(concept(AILMENTS["url"], "c2", "Mal du pays")))
    answer = await space.get(f"Patient/{space.patient_id()}/$summary?_language=en", as_="gp")
    told: dict[str, Any] = sections(answer)
    assert "Asthme *" in told["11450-4"]["text"]["div"], "no English name of this code is known"
    assert "Creatinine" in json.dumps(told, ensure_ascii=False)
    assert "Common cold<" in told["11450-4"]["text"]["div"], "the terminology has this one"
    assert "Mal du pays *" in told["11450-4"]["text"]["div"], "it has this one in French alone"
    french = sections(await summary(space, "gp"))
    assert "Asthme<" in french["11450-4"]["text"]["div"]


async def test_a_language_or_a_form_that_is_not_told_is_refused(space: Space) -> None:
    path = f"Patient/{space.patient_id()}/$summary"
    assert (await space.get(f"{path}?_language=de", as_="patient")).status == 400
    preferred = await space.get(path, as_="patient", **{"accept-language": "de, en;q=0.5"})
    assert preferred.headers["content-language"] == "en"
    own = await space.get(path, as_="patient", **{"accept-language": "de"})
    assert own.headers["content-language"] == "fr"
    assert (await space.get(f"{path}?_format=text/csv", as_="patient")).status == 406


async def test_none_known_is_not_silence(space: Space) -> None:
    await send(space, allergy(concept(IPS, "no-known-allergies", "Aucune allergie connue")))
    told = sections(await summary(space))["48765-2"]
    assert "emptyReason" not in told
    assert "Une source indique qu’il n’y en a pas" in told["text"]["div"]
