# SPDX-License-Identifier: EUPL-1.2
"""What went wrong, as a page in plain words.

A refusal says nothing of what it protects: the words depend on its kind alone, and what does not
exist reads like what may not be seen.
"""

import logging
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from carnet import errors
from carnet.access.limits.refusals import AccountStopped, TooManyPatientsRead
from carnet.access.stepup import StepUp
from carnet.notices.settings import SeenAtHome
from carnet.portal.accounts.refusing import NeedsFactor, NeedsSituation
from carnet.rights.holder import SeenByRepresentatives

ABSENT = (OperationalError, InterfaceError, psycopg.OperationalError)
log = logging.getLogger("carnet.portal")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One page: what happened, why, and what can be done."""

    status: int
    title: str
    text: str
    advice: str


NOT_FOUND = Refusal(
    404,
    gettext_noop("Page introuvable"),
    gettext_noop(
        "Il n’y a rien à cette adresse, ou vous n’avez pas le droit de voir ce qui s’y trouve. "
        "La réponse est la même dans les deux cas, pour ne rien révéler."
    ),
    gettext_noop("Vérifiez l’adresse, ou revenez à la page d’accueil."),
)
NO_RECORD = Refusal(
    404,
    gettext_noop("Dossier ou document introuvable"),
    gettext_noop(
        "Soit ce dossier ou ce document n’existe pas, soit vous n’y avez pas accès. "
        "La réponse est la même dans les deux cas, pour ne rien révéler."
    ),
    gettext_noop(
        "Si cette personne est votre patient, cherchez-la avec ses traits d’identité ou son "
        "matricule INS, recueillez son consentement, puis déclarez-le."
    ),
)
FORBIDDEN = Refusal(
    403,
    gettext_noop("Accès refusé"),
    gettext_noop("Votre compte ne permet pas de faire cela."),
    gettext_noop("Revenez à la page d’accueil pour retrouver ce qui vous est ouvert."),
)
BAD = Refusal(
    400,
    gettext_noop("Demande incomprise"),
    gettext_noop("Le site n’a pas pu lire cette demande. Rien n’a été enregistré."),
    gettext_noop("Revenez à la page précédente et recommencez."),
)
CSRF = Refusal(
    403,
    gettext_noop("Formulaire expiré"),
    gettext_noop(
        "Par sécurité, le formulaire n’a pas été envoyé : il est trop ancien, ou votre navigateur "
        "refuse les cookies de ce site. Rien n’a été enregistré."
    ),
    gettext_noop("Revenez à la page précédente, rechargez-la, puis recommencez."),
)
SECRET = Refusal(
    403,
    gettext_noop("À faire hors de la connexion secrète"),
    gettext_noop(
        "Ceux qui vous représentent voient ce choix : dans une connexion secrète, il n’est pas possible. "
        "Rien n’a été enregistré."
    ),
    gettext_noop("Déconnectez-vous, puis connectez-vous sans cocher « Connexion secrète »."),
)
DELETED = Refusal(
    410,
    gettext_noop("Document supprimé"),
    gettext_noop("Ce document a été supprimé."),
    gettext_noop("Revenez à la liste des documents."),
)
CONFLICT = Refusal(
    409,
    gettext_noop("Quelque chose a changé entre-temps"),
    gettext_noop("Cette demande contredit ce qui est déjà enregistré. Rien n’a été modifié."),
    gettext_noop("Rechargez la page précédente et recommencez."),
)
TOO_MANY = Refusal(
    429,
    gettext_noop("Trop de demandes"),
    gettext_noop("Cette action est limitée, pour protéger les dossiers contre les abus."),
    gettext_noop("Attendez quelques minutes, puis réessayez."),
)
MANY_PATIENTS = Refusal(
    429,
    gettext_noop("Trop de dossiers ouverts en une heure"),
    gettext_noop(
        "Votre compte a ouvert autant de dossiers qu’un compte peut en ouvrir. Ceux que vous avez "
        "ouverts le restent ; un nouveau dossier ne s’ouvre pas. L’exploitant en est averti."
    ),
    gettext_noop(
        "Si c’est bien vous, prévenez l’exploitant et attendez une heure. Sinon, terminez vos connexions et "
        "changez votre mot de passe tout de suite. En urgence vitale, appelez le 15."
    ),
)
STOPPED = Refusal(
    403,
    gettext_noop("Compte arrêté par sécurité"),
    gettext_noop(
        "Ce compte a demandé trop de dossiers en peu de temps, comme le ferait un programme. "
        "Il a été arrêté partout, avec toutes ses connexions et ses applications."
    ),
    gettext_noop(
        "Appelez l’exploitant : il vérifie qui vous êtes, vous fait changer ce qui a pu être volé, puis "
        "rouvre votre compte. Reconnectez-vous alors."
    ),
)
RULE = Refusal(
    422,
    gettext_noop("Demande impossible"),
    gettext_noop("Une règle ne permet pas cette demande. Rien n’a été enregistré."),
    gettext_noop("Revenez à la page précédente et vérifiez ce qui a été saisi."),
)
TOO_LARGE = Refusal(
    413,
    gettext_noop("Envoi trop volumineux"),
    gettext_noop(
        "Ce que vous avez envoyé dépasse ce que le site accepte. Rien n’a été enregistré."
    ),
    gettext_noop(
        "Un fichier a 5 Mo au plus. Réduisez-le, revenez à la page précédente et recommencez."
    ),
)
UNAVAILABLE = Refusal(
    503,
    gettext_noop("Service momentanément indisponible"),
    gettext_noop("Le service ne peut pas répondre maintenant. Rien n’a été perdu."),
    gettext_noop("Réessayez dans quelques minutes."),
)
BROKEN = Refusal(
    500,
    gettext_noop("Une erreur est survenue"),
    gettext_noop("L’erreur vient de notre côté. Elle a été notée pour être corrigée."),
    gettext_noop("Réessayez plus tard. Si cela continue, donnez la référence ci-dessous."),
)

# The first class that fits, from the most precise.
BY_ERROR: tuple[tuple[type[errors.CarnetError], Refusal], ...] = (
    (errors.NotFound, NOT_FOUND),
    (errors.Deleted, DELETED),
    (SeenByRepresentatives, SECRET),
    (SeenAtHome, SECRET),
    (AccountStopped, STOPPED),
    (errors.Forbidden, FORBIDDEN),
    (TooManyPatientsRead, MANY_PATIENTS),
    (errors.TooMany, TOO_MANY),
    (errors.TooCostly, TOO_MANY),
    (errors.Conflict, CONFLICT),
    (errors.BusinessRule, RULE),
    (errors.Transient, UNAVAILABLE),
    (errors.CarnetError, BAD),
)


class Refusals:
    """Makes a page of what a view raises."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.META.get("carnet.too_large"):
            return page(request, TOO_LARGE)
        if wait := request.META.get("carnet.wait"):
            answer = page(request, TOO_MANY)
            answer.headers["Retry-After"] = str(wait)
            return answer
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """None leaves the exception to Django's own handlers, below."""
        if isinstance(error, NeedsSituation):
            return redirect("situation")
        if isinstance(error, NeedsFactor):
            return redirect("mfa_index")
        if isinstance(error, StepUp):
            return redirect(reverse("account_reauthenticate") + "?" + urlencode(_back(request)))
        if isinstance(error, errors.Unauthenticated):
            return redirect("account_login")
        if isinstance(error, errors.CarnetError):
            answer = page(request, refusal(request, error))
            if isinstance(error, errors.TooMany):
                answer.headers["Retry-After"] = str(error.wait)
            return answer
        if isinstance(error, ABSENT):
            log.error("database unavailable: %s", type(error.__cause__ or error).__name__)
            return page(request, UNAVAILABLE)
        return None


def _back(request: HttpRequest) -> dict[str, str]:
    """Where to go on from, once somebody has proved who they are: the page of the form that was sent."""
    if request.method in ("GET", "HEAD"):
        return {"next": request.get_full_path()}
    came = urlsplit(request.headers.get("referer", ""))
    here = came.netloc == request.get_host()
    return {"next": f"{came.path}?{came.query}" if came.query else came.path} if here else {}


def refusal(request: HttpRequest, error: errors.CarnetError) -> Refusal:
    """The page for an error of ours."""
    found = next(page for kind, page in BY_ERROR if isinstance(error, kind))
    if found is NOT_FOUND and is_professional(request):
        return NO_RECORD
    return found


def is_professional(request: HttpRequest) -> bool:
    """Refusals to professionals and assistants quote the matrix they were decided by."""
    who = getattr(request, "actor", None)
    return who is not None and who.kind in ("professional", "assistant")


def why(request: HttpRequest) -> str:
    """Where a reader is told why they do not see; the same whatever there is."""
    who, patient = getattr(request, "actor", None), getattr(request, "patient", "")
    if is_professional(request):
        return reverse("patient:why", args=(patient,)) if patient else ""
    if who is None or who.kind not in ("patient", "helper"):
        return ""
    if patient:
        return reverse("acting:why", args=(patient,))
    return reverse("mine:why") if who.kind == "patient" else ""


def page(request: HttpRequest, said: Refusal, reference: str = "") -> HttpResponse:
    """The page of a refusal."""
    context = {
        "title": gettext(said.title),
        "text": gettext(said.text),
        "advice": gettext(said.advice),
        "reference": reference,
        "quotes_matrix": is_professional(request) and said.status in (403, 404),
        "why": why(request) if said in (NO_RECORD, NOT_FOUND) else "",
    }
    body = render_to_string("refusals/refusal.html", context, request)
    return HttpResponse(body, status=said.status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    return page(request, BAD)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return page(request, FORBIDDEN)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return page(request, NOT_FOUND)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """429."""
    return page(request, TOO_MANY)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403, for a form without its token."""
    return page(request, CSRF)


def server_error(request: HttpRequest, *args: Any) -> HttpResponse:
    """500: a reference for the log, and nothing of the error; 503 without database."""
    if isinstance(sys.exc_info()[1], ABSENT):
        log.error("database unavailable")
        return page(request, UNAVAILABLE)
    reference = secrets.token_hex(4)
    log.error("unforeseen error, reference %s", reference, exc_info=True)
    return page(request, BROKEN, reference)
