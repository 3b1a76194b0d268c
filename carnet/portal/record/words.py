# SPDX-License-Identifier: EUPL-1.2
"""Numbers, ranges, readings and trends in plain words, in the language of the page.

Nothing here interprets a result: it repeats what the laboratory flagged, or says on which side of
the printed range a number stands.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, gettext_noop

from carnet.documents.pages import Point, ResultLine

Side = Literal["inside", "below", "above", "flagged", "plain"]
NARROW_SPACE = "\u202f"

# HL7 v3 ObservationInterpretation, as a patient reads it.
INTERPRETATIONS: dict[str, tuple[Side, str]] = {
    "N": ("inside", gettext_noop("Dans l’intervalle de référence")),
    "L": ("below", gettext_noop("En dessous de l’intervalle de référence")),
    "H": ("above", gettext_noop("Au-dessus de l’intervalle de référence")),
    "LL": ("below", gettext_noop("Très en dessous : seuil d’alerte du laboratoire")),
    "HH": ("above", gettext_noop("Très au-dessus : seuil d’alerte du laboratoire")),
    "LU": ("below", gettext_noop("Nettement en dessous de l’intervalle de référence")),
    "HU": ("above", gettext_noop("Nettement au-dessus de l’intervalle de référence")),
    "<": ("below", gettext_noop("Sous la limite de mesure")),
    ">": ("above", gettext_noop("Au-delà de la limite de mesure")),
    "A": ("flagged", gettext_noop("Signalé comme anormal par le laboratoire")),
    "AA": ("flagged", gettext_noop("Signalé comme très anormal par le laboratoire")),
    "POS": ("flagged", gettext_noop("Positif")),
    "NEG": ("plain", gettext_noop("Négatif")),
    "IND": ("plain", gettext_noop("Indéterminé")),
    "S": ("plain", gettext_noop("Sensible")),
    "I": ("plain", gettext_noop("Intermédiaire")),
    "R": ("flagged", gettext_noop("Résistant")),
    "DET": ("flagged", gettext_noop("Détecté")),
    "ND": ("plain", gettext_noop("Non détecté")),
}

# HL7 v3 PurposeOfUse.
PURPOSES = {
    "TREAT": gettext_noop("Pour vous soigner"),
    "ETREAT": gettext_noop("En urgence"),
    "BTG": gettext_noop("En urgence, sans votre accord"),
    "CAREMGT": gettext_noop("Pour organiser vos soins"),
    "COORD": gettext_noop("Pour coordonner vos soins"),
    "PATRQT": gettext_noop("À votre demande"),
    "FAMRQT": gettext_noop("À la demande d’un proche autorisé"),
    "HPAYMT": gettext_noop("Pour un remboursement"),
    "HOPERAT": gettext_noop("Pour le fonctionnement du service"),
    "HSYSADMIN": gettext_noop("Pour le fonctionnement du service"),
    "PUBHLTH": gettext_noop("Pour la santé publique"),
    "HRESCH": gettext_noop("Pour la recherche"),
}

LABELS = {
    "MASQUE_PS": gettext_noop("Masqué aux professionnels"),
    "INVISIBLE_PATIENT": gettext_noop("Pas encore visible par le patient"),
    "INVISIBLE_REPRESENTANTS_LEGAUX": gettext_noop("Invisible pour les représentants légaux"),
    "CONNEXION_SECRETE": gettext_noop("Connexion secrète"),
}

SEXES = {"male": gettext_noop("masculin"), "female": gettext_noop("féminin")}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a number says beside its range: a side for the eye, words for everybody."""

    side: Side
    words: str


def number(value: Decimal) -> str:
    """With the digits it was written with, in the manner of the page's language."""
    english = (get_language() or "fr").startswith("en")
    sign, digits = ("-", format(-value, "f")) if value < 0 else ("", format(value, "f"))
    whole, _, decimals = digits.partition(".")
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", "," if english else NARROW_SPACE)
    return sign + whole + (("." if english else ",") + decimals if decimals else "")


FIGURES = re.compile(r"(?<![\w.*^⁰¹²³⁴⁵⁶⁷⁸⁹])\d+(?:\.\d+)?(?![\w*^⁰¹²³⁴⁵⁶⁷⁸⁹])")
NUMERIC = re.compile(r"[<>]?=?-?\d")


def figures(text: str) -> str:
    """The numbers of a short text in the manner of the page's language: <0.5 mmol/L, 128/76."""
    return (
        FIGURES.sub(lambda found: number(Decimal(found[0])), text) if NUMERIC.match(text) else text
    )


def why(reason: str, value: str, unit: str) -> str:
    """Why a value has no point on the curve."""
    if reason == "unit":
        return gettext("Son unité ne se convertit pas en %(unit)s") % {"unit": unit or "1"}
    if reason == "bound":
        if value.startswith(">"):
            return gettext("Au-delà de la limite de mesure : ce n’est pas un nombre exact")
        return gettext("Sous la limite de mesure : ce n’est pas un nombre exact")
    return gettext("Résultat écrit en mots")


def quantity(value: Decimal, unit: str) -> str:
    """A number and its unit, kept on one line."""
    return f"{number(value)}\u00a0{unit}".rstrip("\u00a0")


def spread(low: Decimal | None, high: Decimal | None, written: str = "") -> str:
    """A reference range in words; as the report wrote it when it gives no number."""
    if low is not None and high is not None:
        return gettext("de %(low)s à %(high)s") % {"low": number(low), "high": number(high)}
    if high is not None:
        return gettext("jusqu’à %(high)s") % {"high": number(high)}
    if low is not None:
        return gettext("à partir de %(low)s") % {"low": number(low)}
    return written


def beside(value: Decimal | None, low: Decimal | None, high: Decimal | None) -> Reading | None:
    """On which side of the range a number stands; None when there is nothing to say."""
    if value is None or (low is None and high is None):
        return None
    code = "L" if low is not None and value < low else "N"
    code = "H" if high is not None and value > high else code
    side, words = INTERPRETATIONS[code]
    return Reading(side, gettext(words))


def reading(line: ResultLine) -> Reading | None:
    """What the laboratory flagged; else the side of the range; else nothing."""
    known = INTERPRETATIONS.get(line.interpretation or "")
    if known is not None:
        return Reading(known[0], gettext(known[1]))
    return beside(line.number, line.low, line.high)


def point_reading(point: Point) -> Reading | None:
    """What its own laboratory flagged or printed, never another's range."""
    known = INTERPRETATIONS.get(point.interpretation or "")
    if known is not None:
        return Reading(known[0], gettext(known[1]))
    return beside(point.value, point.low, point.high)


def trend(value: Decimal | None, previous: Decimal | None, at: datetime | None, unit: str) -> str:
    """The change since the last earlier value: arithmetic, no judgement."""
    if value is None or previous is None or at is None:
        return ""
    said = {"value": quantity(previous, unit), "day": day(at)}
    if value > previous:
        return gettext("En hausse depuis %(value)s, le %(day)s") % said
    if value < previous:
        return gettext("En baisse depuis %(value)s, le %(day)s") % said
    return gettext("Stable depuis le %(day)s") % said


def day(at: datetime | date) -> str:
    """12 mars 2026."""
    local = timezone.localtime(at) if isinstance(at, datetime) else at
    return date_format(local, "j F Y")


def moment(at: datetime) -> str:
    """12 mars 2026 à 08:30."""
    return gettext("%(day)s à %(hour)s") % {
        "day": day(at),
        "hour": date_format(timezone.localtime(at), "H:i"),
    }


def purpose(code: str) -> str:
    """Why a record was opened."""
    return gettext(PURPOSES[code]) if code in PURPOSES else code


def label(code: str) -> str:
    """A confidentiality label."""
    return gettext(LABELS[code]) if code in LABELS else code


def sex(code: str) -> str:
    """The administrative sex of INS traits."""
    return gettext(SEXES[code]) if code in SEXES else gettext("indéterminé")
