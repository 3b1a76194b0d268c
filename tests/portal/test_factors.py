# SPDX-License-Identifier: EUPL-1.2
"""Second factors: nobody real has any right by a password alone; a sheet of paper is enough for a patient."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html

from carnet.access import factors, stepup
from tests.portal.preview import PASSWORD, PreviewParts
from tests.portal.test_accounts import log_in

pytestmark = pytest.mark.db
CODE = "/compte/connexion/code/"
SECURITY = "/compte/securite/"


@pytest.fixture
def real(site: PreviewParts) -> Iterator[None]:
    """The accounts of this test are of real people, with no second factor yet."""
    from allauth.mfa.models import Authenticator
    from django.core.cache import cache

    from carnet.portal.accounts.models import Account

    Account.objects.update(demonstration=False, enrols=True)
    cache.clear()
    yield
    Account.objects.update(demonstration=True, enrols=False)
    Authenticator.objects.all().delete()


def codes(answer: Any) -> list[str]:
    """Those a sheet shows."""
    page = html.fromstring(answer.content.decode())
    return [each.text_content() for each in page.xpath("//ol[@class='sheet']//code")]


def sheet(client: Any) -> list[str]:
    """A new sheet of who has just logged in, its first code copied."""
    log_in(client, "patient", PASSWORD)
    found = codes(client.post(SECURITY + "feuille/"))
    answer = client.post(SECURITY + "feuille/", {"code": found[0]})
    assert answer["Location"] == SECURITY + "?fait=1"
    return found


def totp(secret: str, at: float | None = None) -> str:
    """The code of an application (RFC 6238), computed here."""
    import hmac
    import struct
    from base64 import b32decode

    counter = struct.pack(">Q", int((at or time.time()) // 30))
    mac = hmac.digest(b32decode(secret + "=" * (-len(secret) % 8)), counter, "sha1")
    offset = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def application(client: Any, name: str) -> str:
    """An application added by who has just logged in; its key."""
    log_in(client, name, PASSWORD)
    page = client.get(SECURITY + "application/").content.decode()
    found = re.search(r"<code>([A-Z2-7]+)</code>", page)
    assert found is not None
    answer = client.post(SECURITY + "application/", {"code": totp(found[1])})
    assert answer["Location"] == SECURITY
    return found[1]


@pytest.mark.parametrize("name", ["patient", "gp", "operator", "helper", "assistant"])
def test_a_password_alone_opens_nothing_of_anybody_real(client: Any, real: None, name: str) -> None:
    answer = log_in(client, name, PASSWORD)
    assert answer.status_code == 302
    for path in ("/dossier/", "/patients/", "/operateur/", "/compte/connexions/", "/espace/"):
        assert client.get(path)["Location"] == SECURITY, path
    assert client.get(SECURITY).status_code == 200


def test_without_that_rule_the_test_above_would_see_it(
    client: Any, real: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault."""
    monkeypatch.setattr(factors, "enough", lambda *_, **__: True)
    log_in(client, "patient", PASSWORD)
    assert client.get("/dossier/").status_code == 200


def test_a_demonstration_account_is_one_in_a_demonstration_alone(
    client: Any, site: PreviewParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(client, "patient", PASSWORD)
    assert client.get("/dossier/").status_code == 200
    from dataclasses import replace

    from carnet.portal import desk

    monkeypatch.setattr(desk, "_config", replace(desk.config(), demo=False))
    assert client.get("/dossier/")["Location"] == SECURITY


def test_a_sheet_of_paper_lets_a_patient_in_and_each_code_once(client: Any, real: None) -> None:
    found = sheet(client)
    assert len(set(found)) == 10
    assert client.get("/dossier/").status_code == 200
    client.post("/compte/deconnexion/")
    for code, right in ((found[0], False), (found[1], True)):
        assert log_in(client, "patient", PASSWORD)["Location"] == CODE
        assert client.get("/dossier/").status_code == 302  # nothing yet
        answer = client.post(CODE, {"code": code})
        assert (answer.status_code == 302) is right
    assert client.get("/dossier/").status_code == 200
    client.post("/compte/deconnexion/")
    log_in(client, "patient", PASSWORD)
    assert client.post(CODE, {"code": found[1]}).status_code == 200  # used


def test_a_new_sheet_ends_the_one_before_and_one_nearly_used_up_says_so(
    client: Any, real: None
) -> None:
    old = sheet(client)
    new = codes(client.post(SECURITY + "feuille/"))
    assert not set(old) & set(new)
    client.post(SECURITY + "feuille/", {"code": new[0]})
    client.post("/compte/deconnexion/")
    log_in(client, "patient", PASSWORD)
    assert client.post(CODE, {"code": old[4]}).status_code == 200
    for code in new[1:8]:
        client.post(CODE, {"code": code})
        client.post("/compte/deconnexion/")
        log_in(client, "patient", PASSWORD)
    client.post(CODE, {"code": new[8]})
    assert "Imprimez une nouvelle feuille" in client.get(SECURITY).content.decode()


def test_who_has_a_password_alone_sets_no_factor(client: Any, real: None) -> None:
    """A stolen password, or an account whose factors were lost with a machine: the counter gives a code."""
    from carnet.portal.accounts.models import Account

    Account.objects.update(enrols=False)
    log_in(client, "patient", PASSWORD)
    page = client.get(SECURITY)
    assert "guichet" in page.content.decode()
    for path in ("application/", "feuille/", "cle/"):
        assert client.get(SECURITY + path).status_code == 403
        assert client.post(SECURITY + path, {"code": "1"}).status_code == 403


def test_the_first_factor_is_set_once(client: Any, real: None) -> None:
    from carnet.portal.accounts.models import Account

    sheet(client)
    assert not Account.objects.get(subject="patient:claire").enrols


def test_a_sheet_is_for_patients(client: Any, real: None) -> None:
    application(client, "gp")
    assert client.get(SECURITY + "feuille/").status_code == 404
    assert client.post(SECURITY + "feuille/").status_code == 404


def test_an_application_lets_a_professional_in_and_a_code_serves_once(
    client: Any, real: None
) -> None:
    secret = application(client, "gp")
    assert client.get("/patients/").status_code == 200
    client.post("/compte/deconnexion/")
    assert log_in(client, "gp", PASSWORD)["Location"] == CODE
    assert client.post(CODE, {"code": "000000"}).status_code == 200
    code = totp(secret, time.time() + 30)  # the one of the screen was used to add it
    assert client.post(CODE, {"code": code}).status_code == 302
    assert client.get("/patients/").status_code == 200
    client.post("/compte/deconnexion/")
    log_in(client, "gp", PASSWORD)
    assert client.post(CODE, {"code": code}).status_code == 200


def test_a_code_seen_over_a_shoulder_is_of_no_use_while_it_is_right(
    client: Any, real: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """allauth forgets a used code after thirty seconds; it is right for ninety."""
    secret = application(client, "gp")
    client.post("/compte/deconnexion/")
    code = totp(secret, time.time() + 30)
    log_in(client, "gp", PASSWORD)
    assert client.post(CODE, {"code": code}).status_code == 302
    client.post("/compte/deconnexion/")
    from django.core.cache import cache

    for key in [f"allauth.mfa.totp.used?user={n}&code={code}" for n in range(1, 200)]:
        cache.delete(key)
    log_in(client, "gp", PASSWORD)
    assert client.post(CODE, {"code": code}).status_code == 200
    assert client.post(CODE, {"code": f"{code[:3]} {code[3:]}"}).status_code == 200
    assert client.get("/patients/").status_code == 302


def test_the_only_factor_is_not_removed(client: Any, real: None) -> None:
    application(client, "gp")
    page = client.post(SECURITY + "application/retirer/")
    assert page.status_code == 200
    assert "seul second facteur" in page.content.decode()
    assert client.get("/patients/").status_code == 200


def test_secrets_rest_sealed(client: Any, real: None) -> None:
    from allauth.mfa.models import Authenticator

    secret = application(client, "gp")
    held = Authenticator.objects.get(user__username="gp")
    assert secret not in str(held.data)
    from carnet.portal.accounts.sealing import MFAAdapter

    assert MFAAdapter().decrypt(held.data["secret"]) == secret
    assert MFAAdapter().decrypt("x" * 40) != MFAAdapter().decrypt("x" * 40)  # nobody's, and not ""


def test_the_second_step_belongs_to_the_first(client: Any, real: None) -> None:
    """Without the password there is no second step, and its page gives nothing away."""
    assert client.get(CODE)["Location"] == "/compte/connexion/"
    assert client.post(CODE, {"code": "12345678"})["Location"] == "/compte/connexion/"


def test_an_old_log_in_proves_it_again_before_what_counts(client: Any, site: PreviewParts) -> None:
    log_in(client, "patient", PASSWORD)
    session = client.session
    session["authenticated"] = time.time() - stepup.longest() - 5
    session["account_authentication_methods"] = []
    session.save()
    assert client.get(SECURITY + "feuille/")["Location"].startswith("/compte/confirmer/?next=")
    page = client.get("/compte/confirmer/?next=/dossier/")
    assert page.status_code == 200
    wrong = client.post("/compte/confirmer/", {"password": "wrong", "next": "/dossier/"})
    assert wrong.status_code == 200
    before = client.cookies["carnet"].value
    right = client.post("/compte/confirmer/", {"password": PASSWORD, "next": "/dossier/"})
    assert right["Location"] == "/dossier/"
    assert client.cookies["carnet"].value != before
    assert client.get(SECURITY + "feuille/").status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_one_never_goes_on_to_another_site(client: Any, site: PreviewParts, elsewhere: str) -> None:
    log_in(client, "patient", PASSWORD)
    answer = client.post("/compte/confirmer/", {"password": PASSWORD, "next": elsewhere})
    assert answer["Location"] == "/"


def test_scripts_are_allowed_where_a_passkey_needs_one_and_nowhere_else(
    client: Any, site: PreviewParts
) -> None:
    log_in(client, "patient", PASSWORD)
    assert "script-src 'self'" in client.get(SECURITY + "cle/")["Content-Security-Policy"]
    for path in ("/dossier/", SECURITY, SECURITY + "feuille/", SECURITY + "application/"):
        assert "script-src" not in client.get(path)["Content-Security-Policy"]


def another(name: str) -> Any:
    """Another browser, where the same person logs in."""
    from django.test import Client

    made = Client(raise_request_exception=False, HTTP_HOST="localhost")
    log_in(made, name, PASSWORD)
    return made


@pytest.mark.parametrize("how", ["sheet", "application"])
def test_a_session_ends_with_the_factor_that_opened_it(client: Any, real: None, how: str) -> None:
    """Who lost a telephone or a sheet removes it; whoever has it, and logged in by it, is out."""
    from allauth.mfa.models import Authenticator

    mine = application(client, "patient") if how == "application" else sheet(client)
    thief = another("patient")
    code = totp(mine, time.time() + 30) if isinstance(mine, str) else mine[1]
    assert thief.post(CODE, {"code": code}).status_code == 302
    assert thief.get("/dossier/").status_code == 200
    assert thief.get("/compte/connexions/").status_code == 200
    if how == "sheet":
        new = codes(client.post(SECURITY + "feuille/"))
        client.post(SECURITY + "feuille/", {"code": new[0]})
        assert client.get("/dossier/").status_code == 200  # the new one, copied, is theirs
    else:
        Authenticator.objects.filter(type=Authenticator.Type.TOTP).delete()
    for path in ("/dossier/", "/compte/connexions/"):
        assert thief.get(path)["Location"] == SECURITY


def test_a_session_that_remembers_its_factor_would_go_on(
    client: Any, real: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: what a session says of itself is believed."""
    from carnet.portal.accounts import proofs

    def said(request: Any, records: list[dict[str, Any]]) -> frozenset[int]:
        return frozenset(one["id"] for one in records if "id" in one)

    monkeypatch.setattr(proofs, "kept", said)
    mine = sheet(client)
    thief = another("patient")
    thief.post(CODE, {"code": mine[1]})
    codes(client.post(SECURITY + "feuille/"))
    assert thief.get("/dossier/").status_code == 200
