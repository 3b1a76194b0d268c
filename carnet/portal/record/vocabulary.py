# SPDX-License-Identifier: EUPL-1.2
"""French words that come from data tables and that the pages translate.

The tables: carnet/documents/nomenclature/types.toml, carnet/access/matrix/. They stand here so that
their English is kept with that of the pages; a word that is not here is shown in French.
"""

from django.utils.translation import gettext, gettext_noop

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

WHAT = (
    gettext_noop("Liste des documents"),
    gettext_noop("Dossier"),
    gettext_noop("Consentement déclaré"),
    gettext_noop("Recherche dans le dossier"),
)


def word(french: str) -> str:
    """In the language of the page, with the apostrophe of print."""
    return gettext(french).replace("'", "’") if french else ""
