# SPDX-License-Identifier: EUPL-1.2
"""`./run bench` runs every figure, `./run bench NAME...` those named, `./run bench --list` none."""

import ast
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent


def figures() -> dict[str, str]:
    """Name and subject of each figure, in alphabetical order; `_name.py` is not one."""
    return {
        path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]
        for path in sorted(HERE.glob("[!_]*.py"))
    }


def main(arguments: list[str]) -> int:
    """Exit status: 0, or 2 for a name that is no figure."""
    known = figures()
    asked = [name for name in arguments if name != "--list"] or list(known)
    unknown = [name for name in asked if name not in known]
    if unknown:
        print(f"No such figure: {', '.join(unknown)}. There are: {', '.join(known)}.")
        return 2
    for name in asked:
        print(f"{name}: {known[name]}", flush=True)
        if "--list" not in arguments:
            importlib.import_module(f"bench.{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
