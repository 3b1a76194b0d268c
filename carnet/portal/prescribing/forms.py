# SPDX-License-Identifier: EUPL-1.2
"""What a prescriber types: lines, each of the same fields; one that is left empty is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from carnet.composing.prescription import Line, WrongLine, rules

FIRST = 2  # lines shown at first
ASKED = ("medicine", "dose", "unit", "times", "days")  # of each line

# The reasons of rules.toml, for the translation.
REASONS = (
    gettext_noop("marge thérapeutique étroite"),
    gettext_noop("enfant de moins de six ans, forme galénique"),
    gettext_noop("contre-indication formelle à un excipient à effet notoire"),
)


def _text(label: Any, longest: int, **attrs: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", **attrs})
    return forms.CharField(label=label, max_length=longest, required=False, widget=widget)


def _units() -> list[tuple[str, Any]]:
    names = rules()["units"].items()
    return [("", gettext_lazy("Choisissez")), *((name, said[0]) for name, said in names)]


def _reasons() -> list[tuple[str, Any]]:
    known = rules()["unsubstitutable"].items()
    said = ((code, f"{code}, {_(why)}") for code, why in known)
    return [("", gettext_lazy("Substituable")), *said]


FIELDS: Mapping[str, Callable[[], forms.Field]] = {
    "medicine": lambda: _text(
        gettext_lazy("Médicament : dénomination commune, dosage, forme"), 200
    ),
    "dose": lambda: _text(gettext_lazy("Dose à chaque prise"), 12, inputmode="decimal"),
    "unit": lambda: forms.ChoiceField(label=gettext_lazy("Unité"), choices=_units, required=False),
    "times": lambda: _text(gettext_lazy("Prises par jour"), 3, inputmode="numeric"),
    "days": lambda: _text(gettext_lazy("Durée, en jours"), 4, inputmode="numeric"),
    "renewals": lambda: _text(gettext_lazy("Renouvellements"), 3, inputmode="numeric"),
    "needed": lambda: forms.BooleanField(label=gettext_lazy("Si besoin"), required=False),
    "words": lambda: _text(gettext_lazy("Précisions"), 200),
    "cis": lambda: _text(gettext_lazy("Code CIS, huit chiffres"), 8, inputmode="numeric"),
    "unsubstitutable": lambda: forms.ChoiceField(
        label=gettext_lazy("Substitution"), choices=_reasons, required=False
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One field of a line, and whether it may be left empty."""

    field: forms.BoundField
    optional: str


class PrescriptionForm(forms.Form):
    """The lines; `lines` once it is valid."""

    def __init__(self, *args: Any, count: int = FIRST, **more: Any) -> None:
        super().__init__(*args, **more)
        self.count = count
        self.lines: list[Line] = []
        for number in range(1, count + 1):
            for name, made in FIELDS.items():
                self.fields[f"{name}_{number}"] = made()

    def groups(self) -> Iterator[tuple[int, list[Asked]]]:
        """The fields of each line, by its number."""
        for number in range(1, self.count + 1):
            yield (
                number,
                [Asked(self[f"{name}_{number}"], "no" if name in ASKED else "") for name in FIELDS],
            )

    def clean(self) -> dict[str, Any]:
        """Each line, as a value that cannot be wrong."""
        given = self.cleaned_data
        for number in range(1, self.count + 1):
            said = {name: given.get(f"{name}_{number}") for name in FIELDS}
            if any(said.values()) or any(f"{name}_{number}" in self.errors for name in FIELDS):
                self._line(number, said)
        if not self.lines and not self.errors:
            raise forms.ValidationError(_("Écrivez au moins une ligne."))
        return given

    def _line(self, number: int, said: dict[str, Any]) -> None:
        wrong = {name for name in FIELDS if f"{name}_{number}" in self.errors}
        for name, message in self._missing(said):
            if name not in wrong:
                wrong.add(name)
                self.add_error(f"{name}_{number}", message)
        if wrong:
            return
        try:
            line = Line(
                medicine=" ".join(said["medicine"].split()),
                dose=_decimal(said["dose"]) or Decimal(0),
                unit=said["unit"],
                times=_whole(said["times"]) or 0,
                days=_whole(said["days"]) or 0,
                renewals=_whole(said["renewals"] or "0") or 0,
                needed=said["needed"],
                words=" ".join(said["words"].split()),
                cis=said["cis"],
                unsubstitutable=said["unsubstitutable"],
            )
        except WrongLine:
            self.add_error(
                f"medicine_{number}",
                _("Cette ligne ne peut pas être prescrite ainsi : relisez-la."),
            )
        else:
            self.lines.append(line)

    def _missing(self, said: dict[str, Any]) -> Iterator[tuple[str, str]]:
        limits = rules()["limits"]
        if not said["medicine"]:
            yield "medicine", _("Écrivez le médicament.")
        dose = _decimal(said["dose"] or "")
        if dose is None or not 0 < dose <= limits["dose"]:
            yield "dose", _("Écrivez la dose en chiffres, par exemple 1 ou 0,5.")
        if not said["unit"]:
            yield "unit", _("Choisissez l’unité.")
        times = _whole(said["times"] or "")
        if times is None or not 1 <= times <= limits["times"]:
            yield "times", _("Écrivez combien de fois par jour, de 1 à 24.")
        days = _whole(said["days"] or "")
        renewals = _whole(said["renewals"] or "0")
        if renewals is None or renewals > 12:
            yield "renewals", _("Écrivez combien de renouvellements, de 0 à 12.")
        if days is None or not days >= 1:
            yield "days", _("Écrivez la durée en jours.")
        elif days * (1 + (renewals or 0)) > limits["days"]:
            yield "days", _("Avec ses renouvellements, un traitement dure un an au plus.")
        if said["cis"] and not (
            said["cis"].isascii() and said["cis"].isdigit() and len(said["cis"]) == 8
        ):
            yield "cis", _("Un code CIS a huit chiffres.")


def typed(lines: Sequence[Line]) -> dict[str, Any]:
    """Lines as they were typed, to be typed again."""
    found: dict[str, Any] = {}
    for number, line in enumerate(lines, 1):
        said = {name: getattr(line, name) for name in FIELDS}
        said["dose"] = f"{line.dose.normalize():f}".replace(".", ",")
        said["renewals"] = line.renewals or ""
        found |= {f"{name}_{number}": each for name, each in said.items()}
    return found


def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    exponent = found.as_tuple().exponent
    return found if isinstance(exponent, int) and -3 <= exponent <= 4 else None


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None
