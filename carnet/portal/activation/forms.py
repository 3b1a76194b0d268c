# SPDX-License-Identifier: EUPL-1.2
"""The forms of the counter and of the code."""

import re
from typing import Any

from django import forms
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from carnet.accounts.rules import rules
from carnet.portal.acting.forms import Card
from carnet.portal.components.fields import birth_date, text_field
from carnet.portal.vigilance import words

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@_+-]{2,59}")
SHORTEST, LONGEST = 12, 128  # characters of a password
SEEN = _("Choisissez la pièce d’identité que vous avez vue.")


class CounterForm(Card):
    """Who is there, as their card says it, and the document they showed."""

    document = forms.ChoiceField(
        label=_("Quelle pièce d’identité avez-vous vue ?"),
        choices=[(code, words.PROOFS[code]) for code in rules().documents],
        widget=forms.RadioSelect,
        error_messages={"required": SEEN, "invalid_choice": SEEN},
    )


def secret_field(label: Any, missing: Any, help_text: Any = "") -> forms.CharField:
    """A password that is chosen, taken as it is typed."""
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=LONGEST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": missing},
    )


class ActivateForm(forms.Form):
    """The code of the letter, and what one will log in with."""

    code = text_field(
        _("Code de la lettre"),
        _("Saisissez le code de la lettre."),
        _("Quinze lettres et chiffres. Les tirets et les majuscules ne comptent pas."),
        longest=60,
    )
    born = birth_date(autocomplete="bday")
    username = text_field(
        _("Identifiant que vous choisissez"),
        _("Choisissez un identifiant."),
        _("Trois caractères au moins : lettres sans accent, chiffres, point ou tiret."),
        longest=60,
    )
    password = secret_field(
        _("Mot de passe que vous choisissez"),
        _("Choisissez un mot de passe."),
        _("Douze caractères au moins. Plusieurs mots qui n’ont rien à voir entre eux conviennent."),
    )
    again = secret_field(
        _("Le même mot de passe"), _("Saisissez le mot de passe une seconde fois.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["autocapitalize"] = "characters"
        self.fields["username"].widget.attrs.update(
            {"autocomplete": "username", "autocapitalize": "none"}
        )

    def clean_username(self) -> str:
        """Letters that every keyboard has."""
        name = str(self.cleaned_data["username"])
        if not NAME.fullmatch(name):
            raise ValidationError(
                gettext("Cet identifiant ne convient pas : trois à soixante lettres sans accent, "
                        "chiffres, points ou tirets.")
            )  # fmt: skip
        return name

    def clean_password(self) -> str:
        """Long, and not one of those that everybody tries first."""
        given = str(self.cleaned_data["password"])
        if len(given) < SHORTEST:
            raise ValidationError(gettext("Le mot de passe a douze caractères au moins."))
        try:
            CommonPasswordValidator().validate(given)
        except ValidationError:
            raise ValidationError(
                gettext("Ce mot de passe est trop connu : choisissez-en un autre.")
            ) from None
        return given

    def clean(self) -> dict[str, Any]:
        """Twice the same, and not the identifier."""
        given: dict[str, Any] = super().clean() or {}
        first, name = given.get("password"), given.get("username", "")
        if first and given.get("again") and first != given["again"]:
            self.add_error("again", gettext("Les deux mots de passe ne sont pas les mêmes."))
        if first and name and name.casefold() in first.casefold():
            self.add_error("password", gettext("Le mot de passe ne contient pas l’identifiant."))
        return given
