# SPDX-License-Identifier: EUPL-1.2
"""Pack the table of UCUM into carnet/fhir/ucum/ucum.toml: codes and what each is worth, no prose.

    python tools/pack_ucum.py ucum-essence.xml

The source is `ucum-essence.xml` of github.com/ucum-org/ucum. Nothing is computed here: values and
defining expressions stay as UCUM writes them, and `carnet/fhir/ucum` works them out exactly.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from lxml import etree

TABLE = Path(__file__).parent.parent / "carnet" / "fhir" / "ucum" / "ucum.toml"
NAMESPACE = "{http://unitsofmeasure.org/ucum-essence}"
HEAD = """\
# SPDX-License-Identifier: EUPL-1.2
# What each UCUM code is worth. Made by tools/pack_ucum.py: never edited by hand.
# Source: UCUM, ucum-essence.xml version {version}, {date} (github.com/ucum-org/ucum).
# This file includes a portion of the UCUM table, whose copyright is the Regenstrief Institute's:
# https://ucum.org/license. Codes and values are theirs, unchanged; names and symbols are left out.

"""


def main(source: str) -> int:
    """Write the table."""
    root = etree.parse(source).getroot()
    base, prefixes, metric, plain, arbitrary, special = [], {}, {}, {}, {}, {}
    for each in root:
        if not isinstance(each.tag, str):
            continue
        code = each.get("Code")
        value = each.find(f"{NAMESPACE}value")
        match each.tag.removeprefix(NAMESPACE):
            case "base-unit":
                base.append(code)
            case "prefix":
                prefixes[code] = value.get("value")
            case "unit":
                function = value.find(f"{NAMESPACE}function")
                if function is not None:
                    worth = f"{function.get('name')} {function.get('value')} {function.get('Unit')}"
                    special[code] = worth
                else:
                    where = metric if each.get("isMetric") == "yes" else plain
                    where = arbitrary if each.get("isArbitrary") == "yes" else where
                    where[code] = f"{value.get('value')} {value.get('Unit')}"
                if each.get("isMetric") == "yes" and code not in metric:
                    metric.setdefault("", "")
                    metric[""] += f"{code} "
    also = metric.pop("", "").split()
    lines = [HEAD.format(version=root.get("version"), date=root.get("revision-date"))]
    lines.append(f"base = {_list(base)}\n")
    lines.append(f"# arbitrary or special, and yet they take prefixes\nprefixed = {_list(also)}\n")
    for name, table in (
        ("prefixes", prefixes),
        ("metric", metric),
        ("plain", plain),
        ("arbitrary", arbitrary),
        ("special", special),
    ):
        lines.append(f"\n[{name}]\n")
        lines += [f'"{code}" = "{worth}"\n' for code, worth in table.items()]
    TABLE.write_text("".join(lines), "utf-8")
    return 0


def _list(codes: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{code}"' for code in codes) + "]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
