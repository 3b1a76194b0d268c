# SPDX-License-Identifier: EUPL-1.2
"""My connections: end all of them, or all but this one."""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from carnet import errors
from carnet.portal import bridge, desk
from carnet.portal.accounts.actors import REVISION, SITUATION, actor, places
from carnet.portal.accounts.models import Account


@require_http_methods(["GET", "HEAD", "POST"])
def connections(request: HttpRequest) -> HttpResponse:
    """What is connected in one's name is ended at once, everywhere."""
    who = actor(request)
    if request.method == "POST":
        which = request.POST.get("which")
        if which not in ("others", "all"):
            raise errors.Invalid
        rev = bridge.run(desk.parts().acts.end_connections(who))
        if which == "all":
            logout(request)
            return redirect("account_login")
        request.session[REVISION] = rev
        request.session.cycle_key()  # a copy of this session's cookie is another connection
        return redirect(reverse("connections") + "?fait=1")
    return render(request, "account/connections.html", {"done": "fait" in request.GET})


@require_http_methods(["GET", "HEAD", "POST"])
def situation(request: HttpRequest) -> HttpResponse:
    """Where one practises today: what one reads, writes and signs is said to be from there."""
    account = Account.objects.filter(user_id=request.user.pk).first()
    found = [] if account is None else places(request, account)
    if len(found) < 2:
        raise errors.NotFound
    wrong = False
    if request.method == "POST":
        chosen = request.POST.get("situation")
        if chosen in {id for id, _ in found}:
            request.session[SITUATION] = chosen
            request.session.cycle_key()
            return redirect("home")
        wrong = True
    context = {"places": found, "chosen": request.session.get(SITUATION), "wrong": wrong}
    return render(request, "account/situation.html", context, status=400 if wrong else 200)
