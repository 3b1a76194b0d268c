# SPDX-License-Identifier: EUPL-1.2
"""Addresses of the pages of clients."""

from django.urls import path

from carnet.portal import addresses  # noqa: F401  registers <fhirid:…>
from carnet.portal.clients import applying, developers, views

urls = [
    path("operateur/clients/", views.clients, name="clients"),
    path("operateur/clients/<fhirid:id>/", views.client, name="a-client"),
    path("developpeurs/inscrire/", applying.apply, name="apply"),
    path("developpeurs/erreurs/", developers.errors, name="errors"),
]
