# SPDX-License-Identifier: EUPL-1.2
"""The pages of an export: plain HTML that opens from a folder, without script, network or style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from urllib.parse import quote

from carnet.export.words import LANGUAGES, say
from carnet.identity.traits import LOCAL

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;"
    "border-bottom:1px solid #bbb;padding:.3rem .6rem}code{overflow-wrap:anywhere}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def named(name: str, language: str) -> str:
    """`index.html`, `index.en.html`."""
    return f"{name}.html" if language == "fr" else f"{name}.{language}.html"


def moment(at: datetime | None) -> str:
    """A date and an hour as France lives them; "" for none."""
    return at.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M") if at else ""


def link(path: str, text: str) -> str:
    """A link to a file of the archive."""
    return f'<a href="{escape(quote(path))}">{escape(text)}</a>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are HTML already."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{each}</td>" for each in row) + "</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>\n"


def page(language: str, name: str, title: str, body: str) -> bytes:
    """A whole page, with a link to itself in the other language; name: its path without language."""
    other = next(each for each in LANGUAGES if each != language)
    path = named(name.rpartition("/")[2], other)
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n"
        f'<p lang="{other}"><a href="{escape(quote(path))}" hreflang="{other}">'
        f"{escape(say(language, 'other'))}</a></p>\n<h1>{escape(title)}</h1>\n{body}</body></html>\n"
    ).encode()
