# SPDX-License-Identifier: EUPL-1.2
"""Every page, by who sees it: what is added to the portal is added here."""

from tests.portal.preview import CLAIRE

MINE = "/dossier/"
THEIRS = f"/patients/{CLAIRE}/"

# who is logged in ("" nobody), address, status
PAGES = [
    ("", "/", 200),
    ("", "/compte/connexion/", 200),
    ("", "/compte/inactif/", 200),
    ("", "/langue/", 200),
    ("", "/accessibilite/", 200),
    ("", "/nowhere/", 404),
    ("patient", MINE, 200),
    ("patient", MINE + "?apres=50", 200),
    ("patient", MINE + "?annee=2024&type=11502-2", 200),
    ("patient", MINE + "?annee=1950", 200),
    ("patient", MINE + "?type=34112-3", 200),
    ("patient", MINE + "documents/bio-2026/", 200),
    ("patient", MINE + "documents/bio-2025/", 200),
    ("patient", MINE + "documents/bio-2025-old/", 200),
    ("patient", MINE + "documents/letter-2026/", 200),
    ("patient", MINE + "documents/img-2025/", 200),
    ("patient", MINE + "documents/unknown/", 404),
    ("patient", MINE + "documents/ajouter/", 200),
    ("patient", MINE + "documents/letter-2026/fichier/", 200),
    ("patient", MINE + "documents/letter-2026/fichier/?page=2", 200),
    ("patient", MINE + "documents/letter-2026/fichier/?page=3", 404),
    ("patient", MINE + "documents/photo-2026/fichier/", 200),
    ("patient", MINE + "documents/note-2026/fichier/", 200),
    ("patient", MINE + "documents/img-2025/fichier/", 200),
    ("patient", MINE + "courbes/", 200),
    ("patient", MINE + "courbes/2345-7/", 200),
    ("patient", MINE + "courbes/777-3/", 200),
    ("patient", MINE + "courbes/8867-4/", 200),
    ("patient", MINE + "courbes/14682-9/", 200),
    ("patient", MINE + "courbes/85354-9/", 200),
    ("patient", MINE + "courbes/55423-8/", 200),
    ("patient", MINE + "courbes/55423-8/?page=2", 200),
    ("patient", MINE + "acces/", 200),
    ("patient", MINE + "acces/?vue=moi", 200),
    ("patient", MINE + "acces/?vue=ajouts", 200),
    ("patient", "/compte/deconnexion/", 200),
    ("newcomer", MINE, 200),
    ("newcomer", MINE + "courbes/", 200),
    ("newcomer", MINE + "acces/", 200),
    ("gp", "/patients/", 200),
    ("gp", THEIRS, 200),
    ("gp", THEIRS + "documents/bio-2026/", 200),
    ("gp", THEIRS + "documents/photo-2026/fichier/", 200),
    ("gp", "/dossier/documents/ajouter/", 404),
    ("gp", THEIRS + "courbes/", 200),
    ("gp", THEIRS + "courbes/2345-7/", 200),
    ("gp", "/patients/unknown/", 404),
    ("operator", "/", 403),
]
