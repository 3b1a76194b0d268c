# SPDX-License-Identifier: EUPL-1.2
"""The operator's pages of clients: the list, and one with what it may ask, its keys, what was decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from carnet import errors
from carnet.access.actor import Actor
from carnet.oauth import declared
from carnet.oauth.keys import PrivateKey
from carnet.oauth.registered import ClientAct, Registered
from carnet.oauth.registering import DECISIONS, LONGEST_WHY, ages
from carnet.portal import bridge, desk
from carnet.portal.acting.operators import operator
from carnet.portal.clients import words
from carnet.portal.clients.acts import ClientActs
from carnet.portal.components.fields import text_field


class DecideForm(forms.Form):
    """What is decided, and why."""

    act = forms.ChoiceField(
        label=_("Décision"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez une décision.")},
    )
    why = text_field(
        _("Pourquoi"),
        _("Dites pourquoi, en une ligne."),
        _("Qui en décidera plus tard le lira."),
        longest=LONGEST_WHY,
    )

    def offer(self, state: str) -> bool:
        """Those that may be decided now; whether there are any."""
        may = [
            (act, words.DECISIONS[act]) for act, (begins, _) in DECISIONS.items() if state in begins
        ]
        self.fields["act"].choices = may  # type: ignore[attr-defined]
        return bool(may)


class KeyForm(forms.Form):
    """Public keys, pasted."""

    text = forms.CharField(
        label=_("Clés publiques à ajouter"),
        help_text=_("En JWK, JWKS ou PEM. Jamais une clé privée."),
        error_messages={"required": _("Collez une clé publique.")},
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
    )


class ScopesForm(forms.Form):
    """The widest a client may ask."""

    scopes = forms.CharField(
        label=_("Portées, entre des espaces"),
        help_text=_(
            "Ses jetons prennent fin dans la seconde, et ce qui était permis de plus large."
        ),
        error_messages={"required": _("Écrivez une portée au moins.")},
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )


@dataclass(frozen=True, slots=True)
class KeyShown:
    """A key: its name, what it is, since when, until when."""

    kid: str
    kind: str
    since: str
    until: str


def acts() -> ClientActs:
    """What the pages call."""
    return desk.parts().clients


def moment(at: datetime | None) -> str:
    """A day and an hour, here."""
    return date_format(timezone.localtime(at), "j F Y, H:i") if at else ""


@require_safe
def clients(request: HttpRequest) -> HttpResponse:
    """Every client: those that wait first."""
    found = bridge.run(acts().listed(operator(request)))
    rows = [
        (each, gettext(words.STATES[each.state]), gettext(words.KINDS[each.kind])) for each in found
    ]
    return render(request, "clients/clients.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
def client(request: HttpRequest, id: str) -> HttpResponse:
    """One client, and what is decided of it."""
    who = operator(request)
    found, life = bridge.run(acts().shown(who, id))
    sent = request.POST.get("form", "")
    forms_ = {
        "decide": DecideForm(request.POST if sent == "decide" else None, auto_id="d-%s"),
        "key": KeyForm(request.POST if sent == "key" else None, auto_id="k-%s"),
        "scopes": ScopesForm(
            request.POST if sent == "scopes" else None,
            auto_id="s-%s",
            initial={"scopes": found.scopes},
        ),
    }
    decide = forms_["decide"]
    assert isinstance(decide, DecideForm)
    offered = decide.offer(found.state)
    wrong = forms_.get(sent)
    error = ""
    try:
        if sent == "remove":
            bridge.run(acts().remove_key(who, id, request.POST.get("kid", "")))
            return redirect("a-client", id)
        if wrong is not None and wrong.is_valid():
            carried_out(who, id, sent, wrong.cleaned_data)
            return redirect("a-client", id)
    except tuple(words.WRONG) as refused:
        said = str(words.WRONG[type(refused)])
        if wrong is None:
            error = said
        else:
            if isinstance(refused, PrivateKey):  # it is not shown again
                wrong.data = {**wrong.data, "text": ""}
            wrong.add_error("why" if sent == "decide" else "text" if sent == "key" else sent, said)
    open_ = found.state != "ended"
    page = {
        **shown(found, life),
        "decide": decide if offered else None,
        "key": forms_["key"] if open_ and found.method == "private_key_jwt" else None,
        "rescope": forms_["scopes"] if open_ else None,
        "form": wrong,
        "error": error,
    }
    return render(request, "clients/client.html", page)


def carried_out(who: Actor, id: str, sent: str, given: dict[str, str]) -> None:
    """The act a form asks for."""
    if sent == "decide":
        bridge.run(acts().decide(who, id, given["act"], given["why"]))
    elif sent == "key":
        bridge.run(acts().add_keys(who, id, given["text"]))
    elif sent == "scopes":
        bridge.run(acts().set_scopes(who, id, given["scopes"]))
    else:
        raise errors.NotFound


def shown(found: Registered, life: Sequence[ClientAct]) -> dict[str, object]:
    """A client in words."""
    came = ages(found, life)
    return {
        "client": found,
        "state": gettext(words.STATES[found.state]),
        "kind": gettext(words.KINDS[found.kind]),
        "method": gettext(words.METHODS[found.method]),
        "scopes": [(word, words.scope(word)) for word in found.scopes.split()],
        "redirects": [(each, declared.reads(each)) for each in found.redirects],
        "keys": [
            KeyShown(
                each["kid"], each.get("crv", each["kty"]), moment(came[each["kid"]]), until(each)
            )
            for each in (found.keys or {}).get("keys", ())
        ],
        "used": moment(found.used_at),
        "life": [(moment(each.at), gettext(words.ACTS[each.act]), each) for each in life],
    }


def until(key: dict[str, int]) -> str:
    """The day from which a key proves nothing."""
    return moment(datetime.fromtimestamp(key["exp"], UTC)) if "exp" in key else ""
