# SPDX-License-Identifier: EUPL-1.2
"""Every address of the people's web. They are in French, as what people read."""

from django.conf import settings
from django.urls import include, path

from carnet.portal import site
from carnet.portal.acting import urls as acting
from carnet.portal.acting import views as acting_views
from carnet.portal.activation import urls as activation
from carnet.portal.agenda import urls as agenda
from carnet.portal.alarms import urls as alarms
from carnet.portal.apps import urls as apps
from carnet.portal.clients import urls as clients
from carnet.portal.composing import urls as composing
from carnet.portal.ecosystem import urls as ecosystem
from carnet.portal.export import urls as export
from carnet.portal.files import urls as files
from carnet.portal.life import urls as life
from carnet.portal.messaging import urls as messaging
from carnet.portal.opening import views as opening
from carnet.portal.orientation import urls as orientation
from carnet.portal.patients import views as patients
from carnet.portal.prescribing import urls as prescribing
from carnet.portal.record import urls as record
from carnet.portal.rights import urls as rights
from carnet.portal.summary import urls as summary
from carnet.portal.upstream import urls as upstream
from carnet.portal.vigilance import urls as vigilance

# Of one's own record, and of that of whom one acts for.
OWN = [
    *files.mine,
    *summary.shared,
    *ecosystem.shared,
    *agenda.mine,
    *record.mine,
    *rights.mine,
    *export.mine,
]

urlpatterns = [
    *life.urls,
    *apps.urls,
    *vigilance.urls,
    *opening.urls,
    *activation.urls,
    *alarms.urls,
    *messaging.urls,
    *ecosystem.urls,
    *orientation.urls,
    *clients.urls,
    *upstream.urls,
    path("", site.home, name="home"),
    path(
        "dossier/",
        include((OWN, "mine")),
    ),
    path("pour-qui/", include(acting.own)),
    path(
        "pour/<fhirid:patient>/",
        include((OWN, "acting")),
    ),
    path("accompagner/", include(acting.helping)),
    *acting.others,
    path("patients/", patients.find, name="find"),
    path("patients/consentement/", patients.consent, name="consent"),
    path("patients/ouvrir/", patients.opened, name="open"),
    path(
        "patients/<fhirid:patient>/",
        include(
            (
                [
                    path("mandats/", acting_views.paper, name="mandates"),
                    *prescribing.theirs,
                    *apps.theirs,
                    *composing.urls,
                    *files.shared,
                    *summary.shared,
                    *ecosystem.shared,
                    *record.shared,
                    *rights.shared,
                ],
                "patient",
            )
        ),
    ),
    path("compte/", include("carnet.portal.accounts.urls")),
    path("langue/", site.language, name="language"),
    path("accessibilite/", site.accessibility, name="accessibility"),
]

handler400 = "carnet.portal.refusals.bad_request"
handler403 = "carnet.portal.refusals.permission_denied"
handler404 = "carnet.portal.refusals.page_not_found"
handler429 = "carnet.portal.refusals.too_many_requests"  # allauth's rate limits
handler500 = "carnet.portal.refusals.server_error"

assert settings.APPEND_SLASH  # /accessibilite is /accessibilite/
