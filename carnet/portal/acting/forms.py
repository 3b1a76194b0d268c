# SPDX-License-Identifier: EUPL-1.2
"""What is typed to give, take or declare a mandate, and to begin a session."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from carnet.portal.components.fields import day_field, text_field
from carnet.portal.patients.forms import HOW_WORDS
from carnet.rights.mandate import Traits

REACHES = {
    "all": _("Tout le dossier"),
    "care": _(
        "Le suivi des soins : ordonnances, plans, vaccins, mesures, rendez-vous, certificats"
    ),
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


def end_of(day: date) -> datetime:
    """The instant that follows a day."""
    start = datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())
    return start + timedelta(days=1)


class Until(forms.Form):
    """A mandate's reach and last day."""

    reach = reach_field("all", "care", "management")
    until = day_field(_("Dernier jour du mandat"), _("Saisissez le dernier jour du mandat."))

    def end(self) -> datetime:
        """The instant that follows the last day."""
        return end_of(self.cleaned_data["until"])


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


class RepresentForm(Card):
    """Declare who represents a person, on proof."""

    nature = forms.ChoiceField(
        label=_("Qui est cette personne ?"),
        choices=[
            ("representative", _("Parent, ou titulaire de l’autorité parentale")),
            ("guardian", _("Personne chargée de la protection, désignée par un juge")),
        ],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choisissez qui est cette personne."),
            "invalid_choice": _("Choisissez qui est cette personne."),
        },
    )
    proof = text_field(
        _("Référence de la preuve"),
        _("Saisissez la référence de l’acte d’état civil ou du jugement."),
        _("L’acte d’état civil, ou le jugement : sa date, son numéro, qui l’a établi."),
    )
    until = day_field(
        _("Dernier jour, si le jugement en donne un"),
        _("Saisissez le dernier jour."),
        required=False,
    )

    def end(self) -> datetime | None:
        """The instant that follows the last day, when there is one."""
        return end_of(self.cleaned_data["until"]) if self.cleaned_data["until"] else None


class NameForm(forms.Form):
    """Name an assistant, for an establishment."""

    sub = forms.ChoiceField(
        label=_("Assistant"),
        error_messages={
            "required": _("Choisissez un assistant."),
            "invalid_choice": _("Choisissez un assistant."),
        },
    )
    rpps = forms.RegexField(
        r"^[0-9]{11}$",
        label=_("RPPS du professionnel"),
        help_text=_("11 chiffres."),
        error_messages={
            "required": _("Saisissez le numéro RPPS du professionnel."),
            "invalid": _("Un numéro RPPS a 11 chiffres."),
        },
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    def choose(self, people: list[tuple[str, str]]) -> None:
        """Among whom: their accounts and names."""
        field = self.fields["sub"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = people


class PaperForm(Card, Until):
    """Declare a mandate signed on paper."""

    form = text_field(
        _("Référence du formulaire signé"),
        _("Saisissez la référence du formulaire signé."),
        _("Où il est conservé, et son numéro."),
    )
