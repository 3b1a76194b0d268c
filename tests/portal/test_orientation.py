# SPDX-License-Identifier: EUPL-1.2
"""Whom to turn to, on the pages: every sign is 15 within two screens."""

import re
from typing import Any

import pytest

from carnet.care.orientation.table import Sign, orientation

TABLE = orientation()
HERE = "/orientation/"
QUIET = {"worse": "no", "need": "medicine", "wait": "yes"}


def said(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def title(answer: Any) -> str:
    found = re.search(r"<h1>(.*?)</h1>", said(answer))
    assert found
    return found[1]


@pytest.mark.parametrize("sign", TABLE.signs, ids=lambda each: each.key)
def test_every_sign_is_15_in_two_screens_at_most(logged_in: Any, sign: Sign) -> None:
    client = logged_in("patient")
    page, screens = client.get(HERE), 1
    while f'value="{sign.key}"' not in said(page):
        page = client.post(HERE, {"step": str(screens), "none": "1"})
        screens += 1
        assert screens <= 2
    page = client.post(HERE, {"step": str(screens), "sign": [sign.key], "none": "1"})
    assert title(page) == TABLE.ways["15"].title["fr"], "though «none» is ticked too"
    assert 'href="tel:15"' in said(page)


def test_who_has_no_sign_comes_to_a_pharmacist_and_finds_one(logged_in: Any) -> None:
    client = logged_in("patient")
    asked = said(client.post(HERE, {"step": "2", "none": "1"}))
    assert all(each.asks["fr"] in asked for each in TABLE.questions)
    way = client.post(HERE, {"step": "questions", **QUIET})
    assert title(way) == TABLE.ways["pharmacy"].title["fr"]
    near = said(client.post(HERE, {"step": "near", "way": "pharmacy", "code": "37 000"}))
    assert "Pharmacie du Marché" in near and "0,4 km" in near and "Ouvert maintenant" in near
    assert "ouvre lundi à 09:00" in near, "in the time of France"
    none = said(client.post(HERE, {"step": "near", "way": "pharmacy", "code": "20000"}))
    assert "aucun lieu" in none
    wrong = said(client.post(HERE, {"step": "near", "way": "pharmacy", "code": "<b>"}))
    assert "cinq chiffres" in wrong and "<b>" not in wrong and 'aria-invalid="true"' in wrong


def test_what_is_forgotten_is_asked_again(logged_in: Any) -> None:
    client = logged_in("patient")
    again = said(client.post(HERE, {"step": "1"}))
    assert 'role="alert"' in again and 'value="breathing"' in again
    half = said(client.post(HERE, {"step": "questions", "worse": "no"}))
    assert 'role="alert"' in half and 'value="no" checked' in half
    assert 'href="#need-medicine"' in half and 'href="#worse-yes"' not in half


@pytest.mark.parametrize(
    "sent",
    [
        {"step": "3", "none": "1"},
        {"step": "1", "sign": "toothache"},
        {"step": "questions", **QUIET, "need": "surgery"},
        {"step": "near", "way": "15", "code": "37000"},
        {"step": "near", "way": "hospital", "code": "37000"},
        {},
    ],
    ids=["screen", "sign", "answer", "way without places", "no way", "nothing"],
)
def test_what_no_screen_sends_is_refused(logged_in: Any, sent: dict[str, str]) -> None:
    assert logged_in("patient").post(HERE, sent).status_code == 400
