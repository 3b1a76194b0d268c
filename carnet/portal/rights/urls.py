# SPDX-License-Identifier: EUPL-1.2
"""The pages of the rights."""

from django.urls import path

from carnet.portal import addresses  # noqa: F401  registers <fhirid:…>
from carnet.portal.rights import views

# Of every record one may read: one's own, a patient's, that of whom one acts for.
shared = [
    path("pourquoi/", views.why, name="why"),
    path("documents/<fhirid:document>/marquer/", views.mark, name="mark"),
]
# One's own record, and that of whom one legally represents.
mine = [
    *shared,
    path("droits/", views.rights, name="rights"),
    path("droits/professionnels/", views.professionals, name="professionals"),
    path("droits/choisir/", views.decide, name="decide"),
    path("documents/<fhirid:document>/masquer/", views.mask, name="mask"),
]
