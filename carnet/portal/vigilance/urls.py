# SPDX-License-Identifier: EUPL-1.2
"""Addresses of the pages of identity."""

from django.urls import path

from carnet.portal import addresses  # noqa: F401  registers <fhirid:…>
from carnet.portal.vigilance import quarantine, views

urls = [
    path("identite/", views.mine, name="identity"),
    path("identite/fiche/", views.sheet, name="identity-sheet"),
    path("identitovigilance/", views.desk_, name="vigilance"),
    path("identitovigilance/datamatrix/", views.decode, name="datamatrix"),
    path("identitovigilance/chercher/", views.find, name="find-identity"),
    path("identitovigilance/identites/<fhirid:one>/", views.identity, name="an-identity"),
    path("identitovigilance/quarantaine/<fhirid:one>/", quarantine.apart, name="quarantine"),
    path("identitovigilance/fusions/<fhirid:proposal>/", views.decide, name="merge"),
    path(
        "identitovigilance/<fhirid:one>/<fhirid:other>/", views.compare, name="compare-identities"
    ),
]
