# SPDX-License-Identifier: EUPL-1.2
"""From what a provider said to a session here: which account, with which proof."""

import time
import uuid
from datetime import timedelta

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from carnet.access import factors
from carnet.access.actor import Actor
from carnet.portal import bridge, desk
from carnet.portal.accounts import proofs
from carnet.portal.accounts.actors import actor
from carnet.portal.accounts.models import Account, Linked, UpstreamSession
from carnet.upstream.flow import Back
from carnet.upstream.persons import NoAccountHere
from carnet.upstream.providers import Provider

LONGEST = timedelta(hours=12)  # a session lasts eight


def log_in(request: HttpRequest, provider: Provider, came: Back, next: str) -> HttpResponse:
    """A session; our second factor is asked when the provider's level is not enough."""
    account, new = _account(provider, came)
    who = _allowed(provider, account)
    if new:
        bridge.run(desk.parts().upstream.told(who, provider, linked=True))
    counts = came.level is not None and factors.enough(came.level, who.kind)
    request.vouched = account.user.pk if counts else None  # type: ignore[attr-defined]
    proofs.vouched(request, account.user, None)
    proofs.opened_by(request, account.user, _opened(provider, came))
    answer: HttpResponse = perform_login(request, Login(user=account.user, redirect_url=next))
    if request.user.is_authenticated and request.user.pk == account.user.pk:
        proofs.vouched(request, account.user, came.level if counts else None)
        proofs.opened_by(request, account.user, _opened(provider, came))
        proofs.proved_there(request, _when(came))
    return answer


def _opened(provider: Provider, came: Back) -> UpstreamSession:
    """The line this session lives by; those of sessions that are over go."""
    UpstreamSession.objects.filter(at__lt=timezone.now() - LONGEST).delete()
    return UpstreamSession.objects.create(
        id=uuid.uuid4(), provider=provider.key, sub=came.sub, sid=came.sid
    )


def _account(provider: Provider, came: Back) -> tuple[Account, bool]:
    """The account it is linked to, or the one its claims name, linked now; NoAccountHere."""
    held = Linked.objects.select_related("account__user").filter(
        provider=provider.key, sub=came.sub
    )
    link = held.first()
    upstream = desk.parts().upstream
    if link is not None:
        # Who left, or whose number is another's, enters no more.
        if provider.recognise == "rpps" and (
            bridge.run(upstream.whose(provider, came.claims)) != link.account.subject
        ):
            raise NoAccountHere
        return link.account, False
    if provider.recognise == "traits" and came.level is None:
        raise NoAccountHere  # names and a birth date alone prove nobody
    subject = bridge.run(upstream.whose(provider, came.claims))
    _allowed(provider, subject)
    try:
        with transaction.atomic():
            account = _made(subject)
            Linked.objects.create(provider=provider.key, sub=came.sub, account=account)
    except IntegrityError:  # they are linked to another of that provider, or come twice at once
        link = held.first()
        if link is None or link.account.subject != subject:
            raise NoAccountHere from None
        return link.account, False
    return account, True


def _made(subject: str) -> Account:
    """The account of a subject; a new one has no password."""
    account = Account.objects.select_related("user").filter(subject=subject).first()
    if account is None:
        user = User(username=f"{uuid.uuid4()}")
        user.set_unusable_password()
        user.save()
        account = Account.objects.create(user=user, subject=subject)
    return account


def _allowed(provider: Provider, of: Account | str) -> Actor:
    """Who it is, if this provider opens accounts of their kind; errors of an account that was stopped."""
    who = bridge.run(desk.parts().actor(of if isinstance(of, str) else of.subject))
    if who.kind not in provider.opens:
        raise NoAccountHere
    return who


def link(request: HttpRequest, provider: Provider, came: Back) -> None:
    """The account of who is logged in is opened by this provider from now on."""
    who = actor(request)
    account = Account.objects.get(user_id=request.user.pk)
    _allowed(provider, account)
    if provider.recognise != "link" and (
        bridge.run(desk.parts().upstream.whose(provider, came.claims)) != account.subject
    ):
        raise NoAccountHere
    try:
        with transaction.atomic():
            Linked.objects.create(provider=provider.key, sub=came.sub, account=account)
    except IntegrityError:
        raise NoAccountHere from None
    bridge.run(desk.parts().upstream.told(who, provider, linked=True))


def prove(request: HttpRequest, provider: Provider, came: Back) -> None:
    """They proved again who they are, there, just now; `back` has compared the time."""
    account = Account.objects.get(user_id=request.user.pk)
    mine = Linked.objects.filter(provider=provider.key, sub=came.sub, account=account)
    who = _allowed(provider, account)
    if not mine.exists() or came.level is None or not factors.enough(came.level, who.kind):
        raise NoAccountHere
    proofs.vouched(request, request.user, came.level)
    proofs.proved_there(request, _when(came))
    request.session.cycle_key()


def _when(came: Back) -> float:
    """When they proved it, as the provider says; long ago when it does not say."""
    return min(float(came.at), time.time())
