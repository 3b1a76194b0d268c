# SPDX-License-Identifier: EUPL-1.2
"""What is typed in the pages of the life of a record."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from carnet.portal.components.fields import birth_date, text_field
from carnet.portal.life import words


class CodeForm(forms.Form):
    """Object, with the code of the notice."""

    code = text_field(
        _("Code de l’avis"),
        _("Saisissez le code de l’avis."),
        _("Douze lettres et chiffres, écrits dans le message ou la lettre."),
        longest=40,
    )
    born = birth_date(autocomplete="bday")


class SureForm(forms.Form):
    """A choice one has thought of."""

    sure = forms.BooleanField(
        label=_("J’ai compris, je confirme"),
        error_messages={"required": _("Cochez la case pour confirmer.")},
    )


class FeedingForm(forms.Form):
    """Object to the feeding, with its reason."""

    motive = forms.ChoiceField(
        label=_("Motif légitime"),
        choices=words.FEEDING,
        error_messages={"required": _("Choisissez un motif.")},
    )


class NoticesForm(forms.Form):
    """Where and how one is told."""

    email = forms.EmailField(
        label=_("Adresse électronique"),
        required=False,
        max_length=200,
        help_text=_("Sans adresse, nous vous écrivons par courrier."),
        error_messages={"invalid": _("Cette adresse électronique n’est pas comprise.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    language = forms.ChoiceField(
        label=_("Langue des messages"), choices=[("fr", "Français"), ("en", "English")]
    )
    updates = forms.BooleanField(
        label=_("M’avertir quand mon dossier est mis à jour"), required=False
    )


class EmergencyForm(forms.Form):
    """Why a record is opened in an emergency."""

    reason = forms.ChoiceField(
        label=_("Pourquoi ouvrir ce dossier en urgence ?"),
        choices=words.EMERGENCIES,
        error_messages={"required": _("Choisissez une raison.")},
        widget=forms.RadioSelect,
    )

    def __init__(self, *given: Any, modes: Sequence[str], **more: Any) -> None:
        """modes: those of the situation one acts in."""
        super().__init__(*given, **more)
        reason = self.fields["reason"]
        assert isinstance(reason, forms.ChoiceField)
        reason.choices = [one for one in words.EMERGENCIES if one[0].partition("/")[0] in modes]


class ReviewForm(forms.Form):
    """Whether an opening was justified."""

    number = forms.IntegerField(widget=forms.HiddenInput)
    verdict = forms.ChoiceField(choices=[("justified", ""), ("unjustified", "")])
    comment = forms.ChoiceField(label=_("Commentaire"), choices=words.COMMENTS)
