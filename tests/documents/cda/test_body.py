# SPDX-License-Identifier: EUPL-1.2
"""Narrative made HTML: nothing of the source's markup passes."""

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from carnet.documents import cda
from carnet.documents.cda import body
from carnet.fhir import xml
from carnet.fhir.validation import narrative

TAGS = {
    "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "p", "div", "ul", "ol", "li",
    "sub", "sup", "br", "span", "ins", "del", "img",
}  # fmt: skip
ATTRIBUTES = {"class", "colspan", "rowspan", "scope"}
DATA = re.compile("data:image/(png|jpeg);base64,[A-Za-z0-9+/]+=*")


class Strict(HTMLParser):
    """Fails on any tag or attribute that is not ours, and on a tag left open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        if tag == "img":
            assert dict(attrs).keys() == {"alt", "src"}
            assert DATA.fullmatch(dict(attrs)["src"] or "")
            return
        for name, value in attrs:
            assert name in ATTRIBUTES
            assert value
            assert value.replace(" ", "").isalnum()
        if tag in ("p", "div", "table", "ul", "ol"):
            assert "p" not in self.open, "HTML would end the paragraph there"
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("br", "img")
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError("a declaration")


def checked(html: str) -> str:
    """The text of a piece of HTML that holds nothing else than what is allowed."""
    parser = Strict()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return "".join(parser.text)


def html(inside: str) -> str:
    return body.html(xml.parse(f'<text xmlns="urn:hl7-org:v3">{inside}</text>'.encode()))


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("bonjour", "<p>bonjour</p>"),
        ("<paragraph>a<br/>b</paragraph>", "<p>a<br/>b</p>"),
        ("<list><item>a</item><item>b</item></list>", "<ul><li>a</li><li>b</li></ul>"),
        ('<list listType="ordered"><item>a</item></list>', "<ol><li>a</li></ol>"),
        ("<paragraph>x<sup>2</sup> H<sub>2</sub>O</paragraph>", "<p>x<sup>2</sup> H<sub>2</sub>O</p>"),
        (
            '<paragraph><content styleCode="Bold Underline xFancy">a</content> b</paragraph>',
            '<p><span class="bold underline">a</span> b</p>',
        ),
        (
            '<table border="1"><caption>t</caption><tbody><tr><th scope="row">a</th>'
            '<td colspan="2" align="left">b</td></tr></tbody></table>',
            '<table><caption>t</caption><tbody><tr><th scope="row">a</th>'
            '<td colspan="2">b</td></tr></tbody></table>',
        ),
        ("<paragraph><table><tr><td>a</td></tr></table></paragraph>",
         "<div><table><tr><td>a</td></tr></table></div>"),
        ("<table><tr><td><renderMultiMedia referencedObject='x'/></td></tr></table>", ""),
        ("<content styleCode='BoldItalics'>a</content>", '<p><span class="bold italic">a</span></p>'),
        ("<content revised='delete'>a</content>b", "<p><del>a</del>b</p>"),
        ("<content revised='insert'>a</content>b", "<p><ins>a</ins>b</p>"),
        ("a<footnote>b</footnote>", '<p>a <span class="note">[b]</span></p>'),
        ("a<footnote ID='x'>b</footnote> c<footnoteRef IDREF='x'/>",
         '<p>a <span class="note">[1. b]</span> c <span class="note">[1]</span></p>'),
        ("a<footnoteRef IDREF='y'/><footnote ID='x'>b</footnote><footnote ID='y'>c</footnote>",
         '<p>a <span class="note">[1]</span> <span class="note">[b]</span>'
         ' <span class="note">[1. c]</span></p>'),
        ("a<footnoteRef IDREF='elsewhere'/><footnoteRef/>",
         '<p>a <span class="note">[*]</span> <span class="note">[*]</span></p>'),
        ("<paragraph><caption>t</caption>a</paragraph>", "<div><p>t</p>a</div>"),
        ("<paragraph>a<renderMultiMedia><caption>t</caption></renderMultiMedia></paragraph>",
         "<div>a<p>t</p></div>"),
        ("<list><caption><paragraph>t</paragraph></caption><item>a</item></list>",
         "<div><p>t</p></div><ul><li>a</li></ul>"),
        ("<content><paragraph>a</paragraph></content>", "<p>a</p>"),
        ("<list><caption>t</caption>x<item>a</item>y<content>b</content></list>",
         "<p>t</p><ul><li>x</li><li>a</li><li>y</li><li>b</li></ul>"),
        ("<linkHtml href='https://a.fr/b'>ici</linkHtml>",
         '<p>ici <span class="link">(https://a.fr/b)</span></p>'),
        ("<linkHtml href='https://a.fr/b'>https://a.fr/b</linkHtml>", "<p>https://a.fr/b</p>"),
        ("<linkHtml href='AVK.pdf'>ici</linkHtml>", '<p>ici <span class="link">(AVK.pdf)</span></p>'),
        ("<linkHtml href='#x'>ici</linkHtml>", "<p>ici</p>"),
        ("", ""),
        (" \n ", ""),
    ],
)  # fmt: skip
def test_each_narrative_element_has_its_own(source: str, made: str) -> None:
    """CDA's on the left, ours on the right."""
    assert html(source) == made
    checked(made)


HOSTILE = [
    "<script>alert(1)</script>",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
    "<x:img xmlns:x='http://www.w3.org/1999/xhtml' src='x' onerror='alert(1)'/>a",
    "<paragraph onclick='alert(1)' style='color:red' id='x'>a</paragraph>",
    "<content styleCode='bold\" onclick=\"alert(1)'>a</content>",
    "<content styleCode='&lt;script&gt;'>a</content>",
    "<linkHtml href='javascript:alert(1)'>a</linkHtml>",
    "<linkHtml href='https://tracker.example/x'>a</linkHtml>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<![CDATA[</td></table><img src=x onerror=alert(1)>]]>",
    "<table><tr><td colspan='2\" onmouseover=\"alert(1)' rowspan='-1' scope='x y'>a</td></tr></table>",
    "<table><tr><td colspan='99999'>a</td><td rowspan='٣'>b</td></tr></table>",
    "<x:svg xmlns:x='http://www.w3.org/2000/svg'><x:animate onbegin='alert(1)'/>a</x:svg>",
    "<iframe src='x'>a</iframe><object data='x'/><style>@import 'x'</style>",
    "<paragraph>&amp;lt;b&amp;gt; &#34; &#39;</paragraph>",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_no_markup_of_the_source_passes(source: str) -> None:
    """Text stays text, whatever it looks like; a link is words, and never what would run."""
    made = html(source)
    checked(made)
    assert "href" not in made
    assert "javascript" not in made


NAMES = st.sampled_from(
    ["table", "tr", "td", "th", "paragraph", "list", "item", "content", "br", "caption", "sup",
     "linkHtml", "script", "renderMultiMedia", "footnote", "footnoteRef", "img"]
)  # fmt: skip
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8
)
VALUES = st.one_of(
    TEXTS, st.sampled_from(["Bold", "2", "row", "Bold Italics", "1001", '"><script>'])
)
NODES: st.SearchStrategy[Any] = st.recursive(
    st.tuples(NAMES, VALUES, TEXTS, TEXTS, st.just([])),
    lambda inner: st.tuples(NAMES, VALUES, TEXTS, TEXTS, st.lists(inner, max_size=4)),
    max_leaves=20,
)


def letters(text: str) -> Counter[str]:
    """How many there are of each: captions come first, wherever they stood."""
    return Counter("".join(text.split()))


def build(node: Any) -> etree._Element:
    name, value, text, tail, inner = node
    attributes = dict.fromkeys(
        ("styleCode", "colspan", "rowspan", "scope", "listType", "onclick", "ID", "IDREF"), value
    )
    made = etree.Element(f"{{urn:hl7-org:v3}}{name}", attributes)
    made.text, made.tail = text, tail
    made.extend([build(i) for i in inner])
    return made


@given(NODES)
def test_whatever_the_narrative_the_html_is_ours(
    node: Any,
) -> None:
    """Made at random, parsed by a reader that knows only our tags; no word is lost."""
    root = etree.Element("{urn:hl7-org:v3}text")
    root.append(build(node))
    made = body.html(root)
    said = checked(made)
    assert not letters("".join(root.itertext())) - letters(said)
    if made:
        assert narrative.check(f'<div xmlns="http://www.w3.org/1999/xhtml">{made}</div>') is None


def test_sections_come_in_reading_order(laboratory: bytes) -> None:
    """With their place in the source, their code and their title."""
    sections = cda.read(laboratory).sections
    assert [(s.level, s.code and s.code.code, s.title) for s in sections] == [
        (1, "18719-5", "BIOCHIMIE & co"),
        (1, "18725-2", "ECBU"),
        (1, "55108-5", "Copie du document"),
    ]
    assert sections[1].place == "structuredBody/component[2]/section"
    assert sections[1].html == "<p>Culture : Escherichia coli</p>"
    assert sections[2].html == ""
    text = checked(sections[0].html)
    assert "onclick" not in sections[0].html
    assert "< 0,5 mg/L" in text
    assert "clair, x2" in text


def test_sections_inside_sections_are_found(laboratory: bytes) -> None:
    """At their level, after the one that holds them."""
    source = laboratory.replace(
        b"<title>ECBU</title>",
        b"""<title>ECBU</title>
      <component><section><title>Dedans</title><text>a</text></section></component>""",
    )
    sections = cda.read(source).sections
    assert [(s.level, s.title) for s in sections][1:3] == [(1, "ECBU"), (2, "Dedans")]
    assert sections[2].place == "structuredBody/component[2]/section/component[1]/section"
