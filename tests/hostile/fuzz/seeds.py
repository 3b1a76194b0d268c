# SPDX-License-Identifier: EUPL-1.2
"""Where each fuzzer starts: good inputs, and the hostile ones of the corpus; words it may put in."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from carnet.fhir import json as fhir_json
from carnet.population import report
from tests.fhir import samples
from tests.hostile.corpus import images, json, markup, pdf, texts, xml
from tests.hostile.corpus.bait import NOWHERE
from tests.people import PATIENT, POPULATION

LARGEST: Final = 200_000  # bytes of a seed

SAMPLES: Final = Path(__file__).resolve().parents[2] / "documents" / "samples"

WORDS: Final[dict[str, list[str]]] = {
    "xml": "< > </ /> <? ?> <!-- --> <![CDATA[ ]]> <!DOCTYPE &lt; &#0; &#x10ffff; = \" ' xmlns: "
    "xsi:type encoding= UTF-16 root extension nullFlavor section text component".split(),
    "json": '{ } [ ] : , " \\u0000 \\ud800 null true NaN 1e400 -0 resourceType contained reference '
    "urn:uuid: # _ extension valueQuantity".split(),
    "search": "& = : | , $ \\ %00 %ff _sort _include _count _cursor _id :exact :not :missing eq ne "
    "gt2020 -date subject:Patient identifier= code= https://x/ #a Patient/a".split(),
    "path": ". ( ) [ ] | & = != ~ and or xor implies is as where exists ofType resolve $this %a "
    "'x' `x` @2020 1.5 {} - + * / extension( Patient.name".split(),
    "date": "20 2026 -01 -31 T00:00 :60 .000 Z +14:00 -24 24 0000 9999 02 29".split(),
    "unit": "m g mol /L 10* ^ ( ) [ ] { } . - + 1 2 % [iU] Cel k da mm[Hg] /".split(),
    "other": "| urn:oid: . : = - _ 1 A 0 .. / + \u00e9 \u202e \ufdfa \u0130 \ud7ff".split(),
}
FAMILY: Final = {
    "xml": "xml",
    "cda": "xml",
    "narrative": "xml",
    "json": "json",
    "resource": "json",
    "bundle": "json",
    "search": "search",
    "path": "path",
    "fhir-date": "date",
    "hl7-date": "date",
    "unit": "unit",
}


def words(reader: str) -> list[bytes]:
    """What a mutation may put in."""
    return [word.encode("utf-8", "replace") for word in WORDS[FAMILY.get(reader, "other")]]


def seeds(reader: str) -> list[bytes]:
    """Inputs to start from, shortest first."""
    found = [each for each in _SEEDS.get(reader, _texts)() if len(each) <= LARGEST]
    return sorted(found, key=lambda each: (len(each), each))


def _documents() -> list[bytes]:
    moment = datetime(2026, 11, 21, 9, tzinfo=UTC)
    made = report(POPULATION, PATIENT, moment, panels=("glycaemia",)).xml
    return [path.read_bytes() for path in sorted(SAMPLES.glob("*.xml"))] + [made]


def _xml() -> list[bytes]:
    return [*xml.documents(NOWHERE).values(), *_documents()]


def _cda() -> list[bytes]:
    inside = [
        xml.root(f"<component><structuredBody><component><section><text>{value}</text></section>"
                 "</component></structuredBody></component>")
        for value in markup.narratives(NOWHERE).values()
    ]  # fmt: skip
    return [*_documents() * 20, *inside]


def _json() -> list[bytes]:
    return [*json.bodies().values(), *_resources()]


def _resources() -> list[bytes]:
    held = [samples.PATIENT, samples.OBSERVATION, json.OBSERVATION]
    return [fhir_json.dump(each) for each in held] * 20 + [
        json.text(each) for each in json.resources().values()
    ]


def _bundles() -> list[bytes]:
    return [json.text(each) for each in json.bundles().values()]


def _divs() -> list[bytes]:
    return [each.encode() for each in markup.divs(NOWHERE).values()] + [
        samples.PATIENT["text"]["div"].encode()
    ]


def _searches() -> list[bytes]:
    return [
        b"Observation code=http://loinc.org|2339-0&date=ge2026&_sort=-date&_count=20",
        b"Patient name=garnier&birthdate=1958&identifier=urn:oid:1.2|184&_total=accurate",
        b"DocumentReference patient=Patient/a&_include=DocumentReference:author&type=a,b",
        b"Observation subject:Patient.name=a&value-quantity=gt5|http://unitsofmeasure.org|mg",
        b"Patient _id=a,b&_lastUpdated=gt2020-01-01T00:00:00Z&_summary=count&_cursor=abc",
        *(value.encode() for value in markup.texts(NOWHERE).values()),
    ]


def _paths() -> list[bytes]:
    return [
        b"Patient.name.given",
        b"Observation.value.ofType(Quantity)",
        b"Bundle.entry[0].resource.as(Composition)",
        b"Patient.extension('http://x').value | Patient.name.where(use = 'official').exists()",
        b"subject.where(resolve() is Patient) and (status != 'final' or code.empty())",
        b"(" * 300 + b"a" + b")" * 300,
        b"a" + b".a" * 3000,
        b"-" * 3000 + b"1",
        b"a or " * 2000 + b"b",
        b"a" + b".a" * 290,
        b"a" + b" or a" * 290,
        b"a" + b" | a" * 290,
        b"a" + b"[0]" * 190,
        b"a" + b".where(a)" * 120,
        b"1" * 4500,
        b"`" + b"x" * 1000,
        b"'\\u12'",
    ]


def _dates() -> list[bytes]:
    return [
        b"2026", b"2026-02-29", b"2024-02-29T23:59:60.999999999Z", b"0001-01-01T00:00:00+14:00",
        b"9999-12-31T23:59:59.9-14:00", b"ge2026-01", b"20260229", b"20250312160000+0100",
        b"20250312160000.1234-1359", b"0000", b"99991231235960",
    ]  # fmt: skip


def _units() -> list[bytes]:
    return [b"mg/dL", b"10*3/uL", b"mm[Hg]", b"mol{a}.kg-1/(m2.s)", b"Cel", b"%", b"[iU]/L",
            b"(" * 500 + b"m" + b")" * 500, b"m/" * 3000 + b"s", b"10^" + b"9" * 500, b"m" + b"9" * 30,
            b"kg" + b"-99999999"]  # fmt: skip


def _texts() -> list[bytes]:
    return [
        b"184017512345612", b"urn:oid:1.2.250.1.213.1.4.8|184017512345612", b"http://loinc.org|2339-0",
        base64.b64encode(b"a" * 50), b"a.b.c", b"eyJhbGciOiJub25lIn0.e30.",
        b"eyJhbGciOiJFZDI1NTE5In0." + base64.urlsafe_b64encode(b"{}").rstrip(b"=") + b".AAAA",
        *(value.encode() for value in markup.texts(NOWHERE).values()),
    ]  # fmt: skip


def _pdfs() -> list[bytes]:
    return list(pdf.documents(NOWHERE).values())


def _images() -> list[bytes]:
    return [content for _, content in images.documents(NOWHERE).values()]


def _rtfs() -> list[bytes]:
    return list(texts.rtf(NOWHERE).values())


def _plain() -> list[bytes]:
    return list(texts.plain(NOWHERE).values())


_SEEDS: Final = {
    "pdf": _pdfs,
    "image": _images,
    "rtf": _rtfs,
    "text": _plain,
    "xml": _xml,
    "cda": _cda,
    "json": _json,
    "resource": _resources,
    "bundle": _bundles,
    "narrative": _divs,
    "search": _searches,
    "path": _paths,
    "fhir-date": _dates,
    "hl7-date": _dates,
    "unit": _units,
}
