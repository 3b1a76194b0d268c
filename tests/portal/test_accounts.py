# SPDX-License-Identifier: EUPL-1.2
"""Log-in: accounts and sessions, in a schema of their own."""

from typing import Any

import psycopg
import pytest
from lxml import html

from carnet import portal
from carnet.postgres.cluster import Cluster
from tests.portal.preview import PASSWORD, SUBJECTS, PreviewParts

pytestmark = pytest.mark.db


def log_in(client: Any, name: str, password: str) -> Any:
    return client.post("/compte/connexion/", {"login": name, "password": password})


def test_a_person_logs_in_sees_their_record_and_logs_out(client: Any) -> None:
    answer = log_in(client, "patient", PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/")["Location"] == "/dossier/sante/"
    assert client.get("/dossier/").status_code == 200
    cookie = client.cookies["carnet"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    client.post("/compte/deconnexion/")
    assert client.get("/dossier/").status_code == 302


def test_a_professional_lands_on_the_search(client: Any) -> None:
    log_in(client, "gp", PASSWORD)
    assert client.get("/")["Location"] == "/patients/"


def test_an_unknown_name_and_a_wrong_password_read_alike(client: Any) -> None:
    def words(name: str) -> str:
        page = html.fromstring(log_in(client, name, "wrong").content.decode())
        return str(page.xpath("string(//*[@role='alert'])"))

    assert "incorrect" in words("patient")
    assert words("patient") == words("somebody-else")


def test_logging_in_changes_the_session(client: Any) -> None:
    client.get("/compte/connexion/")
    log_in(client, "patient", PASSWORD)
    first = client.cookies["carnet"].value
    client.post("/compte/deconnexion/")
    log_in(client, "patient", PASSWORD)
    assert client.cookies["carnet"].value != first


def test_all_connections_end_at_once_or_all_but_this_one(client: Any, site: PreviewParts) -> None:
    from django.test import Client

    def another() -> Any:
        made = Client(HTTP_HOST="localhost")
        log_in(made, "newcomer", PASSWORD)
        assert made.get("/dossier/").status_code == 200
        return made

    elsewhere, copied = another(), Client(HTTP_HOST="localhost")
    log_in(client, "newcomer", PASSWORD)
    copied.cookies = client.cookies.copy()
    assert copied.get("/dossier/").status_code == 200
    said = client.post("/compte/connexions/", {"which": "others"})
    assert said["Location"] == "/compte/connexions/?fait=1"
    assert "plus connecté que" in client.get(said["Location"]).content.decode()
    assert client.get("/dossier/").status_code == 200
    for ended in (elsewhere, copied):
        answer = ended.get("/dossier/")
        assert (answer.status_code, answer["Location"][:17]) == (302, "/compte/connexion")
    elsewhere = another()
    assert client.post("/compte/connexions/", {"which": "all"}).status_code == 302
    for ended in (elsewhere, client):
        assert ended.get("/dossier/").status_code == 302
    assert another().post("/compte/connexions/", {"which": "none"}).status_code == 400


def test_after_log_in_one_goes_back_to_the_page_asked_but_never_outside(client: Any) -> None:
    target = "/compte/connexion/?next="
    data = {"login": "patient", "password": PASSWORD}
    inside = client.post(target + "/dossier/acces/", {**data, "next": "/dossier/acces/"})
    assert inside["Location"] == "/dossier/acces/"
    client.post("/compte/deconnexion/")
    outside = client.post("/compte/connexion/", {**data, "next": "https://elsewhere.example/"})
    assert outside["Location"] == "/"


def test_nobody_makes_an_account_alone(client: Any) -> None:
    assert client.get("/compte/signup/").status_code == 404


def test_making_the_accounts_again_changes_nothing_and_a_new_password_all(site: Any) -> None:
    from django.contrib.auth import get_user_model

    def passwords() -> set[str]:
        users = get_user_model().objects.filter(username__in=list(SUBJECTS))
        return set(users.values_list("password", flat=True))

    before = passwords()
    portal.ensure_accounts(SUBJECTS, PASSWORD)
    assert passwords() == before
    portal.ensure_accounts(SUBJECTS, "another")
    assert not passwords() & before
    portal.ensure_accounts(SUBJECTS, PASSWORD)


def test_the_role_of_the_pages_reads_no_health_data(
    site: Any, cluster: Cluster, portal_database: str
) -> None:
    with psycopg.connect(cluster.url("carnet_portal", portal_database)) as conn:
        assert conn.execute("select count(*) from portal.accounts_account").fetchone() == (
            len(SUBJECTS),
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select * from record.resource")


def test_the_models_have_their_migrations(site: Any) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "accounts", check=True, dry_run=True, verbosity=0)


def test_migrating_again_changes_nothing(site: Any, cluster: Cluster, portal_database: str) -> None:
    portal.migrate(cluster.url(database=portal_database))


def test_after_too_many_tries_the_page_says_to_wait_and_the_right_password_waits_too(
    client: Any, site: PreviewParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(type(site.tries), "full", True)
        answer = log_in(client, "patient", PASSWORD)
    assert answer.status_code == 200
    assert "Trop d’essais de connexion" in answer.content.decode()
    assert client.get("/dossier/").status_code == 302


def test_a_device_is_known_once_an_account_was_entered_by_it(client: Any) -> None:
    """By a signed cookie, of this account alone, that opens nothing."""
    from django.test import RequestFactory

    from carnet.portal.accounts import devices

    assert log_in(client, "patient", PASSWORD).status_code == 302
    given = client.cookies[devices.cookie()]
    assert given["httponly"]
    assert "patient" not in given.value

    def known(value: str, name: str) -> str:
        request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.7")
        request.COOKIES[devices.cookie()] = value
        address, device = devices.place(request, name)
        assert address == "203.0.113.7"
        return device

    assert known(given.value, "Patient")
    assert not known(given.value, "gp")
    assert not known(given.value[:-1] + ("a" if given.value[-1] != "a" else "b"), "patient")
    assert not known("", "patient")
    client.cookies.pop("carnet")
    assert client.get("/dossier/").status_code == 302
