# SPDX-License-Identifier: EUPL-1.2
"""Addresses of those who act for somebody."""

from django.urls import path

from carnet.portal import addresses  # noqa: F401  registers <fhirid:…>
from carnet.portal.acting import assistants, operators, views

own = [
    path("", views.acting, name="acting"),
    path("code/", views.accept, name="accept"),
    path("donner/", views.give, name="give"),
    path("partager/", views.share, name="share"),
    path("retirer/", views.revoke, name="revoke"),
]
helping = [
    path("", views.helping, name="helping"),
    path("fin/", views.ended, name="ended"),
    path("recu/<fhirid:session>/", views.receipt, name="receipt"),
]
others = [
    path("assistants/", assistants.mine, name="assistants"),
    path("assister/", assistants.assisting, name="assisting"),
    path("operateur/", operators.home, name="operating"),
    path("operateur/assistants/", operators.assistants, name="every-assistant"),
    path("operateur/mandats/", operators.find, name="representatives"),
    path("operateur/mandats/<fhirid:patient>/", operators.represented, name="represented"),
    path("operateur/mandats/<fhirid:patient>/papier/", operators.paper, name="paper"),
    path("operateur/mandats/<fhirid:patient>/fin/", operators.ended, name="end-mandate"),
]
