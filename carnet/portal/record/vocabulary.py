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
    gettext_noop("Attestation assurance complémentaire"),
    gettext_noop("Attestation de résidence"),
    gettext_noop("Attestation d'hébergement"),
    gettext_noop("Attestation de droits à l'assurance maladie"),
    gettext_noop("Autorisation de soins et actes non usuels sanitaires"),
    gettext_noop("Compte rendu de bilan d'évaluation de la perte d'autonomie"),
    gettext_noop("Certificat, déclaration"),
    gettext_noop("Dispensation (autre)"),
    gettext_noop("Autre document du patient"),
    gettext_noop("Synthèse déposée par le patient"),
    gettext_noop("Traitement ou document de soins déposé par le patient"),
    gettext_noop("Compte rendu déposé par le patient"),
    gettext_noop("Imagerie déposée par le patient"),
    gettext_noop("Compte rendu de biologie déposé par le patient"),
    gettext_noop("Compte rendu de prévention déposé par le patient"),
    gettext_noop("Certificat déposé par le patient"),
    gettext_noop("Profil médical Mon espace santé"),
    gettext_noop("Document administratif déposé par le patient"),
    gettext_noop("Copie pièce d'identité"),
    gettext_noop("Prescription arrêt de travail"),
    gettext_noop("Prescription d'actes de biologie médicale"),
    gettext_noop("Prescription d'actes de kinésithérapie"),
    gettext_noop("Prescription d'actes infirmiers"),
    gettext_noop("Prescription d'actes de pédicurie"),
    gettext_noop("Prescription d'actes d'orthophonie"),
    gettext_noop("Prescription d'actes d'orthoptie"),
    gettext_noop("Feuille de style"),
    gettext_noop("Fiche contacts"),
    gettext_noop("Export du Dossier Usager Informatisé"),
    gettext_noop("Compte rendu d'acte thérapeutique (autre)"),
    gettext_noop("Compte rendu ou fiche de suivi de soins par auxiliaire médical"),
    gettext_noop("Compte rendu d'accouchement"),
    gettext_noop("Bilan bucco-dentaire"),
    gettext_noop("Document du secteur social / médico-social"),
    gettext_noop("Bilan par professionnel de santé"),
    gettext_noop("Synthèse d'épisode de soins"),
    gettext_noop("Compte rendu de consultation pré-anesthésique"),
    gettext_noop("Grille d'évaluation médico-social"),
    gettext_noop("Évaluation postopératoire et note de suivi"),
    gettext_noop("Compte rendu de bilan fonctionnel"),
    gettext_noop("Document administratif"),
    gettext_noop("Compte rendu de génétique moléculaire"),
    gettext_noop("Document encapsulant une image d'illustration non DICOM"),
    gettext_noop("Bilan médicamenteux (Officine)"),
    gettext_noop("Notification de rendez-vous"),
    gettext_noop("Compte rendu d'examen de l'enfant"),
    gettext_noop("Attestation de consentement"),
    gettext_noop("Fiche de retour du service des urgences"),
    gettext_noop("Compte rendu d'anatomie et de cytologie pathologiques"),
    gettext_noop("Intervention pharmaceutique"),
    gettext_noop("Compte rendu d'admission"),
    gettext_noop("Synthèse psychiatrique"),
    gettext_noop("Bilan de santé et de prévention de l'enfant"),
    gettext_noop("Compte rendu d'acte diagnostique (autre)"),
    gettext_noop("Fiche de transfert vers le service des urgences"),
    gettext_noop("Questionnaire patient"),
    gettext_noop("Renouvellement ordonnance par pharmacien correspondant"),
    gettext_noop("Compte rendu d'acte thérapeutique à visée préventive"),
    gettext_noop("Compte rendu d'acte diagnostique à visée préventive ou de dépistage"),
    gettext_noop("Compte rendu d'anesthésie"),
    gettext_noop("Planification thérapeutique"),
    gettext_noop("Compte rendu de consultation en ophtalmologie"),
    gettext_noop("Compte rendu d'entretien pharmaceutique"),
    gettext_noop("Compte rendu d'administration de médicaments"),
    gettext_noop("Projet d'accueil individualisé"),
    gettext_noop("Projet personnalisé d'accompagnement"),
    gettext_noop("Formulaire de conciliation médicamenteuse (Hôpital)"),
    gettext_noop("Schéma dentaire"),
    gettext_noop("Plan personnalisé de prévention"),
    gettext_noop("Bilan psychologique"),
    gettext_noop("Lettre de liaison à la sortie d'une structure sociale ou médico-sociale"),
    gettext_noop("Attestation de sortie"),
    gettext_noop("Lettre de liaison d'entrée en structure sociale ou médico-sociale"),
    gettext_noop("Certificat médical"),
    gettext_noop("Compte rendu de consultation pharmaceutique"),
    gettext_noop("Lettre d'adressage"),
    gettext_noop("COVID-19 Attestation de vaccination"),
    gettext_noop("Synthèse antepartum"),
    gettext_noop("Synthèse Salle de Naissance Mère"),
    gettext_noop("Synthèse Salle de Naissance Enfant"),
    gettext_noop("Synthèse Suites de Couches Mère"),
    gettext_noop("Synthèse Enfant en Maternité"),
    gettext_noop("Compte rendu de grossesse"),
    gettext_noop("Carte d'implant"),
    gettext_noop("Full Document"),
)

PROFESSIONS = (
    gettext_noop("Médecin"),
    gettext_noop("Secrétariat, assistant"),
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
    gettext_noop("Mandat"),
    gettext_noop("Fin d’un mandat"),
    gettext_noop("Liste des mandats"),
    gettext_noop("Reçu d’un accompagnement"),
    gettext_noop("Retrait de votre accord"),
    gettext_noop("Liste des consultations"),
    gettext_noop("Consultation du journal des accès"),
    gettext_noop("Recherche d’identité"),
    gettext_noop("Blocage d’un professionnel"),
    gettext_noop("Fin du blocage d’un professionnel"),
    gettext_noop("Confiance donnée pour les documents masqués"),
    gettext_noop("Fin de la confiance pour les documents masqués"),
    gettext_noop("Choix pour les urgences"),
    gettext_noop("Liste de vos droits"),
    gettext_noop("Ouverture en urgence"),
    gettext_noop("Fin de l’ouverture en urgence"),
    gettext_noop("Examen d’une ouverture en urgence"),
    gettext_noop("Masquage"),
    gettext_noop("Fin du masquage"),
    gettext_noop("Document mis en attente d’annonce"),
    gettext_noop("Document rendu visible après son annonce"),
    gettext_noop("Document rendu visible, un mois passé"),
    gettext_noop("Examen de l’identité"),
    gettext_noop("Vérification de l’identité"),
    gettext_noop("Réunion de deux identités"),
    gettext_noop("Séparation de deux identités"),
    gettext_noop("Question sur ce qui n’est pas visible"),
    gettext_noop("Copie du dossier"),
    gettext_noop("Examen d’un accès passé"),
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
