# SPDX-License-Identifier: EUPL-1.2
"""The application Django knows this folder by."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "carnet.portal.accounts"
    label = "accounts"
