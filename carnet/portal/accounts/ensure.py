# SPDX-License-Identifier: EUPL-1.2
"""Accounts of the demonstration."""

from collections.abc import Mapping

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.db import transaction

from carnet.portal.accounts.models import Account


@transaction.atomic
def ensure_accounts(subjects: Mapping[str, str], password: str) -> None:
    """Create what is missing; set the password again where it is another.

    One hash serves them all: a slow hash for each would cost the demonstration several seconds,
    and their password is one and the same, printed on the terminal.
    """
    users = User.objects
    known = {user.username: user for user in users.filter(username__in=list(subjects))}
    encoded = next((user.password for user in known.values()), "")
    if not (encoded and check_password(password, encoded)):
        encoded = make_password(password)
    # Who activated their account has another identifier since, and keeps it.
    others = Account.objects.filter(subject__in=list(subjects.values()))
    kept = {
        one.subject for one in others.select_related("user") if one.user.username not in subjects
    }
    for name, subject in subjects.items():
        if subject in kept:
            continue
        user = known.get(name) or users.create(username=name, password=encoded)
        if user.password != encoded:
            user.password = encoded
            user.save(update_fields=["password"])
        Account.objects.update_or_create(
            user=user, defaults={"subject": subject, "demonstration": True}
        )


@transaction.atomic
def ensure_owner(subject: str) -> None:
    """The account of who owns a private instance: no password opens it, the passphrase does."""
    user, made = User.objects.get_or_create(username="owner")
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    Account.objects.update_or_create(user=user, defaults={"subject": subject})
