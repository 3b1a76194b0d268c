# SPDX-License-Identifier: EUPL-1.2
"""The text of a structured document as a Composition."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from carnet.documents import cda
from carnet.documents.metadata import Made, resources
from carnet.fhir.validation import narrative, structure

Json = dict[str, Any]

POINTER = '<renderMultiMedia referencedObject="i"/>'
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def made(source: bytes) -> list[Made]:
    numbers = itertools.count(1)
    return resources(
        cda.read(source),
        patient="Patient/leonie",
        received=datetime(2025, 3, 13, 8, 0, tzinfo=UTC),
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
    )


def composition(source: bytes) -> Json:
    (found,) = [m.resource for m in made(source) if m.resource["resourceType"] == "Composition"]
    assert structure.check(found) == []
    return found


def with_section(laboratory: bytes, section: str) -> Json:
    """The sections of a document that ends with one more."""
    end = b"</structuredBody>"
    more = f"<component>{section}</component>".encode()
    sections: list[Json] = composition(laboratory.replace(end, more + end))["section"]
    return sections[-1]


def every(sections: list[Json]) -> Iterator[Json]:
    for section in sections:
        yield section
        yield from every(section.get("section", []))


def test_it_says_what_the_header_says(laboratory: bytes) -> None:
    found = composition(laboratory)
    document = made(laboratory)[0].resource
    assert found["identifier"] == document["masterIdentifier"]
    assert found["status"] == "final"
    for element in ("type", "category", "subject"):
        assert found[element] == document[element]
    assert found["date"] == "2025-03-12T16:45:00+01:00"
    assert found["title"] == "Compte rendu d'examens biologiques"
    assert found["confidentiality"] == "N"
    assert found["language"] == "fr-FR"
    assert found["custodian"]["display"] == "Laboratoire des Deux Rives"
    (author,) = found["author"]
    assert author["identifier"]["value"] == "899700000013"
    assert "reference" not in author
    legal = found["attester"][0]
    assert (legal["mode"], "time" in legal, "identifier" in legal["party"]) == ("legal", True, True)
    assert found["event"][0]["period"]["start"] == "2025-03-12T08:00:00+01:00"
    assert "encounter" not in found


def test_its_sections_are_those_of_the_document_with_what_came_from_each(laboratory: bytes) -> None:
    everything = made(laboratory)
    kinds = {m.url: m.resource["resourceType"] for m in everything}
    found = composition(laboratory)
    assert [s["title"] for s in found["section"]] == ["BIOCHIMIE & co", "ECBU", "Copie du document"]
    assert [s["code"]["coding"][0]["code"] for s in found["section"]] == [
        "18719-5",
        "18725-2",
        "55108-5",
    ]
    came = [[kinds[e["reference"]] for e in s["entry"]] for s in found["section"]]
    assert set(came[0]) == set(came[1]) == {"Observation"}
    assert came[2] == ["Binary"]
    # Every result is reached from a section, itself or through its panel; each once.
    observations = {m.url: m.resource for m in everything if kinds[m.url] == "Observation"}
    reached: list[str] = []

    def follow(url: str) -> None:
        reached.append(url)
        for member in observations[url].get("hasMember", []):
            follow(member["reference"])

    for section in found["section"][:2]:
        for entry in section["entry"]:
            follow(entry["reference"])
    assert sorted(reached) == sorted(observations)


def test_its_text_is_the_one_of_the_document(laboratory: bytes) -> None:
    found = composition(laboratory)
    texts = [section["text"] for section in found["section"]]
    assert [t["status"] for t in texts] == ["additional", "additional", "generated"]
    assert "Culture : Escherichia coli" in texts[1]["div"]
    assert "Fichier joint" in texts[2]["div"]
    assert all(narrative.check(t["div"]) is None for t in texts)


def test_a_document_of_level_1_has_none(consultation: bytes) -> None:
    """And its report says so."""
    assert all(m.resource["resourceType"] != "Composition" for m in made(consultation))
    (line,) = cda.read(consultation).report
    assert "sans sections ni Composition" in line.sentence


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (b"<componentOf>", b"<componentOf>", "final"),
        (
            b"<componentOf>",
            b'<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.3"/></parentDocument>'
            b"</relatedDocument><componentOf>",
            "amended",
        ),
        (b'statusCode code="completed"', b'statusCode code="active"', "preliminary"),
        (
            b"<title>",
            b'<s:statusCode xmlns:s="urn:hl7-org:sdtc" code="nullified"/><title>',
            "entered-in-error",
        ),
    ],
)
def test_its_status_is_that_of_the_document(
    laboratory: bytes, before: bytes, after: bytes, status: str
) -> None:
    """A report of results still to come is preliminary, in all that is made of it."""
    source = laboratory.replace(before, after, 1)
    if status == "preliminary" and source == laboratory:
        source = laboratory.replace(
            b"</serviceEvent>", b'<l:statusCode xmlns:l="urn:l" code="active"/></serviceEvent>', 1
        )
    found = composition(source)
    assert found["status"] == status
    assert made(source)[0].resource["docStatus"] == status
    if status == "amended":
        (related,) = found["relatesTo"]
        assert related["code"] == "replaces"
        assert related["targetIdentifier"]["value"] == "urn:oid:1.2.3"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("<section><title>Vide</title></section>", "ne porte pas de texte"),
        ("<section/>", "ne porte pas de texte"),
        ("<section nullFlavor='NASK'><text/></section>", "ne porte pas de texte"),
        (
            "<section><entry><observation moodCode='EVN' negationInd='true'>"
            "<code code='1' displayName='Fièvre'/></observation></entry></section>",
            "Nié : Fièvre",
        ),
        (
            "<section><entry><observation moodCode='INT'><code displayName='Poids'/>"
            "<value value='70' unit='kg'/></observation></entry></section>",
            "Prévu : Poids : 70 kg",
        ),
        (
            "<section><text>Voir <renderMultiMedia referencedObject='i'/></text><entry>"
            "<observationMedia ID='i'><value mediaType='image/jpeg' representation='B64'>"
            f"{PNG}</value></observationMedia></entry></section>",
            f'src="data:image/png;base64,{PNG}"',
        ),
        (
            "<section><text>Voir <renderMultiMedia referencedObject='i'/></text><entry>"
            "<observationMedia ID='i'><value mediaType='image/jpeg' representation='B64'>"
            "AAAA</value></observationMedia></entry></section>",
            "Image non montrée",
        ),
        (
            "<section><text><paragraph>mot <!-- non --> <?pi x?>suivant</paragraph></text></section>",
            "mot suivant",
        ),
    ],
)
def test_a_section_always_reads(laboratory: bytes, section: str, expected: str) -> None:
    """Its author's words, or ours that say what there is."""
    found = with_section(laboratory, section)
    assert expected in found["text"]["div"]
    assert narrative.check(found["text"]["div"]) is None


@pytest.mark.parametrize(
    ("null", "reason"),
    [("NASK", "notasked"), ("MSK", "withheld"), ("NI", "unavailable"), ("OTH", None), ("x", None)],
)
def test_an_empty_section_says_why(laboratory: bytes, null: str, reason: str | None) -> None:
    found = with_section(laboratory, f"<section nullFlavor='{null}'/>")
    given = found.get("emptyReason", {}).get("coding", [{}])[0].get("code")
    assert given == reason


def test_sections_keep_their_places_whatever_their_depth(laboratory: bytes) -> None:
    """Parents hold their own; a chapter that only holds others needs no text."""
    found = with_section(
        laboratory,
        "<section><title>1</title>"
        "<component><section><title>1.1</title><text>a</text>"
        "<component><section><title>1.1.1</title><text>b</text></section></component></section>"
        "</component><component><section><title>1.2</title><text>c</text></section></component>"
        "</section>",
    )
    assert "text" not in found
    assert [s["title"] for s in every([found])] == ["1", "1.1", "1.1.1", "1.2"]
    assert [s["title"] for s in found["section"]] == ["1.1", "1.2"]


def test_a_section_of_another_author_about_another_says_so(laboratory: bytes) -> None:
    found = with_section(
        laboratory,
        "<section><text>a</text><author><assignedAuthor><id root='1.2' extension='9'/>"
        "<assignedPerson><name><given>Paul</given><family>DUPOIS</family></name></assignedPerson>"
        "</assignedAuthor></author><subject><relatedSubject><code displayName='Mère'/><subject>"
        "<name><given>Marie</given><family>X</family></name></subject></relatedSubject></subject>"
        "</section>",
    )
    assert found["author"] == [
        {"identifier": {"system": "urn:oid:1.2", "value": "9"}, "display": "Paul DUPOIS"}
    ]
    assert found["focus"] == {"display": "Mère Marie X"}


def test_an_image_pointed_at_many_times_is_shown_once(laboratory: bytes) -> None:
    """Else a small document would make a page of gigabytes."""
    found = with_section(
        laboratory,
        f"<section><text>{POINTER * 50}</text><entry>"
        "<observationMedia ID='i'><value mediaType='image/png' representation='B64'>"
        f"{PNG}</value></observationMedia></entry></section>",
    )
    assert found["text"]["div"].count("<img") == 1
    assert found["text"]["div"].count("montrée plus haut") == 49


def test_an_image_nothing_points_at_is_a_file_of_its_own(laboratory: bytes) -> None:
    found = with_section(
        laboratory,
        "<section><text>a</text><entry><observationMedia ID='i'><value mediaType='image/png' "
        f"representation='B64'>{PNG}</value></observationMedia></entry></section>",
    )
    assert len(found["entry"]) == 1


def test_a_document_of_two_persons_is_refused(laboratory: bytes) -> None:
    start, end = laboratory.index(b"<recordTarget"), laboratory.index(b"</recordTarget>") + 15
    twice = laboratory[:end] + laboratory[start:end] + laboratory[end:]
    with pytest.raises(cda.document.SeveralPatients, match="one person"):
        cda.read(twice)
