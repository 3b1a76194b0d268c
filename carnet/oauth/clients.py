# SPDX-License-Identifier: EUPL-1.2
"""A registered client, as Authlib asks about it."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import ClientMixin

from carnet.access.scopes import WrongScope, covered, judged
from carnet.oauth.queries import ClientRow
from carnet.oauth.requests import digest

# Of a native application, registered without a port: the system gives it one each time (RFC 8252, 7.3).
PORT = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\])):[1-9][0-9]{0,4}(/[!-~]*)", re.ASCII)


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
        try:
            words = judged(scope or "")
        except WrongScope:
            return None
        registered = frozenset(self.row.scopes.split())
        within = words and all(covered(each, registered) for each in words)
        return " ".join(words) if within else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whole, character by character (OAuth 2.1, 2.3.1); of the device itself, on any port (8.4.2)."""
        if redirect_uri in self.row.redirects:
            return True
        on_device = PORT.fullmatch(redirect_uri)
        return on_device is not None and "".join(on_device.groups()) in self.row.redirects

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
