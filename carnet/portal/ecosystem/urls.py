# SPDX-License-Identifier: EUPL-1.2
"""Addresses of the public pages."""

from django.urls import path

from carnet.portal.ecosystem import occupying, training, views

shared = [path("prevention/", views.prevention, name="prevention")]

urls = [
    path("occupation/", occupying.occupancy, name="occupancy"),
    path("guichet/", views.guichet, name="guichet"),
    path("exercices/", training.listed, name="training"),
    path("exercices/<slug:key>/", training.exercise, name="exercise"),
    path("transparence/", views.openness, name="openness"),
    path("transparence/investissements/", views.investments, name="investments"),
    path("transparence/fonctions/", views.regulated, name="regulated"),
    path("transparence/indicateurs/", views.indicators, name="indicators"),
]
