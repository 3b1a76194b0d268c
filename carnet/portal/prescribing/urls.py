# SPDX-License-Identifier: EUPL-1.2
"""The addresses of prescriptions, in the record of a patient."""

from django.urls import path

from carnet.portal.prescribing import views

theirs = [
    path("ordonnance/", views.prescribe, name="prescribe"),
    path("ordonnance/<fhirid:document>/", views.stop, name="prescription"),
]
