# SPDX-License-Identifier: EUPL-1.2
"""Every page: it answers, in both languages, light, without script, and kept by nobody."""

import re
from dataclasses import replace
from typing import Any

import pytest
from lxml import html

from carnet.portal.settings import HERE
from tests.portal import preview
from tests.portal.walk import PAGES

pytestmark = pytest.mark.db

SENTENCE = 14  # characters from which a French text cannot stand in an English page by chance


@pytest.fixture
def get(client: Any, logged_in: Any) -> Any:
    """A page as somebody sees it."""

    def page(who: str, path: str, language: str = "fr") -> Any:
        if who:
            logged_in(who)
        client.cookies["langue"] = language
        return client.get(path)

    return page


@pytest.mark.parametrize(("who", "path", "status"), PAGES)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_answers_whole(
    get: Any, who: str, path: str, status: int, language: str
) -> None:
    answer = get(who, path, language)
    assert answer.status_code == status
    tree = html.fromstring(answer.content.decode())
    assert tree.get("lang") == language
    assert answer["Content-Language"] == language
    assert len(tree.xpath("//h1")) == 1
    assert len(tree.xpath("//main")) == 1
    assert tree.xpath("string(//title)").strip().endswith("– Carnet")
    assert tree.xpath("//body//*[contains(@class, 'demo')]"), "the banner of the demonstration"
    idents = tree.xpath("//@id")
    assert len(idents) == len(set(idents))


SCRIPTED = {"/compte/connexion/", "/compte/securite/cle/"}  # where a passkey may be used


@pytest.mark.parametrize(("who", "path", "status"), PAGES)
def test_no_page_carries_script_or_style_or_calls_outside(
    get: Any, who: str, path: str, status: int
) -> None:
    answer = get(who, path)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert ("script-src" in policy) is (path in SCRIPTED)
    assert policy.count("script-src") == policy.count("script-src 'self'")
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    tree = html.fromstring(answer.content.decode())
    if path in SCRIPTED:  # a file of ours, and nothing written in the page
        [script] = tree.xpath("//script")
        assert script.get("src").startswith("/static/") and not script.text
        script.drop_tree()
    assert tree.xpath("//script | //style | //iframe | //object | //embed") == []
    assert tree.xpath("//@style | //@*[starts-with(name(), 'on')]") == []
    for away in tree.xpath(
        "//a[@rel='noreferrer external']"
    ):  # a site that is not ours, if one wants
        assert away.get("href").startswith("https://")
        away.drop_tree()
    addresses = [
        *tree.xpath("//@href | //@src[not(starts-with(., 'data:image/'))]"),
        *tree.xpath("//@action"),
    ]
    assert [one for one in addresses if not one.startswith(("/", "#", "?", "tel:"))] == []


@pytest.mark.parametrize(("who", "path", "status"), PAGES)
def test_a_page_and_all_it_needs_weigh_less_than_100_kB(
    get: Any, who: str, path: str, status: int
) -> None:
    answer = get(who, path)
    static = sum(file.stat().st_size for file in (HERE / "static").iterdir())
    assert len(answer.content) + static < 100_000


@pytest.mark.parametrize(("who", "path", "status"), PAGES)
def test_nothing_of_the_pages_stays_in_french_for_an_english_reader(
    get: Any, who: str, path: str, status: int
) -> None:
    """Titles, sections and warnings of documents stay as written, and say their language."""
    import polib

    entries = polib.pofile(str(HERE / "locale/en/LC_MESSAGES/django.po"))
    tree = html.fromstring(get(who, path, "en").content.decode())
    for element in tree.xpath("//*[@lang='fr']"):
        element.drop_tree()
    shown = " ".join(tree.text_content().split())
    french = [
        entry.msgid
        for entry in entries
        if len(entry.msgid) >= SENTENCE
        and entry.msgid != entry.msgstr
        and "%(" not in entry.msgid
        and " ".join(entry.msgid.replace("'", "’").split()) in shown
    ]
    assert french == []


def test_french_is_the_language_until_another_is_chosen(client: Any) -> None:
    page = client.get("/", HTTP_ACCEPT_LANGUAGE="en")
    assert page["Content-Language"] == "fr"
    assert client.get("/?lang=en")["Content-Language"] == "en"
    assert client.get("/")["Content-Language"] == "en", "the choice is remembered"
    assert client.get("/?lang=xx")["Content-Language"] == "fr"


def test_the_language_form_needs_no_script(client: Any) -> None:
    answer = client.post("/langue/", {"language": "en", "next": "/accessibilite/"})
    assert (answer.status_code, answer["Location"]) == (302, "/accessibilite/")
    assert client.get("/")["Content-Language"] == "en"
    away = client.post("/langue/", {"language": "fr", "next": "https://elsewhere.example/"})
    assert not away["Location"].startswith("http")


def test_a_list_is_cut_in_pages_and_by_kind(get: Any) -> None:
    first = get("patient", "/dossier/").content.decode()
    second = get("patient", "/dossier/?apres=50").content.decode()
    count = re.compile(r'<li class="card">')
    assert len(count.findall(first)) == 50
    assert len(count.findall(second)) == 39
    assert "?apres=50" in first
    assert "?avant=0" not in first
    letters = get("patient", "/dossier/?type=34112-3").content.decode()
    assert len(count.findall(letters)) == 1
    assert "Lettre de sortie" in letters


def test_a_result_is_said_in_number_unit_range_words_and_trend(get: Any) -> None:
    shown = html.fromstring(get("patient", "/dossier/documents/bio-2026/").content.decode())
    rows = {
        " ".join(row.xpath("string(th)").split()): [
            " ".join(cell.text_content().split()) for cell in row.xpath("td")
        ]
        for row in shown.xpath("//table//tbody/tr")
    }
    assert rows["Glucose à jeun, voir la courbe"] == [
        "5,40 mmol/L",
        "de 3,9 à 6,1",
        "✓ Dans l’intervalle de référence",
        "En baisse depuis 6,3 mmol/L, le 2 septembre 2025",
    ]
    assert rows["Triglycérides, voir la courbe"][1:3] == [
        "jusqu’à 1,70",
        "▲ Au-dessus de l’intervalle de référence",
    ]
    assert (
        rows["Créatinine, voir la courbe"][2] == "▲ Très au-dessus : seuil d’alerte du laboratoire"
    )
    assert rows["Plaquettes, voir la courbe"][2] == "▼ En dessous de l’intervalle de référence"


def test_a_document_received_twice_is_one_card_that_names_its_sources(get: Any) -> None:
    for address in ("/dossier/?annee=2025", "/dossier/documents/bio-2025/"):
        page = html.fromstring(get("patient", address).content.decode())
        one, two, unlike = (
            page.xpath(f'//*[contains(@class, "same")]//li[a/@href="/dossier/documents/{id}/"]')
            for id in ("bio-2025-ch", "bio-2025-own", "bio-2025-far")
        )
        assert len(one) == len(two) == len(unlike) == 1
        assert one[0].xpath('.//*[contains(@class, "mask")]')  # its own mask, not the other's
        assert not two[0].xpath('.//*[contains(@class, "mask")]')
        assert unlike[0].xpath("ancestor::div[contains(@class, 'warn')]")


def test_a_replaced_document_leads_to_the_one_in_force(get: Any) -> None:
    page = get("patient", "/dossier/documents/bio-2025-old/").content.decode()
    assert "Ce document a été remplacé" in page
    assert 'href="/dossier/documents/bio-2025/"' in page


def test_a_withdrawn_document_is_not_said_to_be_replaced(
    get: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Superseded with nothing in its place is how the national guide deletes."""
    alone = [
        replace(each, status="superseded") if each.id == "bio-2026" else each
        for each in preview.LINES
    ]
    monkeypatch.setattr(preview, "LINES", tuple(alone))
    page = get("patient", "/dossier/documents/bio-2026/").content.decode()
    assert "Ce document n’est plus en vigueur." in page
    assert "remplacé" not in page


def test_the_professional_sees_whose_record_it_is_on_every_page(get: Any) -> None:
    for path in ("", "documents/bio-2026/", "courbes/", "courbes/2345-7/"):
        page = get("gp", f"/patients/k3v9q2x7claire/{path}").content.decode()
        assert "Claire MARTIN" in page
        assert "27 mars 1985" in page


def test_files_never_run(get: Any) -> None:
    pdf = get("patient", "/dossier/fichiers/pdf-1")
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf["Content-Disposition"].startswith("inline")
    saved = get("patient", "/dossier/fichiers/pdf-1?enregistrer=1")
    assert saved["Content-Disposition"] == 'attachment; filename="bilan-lipidique.pdf"'
    for name in ("xml-1", "html-1"):
        file = get("patient", f"/dossier/fichiers/{name}")
        assert file["Content-Type"] == "application/octet-stream"
        assert file["Content-Disposition"].startswith("attachment")
        assert "sandbox" in file["Content-Security-Policy"]
        assert file["Cache-Control"] == "no-store"
        assert ".." not in file["Content-Disposition"]


def test_records_are_for_whom_they_are_for(get: Any, client: Any) -> None:
    assert get("gp", "/dossier/").status_code == 404
    assert get("patient", "/patients/").status_code == 404
    assert get("patient", "/patients/k3v9q2x7claire/").status_code == 404
    client.logout()
    for path in ("/dossier/", "/patients/", "/dossier/acces/", "/patients/k3v9q2x7claire/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/compte/connexion/")


def test_the_same_page_in_the_other_language_is_one_link_away(get: Any) -> None:
    page = html.fromstring(get("patient", "/dossier/?type=34112-3").content.decode())
    assert page.xpath("//a[@hreflang='en']/@href") == ["/dossier/?type=34112-3&lang=en"]


def test_who_has_read_is_in_plain_words(get: Any) -> None:
    page = html.fromstring(get("patient", "/dossier/acces/").content.decode())
    first = " ".join(page.xpath("//*[@class='reader']")[0].text_content().split())
    assert first == (
        "09:12 Dr Paul DURAND, Médecin Cabinet médical des Arcades "
        "Lecture : Bilan lipidique et glycémie Par l’application : Ma tension"
        " Pourquoi : Pour vous soigner"
        " Preuve de cette ligne"
    )
    assert "En urgence" in page.text_content()
    (proof,) = page.xpath("//a[.='Preuve de cette ligne']/@href")
    answer = get("patient", proof)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert get("gp", proof).status_code == 404


def test_every_page_says_the_root_of_the_log(get: Any) -> None:
    foot = html.fromstring(get("patient", "/dossier/").content.decode()).xpath("//footer")[0]
    said = " ".join(foot.text_content().split())
    assert (
        "Journal des accès, empreinte 3f2ab43f2ab43f2a (12 345 lignes, le 14 mars 2026 à 10:12)"
        in said
    )


def test_who_reads_is_apart_from_who_adds(get: Any) -> None:
    page = html.fromstring(get("patient", "/dossier/acces/").content.decode())
    assert "Logiciel" not in page.text_content()
    assert "Logiciel" in get("patient", "/dossier/acces/?vue=ajouts").content.decode()
    assert "Vous" in get("patient", "/dossier/acces/?vue=moi").content.decode()
    english = html.fromstring(get("patient", "/dossier/acces/", "en").content.decode())
    assert "Reading: Bilan lipidique et glycémie" in english.text_content()
    assert "List or search (3 items)" in english.text_content()


def cells(page: Any, table: str) -> list[list[str]]:
    """The rows of a table, as they read."""
    rows = page.xpath(f"//table[@aria-labelledby='{table}']/tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("*")] for row in rows]


def test_a_curve_says_what_was_converted_struck_out_or_left_apart(get: Any) -> None:
    page = html.fromstring(get("patient", "/dossier/courbes/14682-9/").content.decode())
    rows = cells(page, "values")
    assert [row[0] for row in rows] == [
        "12 mars 2026", "1 septembre 2025", "1 février 2025", "1 février 2025", "1 février 2024",
        "1 septembre 2022",
    ]  # fmt: skip
    struck = page.xpath("//tr[@class='struck']")
    assert [" ".join(each.text_content().split()) for each in page.xpath("//del")] == [
        "912 µmol/L",
        "91 µmol/L",
    ]
    assert "remplacé par le compte rendu corrigé du 2 septembre 2025" in struck[0].text_content()
    assert struck[0].xpath(".//a/@href")[0] == "/dossier/documents/bio-2025/"
    assert "remplacé par un compte rendu corrigé" in struck[1].text_content()
    assert "Écrit 9,2 mg/L" in rows[4][1]
    assert rows[4][2] == "✓ Dans l’intervalle de référence", "of its own laboratory"
    assert "Un autre document donne une autre valeur" in rows[2][1] + rows[3][1]
    apart = cells(page, "apart")
    assert [(row[1], row[2]) for row in apart] == [
        ("Non réalisé", "Résultat écrit en mots"),
        ("<5 µmol/L", "Sous la limite de mesure : ce n’est pas un nombre exact"),
        ("0,9 UA/L", "Son unité ne se convertit pas en µmol/L"),
    ]
    said = page.text_content()
    for sentence in (
        "L’intervalle de référence change d’un laboratoire",
        "Deux documents donnent des valeurs différentes",
        "3 résultats ne sont pas sur la courbe",
        "1 valeur a été convertie en µmol/L",
    ):
        assert sentence in said
    drawn = page.xpath("//svg[contains(@class, 'curve-wide')]")[0]
    assert len(drawn.xpath(".//*[contains(@class, 'dot')]")) == 4, "the struck ones are not drawn"
    assert len(drawn.xpath(".//rect[@class='band']")) > 1, "a band for each period"


def test_blood_pressure_is_one_figure_with_two_lines(get: Any) -> None:
    page = html.fromstring(get("patient", "/dossier/courbes/85354-9/").content.decode())
    drawn = page.xpath("//svg[contains(@class, 'curve-wide')]")[0]
    assert len(drawn.xpath(".//polyline")) == 2
    assert cells(page, "values")[0][1:4:2] == ["129/79 mmHg", "Mesuré par le patient"]
    assert "Systolique" in page.xpath("string(//figcaption)")
    listed = get("patient", "/dossier/courbes/").content.decode()
    assert "129/79" in listed


def test_a_long_series_keeps_its_extremes_and_every_row(get: Any) -> None:
    from carnet.portal.components import curves
    from tests.portal.preview import STEPS

    drawn = curves.thinned(STEPS.points, curves.MOST)
    assert len(drawn) <= curves.MOST
    values = [point.value for point in STEPS.points]
    assert {min(values), max(values)} <= {point.value for point in drawn}
    assert (drawn[0], drawn[-1]) == (STEPS.points[0], STEPS.points[-1])
    days: list[str] = []
    for number in range(1, 19):
        page = get("patient", f"/dossier/courbes/55423-8/?page={number}").content.decode()
        days += [row[0] for row in cells(html.fromstring(page), "values")]
    assert len(days) == len(set(days)) == 900


def test_the_list_is_narrowed_without_script(get: Any) -> None:
    page = html.fromstring(get("patient", "/dossier/?annee=2024&type=11502-2").content.decode())
    form = page.xpath("//form[@method='get'][.//select]")[0]
    assert {each.get("name") for each in form.xpath(".//select")} == {"type", "annee", "lieu"}
    chosen = {each.get("value") for each in form.xpath(".//option[@selected]")}
    assert chosen == {"11502-2", "2024"}
    assert len(page.xpath("//li[@class='card']")) == 12
    nothing = get("patient", "/dossier/?annee=1950").content.decode()
    assert "Aucun document ne correspond à ce choix." in nothing


def test_a_document_says_what_is_kept_and_not_read(get: Any) -> None:
    page = get("patient", "/dossier/documents/bio-2026/").content.decode()
    assert "3 éléments codés gardés mais non traduits en données" in page


def test_a_section_says_what_became_data_of_it(get: Any) -> None:
    page = get("patient", "/dossier/documents/bio-2026/").content.decode()
    assert "Lu comme données : Glycémie à jeun ; Cholestérol &lt;total&gt;" in page
