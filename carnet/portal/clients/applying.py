# SPDX-License-Identifier: EUPL-1.2
"""A developer asks for an application of the sandbox, which an operator looks at before it acts."""

import secrets
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.oauth import declared, keys
from carnet.oauth.registering import Proposal, TooManyWait, WrongClient
from carnet.portal import bridge, desk
from carnet.portal.components.fields import text_field

SCOPES = "openid fhirUser launch launch/patient offline_access patient/*.rs"
METHODS = {
    "none": _("Un navigateur, un téléphone : aucun secret, PKCE"),
    "client_secret_basic": _("Un serveur, avec un secret que nous faisons"),
    "private_key_jwt": _("Un serveur, avec sa clé"),
}


def lines(label: Any, help_text: Any = "", *, required: bool = False) -> forms.CharField:
    """Several lines, one thing on each."""
    return forms.CharField(
        label=label, help_text=help_text, required=required, max_length=8000, strip=True,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"required": _("Donnez une adresse au moins.")},
    )  # fmt: skip


class ApplyForm(forms.Form):
    """What an application is registered with."""

    name = text_field(
        _("Nom de l’application"), _("Donnez un nom."), _("Comme les personnes le liront.")
    )
    method = forms.ChoiceField(
        label=_("Où elle s’exécute"),
        choices=list(METHODS.items()),
        initial="none",
        widget=forms.RadioSelect,
    )
    redirects = lines(_("Adresses de retour"), _("Une par ligne, exactes."), required=True)
    launch = text_field(
        _("Adresse de lancement"),
        "",
        _("Pour être ouverte depuis un dossier ; sinon, rien."),
        required=False,
    )
    origins = lines(
        _("Origines de ses pages"), _("Si un navigateur appelle l’API : une par ligne.")
    )
    scopes = text_field(_("Ce qu’elle demande"), _("Dites ce qu’elle demande."), _("En scopes SMART 2."),
                        longest=1000)  # fmt: skip
    keys = lines(
        _("Clés publiques"), _("Avec une clé : en JWK, JWKS ou PEM. Jamais une clé privée.")
    )

    def said(self) -> Proposal:
        """With an identifier of ours."""
        given = self.cleaned_data
        back = given["redirects"].split()
        native = given["method"] == "none" and any(not each.startswith("https:") for each in back)
        return Proposal(
            f"app-{secrets.token_hex(6)}", given["name"], "app", given["scopes"], given["method"],
            keys=given["keys"], redirects=back, origins=given["origins"].split(), launch=given["launch"],
            sandbox=True, native=native,
        )  # fmt: skip


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest) -> HttpResponse:
    """The form; then what to write in one's program, this once."""
    acts = desk.parts().clients
    if not acts.sandboxes:
        raise errors.NotFound
    form = ApplyForm(request.POST if request.method == "POST" else None, initial={"scopes": SCOPES})
    if form.is_bound and form.is_valid():
        bridge.run(desk.parts().tries.developer(request.META.get("REMOTE_ADDR", "")))
        said = form.said()
        try:
            secret = bridge.run(acts.apply(said))
        except declared.NameTaken:
            form.add_error("name", gettext("Ce nom est pris, ou se lit comme un autre."))
        except TooManyWait:
            form.add_error(None, gettext("Beaucoup de demandes attendent : revenez plus tard."))
        except (errors.Invalid, WrongClient) as error:
            form.add_error(_field(error), str(error))  # its sentence is the program's, in English
        else:
            base = desk.config().base_url.rstrip("/")
            page = {"said": said, "secret": secret or "", "fhir": f"{base}/fhir"}
            return render(request, "clients/applied.html", page)
    return render(request, "clients/apply.html", {"form": form})


def _field(error: errors.CarnetError) -> str | None:
    """Where a refusal is said."""
    if isinstance(error, declared.WrongScopes):
        return "scopes"
    if isinstance(error, declared.WrongAddress):
        return "redirects"
    if isinstance(error, declared.WrongName):
        return "name"
    return "keys" if isinstance(error, keys.WrongKey) else None
