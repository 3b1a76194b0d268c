# SPDX-License-Identifier: EUPL-1.2
"""Make the account of a subject, or give who lost the way in a new identifier and password.

The code is used last, in the same transaction of Django's: of two who bring it at once, one has the account.
A second factor that the account has stays: it is asked at the next log-in.
"""

from datetime import date

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from carnet.portal import bridge, desk
from carnet.portal.accounts.models import Account


class Taken(Exception):
    """Somebody else has this identifier."""


def make(code: str, born: date, name: str, password: str) -> None:
    """One account a subject; Taken before anything is used, NotFound when the code opens nothing."""
    acts = desk.parts().activation
    subject = bridge.run(acts.check(code, born))
    account = Account.objects.select_related("user").filter(subject=subject).first()
    user = User() if account is None else account.user
    if User.objects.filter(username__iexact=name).exclude(pk=user.pk).exists():
        raise Taken
    user.username, user.is_active = name, True
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            if account is None:
                account = Account(user=user, subject=subject)
            account.demonstration = (
                False  # somebody's from now on: a password alone opens it no more
            )
            account.enrols = not Authenticator.objects.filter(user=user).exists()
            account.save()
            bridge.run(acts.use(code, born))
    except IntegrityError:
        raise Taken from None
