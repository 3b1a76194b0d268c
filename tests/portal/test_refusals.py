# SPDX-License-Identifier: EUPL-1.2
"""What goes wrong is said plainly, and says nothing of what it protects."""

import logging
import re
from typing import Any

import pytest
from lxml import html

from tests.portal.preview import CLAIRE

pytestmark = pytest.mark.db


def said(answer: Any) -> str:
    """What a person reads of it."""
    tree = html.fromstring(answer.content.decode())
    return " ".join(tree.xpath("string(//main)").split())


@pytest.mark.parametrize(
    ("what", "status", "title"),
    [
        ("forbidden", 403, "Accès refusé"),
        ("deleted", 410, "Document supprimé"),
        ("invalid", 400, "Demande incomprise"),
        ("conflict", 409, "Quelque chose a changé entre-temps"),
        ("too-many", 429, "Trop de demandes"),
        ("rule", 422, "Demande impossible"),
        ("transient", 503, "Service momentanément indisponible"),
        ("broken", 500, "Une erreur est survenue"),
    ],
)
def test_each_refusal_has_its_page(logged_in: Any, what: str, status: int, title: str) -> None:
    answer = logged_in("patient").get(f"/dossier/documents/{what}/")
    assert answer.status_code == status
    assert said(answer).startswith(title)
    assert "secret of somebody" not in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


def test_an_unforeseen_error_gives_a_reference_that_the_log_has_too(
    logged_in: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "carnet.portal"):
        answer = logged_in("patient").get("/dossier/documents/broken/")
    reference = re.search(r"Référence\s:\s([0-9a-f]{8})", said(answer))
    assert reference is not None
    assert reference[1] in caplog.text


def test_to_a_professional_what_is_closed_reads_as_what_does_not_exist(logged_in: Any) -> None:
    client = logged_in("gp")
    closed = client.get("/patients/unknown/")
    absent = client.get(f"/patients/{CLAIRE}/documents/unknown/")
    assert said(closed) == said(absent)
    assert "matrice de démonstration, non officielle, version 2026-11" in said(closed)
    assert (closed.status_code, absent.status_code) == (404, 404)


def test_a_form_without_its_token_is_refused_plainly(site: Any) -> None:
    from django.test import Client

    client = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    answer = client.post("/compte/connexion/", {"login": "patient", "password": "x"})
    assert answer.status_code == 403
    assert said(answer).startswith("Formulaire expiré")


def test_an_unknown_host_is_refused(client: Any) -> None:
    assert client.get("/", HTTP_HOST="elsewhere.example").status_code == 400


def test_an_account_that_is_nobody_in_the_record_is_refused(client: Any) -> None:
    from django.contrib.auth import get_user_model

    user, _ = get_user_model().objects.get_or_create(username="nobody")
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/dossier/").status_code == 403


def test_without_database_the_page_says_the_service_is_away(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is cut under Django, as when the server stops; no page of ours needs it."""
    from django.db import connection

    client.cookies["carnet"] = "x" * 32
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
    connection.close()
    answer = client.get("/dossier/")
    assert answer.status_code == 503
    assert said(answer).startswith("Service momentanément indisponible")
    monkeypatch.undo()
    connection.close()
    assert client.get("/").status_code == 200
