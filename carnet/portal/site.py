# SPDX-License-Identifier: EUPL-1.2
"""The pages that are nobody's: the front door, the language, accessibility."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe
from django.views.i18n import set_language

from carnet import errors
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import actor

HOMES = {
    "patient": "mine:health",
    "helper": "helping",
    "professional": "find",
    "assistant": "assisting",
    "operator": "operating",
}


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front door; whoever is logged in goes to their first page."""
    if desk.config().private:
        return redirect("people" if request.user.is_authenticated else "unlock")
    if not request.user.is_authenticated:
        page = {"orients": desk.parts().orientation.on()}
        return render(request, "site/home.html", page)
    who = actor(request)
    if who.kind not in HOMES:
        raise errors.Forbidden("No page is made for this kind of account.")
    if who.patient is not None and bridge.run(desk.parts().life.life(who)).life.state != "open":
        return redirect("life")  # there is nothing to read, and something to decide
    return redirect(HOMES[who.kind])


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def language(request: HttpRequest) -> HttpResponse:
    """Choose a language, with a form that needs no script."""
    if request.method == "POST":
        return set_language(request)
    return render(request, "site/language.html")


@login_not_required
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """The accessibility statement."""
    return render(request, "site/accessibility.html")
