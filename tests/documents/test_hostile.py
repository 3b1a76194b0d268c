# SPDX-License-Identifier: EUPL-1.2
"""Hostile content by HTTP and by file: a clear refusal, or bytes that do nothing; the process unharmed."""

from pathlib import Path

import pytest

from carnet.app.loading.outcomes import Options
from carnet.app.loading.run import load_all
from carnet.documents.consult import document as page_of
from tests.documents.lots import document_of, fresh, holds, lot
from tests.space import Space

pytestmark = pytest.mark.anyio

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
    + b']><ClinicalDocument xmlns="urn:hl7-org:v3">&a11;</ClinicalDocument>'
)
XXE = (
    b'<?xml version="1.0"?><!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<ClinicalDocument xmlns="urn:hl7-org:v3"><title>&x;</title></ClinicalDocument>'
)
V3 = b'<ClinicalDocument xmlns="urn:hl7-org:v3">'


def hostile() -> dict[str, bytes]:
    whole = fresh().xml
    return {
        "cut short": whole[: len(whole) // 2],
        "cut in a character": whole[: whole.index("é".encode()) + 1],
        "a DOCTYPE": whole.replace(b"<ClinicalDocument", b"<!DOCTYPE c><ClinicalDocument", 1),
        "an outside entity": XXE,
        "a billion laughs": BOMB,
        "nested deep": V3 + b"<component>" * 5000 + b"</component>" * 5000 + b"</ClinicalDocument>",
        "20 MB of text": V3 + b"<title>" + b"a" * 20_000_000 + b"</title></ClinicalDocument>",
        "many elements": V3 + b"<id/>" * 500_000 + b"</ClinicalDocument>",
        "an encoding that hides": b'<?xml version="1.0" encoding="utf-7"?>+ADw-ClinicalDocument/>',
        "two documents in one": whole + whole[whole.index(b"<ClinicalDocument") :],
        "base64 that is not": whole.replace(b"JVBERi", b"JVB*Ri"),
        "an entity nobody defined": whole.replace(b"<title>", b"<title>&nbsp;", 1),
    }


@pytest.mark.parametrize("what", hostile())
async def test_hostile_xml_is_refused_whole_by_http(space: Space, what: str) -> None:
    before = await holds(space)
    answer = await space.post("", lot(hostile()[what]), as_="lab-software")
    assert answer.status in (400, 413, 422), answer.body[:300]
    issue = answer.json["issue"][0]
    assert issue["severity"] == "error"
    assert "Traceback" not in answer.body.decode()
    assert "root:" not in answer.body.decode()
    assert await holds(space) == before
    assert (await space.post("", lot(fresh().xml), as_="lab-software")).status == 200


async def test_hostile_files_are_each_refused_with_a_reason(space: Space, tmp_path: Path) -> None:
    before = await holds(space)
    for number, content in enumerate(hostile().values()):
        (tmp_path / f"{number:02d}.xml").write_bytes(content)
    who = await space.actor("lab-software")
    found = await load_all(space.built, who, [tmp_path], Options(create_patients=True))
    assert len(found) == len(hostile())
    for each in found:
        assert each.refused, each.path
        assert "nforeseen" not in each.refused, each.path
    assert await holds(space) == before


async def test_a_document_in_utf_16_is_read_and_kept_as_it_came(space: Space) -> None:
    text = fresh().xml.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    data = text.encode("utf-16")
    answer = await space.post("", lot(data), as_="lab-software")
    assert answer.status == 200, answer.body
    page = await page_of(await space.visit("patient"), "", document_of(answer).split("/")[1])
    assert page.results
    raw = await space.get(f"Binary/{page.source}", as_="patient", accept="text/xml")
    assert raw.body == data


async def test_what_a_narrative_would_run_is_inert(space: Space) -> None:
    evil = (
        b'<text><script>alert(1)</script><paragraph onclick="alert(2)">vu'
        b'<linkHtml href="javascript:alert(3)">ici</linkHtml>'
        b"&lt;img src=x onerror=alert(4)&gt;<br/><content styleCode=\"x' onload='alert(5)\">y</content>"
        b'</paragraph><iframe xmlns="http://www.w3.org/1999/xhtml" src="http://x/"/>'
    )
    data = fresh().xml.replace(b"<text>", evil, 1)
    answer = await space.post("", lot(data), as_="lab-software")
    assert answer.status == 200, answer.body
    page = await page_of(await space.visit("patient"), "", document_of(answer).split("/")[1])
    html = "".join(section.html for section in page.sections)
    assert "vu" in html
    for word in ("<script", "onclick=", "javascript:", "<img", "<iframe", "onload=", "href"):
        assert word not in html, word
    assert "&lt;img" in html


INERT = {
    "html": (b"<html><script>alert(1)</script></html>", "text/html"),
    "a PDF that is none": (b"MZ\x90\x00 not a PDF", "application/pdf"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/svg+xml"),
    "xml that is no CDA": (b"<html xmlns='http://www.w3.org/1999/xhtml'/>", "application/xml"),
    "nothing declared": (b"\x00\x01\x02", "application/octet-stream"),
}


@pytest.mark.parametrize("what", INERT)
async def test_other_files_are_kept_as_bytes_that_do_nothing(space: Space, what: str) -> None:
    data, media = INERT[what]
    content = [{"attachment": {"contentType": media, "url": lot(b"")["entry"][2]["fullUrl"]}}]
    bundle = lot(data, media=media, content=content)
    answer = await space.post("", bundle, as_="lab-software")
    assert answer.status == 200, answer.body
    page = await page_of(await space.visit("patient"), "", document_of(answer).split("/")[1])
    assert (page.sections, page.results) == ((), ())
    binary = (await space.get(document_of(answer), as_="patient")).json["content"][0]["attachment"]
    raw = await space.get(binary["url"], as_="patient", accept=media)
    assert raw.body == data
    assert raw.headers["content-disposition"].startswith("attachment")
    assert raw.headers["x-content-type-options"] == "nosniff"


async def test_a_pdf_copy_that_is_no_pdf_is_not_extracted_but_said(space: Space) -> None:
    data = fresh().xml.replace(b"JVBERi", b"AAAAAA")
    answer = await space.post("", lot(data), as_="lab-software")
    assert answer.status == 200, answer.body
    page = await page_of(await space.visit("patient"), "", document_of(answer).split("/")[1])
    assert page.pdf is None
    assert page.line.warnings == (
        "Un fichier du document n'est pas du type annoncé : il n'est pas extrait.",
    )
    assert page.results, "the rest is read"
