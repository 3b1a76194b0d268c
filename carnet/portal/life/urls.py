# SPDX-License-Identifier: EUPL-1.2
"""Addresses of the life of a record, of emergencies and of the tray."""

from django.urls import path

from carnet.portal import addresses  # noqa: F401  registers <fhirid:…>
from carnet.portal.life import views

urls = [
    path("espace/", views.life, name="life"),
    path("opposition/", views.oppose, name="oppose"),
    path("patients/urgence/", views.emergency, name="emergency"),
    path("patients/<fhirid:patient>/urgence/fin/", views.ended, name="end-emergency"),
    path("urgences/", views.reviews, name="reviews"),
    path("courrier/", views.tray, name="tray"),
    path("courrier/<int:number>/", views.letter, name="letter"),
    path("courrier/<int:number>/pdf", views.pdf, name="letter-pdf"),
]
