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
    base = [str(each.get("Code")) for each in root.iter(f"{NAMESPACE}base-unit")]
    prefixes = {
        str(each.get("Code")): str(each.find(f"{NAMESPACE}value", None).get("value"))  # type: ignore[union-attr]
        for each in root.iter(f"{NAMESPACE}prefix")
    }
    metric: dict[str, str] = {}
    plain: dict[str, str] = {}
    arbitrary: dict[str, str] = {}
    special: dict[str, str] = {}
    also = []
    for each in root.iter(f"{NAMESPACE}unit"):
        code = str(each.get("Code"))
        takes_prefixes = each.get("isMetric") == "yes"
        value = each.find(f"{NAMESPACE}value")
        assert value is not None
        function = value.find(f"{NAMESPACE}function")
        worth = f"{value.get('value')} {value.get('Unit')}"
        if function is not None:
            where = special
            worth = f"{function.get('name')} {function.get('value')} {function.get('Unit')}"
        elif each.get("isArbitrary") == "yes":
            where = arbitrary
        else:
            where = metric if takes_prefixes else plain
        where[code] = worth
        if takes_prefixes and where is not metric:
            also.append(code)
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
