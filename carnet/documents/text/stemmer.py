# SPDX-License-Identifier: EUPL-1.2
"""The stem of a French word: plural and singular, verb and noun, meet in one form.

Our own writing of the French algorithm that Snowball publishes (Martin Porter, 2002; version 3); tables
as data, steps in its order. It takes one word, lower case, accents in place.
Source: snowballstem.org/algorithms/french/stemmer.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

VOWELS = "aeiouyâàëéêèïîôûù"
LONGEST = 64  # letters: what is longer is no word of a language

# Standard suffixes (step 1), each group with what becomes of it.
REMOVED = (
    "ances iqUes ismes ables istes eux ance iqUe isme able iste".split()
)  # fmt: skip
WITH_IC = "atrices ateurs ations atrice ateur ation".split()
LOGY = "logies logie".split()
ENCE = "ences ence".split()
UTION = "usions utions usion ution".split()
VERBAL = "issements issement".split()
ITY = "ités ité".split()
IVE = "ives ive ifs if".split()
EMENT = "ements ement".split()
OTHERS = "eaux aux oux euses euse amment emment ments ment".split()
STANDARD = sorted(
    [*REMOVED, *WITH_IC, *LOGY, *ENCE, *UTION, *VERBAL, *ITY, *IVE, *EMENT, *OTHERS],
    key=len,
    reverse=True,
)
I_VERBS = sorted(
    "îmes ît îtes i ie Ie ies ir ira irai iraIent irais irait iras irent irez iriez irions irons"
    " iront is issaIent issais issait issant issante issantes issants isse issent isses issez issiez"
    " issions issons it".split(),
    key=len,
    reverse=True,
)
I_VERBS.remove("Ie")
E_VERBS = (
    "é ée ées és èrent er era erai eraIent erais erait eras erez eriez erions erons eront ez iez"
)
A_VERBS = "âmes ât âtes a ai aIent ais ait ant ante antes ants as asse assent asses assiez assions"
VERBS = sorted(["ions", *E_VERBS.split(), *A_VERBS.split()], key=len, reverse=True)
RESIDUAL = sorted("ion ier ière Ier Ière e".split(), key=len, reverse=True)
DOUBLES = ("enn", "onn", "ett", "ell", "eill")


@dataclass(slots=True)
class _Word:
    """A word being cut, and where its regions begin."""

    text: str
    rv: int
    r1: int
    r2: int

    def ends(self, suffix: str, region: int = 0) -> bool:
        return self.text.endswith(suffix) and len(self.text) - len(suffix) >= region

    def cut(self, suffix: str, by: str = "") -> None:
        self.text = self.text[: len(self.text) - len(suffix)] + by


@lru_cache(1 << 14)
def stem(word: str) -> str:
    """The stem of a lower case word."""
    if len(word) > LONGEST:
        return word
    held = _marked(word)
    made = _Word(held, _rv(held), *_regions(held))
    changed, go_on = _standard(made)
    if go_on:
        changed = _i_verb(made)
        if not changed:
            changed = _verb(made)
    if changed:
        if made.text.endswith("Y"):
            made.text = made.text[:-1] + "i"
        elif made.text.endswith("ç"):
            made.text = made.text[:-1] + "c"
    else:
        _residual(made)
    for double in DOUBLES:
        if made.text.endswith(double):
            made.text = made.text[:-1]
            break
    made.text = re.sub(f"[éè]([^{VOWELS}]+)$", r"e\1", made.text)
    made.text = made.text.replace("He", "ë").replace("Hi", "ï")
    return made.text.lower()


def _marked(word: str) -> str:
    """Vowels that count as consonants, in upper case; ë and ï after an h of their own."""
    made = list(word.replace("ë", "He").replace("ï", "Hi"))
    for at, letter in enumerate(made):
        before = made[at - 1] if at else ""
        after = made[at + 1] if at + 1 < len(made) else ""
        around = before != "" and before in VOWELS and after != "" and after in VOWELS
        if (letter in "ui" and around) or (letter == "u" and before == "q"):
            made[at] = letter.upper()
        elif letter == "y" and (
            (before != "" and before in VOWELS) or (after != "" and after in VOWELS)
        ):
            made[at] = "Y"
    return "".join(made)


def _rv(word: str) -> int:
    if len(word) >= 2 and word[0] in VOWELS and word[1] in VOWELS:
        return min(3, len(word))
    if word.startswith(("par", "col", "tap")):
        return 3
    return _after_vowel(word)


def _after_vowel(word: str) -> int:
    """After the first vowel that does not begin the word."""
    for at in range(1, len(word)):
        if word[at] in VOWELS:
            return at + 1
    return len(word)


def _regions(word: str) -> tuple[int, int]:
    found = []
    start = 0
    for _ in range(2):
        match = re.compile(f"[{VOWELS}][^{VOWELS}]").search(word, start)
        start = match.end() if match else len(word)
        found.append(start)
    return found[0], found[1]


def _standard(made: _Word) -> tuple[bool, bool]:
    """Step 1: (whether it changed the word, whether verbs are looked at next)."""
    found = next((each for each in STANDARD if made.ends(each)), None)
    if found is None:
        return False, True
    r2 = made.ends(found, made.r2)
    if found in REMOVED:
        if r2:
            made.cut(found)
            return True, False
    elif found in WITH_IC:
        if r2:
            made.cut(found)
            _ic(made)
            return True, False
    elif found in LOGY:
        if r2:
            made.cut(found, "log")
            return True, False
    elif found in UTION:
        if r2:
            made.cut(found, "u")
            return True, False
    elif found in ENCE:
        if r2:
            made.cut(found, "ent")
            return True, False
    elif found in EMENT:
        if made.ends(found, made.rv):
            made.cut(found)
            _before_ement(made)
            return True, False
    elif found in ITY:
        if r2:
            made.cut(found)
            if made.ends("abil"):
                made.cut("abil", "" if made.ends("abil", made.r2) else "abl")
            elif made.ends("ic"):
                _ic(made)
            elif made.ends("iv", made.r2):
                made.cut("iv")
            return True, False
    elif found in IVE:
        if r2:
            made.cut(found)
            if made.ends("at", made.r2):
                made.cut("at")
                _ic(made)
            return True, False
    elif found == "eaux":
        made.cut("eaux", "eau")
        return True, False
    elif found == "oux":  # bijoux, genoux
        if len(made.text) > 3 and made.text[-4] in "bhjlnp":
            made.cut("x")
            return True, False
    elif found == "aux":
        if made.ends(found, made.r1):
            made.cut("aux", "al")
            return True, False
    elif found in ("euse", "euses"):
        if r2:
            made.cut(found)
            return True, False
        if made.ends(found, made.r1):
            made.cut(found, "eux")
            return True, False
    elif found in VERBAL:
        at = len(made.text) - len(found)
        if made.ends(found, made.r1) and at and made.text[at - 1] not in VOWELS:
            made.cut(found)
            return True, False
    elif found in ("amment", "emment"):
        if made.ends(found, made.rv):
            made.cut(found, "ant" if found[0] == "a" else "ent")
            return True, True
    else:  # ment, ments
        at = len(made.text) - len(found)
        if at > made.rv and made.text[at - 1] in VOWELS:
            made.cut(found)
            return True, True
    return False, True


def _ic(made: _Word) -> None:
    if made.ends("ic"):
        made.cut("ic", "" if made.ends("ic", made.r2) else "iqU")


def _before_ement(made: _Word) -> None:
    if made.ends("iv"):
        if made.ends("iv", made.r2):
            made.cut("iv")
            if made.ends("at", made.r2):
                made.cut("at")
    elif made.ends("eus"):
        if made.ends("eus", made.r2):
            made.cut("eus")
        elif made.ends("eus", made.r1):
            made.cut("eus", "eux")
    elif made.ends("abl") or made.ends("iqU"):
        if made.ends("abl", made.r2):
            made.cut("abl")
        elif made.ends("iqU", made.r2):
            made.cut("iqU")
    elif made.ends("ièr", made.rv) or made.ends("Ièr", made.rv):
        made.cut("ièr", "i")


def _i_verb(made: _Word) -> bool:
    """Step 2a."""
    found = next((each for each in I_VERBS if made.ends(each, made.rv)), None)
    if found is None:
        return False
    at = len(made.text) - len(found)
    if at <= made.rv or made.text[at - 1] in VOWELS or made.text[at - 1] == "H":
        return False
    made.cut(found)
    return True


def _verb(made: _Word) -> bool:
    """Step 2b."""
    found = next((each for each in VERBS if made.ends(each, made.rv)), None)
    if found is None:
        return False
    if found == "ions":
        if not made.ends(found, made.r2):
            return False
        made.cut(found)
        return True
    made.cut(found)
    if found in A_VERBS.split() and made.ends("e", made.rv):
        made.cut("e")
    return True


def _residual(made: _Word) -> None:
    """Step 4."""
    if (
        len(made.text) > 1
        and made.text.endswith("s")
        and (made.text[-2] not in "aiouès" or made.text.endswith("His"))
    ):
        made.cut("s")
    found = next((each for each in RESIDUAL if made.ends(each, made.rv)), None)
    if found == "ion":
        at = len(made.text) - 3
        if made.ends("ion", made.r2) and at > made.rv and made.text[at - 1] in "st":
            made.cut("ion")
    elif found == "e":
        made.cut("e")
    elif found:
        made.cut(found, "i")
