# SPDX-License-Identifier: EUPL-1.2
"""The pages of a prescription that ends: its lines chosen and why, or another in its place."""

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html

from tests.portal.preview_prescribing import GROUP, NUMBER, PreviewPrescribing
from tests.portal.test_prescribing import fields
from tests.portal.walk import THEIRS

pytestmark = pytest.mark.db

PAGE = THEIRS + "ordonnance/ord-2026/"
WRITE = THEIRS + "ordonnance/"
WHY = {"begun": "yes", "why": "sintol", "said": "Éruption"}


@pytest.fixture(autouse=True)
def nothing_ended() -> Iterator[None]:
    PreviewPrescribing.ended.clear()
    PreviewPrescribing.replaced.clear()
    yield
    PreviewPrescribing.ended.clear()
    PreviewPrescribing.replaced.clear()


def tree(page: Any) -> Any:
    assert page.status_code == 200
    return html.fromstring(page.content.decode())


def test_lines_are_chosen_and_end_for_a_reason_once(client: Any, logged_in: Any) -> None:
    logged_in("gp")
    shown = tree(client.get(PAGE))
    assert [each.text_content() for each in shown.xpath("//main//fieldset[1]//label")] == [
        "Amoxicilline 1 g", "Paracétamol 500 mg",
    ]  # fmt: skip
    assert "Arrêtée · allergie" in " ".join(shown.text_content().split())
    done = client.post(PAGE, {"number": NUMBER, "line_1": "on", **WHY})
    assert (done.status_code, done["Location"]) == (302, THEIRS + "documents/bio-2026/")
    [(number, (lines, reason))] = PreviewPrescribing.ended.items()
    assert (number, lines, reason.code, reason.status) == (NUMBER, ("two",), "sintol", "stopped")
    twice = client.post(PAGE, {"number": NUMBER, "line_1": "on", **WHY})
    assert (twice.status_code, twice["Location"]) == (302, THEIRS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"line_0": ""},
        {"begun": ""},
        {"begun": "perhaps"},
        {"why": ""},
        {"why": "washout"},
        {"why": "other", "said": ""},
        {"said": "a\x00b"},
        {"said": "a" * 201},
        {"why": "other", "said": "\u202e"},
    ],
)
def test_what_is_wrong_is_said_and_nothing_ends(
    client: Any, logged_in: Any, wrong: dict[str, str]
) -> None:
    logged_in("gp")
    page = tree(client.post(PAGE, {"number": NUMBER, "line_0": "on", **WHY, **wrong}))
    assert page.xpath("//div[@role='alert']//li")
    for link in page.xpath("//div[@role='alert']//a/@href"):
        assert page.xpath(f"//*[@id='{link[1:]}']"), link
    assert PreviewPrescribing.ended == {}


def test_a_prescription_that_is_replaced_is_typed_already(client: Any, logged_in: Any) -> None:
    logged_in("gp")
    assert tree(client.get(PAGE)).xpath(f"//a[@href='{WRITE}?remplace=ord-2026']")
    first = client.get(WRITE + "?remplace=ord-2026")
    typed = fields(first)
    assert (typed["medicine_1"], typed["dose_1"]) == ("Amoxicilline 1 g", "0,5")
    assert (typed["medicine_2"], typed["renewals_2"]) == ("Paracétamol 500 mg", "2")
    assert "needed_2" in typed and "needed_1" not in typed
    silent = client.post(WRITE, typed | {"act": "review"})
    assert tree(silent).xpath("//div[@role='alert']"), "it says why the old one ends"
    more = client.post(WRITE, typed | WHY | {"act": "more"})
    assert (fields(more)["remplace"], fields(more)["why"]) == ("ord-2026", "sintol")
    review = client.post(WRITE, typed | WHY | {"act": "review"})
    assert "est remplacée" in review.content.decode()
    assert PreviewPrescribing.replaced == {}
    done = client.post(WRITE, fields(review) | {"act": "write"})
    assert done["Location"] == THEIRS + "documents/bio-2026/"
    [(lines, reason)] = PreviewPrescribing.replaced.values()
    assert list(lines) == [each.line for each in GROUP.going]
    assert reason.text == "intolérance supposée : Éruption"
    again = client.post(WRITE, fields(review) | {"act": "change"})
    assert fields(again)["said"] == "Éruption"


def test_ones_own_prescriptions_are_led_to(client: Any, logged_in: Any) -> None:
    logged_in("gp")
    assert tree(client.get(WRITE)).xpath(f"//a[@href='{PAGE}']")


def test_the_pages_are_in_english(client: Any, logged_in: Any) -> None:
    logged_in("gp")
    client.post("/langue/", {"language": "en", "next": PAGE})
    said = client.get(PAGE).content.decode()
    for each in ("Stop lines", "Has the treatment begun?", "Replace this prescription"):
        assert each in said, each
    for french in ("Arrêter", "Raison", "commencé"):
        assert french not in said, french
