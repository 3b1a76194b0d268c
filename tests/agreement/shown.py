# SPDX-License-Identifier: EUPL-1.2
"""Probes of the people's pages: what a page is made of, the page as it is sent, the record taken away."""

from __future__ import annotations

import random
from collections.abc import Callable
from urllib.parse import urlencode

from tests import people
from tests.agreement.aims import Aim, Probe
from tests.agreement.items import CODES, DOCUMENTS, LEAFLETS, WORDS
from tests.agreement.told import JOBS

PATIENTS_PAGES = ("health", "documents", "search", "search", "curves", "person", "openings", "rights",
                  "professionals", "why", "mandated", "emergencies", "running")  # fmt: skip
OWN_PAGES = ("acting", "life", "reviews", "identity", "sheet")


def _typed(chance: random.Random) -> str:
    """Words of documents, hidden or not, as they are looked for."""
    one, two = chance.choice(WORDS), chance.choice((*WORDS, *LEAFLETS))
    return chance.choice((one, two, f"{one[:3]}*", f'"{one} {two}"', f"{one} -{two}"))


def _page(aim: Aim) -> Probe:
    """A page of a record: one's own, another's, or that of whom it is about."""
    chance, mine = aim.chance, aim.twins.viewer.kind == "patient" and aim.chance.random() < 0.4
    patient = "" if mine else aim.person.split("/")[1]
    name = chance.choice((*PATIENTS_PAGES, *OWN_PAGES))
    if name == "documents":
        given: tuple[str, ...] = (patient, chance.choice(("", "", *DOCUMENTS)),
                 chance.choice(("", "", "2025", "2026")))  # fmt: skip
    elif name == "search":
        given = (patient, _typed(chance), chance.choice(("", "", *DOCUMENTS)),
                 chance.choice(("", "", "2025", "2026")))  # fmt: skip
    elif name == "openings":
        given = (patient, aim.twins.now.isoformat())
    else:
        given = (patient,) if name in PATIENTS_PAGES else ()
    return Probe("page of a record", "GET", "", page=(name, *given))


def _item_page(aim: Aim) -> Probe:
    """A page of one thing: a document, its file, a curve."""
    name = aim.chance.choice(("document", "file", "content", "curve"))
    rtype = {"document": "DocumentReference", "file": "DocumentReference"}.get(name, "Binary")
    what = aim.chance.choice(CODES) if name == "curve" else aim.address(rtype).split("/")[1]
    mine = aim.twins.viewer.kind == "patient" and aim.chance.random() < 0.4
    patient = "" if mine else aim.person.split("/")[1]
    return Probe("page of one thing", "GET", "", page=(name, patient, what))


def _finding(aim: Aim) -> Probe:
    """Somebody of the cast, or nobody: their identity may be found, whatever is in their record."""
    known = aim.twins.numbers[: len(people.POPULATION.people) - 1]
    number = aim.chance.choice(known) if aim.chance.random() < 0.5 else "100000000000000"
    return Probe("page: finding a person", "GET", "", page=("find", number))


def _archive(aim: Aim) -> Probe:
    mine = aim.twins.viewer.kind == "patient" and aim.chance.random() < 0.5
    patient = "" if mine else aim.person.split("/")[1]
    return Probe("archive", "GET", "", page=("archive", patient))


def _rendered(aim: Aim, path: str, method: str = "GET") -> tuple[str, ...]:
    """An address of a record: one's own, that of whom one acts for, or a patient's."""
    kind, chance = aim.twins.viewer.kind, aim.chance
    if kind == "patient" and chance.random() < 0.4:
        return "html", method, f"/dossier/{path}"
    head = "pour" if kind in ("patient", "helper") else "patients"
    return "html", method, f"/{head}/{aim.person.split('/')[1]}/{path}"


def _html(aim: Aim) -> Probe:
    """The pages of a record as they are sent."""
    chance = aim.chance
    asked = urlencode({"type": chance.choice(DOCUMENTS), "annee": chance.choice((2025, 2026))})
    path = chance.choice(("", "", f"?{asked}", "courbes/", "acces/", "acces/?vue=ajouts",
                          f"recherche/?{urlencode({'q': _typed(chance)})}", "droits/",
                          "droits/professionnels/", "pourquoi/", "emporter/", "sante/", "sante/",
                          "ordonnance/", "rediger/", "rediger/vsm/", "rediger/sortie/"))  # fmt: skip
    if chance.random() < 0.15:
        page: tuple[str, ...] = ("html", "GET", chance.choice(OWN_ADDRESSES))
    else:
        page = _rendered(aim, path)
    return Probe("rendered page of a record", "GET", "", page=page)


OWN_ADDRESSES = ("/pour-qui/", "/espace/", "/identite/", "/identite/fiche/", "/urgences/",
                 "/patients/", "/accompagner/", "/assistants/", "/assister/",
                 "/identitovigilance/", "/operateur/")  # fmt: skip


def _item_html(aim: Aim) -> Probe:
    """A document, its file, or a curve, as they are sent."""
    document = aim.address("DocumentReference").split("/")[1]
    path = aim.chance.choice((
        f"documents/{document}/", f"documents/{document}/", f"documents/{document}/fichier/",
        f"ordonnance/{document}/", f"sante/source/{aim.address()}/",
        f"fichiers/{aim.address('Binary').split('/')[1]}", f"courbes/{aim.chance.choice(CODES)}/",
    ))  # fmt: skip
    return Probe("rendered page of one thing", "GET", "", page=_rendered(aim, path))


def _taken(aim: Aim) -> Probe:
    """A record taken away from its page, or handed over by an operator."""
    page = _rendered(aim, "emporter/", "POST") if aim.chance.random() < 0.5 else ("handed over",)
    return Probe("export, page and command", "GET", "", page=page)


def _job(aim: Aim) -> Probe:
    name = aim.chance.choice(tuple(JOBS))
    return Probe("job", "POST", "", page=("job", name))  # alone: what it draws is the same in both


def _prescribed(aim: Aim) -> Probe:
    if aim.chance.random() < 0.5:
        return Probe("page: emergency", "GET", "", page=("emergency", aim.person.split("/")[1]))
    return Probe("page: emergency", "GET", "", page=("running", aim.person.split("/")[1]))


GRAMMAR: dict[str, Callable[[Aim], Probe]] = {
    "page of a record": _page,
    "page of one thing": _item_page,
    "page: finding a person": _finding,
    "page: emergency": _prescribed,
    "archive": _archive,
    "rendered page of a record": _html,
    "rendered page of one thing": _item_html,
    "export, page and command": _taken,
    "job": _job,
}
