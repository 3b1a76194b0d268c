# SPDX-License-Identifier: EUPL-1.2
"""The pages of writing: reviewed line by line, looked at, signed, and never signed without being seen."""

from __future__ import annotations

import time
from typing import Any

import pytest
from lxml import html

from tests.portal.preview import CLAIRE, PreviewParts
from tests.portal.preview_composing import AT, DOCTOR, NURSE, PreviewComposing

pytestmark = pytest.mark.db
VSM, LETTER = f"/patients/{CLAIRE}/rediger/vsm/", f"/patients/{CLAIRE}/rediger/sortie/"
DAYS = {"start": "10/03/2026", "end": "14/03/2026", "reason": "Douleur", "story": "Simple",
        "entry": "183452005", "exit": "160849004", "searched": "yes", "transfused": "no",
        "derived": "no"}  # fmt: skip


def page(answer: Any) -> Any:
    assert answer.status_code == 200
    return html.fromstring(answer.content.decode())


def test_what_asks_to_be_looked_at_is_not_chosen(logged_in: Any) -> None:
    found = page(logged_in("gp").get(VSM))
    chosen = {
        each.get("value"): "checked" in each.attrib for each in found.xpath("//input[@name='line']")
    }
    assert "checked" in found.get_element_by_id("id_replaces").attrib
    assert chosen == {
        "Condition/a": True, "Condition/b": False, "AllergyIntolerance/c": False,
        "MedicationStatement/d": True, "MedicationStatement/e": False,
        "Observation/f": True, "FamilyMemberHistory/g": False, "Immunization/h": True,
        "DeviceUseStatement/i": True,
    }  # fmt: skip


def test_a_document_is_looked_at_corrected_then_signed_as_it_was_seen(logged_in: Any) -> None:
    client, signed = logged_in("gp"), PreviewComposing.signed
    signed.clear()
    sent = {"line": ["Condition/b", "MedicationStatement/d"], "results": "Tension <à> suivre",
            "replaces": "on"}  # fmt: skip
    shown = page(client.post(VSM, {**sent, "step": "look"}))
    text = shown.text_content()
    assert "Anémie <b>" in text and "Tension <à> suivre" in text and "Diabète" not in text
    held = [
        (each.get("name"), each.get("value"))
        for each in shown.xpath("//form//input[@type='hidden']")
    ]
    again: dict[str, list[str]] = {}
    for name, value in held:
        again.setdefault(name, []).append(value)
    form = page(client.post(VSM, {**again, "step": "fix"}))
    assert form.xpath("//input[@value='Condition/b']/@checked")
    assert "Tension <à> suivre" in form.xpath("string(//textarea[@name='results'])")
    copy = client.post(VSM, {**again, "step": "pdf"})
    assert (copy["Content-Type"], copy.content[:4]) == ("application/pdf", b"%PDF")
    answer = client.post(VSM, {**again, "step": "sign"})
    assert (answer.status_code, answer["Location"]) == (
        302, f"/patients/{CLAIRE}/documents/letter-2026/",
    )  # fmt: skip
    [(sort, kept, draft)] = signed
    assert (sort, kept.chosen) == ("vsm", frozenset(sent["line"]))
    assert kept.words["results"] == "Tension <à> suivre"
    assert draft.at == AT
    assert kept.replaces


@pytest.mark.parametrize("draft", ["", "forged", "of another record", "old"])
def test_nothing_is_signed_that_was_not_looked_at(
    logged_in: Any, draft: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = logged_in("gp")
    PreviewComposing.signed.clear()
    sealed = page(client.post(VSM, {"step": "look"})).xpath("string(//input[@name='draft']/@value)")
    where = VSM
    if draft == "of another record":
        where, draft = LETTER, sealed
    elif draft == "old":
        draft, later = sealed, time.time() + 4000
        monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    answer = client.post(where, {**DAYS, "step": "sign", "draft": draft})
    assert "relisez le document" in page(answer).text_content()
    assert PreviewComposing.signed == []


def test_what_is_missing_in_a_letter_is_said_at_its_field(logged_in: Any) -> None:
    client = logged_in("gp")
    assert page(client.get(LETTER)).xpath("string(//input[@name='start']/@value)") == "10/03/2026"
    missing = page(client.post(LETTER, {"step": "look"}))
    assert {each.get("id") for each in missing.xpath("//*[@class='error']")} >= {
        "id_start_error", "id_story_error",
    }  # fmt: skip
    wrong = page(client.post(LETTER, {**DAYS, "end": "01/03/2026", "step": "sign"}))
    assert "Le séjour commence" in wrong.xpath("string(//*[@id='id_end_error'])")


def test_what_only_who_signs_knows_is_asked_and_never_supposed(logged_in: Any) -> None:
    client = logged_in("gp")
    fresh = page(client.get(LETTER))
    asked = {each.get("name") for each in fresh.xpath("//input[@type='radio']")}
    assert asked == {"entry", "exit", "searched", "transfused", "derived"}
    assert fresh.xpath("//input[@type='radio'][@checked]") == []
    days = {name: value for name, value in DAYS.items() if name not in asked}
    missing = page(client.post(LETTER, {**days, "step": "look"}))
    wrong = {each.get("id") for each in missing.xpath("//*[@class='error']")}
    assert wrong == {f"id_{name}_error" for name in asked}
    assert {each.get("href") for each in missing.xpath("//*[@role='alert']//a")} == {
        f"#id_{name}_0" for name in asked
    }
    told = page(client.post(LETTER, {**DAYS, "accidents": "Fièvre", "step": "look"}))
    assert "pas répondu oui" in told.xpath("string(//*[@id='id_accidents_error'])")
    shown = page(client.post(LETTER, {**DAYS, "germs": "SARM <i>", "step": "look"})).text_content()
    assert shown.count("Rien à signaler dans ce document.") == 3, "none is left without a word"
    assert "SARM <i>" in shown and "hospitalisation en urgence" in shown
    forged = page(client.post(LETTER, {**DAYS, "entry": "<b>", "step": "look"}))
    assert forged.get_element_by_id("id_entry_error") is not None


def test_a_letter_names_who_treats_and_who_receives_it(logged_in: Any) -> None:
    client = logged_in("gp")
    fresh = page(client.get(LETTER))
    assert fresh.xpath("string(//input[@name='attending']/@value)") == DOCTOR[1:]
    assert fresh.xpath("//input[@name='to'][@checked]/@value") == [DOCTOR]
    for name in ("attending", "others"):
        said = page(client.post(LETTER, {**DAYS, name: "99999999999", "step": "look"}))
        assert "ne connaît pas" in said.xpath(f"string(//*[@id='id_{name}_error'])")
    sent = {**DAYS, "to": [NURSE], "attending": DOCTOR[1:], "others": f"{DOCTOR}, ", "step": "look"}
    shown = page(client.post(LETTER, sent))
    held = [
        (each.get("name"), each.get("value"))
        for each in shown.xpath("//form//input[@type='hidden']")
    ]
    again: dict[str, list[str]] = {}
    for name, value in held:
        again.setdefault(name, []).append(value)
    PreviewComposing.signed.clear()
    assert client.post(LETTER, {**again, "step": "sign"}).status_code == 302
    [(_, kept, _)] = PreviewComposing.signed
    assert (kept.attending, tuple(kept.to)) == (DOCTOR[1:], (NURSE, DOCTOR))
    assert kept.answers["searched"] == "yes"


def test_assistants_and_patients_do_not_find_these_pages(
    logged_in: Any, site: PreviewParts
) -> None:
    for who in ("assistant", "patient", "operator"):
        for answer in (logged_in(who).get(VSM), logged_in(who).post(VSM, {"step": "look"})):
            assert answer.status_code == 404
