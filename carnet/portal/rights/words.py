# SPDX-License-Identifier: EUPL-1.2
"""The rights in words."""

from __future__ import annotations

from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_noop

from carnet.rights.pages import Reason

HOW = {
    "oral": gettext_noop("donné de vive voix"),
    "written": gettext_noop("donné par écrit"),
    "remote": gettext_noop("donné à distance"),
    "electronic": gettext_noop("donné en ligne"),
}
WHY = {
    "team": gettext_noop("de votre équipe de soins"),
    "consent": gettext_noop("vous lui avez donné votre accord"),
    "read": gettext_noop("a consulté votre dossier"),
}
MODES = {
    "bris-de-glace": (
        gettext_noop("Bris de glace"),
        gettext_noop(
            "Vous ne pouvez pas vous exprimer et un danger immédiat menace votre santé : un "
            "professionnel ouvre l’essentiel de votre dossier."
        ),
    ),
    "centre-15": (
        gettext_noop("Régulation (centre 15)"),
        gettext_noop(
            "Un appel au 15 vous concerne : le médecin régulateur ouvre l’essentiel de votre dossier."
        ),
    ),
}
DONE = {
    "withdraw": gettext_noop("Votre accord est retiré. Il n’ouvre plus votre dossier."),
    "block": gettext_noop("Ce professionnel est bloqué. Votre dossier n’existe plus pour lui."),
    "unblock": gettext_noop("Ce professionnel n’est plus bloqué."),
    "trust": gettext_noop("Ce professionnel lit aussi vos documents masqués."),
    "untrust": gettext_noop("Ce professionnel ne lit plus vos documents masqués."),
    "refuse": gettext_noop("Ce mode d’urgence est refusé."),
    "accept": gettext_noop("Ce mode d’urgence est de nouveau accepté."),
    "mask": gettext_noop("Ce document est masqué aux professionnels, dans toutes ses versions."),
    "unmask": gettext_noop("Ce document n’est plus masqué."),
    "announce-later": gettext_noop(
        "L’annonce est attendue : le patient ne voit pas ce document, et rien ne lui dit qu’il existe."
    ),
    "announced": gettext_noop("L’annonce a eu lieu : le patient voit maintenant ce document."),
    "keep": gettext_noop("Les représentants légaux ne voient pas ce document."),
    "give-back": gettext_noop("Les représentants légaux voient de nouveau ce document."),
    "sure": gettext_noop("Cochez la case pour confirmer : rien n’a été changé."),
}
CATEGORIES = {
    "10": gettext_noop("Comptes rendus et résultats"),
    "11": gettext_noop("Synthèses"),
    "31": gettext_noop("Imagerie médicale"),
    "42": gettext_noop("Prescriptions"),
    "43": gettext_noop("Dispensations"),
    "44": gettext_noop("Plans de soins et protocoles"),
    "45": gettext_noop("Traitements administrés"),
    "52": gettext_noop("Certificats et déclarations"),
    "60": gettext_noop("Données de remboursement"),
    "90": gettext_noop("Documents et volontés du patient"),
    "95": gettext_noop("Documents de gestion"),
}
# The first words of an answer, where nothing is open.
LEADS = ("no-live-link", "no-mandate")
REASONS = {
    "no-live-link": gettext_noop("Aucun accès en cours ne vous ouvre de dossier à cette adresse."),
    "no-mandate": gettext_noop("Aucun mandat en cours ne vous ouvre de dossier à cette adresse."),
    "mandate-ended": gettext_noop(
        "Un mandat a pris fin : à sa date, ou parce que l’un de vous y a mis fin."
    ),
    "not-sent": gettext_noop(
        "Un document n’arrive que lorsque le professionnel ou l’établissement qui l’a écrit l’envoie."
    ),
    "identity": gettext_noop(
        "Un document dont les traits d’identité ne sont pas exactement ceux de la personne est mis "
        "de côté jusqu’à ce qu’ils soient vérifiés."
    ),
    "announcement": gettext_noop(
        "Un professionnel peut annoncer lui-même un résultat avant qu’il s’affiche, pendant un mois "
        "au plus. Rien n’indique s’il l’a fait."
    ),
    "kept": gettext_noop(
        "La personne, ou qui la soigne, peut garder un document hors de la vue de ceux qui agissent "
        "pour elle. Rien n’indique si c’est le cas."
    ),
    "reach-care": gettext_noop("Votre mandat ouvre le suivi des soins, et rien d’autre."),
    "reach-management": gettext_noop("Votre mandat ouvre l’administratif, et rien d’autre."),
    "no-consent": gettext_noop(
        "Votre équipe de soins, ou vous pour cette visite, n’avez pas d’accord de la personne."
    ),
    "ended": gettext_noop("L’accord a pris fin : la visite est passée, ou la personne l’a retiré."),
    "no-record": gettext_noop("Il n’y a pas de dossier, ou il est fermé."),
    "refused": gettext_noop("La personne ne souhaite pas être lue par vous."),
    "masks": gettext_noop(
        "La personne peut masquer des documents un par un. Rien n’indique si elle l’a fait."
    ),
    "unmasked": gettext_noop(
        "Vous lisez aussi les documents masqués : vous êtes médecin traitant, ou désigné par la "
        "personne."
    ),
    "unclassified": gettext_noop(
        "Un document dont le type n’est dans aucune catégorie n’est lu que par son auteur, le "
        "médecin traitant et la personne."
    ),
    "emergency": gettext_noop(
        "Un accès en urgence n’ouvre que l’essentiel, pour quelques heures, et jamais ce qui est "
        "masqué."
    ),
}
RULES = {
    "treating-doctor": gettext_noop("vous êtes le médecin traitant"),
    "care-team": gettext_noop("votre équipe de soins a l’accord de la personne"),
    "visit-consent": gettext_noop("la personne vous a donné son accord pour une visite"),
    "emergency": gettext_noop("vous l’avez ouvert en urgence"),
    "assistant": gettext_noop("vous assistez un professionnel qui le lit"),
    "patient-self": gettext_noop("c’est le vôtre"),
    "representative": gettext_noop("vous représentez la personne"),
    "carer-mandate": gettext_noop("la personne vous a donné un mandat"),
    "helper-session": gettext_noop("la personne est avec vous et a donné son accord"),
}


def moment(at: datetime | None) -> str:
    """A day and an hour."""
    if at is None:
        return ""
    here = localtime(at)
    return gettext("%(day)s à %(hour)s") % {
        "day": date_format(here, "j F Y"),
        "hour": date_format(here, "H:i"),
    }


def reason(one: Reason) -> str:
    """A reason, in the language of the page."""
    kind, _, category = one.code.rpartition("-")
    if kind == "matrix":
        label = gettext(CATEGORIES[category])
        return gettext("Votre fonction ne donne pas à lire « %(label)s ».") % {"label": label}
    if kind == "matrix-sensitive":
        label = gettext(CATEGORIES[category])
        text = gettext(
            "Votre fonction ne donne pas à lire les documents sensibles de « %(label)s »."
        )
        return text % {"label": label}
    return gettext(REASONS[one.code])
