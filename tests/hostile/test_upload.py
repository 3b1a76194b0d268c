# SPDX-License-Identifier: EUPL-1.2
"""Hostile files through the form a patient adds a document by: refused in words, or shown as pictures."""

from __future__ import annotations

import pytest
from playwright.sync_api import FilePayload

from tests.browser_fixture import follow
from tests.hostile.conftest import Trap
from tests.hostile.corpus import pdf
from tests.hostile.share import some
from tests.hostile.test_files import deposits
from tests.hostile.test_rendering import in_french, links, quiet
from tests.hostile.watched import Watched
from tests.journeys.conftest import Demonstration, LogIn

pytestmark = [pytest.mark.db, pytest.mark.slow]

SUFFIXES = {"application/pdf": "pdf", "text/rtf": "rtf", "text/plain": "txt"}
NAME = '"><img src=x onerror=window.__canary(1)>'
TITLE = "<script>window.__canary('title')</script>"


def test_hostile_files_added_by_a_patient_do_nothing(
    logged_in: LogIn, demonstration: Demonstration, trap: Trap
) -> None:
    watched = Watched(logged_in("patient"), demonstration.address)
    page, seen, added = watched.page, {}, 0
    sent = [*some(deposits().items(), 12), ("good", ("application/pdf", pdf.page()))]
    for name, (declared, content) in sent:
        if len(content) > 5_000_000:
            continue
        suffix = SUFFIXES.get(declared, declared.rpartition("/")[2])
        page.goto("/dossier/documents/ajouter/")
        page.fill("[name=title]", TITLE)
        page.select_option("[name=kind]", index=1)
        page.fill("[name=on]", "01/11/2026")
        sent_as = FilePayload(name=f"{NAME}.{suffix}", mimeType=declared, buffer=content)
        page.set_input_files("[name=file]", [sent_as])
        follow(page.locator("main form button").first)
        in_french(page)
        path = page.url.removeprefix(demonstration.address)
        if path.endswith("/ajouter/"):
            assert page.locator("[role=alert], .errors, .error").count(), name
            continue
        added += 1
        seen[name] = watched.see(path)
        for shown in links(watched, path, r"/fichier/$"):
            seen[f"{name}, looked at"] = watched.see(shown)
        for saved in links(watched, path, r"/fichiers/"):
            answer = page.request.get(saved)
            assert answer.status < 500, name
            assert "default-src 'none'" in answer.headers["content-security-policy"], name
            assert answer.headers["x-content-type-options"] == "nosniff", name
    assert added, "a good file goes in"
    seen["list"] = watched.see("/dossier/")
    quiet(seen, trap)
