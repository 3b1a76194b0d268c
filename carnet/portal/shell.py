# SPDX-License-Identifier: EUPL-1.2
"""What stands around every page: banner, name, navigation, language."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext, gettext_noop

from carnet.access.pages import Seal
from carnet.portal import desk

DEMONSTRATION = gettext_noop("matrice de démonstration, non officielle")


# The navigation of those who have no record of their own: words, name of the page.
ENTRIES = {
    "helper": ((gettext_noop("Accompagner une personne"), "helping"),),
    "assistant": (
        (gettext_noop("Pour qui j’agis"), "assisting"),
        (gettext_noop("Trouver un patient"), "find"),
        (gettext_noop("Messagerie sécurisée"), "inbox"),
        (gettext_noop("Salles et appareils"), "occupancy"),
    ),
    "professional": (
        (gettext_noop("Trouver un patient"), "find"),
        (gettext_noop("Messagerie sécurisée"), "inbox"),
        (gettext_noop("Ouvertures en urgence"), "reviews"),
        (gettext_noop("Mes assistants"), "assistants"),
        (gettext_noop("Salles et appareils"), "occupancy"),
        (gettext_noop("Mes applications"), "apps"),
    ),
    "operator": (
        (gettext_noop("Alertes"), "alarms"),
        (gettext_noop("Identitovigilance"), "vigilance"),
        (gettext_noop("Ouvertures en urgence"), "reviews"),
        (gettext_noop("Représentants et mandats"), "representatives"),
        (gettext_noop("Assistants"), "every-assistant"),
        (gettext_noop("Applications et logiciels"), "clients"),
        (gettext_noop("Courrier à poster"), "tray"),
    ),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the navigation."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame of a page."""

    demo: bool
    french: bool
    name: str  # of who is logged in, "" when nobody is known
    kind: str  # of who is logged in, "" when nobody is known
    assisted: str  # whom an assistant acts for
    place: str  # where a professional of several places said they are, "" else
    secret: bool  # a minor's connection that representatives know nothing of
    items: tuple[Item, ...]
    here: str  # the entry this page belongs to, "" when none
    other_language: str  # address of this page in the other language
    matrix: str
    seal: str  # the root of the audit, shortened, "" before there is one
    sealed: str  # of how many lines, when


def shell(request: HttpRequest) -> dict[str, Any]:
    """The frame; it asks nothing of the database, so that an error page can be drawn without."""
    who = getattr(request, "actor", None)
    french = (get_language() or "fr") == "fr"
    query = {key: value for key, value in request.GET.items() if key != "lang"}
    other = urlencode({**query, "lang": "en" if french else "fr"})
    seal = desk.parts().seal()
    entries = items(request, who.kind if who else "")
    frame = Shell(
        demo=desk.config().demo,
        french=french,
        name=who.name if who else "",
        kind=str(who.kind) if who else "",
        assisted=getattr(request, "assisted", ""),
        place=who.org_name if who and int(request.session.get("places", 0)) > 1 else "",
        secret=bool(who and who.secret),
        items=entries,
        here=next((each.label for each in entries if each.current), ""),
        other_language=f"{request.path}?{other}",
        matrix=desk.parts().matrix.replace(DEMONSTRATION, gettext(DEMONSTRATION)),
        seal=seal.root[:16] if seal else "",
        sealed=_sealed(seal) if seal else "",
    )
    return {"shell": frame}


def _sealed(seal: Seal) -> str:
    at = localtime(seal.at)
    return gettext("%(lines)s lignes, le %(day)s à %(hour)s") % {
        "lines": f"{seal.size:,}".replace(",", "\u202f"),
        "day": date_format(at, "j F Y"),
        "hour": date_format(at, "H:i"),
    }


def items(request: HttpRequest, kind: str) -> tuple[Item, ...]:
    """The navigation of whoever is logged in."""
    if kind == "patient" and desk.config().private:
        own = "/dossier/"
        steps = (
            (gettext("Personnes"), reverse("people"), "/personnes/"),
            (gettext("Santé en une page"), reverse("mine:health"), f"{own}sante/"),
            (gettext("Documents"), reverse("mine:documents"), own),
            (gettext("Courbes"), reverse("mine:curves"), f"{own}courbes/"),
            (gettext("Rapport"), reverse("report"), "/rapport/"),
        )
        path = request.path
        return tuple(
            Item(label, url, path == url or (path.startswith(head) and head != own))
            for label, url, head in steps
        )
    if kind == "patient":
        entries = [
            (gettext("Ma santé en une page"), reverse("mine:health"), ("sante",)),
            (gettext("Mes documents"), reverse("mine:documents"), ("", "documents")),
            (gettext("Mes messages"), reverse("messages"), ("/messages/",)),
            (gettext("Mes courbes"), reverse("mine:curves"), ("courbes",)),
            (gettext("Mes rendez-vous"), reverse("mine:appointments"), ("rendez-vous",)),
            (gettext("Ma prévention"), reverse("mine:prevention"), ("prevention",)),
            (gettext("Qui a consulté mon dossier"), reverse("mine:openings"), ("acces",)),
            (gettext("Qui peut lire"), reverse("mine:rights"), ("droits",)),
            (gettext("Pour qui j’agis"), reverse("acting"), ()),
            (gettext("Mes applications"), reverse("apps"), ("/applications/",)),
            (gettext("Mon espace"), reverse("life"), ("/espace/",)),
            (gettext("Mon identité"), reverse("identity"), ("/identite/", "/identite/fiche/")),
        ]
        here = request.path.removeprefix("/dossier/").split("/")[0]
        mine = request.path.startswith("/dossier/")
        others = request.path.startswith("/pour")  # /pour-qui/, /pour/<id>/
        return tuple(
            Item(
                label,
                url,
                (mine and here in heads) or (others and not heads) or request.path in heads,
            )
            for label, url, heads in entries
        )
    return tuple(
        Item(gettext(label), reverse(name), request.path.startswith(reverse(name)))
        for label, name in ENTRIES.get(kind, ())
    )
