# SPDX-License-Identifier: EUPL-1.2
"""XDM: what METADATA.XML says of documents, of the lots they came in, and of what replaces what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from carnet.documents import brought
from carnet.exchange import archive, xdm
from carnet.exchange.parts import Opened, Related
from tests.exchange.metadata import HAS, IHE, PERSON, Entry, files, link, package
from tests.exchange.test_containers import zipped

ONE = Entry("doc1", "DOC1.PDF", b"%PDF-1.4 one", "1.2.3.11")
TWO = Entry("doc2", "DOC2.PDF", b"%PDF-1.4 two", "1.2.3.12", labels=["N", "MASQUE_PS"])


def read(*more: str, entries: tuple[Entry, ...] = (ONE, TWO)) -> Opened:
    return xdm.read(archive.read(zipped(files(entries, *more))))


def test_all_that_is_said_of_a_document_is_told_with_it() -> None:
    opened = read()
    assert not opened.notes
    told = opened.parts[0].told
    assert [each and each.code for each in (told.type, told.category, told.format)] == [
        "11488-4", "11", "urn:ihe:iti:xds-sd:pdf:2008",
    ]  # fmt: skip
    assert told.facility and told.facility.code == "SA07"
    assert told.setting and told.setting.code == "AMBULATOIRE"
    assert (told.language, told.at, told.until) == ("fr-FR", "202403050900", "20240306")
    [author] = told.authors
    assert (author.shown, author.number.value, author.number.oid) == (
        "Charles BOILEAU", "801234567897", "1.2.250.1.71.4.2.1",
    )  # fmt: skip
    assert author.places[0].name == "Centre du Belvédère"
    assert author.places[0].number.value == "1120456789"
    assert author.role == "Médecin traitant"
    assert told.authenticator and told.authenticator.number.value == "801234567897"


def test_a_submission_set_and_a_folder_say_which_documents_they_hold() -> None:
    opened = read(
        package("folder", "fol", "1.2.3.40", "Grossesse <2>"), link(HAS, "fol", "doc2"),
        link(HAS, "set", "fol"), link(HAS, "fol", "nowhere"),
    )  # fmt: skip
    lot, folder = opened.lots
    assert (lot.kind, lot.unique_id, lot.source_id, lot.title) == (
        "submissionset", "1.2.3.1", "1.2.3.99", "Séjour & suites",
    )  # fmt: skip
    assert lot.members == ("IHE_XDM/SUBSET01/DOC1.PDF", "IHE_XDM/SUBSET01/DOC2.PDF")
    assert [each.code for each in lot.codes] == ["04"]
    assert lot.authors[0].family == "BOILEAU"
    assert (folder.kind, folder.title, folder.members) == (
        "folder", "Grossesse <2>", ("IHE_XDM/SUBSET01/DOC2.PDF",),
    )  # fmt: skip


def test_each_set_of_an_archive_is_a_lot() -> None:
    held = {**files([ONE]), **files([TWO], subset="SUBSET02")}
    opened = xdm.read(archive.read(zipped(held)))
    assert [each.unique_id for each in opened.lots] == ["1.2.3.1", "1.2.3.2"]


def test_what_is_replaced_comes_before_what_replaces_it() -> None:
    opened = read(link(f"{IHE}RPLC", "doc1", "doc2"))
    assert [each.name[-8:] for each in opened.parts] == ["DOC2.PDF", "DOC1.PDF"]
    assert opened.parts[1].told.related == (Related("replaces", "1.2.3.12"),)
    elsewhere = read(link(f"{IHE}APND", "doc1", "urn:oid:1.2.9.9"))
    assert elsewhere.parts[0].told.related == (Related("appends", "1.2.9.9"),)


@pytest.mark.parametrize(
    ("links", "rule"),
    [
        ([link(f"{IHE}RPLC", "doc1", "doc2"), link(f"{IHE}RPLC", "doc2", "doc1")], "xdm-ring"),
        ([link(f"{IHE}RPLC", "nowhere", "doc2")], "xdm-link-nowhere"),
        (
            [link(f"{IHE}RPLC", "doc1", "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1")],
            "xdm-link-nowhere",
        ),
        ([package("folder", "fol", "1.2.3.40", "Vide")], "xdm-lot-empty"),
    ],
)
def test_what_links_wrongly_is_noted_and_no_document_is_lost(links: list[str], rule: str) -> None:
    opened = read(*links)
    assert rule in {each.rule for each in opened.notes}
    assert len(opened.parts) == 2
    assert [each.told.related for each in opened.parts] == [(), ()]


def test_a_document_that_replaces_itself_is_loaded() -> None:
    opened = read(link(f"{IHE}RPLC", "doc1", "doc1"))
    assert [each.told.related for each in opened.parts] == [(), ()]
    assert {each.rule for each in opened.notes} == {"xdm-ring"}


def test_two_entries_of_one_file_are_one_document() -> None:
    twice = Entry("doc3", "DOC1.PDF", ONE.data, "1.2.3.13", title="Un autre")
    opened = read(entries=(ONE, twice))
    assert [each.told.unique_id for each in opened.parts] == ["1.2.3.11"]
    assert {each.rule for each in opened.notes} == {"xdm-twice"}


def test_a_mask_that_only_the_second_entry_of_a_file_says_is_kept() -> None:
    """Planted: what the second entry says is dropped with it; in one METADATA.XML, then in two."""
    masked = replace(ONE, id="doc3", labels=["MASQUE_PS"])
    [part] = read(entries=(ONE, masked)).parts
    assert [each.code for each in part.told.labels] == ["MASQUE_PS"]
    elsewhere = replace(masked, name="../SUBSET01/DOC1.PDF")
    held = {**files([elsewhere], subset="SUBSET02"), **files([ONE])}
    [part] = xdm.read(archive.read(zipped(held))).parts
    assert [each.code for each in part.told.labels] == ["MASQUE_PS"]


def test_two_entries_of_one_id_are_two_documents() -> None:
    opened = read(entries=(ONE, replace(TWO, id="doc1")))
    assert [each.told.unique_id for each in opened.parts] == ["1.2.3.11", "1.2.3.12"]
    assert {each.rule for each in opened.notes} == {"xdm-id-twice"}


def test_who_only_names_one_of_a_ring_replaces_it() -> None:
    three, four = (
        Entry("doc3", "D3.PDF", b"3", "1.2.3.13"),
        Entry("doc4", "D4.PDF", b"4", "1.2.3.14"),
    )
    ring = [link(f"{IHE}RPLC", "doc1", "doc2"), link(f"{IHE}RPLC", "doc2", "doc1")]
    links = [*ring, link(f"{IHE}RPLC", "doc4", "doc3"), link(f"{IHE}RPLC", "doc3", "doc1")]
    opened = read(*links, entries=(four, three, ONE, TWO))
    told = {each.told.unique_id: each.told.related for each in opened.parts}
    assert list(told)[2:] == ["1.2.3.13", "1.2.3.14"]
    assert told["1.2.3.11"] == told["1.2.3.12"] == ()
    assert told["1.2.3.13"] == (Related("replaces", "1.2.3.11"),)
    assert told["1.2.3.14"] == (Related("replaces", "1.2.3.13"),)


def test_a_lot_of_two_persons_or_of_what_is_not_described_is_told() -> None:
    other = {**PERSON, "sourcePatientId": ["1^^^&1.2.250.1.213.1.4.10&ISO^NH"]}
    opened = read(entries=(ONE, replace(TWO, slots=other)))
    assert {each.rule for each in opened.notes} == {"xdm-persons"}
    assert {each.rule for each in read(link(HAS, "set", "nowhere")).notes} == {"xdm-member-nowhere"}


def test_numbers_that_differ_by_their_extension_are_two_documents() -> None:
    numbers = [brought.number(each) for each in ("1.2.3^A", "1.2.3^B", "1.2.3^", "1.2.3")]
    assert numbers == ["urn:oid:1.2.3^A", "urn:oid:1.2.3^B", "urn:oid:1.2.3", "urn:oid:1.2.3"]


def test_of_other_bytes_the_metadata_say_nothing_but_their_masks() -> None:
    """Planted: whose a file is, said of bytes that were changed."""
    changed = Entry("doc1", "DOC1.PDF", b"%PDF-1.4 x", "1.2.3.11", labels=["MASQUE_PS"],
                    said_of=b"%PDF-1.4 y")  # fmt: skip
    [part] = read(entries=(changed,)).parts
    assert part.altered
    assert part.told.person is None and part.told.unique_id == ""
    assert [each.code for each in part.told.labels] == ["MASQUE_PS"]
