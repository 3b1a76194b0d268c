# SPDX-License-Identifier: EUPL-1.2
"""Addresses of the code and of the counter."""

from django.urls import path

from carnet.portal.activation import views

urls = [
    path("activer/", views.activate, name="activate"),
    path("operateur/comptes/code/", views.counter, name="counter"),
]
