# SPDX-License-Identifier: EUPL-1.2
"""What allauth asks of the house: nobody signs up alone, and refusals are in our words."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from carnet import errors
from carnet.access import stepup
from carnet.portal import bridge, desk
from carnet.portal.accounts import devices, proofs


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

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Instead of allauth's own rates, by which anybody could lock an account (docs/decisions/0062)."""
        name = str(credentials.get("username", ""))
        try:
            bridge.run(desk.parts().tries.password(name, *devices.place(request, name)))
        except errors.TooMany:
            raise self.validation_error("too_many_login_attempts") from None

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """What was right is not counted."""
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            name = str(credentials.get("username", ""))
            bridge.run(desk.parts().tries.right(name, *devices.place(request, name)))
        return user

    def post_login(
        self, request: HttpRequest, user: AbstractBaseUser, **given: Any
    ) -> HttpResponse:
        """The device is known from now on."""
        answer: HttpResponse = super().post_login(request, user, **given)
        devices.keep(request, answer, user)
        return answer

    def get_login_stages(self) -> list[str]:
        """Our own way to ask for the second factor in place of allauth's."""
        ours = "carnet.portal.accounts.stages.FactorStage"
        theirs = "allauth.mfa.stages.AuthenticateStage"
        return [ours if each == theirs else each for each in super().get_login_stages()]

    def is_reauthentication_required(self, *, app: str) -> bool:
        """To change a factor: who logged in a short while ago has proved who they are."""
        return not proofs.lately(context.request, stepup.longest())

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/"

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Who came by another provider may leave it too."""
        from django.urls import reverse

        key = proofs.closed(request)
        return reverse("upstream-left", args=[key]) if key else "/"

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """No flash message: each page says by itself what has happened."""
