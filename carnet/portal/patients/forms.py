# SPDX-License-Identifier: EUPL-1.2
"""What the professional types: an INS, or identity traits; then how a consent was had."""

import re
from datetime import date

from django import forms
from django.core import signing
from django.utils.translation import gettext_lazy as _

from carnet.portal.acts import HOW
from carnet.portal.components.fields import birth_date, text_field
from carnet.vigilance.pages import Found, TraitsForm

HOW_WORDS = {
    "oral": _("De vive voix, en présence de la personne"),
    "written": _("Par écrit, signé par la personne"),
    "remote": _("À distance, par téléphone ou en téléconsultation"),
}
SEXES = [("", _("Non précisé")), ("female", _("Féminin")), ("male", _("Masculin"))]


class InsForm(forms.Form):
    """Find by INS."""

    ins = text_field(
        _("Matricule INS"),
        _("Saisissez le matricule INS, avec sa clé."),
        _("15 caractères : le numéro et sa clé, par exemple 2 69 05 49 588 157 80."),
        longest=40,
    )

    def clean_ins(self) -> str:
        """No space, Corsica's letters upper-case. The key is judged by whoever searches."""
        typed = "".join(self.cleaned_data["ins"].split()).upper()
        if not re.fullmatch("[0-9]{5}([0-9]{2}|2[AB])[0-9]{8}", typed):
            raise forms.ValidationError(
                _("Ce matricule n’est pas valable. Il compte 15 caractères, clé comprise.")
            )
        return typed

    def typed(self) -> TraitsForm:
        """As the act takes it."""
        return TraitsForm(ins=self.cleaned_data["ins"])


class PersonForm(forms.Form):
    """Find by traits."""

    name = text_field(_("Nom de naissance"), _("Saisissez le nom de naissance."), longest=100)
    birth_date = birth_date()
    given_name = text_field(_("Premier prénom de naissance"), longest=100, required=False)
    sex = forms.ChoiceField(label=_("Sexe"), choices=SEXES, required=False)
    birth_place = forms.RegexField(
        r"^([0-9]{2}|2[ABab])[0-9]{3}$",
        label=_("Code du lieu de naissance"),
        required=False,
        help_text=_("Code INSEE de la commune ou du pays, 5 caractères."),
        error_messages={"invalid": _("Ce code a 5 caractères, par exemple 75116 ou 2A004.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, object]:
        """One more trait is needed beside name and date."""
        typed = super().clean() or {}
        if not any(typed.get(name) for name in ("given_name", "sex", "birth_place")):
            self.add_error(
                "given_name",
                _("Ajoutez au moins un autre trait : prénom, sexe ou lieu de naissance."),
            )
        return typed

    def typed(self) -> TraitsForm:
        """As the act takes it."""
        given = self.cleaned_data
        return TraitsForm(
            birth_date=given["birth_date"],
            name=given["name"].strip(),
            given_name=given["given_name"].strip(),
            sex=given["sex"],
            birth_place=given["birth_place"].upper(),
        )


class ConsentForm(forms.Form):
    """How the consent was had."""

    how = forms.ChoiceField(
        label=_("Comment le consentement a-t-il été recueilli ?"),
        choices=[(code, HOW_WORDS[code]) for code in HOW],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choisissez comment le consentement a été recueilli."),
            "invalid_choice": _("Choisissez comment le consentement a été recueilli."),
        },
    )


# ---------------------------------------------------------------- the person between two pages

SALT = "carnet.portal.patients"
HOUR = 3600


def sealed(found: Found) -> str:
    """Who was found, for the next page: signed, so that a name cannot be put on another handle."""
    born = found.birth_date.isoformat() if found.birth_date else ""
    card = [found.handle, found.name, born, found.sex]
    return signing.dumps(card, salt=SALT)


def unsealed(card: str) -> Found:
    """What `sealed` wrote, for an hour; django.core.signing.BadSignature otherwise."""
    handle, name, born, sex = signing.loads(card, salt=SALT, max_age=HOUR)
    return Found(handle, name, date.fromisoformat(born) if born else None, sex, consented=False)
