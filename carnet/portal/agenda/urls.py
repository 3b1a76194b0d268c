# SPDX-License-Identifier: EUPL-1.2
"""Addresses of a person's appointments, one's own or of whom one acts for."""

from django.urls import path

from carnet.portal import addresses  # noqa: F401  registers <fhirid:…>
from carnet.portal.agenda import views

mine = [
    path("rendez-vous/", views.appointments, name="appointments"),
    path("rendez-vous/<fhirid:appointment>/", views.change, name="change-appointment"),
    path("rendez-vous/<fhirid:appointment>/agenda.ics", views.file, name="appointment-file"),
]
