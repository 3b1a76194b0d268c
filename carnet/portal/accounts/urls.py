# SPDX-License-Identifier: EUPL-1.2
"""Log-in and log-out, by allauth. Its other pages (e-mail, second factor…) come when used."""

from allauth.account import views
from django.urls import path

urlpatterns = [
    path("connexion/", views.login, name="account_login"),
    path("deconnexion/", views.logout, name="account_logout"),
    path("inactif/", views.account_inactive, name="account_inactive"),
]
