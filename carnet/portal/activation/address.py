# SPDX-License-Identifier: EUPL-1.2
"""The address by which one finds a lost password again: type it, then the code that was sent there."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor
from carnet.portal.activation.forms import LostForm, ProofForm


@require_http_methods(["GET", "HEAD", "POST"])
def address(request: HttpRequest) -> HttpResponse:
    """Who has just proved who they are changes it; the address before is told."""
    who = actor(request)
    act = request.POST.get("act", "") if request.method == "POST" else ""
    form = LostForm(request.POST if act == "propose" else None)
    proof = ProofForm(request.POST if act == "confirm" else None)
    if act == "propose" and form.is_valid():
        bridge.run(desk.parts().activation.propose(who, form.cleaned_data["email"]))
        return redirect("recovery-address")
    if act == "confirm" and proof.is_valid():
        try:
            bridge.run(desk.parts().activation.confirm(who, proof.cleaned_data["code"]))
        except errors.NotFound:
            proof.add_error(
                "code",
                gettext("Ce code n’est pas celui de cette adresse, ou il n’est plus valable."),
            )
        else:
            return redirect(reverse("recovery-address") + "?fait=1")
    if act == "forget":
        bridge.run(desk.parts().activation.forget(who))
        return redirect(reverse("recovery-address") + "?fait=1")
    found = bridge.run(desk.parts().activation.address(who))
    page = {
        "found": found,
        "propose": form,
        "proof": proof,
        "form": proof if act == "confirm" else form,
    }
    return render(request, "activation/recovery.html", page)
