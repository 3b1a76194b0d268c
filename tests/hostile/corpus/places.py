# SPDX-License-Identifier: EUPL-1.2
"""Documents that go in and would act when they are shown: a hostile text in each place a page shows.

Each is a French laboratory report of the demonstration's patient but for what attacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from xml.sax.saxutils import escape

from carnet.population import report
from tests.documents.lots import BINARY, lot, metadata
from tests.hostile.corpus import markup, pdf
from tests.hostile.corpus.bait import Bait
from tests.hostile.share import some
from tests.people import PATIENT, POPULATION

START: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)
CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")

Bundle = dict[str, Any]


def documents(bait: Bait) -> dict[str, Bundle]:
    """Every one, as an ITI-65 lot, by name."""
    made: dict[str, Bundle] = {}
    for name, value in markup.texts(bait).items():
        number = len(made)
        made[f"text-{name}"] = _sent(everywhere(_report(number), value), number, value)
    for name, value in markup.narratives(bait).items():
        if not name.startswith("text-"):
            number = len(made)
            made[f"narrative-{name}"] = _sent(told(_report(number), value), number)
    for name, (media, content) in files(bait).items():
        number = len(made)
        made[f"file-{name}"] = _file(content, media, number, name)
    for name, content in some(pdf.documents(bait).items(), 5):
        if len(content) < 1_000_000 and content:
            number = len(made)
            made[f"pdf-{name}"] = _file(content, "application/pdf", number, name)
    return made


def _report(number: int) -> str:
    moment = START + timedelta(minutes=number)
    return report(POPULATION, PATIENT, moment, panels=("glycaemia",)).xml.decode()


def everywhere(document: str, value: str) -> str:
    """The text as title, section titles, names of author and place, labels, comments, units."""
    text = escape(CONTROLS.sub("", value)).replace("\r", "&#13;")
    inside, short = (_attribute(each) for each in (value, value[:60]))
    head, patient, rest = _around_patient(document)
    for place in ("title", "family", "name", "originalText"):
        pattern = re.compile(rf"(<{place}>)[^<]*(</{place}>)")
        rest = pattern.sub(lambda found: found[1] + text + found[2], rest)
        head = pattern.sub(lambda found: found[1] + text + found[2], head)
    rest = re.sub(r'displayName="[^"]*"', lambda _: f'displayName="{inside}"', rest)
    rest = re.sub(r'unit="[^"]*"', lambda _: f'unit="{short}"', rest)
    rest = re.sub(r"(<t[dh][^>]*>)[^<]+(</t[dh]>)", lambda found: found[1] + text + found[2], rest)
    return told(head + patient + rest, f"<paragraph>{text}</paragraph>")


def _attribute(value: str) -> str:
    return escape(CONTROLS.sub("", value), {'"': "&quot;"}).replace("\n", "&#10;")


def _around_patient(document: str) -> tuple[str, str, str]:
    """What names the patient is left as it is: another name would be refused."""
    start, end = document.index("<recordTarget"), document.index("</recordTarget>")
    return document[:start], document[start:end], document[end:]


def told(document: str, narrative: str) -> str:
    """The narrative put first in the text of the first section."""
    assert "<text>" in document
    return document.replace("<text>", f"<text>{narrative}", 1)


def _sent(document: str, number: int, title: str = "") -> Bundle:
    data = document.encode()
    return lot(data, **_told(data, number, title))


def _told(data: bytes, number: int, title: str, media: str = "text/xml") -> dict[str, Any]:
    """Metadata with the hostile text wherever they hold one."""
    document = metadata(data)
    attachment = document["content"][0]["attachment"] | {"contentType": media, "url": BINARY}
    changes: dict[str, Any] = {"date": (START + timedelta(minutes=number)).isoformat()}
    if title := CONTROLS.sub("", title)[:1000].strip():
        attachment["title"] = title
        practitioner = document["contained"][0]
        changes["description"] = title
        changes["contained"] = [
            practitioner | {"name": [{"family": title, "given": [title], "prefix": [title]}]}
        ]
        changes["type"] = {
            "coding": [document["type"]["coding"][0] | {"display": title}],
            "text": title,
        }
        changes["context"] = {"facilityType": {"text": title}, "practiceSetting": {"text": title}}
    return changes | {"content": [{"attachment": attachment}]}


def _file(content: bytes, media: str, number: int, name: str) -> Bundle:
    return lot(content, media=media, **_told(content, number, f"Fichier {name}", media))


def files(bait: Bait) -> dict[str, tuple[str, bytes]]:
    """Files that a browser would run, were it let, under types that lie or not."""
    html = f"<html><body onload={markup.ACT}><script>{markup.ACT}</script>".encode()
    remote = f"<html><img src={bait.url}/i><script src={bait.url}/s></script>".encode()
    svg = f'<svg xmlns="{markup.SVG}" onload="{markup.ACT}"><script>{markup.ACT}</script></svg>'.encode()
    xhtml = f'<html xmlns="{markup.XHTML}"><script>{markup.ACT}</script></html>'.encode()
    styled = (
        f'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="{bait.url}/x.xsl"?>'
        f'<html xmlns="{markup.XHTML}"><script>{markup.ACT}</script></html>'
    ).encode()
    types: dict[str, Callable[[], bytes]] = {
        "text/html": lambda: html,
        "text/html; charset=utf-7": lambda: html,
        "application/xhtml+xml": lambda: xhtml,
        "image/svg+xml": lambda: svg,
        "text/plain": lambda: html,
        "text/rtf": lambda: html,
        "application/rtf": lambda: html,
        "image/png": lambda: svg,
        "image/jpeg": lambda: html,
        "image/tiff": lambda: html,
        "application/pdf": lambda: html,
        "application/json": lambda: html,
        "application/javascript": lambda: b"window.__canary(1)",
        "text/css": lambda: f"@import '{bait.url}/c.css'".encode(),
        "text/csv": lambda: b"=cmd|' /C calc'!A0\n",
        "message/rfc822": lambda: b"Content-Type: text/html\n\n" + html,
        "multipart/related": lambda: b"--x\nContent-Type: text/html\n\n" + html,
        "multipart/x-mixed-replace": lambda: b"--x\nContent-Type: text/html\n\n" + html,
        "application/octet-stream": lambda: remote,
        "application/xml": lambda: styled,
        "text/xsl": lambda: styled,
        "application/zip": lambda: b"PK\x03\x04" + bytes(60),
        "application/hta": lambda: html,
        "x/y": lambda: html,
    }  # fmt: skip
    return {media.replace("/", "-"): (media, make()) for media, make in types.items()}
