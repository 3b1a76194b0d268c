# SPDX-License-Identifier: EUPL-1.2
"""From a log-in to an actor of the record."""

from django.http import HttpRequest

from carnet import errors
from carnet.access.actor import Actor
from carnet.portal import bridge, desk
from carnet.portal.accounts.models import Account

SECRET = "secret"  # of the session: a minor's connection that representatives know nothing of


def actor(request: HttpRequest) -> Actor:
    """Who is asking; looked up once per request."""
    known: Actor | None = getattr(request, "actor", None)
    if known is None:
        account = Account.objects.filter(user_id=request.user.pk).first()
        if account is None:
            raise errors.Forbidden("This account is nobody in the record.")
        secret = bool(request.session.get(SECRET))
        known = bridge.run(desk.parts().actor(account.subject, secret=secret))
        request.actor = known  # type: ignore[attr-defined]
    return known
