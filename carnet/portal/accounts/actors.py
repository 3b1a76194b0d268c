# SPDX-License-Identifier: EUPL-1.2
"""From a log-in to an actor of the record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.contrib.auth import logout
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from carnet import errors
from carnet.access.actor import Actor
from carnet.portal import bridge, desk
from carnet.portal.accounts import proofs
from carnet.portal.accounts.models import Account
from carnet.portal.accounts.refusing import NeedsSituation

ACTING_FOR = "acting_for"  # of the session: RPPS of whom an assistant chose to act for
REVISION = "revision"  # of the session: that of the subject when they logged in
SEEN = "seen"  # of the session, in a private instance: the subject whose documents the owner reads
SITUATION = "situation"  # of the session: where a professional said they practise today
PLACES = "places"  # of the session: in how many places they do
SECRET = "secret"  # of the session: a minor's connection that representatives know nothing of


def actor(request: HttpRequest) -> Actor:
    """Who is asking; looked up once per request."""
    known: Actor | None = getattr(request, "actor", None)
    if known is None:
        account = Account.objects.filter(user_id=request.user.pk).first()
        if account is None:
            raise errors.Forbidden("This account is nobody in the record.")
        secret = bool(request.session.get(SECRET))
        chosen: int | None = request.session.get(ACTING_FOR)
        subject = account.subject
        if desk.config().private:
            subject = request.session.get(SEEN, subject)
        try:
            known = bridge.run(
                desk.parts().actor(
                    subject,
                    secret=secret,
                    acting_for=chosen,
                    situation=request.session.get(SITUATION),
                )
            )
        except errors.Unauthenticated:  # they practise there no more
            if request.session.pop(SITUATION, None) is None:
                raise
            places(request, account)
            raise NeedsSituation from None
        except errors.Forbidden:  # they were dismissed since they chose
            if chosen is None:
                raise
            del request.session[ACTING_FOR]
            known = bridge.run(desk.parts().actor(account.subject, secret=secret))
        found = proofs.judge(request, account, known.kind)
        when = (known.authenticated or datetime.now(UTC)) - timedelta(seconds=found.age)
        known = replace(known, acr=found.acr, authenticated=when)  # by the clock of the acts
        if (
            not proofs.still_open(request) or request.session.get(REVISION) != known.rev
        ):  # ended since, with all that was connected
            logout(request)
            raise errors.Unauthenticated
        if request.session.get(PLACES, 0) > 1 and SITUATION not in request.session:
            raise NeedsSituation
        request.actor = known  # type: ignore[attr-defined]
        if known.kind == "assistant":
            request.assisted = _assisted(known)  # type: ignore[attr-defined]
    return known


def logged_in(request: HttpRequest, user: AbstractBaseUser, **sent: object) -> None:
    """However somebody logs in, their session bears the revision of then."""
    account = Account.objects.filter(user_id=user.pk).first()
    if account is not None:
        found = bridge.run(desk.parts().actor(account.subject))
        request.session[REVISION] = found.rev
        if found.kind == "professional":
            places(request, account)
    proofs.just_proved(request)


def places(request: HttpRequest, account: Account) -> list[tuple[str, str]]:
    """Where a professional practises; one who has several says in which they are."""
    found = list(bridge.run(desk.parts().situations(account.subject)))
    request.session[PLACES] = len(found)
    return found


def _assisted(who: Actor) -> str:
    """Whom an assistant acts for, which every page of theirs says; "" when nobody."""
    found = bridge.run(desk.parts().acts.assisted(who))
    return next((one.name or f"RPPS {one.rpps:011d}" for one in found if one.rpps == who.rpps), "")
