# SPDX-License-Identifier: EUPL-1.2
"""Log-in and log-out, by allauth, whose other pages come when used; one's connections."""

from allauth.account import views
from django.urls import path

from carnet.portal.accounts.views import connections

urlpatterns = [
    path("connexion/", views.login, name="account_login"),
    path("deconnexion/", views.logout, name="account_logout"),
    path("connexions/", connections, name="connections"),
    path("inactif/", views.account_inactive, name="account_inactive"),
]
