# SPDX-License-Identifier: EUPL-1.2
"""Fields that several forms ask for: a day as people write it, a line of text, a birth date, a choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# A day, as people write it.
DAYS = ["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %m %Y", "%d%m%Y", "%Y-%m-%d"]

WRONG_DAY = _("Cette date n’existe pas ou n’est pas comprise. Écrivez-la ainsi : 27/03/1985.")


def day_field(
    label: str | _StrPromise,
    missing: str | _StrPromise,
    *,
    required: bool = True,
    autocomplete: str = "off",
) -> forms.DateField:
    """A day; what it says when it is missing, or is none."""
    return forms.DateField(
        label=label,
        required=required,
        input_formats=DAYS,
        help_text=_("Jour, mois, année, par exemple 27/03/1985."),
        error_messages={"required": missing, "invalid": WRONG_DAY},
        widget=forms.TextInput(attrs={"autocomplete": autocomplete, "inputmode": "numeric"}),
    )


def birth_date(autocomplete: str = "off") -> forms.DateField:
    """The birth date of a person."""
    return day_field(
        _("Date de naissance"), _("Saisissez la date de naissance."), autocomplete=autocomplete
    )


def text_field(
    label: str | _StrPromise,
    missing: str | _StrPromise = "",
    help_text: str | _StrPromise = "",
    *,
    longest: int = 200,
    required: bool = True,
) -> forms.CharField:
    """One line."""
    return forms.CharField(
        label=label,
        max_length=longest,
        required=required,
        help_text=help_text,
        error_messages={"required": missing},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def one_of(
    label: str | _StrPromise, said: Mapping[str, str | _StrPromise], wrong: str | _StrPromise
) -> forms.ChoiceField:
    """One of some codes, as radios; said: the words of each; wrong: what none, or another, is answered."""
    return forms.ChoiceField(
        label=label,
        choices=list(said.items()),
        widget=forms.RadioSelect,
        error_messages={"required": wrong, "invalid_choice": wrong},
    )


__all__ = ["DAYS", "birth_date", "day_field", "one_of", "text_field"]
