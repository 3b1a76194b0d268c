# SPDX-License-Identifier: EUPL-1.2
"""What is seen of a study is what may be seen of its manifest: hidden, it is absent everywhere alike."""

from __future__ import annotations

import io
import subprocess
import sys
from email import message_from_bytes
from typing import Any

import pytest
from PIL import Image
from pydicom.dataset import Dataset

from carnet.access.labels import Label
from carnet.documents.hide import hide, show
from carnet.imaging.store import _Keeping
from tests.imaging.conftest import Asks, Sends
from tests.imaging.pictures import picture, uid, written
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio


def parts(answer: Answer) -> list[bytes]:
    """The parts of a multipart answer, by Python's own reader of mail."""
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + answer.body)
    return [each.get_payload(decode=True) for each in message.get_payload()]  # type: ignore[union-attr, misc]


def paths(one: Dataset) -> list[str]:
    """Every address at which something of an image is had."""
    study = f"/studies/{one.StudyInstanceUID}"
    series = f"{study}/series/{one.SeriesInstanceUID}"
    instance = f"{series}/instances/{one.SOPInstanceUID}"
    return [
        study, series, instance, f"{study}/series", f"{study}/instances", f"{series}/instances",
        f"{study}/metadata", f"{series}/metadata", f"{instance}/metadata", f"{instance}/rendered",
        f"{instance}/thumbnail", f"{instance}/frames/1", f"{instance}/frames/1/rendered",
    ]  # fmt: skip


async def document(space: Space, one: Dataset) -> str:
    found = await space.get(
        f"DocumentReference?patient={space.patient_id()}&type=IMG-KOS", as_="patient"
    )
    (held,) = [
        each
        for each in found.entries
        if one.StudyInstanceUID in each["context"]["related"][0]["identifier"]["value"]
    ]
    return str(held["id"])


async def count(asks: Asks, as_: str, query: str = "") -> int:
    found = await asks("GET", f"/studies{query}", as_)
    return 0 if found.status == 204 else len(found.json)


async def test_a_study_is_found_and_had_as_it_was_sent(
    space: Space, sends: Sends, asks: Asks
) -> None:
    one = picture(WindowCenter=1024, WindowWidth=2048)
    one.add_new(0x00091001, "LO", "private")
    data = written(one)
    assert (await sends(data)).status == 200
    for as_ in ("gp", "patient", "hospital-software"):
        query = f"?StudyInstanceUID={one.StudyInstanceUID}&StudyDate=20261101-20261130"
        found = await asks("GET", f"/studies{query}&ModalitiesInStudy=CT", as_)
        assert [each["0020000D"]["Value"] for each in found.json] == [[one.StudyInstanceUID]]
        for path in paths(one)[:3]:
            assert parts(await asks("GET", path, as_)) == [data]
    instance = paths(one)[2]
    told = (await asks("GET", f"{instance}/metadata", "gp")).json[0]
    assert told["00080018"]["Value"] == [one.SOPInstanceUID]
    assert "00091001" not in told and "7FE00010" not in told
    (frame,) = parts(await asks("GET", f"{instance}/frames/1", "gp"))
    assert frame == one.PixelData
    for path, side in ((f"{instance}/rendered", 16), (f"{instance}/thumbnail", 16)):
        answer = await asks("GET", path, "gp")
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-content-type-options"] == "nosniff"
        shown = Image.open(io.BytesIO(answer.body))
        assert (shown.size, shown.mode) == ((side, side), "L")
        light = shown.tobytes()
        assert light[127] > light[0] + 50, "the window goes from dark to light"


async def test_a_hidden_study_is_absent_at_every_address(
    space: Space, sends: Sends, asks: Asks
) -> None:
    one, absent = picture(), picture()
    assert (await sends(written(one))).status == 200
    await hide(await space.visit("patient"), await document(space, one))
    for path, nothing in zip(paths(one), paths(absent), strict=True):
        hidden, never = await asks("GET", path, "nurse"), await asks("GET", nothing, "nurse")
        assert (hidden.status, hidden.body) == (404, never.body), path
        assert (await asks("GET", path, "gp")).status == 200, path
    assert await count(asks, "nurse", f"?StudyInstanceUID={one.StudyInstanceUID}") == 0
    later = picture(StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID)
    assert (await sends(written(later))).status == 200
    assert (await asks("GET", paths(later)[2], "nurse")).status == 404, "what joins it is hidden"
    await show(await space.visit("patient"), await document(space, one))
    assert (await asks("GET", paths(one)[2], "nurse")).status == 200


@pytest.mark.parametrize("as_", ["outsider", "blocked", "lab-software"])
async def test_who_may_not_see_the_record_sees_no_image(
    space: Space, sends: Sends, asks: Asks, as_: str
) -> None:
    one = picture()
    assert (await sends(written(one))).status == 200
    for path in paths(one):
        assert (await asks("GET", path, as_)).status == 404, path
    assert await count(asks, as_) == 0


async def test_files_that_followed_no_manifest_would_be_seen(
    space: Space, sends: Sends, asks: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: what makes the test of hidden studies red."""
    kept = _Keeping._files

    async def loose(self: Any, unit: Any, follow: Any, made: Any) -> None:
        cid, rid, kind, _ = follow
        await kept(self, unit, (cid, rid + 1, kind, Label.NONE), made)

    monkeypatch.setattr(_Keeping, "_files", loose)
    one = picture()
    assert (await sends(written(one))).status == 200
    await hide(await space.visit("patient"), await document(space, one))
    assert (await asks("GET", paths(one)[2], "nurse")).status == 200


@pytest.mark.parametrize(
    "query", ["?StudyDate=yesterday", "?PatientName=A", "?limit=-1", "?StudyInstanceUID=%27"]
)
async def test_a_wrong_search_is_refused(asks: Asks, query: str) -> None:
    assert (await asks("GET", f"/studies{query}", "gp")).status == 400


async def test_nobody_unknown_asks(asks: Asks) -> None:
    for path in ("/studies", f"/studies/{uid()}"):
        assert (await asks("GET", path, None)).status == 401


def test_the_api_imports_no_reader_of_images() -> None:
    code = "import sys, carnet.app.imaging; print('pydicom' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
