# SPDX-License-Identifier: EUPL-1.2
"""Codes of the life of a record and of emergencies, in words."""

from django.utils.translation import gettext_lazy as _

STATES = {
    "notice": _("Annoncé, pas encore ouvert"),
    "open": _("Ouvert"),
    "closed": _("Fermé"),
    "deleted": _("Supprimé"),
}
ACTS = {
    "notice": _("Avis d’ouverture préparé"),
    "open": _("Ouverture"),
    "oppose": _("Opposition"),
    "close": _("Fermeture"),
    "reopen": _("Réouverture"),
    "ask-erasure": _("Suppression demandée"),
    "keep": _("Demande de suppression retirée"),
    "oppose-feeding": _("Opposition à l’alimentation"),
    "allow-feeding": _("Alimentation de nouveau acceptée"),
}
HOW = {
    "web": _("en ligne"),
    "code": _("en ligne, avec le code de l’avis"),
    "paper": _("par courrier"),
    "in-person": _("sur place"),
    "platform": _("par la plateforme"),
}
FEEDING = [
    ("personal", _("Situation personnelle particulière")),
    ("professional", _("Je travaille dans l’établissement")),
    ("safety", _("Risque pour ma sécurité")),
]
MODES = {
    "bris-de-glace": _("Bris de glace"),
    "centre-15": _("Régulation (centre 15)"),
}
REASONS = {
    "unconscious": _("Personne inconsciente ou confuse"),
    "life-threatening": _("Risque vital immédiat"),
    "no-voice": _("Personne incapable de s’exprimer"),
    "call": _("Appel au centre de régulation"),
}
COMMENTS = [
    ("confirmed", _("Situation confirmée par le professionnel")),
    ("known", _("Le patient confirme")),
    ("no-answer", _("Le professionnel n’a pas répondu")),
    ("no-need", _("Aucune urgence constatée")),
    ("wrong-person", _("Erreur sur la personne")),
]
VERDICTS = {"justified": _("Justifiée"), "unjustified": _("Non justifiée"), "": _("À examiner")}
EMERGENCIES = [
    ("bris-de-glace/unconscious", _("Bris de glace : personne inconsciente ou confuse")),
    ("bris-de-glace/life-threatening", _("Bris de glace : risque vital immédiat")),
    ("bris-de-glace/no-voice", _("Bris de glace : personne incapable de s’exprimer")),
    ("centre-15/call", _("Centre 15 : appel au centre de régulation")),
]
