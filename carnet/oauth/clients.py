# SPDX-License-Identifier: EUPL-1.2
"""A registered client, as Authlib asks about it."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import ClientMixin

from carnet.oauth.queries import ClientRow
from carnet.oauth.requests import digest

# Words that name no data: who logs in, what a launch gives, whether it goes on without the person.
PLAIN = frozenset(
    "openid fhirUser launch launch/patient launch/encounter offline_access online_access".split()
)
DATA = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,63})\.(?P<letters>c?r?u?d?s?)"
    r"(?:\?(?P<narrowed>[A-Za-z0-9_.:/|%=&,-]{1,512}))?"
)


def covered(word: str, registered: frozenset[str]) -> bool:
    """Whether one scope is within what was registered: the level, the type, the letters, the narrowing."""
    if word in PLAIN:
        return word in registered
    asked = DATA.fullmatch(word)
    if asked is None or not asked["letters"]:
        return False
    return any(_within(asked, held) for each in registered if (held := DATA.fullmatch(each)))


def _within(asked: re.Match[str], held: re.Match[str]) -> bool:
    return (
        asked["level"] == held["level"]
        and held["type"] in ("*", asked["type"])
        and set(asked["letters"]) <= set(held["letters"])
        and held["narrowed"] in (None, asked["narrowed"])
    )


@dataclass(frozen=True, slots=True, repr=False)
class Client(ClientMixin):  # type: ignore[misc]
    """One that is live. It says nothing of itself to a log but its id."""

    row: ClientRow

    def __repr__(self) -> str:
        return f"Client({self.row.id!r})"

    @property
    def id(self) -> str:
        """client_id."""
        return self.row.id

    def get_client_id(self) -> str:
        """client_id."""
        return self.row.id

    def get_default_redirect_uri(self) -> None:
        """None: a request says where its answer goes."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scope when each of its words is within what was registered; None refuses all of it."""
        words = (scope or "").split()
        if not words or len(set(words)) != len(words):
            return None
        registered = frozenset(self.row.scopes.split())
        return " ".join(words) if all(covered(each, registered) for each in words) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whole, character by character (OAuth 2.1, 2.3.1)."""
        return redirect_uri in self.row.redirects

    def check_client_secret(self, client_secret: str) -> bool:
        """In constant time."""
        return self.row.secret is not None and hmac.compare_digest(
            digest(client_secret), self.row.secret
        )

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """The one it was registered with, everywhere."""
        return method == self.row.method

    def check_response_type(self, response_type: str) -> bool:
        """A code, if it may have one."""
        return response_type == "code" and "authorization_code" in self.row.grants

    def check_grant_type(self, grant_type: str) -> bool:
        """Those it was registered with."""
        return grant_type in self.row.grants
