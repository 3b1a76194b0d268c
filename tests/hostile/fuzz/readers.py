# SPDX-License-Identifier: EUPL-1.2
"""Everything that reads what others wrote, as functions of bytes: what the fuzzers drive.

A reader gives a value or raises one of REFUSAL; anything else is a fault. Where what was read has a
promise to keep (a narrative that runs nothing, a date in order), the reader checks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from joserfc.jwk import OKPKey

from carnet import errors
from carnet.access.keyring import Held, Keyring
from carnet.access.tokens import Tokens
from carnet.documents import files
from carnet.documents.cda import conformance, datatypes, read
from carnet.documents.content import decoded
from carnet.documents.files import images, pdf, plain, rtf
from carnet.documents.files import refusal as files_refusal
from carnet.fhir import dates, json, paths, ucum, xml
from carnet.fhir import definitions as r4
from carnet.fhir.search import dates as search_dates
from carnet.fhir.search import extract, tokens
from carnet.fhir.search.parse import Parser
from carnet.fhir.store.cursors import Cursors
from carnet.fhir.store.ids import Ids
from carnet.fhir.store.owners import Owners
from carnet.fhir.validation import narrative, structure
from carnet.identity import ins, traits
from carnet.rest import http, transaction

Reader = Callable[[bytes], Any]
REFUSAL: Final = (
    errors.CarnetError, ucum.NotUcum, ucum.NotConvertible, files_refusal.Refusal,
)  # fmt: skip
MEDIA: Final = (
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/tiff",
    "text/plain",
    "text/rtf",
)

NOW: Final = datetime(2026, 11, 22, 8, tzinfo=UTC)
KEY: Final = bytes(range(32))

# What a narrative of ours is made of, whole: a tag that is not one of these was let through.
OURS: Final = re.compile(
    r"<(?:/?(?:table|thead|tbody|tfoot|tr|p|div|ul|ol|li|sub|sup|span|caption|th|td)|br/?)"
    r"(?: (?:class=\"[a-z ]+\"|(?:col|row)span=\"[0-9]{1,4}\"|scope=\"[a-z]+\"))*>"
)


def text_of(content: bytes) -> str:
    """Text as it arrives once decoded: any character, no half of one."""
    return content.decode("utf-8", "replace")


def cda(content: bytes) -> object:
    """A whole document; its narrative keeps to our tags."""
    document = read(content)
    for section in document.sections:
        rest = OURS.sub("", section.html)
        assert "<" not in rest and ">" not in rest, rest[:200]
    conformance.conformance(document, profile=conformance.Profile.STRICT)
    return document


def resource(content: bytes) -> object:
    """A resource: its structure, then what searches and tokens are made of it."""
    value = json.parse(content)
    if not structure.check(value):
        extract.extract(value)
        assert json.parse(json.dump(value)) == value
    return value


def bundle(content: bytes) -> object:
    """The entries of a transaction."""
    value = json.parse(content)
    if structure.check(value) or value.get("resourceType") != "Bundle":
        return None
    for index, entry in enumerate(value.get("entry", [])):
        with suppress(errors.CarnetError):
            transaction.shape_of(parser(), entry, index)
    return value


def narrative_div(content: bytes) -> object:
    """A narrative that passes has nothing that acts."""
    text = text_of(content)
    refusal = narrative.check(text)
    if refusal is None:
        root = xml.parse(text.encode())
        for element in root.iter():
            assert str(element.tag).partition("}")[2] not in ("script", "iframe", "object", "style")
            for name, value in element.items():
                assert not str(name).startswith("on"), name
                bare = "".join(str(value).split()).lower()
                if name in ("href", "src"):  # elsewhere in an address it is no scheme
                    assert not bare.startswith(("javascript:", "vbscript:", "data:text")), name
                assert name != "style" or "javascript:" not in bare
    return refusal


def search(content: bytes) -> object:
    """A search: the type, a blank, the parameters."""
    word, _, query = content.partition(b" ")
    given = http.parameters(query)
    rtype = word.decode("ascii", "ignore")
    return parser().parse(rtype if rtype in r4.load().types else "Observation", given)


@cache
def parser() -> Parser:
    """A parser of searches with a key of its own."""
    definitions = r4.load()
    ids = Ids(KEY, lambda: NOW, lambda bits: 0)
    return Parser(
        definitions, ids, Cursors(KEY), Owners(definitions), "http://carnet.test/fhir", 20, 100
    )


def path(content: bytes) -> object:
    """An expression of FHIRPath: read, compiled, run on a resource."""
    find = paths.path(text_of(content))
    return find({"resourceType": "Patient", "id": "a", "name": [{"family": "b"}]})


def fhir_date(content: bytes) -> object:
    """A date of FHIR, of a resource and of a search; its ends are in order."""
    text = text_of(content)
    with suppress(errors.CarnetError):
        search_dates.read(text)
    first, after = dates.span(text)
    assert first <= after
    return first, after


def hl7_date(content: bytes) -> object:
    """A CDA timestamp; what comes out is a date of FHIR."""
    written = datatypes.moment(text_of(content))
    if written is not None:
        dates.span(written)
    return written


def identifiers(content: bytes) -> object:
    """Tokens, identities, traits, ids, numbers, as they are typed."""
    text = text_of(content)
    with suppress(errors.CarnetError):
        tokens.read(text)
    with suppress(errors.CarnetError):
        ins.claim(text, "1.2.250.1.213.1.4.10").verified()
    parser().ids.decode(text)
    datatypes.number(text)
    return traits.normal(text), ins.claim(text[:15], text[15:])


def cursor(content: bytes) -> object:
    """A page link."""
    return parser().cursors.read(text_of(content), "Observation")


@cache
def _tokens() -> Tokens:
    key = OKPKey.generate_key("Ed25519", parameters={"kid": "k"})
    keys = Keyring([Held(key, 0)], lambda: NOW, 300)
    return Tokens(keys, "http://carnet.test", lambda: NOW, lifetime=300)


def bearer(content: bytes) -> object:
    """A bearer token: none of these is one of ours."""
    try:
        _tokens().verify(text_of(content))
    except errors.Unauthenticated:
        return None
    raise AssertionError("a token nobody gave was taken")


def unit(content: bytes) -> object:
    """A unit of UCUM."""
    return ucum.parse(text_of(content))


def base64(content: bytes) -> object:
    """A file in a resource."""
    return decoded(text_of(content))


def _media(content: bytes) -> None:
    """What a deposit is, by its content, whatever its name and type say."""
    for declared in MEDIA:
        with suppress(errors.CarnetError):
            files.sniff(content, declared, f"f.{declared.rpartition('/')[2]}")


def pdf_file(content: bytes) -> object:
    """A PDF cleaned; what comes out has nothing left to remove."""
    _media(content)
    try:
        removed, made = pdf.clean(content)
    except MemoryError:
        raise
    except Exception:  # whatever a parser raises: the confined child calls it so too
        raise files_refusal.Refusal("unreadable") from None
    again, _ = pdf.clean(made)
    assert not set(again) - {"metadata"}, again
    return removed


def image_file(content: bytes) -> object:
    """A picture cleaned, whatever it says it is; what comes out can be read."""
    _media(content)
    found = []
    for media in images.FORMATS:
        try:
            removed, made = images.clean(content, media)
        except Exception:
            continue
        images.look(made, media)
        found.append((media, removed))
    return found


def rtf_file(content: bytes) -> object:
    """The text of an RTF."""
    _media(content)
    _, made = rtf.clean(content)
    return made.decode()


def text_file(content: bytes) -> object:
    """A text."""
    _media(content)
    _, made = plain.clean(content)
    return made.decode()


READERS: Final[dict[str, Reader]] = {
    "xml": xml.parse,
    "cda": cda,
    "json": json.parse,
    "resource": resource,
    "bundle": bundle,
    "narrative": narrative_div,
    "search": search,
    "path": path,
    "fhir-date": fhir_date,
    "hl7-date": hl7_date,
    "identifiers": identifiers,
    "cursor": cursor,
    "bearer": bearer,
    "unit": unit,
    "base64": base64,
    "pdf": pdf_file,
    "image": image_file,
    "rtf": rtf_file,
    "text": text_file,
}
