# SPDX-License-Identifier: EUPL-1.2
"""The pages of secure mail. A mail is shown as plain text: nothing of it is a page."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor

STATES = {
    "to-attach": _("À rattacher à un dossier"),
    "filed": _("Classé dans le dossier"),
    "kept": _("Reçu"),
    "received": _("En cours de classement"),
}
INS = r"[0-9]{5}([0-9]{2}|2[AB])[0-9]{8}"


class AttachForm(forms.Form):
    """In whose record the documents go."""

    matricule = forms.RegexField(
        f"^{INS}$",
        label=_("Numéro INS de la personne"),
        help_text=_("Quinze caractères, sur sa carte ou sur le document."),
        error_messages={
            "required": _("Écrivez le numéro INS de la personne."),
            "invalid": _("Un numéro INS a quinze caractères : treize, puis deux de clé."),
        },
    )


class AnswerForm(forms.Form):
    """An answer to a professional."""

    message = forms.CharField(widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("Votre réponse"),
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=5000,
        error_messages={"required": _("Écrivez votre réponse.")},
    )


def who(request: HttpRequest, *kinds: ActorKind) -> Actor:
    """The caller, when they are of these kinds; to others the page is absent."""
    found = actor(request)
    if found.kind not in kinds:
        raise errors.NotFound
    return found


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What came, those to attach first."""
    caller = who(request, ActorKind.PROFESSIONAL, ActorKind.ASSISTANT)
    lines = bridge.run(desk.parts().mail.inbox(caller))
    shown = [(each, STATES.get(each.state, "")) for each in lines]
    page = {
        "waiting": [each for each in shown if each[0].state == "to-attach"],
        "others": [each for each in shown if each[0].state != "to-attach"],
    }
    return render(request, "messaging/inbox.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: HttpRequest, mail: str) -> HttpResponse:
    """One mail; its documents may be put in a record."""
    caller = who(request, ActorKind.PROFESSIONAL, ActorKind.ASSISTANT)
    acts, form = desk.parts().mail, AttachForm()
    if request.method == "POST":
        form = AttachForm(request.POST)
        if form.is_valid():
            bridge.run(acts.attach(caller, mail, form.cleaned_data["matricule"].upper()))
            return redirect("mail", mail=mail)
    found = bridge.run(acts.mail(caller, mail))
    attaches = bool(found.files) and found.line.state != "filed"
    page = {
        "mail": found,
        "state": STATES.get(found.line.state, ""),
        "form": form if attaches and caller.kind is ActorKind.PROFESSIONAL else None,
    }
    return render(request, "messaging/mail.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def threads(request: HttpRequest) -> HttpResponse:
    """The caller's conversations; a professional's is answered until it is closed."""
    caller = who(request, ActorKind.PATIENT)
    acts, wrong = desk.parts().mail, None
    if request.method == "POST":
        form = AnswerForm(request.POST, auto_id="wrong-%s")
        if form.is_valid():
            given = form.cleaned_data
            bridge.run(acts.answer(caller, given["message"], given["text"]))
            return redirect("messages")
        wrong = form
    shown = []
    for number, each in enumerate(bridge.run(acts.threads(caller)), 1):
        own = AnswerForm(initial={"message": each.last}, auto_id=f"t{number}-%s")
        if wrong is not None and wrong.data.get("message") == each.last:
            own = wrong
        shown.append((each, None if each.closed else own))
    return render(request, "messaging/threads.html", {"threads": shown, "form": wrong})
