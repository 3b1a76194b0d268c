# SPDX-License-Identifier: EUPL-1.2
"""Appointments: a change is offered to who may make it, and a refusal is said where one chooses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.portal.preview import ELDER_ID

MINE = "/dossier/rendez-vous/"


def test_who_may_not_change_an_appointment_is_not_offered_to(logged_in: Any) -> None:
    """A carer of some kinds alone sees it; the link led nowhere for them."""
    client = logged_in("patient")
    theirs = f"/pour/{ELDER_ID}/rendez-vous/"
    seen = client.get(theirs).content.decode()
    assert "Dr Luc FERRAND" in seen and "Déplacer ou annuler" not in seen
    assert client.get(theirs + "rdv1/").status_code == 404
    assert "Déplacer ou annuler" in client.get(MINE).content.decode()
    assert client.get(MINE + "rdv1/").status_code == 200


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"act": "move", "slot": "slot2"}, 409, "vient d’être pris"),
        ({"act": "move"}, 409, "Choisissez un créneau"),
        ({"act": "move", "slot": "slot1"}, 302, ""),
        ({"act": "cancel"}, 302, ""),
    ],
)
def test_what_is_refused_is_said_beside_the_other_slots(
    logged_in: Any, sent: dict[str, str], status: int, said: str
) -> None:
    answer = logged_in("patient").post(MINE + "rdv1/", sent)
    assert answer.status_code == status
    if said:
        text = answer.content.decode()
        assert said in text and 'role="alert"' in text and 'value="slot1"' in text


def test_a_calendar_file_is_a_calendar(logged_in: Any) -> None:
    answer = logged_in("patient").get(MINE + "rdv1/agenda.ics")
    assert answer["Content-Type"].startswith("text/calendar")
    assert "rendez-vous.ics" in answer["Content-Disposition"]
