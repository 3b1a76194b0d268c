# SPDX-License-Identifier: EUPL-1.2
"""The form to add a document and the page that shows a file: what is sent, what is said, how it is served."""

import asyncio
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from lxml import html

from carnet.documents.files import MOST
from carnet.portal import asgi
from tests.documents.files import samples
from tests.portal.preview import CLAIRE, PreviewActs

pytestmark = pytest.mark.db
FORM = "/dossier/documents/ajouter/"
SAID = {"title": "Radio du genou", "kind": "DOCPAT04", "on": "12/03/2026"}


def sent(client: Any, data: bytes | None, name: str = "radio.pdf", **changes: str) -> Any:
    """The form, filled and sent."""
    media = "application/pdf" if name.endswith("pdf") else "application/octet-stream"
    file = {} if data is None else {"file": SimpleUploadedFile(name, data, media)}
    return client.post(FORM, {**SAID, **changes, **file})


def wrong(answer: Any) -> dict[str, str]:
    """What is said beside each field."""
    page = html.fromstring(answer.content.decode())
    return {
        str(field.get("id")).removeprefix("id_").removesuffix("_error"): " ".join(
            field.text_content().split()
        )
        for field in page.xpath("//*[@class='error']")
    }


def test_a_file_goes_to_the_act_as_it_was_chosen(logged_in: Any) -> None:
    PreviewActs.uploaded.clear()
    answer = sent(logged_in("patient"), samples.pdf())
    assert answer.status_code == 302
    assert answer["Location"] == "/dossier/documents/photo-2026/"
    ((data, name, more),) = PreviewActs.uploaded
    assert (data, name) == (samples.pdf(), "radio.pdf")
    assert (more["title"], more["kind"], more["on"].isoformat()) == (
        "Radio du genou",
        "DOCPAT04",
        "2026-03-12",
    )


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (None, "", "Choisissez le fichier"),
        (b"", "vide.pdf", "vide"),
        (samples.archive(), "note.docx", "PDF"),
        (b"<html></html>", "page.html", "page web"),
        (samples.pdf(), "photo.jpg", "son nom"),
        (b"a" * (MOST + 1), "long.txt", "5 Mo"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "photo.heic", "JPEG"),
    ],
)
def test_a_wrong_file_is_said_beside_its_field(
    logged_in: Any, data: bytes | None, name: str, said: str
) -> None:
    PreviewActs.uploaded.clear()
    answer = sent(logged_in("patient"), data, name)
    assert answer.status_code == 200
    found = wrong(answer)
    assert set(found) == {"file"}
    assert said in found["file"]
    assert PreviewActs.uploaded == []
    assert "Radio du genou" in answer.content.decode(), "what was typed is kept"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "a" * 201),
        ("kind", "11502-2"),
        ("on", "31/02/2026"),
        ("on", "01/01/2999"),
    ],
)
def test_a_wrong_field_is_said_beside_it(logged_in: Any, field: str, value: str) -> None:
    answer = sent(logged_in("patient"), samples.pdf(), **{field: value})
    assert set(wrong(answer)) == {field}


def test_the_reason_is_in_the_language_of_the_page(logged_in: Any) -> None:
    client = logged_in("patient")
    client.cookies["langue"] = "en"
    assert "archive" in wrong(sent(client, samples.archive()))["file"]
    assert "at most 5 MB" in wrong(sent(client, b"a" * (MOST + 1), "a.txt"))["file"]


def test_without_its_token_the_form_is_refused(logged_in: Any) -> None:
    from django.contrib.auth import get_user_model
    from django.test import Client

    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    strict.force_login(
        get_user_model().objects.get(username="patient"),
        "allauth.account.auth_backends.AuthenticationBackend",
    )
    PreviewActs.uploaded.clear()
    assert sent(strict, samples.pdf()).status_code == 403
    assert PreviewActs.uploaded == []


@pytest.mark.parametrize("who", ["gp", "operator"])
def test_only_patients_have_the_form(logged_in: Any, who: str) -> None:
    client = logged_in(who)
    assert client.get(FORM).status_code == 404
    assert sent(client, samples.pdf()).status_code == 404


def test_a_file_is_never_written_on_a_disk(logged_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    def forbidden(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a file of a person on a disk")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", forbidden)
    assert sent(logged_in("patient"), b"a" * (MOST - 10), "long.txt").status_code == 302


def test_the_viewer_shows_pages_text_and_file(logged_in: Any) -> None:
    answer = logged_in("patient").get("/dossier/documents/letter-2026/fichier/")
    page = html.fromstring(answer.content.decode())
    images = page.xpath("//main//img")
    assert len(images) == 10
    assert images[1].get("alt").startswith("Page 2 sur 12")
    assert images[0].get("src") == "/dossier/fichiers/pdf-1/page-1.png"
    assert "Vous sortez ce jour." in page.xpath("string(//main//details)")
    assert page.xpath("//main//a[contains(@href, 'fichiers/pdf-1?enregistrer=1')]")
    assert "Déposé par" not in page.xpath("string(//main)")
    second = logged_in("patient").get("/dossier/documents/letter-2026/fichier/?page=2")
    assert len(html.fromstring(second.content.decode()).xpath("//main//img")) == 2


def test_whose_word_it_is_stands_above_the_file(logged_in: Any) -> None:
    own = logged_in("patient").get("/dossier/documents/photo-2026/fichier/").content.decode()
    assert "Déposé par vous" in own
    theirs = logged_in("gp").get(f"/patients/{CLAIRE}/documents/photo-2026/fichier/")
    assert "Déposé par le patient" in theirs.content.decode()


def test_a_page_image_is_an_image_and_nothing_else(logged_in: Any) -> None:
    answer = logged_in("patient").get("/dossier/fichiers/pdf-1/page-1.png")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"
    assert "sandbox" in answer["Content-Security-Policy"]
    for path in (
        "pdf-1/page-13.png",
        "pdf-1/page-0.png",
        "pdf-1/page-99999.png",
        "xml-1/page-1.png",
    ):
        assert logged_in("patient").get(f"/dossier/fichiers/{path}").status_code == 404


def test_a_document_and_the_list_lead_there(logged_in: Any) -> None:
    client = logged_in("patient")
    assert 'href="/dossier/documents/ajouter/"' in client.get("/dossier/").content.decode()
    page = client.get("/dossier/documents/letter-2026/").content.decode()
    assert 'href="/dossier/documents/letter-2026/fichier/"' in page
    theirs = logged_in("gp").get(f"/patients/{CLAIRE}/").content.decode()
    assert "documents/ajouter" not in theirs


def test_what_is_far_too_large_gets_a_page_too(logged_in: Any) -> None:
    """Cut by the server before the form is read: still a page in plain words."""
    client = logged_in("patient")
    cookie = f"carnet={client.cookies['carnet'].value}"

    async def ask() -> list[dict[str, Any]]:
        from carnet import portal

        pieces = [b"x" * (1 << 20)] * 14

        async def receive() -> dict[str, Any]:
            return {
                "type": "http.request",
                "body": pieces.pop(),
                "more_body": bool(pieces),
            }

        said: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            said.append(message)

        served = asgi.ThreadedWsgi(portal.wsgi_application(), threads=1)
        headers = [
            (b"host", b"localhost"),
            (b"cookie", cookie.encode()),
            (b"content-type", b"multipart/form-data; boundary=x"),
        ]
        scope = {
            "type": "http",
            "method": "POST",
            "path": FORM,
            "headers": headers,
            "scheme": "http",
        }
        await served(scope, receive, send)
        return said

    start, body = asyncio.run(ask())
    assert start["status"] == 413
    assert "5 Mo" in body["body"].decode()
