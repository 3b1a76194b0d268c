# SPDX-License-Identifier: EUPL-1.2
"""Log-in and log-out, by allauth, whose other pages come when used; one's connections."""

from allauth.account import views
from django.urls import path

from carnet.portal.accounts import security
from carnet.portal.accounts.views import connections, situation

urlpatterns = [
    path("connexion/", security.log_in, name="account_login"),
    path("deconnexion/", views.logout, name="account_logout"),
    path("situation/", situation, name="situation"),
    path("connexions/", connections, name="connections"),
    path("connexion/code/", security.second, name="mfa_authenticate"),
    path("connexion/cle/", security.by_passkey, name="mfa_login_webauthn"),
    path("confirmer/", security.confirm, name="account_reauthenticate"),
    path("confirmer/code/", security.confirm, name="mfa_reauthenticate"),
    path("securite/", security.index, name="mfa_index"),
    path("securite/application/", security.AddApplication.as_view(), name="mfa_activate_totp"),
    path(
        "securite/application/retirer/",
        security.RemoveApplication.as_view(),
        name="mfa_deactivate_totp",
    ),
    path("securite/feuille/", security.sheet, name="mfa_generate_recovery_codes"),
    path("securite/feuille/", security.sheet, name="mfa_view_recovery_codes"),
    path("securite/cle/", security.AddPasskey.as_view(), name="mfa_add_webauthn"),
    path("securite/", security.index, name="mfa_list_webauthn"),
    path(
        "securite/cle/<int:pk>/retirer/",
        security.RemovePasskey.as_view(),
        name="mfa_remove_webauthn",
    ),
    path("inactif/", views.account_inactive, name="account_inactive"),
]
