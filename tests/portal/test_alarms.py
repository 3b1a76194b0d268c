# SPDX-License-Identifier: EUPL-1.2
"""The page of alarms: who, through what, what was done, what to do; taken by somebody, closed with a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html

from carnet.access.limits.alarms import reasons
from tests.portal.preview_alarms import PreviewAlarms

PAGE = "/operateur/alertes/"


@pytest.fixture(autouse=True)
def nothing_done() -> Iterator[None]:
    PreviewAlarms.done.clear()
    yield
    PreviewAlarms.done.clear()


def text(answer: Any) -> str:
    return " ".join(html.fromstring(answer.content.decode()).text_content().split())


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_reason_is_told_in_the_language_of_the_page(logged_in: Any, language: str) -> None:
    client = logged_in("operator")
    client.cookies["langue"] = language
    said = text(client.get(PAGE))
    for name, reason in reasons().items():
        assert " ".join(reason.what[language].split()) in said, name
        if name != "clock":  # closed: there is nothing to do
            assert " ".join(reason.todo[language].split()) in said, name
    assert "Dr Paul DURAND" in said
    assert "rpps:10000000001" in said


@pytest.mark.parametrize("persona", ["gp", "patient", "assistant", "helper"])
def test_it_is_the_operators_alone(logged_in: Any, persona: str) -> None:
    client = logged_in(persona)
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, {"act": "take", "alarm": "1"}).status_code == 404
    assert PreviewAlarms.done == []


def test_one_is_taken_then_closed_with_a_word_and_the_account_opens_again(logged_in: Any) -> None:
    client = logged_in("operator")
    assert client.post(PAGE, {"act": "take", "alarm": "1"}).status_code == 302
    empty = client.post(PAGE, {"alarm": "1", "word": "  "})
    assert "Écrivez en un mot" in text(empty)
    assert html.fromstring(empty.content.decode()).xpath('//*[@role="alert"]//a/@href') == [
        "#a1-word"
    ]
    done = client.post(PAGE, {"alarm": "1", "word": "Un portable volé.", "reopen": "on"})
    assert done.status_code == 302
    assert PreviewAlarms.done == [("take", 1), ("close", 1, "Un portable volé.", True)]


def test_an_account_that_is_not_stopped_is_not_reopened(logged_in: Any) -> None:
    page = html.fromstring(logged_in("operator").get(PAGE).content.decode())
    assert len(page.xpath('//input[@name="reopen"]')) == 1
    assert len(page.xpath('//form[.//input[@value="take"]]')) == len(reasons()) - 2


@pytest.mark.parametrize("number", ["", "x", "1; DROP", "9" * 30, "99"])
def test_what_is_no_alarm_is_not_found(logged_in: Any, number: str) -> None:
    answer = logged_in("operator").post(PAGE, {"act": "take", "alarm": number})
    assert answer.status_code == 404
