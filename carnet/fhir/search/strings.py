# SPDX-License-Identifier: EUPL-1.2
"""Search by string: beginning of a word group, `:exact`, `:contains`; case and accents aside.

Traits of people and places rest readable in record.idx_string. Every other string is sealed: only the
keyed hashes of its beginnings are kept; `:contains` on it opens what may answer (contents.py).
Source: FHIR R4, Search, "string".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256

from carnet import errors
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import array

# Types whose strings are traits of people and places; the docs list them as readable.
READABLE = frozenset(
    "Patient RelatedPerson Person Practitioner PractitionerRole Organization HealthcareService "
    "Location Endpoint".split()
)
# Letters that no decomposition takes apart: a "coeur" is a "cœur".
JOINED = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
LONGEST = 48  # characters of a sealed string that can be searched
LONGEST_READABLE = 500  # of a readable one: an index row holds 2,700 bytes


class WrongString(errors.Invalid):
    """A string to search has one letter or digit at least; 48 at most where the text is sealed, else 500."""


def normalised(text: str) -> str:
    """Lower case, no accents, blanks and punctuation as one space."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark)).translate(JOINED)
    return re.sub(r"[\W_]+", " ", plain).strip()


def readable(text: str) -> tuple[str, str]:
    """Both forms of a readable string: its normalised beginning, and "=" with it as written."""
    return normalised(text)[:LONGEST_READABLE], exact(text)


def exact(text: str) -> str:
    """What `:exact` compares: the text itself, or its digest when it is too long for an index."""
    if len(text) <= LONGEST_READABLE:
        return "=" + text
    return "=" + sha256(text.encode()).hexdigest()


def searched(text: str) -> str:
    """The beginning of a sealed string, as it is kept."""
    return _short(normalised(text), LONGEST)


def checked(rtype: str, text: str, how: str) -> str:
    """A word to search by; WrongString for one that nothing can answer."""
    if how != "exact":
        sealed = rtype not in READABLE and how == "starts"
        _short(normalised(text), LONGEST if sealed else LONGEST_READABLE)
    return text


def beginnings(text: str) -> list[str]:
    """The searchable beginnings of a sealed string, and the whole of it for `:exact`."""
    plain = normalised(text)[:LONGEST]
    kept = [plain[:length] for length in range(1, len(plain) + 1)]
    return [*kept, "=" + text, whole(text)]


def whole(text: str) -> str:
    """The whole of a sealed string, case and accents aside."""
    return "." + normalised(text)


@dataclass(frozen=True, slots=True)
class StringFilter:
    """Any of the words; how: starts, exact, or equal (case and accents aside).

    Where they rest readable, also contains and ends: elsewhere see contents.Within.
    """

    number: int
    words: tuple[str, ...]
    how: str

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        if place.rtype in READABLE:
            return self._readable(values, name)
        if self.how in ("contains", "ends"):
            raise RuntimeError("a sealed string is opened to be compared")
        if self.how == "equal":
            return self._whole(place, values, name)
        looked = ["=" + word if self.how == "exact" else searched(word) for word in self.words]
        hashes = [place.hasher.start(place.rtype_number, self.number, word) for word in looked]
        values[name] = array(hashes)
        return f"r.toks {'@>' if len(hashes) == 1 else '&&'} %({name})s::bigint[]"

    def _whole(self, place: Place, values: dict[str, object], name: str) -> str:
        values[name] = array(
            place.hasher.start(place.rtype_number, self.number, whole(word)) for word in self.words
        )
        return f"r.toks && %({name})s::bigint[]"

    def _readable(self, values: dict[str, object], name: str) -> str:
        values[f"{name}n"] = self.number
        parts = []
        for place, word in enumerate(self.words):
            key = f"{name}w{place}"
            if self.how == "exact":
                values[key] = exact(word)
                parts.append(f"s.value = %({key})s::text")
                continue
            plain = normalised(word)
            if self.how == "equal":
                values[key] = plain
                parts.append(f"s.value = %({key})s::text")
            elif self.how == "contains":
                values[key] = plain
                parts.append(f"(s.value !~ '^=' AND strpos(s.value, %({key})s::text) > 0)")
            elif self.how == "ends":
                values[key] = plain
                parts.append(
                    f"(s.value !~ '^=' AND right(s.value, {len(plain)}) = %({key})s::text)"
                )
            else:
                values[key] = plain
                values[key + "e"] = plain + "\U0010ffff"
                parts.append(f"(s.value >= %({key})s::text AND s.value < %({key}e)s::text)")
        return (
            "EXISTS (SELECT 1 FROM record.idx_string s WHERE s.cid = r.cid AND s.rid = r.rid"
            f" AND s.param = %({name}n)s::smallint AND ({' OR '.join(parts)}))"
        )


def _short(plain: str, longest: int) -> str:
    if not plain or len(plain) > longest:
        raise WrongString
    return plain
