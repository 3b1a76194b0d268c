# SPDX-License-Identifier: EUPL-1.2
"""The counter, where codes are given; pages of a code and a lost password, where nobody is logged in."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.accounts.minting import LETTER
from carnet.accounts.prove import Given, NoAddress, OneOfYours
from carnet.portal import bridge, desk
from carnet.portal.acting.operators import operator
from carnet.portal.activation.acts import ActivationActs
from carnet.portal.activation.forms import (
    ActivateForm,
    CounterForm,
    LostForm,
    WorkingActivateForm,
    WorkingForm,
)
from carnet.portal.activation.make import Taken, make
from carnet.portal.record import words
from carnet.rights.mandate import NobodyAnswers


def acts() -> ActivationActs:
    """What the pages call."""
    return desk.parts().activation


@require_http_methods(["GET", "HEAD", "POST"])
def counter(request: HttpRequest) -> HttpResponse:
    """See a document, then print, post or send the code: it is shown this once."""
    who = operator(request)
    form = CounterForm(request.POST if request.method == "POST" else None, mails=acts().mails)
    if form.is_bound and form.is_valid():
        way = form.way()
        try:
            patient = bridge.run(desk.parts().acts.find_person(who, form.traits()))
            if way.how == LETTER and not form.cleaned_data["sure"]:
                lines = bridge.run(acts().envelope(who, patient))
                if not lines:
                    raise NoAddress
                context = {"form": form, "lines": lines}
                return render(request, "activation/address.html", context)
            given = bridge.run(acts().give(who, patient, form.cleaned_data["document"], way))
        except (NobodyAnswers, errors.NotFound):
            form.add_error(
                "ins", gettext("Personne ne répond à ce matricule, ce nom et cette date.")
            )
        except NoAddress:
            form.add_error(
                "how", gettext("Le dossier ne dit pas d’adresse postale : remettez le code.")
            )
        else:
            return _given(request, given, way.how, "/activer/")
    return render(request, "activation/counter.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def working(request: HttpRequest) -> HttpResponse:
    """The same for who works by an account; what goes with the code is said, and is not printed."""
    who = operator(request)
    form = WorkingForm(
        request.POST if request.method == "POST" else None,
        mails=acts().mails,
        initial={"account": request.GET.get("compte", "")},
    )
    if form.is_bound and form.is_valid():
        way = form.way()
        try:
            given = bridge.run(
                acts().give_account(who, form.sub(), form.cleaned_data["document"], way)
            )
        except OneOfYours:
            form.add_error(
                "account", gettext("C’est votre compte : un autre opérateur donne ce code.")
            )
        except errors.NotFound:
            form.add_error("account", gettext("Aucun compte professionnel n’a ce nom."))
        else:
            return _given(request, given, way.how, "/activer/compte/")
    return render(request, "activation/working.html", {"form": form})


def _given(request: HttpRequest, given: Given, how: str, path: str) -> HttpResponse:
    page = {
        "given": given,
        "posted": how == LETTER,
        "day": words.day(given.at.date()),
        "until": words.day(given.until.date()),
        "address": desk.config().base_url.rstrip("/") + path,
    }
    return render(request, "activation/given.html", page)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def activate(request: HttpRequest) -> HttpResponse:
    """The code and the birth date; an identifier and a password of one's own."""
    return _activated(request, ActivateForm)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def activate_working(request: HttpRequest) -> HttpResponse:
    """The same for who works by an account: the code and its number."""
    return _activated(request, WorkingActivateForm)


def _activated(
    request: HttpRequest, kind: type[ActivateForm] | type[WorkingActivateForm]
) -> HttpResponse:
    form = kind(request.POST if request.method == "POST" else None)
    done, factors = "", False
    if form.is_bound and form.is_valid():
        bridge.run(desk.parts().tries.activation(request.META.get("REMOTE_ADDR", "")))
        given = form.cleaned_data
        try:
            opened = make(given["code"], form.second(), given["username"], given["password"])
            done, factors = given["username"], opened.factors
        except Taken:
            form.add_error(
                "username", gettext("Cet identifiant est déjà pris : choisissez-en un autre.")
            )
        except errors.NotFound:
            form.add_error("code", _wrong(kind))
    page = {
        "form": form, "done": done, "factors": factors, "works": kind is WorkingActivateForm,
    }  # fmt: skip
    return render(request, "activation/activate.html", page)


def _wrong(kind: type[ActivateForm] | type[WorkingActivateForm]) -> str:
    if kind is WorkingActivateForm:
        return gettext(
            "Ce code et ce numéro ne vont pas ensemble, ou le code a servi ou n’est plus "
            "valable. Relisez-les ; sinon, demandez un autre code."
        )
    return gettext(
        "Ce code et cette date ne vont pas ensemble, ou le code a servi ou n’est plus "
        "valable. Relisez la lettre ; sinon, demandez un autre code au guichet."
    )


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def lost(request: HttpRequest) -> HttpResponse:
    """A lost password: the same answer whatever the address, which a worker looks up later."""
    offered = acts().mails
    form = LostForm(request.POST if request.method == "POST" else None)
    number = ""
    if offered and form.is_bound and form.is_valid():
        email = form.cleaned_data["email"]
        leaves = bridge.run(desk.parts().tries.lost(email, request.META.get("REMOTE_ADDR", "")))
        number = bridge.run(acts().lost(email, leaves))
    page = {"form": form, "number": number, "offered": offered}
    return render(request, "activation/lost.html", page)
