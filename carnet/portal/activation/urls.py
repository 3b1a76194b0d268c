# SPDX-License-Identifier: EUPL-1.2
"""Addresses of the code and of the counter."""

from django.urls import path

from carnet.portal.activation import accounts, address, views

urls = [
    path("activer/", views.activate, name="activate"),
    path("activer/compte/", views.activate_working, name="activate-working"),
    path("mot-de-passe-perdu/", views.lost, name="lost-password"),
    path("compte/securite/adresse/", address.address, name="recovery-address"),
    path("operateur/comptes/", accounts.accounts, name="accounts"),
    path("operateur/comptes/code/", views.counter, name="counter"),
    path("operateur/comptes/code/professionnel/", views.working, name="counter-working"),
    path("operateur/comptes/<str:sub>/", accounts.account, name="account"),
]
