# SPDX-License-Identifier: EUPL-1.2
"""The application Django knows this folder by."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class AccountsConfig(AppConfig):
    name = "carnet.portal.accounts"
    label = "accounts"

    def ready(self) -> None:
        from carnet.portal.accounts.actors import logged_in  # models are there now

        user_logged_in.connect(logged_in, dispatch_uid="carnet.revision")
