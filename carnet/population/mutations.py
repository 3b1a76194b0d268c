# SPDX-License-Identifier: EUPL-1.2
"""Documents as vendors and life make them: variants of a generated one, and what an entry owes each.

mutations.toml gives every variant its sentence and what is expected of a lenient and of a strict entry;
here is what is done to the document, as text, so that what no writer would write can be written too.
The same population and seed give the same bytes.
"""

import base64
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from struct import pack
from typing import Literal
from uuid import UUID

from carnet.population.cda import oid
from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.people import Person, Population
from carnet.population.timeline import GeneratedDocument, documents

Outcome = Literal["in", "apart", "refused"]
Change = Callable[[str], str | bytes]


@dataclass(frozen=True, slots=True)
class Expected:
    """What an entry does: takes the document, keeps it apart (in quarantine), or refuses it.

    rules: of nomenclature/findings.toml, found besides what the document always shows.
    """

    outcome: Outcome
    rules: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mutation:
    """One variant."""

    name: str
    sentence: str
    on: str  # report: laboratory, level 3; letter: level 1, a PDF
    after: bool  # whether the document itself was deposited before
    lenient: Expected
    strict: Expected

    def expected(self, profile: str) -> Expected:
        """Of the entry named lenient or strict."""
        return self.strict if profile == "strict" else self.lenient

    def apply(self, source: bytes) -> bytes:
        """The document, changed."""
        changed = CHANGES[self.name](source.decode())
        return changed if isinstance(changed, bytes) else changed.encode()


@cache
def mutations() -> tuple[Mutation, ...]:
    """All of them, in the order of the table."""
    return tuple(
        Mutation(
            name=name,
            sentence=row["sentence"],
            on=row.get("on", "report"),
            after=row.get("after", False),
            lenient=_expected(row["lenient"]),
            strict=_expected(row.get("strict", row["lenient"])),
        )
        for name, row in table("mutations").items()
    )


def mutated(population: Population, seed: int) -> Iterator[tuple[str, bytes, Mutation]]:
    """Name, bytes and expectation of every mutation, each on a document drawn from the population.

    Those that follow the document itself (`after`) come right after it, named `original`.
    """
    for mutation in mutations():
        chance = Chance(seed, "mutation", mutation.name)
        person = chance.pick(population.people)
        found = bases(population, person)
        while mutation.on not in found:
            person = chance.pick(population.people)
            found = bases(population, person)
        source = renumbered(found[mutation.on].xml, seed, mutation.name)
        if mutation.after:
            yield "original", source, mutation
        yield mutation.name, mutation.apply(source), mutation


def bases(population: Population, person: Person) -> Mapping[str, GeneratedDocument]:
    """The documents of a person that mutations start from; first versions of their kind."""
    found: dict[str, GeneratedDocument] = {}
    for each in islice(documents(population, person), 60):
        if each.version == 1 and each.replaces is None:
            if each.kind == "11502-2" and b"14771-0" in each.xml:
                found.setdefault("report", each)
            elif b"<nonXMLBody>" in each.xml:
                found.setdefault("letter", each)
    return found


def renumbered(source: bytes, *path: object) -> bytes:
    """The same as another document: an id and a set of its own, which follow from the path."""
    text = source.decode()
    for element in ("id", "setId"):
        own = f'\n<{element} root="{oid("mutation", element, *path)}"'
        text = re.sub(rf'\n<{element} root="[^"]*"', own, text, count=1)
    return text.encode()


def _expected(said: str) -> Expected:
    outcome, *rules = said.split()
    if outcome not in ("in", "apart", "refused"):
        raise ValueError(said)
    return Expected(outcome, frozenset(rules))  # type: ignore[arg-type]


# ---------------------------------------------------------------- how a text is changed


def _put(pattern: str, new: str, *, count: int = 1) -> Change:
    """A pattern replaced; a document that does not have it is a mistake of this table."""

    def change(text: str) -> str:
        changed, times = re.subn(pattern, new, text, count=count, flags=re.S)
        if not times:
            raise ValueError(pattern)
        return changed

    return change


def _all(pattern: str, new: str) -> Change:
    return _put(pattern, new, count=0)


def _then(*changes: Change) -> Change:
    def change(text: str) -> str | bytes:
        for each in changes[:-1]:
            step = each(text)
            assert isinstance(step, str)
            text = step
        return changes[-1](text)

    return change


def _without(element: str) -> Change:
    """An element of the head taken away, with what it holds."""
    return _put(rf"\n<{element}(?: [^>]*)?(?:/>|>.*?</{element}>)(?=\n)", "")


def _declared(encoding: str, codec: str) -> Change:
    def change(text: str) -> bytes:
        declared = text.replace('encoding="UTF-8"', f'encoding="{encoding}"', 1)
        return declared.encode(codec, "xmlcharrefreplace")

    return change


def _narrative(markup: str) -> Change:
    """Something put at the beginning of the first narrative block."""
    return _put("<text>", f"<text>{markup}")


def _file(content: Callable[[], bytes], media: str | None = "application/pdf") -> Change:
    """Another file in the body of a letter."""

    def change(text: str) -> str:
        attribute = f'mediaType="{media}" ' if media else ""
        body = base64.b64encode(content()).decode()
        new = f'<nonXMLBody><text {attribute}representation="B64">{body}</text></nonXMLBody>'
        return re.sub("<nonXMLBody>.*</nonXMLBody>", lambda _: new, text, flags=re.S)

    return change


def _wrapped(width: int, end: str, indent: str = "") -> Change:
    """Base64 on lines, as many writers cut it."""

    def lines(found: re.Match[str]) -> str:
        whole = found[2]
        cut = [whole[place : place + width] for place in range(0, len(whole), width)]
        return found[1] + end + "".join(f"{indent}{line}{end}" for line in cut)

    def change(text: str) -> str:
        return re.sub(r'(representation="B64">)([A-Za-z0-9+/=]+)', lines, text)

    return change


def _replacing(*relations: str) -> Change:
    """A second version that says what it replaces; {} is the document's own id."""

    def change(text: str) -> str:
        own = re.search(r'\n<id root="([^"]*)"/>', text)
        assert own is not None
        number = zlib.crc32("".join(relations).encode())
        related = "".join(
            f'<relatedDocument typeCode="RPLC"><parentDocument>{each.format(own[1])}'
            "</parentDocument></relatedDocument>\n"
            for each in relations
        )
        text = text.replace(own[0], f'\n<id root="2.25.79{number}{own[1][-8:]}"/>', 1)
        text = text.replace('<versionNumber value="1"/>', '<versionNumber value="2"/>', 1)
        place = "<componentOf>" if "<componentOf>" in text else "<component>"
        return text.replace(place, related + place, 1)

    return change


def _ins(other: Callable[[str], str]) -> Change:
    def change(text: str) -> str:
        return re.sub(
            r'(<patientRole><id extension=")([0-9AB]{15})"',
            lambda found: f'{found[1]}{other(found[2])}"',
            text,
            count=1,
        )

    return change


def _wrong_key(number: str) -> str:
    return number[:13] + f"{int(number[13:]) % 97 + 1:02}"


def _another(number: str) -> str:
    """A right number of nobody: the next order of the same birth."""
    root = number[:10] + f"{900 + (int(number[10:13]) - 900 + 51) % 100}"
    digits = int(root.replace("2A", "19").replace("2B", "18"))
    return f"{root}{97 - digits % 97:02}"


def _prefixed(text: str) -> str:
    """Every element of HL7 under a prefix."""
    text = text.replace('xmlns="urn:hl7-org:v3"', 'xmlns:hl7="urn:hl7-org:v3"', 1)
    return re.sub(r"<(/?)(?![?!])(?![a-z]+:)([A-Za-z])", r"<\1hl7:\2", text)


def _in_parts(text: str) -> str:
    """The default namespace said again on the parts, the root under a prefix."""
    text = text.replace('xmlns="urn:hl7-org:v3"', 'xmlns:n1="urn:hl7-org:v3"', 1)
    text = text.replace("<ClinicalDocument ", "<n1:ClinicalDocument ", 1)
    text = text.replace("/><templateId", "/>\n<templateId")
    text = text.replace("</ClinicalDocument>", "</n1:ClinicalDocument>")
    return re.sub(r"\n<([a-z][A-Za-z]*)(?=[ />])", r'\n<\1 xmlns="urn:hl7-org:v3"', text)


def _presented(text: str) -> str:
    """A document that carries its own style sheet (auto-présentable)."""
    sheet = (
        '<?xml-stylesheet type="text/xsl" href="#sheet"?>\n'
        '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0" id="sheet">'
        '<xsl:template match="/"><html><body onload="alert(1)"><xsl:apply-templates/></body></html>'
        "</xsl:template>"
    )
    head, _, rest = text.partition("?>\n")
    return f"{head}?>\n{sheet}{rest}</xsl:stylesheet>"


def _png() -> bytes:
    """A small picture, as a scan begins."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([255, 200, 255, 255]) for _ in range(8))
    head = chunk(b"IHDR", pack(">IIBBBBB", 4, 8, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _tiff() -> bytes:
    """Four grey pixels."""
    tags = (
        (256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 2), (279, 4, 1, 4),
    )  # fmt: skip
    table = pack("<H", len(tags)) + b"".join(pack("<HHII", *tag) for tag in tags) + pack("<I", 0)
    return b"II*\0" + pack("<I", 12) + bytes((0, 80, 160, 240)) + table


JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300"
    + "10" * 64
    + "ffc0000b080001000101011100ffc4001400010000000000000000000000000000000affc40014100100000000"
    "00000000000000000000000000ffda0008010100003f0037ffd9"
)


def _scan() -> bytes:
    """A PDF that holds a picture and no text."""
    return _pdf(b"q 200 0 0 200 50 500 cm /I Do Q")


def _hollow() -> bytes:
    """A PDF of one empty page."""
    return _pdf(b"")


def _pdf(drawn: bytes) -> bytes:
    picture = (
        b"<</Type/XObject/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray"
        b"/Length 4>>stream\n\x00\x50\xa0\xf0\nendstream"
    )
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</I 5 0 R>>>>"
        b"/Contents 4 0 R>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        picture,
    )
    made, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj%s endobj\n" % (number, each)
    start = len(made)
    made += b"xref\n0 6\n0000000000 65535 f \n"
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start


GLUCOSE = r'value xsi:type="PQ" value="[0-9.]+" unit="mmol/L"'
PATIENT_ID = r'<id extension="([0-9AB]{15})" root="1\.2\.250\.1\.213\.1\.4\.10"/>'
NARRATIVE_END = r"</table></text>"

CHANGES: Mapping[str, Change] = {
    # the text as bytes
    "byte-order-mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "iso-8859-1": _declared("ISO-8859-1", "iso-8859-1"),
    "windows-1252": _declared("windows-1252", "cp1252"),
    "utf-16": lambda text: text.replace('encoding="UTF-8"', 'encoding="UTF-16"', 1).encode(
        "utf-16"
    ),
    "encoding-lied-about": lambda text: text.encode("iso-8859-1", "replace"),
    "no-declaration": _put(r"^<\?xml[^>]*\?>\n", ""),
    "line-ends-of-windows": lambda text: text.replace("\n", "\r\n"),
    "cut-short": lambda text: text[: len(text) * 2 // 3],
    "after-the-end": lambda text: text + "\n<!-- sent by the software -->\n\n",
    "junk-after-the-end": lambda text: text + "\n-----boundary--",
    # the text as XML
    "prefixes-everywhere": _prefixed,
    "default-namespace-on-parts": _in_parts,
    "schema-location": _put(
        "<ClinicalDocument ", '<ClinicalDocument xsi:schemaLocation="urn:hl7-org:v3 CDA.xsd" '
    ),
    "comments": _all(r"\n<(component|author|recordTarget)", r"\n<!-- software 4.2 -->\n<\1"),
    "processing-instructions": _put(
        "<ClinicalDocument ",
        '<?xml-stylesheet type="text/xsl" href="cda.xsl"?>\n<ClinicalDocument ',
    ),
    "cdata": _put(r"<title>([^<]*)</title>", r"<title><![CDATA[\1]]></title>"),
    "own-style-sheet": _presented,
    "document-type": _put("<ClinicalDocument ", "<!DOCTYPE ClinicalDocument>\n<ClinicalDocument "),
    "entity": _then(
        _put(
            "<ClinicalDocument ",
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n<ClinicalDocument ',
        ),
        _put(r"<title>[^<]*", "<title>&e;"),
    ),
    "html-entity": _put(r"<title>[^<]*", "<title>Compte&nbsp;rendu"),
    "spaces-between-elements": _all("><", "> \n\t<"),
    "empty-elements-with-null-flavour": _then(
        _all(r"<telecom [^>]*/>", '<telecom nullFlavor="NASK"/>'),
        _all(r"<houseNumber>[^<]*</houseNumber>", '<houseNumber nullFlavor="UNK"/>'),
    ),
    "unknown-elements": _put(
        "<recordTarget>", '<v:stamp xmlns:v="urn:vendor:x"><v:a/></v:stamp>\n<recordTarget>'
    ),
    "not-a-cda": lambda text: '<?xml version="1.0"?><html><body>Bonjour</body></html>',
    "empty-clinical-document": lambda text: '<ClinicalDocument xmlns="urn:hl7-org:v3"/>',
    # identifiers and codes
    "id-as-urn-oid": _put(r'\n<id root="([^"]*)"/>', r'\n<id root="urn:oid:\1"/>'),
    "id-as-uuid": lambda text: re.sub(
        r'\n<id root="([^"]*)"/>',
        f'\n<id root="{UUID(int=zlib.crc32(text.encode()))}"/>',
        text,
        count=1,
    ),
    "id-as-uuid-in-capitals": lambda text: re.sub(
        r'\n<id root="([^"]*)"/>',
        f'\n<id root="{str(UUID(int=0xABCD << 96 | zlib.crc32(text.encode()))).upper()}"/>',
        text,
        count=1,
    ),
    "id-with-extension": _put(
        r'\n<id root="([^"]*)"/>', r'\n<id root="\1" extension="DOC 0042/A"/>'
    ),
    "id-with-spaces": _put(r'\n<id root="([^"]*)"/>', r'\n<id root=" \1 "/>'),
    "id-that-is-a-name": _put(r'\n<id root="([^"]*)"/>', r'\n<id root="CR-\1"/>'),
    "no-id": _put(r'\n<id root="[^"]*"/>', ""),
    "no-set": _without("setId"),
    "no-version": _without("versionNumber"),
    "version-zero": _put('<versionNumber value="1"/>', '<versionNumber value="0"/>'),
    "no-realm": _without("realmCode"),
    "no-template": _put(r'(?:<templateId root="[^"]*"/>)+', ""),
    "no-language": _without("languageCode"),
    "language-in-english": _put("fr-FR", "en-US"),
    "no-type": _put(r"\n<code [^>]*/>", ""),
    "type-unknown": _put(r'\n<code code="[^"]*"', '\n<code code="99999-9"'),
    "confidentiality-restricted": _put(
        r'<confidentialityCode code="N" displayName="Normal"',
        '<confidentialityCode code="R" displayName="Restreint"',
    ),
    "confidentiality-unknown": _put(
        '<confidentialityCode code="N"', '<confidentialityCode code="Z"'
    ),
    "no-confidentiality": _without("confidentialityCode"),
    "masked-from-professionals": _put(
        r"(<confidentialityCode [^>]*/>)",
        r'\1\n<confidentialityCode code="MASQUE_PS" displayName="Masqué aux professionnels de santé"'
        r' codeSystem="1.2.250.1.213.1.1.4.13"/>',
    ),
    # what the head says
    "no-title": _without("title"),
    "empty-title": _put(r"<title>[^<]*</title>", "<title/>"),
    "title-with-spaces": _put(r"<title>([^<]*)</title>", r"<title>  \1 \n </title>"),
    "long-title": _put(r"<title>[^<]*", "<title>" + "Compte rendu détaillé " * 40),
    "no-author": _without("author"),
    "author-without-name": _put(r"<assignedPerson><name>.*?</name></assignedPerson>", ""),
    "author-with-only-a-software": _put(
        r"<assignedPerson>.*?</assignedPerson>",
        "<assignedAuthoringDevice><softwareName>Logiciel</softwareName></assignedAuthoringDevice>",
    ),
    "no-custodian": _without("custodian"),
    "no-legal-authenticator": _without("legalAuthenticator"),
    "several-service-events": lambda text: re.sub(
        r"(<documentationOf>.*?</documentationOf>)", r"\1\n\1", text, count=1, flags=re.S
    ),
    "no-service-event": _put(r"<documentationOf>.*</documentationOf>\n?", ""),
    "no-encounter": _put(r"<componentOf>.*</componentOf>\n?", ""),
    "date-of-a-day": _put(r'(\n<effectiveTime value="[0-9]{8})[^"]*"', r'\1"'),
    "date-without-zone": _put(r'(\n<effectiveTime value="[0-9]{14})[^"]*"', r'\1"'),
    "date-with-fractions": _put(r'(\n<effectiveTime value="[0-9]{14})', r"\1.452"),
    "date-in-iso": _put(
        r'\n<effectiveTime value="[^"]*"', '\n<effectiveTime value="2024-03-05T10:00:00Z"'
    ),
    "date-in-the-future": _put(r'\n<effectiveTime value="....', '\n<effectiveTime value="2092'),
    "no-date": _put(r'\n<effectiveTime value="[^"]*"/>', '\n<effectiveTime nullFlavor="UNK"/>'),
    "no-date-at-all": _put(r'\n<effectiveTime value="[^"]*"/>', ""),
    # whose it is
    "no-ins": _put(PATIENT_ID, ""),
    "ins-with-spaces": _ins(lambda number: f" {number[:1]} {number[1:]}"),
    "ins-wrong-key": _ins(_wrong_key),
    "ins-without-key": _ins(lambda number: number[:13]),
    "ins-of-nobody": _ins(_another),
    "ins-of-production": _put(PATIENT_ID, r'<id extension="\1" root="1.2.250.1.213.1.4.8"/>'),
    "ins-of-an-unknown-system": _put(
        PATIENT_ID, r'<id extension="\1" root="1.2.250.1.213.1.4.99"/>'
    ),
    "two-ins": lambda text: re.sub(
        PATIENT_ID,
        lambda found: found[0] + found[0].replace(found[1], _another(found[1])),
        text,
        count=1,
    ),
    "two-patients": _put(r"(\n<recordTarget>.*?</recordTarget>)", r"\1\1"),
    "no-patient": _without("recordTarget"),
    "other-birth-name": _put(r'<family qualifier="BR">[^<]*', '<family qualifier="BR">ZZYZX'),
    "birth-name-in-small-letters": lambda text: re.sub(
        r'(<family qualifier="BR">)([^<]*)',
        lambda found: found[1] + found[2].title(),
        text,
        count=1,
    ),
    "other-given-name": _put(r'<given qualifier="BR">[^<]*', '<given qualifier="BR">ZEPHIRIN'),
    "other-birth-date": _put(r'<birthTime value="....', '<birthTime value="1903'),
    "other-sex": lambda text: re.sub(
        r'administrativeGenderCode code="([FM])"',
        lambda found: f'administrativeGenderCode code="{"M" if found[1] == "F" else "F"}"',
        text,
        count=1,
    ),
    "other-birth-place": _put(r"<county>[^<]*", "<county>75056"),
    "no-birth-place": _put(r"<birthplace>.*?</birthplace>", ""),
    "only-a-used-name": _then(
        _put(r'<family qualifier="BR">[^<]*</family>', ""),
        _put(r'<given>[^<]*</given><given qualifier="BR">[^<]*</given>', ""),
    ),
    # versions
    "same-again": lambda text: text,
    "same-id-other-bytes": _put(r"<title>", "<title>Autre "),
    "replaces-it": _replacing('<id root="{}"/>'),
    "replaces-unknown": _replacing('<id root="2.25.4242"/>'),
    "replaces-itself": _then(
        lambda text: text,
        _put(
            r'\n<id root="([^"]*)"/>(.*?)(<componentOf>|\n<component>)',
            r'\n<id root="\1"/>\2<relatedDocument typeCode="RPLC"><parentDocument><id root="\1"/>'
            r"</parentDocument></relatedDocument>\n\3",
        ),
    ),
    "replaces-nothing": _replacing('<id nullFlavor="UNK"/>'),
    "replaces-two": _replacing('<id root="{}"/>', '<id root="2.25.4343"/>'),
    # the body, structured
    "no-body": _put(r"\n<component><structuredBody>.*</structuredBody></component>", ""),
    "empty-body": _put(r"<structuredBody>.*</structuredBody>", "<structuredBody/>"),
    "section-without-text": _put(r"<text>.*?</text>", ""),
    "section-without-code": _put(r"(<section>(?:<templateId [^>]*/>)*)<code [^>]*/>", r"\1"),
    "script-in-the-narrative": _narrative("<script>fetch('https://evil.example')</script>"),
    "style-in-the-narrative": _narrative(
        "<style>body{background:url(https://evil.example)}</style>"
    ),
    "frame-in-the-narrative": _narrative('<iframe src="https://evil.example"/>'),
    "handlers-in-the-narrative": _put(
        "<table ", '<table onload="alert(1)" onmouseover="alert(2)" '
    ),
    "script-in-a-link": _narrative('<linkHtml href="javascript:alert(1)">ici</linkHtml>'),
    "picture-from-elsewhere": _narrative('<renderMultiMedia referencedObject="nowhere"/>'),
    "html-in-the-narrative": _narrative("<div><p>Bonjour <b>à tous</b></p><br></br></div>"),
    "anchor-twice": _narrative('<content ID="resultat-01">x</content>'),
    "unit-in-other-letters": _put('unit="mmol/L"', 'unit="MMOL/L"'),
    "unit-as-people-write-it": _put('unit="mmol/L"', 'unit="mmol/l"'),
    "unit-of-mass": _put(GLUCOSE, 'value xsi:type="PQ" value="1.26" unit="g/l"'),
    "unit-unknown": _put('unit="mmol/L"', 'unit="unités"'),
    "no-unit": _put(r'(value xsi:type="PQ" value="[0-9.]+") unit="mmol/L"', r"\1"),
    "decimal-comma": _put(
        r'(value xsi:type="PQ" value="[0-9]+)\.([0-9]+" unit="mmol/L")', r"\1,\2"
    ),
    "value-as-text": _put(
        r"<" + GLUCOSE + "/>", '<value xsi:type="ST">6,97 mmol/L (contrôlé)</value>'
    ),
    "value-below": _put(
        r"<" + GLUCOSE + "/>",
        '<value xsi:type="IVL_PQ"><high value="0.5" unit="mmol/L" inclusive="false"/></value>',
    ),
    "value-not-made": _put(r"<" + GLUCOSE + "/>", '<value xsi:type="PQ" nullFlavor="NASK"/>'),
    "local-code-beside": _put(
        r'(<code code="14771-0" [^>]*>)(<originalText>.*?</originalText>)',
        r'\1\2<translation code="GLY" displayName="Glycémie" codeSystem="1.2.250.1.999.1"/>',
    ),
    "local-code-alone": _put(
        r'<code code="14771-0" displayName="[^"]*" codeSystem="[^"]*" codeSystemName="LOINC"',
        '<code code="GLY" displayName="Glycémie" codeSystem="1.2.250.1.999.1"',
    ),
    "reference-to-no-place": _put(
        '<reference value="#resultat-01"/>', '<reference value="#nulle-part"/>'
    ),
    # the body, a file
    "base64-on-lines": _wrapped(76, "\n"),
    "base64-on-indented-lines": _wrapped(64, "\r\n", "        "),
    "base64-in-one-cdata": _put(r'(representation="B64">)([A-Za-z0-9+/=]+)', r"\1<![CDATA[\2]]>"),
    "base64-broken": _put(r'representation="B64">....', 'representation="B64">*é!?'),
    "base64-cut": _put(r"[A-Za-z0-9+/]=*</text></nonXMLBody>", "</text></nonXMLBody>"),
    "no-media-type": _put(' mediaType="application/pdf"', ""),
    "media-type-with-parameter": _put('"application/pdf"', '"application/pdf; charset=utf-8"'),
    "pdf-named-text-xml": _put('mediaType="application/pdf"', 'mediaType="text/xml"'),
    "pdf-named-jpeg": _put('mediaType="application/pdf"', 'mediaType="image/jpeg"'),
    "no-representation": _put(' representation="B64"', ""),
    "scan-as-pdf": _file(_scan),
    "empty-page": _file(_hollow),
    "scan-as-png": _file(_png, "image/png"),
    "scan-as-tiff": _file(_tiff, "image/tiff"),
    "scan-as-jpeg": _file(lambda: JPEG, "image/jpeg"),
    "scan-named-pdf": _file(_png),
    "rtf": _file(lambda: rb"{\rtf1\ansi Bonjour \b gras\b0\par}", "text/rtf"),
    "plain-text": _file("Bonjour, tout va bien.\n".encode, "text/plain"),
    "word": _file(lambda: b"PK\x03\x04" + bytes(60), "application/msword"),
    "html-file": _file(lambda: b"<html><script>alert(1)</script></html>", "text/html"),
    "program-named-pdf": _file(lambda: b"MZ\x90\x00" + bytes(200)),
    "empty-file": _file(lambda: b""),
    "file-elsewhere": _put(
        r"<nonXMLBody>.*</nonXMLBody>",
        '<nonXMLBody><text mediaType="application/pdf"><reference value="https://evil.example/a.pdf"/>'
        "</text></nonXMLBody>",
    ),
    "empty-text": _put(r"<nonXMLBody>.*</nonXMLBody>", "<nonXMLBody><text/></nonXMLBody>"),
}
