# SPDX-License-Identifier: EUPL-1.2
"""What allauth asks of the house: nobody signs up alone, and refusals are in our words."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class Adapter(DefaultAccountAdapter):
    """Accounts are made by the operator; an unknown name and a wrong password read alike."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _(
            "L’identifiant ou le mot de passe est incorrect. Vérifiez les majuscules, "
            "puis réessayez."
        ),
        "too_many_login_attempts": _(
            "Trop d’essais de connexion. Attendez quelques minutes, puis réessayez."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/"

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """No flash message: each page says by itself what has happened."""
