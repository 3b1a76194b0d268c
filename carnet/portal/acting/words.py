# SPDX-License-Identifier: EUPL-1.2
"""Mandates and sessions in plain words."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy

from carnet.portal.acting.forms import REACHES
from carnet.portal.record.vocabulary import word
from carnet.rights.acting.queries import Session
from carnet.rights.session import Did

NATURES = {
    "representative": gettext_lazy("représentant légal"),
    "guardian": gettext_lazy("personne chargée de la protection"),
    "carer": gettext_lazy("aidant"),
    "helper": gettext_lazy("accompagnant d’un lieu d’accueil"),
}
HOWS = {
    "civil-status": gettext_lazy("par l’état civil"),
    "judgment": gettext_lazy("par un jugement"),
    "shared": gettext_lazy("partagé par l’autre parent"),
    "electronic": gettext_lazy("donné en ligne, par un code"),
    "paper": gettext_lazy("sur un formulaire signé"),
    "oral": gettext_lazy("de vive voix, en présence de la personne"),
    "written": gettext_lazy("par écrit, en présence de la personne"),
}


def nature(name: str) -> str:
    """As what somebody acts."""
    return str(NATURES[name])


def reach(name: str) -> str:
    """How far."""
    return str(REACHES[name])


def how(name: str, form: str) -> str:
    """By what it was given, with the reference of the form."""
    said = str(HOWS.get(name, name))
    return f"{said} ({form})" if form else said


def moment(at: datetime) -> str:
    """22 novembre 2026, 10:30."""
    return date_format(timezone.localtime(at), "j F Y, H:i")


def until(at: datetime | None) -> str:
    """The end of a mandate; a midnight is the day before."""
    if at is None:
        return gettext("sans date de fin")
    local = timezone.localtime(at)
    if (local.hour, local.minute) == (0, 0):
        day = date_format(local - timedelta(minutes=1), "j F Y")
        return gettext("jusqu’au %(day)s inclus") % {"day": day}
    return gettext("jusqu’au %(moment)s") % {"moment": moment(at)}


def session(one: Session) -> str:
    """A session, as the list of receipts names it."""
    return gettext("%(who)s, le %(moment)s") % {"who": one.holder, "moment": moment(one.since)}


def deed(one: Did) -> str:
    """What was done."""
    said = word(one.what)
    return f"{said} ({gettext('refusé')})" if one.refused else said
