# SPDX-License-Identifier: EUPL-1.2
"""What French questions find first among the agency's documents, put in one record as plain notes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from carnet.documents.cda import read
from carnet.documents.text.index import text_of
from tests.documents.text.test_find import looked, note
from tests.space import Space

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# A question, and the example that has to be among the first three (by the beginning of its name).
ASKED: dict[str, str] = {
    "cancer du sein": "CANCER-D2LM-FIN",
    "mammographie": "IMG-DA-IMG_2024.01_Mammo",
    "vaccins": "VAC_",
    "consultation d'anesthésie": "ANEST-CR-CPA",
    "AVC": "AVC-",
    "accident vasculaire cérébral": "AVC-",
    "scanner": "IMG-DA-IMG_2024.01_Scanner",
    "certificat de santé du nourrisson": "CSE-CS8",
    "ordonnance": "eP-MED-DM",
    "EHPAD": "DLU-EHPAD",
    "maison de retraite": "DLU-EHPAD",
    "TSH": "BIO-CR-BIO_2024.01_TSH",
    "lunettes": "OPH-BRE",
    "stimulateur cardiaque": "CARD-F-PRC-PSC",
    "pacemaker": "CARD-F-PRC-PSC",
    "prothèse valve": "CARD-F-PRC-PPV",
    "maladies rares": "SDM-MR",
    "cystite": "BIO-TROD_2024.01_Cystite",
    "frottis": "BIO-CR-BIO_2024.01_DEP-CCU",
    "génétique": "CANCER-CR-GM",
    "lettre de sortie": "LDL-SES",
    "directives anticipées": "IPS-FR",
    "synthèse médicale": "VSM_",
    "dispensation": "eDISP-MED",
    "nouveau-né": "OBP-SNE",
    "remboursements": "CNAM-HR",
    "téléconsultation": "TLM-",
    "radio de la cheville": "IMG-DA-IMG_2024.01_Radiographie_Cheville",
    "angine": "BIO-TROD_2024.01_Angine",
    "Covid": "BIO-TROD_2024.01_COVID",
}


async def test_questions_in_french_find_the_document_that_answers(
    space: Space, shared: Path
) -> None:
    names: dict[str, str] = {}
    for path in sorted((shared / "data/french/cda-examples").glob("*.xml")):
        document = read(path.read_bytes())
        text = text_of({"resourceType": "DocumentReference"}, document, [])
        said = "\n".join((*text.heads, text.body))
        if said.strip():
            title = document.header.title or path.stem
            names[await note(space, said, title=title)] = path.stem
            space.clock.advance(
                timedelta(minutes=5)
            )  # so many an hour are deposited by one account
    assert len(names) > 60
    wrong = {}
    for typed, wanted in ASKED.items():
        hits = (await looked(space, typed)).hits
        found = [names[each.line.id] for each in hits if each.line.id in names]
        if not any(each.startswith(wanted) for each in found[:3]):
            wrong[typed] = found[:5]
    assert wrong == {}
