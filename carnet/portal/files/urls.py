# SPDX-License-Identifier: EUPL-1.2
"""The addresses of files, within those of a record."""

from django.urls import path, re_path

from carnet.portal import addresses  # noqa: F401  registers <fhirid:…>
from carnet.portal.files import views

shared = [
    path("documents/<fhirid:document>/fichier/", views.viewer, name="viewer"),
    re_path(
        r"^fichiers/(?P<binary>[A-Za-z0-9\-.]{1,64})/page-(?P<number>[1-9][0-9]{0,3})\.png$",
        views.picture,
        name="picture",
    ),
]

# Before the address of a document, which it could be.
mine = [path("documents/ajouter/", views.add, name="add"), *shared]
