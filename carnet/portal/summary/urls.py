# SPDX-License-Identifier: EUPL-1.2
"""The address of the one page, in each space of a record."""

from django.urls import path

from carnet.portal.summary import views

shared = [
    path("sante/", views.health, name="health"),
    path("sante/source/<str:rtype>/<str:id>/", views.said, name="said"),
    path("sante/synthese.<str:language>.<str:form>", views.summary, name="summary"),
]
