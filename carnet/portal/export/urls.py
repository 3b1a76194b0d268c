# SPDX-License-Identifier: EUPL-1.2
"""The address of the copy of a record, one's own or that of whom one represents."""

from django.urls import path

from carnet.portal.export import views

mine = [path("emporter/", views.take, name="take")]
