# SPDX-License-Identifier: EUPL-1.2
"""The addresses of writing, in the space of a patient."""

from django.urls import path

from carnet.portal.composing import views

urls = [
    path("rediger/", views.choose, name="choose-document"),
    path("rediger/<slug:sort>/", views.write, name="write"),
]
