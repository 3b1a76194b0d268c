# SPDX-License-Identifier: EUPL-1.2
"""Draws docs/explanation/architecture.svg from the layers that are checked: `python -m tools.architecture`.

Boxes and their order are the import contract of pyproject.toml; each box says the first line of its
package. The way of a read and of a write is drawn beside them.
"""

import ast
import textwrap
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs/explanation/architecture.svg"

WIDTH, LEFT, RIGHT, TOP = 1000, 150, 850, 130
ROW, GAP = 64, 12
MOST = 5  # packages of one row
STYLE = (
    "text{font:14px sans-serif;fill:#1b2733}.name{font-weight:bold;font-size:16px}"
    ".small{font-size:12px}.box{fill:#eef3f7;stroke:#51697d}.slice{fill:#e6f1e8;stroke:#4b7453}"
    ".outside{fill:#fff;stroke:#51697d;stroke-dasharray:5 4}.way{fill:none;stroke:#1b2733;"
    "stroke-width:2;marker-end:url(#end)}.back{stroke-dasharray:6 4}"
)
SAID = {
    "read": "a read: query, scope, one statement",
    "write": "a write: version, audit, outbox in one transaction",
}


def layers() -> list[list[str]]:
    """Packages that exist, layer by layer, the highest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    written = next(each["layers"] for each in contracts if each["type"] == "layers")
    found = []
    for layer in written:
        names = [name.strip() for name in layer.split("|")]
        found.append([name for name in names if not name.startswith("(")])
    return found


def rows() -> list[tuple[list[str], str]]:
    """Each layer, in as many rows as hold its packages, with the style of its boxes."""
    found = []
    for names in layers():
        many = -(-len(names) // MOST)
        each = -(-len(names) // many)
        style = "slice" if len(names) > 1 else "box"
        found += [(names[at : at + each], style) for at in range(0, len(names), each)]
    return found


def subject(package: str) -> str:
    """The first line of a package's docstring, without its full stop."""
    place = ROOT / "carnet" / package / "__init__.py"
    place = place if place.exists() else ROOT / "carnet" / f"{package}.py"
    said = ast.get_docstring(ast.parse(place.read_text("utf-8"))) or ""
    return said.split("\n\n")[0].replace("\n", " ").replace("`", "").rstrip(".")


def box(x: float, y: float, width: float, name: str, text: str, style: str = "box") -> str:
    """A named box and as much of its subject as it holds."""
    room = int((width - 24) / 6.2)
    whole = textwrap.wrap(text, room)
    lines = whole if len(whole) <= 3 else textwrap.wrap(text.split(":")[0], room)[:3]
    drawn = [
        f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height(width)}"'
        ' rx="6"/>',
        f'<text class="name" x="{x + 12:g}" y="{y + 22:g}">{escape(name)}</text>',
    ]
    for index, line in enumerate(lines):
        drawn.append(
            f'<text class="small" x="{x + 12:g}" y="{y + 40 + 15 * index:g}">{escape(line)}</text>'
        )
    return "\n".join(drawn)


def height(width: float) -> int:
    """Narrow boxes are taller: their words take more lines."""
    return ROW if width > 300 else 92


def way(x: float, top: float, foot: float, text: str, *, back: bool) -> str:
    """An arrow beside the layers, down for what is asked and up for what comes back."""
    start, end = (foot, top) if back else (top, foot)
    middle = (top + foot) / 2
    side = x - 12 if x < WIDTH / 2 else x + 22
    label = (
        ""
        if back
        else f'<text class="small" text-anchor="middle" transform="translate({side:g} {middle:g})'
        f' rotate(-90)">{escape(text)}</text>'
    )
    style = "way back" if back else "way"
    return f'<path class="{style}" d="M{x:g} {start:g}V{end:g}"/>{label}'


def picture() -> str:
    """The whole drawing, as SVG without script."""
    drawn, y = [], float(TOP)
    for x, name, text in (
        (LEFT, "people", "a browser: pages in French, then English"),
        (LEFT + 240, "software", "FHIR R4, documents, tokens"),
        (LEFT + 480, "operators", "./run demo, load, check, token"),
    ):
        drawn.append(box(x, 20, 220, name, text, "outside"))
    for names, style in rows():
        width = (RIGHT - LEFT - GAP * (len(names) - 1)) / len(names)
        for index, name in enumerate(names):
            drawn.append(box(LEFT + index * (width + GAP), y, width, name, subject(name), style))
        y += height(width) + GAP
    drawn.append(
        box(LEFT, y + 20, RIGHT - LEFT, "PostgreSQL",
            "one server, embedded or your own: bodies sealed per patient, row-level security, audit",
            "outside")
    )  # fmt: skip
    foot = y + 20
    for x, key, beside in ((LEFT - 70, "read", 30), (RIGHT + 70, "write", -30)):
        drawn.append(way(x, 60, foot + 20, SAID[key], back=False))
        drawn.append(way(x + beside, 60, foot + 20, "", back=True))
    total = foot + ROW + 20
    return (
        "<!-- SPDX-License-Identifier: EUPL-1.2 -->\n"
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total:g}" role="img"'
        ' aria-labelledby="title desc">\n'
        '<title id="title">The parts of Carnet, and who may import whom</title>\n'
        '<desc id="desc">A line imports those below it, never those above; the slices, in the'
        " middle, never import one another. Reads and writes go down through the door to"
        " PostgreSQL and come back.</desc>\n"
        f"<style>{STYLE}</style>\n"
        '<defs><marker id="end" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8"'
        ' markerHeight="8" orient="auto"><path d="M0 0L10 5L0 10z"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{total:g}" fill="#fff"/>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
