# SPDX-License-Identifier: EUPL-1.2
"""Statuses, reasons and acts of identity in plain words."""

from django.utils.translation import gettext, gettext_noop

STATUSES = {
    "PROV": gettext_noop("Provisoire : elle n’a pas encore été vérifiée."),
    "RECUP": gettext_noop(
        "Récupérée : le téléservice national vous connaît, votre pièce n’a pas été vue."
    ),
    "VALI": gettext_noop(
        "Validée : une pièce d’identité a été vue, le téléservice n’a pas encore répondu."
    ),
    "QUAL": gettext_noop(
        "Qualifiée : votre pièce d’identité et le téléservice national concordent."
    ),
}
SHORT = {
    "PROV": gettext_noop("Provisoire"),
    "RECUP": gettext_noop("Récupérée"),
    "VALI": gettext_noop("Validée"),
    "QUAL": gettext_noop("Qualifiée"),
}
WHY = {
    "same-number": gettext_noop("même matricule"),
    "same-traits": gettext_noop("mêmes traits"),
    "inverted-names": gettext_noop("nom et prénom inversés"),
    "near-name": gettext_noop("noms à une lettre près"),
    "near-date": gettext_noop("dates de naissance proches"),
}
ACTS = {
    "retrieve": gettext_noop("Réponse du téléservice national"),
    "validate": gettext_noop("Vérification d’une pièce d’identité"),
    "degrade": gettext_noop("Retour à une identité provisoire"),
    "doubt": gettext_noop("Doute signalé"),
    "clear": gettext_noop("Doute levé"),
    "homonym": gettext_noop("Homonyme signalé"),
    "no-homonym": gettext_noop("Signalement d’homonyme levé"),
    "fictitious": gettext_noop("Identité fictive"),
}
TRAITS = (
    ("birth_name", gettext_noop("Nom de naissance")),
    ("given_names", gettext_noop("Prénoms de naissance")),
    ("birth_date", gettext_noop("Date de naissance")),
    ("sex", gettext_noop("Sexe")),
    ("birth_place", gettext_noop("Lieu de naissance (code INSEE)")),
    ("ins", gettext_noop("Matricule INS")),
)


def said(table: dict[str, str], code: str) -> str:
    """The words of a code, or the code."""
    return gettext(table[code]) if code in table else code
