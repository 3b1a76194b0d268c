# SPDX-License-Identifier: EUPL-1.2
"""`./run bench` lists the figures, `./run bench NAME...` or `all` runs them; `--write` keeps the table.

With `--write` what was seen replaces docs/reference/figures.md. Nothing is asserted: a figure is
read, beside its limit and the load of the machine.
"""

import ast
import importlib
import platform
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "figures.md"
LAST = ("campaign", "fuzz")  # minutes, not seconds


def figures() -> dict[str, str]:
    """Name and subject of each figure, the longest last; `_name.py` is not one."""
    names = sorted(HERE.glob("[!_]*.py"), key=lambda path: (path.stem in LAST, path.stem))
    return {
        path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]
        for path in names
    }


def main(arguments: list[str]) -> int:
    """Exit status: 0, or 2 for a name that is no figure."""
    known = figures()
    named = [name for name in arguments if name not in ("--list", "--write")]
    unknown = [name for name in named if name not in known and name != "all"]
    if unknown:
        print(f"No such figure: {', '.join(unknown)}. There are: {', '.join(known)}.")
        return 2
    if not named or "--list" in arguments:
        for name, subject in known.items():
            print(f"{name:10} {subject}")
        print("all        every one of them; --write keeps the table in docs/reference/figures.md")
        return 0
    for name in known if "all" in named else named:
        print(f"{name}: {known[name]}", flush=True)
        importlib.import_module(f"bench.{name}").run()
    if "--write" in arguments:
        write()
    return 0


def write() -> None:
    """The page of figures, its table made anew."""
    from bench import _told  # only once there is something to tell

    head, _, rest = PAGE.read_text("utf-8").partition("<!-- seen -->")
    _, _, tail = rest.partition("<!-- end -->")
    loads = sorted(each.load for each in _told.SEEN)
    said = (
        f"\n\nSeen on {_told.today()}, {_told.MACHINE}, Python {platform.python_version()},"
        f" load average {loads[0]:.1f} to {loads[-1]:.1f} while measuring.\n\n"
    )
    PAGE.write_text(f"{head}<!-- seen -->{said}{_told.table()}\n\n<!-- end -->{tail}", "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
