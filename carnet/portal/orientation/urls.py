# SPDX-License-Identifier: EUPL-1.2
"""Addresses of orientation: one, for what is answered never stands in an address."""

from django.urls import path

from carnet.portal.orientation import views

urls = [path("orientation/", views.orientation, name="orientation")]
