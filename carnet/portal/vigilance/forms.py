# SPDX-License-Identifier: EUPL-1.2
"""What an officer of identity types: whom they look for, and what they do."""

from django import forms
from django.utils.translation import gettext_lazy as _

from carnet.identity.status import PROOFS
from carnet.portal.components.fields import birth_date, one_of, text_field
from carnet.portal.patients.forms import InsForm
from carnet.portal.vigilance import words
from carnet.vigilance.pages import TraitsForm


class NumberForm(InsForm):
    """By number."""


class NameForm(forms.Form):
    """By birth name and birth date: homonyms are what one looks for."""

    name = text_field(_("Nom de naissance"), _("Saisissez le nom de naissance."), longest=100)
    birth_date = birth_date()

    def typed(self) -> TraitsForm:
        """As the act takes it."""
        given = self.cleaned_data
        return TraitsForm(name=given["name"].strip(), birth_date=given["birth_date"])


class ValidateForm(forms.Form):
    """Which document was seen."""

    proof = one_of(
        _("Pièce vue, originale et en cours de validité"),
        {code: words.PROOFS[code] for code in PROOFS},
        _("Choisissez la pièce que vous avez vue."),
    )


class ParentForm(InsForm):
    """Whose child this is."""

    nature = one_of(
        _("Cette personne est"),
        words.PARENTS,
        _("Choisissez ce que cette personne est pour l’enfant."),
    )


class MarkForm(forms.Form):
    """What is marked, and why."""

    what = one_of(_("Ce que vous signalez"), words.MARKS, _("Choisissez ce que vous signalez."))
    reason = text_field(
        _("Pourquoi, en quelques mots"),
        _("Dites pourquoi, en quelques mots."),
        _("Gardé dans l’historique de l’identité. N’écrivez rien de médical."),
        longest=500,
    )

    def offer(self, acts: tuple[str, ...]) -> bool:
        """The marks that would change something; whether there is one."""
        field = self.fields["what"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = offered = [
            (code, words.MARKS[code]) for code in words.MARKS if code in acts
        ]
        return bool(offered)
