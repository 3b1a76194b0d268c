# SPDX-License-Identifier: EUPL-1.2
"""Narrative: what may be shown, and what acts."""

import pytest

from carnet.fhir.validation.narrative import check


def div(inner: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'


@pytest.mark.parametrize(
    "inner",
    [
        "text",
        "<p>a &amp; b &lt; c &#233;<br/></p>",
        '<table class="grid" border="1"><tr><td colspan="2" style="color: red">x</td></tr></table>',
        '<a href="https://example.org/a?b=c#d">x</a>',
        '<a href="#local">x</a><a name="local">y</a>',
        '<a href="Patient/1">x</a>',
        '<a href="mailto:a@example.org">x</a>',
        '<img src="data:image/png;base64,AAAA" alt="x"/>',
        '<img src="#contained" alt="x"/>',
        '<p xml:lang="fr" lang="fr">é</p>',
        "<!-- a comment --><p>x</p>",
    ],
)
def test_what_only_shows_is_taken(inner: str) -> None:
    assert check(div(inner)) is None


@pytest.mark.parametrize(
    "inner",
    [
        "<script>x</script>",
        "<SCRIPT>x</SCRIPT>",
        "<p onclick='x'>x</p>",
        "<p ONCLICK='x'>x</p>",
        "<iframe src='https://example.org'>x</iframe>",
        "<object data='x'>x</object>",
        "<embed src='x'/>x",
        "<form action='x'>x</form>",
        "<input name='x'/>x",
        "<button>x</button>",
        "<link rel='stylesheet' href='x'/>x",
        "<style>p {}</style>x",
        "<meta http-equiv='refresh'/>x",
        "<base href='x'/>x",
        "<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>x",
        "<math xmlns='http://www.w3.org/1998/Math/MathML'/>x",
        "<p xmlns=''>x</p>",
        "<a href='javascript:x'>x</a>",
        "<a href='JaVaScRiPt:x'>x</a>",
        "<a href='java&#10;script:x'>x</a>",
        "<a href=' &#9;javascript:x'>x</a>",
        "<a href='vbscript:x'>x</a>",
        "<a href='data:text/html,x'>x</a>",
        "<a href='data:image/png;base64,AA'>x</a>",
        "<img src='data:text/html,x'/>x",
        "<img src='x' onerror='x'/>x",
        "<img srcset='x'/>x",
        "<p style='width: expression(x)'>x</p>",
        "<p style='background: url(javascript:x)'>x</p>",
        "<p style='\\65xpression(x)'>x</p>",
        "<p xlink:href='x' xmlns:xlink='http://www.w3.org/1999/xlink'>x</p>",
        "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'/>x",
    ],
)
def test_what_acts_is_refused(inner: str) -> None:
    rule = check(div(inner))
    assert rule is not None
    assert rule.endswith(".")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "text",
        "<div>x</div>",
        "<p xmlns='http://www.w3.org/1999/xhtml'>x</p>",
        div(""),
        div(" \n <p> </p>"),
        div("<p>x"),
        div("&nbsp;"),
        div("x") + "y",
        "<!DOCTYPE div>" + div("x"),
        '<!DOCTYPE div [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + div("&a;"),
        div("<p>" * 300 + "x" + "</p>" * 300),
        div("x\x00"),
        None,
        1,
        {"div": "x"},
    ],
)
def test_what_is_no_narrative_is_refused(value: object) -> None:
    assert check(value) is not None
