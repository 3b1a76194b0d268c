# SPDX-License-Identifier: EUPL-1.2
"""The pages of a record."""

from django.urls import path

from carnet.portal import addresses  # noqa: F401  registers <fhirid:…>
from carnet.portal.record import views

shared = [
    path("", views.documents, name="documents"),
    path("documents/<fhirid:document>/", views.document, name="document"),
    path("recherche/", views.search, name="search"),
    path("courbes/", views.curves, name="curves"),
    path("courbes/<fhirid:code>/", views.curve, name="curve"),
    path("fichiers/<fhirid:binary>", views.file, name="file"),
]

mine = [
    *shared,
    path("acces/", views.openings, name="openings"),
    path("acces/preuves/<fhirid:line>", views.proof, name="proof"),
]
