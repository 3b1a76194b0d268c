# SPDX-License-Identifier: EUPL-1.2
"""Words of FHIRPath, each with its place."""

import re
from collections.abc import Iterator
from typing import Final

from carnet.fhir.fhirpath.refusals import WrongPath, placed

BLANK: Final = re.compile(r"\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/")
WORD: Final = re.compile(
    r"""(?P<moment>@(?:T[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?
         | [0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?
         (?:T(?:[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?)?))
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<variable>[$%](?:[A-Za-z_][A-Za-z0-9_]*|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`))
    | (?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}

Word = tuple[str, str, int]  # kind, text, place


def words(text: str) -> Iterator[Word]:
    """Every word, then one of kind `end`."""
    at = 0
    while True:
        while blank := BLANK.match(text, at):
            at = blank.end()
        if at == len(text):
            yield "end", "", at
            return
        found = WORD.match(text, at)
        if found is None or found.lastgroup is None:
            raise placed(WrongPath, at, "this is no word of FHIRPath.")
        yield found.lastgroup, found[0], at
        at = found.end()


def unescaped(text: str) -> str:
    """What a text between quotes says."""

    def one(found: re.Match[str]) -> str:
        letter = found[1]
        return chr(int(letter[1:], 16)) if len(letter) > 1 else ESCAPED.get(letter, letter)

    return ESCAPE.sub(one, text)
