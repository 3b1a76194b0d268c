# SPDX-License-Identifier: EUPL-1.2
"""How the person of a session proved who they are, and whether it is enough to have any right.

The one place where a second factor is asked for: no page is anybody's without passing here.
"""

import time
from dataclasses import dataclass

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from carnet.access import factors
from carnet.portal import desk
from carnet.portal.accounts.models import Account
from carnet.portal.accounts.refusing import NeedsFactor

AUTHENTICATED = "authenticated"  # of the session: when they logged in, seconds since 1970
UPSTREAM = "upstream_acr"  # of the session: the level of the provider they came from
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
    used = [FACTORS.get(one.get("type")) for one in records if one.get("method") == "mfa"]
    upstream = request.session.get(UPSTREAM)
    for factor in [*used, "upstream" if upstream else None]:
        if factor is None or not factors.open_to(factor, kind):
            continue
        level = str(upstream) if factor == "upstream" else factors.level(factor)
        if factors.rank(level) > factors.rank(acr):
            acr, amr = level, factors.methods(factor)
    return Proof(acr, amr, max(0.0, time.time() - at))


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


def lately(request: HttpRequest, seconds: int) -> bool:
    """Whether they proved who they are so many seconds ago at most."""
    return proof(request, "").age <= seconds
