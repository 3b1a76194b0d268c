# SPDX-License-Identifier: EUPL-1.2
"""What a person says of a document they add."""

from datetime import date

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from carnet.documents import nomenclature
from carnet.portal.components.fields import day_field

# The labels of deposits.toml, for the translation.
KINDS = (
    gettext_noop("Compte rendu"),
    gettext_noop("Résultats de biologie"),
    gettext_noop("Imagerie"),
    gettext_noop("Ordonnance, traitement ou soins"),
    gettext_noop("Prévention, dépistage, vaccination"),
    gettext_noop("Certificat"),
    gettext_noop("Synthèse"),
    gettext_noop("Document administratif"),
)
ACCEPTED = ".pdf,.jpg,.jpeg,.png,.tif,.tiff,.txt,.rtf"


def kinds() -> list[tuple[str, object]]:
    """What can be deposited, in the order of the table."""
    labels = nomenclature.table("deposits")["labels"]
    return [("", _("Choisissez")), *((code, _(label)) for code, label in labels.items())]


class AddForm(forms.Form):
    """Add a document."""

    file = forms.FileField(
        label=_("Fichier"),
        help_text=_("PDF, JPEG, PNG, TIFF, TXT ou RTF, 5 Mo au plus."),
        allow_empty_file=True,  # the act has the words for it
        error_messages={
            "required": _("Choisissez le fichier à ajouter."),
            "missing": _("Choisissez le fichier à ajouter."),
            "invalid": _("Choisissez le fichier à ajouter."),
        },
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )
    title = forms.CharField(
        label=_("Titre"),
        max_length=200,
        help_text=_("Ce que vous lirez dans la liste, par exemple : Radio du genou gauche."),
        error_messages={
            "required": _("Donnez un titre au document."),
            "max_length": _("Ce titre est trop long : 200 caractères au plus."),
        },
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(
        label=_("Type de document"),
        choices=kinds,
        error_messages={
            "required": _("Choisissez le type du document."),
            "invalid_choice": _("Choisissez le type du document."),
        },
    )
    on = day_field(_("Date du document"), _("Saisissez la date du document."))

    def clean_on(self) -> date:
        """A document is not written tomorrow."""
        on: date = self.cleaned_data["on"]
        if not date(1900, 1, 1) <= on <= timezone.localdate():
            raise forms.ValidationError(_("La date du document va de 1900 à aujourd’hui."))
        return on
