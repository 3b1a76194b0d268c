# SPDX-License-Identifier: EUPL-1.2
"""The operator's pages of accounts: those stopped or waiting for a code; one of them."""

from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.access.ended import LASTING, Over
from carnet.accounts.end import YourOwn
from carnet.portal import bridge, desk
from carnet.portal.accounts import proofs
from carnet.portal.accounts.models import Account, Linked
from carnet.portal.acting.operators import operator
from carnet.portal.activation.acts import ActivationActs
from carnet.portal.components.fields import text_field
from carnet.portal.record import words

KINDS = {
    "patient": _("Patient"), "professional": _("Professionnel"), "assistant": _("Assistant"),
    "helper": _("Aidant numérique"), "operator": _("Opérateur"),
}  # fmt: skip
WHY = {
    "operator": _("Arrêté par un opérateur"), "ended": _("Terminé par un opérateur"),
    "death": _("Terminé par un décès"), "erased": _("Effacé avec son dossier"),
    "walk": _("Arrêté de lui-même : trop de dossiers ouverts"),
}  # fmt: skip
FACTORS = {
    "totp": _("application de codes"), "paper": _("feuille de codes"), "passkey": _("clé d’accès"),
}  # fmt: skip


class FindForm(forms.Form):
    """An account, by how the audit names it."""

    account = text_field(
        _("Compte"),
        _("Saisissez un compte ou un numéro RPPS."),
        _("Comme les alertes le nomment (rpps:…, patient:…), ou onze chiffres de RPPS."),
        longest=200,
    )

    def sub(self) -> str:
        """The subject."""
        said = str(self.cleaned_data["account"]).strip()
        plain = "".join(said.split())
        return f"rpps:{plain}" if len(plain) == 11 and plain.isdigit() else said


class EndForm(forms.Form):
    """To end an account is said twice."""

    sure = forms.BooleanField(
        label=_("Je sais que rien ne l’annule : la personne devra être identifiée de nouveau."),
        error_messages={"required": _("Cochez la case pour confirmer.")},
    )


def acts() -> ActivationActs:
    """What the pages call."""
    return desk.parts().activation


@require_http_methods(["GET", "HEAD"])
def accounts(request: HttpRequest) -> HttpResponse:
    """Those that somebody must look at; any other by its name."""
    who = operator(request)
    form = FindForm(request.GET if "account" in request.GET else None)
    if form.is_bound and form.is_valid():
        try:
            return redirect("account", bridge.run(acts().seen(who, form.sub())).sub)
        except errors.NotFound:
            form.add_error("account", gettext("Aucun compte n’a ce nom."))
    lines = [
        {
            "sub": each.sub, "kind": KINDS.get(each.kind, each.kind),
            "stopped": WHY.get(each.stopped, each.stopped) if each.stopped else "",
            "since": words.day(each.since.date()) if each.since else "",
            "code": words.day(each.code.date()) if each.code else "",
        }
        for each in bridge.run(acts().listed(who))
    ]  # fmt: skip
    return render(request, "activation/accounts.html", {"form": form, "lines": lines})


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest, sub: str) -> HttpResponse:
    """One account: nothing of health, no secret of a factor; stop, open again, end."""
    who = operator(request)
    form, refused = EndForm(), ""
    act = request.POST.get("act", "") if request.method == "POST" else ""
    try:
        if act == "stop":
            bridge.run(acts().stop(who, sub))
        elif act == "reopen":
            bridge.run(acts().reopen(who, sub))
        elif act == "end":
            form = EndForm(request.POST)
            if form.is_valid():
                bridge.run(acts().end(who, sub))
        elif act:
            raise errors.Invalid
    except YourOwn:
        refused = gettext("C’est votre compte : un autre opérateur le termine.")
    except Over:
        refused = gettext("Ce compte est terminé : il ne se rouvre pas ainsi.")
    if act and not refused and not form.errors:
        return redirect("account", sub)
    return render(request, "activation/account.html", {**_shown(request, sub), "form": form,
                  "refused": refused}, status=409 if refused else 200)  # fmt: skip


def _shown(request: HttpRequest, sub: str) -> dict[str, Any]:
    """What the page says of it."""
    seen = bridge.run(acts().seen(operator(request), sub))
    found = Account.objects.select_related("user").filter(subject=sub).first()
    user = None if found is None else found.user.pk
    types = (
        set(Authenticator.objects.filter(user_id=user).values_list("type", flat=True))
        if user
        else ()
    )
    linked = Linked.objects.filter(account=found).count() if found else 0
    at = None if found is None else found.user.last_login
    return {
        "account": seen, "kind": KINDS.get(seen.kind, seen.kind),
        "stopped": WHY.get(seen.stopped, seen.stopped) if seen.stopped else "",
        "lasting": seen.stopped in LASTING,
        "since": words.day(seen.since.date()) if seen.since else "",
        "code": words.day(seen.code.date()) if seen.code else "",
        "log_in": found is not None, "last": words.day(at.date()) if at else "",
        "factors": [str(FACTORS[proofs.FACTORS[each]]) for each in sorted(types) if each in proofs.FACTORS],
        "linked": linked, "own": seen.sub == operator(request).sub,
    }  # fmt: skip
