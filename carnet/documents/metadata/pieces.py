# SPDX-License-Identifier: EUPL-1.2
"""The small shapes of FHIR made from the small values of CDA: concepts, quantities, dates, places.

Identifiers (IHE MHD): a CDA id without extension is `urn:ietf:rfc:3986|urn:oid:<root>`, as the
examples of PDSm4DMP write it; with an extension it is `urn:oid:<root>|<extension>`, which a token
search finds whole. XDS's `root^extension` can be made again from it.
"""

import re
from decimal import Decimal
from typing import Any, Final

from carnet.documents import nomenclature
from carnet.documents.cda.datatypes import (
    Address,
    Code,
    Id,
    Interval,
    Name,
    Period,
    Quantity,
    Ratio,
    Telecom,
)
from carnet.documents.cda.values import Value

Json = dict[str, Any]

RFC3986: Final = "urn:ietf:rfc:3986"
UCUM: Final = "http://unitsofmeasure.org"
# A unit is offered as a UCUM code when it can be one: printable ASCII without spaces.
UNIT: Final = re.compile("[!-~]+")
LANGUAGE: Final = re.compile("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
SCHEMES: Final = {"tel": "phone", "fax": "fax", "mailto": "email", "http": "url", "https": "url"}
# Use of an address or telecom, HL7 v3 → FHIR.
USES: Final = {"H": "home", "HP": "home", "HV": "home", "WP": "work", "TMP": "temp", "MC": "mobile"}
# Words of a table that answer a question and name nothing.
YES: Final = frozenset({"oui", "fait", "x"})
NO: Final = frozenset({"non"})
# How a line begins that says there is nothing: it is no name of a problem, an allergy or a treatment.
NOTHING: Final = re.compile(r"(aucune?s?|néant|neant|ras|pas de)\b|pas d['’]")
ABSENCE: Final = re.compile(
    r"absence (de\b|d['’])"
)  # of a pulse, of an appetite: a problem may be one
INTEGERS: Final = 2**31  # FHIR R4, integer
INSTANT: Final = re.compile(r".{10}T.{8}(\..+)?(Z|[+-].{5})")


def identifier(number: Id) -> Json:
    """A CDA identifier as a FHIR Identifier (see the module)."""
    if number.extension is None:
        return {"system": RFC3986, "value": number.system}
    return {"system": number.system, "value": number.extension}


def answers(text: str) -> bool:
    """Whether a text only answers: a yes, a cross, a number, a date. It names nothing."""
    folded = _folded(text)
    return folded in YES | NO or not any(each.isalpha() for each in folded)


def denies(text: str | None) -> bool:
    """Whether a text is a no, and nothing else."""
    return _folded(text or "") in NO


def says_nothing(text: str | None, *, absence: bool = True) -> bool:
    """Whether words alone say that there is nothing: "Aucune allergie connue".

    absence: whether "absence de…" says it too; not of a problem, which may be called so.
    """
    folded = _folded(text or "")
    return bool(NOTHING.match(folded) or (absence and ABSENCE.match(folded)))


def _folded(text: str) -> str:
    return text.strip().rstrip(".").casefold()


def concept(code: Code | None) -> Json | None:
    """A CodeableConcept: the code, its translations, and the words of the author.

    What makes the code more precise (a side, a stage) is in words: FHIR's codes have no qualifier.
    Words that only say yes, or a number, are another cell of the table: they name nothing.
    """
    if code is None:
        return None
    codings = [c for c in (_coding(c) for c in (code, *code.translations)) if c]
    original = code.original
    if original and answers(original) and not denies(original) and code.display:
        original = None
    text = original or (None if any("display" in c for c in codings) else code.label)
    if code.qualifiers and (named := text or code.label):
        folded = named.casefold()
        said = [q.said for q in code.qualifiers if q.value.casefold() not in folded]
        text = f"{named} ({', '.join(dict.fromkeys(said))})" if said else text
    return kept({"coding": codings, "text": text}) or None


def _coding(code: Code) -> Json | None:
    if not code.code:
        return None
    return kept(
        {
            "system": nomenclature.system(code.system) if code.system else None,
            "code": code.code,
            "display": code.display,
        }
    )


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def quantity(amount: Quantity) -> Json:
    """A Quantity with its digits as written."""
    made: Json = {"value": _number(amount.value)}
    if amount.comparator:
        made["comparator"] = amount.comparator
    if amount.unit:
        made["unit"] = amount.unit
        if UNIT.fullmatch(amount.unit):
            made |= {"system": UCUM, "code": amount.unit}
    return made


def _number(value: Decimal) -> Decimal | int:
    """Integers are ints in memory; digits after the point stay."""
    exponent = value.as_tuple().exponent
    return int(value) if isinstance(exponent, int) and exponent >= 0 else value


def effective(at: Period | None, otherwise: str | None) -> Json:
    """effectiveDateTime or effectivePeriod."""
    if at is None:
        return {"effectiveDateTime": otherwise} if otherwise else {}
    if at.point or not (at.low and at.high):
        return {"effectiveDateTime": at.first}
    return {"effectivePeriod": period(at)}


def period(at: Period | None) -> Json | None:
    """A Period; a point starts and ends at once, an end alone is taken for the start PDSm asks."""
    if at is None:
        return None
    return kept({"start": at.first, "end": at.high})


def value(found: Value | None) -> Json:
    match found:
        case None:
            return {}
        case Quantity():
            return {"valueQuantity": quantity(found)}
        case Interval():
            return {"valueRange": {"low": quantity(found.low), "high": quantity(found.high)}}
        case Ratio():
            return {
                "valueRatio": {
                    "numerator": quantity(found.numerator),
                    "denominator": quantity(found.denominator),
                }
            }
        case Code():
            return {"valueCodeableConcept": concept(found)}
        case Period():
            if found.point:
                return {"valueDateTime": found.first}
            return {"valuePeriod": kept({"start": found.low, "end": found.high})}
        case bool():
            return {"valueBoolean": found}
        case int() if -INTEGERS <= found < INTEGERS:
            return {"valueInteger": found}
        case int():
            return {"valueQuantity": {"value": found}}
        case str():
            return {"valueString": found}


def references(members: list[tuple[int, str]] | None) -> list[Json]:
    return [{"reference": url} for _, url in sorted(members or ())]


def human_name(name: Name) -> Json:
    return kept(
        {
            "family": name.family,
            "given": list(name.given),
            "prefix": [name.prefix] if name.prefix else None,
            "suffix": [name.suffix] if name.suffix else None,
        }
    )


def telecom(found: Telecom) -> Json:
    """A ContactPoint: the scheme says what it is."""
    scheme, colon, rest = found.value.partition(":")
    system = SCHEMES.get(scheme.lower()) if colon else None
    return kept(
        {
            "system": system or "other",
            "value": " ".join((rest if system else found.value).split()),
            "use": USES.get(found.use or ""),
        }
    )


def language(said: str | None) -> str | None:
    """A language as BCP 47 writes it; None for what is not one."""
    return said if said and LANGUAGE.fullmatch(said) else None


def address(found: Address) -> Json:
    use = USES.get(found.use or "")
    return kept(
        {
            "use": use if use != "mobile" else None,
            "line": list(found.lines),
            "city": found.city,
            "postalCode": found.postal_code,
            "country": found.country,
        }
    )


def kept(made: Json) -> Json:
    """Without what is empty: FHIR has no nulls and no empty lists or objects."""
    return {k: v for k, v in made.items() if v is not None and v != [] and v != {} and v != ""}
