# SPDX-License-Identifier: EUPL-1.2
"""Kinds of data, durations and ends in plain words."""

from django.utils.translation import gettext_lazy as _

KINDS = {
    "laboratory": _("Résultats de laboratoire"),
    "measures": _("Mesures : tension, poids, glycémie et autres"),
    "medicines": _("Ordonnances et médicaments"),
    "vaccines": _("Vaccins"),
    "allergies": _("Allergies et effets indésirables"),
    "problems": _("Maladies et problèmes de santé"),
    "reports": _("Comptes rendus de consultation, d’hôpital et d’actes"),
    "imaging": _("Images et comptes rendus d’imagerie"),
    "syntheses": _("Synthèses médicales"),
    "plans": _("Plans de soins"),
    "certificates": _("Certificats"),
    "expenses": _("Remboursements et papiers administratifs"),
    "expression": _("Ce que vous avez écrit vous-même"),
    "sensitive": _("Documents sensibles et directives anticipées"),
    "others": _("Documents qui ne sont pas classés"),
}
DAYS = {
    "day": _("Un jour"),
    "month": _("Trente jours"),
    "half": _("Six mois"),
    "date": _("Jusqu’à un jour que je choisis"),
}
DIRECTIONS = {
    "read": _("Lire seulement"),
    "both": _("Lire, et déposer dans le dossier"),
}
WHY = {
    "person": _("terminé par vous ou par la personne du dossier"),
    "client": _("terminé par l’application"),
    "operator": _("arrêté par l’exploitant"),
    "reuse": _("arrêté par sécurité : un jeton a servi deux fois"),
    "code-reuse": _("arrêté par sécurité : un code a servi deux fois"),
    "replaced": _("remplacé par un accord plus récent"),
    "mandate": _("vous ne représentez plus cette personne"),
    "record": _("le dossier a été fermé"),
    "connections": _("vos connexions ont été fermées"),
    "over": _("arrivé à sa fin"),
}
