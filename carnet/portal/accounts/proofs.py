# SPDX-License-Identifier: EUPL-1.2
"""How the person of a session proved who they are, and whether it is enough to have any right.

The one place where a second factor is asked for: no page is anybody's without passing here.
"""

import time
from dataclasses import dataclass
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from carnet.access import factors
from carnet.portal import desk
from carnet.portal.accounts.models import Account, UpstreamSession
from carnet.portal.accounts.refusing import NeedsFactor

AUTHENTICATED = "authenticated"  # of the session: when they logged in, seconds since 1970
UPSTREAM = "upstream_acr"  # of the session: {user: our level for what a provider said}
OPENED = "upstream_session"  # of the session: {user: line of UpstreamSession that keeps it open}
FACTORS = {  # our name of an authenticator of allauth
    Authenticator.Type.TOTP: "totp",
    Authenticator.Type.RECOVERY_CODES: "paper",
    Authenticator.Type.WEBAUTHN: "passkey",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """acr: level of factors.toml; amr: RFC 8176; age: seconds since they last proved who they are."""

    acr: str
    amr: tuple[str, ...]
    age: float


def proof(request: HttpRequest, kind: str) -> Proof:
    """What a session was opened with; a factor not open to this kind of account counts for nothing."""
    records = get_authentication_records(request, request.user)
    at = max([float(request.session.get(AUTHENTICATED, 0)), *(one["at"] for one in records)])
    acr: str = factors.PASSWORD
    amr: tuple[str, ...] = ("pwd",)
    living = kept(request, records)
    used = [FACTORS.get(one["type"]) for one in records if one.get("id") in living]
    upstream = request.session.get(UPSTREAM, {}).get(str(request.user.pk))
    for factor in [*used, "upstream" if upstream else None]:
        if factor is None or not factors.open_to(factor, kind):
            continue
        level = str(upstream) if factor == "upstream" else factors.level(factor)
        if factors.rank(level) > factors.rank(acr):
            acr, amr = level, factors.methods(factor)
    return Proof(acr, amr, max(0.0, time.time() - at))


def kept(request: HttpRequest, records: list[dict[str, Any]]) -> frozenset[int]:
    """Which of the factors a session was opened with its person still has: one removed proves nothing."""
    said = {one["id"] for one in records if one.get("method") == "mfa" and "id" in one}
    if not said:
        return frozenset()
    has = Authenticator.objects.filter(user_id=request.user.pk, pk__in=said)
    return frozenset(has.values_list("pk", flat=True))


def judge(request: HttpRequest, account: Account, kind: str) -> Proof:
    """The proof of a session that is enough for its account; NeedsFactor."""
    found = proof(request, kind)
    if desk.config().private:  # its passphrase is the only door there is
        return found
    nobodys = account.demonstration and desk.config().demo
    if not factors.enough(found.acr, kind, demonstration=nobodys):
        raise NeedsFactor
    return found


def just_proved(request: HttpRequest) -> None:
    """They have just logged in."""
    request.session[AUTHENTICATED] = time.time()


def vouched(
    request: HttpRequest, user: AbstractBaseUser | AnonymousUser, level: str | None
) -> None:
    """A provider vouches for this user, and no other, in this session; None: not enough to count."""
    request.session[UPSTREAM] = {} if level is None else {str(user.pk): level}


def opened_by(
    request: HttpRequest, user: AbstractBaseUser | AnonymousUser, session: UpstreamSession
) -> None:
    """This session is over when the provider says so."""
    request.session[OPENED] = {str(user.pk): str(session.pk)}


def opening(request: HttpRequest) -> str | None:
    """The line this session lives by, when a provider opened it."""
    line = request.session.get(OPENED, {}).get(str(request.user.pk))
    return None if line is None else str(line)


def still_open(request: HttpRequest) -> bool:
    """Whether no provider ended the session it opened."""
    line = opening(request)
    return line is None or UpstreamSession.objects.filter(pk=line).exists()


def closed(request: HttpRequest) -> str:
    """They log out: the line of their session goes; which provider had opened it, "" when none had."""
    line = opening(request)
    found = None if line is None else UpstreamSession.objects.filter(pk=line).first()
    if found is None:
        return ""
    found.delete()
    return found.provider


def proved_there(request: HttpRequest, at: float) -> None:
    """When they proved it to the provider, which may be long before they came."""
    request.session[AUTHENTICATED] = at


def lately(request: HttpRequest, seconds: int) -> bool:
    """Whether they proved who they are so many seconds ago at most."""
    return proof(request, "").age <= seconds
