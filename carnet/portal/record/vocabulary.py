# SPDX-License-Identifier: EUPL-1.2
"""French words that come from data tables and that the pages translate.

The tables: carnet/documents/nomenclature/types.toml, carnet/access/matrix/. They stand here so that
their English is kept with that of the pages; a word that is not here is shown in French.
"""

import re

from django.utils.translation import get_language, gettext, gettext_noop, ngettext

KINDS = (
    gettext_noop("Compte rendu de consultation"),
    gettext_noop("Compte rendu hospitalier"),
    gettext_noop("Lettre de liaison à la sortie"),
    gettext_noop("Lettre de liaison à l'entrée"),
    gettext_noop("Compte rendu d'examens biologiques"),
    gettext_noop("Compte rendu d'imagerie médicale"),
    gettext_noop("Compte rendu opératoire"),
    gettext_noop("Compte rendu de passage aux urgences"),
    gettext_noop("Compte rendu de réunion de concertation pluridisciplinaire"),
    gettext_noop("Compte rendu de télémédecine"),
    gettext_noop("Résultat de test d'orientation diagnostique"),
    gettext_noop("Synthèse médicale"),
    gettext_noop("Synthèse"),
    gettext_noop("Document de liaison d'urgence"),
    gettext_noop("Historique de vaccinations"),
    gettext_noop("Note de vaccination"),
    gettext_noop("Référence d'objets d'un examen d'imagerie"),
    gettext_noop("Prescription de produits de santé"),
    gettext_noop("Prescription, autre"),
    gettext_noop("Prescription de soins"),
    gettext_noop("Demande d'acte d'imagerie"),
    gettext_noop("Demande d'acte de télémédecine"),
    gettext_noop("Dispensation médicamenteuse"),
    gettext_noop("Plan personnalisé de soins"),
    gettext_noop("Protocole de soins d'affection de longue durée"),
    gettext_noop("Constantes vitales"),
    gettext_noop("Données de remboursement"),
    gettext_noop("Volontés et droits du patient"),
    gettext_noop("Directives anticipées"),
)

PROFESSIONS = (
    gettext_noop("Médecin"),
    gettext_noop("Médecin biologiste"),
    gettext_noop("Pharmacien"),
    gettext_noop("Chirurgien-dentiste"),
    gettext_noop("Sage-femme"),
    gettext_noop("Infirmier"),
    gettext_noop("Masseur-kinésithérapeute"),
    gettext_noop("Chirurgien-Dentiste"),
    gettext_noop("Sage-Femme"),
    gettext_noop("Masseur-Kinésithérapeute"),
)

# Heads of carnet/rights/readers.py.
DEEDS = (
    gettext_noop("Liste ou recherche"),
    gettext_noop("Lecture"),
    gettext_noop("Lecture des versions"),
    gettext_noop("Ajout"),
    gettext_noop("Modification"),
    gettext_noop("Suppression"),
    gettext_noop("Déclaration de votre accord"),
    gettext_noop("Retrait de votre accord"),
    gettext_noop("Liste des consultations"),
    gettext_noop("Recherche d’identité"),
    gettext_noop("Accès"),
)
DEED = re.compile(
    r"(?P<head>[^:(]+?)(?P<refused> \(refusé\))?(?: \((?P<count>\d+) éléments?\))?"
    r"(?P<rest> : .*?)?(?: et (?P<more>\d+) autres?)?"
)


def word(french: str) -> str:
    """In the language of the page, with the apostrophe of print."""
    return gettext(french).replace("'", "’") if french else ""


def deed(french: str) -> str:
    """What somebody did: "Lecture : Bilan lipidique", "Liste ou recherche (3 éléments)"."""
    said = DEED.fullmatch(french)
    if said is None:
        return word(french)
    count = int(said["count"] or 0)
    after = ngettext(" (%(count)s élément)", " (%(count)s éléments)", count) if count else ""
    refused = gettext(" (refusé)") if said["refused"] else ""
    colon = "\u00a0:" if (get_language() or "fr") == "fr" else ":"
    rest = (said["rest"] or "").replace(" :", colon, 1)
    more = int(said["more"] or 0)
    left = ngettext(" et %(count)s autre", " et %(count)s autres", more) if more else ""
    return word(said["head"]) + refused + after % {"count": count} + rest + left % {"count": more}
