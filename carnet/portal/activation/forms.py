# SPDX-License-Identifier: EUPL-1.2
"""The forms of the counter, of the code, of a lost password and of the address it goes to."""

import re
from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from carnet.access.notices import EMAIL as EMAIL_SHAPE
from carnet.accounts.minting import ACCOUNT, COUNTER, EMAIL, FACTOR, LETTER
from carnet.accounts.prove import Way
from carnet.accounts.rules import rules
from carnet.portal.acting.forms import Card
from carnet.portal.components.fields import birth_date, text_field
from carnet.portal.vigilance import words

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@_+-]{2,59}")
SHORTEST, LONGEST = 12, 128  # characters of a password
SEEN = _("Choisissez la pièce d’identité que vous avez vue.")


KINDS = {
    ACCOUNT: _("Ouvrir un compte, ou y faire revenir"),
    FACTOR: _("Remplacer un second facteur perdu"),
}
WAYS = {
    COUNTER: _("Remis en main propre"),
    LETTER: _("Posté, sous enveloppe à fenêtre"),
    EMAIL: _("Envoyé par courrier électronique"),
}
WRONG_EMAIL = _("Cette adresse électronique n’est pas complète. Exemple : nom@exemple.fr.")


def email_field(label: Any, *, required: bool, help_text: Any = "") -> forms.CharField:
    """An address; its shape is looked at, as where it is used."""
    field = text_field(
        label, _("Saisissez l’adresse électronique."), help_text, longest=254, required=required
    )
    field.widget.attrs.update({"autocapitalize": "none", "spellcheck": "false"})
    field.widget.input_type = "email"
    return field


def choice(label: Any, of: dict[str, Any], first: str) -> forms.ChoiceField:
    """One of them; the first when nothing is said."""
    return forms.ChoiceField(
        label=label, choices=list(of.items()), initial=first, required=False,
        widget=forms.RadioSelect,
    )  # fmt: skip


class Delivery(forms.Form):
    """The document that was shown, what the code is for, how it goes."""

    document = forms.ChoiceField(
        label=_("Quelle pièce d’identité avez-vous vue ?"),
        choices=[(code, words.PROOFS[code]) for code in rules().documents],
        widget=forms.RadioSelect,
        error_messages={"required": SEEN, "invalid_choice": SEEN},
    )
    kind = choice(_("À quoi sert le code ?"), KINDS, ACCOUNT)
    how = choice(_("Comment le code part-il ?"), WAYS, COUNTER)
    email = email_field(
        _("Adresse électronique"),
        required=False,
        help_text=_("Si le code part par courrier électronique : faites-la relire à la personne."),
    )

    def __init__(self, *args: Any, mails: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not mails:  # what cannot leave is not offered
            self.fields["how"].choices = [  # type: ignore[attr-defined]
                (name, said) for name, said in WAYS.items() if name != EMAIL
            ]
            del self.fields["email"]

    def clean(self) -> dict[str, Any]:
        """What goes together."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("how") == EMAIL and not EMAIL_SHAPE.fullmatch(given.get("email", "")):
            self.add_error("email", WRONG_EMAIL)
        if given.get("kind") == FACTOR and given.get("how") not in ("", COUNTER):
            self.add_error(
                "how", gettext("Ce code-là est remis en main propre, et d’aucune autre façon.")
            )
        return given

    def lines(self) -> tuple[str, ...]:
        """Of an address that is typed: none is here."""
        return ()

    def way(self) -> Way:
        """As the act takes it."""
        given = self.cleaned_data
        return Way(
            how=given.get("how") or COUNTER, kind=given.get("kind") or ACCOUNT,
            email=given.get("email", "") if given.get("how") == EMAIL else "", lines=self.lines(),
        )  # fmt: skip


class CounterForm(Delivery, Card):
    """Who is there, as their card says it."""

    sure = forms.BooleanField(required=False, widget=forms.HiddenInput)


class WorkingForm(Delivery):
    """A professional, an assistant, a helper or an operator, by their account."""

    account = text_field(
        _("RPPS, ou compte"),
        _("Saisissez le numéro RPPS, ou le nom du compte."),
        _("Onze chiffres pour un professionnel ; sinon le compte, comme operator:…"),
    )
    address = forms.CharField(
        label=_("Adresse postale"),
        help_text=_("Si le code est posté : une ligne pour la rue, une pour la ville."),
        required=False,
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """A letter has somewhere to go."""
        given = super().clean()
        if given.get("how") == LETTER and len(self.lines()) < 2:
            self.add_error("address", gettext("Saisissez la rue, puis le code postal et la ville."))
        return given

    def sub(self) -> str:
        """The account as the rest names it."""
        typed = "".join(str(self.cleaned_data["account"]).split())
        return f"rpps:{typed}" if typed.isascii() and typed.isdigit() else typed

    def lines(self) -> tuple[str, ...]:
        typed = str(self.cleaned_data.get("address", ""))
        return tuple(filter(None, (" ".join(each.split()) for each in typed.splitlines())))[:6]


class LostForm(forms.Form):
    """Where the code of a lost password goes, if it is anybody's."""

    email = email_field(
        _("Votre adresse électronique"),
        required=True,
        help_text=_("Celle que vous avez confirmée pour votre compte."),
    )

    def clean_email(self) -> str:
        """Its shape alone."""
        given = str(self.cleaned_data["email"])
        if not EMAIL_SHAPE.fullmatch(given):
            raise ValidationError(WRONG_EMAIL)
        return given


class ProofForm(forms.Form):
    """The code that proves an address."""

    code = text_field(
        _("Code reçu à cette adresse"), _("Saisissez le code que vous avez reçu."), longest=60
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


class ChosenForm(forms.Form):
    """The code, and what one will log in with."""

    code = text_field(
        _("Code de la lettre ou du message"),
        _("Saisissez le code de la lettre ou du message."),
        _("Quinze lettres et chiffres. Les tirets et les majuscules ne comptent pas."),
        longest=60,
    )
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


class ActivateForm(ChosenForm):
    """Of a person: the code goes with their birth date."""

    born = birth_date(autocomplete="bday")

    def second(self) -> date | str:
        """What goes with the code."""
        found: date = self.cleaned_data["born"]
        return found


class WorkingActivateForm(ChosenForm):
    """Of who works by an account: the code goes with a number that is in no letter."""

    number = text_field(
        _("Numéro qui va avec le code"),
        _("Saisissez le numéro qui va avec le code."),
        _("Six chiffres, qu’on vous a dits ou que la page du mot de passe perdu a montrés."),
        longest=20,
    )

    def second(self) -> date | str:
        """What goes with the code."""
        return str(self.cleaned_data["number"])
