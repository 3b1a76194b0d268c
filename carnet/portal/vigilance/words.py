# SPDX-License-Identifier: EUPL-1.2
"""Statuses, reasons and acts of identity in plain words."""

from django.utils.translation import gettext, gettext_lazy, gettext_noop

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
# What an officer marks, as the form offers it.
MARKS = {
    "doubt": gettext_lazy("Un doute sur cette identité : elle perd ce que la pièce avait donné"),
    "clear": gettext_lazy("Le doute est levé"),
    "homonym": gettext_lazy("Un homonyme : une autre personne porte les mêmes traits, ou presque"),
    "no-homonym": gettext_lazy("Plus d’homonyme"),
    "degrade": gettext_lazy("Retour à une identité provisoire : ce qui la prouvait ne tient plus"),
    "fictitious": gettext_lazy("Une identité fictive : elle n’est celle de personne"),
}
# What a person is to their child, as declared.
PARENTS = {
    "birth-mother": gettext_lazy("Mère, qui a accouché"),
    "mother": gettext_lazy("Mère"),
    "father": gettext_lazy("Père"),
    "parent": gettext_lazy("Parent"),
}
PROOFS = {
    "CN": gettext_lazy("Carte nationale d’identité"),
    "PA": gettext_lazy("Passeport"),
    "CS": gettext_lazy("Titre de séjour"),
    "LE": gettext_lazy("Livret de famille, avec une pièce du parent"),
    "AN": gettext_lazy("Extrait d’acte de naissance, avec une pièce du parent"),
    "EI": gettext_lazy("Identité électronique de niveau substantiel ou élevé"),
    "ES": gettext_lazy("Validée par l’établissement qui l’a transmise"),
}
ANSWERS = {
    "00": gettext_noop("Le téléservice a répondu : une identité, et c’est bien elle."),
    "01": gettext_noop("Le téléservice ne connaît personne de ces traits."),
    "02": gettext_noop("Le téléservice connaît plusieurs personnes de ces traits."),
    "other-traits": gettext_noop("Le téléservice a répondu d’autres traits : rien n’est changé."),
    "time-out": gettext_noop("Le téléservice n’a pas répondu. La question lui sera reposée."),
    "collision": gettext_noop(
        "Ce matricule est déjà celui d’une autre identité : les deux sont à comparer."
    ),
    "off": gettext_noop("Aucun téléservice n’est relié à cette instance."),
}
STATES = {
    "homonym": gettext_noop("homonyme"),
    "doubtful": gettext_noop("douteuse"),
    "fictitious": gettext_noop("fictive"),
}
TRAITS = (
    ("birth_name", gettext_noop("Nom de naissance")),
    ("given_names", gettext_noop("Prénoms de naissance")),
    ("birth_date", gettext_noop("Date de naissance")),
    ("sex", gettext_noop("Sexe")),
    ("birth_place", gettext_noop("Lieu de naissance (code INSEE)")),
    ("ins", gettext_noop("Matricule INS")),
)


def standing(text: str) -> str:
    """A status with its attributes, as the history writes it: PROV+homonym."""
    status, *marks = text.split("+")
    return ", ".join([said(SHORT, status), *(said(STATES, mark) for mark in marks)])


def said(table: dict[str, str], code: str) -> str:
    """The words of a code, or the code."""
    return gettext(table[code]) if code in table else code
