# SPDX-License-Identifier: EUPL-1.2
"""The counter, where a code is given on paper; the page of the code, where nobody is logged in."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.accounts.prove import Way
from carnet.portal import bridge, desk
from carnet.portal.acting.operators import operator
from carnet.portal.activation.forms import ActivateForm, CounterForm
from carnet.portal.activation.make import Taken, make
from carnet.portal.record import words
from carnet.rights.mandate import NobodyAnswers


@require_http_methods(["GET", "HEAD", "POST"])
def counter(request: HttpRequest) -> HttpResponse:
    """See a document, then print the code: it is shown this once."""
    who = operator(request)
    form = CounterForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            patient = bridge.run(desk.parts().acts.find_person(who, form.traits()))
            given = bridge.run(
                desk.parts().activation.give(who, patient, form.cleaned_data["document"], Way())
            )
        except (NobodyAnswers, errors.NotFound):
            form.add_error(
                "ins", gettext("Personne ne répond à ce matricule, ce nom et cette date.")
            )
        else:
            page = {
                "given": given,
                "until": words.day(given.until.date()),
                "address": desk.config().base_url.rstrip("/") + "/activer/",
            }
            return render(request, "activation/given.html", page)
    return render(request, "activation/counter.html", {"form": form})


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def activate(request: HttpRequest) -> HttpResponse:
    """The code and the birth date; an identifier and a password of one's own."""
    form = ActivateForm(request.POST if request.method == "POST" else None)
    done = ""
    if form.is_bound and form.is_valid():
        bridge.run(desk.parts().tries.activation(request.META.get("REMOTE_ADDR", "")))
        given = form.cleaned_data
        try:
            make(given["code"], given["born"], given["username"], given["password"])
            done = given["username"]
        except Taken:
            form.add_error(
                "username", gettext("Cet identifiant est déjà pris : choisissez-en un autre.")
            )
        except errors.NotFound:
            form.add_error(
                "code",
                gettext(
                    "Ce code et cette date ne vont pas ensemble, ou le code a servi ou n’est plus "
                    "valable. Relisez la lettre ; sinon, demandez un autre code au guichet."
                ),
            )
    return render(request, "activation/activate.html", {"form": form, "done": done})
