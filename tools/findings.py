# SPDX-License-Identifier: EUPL-1.2
"""Writes docs/reference/findings.md from the table of findings: `.venv/bin/python -m tools.findings`.

How many of the agency's published documents show each rule is counted in
tests/documents/examples.toml, which `--examples FOLDER` writes from the documents themselves.
"""

import argparse
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from carnet.documents import cda, nomenclature
from carnet.documents.cda.conformance import Finding, Profile, Severity, conformance

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reference/findings.md"
EXAMPLES = ROOT / "tests/documents/examples.toml"
AT = datetime(2026, 11, 22, tzinfo=UTC)  # when the examples are judged

HEAD = """\
# What may be found wrong in a document

A document received is judged by the rules below. Under a **strict** entry (a production instance, or
`--strict`) an error refuses it, with all that was found at once. Under a **lenient** entry (a demonstration
or test instance, or an entry named so) most of it is a warning, which stays on the document as a *réserve*
and is read by people and software alike. *apart* says when a lenient entry files the document in the record
of an identity in quarantine, never in that of the person it names:
[decision 13](../decisions/0013-quarantine-of-identity.md).

A finding says a rule, a national code, a place and a line, never anything of the content. The weights are
ours; where the published text is not certain, the finding is information. *seen in* counts the national
agency's {count} published examples that show it, judged in a demonstration (in production for
`ins-test-system`); a dash where it needs more than one document to be seen. This page is written by
`tools/findings.py`; a test compares them.

Codes: 900 wrong version, 901 not the author, 902 unknown patient, 903 no INS, 904 another INS than the
record's, 905 strict traits incomplete, 906 anything else.
"""
APART = {
    "": "",
    "always": "always",
    "production": "in production",
    "unheld": "in production, or when nobody has the number",
}
ALONE = frozenset(
    "unknown-patient ins-of-another traits-differ quarantined replaces-unknown replaces-twice"
    " replaces-other-record replaces-two not-author several-people ins-other-system"
    " record-without-ins birth-place-differs type-differs cda-not-first empty-cda not-cda".split()
)  # found against the record or the lot, never in one file


def page() -> str:
    """The whole page."""
    examples = tomllib.loads(EXAMPLES.read_text("utf-8"))["example"]
    return HEAD.format(count=len(examples)) + "".join(_rules(examples))


def _rules(examples: dict[str, Any]) -> Iterator[str]:
    yield "\n| rule | code | strict | lenient | apart | seen in |\n| --- | --- | --- | --- | --- | --- |\n"
    known = nomenclature.table("findings")
    for rule, said in known.items():
        shown = sum(
            rule in (*e["warnings"], *e["information"], *e["production"]) for e in examples.values()
        )
        seen = "—" if rule in ALONE else str(shown)
        apart = APART[said.get("quarantine", "")]
        yield (
            f"| [`{rule}`](#{rule}) | {said['code']} | {said['strict']} | {said['lenient']}"
            f" | {apart} | {seen} |\n"
        )
    for rule, said in known.items():
        yield f"\n## {rule}\n"
        for words in (said, said.get("refused")):  # where it refuses, when the words differ
            if words:
                yield f"\n{words['en'].format('…')}\n\n*{words['fr'].format('…')}*\n"
        yield f"\n{said['why']}\n"


def judged(document: cda.CdaDocument) -> dict[str, list[str]]:
    """Rules found in one example: warnings and information of a demonstration, and errors elsewhere."""
    lenient = conformance(document, profile=Profile.LENIENT, now=AT)
    strict = conformance(document, profile=Profile.STRICT, now=AT)
    production = conformance(document, profile=Profile.STRICT, production=True, now=AT)
    return {
        "refused": _of(lenient, Severity.ERROR),
        "warnings": _of(lenient, Severity.WARNING),
        "information": _of(lenient, Severity.INFORMATION),
        "strict": _of(strict, Severity.ERROR),
        "production": _of(production, Severity.ERROR),
    }


def _of(found: list[Finding], severity: Severity) -> list[str]:
    return sorted({each.rule for each in found if each.severity is severity})


def examples(folder: Path) -> str:
    """The table of examples, from the documents of a folder: names and rules, nothing of their content."""
    lines = [
        "# SPDX-License-Identifier: EUPL-1.2\n",
        "# Facts: what is found in each CDA example the national agency publishes (ANS, TestContenuCDA),\n",
        "# as its files were on 2026-11-22. refused, warnings, information: by a demonstration's lenient\n",
        "# entry; strict: errors of its strict one; production: errors of a production instance.\n",
        "# Written by `python -m tools.findings --examples FOLDER`.\n",
    ]
    for path in sorted(folder.glob("*.xml")):
        lines.append(f'\n[example."{path.name}"]\n')
        for name, rules in judged(cda.read(path.read_bytes())).items():
            lines.append(f"{name} = [{', '.join(f'{chr(34)}{r}{chr(34)}' for r in rules)}]\n")
    return "".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=Path, help="Folder of the agency's CDA examples.")
    if folder := parser.parse_args().examples:
        EXAMPLES.write_text(examples(folder), "utf-8")
    PAGE.write_text(page(), "utf-8")
