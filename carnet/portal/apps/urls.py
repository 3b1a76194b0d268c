# SPDX-License-Identifier: EUPL-1.2
"""Addresses of what people allow to applications."""

from django.urls import path

from carnet.portal.apps import views

urls = [
    path("autoriser/<slug:secret>/", views.ask, name="allow-app"),
    path("applications/", views.mine, name="apps"),
]

theirs = [path("applications/", views.launch, name="launch")]
