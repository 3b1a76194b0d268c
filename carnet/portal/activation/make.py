# SPDX-License-Identifier: EUPL-1.2
"""Make the account of a subject, or give who lost the way in a new identifier and password.

The code is used last, in the same transaction of Django's: of two who bring it at once, one has the account.
A second factor that the account has stays, and is asked at the next log-in: but with a code that was given at
a counter to replace it. Who comes by an e-mail they asked for sets no first one: a mailbox is not a proof.
"""

from datetime import date

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from carnet.accounts.activate import Opened
from carnet.portal import bridge, desk
from carnet.portal.accounts.models import Account, Linked


class Taken(Exception):
    """Somebody else has this identifier."""


def make(code: str, second: date | str, name: str, password: str) -> Opened:
    """One account a subject; Taken before anything is used, NotFound when the code opens nothing.

    second: the birth date, or the number that goes with the code.
    """
    acts = desk.parts().activation
    opened = bridge.run(acts.check(code, second))
    account = Account.objects.select_related("user").filter(subject=opened.sub).first()
    user = User() if account is None else account.user
    if User.objects.filter(username__iexact=name).exclude(pk=user.pk).exists():
        raise Taken
    user.username, user.is_active = name, True
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            if account is None:
                account = Account(user=user, subject=opened.sub)
            _settle(account, opened)
            bridge.run(acts.use(code, second))
    except IntegrityError:
        raise Taken from None
    return opened


def _settle(account: Account, opened: Opened) -> None:
    """Somebody's from now on: a password alone opens it no more."""
    account.demonstration = False
    held = Authenticator.objects.filter(user=account.user)
    if opened.factors:  # whoever could enter otherwise too: another provider's log-in is a factor
        held.delete()
        Linked.objects.filter(account=account).delete()
    account.enrols = opened.enrols and not held.exists()
    account.save()
