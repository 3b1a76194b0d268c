# SPDX-License-Identifier: EUPL-1.2
"""Clients in plain words: where one stands, what may be decided, what a scope lets."""

from django.utils.translation import gettext, gettext_lazy, gettext_noop

from carnet.access import scopes
from carnet.oauth import declared, keys, registering

STATES = {
    "proposed": gettext_noop("Attend une décision"),
    "live": gettext_noop("En service"),
    "suspended": gettext_noop("Suspendu"),
    "ended": gettext_noop("Terminé"),
}
KINDS = {
    "app": gettext_noop("Application que des personnes autorisent"),
    "software": gettext_noop("Logiciel d’une organisation"),
}
METHODS = {
    "none": gettext_noop("Ne garde aucun secret (PKCE)"),
    "private_key_jwt": gettext_noop("Signe avec sa clé"),
    "client_secret_basic": gettext_noop("Un secret"),
    "client_secret_post": gettext_noop("Un secret"),
}
# What an operator decides, as a button says it.
DECISIONS = {
    "approve": gettext_lazy("Mettre en service"),
    "suspend": gettext_lazy("Suspendre : tous ses jetons prennent fin dans la seconde"),
    "resume": gettext_lazy("Remettre en service"),
    "end": gettext_lazy("Terminer pour toujours, avec ce que les personnes lui ont permis"),
}
ACTS = {
    "propose": gettext_noop("Enregistré"),
    "approve": gettext_noop("Mis en service"),
    "suspend": gettext_noop("Suspendu"),
    "resume": gettext_noop("Remis en service"),
    "end": gettext_noop("Terminé"),
    "add-key": gettext_noop("Clé ajoutée"),
    "remove-key": gettext_noop("Clé retirée"),
    "renew-secret": gettext_noop("Secret renouvelé"),
    "scopes": gettext_noop("Portées changées"),
    "redirects": gettext_noop("Adresses de retour changées"),
    "origins": gettext_noop("Origines changées"),
}
LETTERS = {
    "c": gettext_noop("créer"),
    "r": gettext_noop("lire"),
    "u": gettext_noop("changer"),
    "d": gettext_noop("supprimer"),
    "s": gettext_noop("chercher"),
}
LEVELS = {
    "patient": gettext_noop("dans le dossier d’une personne"),
    "user": gettext_noop("au nom d’un professionnel, selon sa situation"),
    "system": gettext_noop("en son propre nom : ce que l’organisation a déposé"),
}
WRONG = {
    registering.NoReason: gettext_lazy("Dites pourquoi, en une ligne."),
    registering.WrongState: gettext_lazy("Quelqu’un d’autre vient d’en décider : relisez."),
    registering.WrongClient: gettext_lazy("Ce client ne prouve pas qui il est par des clés."),
    registering.NotInProduction: gettext_lazy(
        "Un client de bac à sable n’est jamais mis en service là où les personnes sont réelles."
    ),
    keys.PrivateKey: gettext_lazy(
        "C’est une clé privée. Tenez-la pour connue d’autres : faites-en une autre, et donnez "
        "sa part publique."
    ),
    keys.KidTaken: gettext_lazy("Ce client a déjà cette clé, ou une autre du même nom."),
    keys.TooManyKeys: gettext_lazy("Un client a cinq clés au plus : retirez-en une d’abord."),
    keys.LastKey: gettext_lazy("C’est sa seule clé : ajoutez-en une autre, ou suspendez-le."),
    keys.WrongKey: gettext_lazy(
        "Une clé est publique : RSA de 2048 bits ou plus, P-256, P-384 ou Ed25519, en JWK, JWKS ou PEM."
    ),
    declared.WrongScopes: gettext_lazy(
        "Une portée est mal écrite, ou les règles ne la permettent pas à cette sorte de client."
    ),
}


def scope(word: str) -> str:
    """What one scope lets, for who does not read scopes."""
    if word in scopes.PLAIN:
        return ""
    each = scopes.parse(word)
    acts = ", ".join(gettext(LETTERS[letter]) for letter in each.letters)
    kind = gettext("tout ce que les règles permettent") if each.rtype == "*" else each.rtype
    return f"{acts} : {kind}, {gettext(LEVELS[each.level])}"
