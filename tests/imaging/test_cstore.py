# SPDX-License-Identifier: EUPL-1.2
"""Images sent by C-STORE, with dcmtk's own tools, are in the record before they are answered."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from carnet.app import imaging
from carnet.imaging import cstore
from tests.imaging.conftest import Asks
from tests.imaging.pictures import picture, written
from tests.imaging.test_stow import manifests, studies
from tests.imaging.test_wado import parts, paths
from tests.space import Space

pytestmark = pytest.mark.anyio


@pytest.fixture
async def port(space: Space) -> AsyncIterator[int]:
    """The port, open for this test."""
    settings = replace(space.built.settings, host="127.0.0.1", dicom_port=0, image_limit=2 << 20)
    open_ = await imaging.listening(replace(space.built, settings=settings))
    yield open_.port
    await asyncio.to_thread(open_.close)


async def run(*words: str | Path) -> tuple[int, str]:
    done = await asyncio.create_subprocess_exec(
        *map(str, words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(done.communicate(), 60)
    return done.returncode or 0, said.decode(errors="replace")


async def send(port: int, *files: Path, title: str = "SCANNER", to: str = "CARNET") -> int:
    code, _ = await run("storescu", "-v", "-aet", title, "-aec", to, "127.0.0.1", str(port), *files)
    return code


async def test_an_application_whose_title_is_known_is_answered(port: int) -> None:
    for title, to, well in (
        ("SCANNER", "CARNET", True), ("OTHER", "CARNET", False), ("SCANNER", "ELSE", False),
    ):  # fmt: skip
        code, _ = await run("echoscu", "-aet", title, "-aec", to, "127.0.0.1", str(port))
        assert (code == 0) is well, (title, to)


async def test_an_image_sent_is_in_the_record_and_read_by_dcmdump(
    space: Space, port: int, asks: Asks, tmp_path: Path
) -> None:
    one, file = picture(), tmp_path / "one.dcm"
    file.write_bytes(written(one))
    assert await send(port, file) == 0
    assert await send(port, file) == 0, "the same again is there"
    (study,) = await studies(space)
    assert (study["numberOfInstances"], len(await manifests(space))) == (1, 1)
    (data,) = parts(await asks("GET", paths(one)[2], "gp"))
    back = tmp_path / "back.dcm"
    back.write_bytes(data)
    code, said = await run("dcmdump", "+P", "SOPInstanceUID", "+P", "Rows", back)
    assert code == 0 and one.SOPInstanceUID in said and " 16 " in said
    address = (await manifests(space))[0]["content"][0]["attachment"]["url"]
    raw = await space.get(address, as_="gp", accept="application/dicom")
    back.write_bytes(raw.body)
    code, said = await run("dcmdump", "+P", "ReferencedSOPInstanceUID", back)
    assert code == 0 and one.SOPInstanceUID in said


async def test_what_is_refused_is_told_to_its_sender(
    space: Space, port: int, tmp_path: Path
) -> None:
    unknown, large = tmp_path / "unknown.dcm", tmp_path / "large.dcm"
    unknown.write_bytes(written(picture(PatientName=None, PatientID=None)))
    assert await send(port, unknown) != 0
    large.write_bytes(
        written(picture(Rows=1024, Columns=2048, PixelData=bytes(4 << 20), BitsAllocated=16))
    )
    assert await send(port, large) != 0, "nothing larger than is taken is held"
    assert await studies(space) == []


@pytest.mark.parametrize("text", ["", "[[peer]]\ntitle='a'", "[[peer]]\ntitle='é'\nsoftware='x'"])
def test_a_wrong_list_of_titles_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "peers.toml").write_text(text)
    with pytest.raises(cstore.WrongPeers):
        cstore.peers(str(tmp_path / "peers.toml"))


async def test_without_tls_the_port_is_of_this_machine_alone(space: Space) -> None:
    settings = replace(space.built.settings, host="0.0.0.0", dicom_port=0)
    with pytest.raises(cstore.OpenPort):
        await imaging.listening(replace(space.built, settings=settings))


def certificates(folder: Path) -> None:
    """An authority, and the certificate of a name, as `context` reads them."""
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made += ["-nodes", "-days", "3650", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost"]
    for name in ("own", "other"):
        files = ["-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"]
        subprocess.run([*made, *files], check=True, capture_output=True)
    (folder / "authority.pem").write_bytes((folder / "own.pem").read_bytes())


async def test_off_this_machine_only_a_certificate_of_the_authority_is_answered(
    space: Space, tmp_path: Path
) -> None:
    await asyncio.to_thread(certificates, tmp_path)
    settings = replace(
        space.built.settings, host="127.0.0.1", dicom_port=0, dicom_certificates=str(tmp_path)
    )
    open_ = await imaging.listening(replace(space.built, settings=settings))
    to = ("-aet", "SCANNER", "-aec", "CARNET", "127.0.0.1", str(open_.port))
    try:
        for name, well in (("own", True), ("other", False)):
            tls = ("+tls", tmp_path / f"{name}.key", tmp_path / f"{name}.pem")
            code, said = await run("echoscu", "-to", "5", *tls, "+cf", tmp_path / "own.pem", *to)
            assert (code == 0) is well, said
        code, _ = await run("echoscu", "-to", "5", "-ta", "5", *to)
        assert code != 0, "nothing is answered in clear"
    finally:
        await asyncio.to_thread(open_.close)
