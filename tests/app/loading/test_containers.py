# SPDX-License-Identifier: EUPL-1.2
"""What is inside archives, mails and messages is loaded as if it were beside them."""

import base64
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from carnet.app.loading.outcomes import Options, Outcome, State
from carnet.app.loading.run import load_all
from carnet.exchange import ebrim
from tests import people
from tests.documents.lots import fresh
from tests.exchange.test_containers import mail, metadata, zipped
from tests.exchange.test_hl7v2 import HEAD
from tests.space import Space

pytestmark = pytest.mark.anyio

PERSON = people.PATIENT
PID = (
    f"PID|||{PERSON.ins}^^^INS&{PERSON.ins_oid}&ISO^INS||{PERSON.birth_name}"
    f"^{PERSON.birth_given_names[0]}^^^^^L||{PERSON.birth_date:%Y%m%d}"
    f"|{'F' if PERSON.sex == 'female' else 'M'}\r"
)
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"


async def loaded(space: Space, *paths: Path, **options: Any) -> list[Outcome]:
    who = await space.actor("lab-software")
    return await load_all(space.built, who, list(paths), Options(**options))


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


async def test_a_cda_in_an_archive_in_a_mail_is_in_and_again_adds_nothing(
    space: Space, tmp_path: Path
) -> None:
    inner = zipped({"IHE_XDM/SUBSET01/DOC1.XML": fresh().xml, "INDEX.HTM": b"x"})
    path = written(tmp_path, "courriel.eml", mail(IHE_XDM_ZIP=inner).as_bytes())
    first = {each.path.name: each for each in await loaded(space, path)}
    assert first["courriel.eml"].state is first["DOC1.XML"].state is State.IN
    assert first["DOC1.XML"].address.startswith("DocumentReference/")
    assert {each.rule for each in first["IHE.XDM.ZIP"].remarks} >= {"xdm-no-metadata"}
    again = {each.path.name: each for each in await loaded(space, path)}
    assert again["courriel.eml"].state is again["DOC1.XML"].state is State.THERE


async def test_a_mask_that_only_the_archive_says_is_kept(space: Space, tmp_path: Path) -> None:
    """METADATA.XML masks a CDA that says its level alone."""
    one = fresh(minutes=3)
    said = metadata("DOC1.XML", one.xml).replace(
        b"   <ExternalIdentifier",
        f"""   <Classification classificationScheme="{ebrim.LABEL}" nodeRepresentation="MASQUE_PS">
    <Slot name="codingScheme"><ValueList><Value>1.2.250.1.213.1.1.4.13</Value></ValueList></Slot>
    <Name><LocalizedString value="x"/></Name></Classification>
   <ExternalIdentifier""".encode(),
    )
    archive = zipped({"IHE_XDM/A/METADATA.XML": said, "IHE_XDM/A/DOC1.XML": one.xml})
    found = {
        each.path.name: each
        for each in await loaded(space, written(tmp_path, "IHE_XDM.ZIP", archive))
    }
    document = found["DOC1.XML"]
    assert document.state is State.IN, document
    assert (await space.get(document.address, as_="patient")).status == 200
    assert (await space.get(document.address, as_="hospital-doctor")).status == 404


async def test_a_message_gives_its_document_and_its_results(space: Space, tmp_path: Path) -> None:
    pdf = base64.b64encode(PDF).decode()
    text = (
        HEAD.format(kind="ORU^R01^ORU_R01") + PID + "OBR|1|||24323-8^Bilan^LN|||20240306\r"
        f"OBX|1|ED|11502-2^CR^LN||^AP^PDF^Base64^{pdf}||||||F\r"
        "OBX|2|NM|718-7^Hb^LN||13,50|g/dL|12-16|N|||F\r"
    )
    path = written(tmp_path, "resultats.hl7", text.encode())
    found = {each.path.name: each for each in await loaded(space, path)}
    assert found["resultats.hl7"].state is State.IN, found
    assert found["OBX-1.pdf"].counts["files"] == 1
    assert found["fields.json"].counts == {"resources": 1, "resources already there": 1}
    again = await loaded(space, path)
    assert {each.state for each in again} == {State.THERE}
    rows = await space.rows(
        "SELECT count(*) FROM record.resource r JOIN access.identity i USING (cid)"
        f" WHERE i.ins = '{PERSON.ins}'"
    )
    assert rows[0][0] >= 4  # the Patient, the document, its file, the result


async def test_a_mask_of_a_message_is_on_all_it_brings(space: Space, tmp_path: Path) -> None:
    """Said after the document, as senders do; the results stay in it, for they would bear no mask."""
    pdf = base64.b64encode(PDF).decode()
    text = (
        HEAD.format(kind="ORU^R01^ORU_R01") + PID + "OBR|1|||24323-8^Bilan^LN|||20240306\r"
        f"OBX|1|ED|11502-2^CR^LN||^AP^PDF^Base64^{pdf}||||||F\r"
        "OBX|2|NM|718-7^Hb^LN||13,50|g/dL|12-16|N|||F\r"
        "OBX|3|CWE|MASQUE_PS^Masqué^MetaDMPMSS||Y^^expandedYes-NoIndicator||||||F\r"
        "OBX|4|CWE|INVISIBLE_PATIENT^Non visible^MetaDMPMSS||N^^expandedYes-NoIndicator||||||F\r"
    )
    path = written(tmp_path, "masque.hl7", text.encode())
    found = {each.path.name: each for each in await loaded(space, path)}
    assert "v2-masked" in {each.rule for each in found["masque.hl7"].remarks}
    assert not found.get("fields.json") or not found["fields.json"].counts.get("resources")
    address = found["OBX-1.pdf"].address
    assert (await space.get(address, as_="patient")).status == 200
    assert (await space.get(address, as_="hospital-doctor")).status == 404


async def test_a_pdf_by_itself_is_still_refused(space: Space, tmp_path: Path) -> None:
    (alone,) = await loaded(space, written(tmp_path, "a.pdf", PDF))
    assert alone.state is State.REFUSED and "PDF" in alone.why


async def test_archives_in_archives_end(space: Space, tmp_path: Path) -> None:
    held = zipped({"a.xml": b"<x/>"})
    for number in range(8):
        held = zipped({f"{number}.zip": held}, zipfile.ZIP_STORED)
    found = await loaded(space, written(tmp_path, "a.zip", held))
    assert found[-1].state is State.REFUSED and "four archives" in found[-1].why


async def test_many_small_archives_share_one_budget(space: Space, tmp_path: Path) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        bomb = zipped({"zeros": bytes(100 << 20)})
        for number in range(4):
            made.writestr(f"{number}.zip", bomb)
    found = await loaded(space, written(tmp_path, "a.zip", out.getvalue()))
    assert any(each.state is State.REFUSED and "256 MB" in each.why for each in found)
