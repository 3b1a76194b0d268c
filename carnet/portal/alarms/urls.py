# SPDX-License-Identifier: EUPL-1.2
"""Address of the alarms."""

from django.urls import path

from carnet.portal.alarms import views

urls = [path("operateur/alertes/", views.alarms, name="alarms")]
