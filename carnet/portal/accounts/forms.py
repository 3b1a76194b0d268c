# SPDX-License-Identifier: EUPL-1.2
"""The log-in form."""

from typing import Any

from allauth.account.forms import LoginForm
from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from carnet import errors
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import SECRET
from carnet.portal.accounts.models import Account


class SignInForm(LoginForm):
    """Our labels, and no text inside the fields: it would vanish when one types."""

    secret = forms.BooleanField(
        label=_("Connexion secrète"),
        help_text=_(
            "Pour une personne mineure, ou qui soigne une personne mineure : ce qui est lu et déposé "
            "n’est pas montré aux représentants légaux."
        ),
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """A secret connection is refused at the door to who may not have one."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("secret") and getattr(self, "user", None) is not None:
            account = Account.objects.filter(user_id=self.user.pk).first()
            try:
                assert account is not None
                bridge.run(desk.parts().actor(account.subject, secret=True))
            except errors.BusinessRule:
                self.add_error(
                    "secret", _("La connexion secrète est faite pour les personnes mineures.")
                )
        return given

    def login(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Log in, remembering the choice for this session alone."""
        answer: HttpResponse = super().login(request, *args, **kwargs)
        request.session[SECRET] = bool(self.cleaned_data.get("secret"))
        return answer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Identifiant")
        self.fields["login"].error_messages["required"] = _("Saisissez votre identifiant.")
        self.fields["password"].label = _("Mot de passe")
        self.fields["password"].error_messages["required"] = _("Saisissez votre mot de passe.")
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        self.fields["login"].widget.attrs.update(
            {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "username"}
        )
