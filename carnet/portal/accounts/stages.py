# SPDX-License-Identifier: EUPL-1.2
"""The step of a log-in that asks for the second factor: of whoever has one, a printed sheet too."""

from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.http import HttpRequest


class FactorStage(AuthenticateStage):
    """allauth asks it of those with an application or a passkey alone."""

    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        if user is None or not is_mfa_enabled(user):
            return False
        if (
            getattr(request, "vouched", None) == user.pk
        ):  # by another provider, whose level is enough
            return False
        return not did_use_passwordless_login(request, user)
