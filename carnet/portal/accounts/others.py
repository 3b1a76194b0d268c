# SPDX-License-Identifier: EUPL-1.2
"""The other providers a page shows: to log in by, to link, to prove again by."""

from collections.abc import Set
from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.utils.translation import get_language

from carnet.portal import desk
from carnet.portal.accounts.models import Linked
from carnet.upstream.providers import Provider

FORMS = "form-action 'self'"


@dataclass(frozen=True, slots=True)
class Shown:
    """A button."""

    key: str
    name: str
    linked: bool = False


def _shown(provider: Provider, *, linked: bool = False) -> Shown:
    return Shown(provider.key, provider.name(get_language() or "fr"), linked)


def shown(kind: str = "", linked: Set[str] = frozenset()) -> list[Shown]:
    """Those that open accounts of a kind, or all of them, in the operator's order."""
    every = desk.parts().upstream.providers.values()
    return [
        _shown(each, linked=each.key in linked) for each in every if not kind or kind in each.opens
    ]


def linked(user: AbstractBaseUser | AnonymousUser) -> list[Shown]:
    """Those that open the account of this user."""
    keys = set(Linked.objects.filter(account__user_id=user.pk).values_list("provider", flat=True))
    return [_shown(each) for key, each in desk.parts().upstream.providers.items() if key in keys]


def allowed(answer: HttpResponse) -> HttpResponse:
    """A form of this page may lead to a provider: browsers follow where its answer redirects."""
    from carnet.portal.headers import POLICY

    origins = {each for one in desk.parts().upstream.providers.values() for each in one.origins}
    if origins:
        policy = answer.headers.get("Content-Security-Policy", POLICY)
        answer.headers["Content-Security-Policy"] = policy.replace(
            FORMS, " ".join([FORMS, *sorted(origins)])
        )
    return answer
