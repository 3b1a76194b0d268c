# SPDX-License-Identifier: EUPL-1.2
"""Devices an account was entered by before: a cookie that says so, signed, and opens nothing by itself.

It tells of which account by a hash alone. Tries from a device that is known count apart from those of
strangers, who cannot use them up.
"""

import secrets
from typing import Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from carnet.portal import bridge, desk
from carnet.portal.accounts.models import Account

DAYS: Final = 180
MOST: Final = 8  # accounts of one device: a practice's computer
SALT: Final = "carnet.device"
TOLD: Final = ("professional", "assistant", "operator")  # whose new devices an operator is told of


def cookie() -> str:
    """Its name."""
    return "__Host-carnet-device" if settings.SESSION_COOKIE_SECURE else "carnet-device"


def read(request: HttpRequest) -> dict[str, str]:
    """Accounts, hashed, and what this device is called for each."""
    try:
        given = signing.loads(request.COOKIES.get(cookie(), ""), salt=SALT, max_age=DAYS * 86400)
    except signing.BadSignature:
        return {}
    return given if isinstance(given, dict) else {}


def mark(name: str) -> str:
    """An account, as the cookie says it."""
    return salted_hmac(SALT, name.strip().casefold(), algorithm="sha256").hexdigest()[:16]


def place(request: HttpRequest, name: str) -> tuple[str, str]:
    """The address, and the device when the account knows it."""
    return request.META.get("REMOTE_ADDR", ""), read(request).get(mark(name), "")


def keep(request: HttpRequest, answer: HttpResponse, user: AbstractBaseUser) -> None:
    """This device is known to the account; an operator is told of a new one of a professional's."""
    known, one = read(request), mark(user.get_username())
    if one not in known:
        account = Account.objects.filter(user_id=user.pk).first()
        if account is not None and not desk.config().demo:
            who = bridge.run(desk.parts().actor(account.subject))
            if who.kind in TOLD:
                bridge.run(desk.parts().tries.device(account.subject))
    known = {one: known.pop(one, secrets.token_hex(8)), **known}
    answer.set_cookie(
        cookie(),
        signing.dumps(dict(list(known.items())[:MOST]), salt=SALT),
        max_age=DAYS * 86400,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
