# SPDX-License-Identifier: EUPL-1.2
"""Addresses of other providers' log-ins; `retour` and `fin` are registered with the provider."""

from django.urls import path

from carnet.portal.upstream import views

urls = [
    path("compte/fournisseur/<slug:key>/", views.begin, name="upstream-begin"),
    path("compte/fournisseur/<slug:key>/retour/", views.back, name="upstream-back"),
    path("compte/fournisseur/<slug:key>/retirer/", views.unlink, name="upstream-unlink"),
    path("compte/fournisseur/<slug:key>/sortie/", views.left, name="upstream-left"),
    path("compte/fournisseur/<slug:key>/fin/", views.ended, name="upstream-ended"),
]
