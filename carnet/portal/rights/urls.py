# SPDX-License-Identifier: EUPL-1.2
"""The pages of the rights."""

from django.urls import path

from carnet.portal import addresses  # noqa: F401  registers <fhirid:…>
from carnet.portal.rights import views

# One's own record, and that of whom one legally represents.
mine = [
    path("droits/", views.rights, name="rights"),
    path("droits/professionnels/", views.professionals, name="professionals"),
    path("droits/choisir/", views.decide, name="decide"),
    path("documents/<fhirid:document>/masquer/", views.mask, name="mask"),
]
shared = [path("pourquoi/", views.why, name="why")]
