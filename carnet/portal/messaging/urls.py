# SPDX-License-Identifier: EUPL-1.2
"""Addresses of secure mail."""

from django.urls import path

from carnet.portal.messaging import views

urls = [
    path("messagerie/", views.inbox, name="inbox"),
    path("messagerie/<fhirid:mail>/", views.mail, name="mail"),
    path("messages/", views.threads, name="messages"),
]
