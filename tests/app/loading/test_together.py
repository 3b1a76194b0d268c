# SPDX-License-Identifier: EUPL-1.2
"""The SubmissionSets and Folders of an XDM become Lists, replaced documents are replaced, masks hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carnet.app.loading.outcomes import Options, Outcome, State
from carnet.app.loading.run import load_all
from carnet.documents.cda.conformance import Profile
from carnet.population import Person
from tests import people
from tests.documents.lots import fresh
from tests.exchange.metadata import HAS, IHE, Entry, files, link, package
from tests.exchange.test_containers import zipped
from tests.space import Space

pytestmark = pytest.mark.anyio


def whose(person: Person) -> dict[str, list[str]]:
    sex = "F" if person.sex == "female" else "M"
    return {
        "sourcePatientId": [f"{person.ins}^^^&{person.ins_oid}&ISO^NH"],
        "sourcePatientInfo": [
            f"PID-5|{person.birth_name}^{person.birth_given_names[0]}^^^^^L",
            f"PID-7|{person.birth_date:%Y%m%d}", f"PID-8|{sex}",
        ],
    }  # fmt: skip


def pdf(name: str, number: str, person: Person = people.PATIENT, **more: Any) -> Entry:
    data = b"%PDF-1.4\n1 0 obj<<>>endobj\n% " + number.encode() + b"\ntrailer<<>>\n%%EOF"
    return Entry(name.partition(".")[0].lower(), name, data, number, whose(person), **more)


async def loaded(
    space: Space, folder: Path, held: dict[str, bytes], **options: Any
) -> dict[str, Outcome]:
    path = folder / "IHE_XDM.ZIP"
    path.write_bytes(zipped(held))
    found = await load_all(
        space.built, await space.actor("lab-software"), [path], Options(**options)
    )
    return {each.path.name: each for each in found}


async def lists(space: Space, as_: str = "patient") -> dict[str, dict[str, Any]]:
    """The lists of the patient that came by a container, by their title."""
    found = await space.get(f"List?patient=Patient/{space.patient_id()}", as_=as_)
    return {each["title"]: each for each in found.entries if each.get("title")}


async def test_sets_and_folders_are_lists_and_again_they_are_the_same(
    space: Space, tmp_path: Path
) -> None:
    report = fresh(minutes=7)
    entries = [pdf("DOC1.PDF", "1.2.30.1"), Entry("doc2", "DOC2.XML", report.xml, report.unique_id)]
    folder = [package("folder", "fol", "1.2.30.9", "Suivi"), link(HAS, "fol", "doc2")]
    held = files(entries, *folder)
    first = await loaded(space, tmp_path, held)
    whole = first["IHE_XDM.ZIP"]
    assert (whole.state, whole.counts) == (State.IN, {"files inside": 2, "lots": 1, "folders": 1})
    made = await lists(space)
    lot, suivi = made["Séjour & suites"], made["Suivi"]
    assert [each["item"]["reference"] for each in lot["entry"]] == [
        first["DOC1.PDF"].address, first["DOC2.XML"].address,
    ]  # fmt: skip
    assert [each["item"]["reference"] for each in suivi["entry"]] == [first["DOC2.XML"].address]
    assert lot["code"]["coding"][0]["code"] == "submissionset"
    assert {each["value"] for each in lot["identifier"]} >= {"urn:oid:1.2.3.1"}
    assert {each["url"].rpartition("/")[2] for each in lot["extension"]} == {
        "ihe-sourceId", "ihe-designationType",
    }  # fmt: skip
    again = await loaded(space, tmp_path, held)
    assert again["IHE_XDM.ZIP"].state is State.THERE
    assert again["IHE_XDM.ZIP"].counts == {
        "files inside": 2, "lots already there": 1, "folders already there": 1,
    }  # fmt: skip
    assert len(await lists(space)) == len(made)
    other = await loaded(space, tmp_path, files(entries[:1], subset="SUBSET02"))
    assert other["IHE_XDM.ZIP"].counts["lots"] == 1, "another set of a document that was there"


async def test_all_that_is_said_of_a_document_is_kept(space: Space, tmp_path: Path) -> None:
    found = await loaded(space, tmp_path, files([pdf("DOC1.PDF", "1.2.31.1")]))
    own = (await space.get(found["DOC1.PDF"].address, as_="patient")).json
    held = {each["id"]: each for each in own["contained"]}
    assert held["author-1"]["identifier"][0]["value"] == "801234567897"
    assert held["author-1-place"]["name"] == "Centre du Belvédère"
    assert held["author-1-role"]["specialty"][0]["coding"][0]["code"] == "G15_10/SM26"
    assert own["author"][0]["display"] == "Charles BOILEAU"
    assert own["authenticator"]["reference"] == "#authenticator"
    assert own["content"][0]["format"]["code"] == "urn:ihe:iti:xds-sd:pdf:2008"
    assert own["content"][0]["attachment"]["language"] == "fr-FR"
    assert own["context"]["facilityType"]["coding"][0]["code"] == "SA07"
    assert own["context"]["period"]["start"].startswith("2024-03-05")
    assert own["context"]["period"]["end"].startswith("2024-03-06")


async def test_a_document_that_replaces_another_does(space: Space, tmp_path: Path) -> None:
    """In one archive, whatever their order; then in a later one, by the number alone."""
    old, new = pdf("DOC1.PDF", "1.2.32.1"), pdf("DOC2.PDF", "1.2.32.2")
    rplc = link(f"{IHE}RPLC", "doc2", "doc1")
    found = await loaded(space, tmp_path, files([new, old], rplc))
    states = {
        name: (await space.get(found[name].address, as_="patient")).json["status"]
        for name in ("DOC1.PDF", "DOC2.PDF")
    }
    assert states == {"DOC1.PDF": "superseded", "DOC2.PDF": "current"}
    last = pdf("DOC3.PDF", "1.2.32.3")
    rplc = link(f"{IHE}RPLC", "doc3", "urn:oid:1.2.32.2")
    later = await loaded(space, tmp_path, files([last], rplc, subset="SUBSET02"))
    own = (await space.get(later["DOC3.PDF"].address, as_="patient")).json
    assert own["relatesTo"][0]["target"]["reference"] == found["DOC2.PDF"].address
    before = (await space.get(found["DOC2.PDF"].address, as_="patient")).json
    assert before["status"] == "superseded"


async def test_a_cda_replaces_what_only_the_metadata_say(space: Space, tmp_path: Path) -> None:
    old, new = fresh(minutes=21), fresh(minutes=22)
    entries = [
        Entry("doc1", "DOC1.XML", new.xml, new.unique_id),
        Entry("doc2", "DOC2.XML", old.xml, old.unique_id),
    ]
    found = await loaded(space, tmp_path, files(entries, link(f"{IHE}RPLC", "doc1", "doc2")))
    before = (await space.get(found["DOC2.XML"].address, as_="patient")).json
    assert before["status"] == "superseded"


async def test_a_lot_with_a_masked_document_is_hidden_with_it(space: Space, tmp_path: Path) -> None:
    """Planted: a List that names a document its reader may not see."""
    entries = [pdf("DOC1.PDF", "1.2.33.1"), pdf("DOC2.PDF", "1.2.33.2", labels=["MASQUE_PS"])]
    alone = [package("folder", "fol", "1.2.33.9", "Ouvert"), link(HAS, "fol", "doc1")]
    found = await loaded(space, tmp_path, files(entries, *alone))
    assert (await space.get(found["DOC2.PDF"].address, as_="hospital-doctor")).status == 404
    assert "Séjour & suites" in await lists(space, "patient")
    seen = await lists(space, "hospital-doctor")
    assert "Ouvert" in seen and "Séjour & suites" not in seen
    assert found["DOC2.PDF"].address not in str(seen)


async def test_two_persons_in_one_set_have_a_list_each(space: Space, tmp_path: Path) -> None:
    entries = [pdf("DOC1.PDF", "1.2.34.1"), pdf("DOC2.PDF", "1.2.34.2", people.HUSBAND)]
    found = await loaded(space, tmp_path, files(entries))
    assert found["IHE_XDM.ZIP"].counts["lots"] == 2
    mine = (await lists(space))["Séjour & suites"]
    assert [each["item"]["reference"] for each in mine["entry"]] == [found["DOC1.PDF"].address]


async def test_bytes_that_were_changed_are_in_nobodys_record(space: Space, tmp_path: Path) -> None:
    """Planted: a PDF filed by what the metadata say of other bytes."""
    changed = pdf("DOC1.PDF", "1.2.35.1", said_of=b"other")
    found = await loaded(space, tmp_path, files([changed]))
    assert found["DOC1.PDF"].state is State.REFUSED
    assert {each.rule for each in found["IHE_XDM.ZIP"].remarks} >= {"xdm-hash"}
    assert "lots" not in found["IHE_XDM.ZIP"].counts
    one = fresh(minutes=35)
    said = Entry("doc1", "DOC1.XML", one.xml, one.unique_id, said_of=b"other")
    strict = await loaded(space, tmp_path, files([said]), profile=Profile.STRICT)
    assert strict["DOC1.XML"].state is State.REFUSED and "bytes" in strict["DOC1.XML"].why
    lenient = await loaded(space, tmp_path, files([said]), profile=Profile.LENIENT)
    assert lenient["DOC1.XML"].state is State.IN, "a CDA says itself whose it is"


async def test_metadata_that_cannot_be_read_hide_no_mask_from_a_strict_entry(
    space: Space, tmp_path: Path
) -> None:
    """Planted: a CDA let in without the masks that only unread metadata say."""
    one = fresh(minutes=41)
    held = {"IHE_XDM/A/METADATA.XML": b"<!DOCTYPE x><x/>", "IHE_XDM/A/DOC1.XML": one.xml}
    strict = await loaded(space, tmp_path, held, profile=Profile.STRICT)
    assert strict["DOC1.XML"].state is State.REFUSED
    lenient = await loaded(space, tmp_path, held, profile=Profile.LENIENT)
    assert lenient["DOC1.XML"].state is State.IN
    assert {each.rule for each in lenient["IHE_XDM.ZIP"].remarks} >= {"xdm-metadata-unread"}


async def test_a_folder_of_the_same_number_as_its_set_is_another_list(
    space: Space, tmp_path: Path
) -> None:
    entries = [pdf("DOC1.PDF", "1.2.36.1")]
    same = [package("folder", "fol", "1.2.3.1", "Même numéro"), link(HAS, "fol", "doc1")]
    found = await loaded(space, tmp_path, files(entries, *same))
    assert found["IHE_XDM.ZIP"].counts == {"files inside": 1, "lots": 1, "folders": 1}
