# SPDX-License-Identifier: EUPL-1.2
"""Log in by another provider, link one's account to it, prove again who one is by it."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import structlog
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from carnet import errors
from carnet.access import stepup
from carnet.portal import bridge, desk
from carnet.portal.accounts import proofs, security
from carnet.portal.accounts.actors import actor
from carnet.portal.accounts.models import Linked, UpstreamSession
from carnet.portal.upstream import entering
from carnet.upstream import flow, judging
from carnet.upstream.fetching import ProviderAway, WrongProvider
from carnet.upstream.flow import Back, Refused, Sent, WrongAnswer
from carnet.upstream.judging import UnknownKey
from carnet.upstream.persons import NoAccountHere
from carnet.upstream.providers import Provider

log = structlog.get_logger("carnet.upstream")
SENT = "upstream"  # of the session: what was sent, by `state`
TABS = 5  # log-ins begun at once
WORDS: Mapping[type[errors.CarnetError], tuple[int, Any]] = {
    Refused: (403, _("Vous n’avez pas été connecté là-bas, ou vous avez renoncé.")),
    WrongAnswer: (400, _("Cette réponse n’est pas celle d’une connexion commencée ici, ou elle est "
                           "trop vieille.")),
    NoAccountHere: (403, _("Aucun compte d’ici ne répond à cette connexion. Le guichet peut "
                             "vous en ouvrir un.")),
    ProviderAway: (503, _("Ce fournisseur ne répond pas en ce moment. Rien n’a été perdu.")),
    WrongProvider: (403, _("La réponse de ce fournisseur n’a pas pu être vérifiée. Rien n’a été ouvert.")),
}  # fmt: skip


def found(key: str) -> Provider:
    """NotFound for what the operator's file does not name."""
    provider = desk.parts().upstream.providers.get(key)
    if provider is None:
        raise errors.NotFound
    return provider


def address(provider: Provider) -> str:
    """Where the provider sends people back; registered there."""
    return desk.config().base_url.rstrip("/") + reverse("upstream-back", args=[provider.key])


@login_not_required
@require_POST
def begin(request: HttpRequest, key: str) -> HttpResponse:
    """Go to the provider: to log in, to link one's account, or to prove again who one is."""
    provider, why = found(key), request.POST.get("why", "login")
    if why not in ("login", "link", "again"):
        raise errors.Invalid
    if why != "login" and not request.user.is_authenticated:
        raise errors.Unauthenticated
    if why == "link" and not proofs.lately(request, stepup.longest()):
        raise stepup.StepUp
    try:
        url, state, sent = flow.send(
            desk.parts().upstream.known, provider, address(provider),
            why=why, next=security.next_of(request), now=time.time(),
        )  # fmt: skip
    except errors.CarnetError as error:
        return refused(request, provider, error)
    kept = request.session.get(SENT, {})
    request.session[SENT] = dict(list(kept.items())[-TABS + 1 :]) | {state: sent.kept()}
    return redirect(url)


@login_not_required
@require_http_methods(["GET"])
def back(request: HttpRequest, key: str) -> HttpResponse:
    """They come back; what was sent is of no use a second time, whatever comes of it."""
    provider = found(key)
    try:
        states = request.GET.getlist("state")
        kept = dict(request.session.get(SENT, {}))
        sent = kept.pop(states[0], None) if len(states) == 1 else None
        if sent is None:
            raise WrongAnswer
        request.session[SENT] = kept
        came = flow.back(
            desk.parts().upstream.known, provider, Sent(**sent), dict(request.GET.lists()),
            address(provider), time.time(),
        )  # fmt: skip
        return _enter(request, provider, Sent(**sent), came)
    except (Refused, WrongAnswer, NoAccountHere, ProviderAway, WrongProvider) as error:
        return refused(request, provider, error)


def _enter(request: HttpRequest, provider: Provider, sent: Sent, came: Back) -> HttpResponse:
    if sent.why == "login":
        return entering.log_in(request, provider, came, sent.next)
    if not request.user.is_authenticated:
        raise WrongAnswer
    if sent.why == "link":
        entering.link(request, provider, came)
        return redirect(reverse("mfa_index") + "?fait=1")
    entering.prove(request, provider, came)
    return redirect(sent.next)


def refused(request: HttpRequest, provider: Provider, error: errors.CarnetError) -> HttpResponse:
    """What happened, calmly, and the way back; nothing of what was said is repeated."""
    log.warning("upstream refused", provider=provider.key, error=type(error).__name__)
    status, text = next(
        (said for kind, said in WORDS.items() if isinstance(error, kind)), WORDS[WrongProvider]
    )
    name = provider.name(get_language() or "fr")
    return render(request, "upstream/refused.html", {"name": name, "text": text}, status=status)


@require_POST
def unlink(request: HttpRequest, key: str) -> HttpResponse:
    """A provider opens one's account no more; another way in has to be left."""
    who = actor(request)
    if not proofs.lately(request, stepup.longest()):
        raise stepup.StepUp
    user = request.user
    if not (user.is_authenticated and user.has_usable_password()):
        return redirect(reverse("mfa_index") + "?seul=1")
    mine = Linked.objects.filter(account__user_id=request.user.pk, provider=key)
    # Whoever it let in until now is out; this session ends with its browser or its time.
    opened = UpstreamSession.objects.filter(
        provider=key, sub__in=list(mine.values_list("sub", flat=True))
    )
    opened.exclude(pk=proofs.opening(request)).delete()
    gone, _each = mine.delete()
    if gone and key in desk.parts().upstream.providers:
        bridge.run(desk.parts().upstream.told(who, found(key), linked=False))
    return redirect(reverse("mfa_index") + "?fait=1")


@login_not_required
@require_safe
def left(request: HttpRequest, key: str) -> HttpResponse:
    """Logged out here; the provider's own session is another."""
    provider, end = found(key), ""
    try:
        known = desk.parts().upstream.known.known(provider)
        end = known.metadata.endpoints.get("end_session_endpoint", "")
        end += (
            ("&" if "?" in end else "?") + urlencode({"client_id": provider.client_id})
            if end
            else ""
        )
    except errors.CarnetError:
        end = ""  # it is away: nothing to offer
    context = {"name": provider.name(get_language() or "fr"), "end": end}
    return render(request, "upstream/left.html", context)


@csrf_exempt
@login_not_required
@require_POST
def ended(request: HttpRequest, key: str) -> HttpResponse:
    """Back-channel log-out: the provider says, signed, whose sessions are over (sid, or all of sub)."""
    provider, upstream = found(key), desk.parts().upstream
    text, now = request.POST.get("logout_token"), time.time()
    try:
        try:
            said = judging.logged_out(text, provider, upstream.known.known(provider).keys, now)
        except UnknownKey:
            said = judging.logged_out(text, provider, upstream.known.newer(provider).keys, now)
    except (WrongProvider, ProviderAway) as error:
        log.warning("log-out refused", provider=provider.key, error=type(error).__name__)
        return JsonResponse({"error": "invalid_request"}, status=400)
    of = UpstreamSession.objects.filter(provider=provider.key)
    if "sid" in said:
        of = of.filter(sid=said["sid"])
    if "sub" in said:
        of = of.filter(sub=said["sub"])
    of.delete()
    return HttpResponse(status=200)
