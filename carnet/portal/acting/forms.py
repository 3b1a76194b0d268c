# SPDX-License-Identifier: EUPL-1.2
"""What is typed to give, take or declare a mandate, and to begin a session."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from carnet.portal.patients.forms import DAYS, HOW_WORDS
from carnet.rights.mandate import Traits

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

REACHES = {
    "all": _("Tout le dossier"),
    "care": _("Le suivi des soins : ordonnances, plans, vaccins, rendez-vous"),
    "management": _("L’administratif : documents de gestion, certificats"),
}


def reach_field(*names: str) -> forms.ChoiceField:
    """How far a mandate goes."""
    return forms.ChoiceField(
        label=_("Ce qui peut être vu"),
        choices=[(name, REACHES[name]) for name in names],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choisissez ce qui peut être vu."),
            "invalid_choice": _("Choisissez ce qui peut être vu."),
        },
    )


def day_field(label: _StrPromise, wrong: _StrPromise) -> forms.DateField:
    """A day, as people write it."""
    return forms.DateField(
        label=label,
        input_formats=DAYS,
        help_text=_("Jour, mois, année, par exemple 27/03/1985."),
        error_messages={"required": wrong, "invalid": wrong},
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )


def text_field(
    label: _StrPromise, required: _StrPromise, help_text: str | _StrPromise = ""
) -> forms.CharField:
    """One line."""
    return forms.CharField(
        label=label,
        max_length=200,
        help_text=help_text,
        error_messages={"required": required},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class Until(forms.Form):
    """A mandate's reach and last day."""

    reach = reach_field("all", "care", "management")
    until = day_field(_("Dernier jour du mandat"), _("Saisissez le dernier jour du mandat."))

    def end(self) -> datetime:
        """The instant that follows the last day."""
        day = self.cleaned_data["until"]
        start = datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())
        return start + timedelta(days=1)


class CodeForm(forms.Form):
    """Take a mandate by its code."""

    code = text_field(
        _("Code"),
        _("Saisissez le code que la personne vous a donné."),
        _("10 lettres ou chiffres."),
    )


class Card(forms.Form):
    """Who somebody is, as their card says it."""

    ins = text_field(
        _("Matricule INS"), _("Saisissez le matricule INS, avec sa clé."), _("15 caractères.")
    )
    name = text_field(_("Nom de naissance"), _("Saisissez le nom de naissance."))
    birth_date = day_field(_("Date de naissance"), _("Saisissez la date de naissance."))

    def traits(self) -> Traits:
        """As the act takes them."""
        given = self.cleaned_data
        return Traits(given["ins"], given["name"], given["birth_date"])


class SessionForm(Card):
    """Begin a session with the person present."""

    reach = reach_field("care", "management")
    how = forms.ChoiceField(
        label=_("Comment la personne a-t-elle donné son accord ?"),
        choices=[(code, HOW_WORDS[code]) for code in ("oral", "written")],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choisissez comment la personne a donné son accord."),
            "invalid_choice": _("Choisissez comment la personne a donné son accord."),
        },
    )


class PaperForm(Card, Until):
    """Declare a mandate signed on paper."""

    form = text_field(
        _("Référence du formulaire signé"),
        _("Saisissez la référence du formulaire signé."),
        _("Où il est conservé, et son numéro."),
    )
