# SPDX-License-Identifier: EUPL-1.2
"""The one page taken away: a PDF in two languages and a FHIR document, as files that nobody keeps."""

from typing import Any

import pytest
from lxml import html

from tests.portal.walk import MINE, THEIRS

pytestmark = pytest.mark.db


@pytest.mark.parametrize(
    ("who", "path", "media"),
    [
        ("patient", MINE + "sante/synthese.fr.pdf", "application/pdf"),
        ("patient", MINE + "sante/synthese.en.pdf", "application/pdf"),
        ("gp", THEIRS + "sante/synthese.en.json", "application/fhir+json"),
    ],
)
def test_a_summary_is_a_file(client: Any, logged_in: Any, who: str, path: str, media: str) -> None:
    logged_in(who)
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Content-Type"] == media
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Language"] == path.split(".")[-2]


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("patient", MINE + "sante/synthese.de.pdf"),
        ("patient", MINE + "sante/synthese.fr.xml"),
        ("gp", MINE + "sante/synthese.fr.pdf"),
        ("gp", "/patients/unknown/sante/synthese.fr.pdf"),
        ("patient", THEIRS + "sante/synthese.fr.pdf"),
    ],
)
def test_another_form_and_another_record_are_no_page(
    client: Any, logged_in: Any, who: str, path: str
) -> None:
    logged_in(who)
    assert client.get(path).status_code == 404


def test_the_one_page_leads_to_its_files(client: Any, logged_in: Any) -> None:
    logged_in("patient")
    page = client.get(MINE + "sante/").content.decode()
    for name in ("fr.pdf", "en.pdf", "fr.json"):
        assert f'href="{MINE}sante/synthese.{name}"' in page


def test_a_source_leads_to_the_very_section_of_its_document(client: Any, logged_in: Any) -> None:
    logged_in("patient")
    page = html.fromstring(client.get(MINE + "sante/").content.decode())
    (link, *_) = page.xpath("//ul[@class='sources']//a[contains(., 'Lettre de sortie')]/@href")
    assert link == MINE + "sante/source/Condition/a/"
    answer = client.get(link)
    assert answer.status_code == 302
    address, _, anchor = answer["Location"].partition("#")
    shown = html.fromstring(client.get(address).content.decode())
    (there,) = shown.xpath(f"//*[@id='{anchor}']")
    assert there.xpath("ancestor-or-self::details/@open") or not there.xpath("ancestor::details")


def test_a_source_that_is_not_seen_leads_nowhere(client: Any, logged_in: Any) -> None:
    logged_in("patient")
    assert client.get(MINE + "sante/source/Condition/unknown/").status_code == 404
    assert client.get(THEIRS + "sante/source/Condition/a/").status_code == 404


def test_the_english_page_has_no_french_but_what_it_marks_as_such(
    client: Any, logged_in: Any
) -> None:
    logged_in("patient")
    client.cookies["langue"] = "en"
    page = html.fromstring(client.get(MINE + "sante/").content.decode())
    for each in page.xpath("//main//*[@lang='fr']"):
        each.drop_tree()
    text = " ".join(page.xpath("//main")[0].text_content().split())
    for word in ("Pression", "Hémoglobine", "Depuis", "Reçu", "Source :", "à vérifier", "écarté"):
        assert word not in text, word
    for word in ("Blood pressure", "Creatinine", "to be checked"):
        assert word in text, word
