# SPDX-License-Identifier: EUPL-1.2
"""Every kind of account that has pages has an exercise, on pages and acts that exist."""

from typing import Any

from django.urls import reverse

from carnet.access.actor import ActorKind
from carnet.ecosystem import exercises
from carnet.rights import readers


def test_every_kind_that_has_pages_has_an_exercise_and_every_page_exists(logged_in: Any) -> None:
    from carnet.portal.shell import ENTRIES

    found = exercises.exercises()
    kinds = {kind for each in found for kind in each.kinds}
    assert kinds <= {str(each) for each in ActorKind}
    assert kinds >= {"patient", *ENTRIES}
    for each in found:
        for step in each.steps:
            assert reverse(step.page)
            assert step.acts <= readers.ACTS.keys(), step


def test_an_exercise_is_begun_then_seen_to_be_done(logged_in: Any) -> None:
    client = logged_in("patient")
    before = client.get("/exercices/who-reads/").content.decode()
    assert "Commencer" in before and "À faire" not in before
    assert client.post("/exercices/who-reads/").status_code == 302
    after = client.get("/exercices/who-reads/").content.decode()
    assert "Recommencer" in after and "À faire" in after
