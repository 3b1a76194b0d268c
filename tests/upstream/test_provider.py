# SPDX-License-Identifier: EUPL-1.2
"""Log in through a real OpenID provider: npm oidc-provider, a hospital's claims."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.portal.preview import PreviewParts
from tests.portal.preview_upstream import PreviewUpstream
from tests.upstream import real
from tests.upstream.conftest import BACK, begun, came_back, logs_in
from tests.upstream.real import Real

pytestmark = pytest.mark.db
HOME, GP = "/", "rpps:10000000001"
AUTHENTICATED, UPSTREAM, OPENED = "authenticated", "upstream_acr", "upstream_session"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
Plug = Callable[..., PreviewParts]


@pytest.fixture(autouse=True)
def real_accounts(plugged: Plug) -> Any:
    """A password alone opens none of them."""
    from carnet.portal.accounts.models import Account

    plugged()
    Account.objects.update(demonstration=False)
    yield
    Account.objects.update(demonstration=True, enrols=False)


def inside(client: Any) -> bool:
    """Whether the pages answer somebody."""
    return bool(client.get("/patients/").status_code == 200)


def test_a_professional_enters_by_the_hospital_and_is_asked_no_other_factor(
    client: Any, site: PreviewParts
) -> None:
    answer = logs_in(client, "mercier")
    assert (answer.status_code, answer["Location"]) == (302, HOME)
    assert inside(client)
    assert (GP, "hopital", True) in PreviewUpstream.told_of
    assert OPENED in client.session
    # When they proved it is the provider's word, so that an old log-in there is old here.
    assert abs(client.session[AUTHENTICATED] - time.time()) < 30


def test_a_level_the_file_does_not_name_asks_for_our_second_factor(
    client: Any, plugged: Plug
) -> None:
    logs_in(client, "weak")
    assert not inside(client)
    assert client.get("/patients/")["Location"] == "/compte/securite/"


@pytest.mark.parametrize("name", ["nobody", "silent"])
def test_who_has_no_account_here_is_told_so_calmly(client: Any, name: str) -> None:
    answer = logs_in(client, name)
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "Aucun compte d’ici" in text
    assert "10009999999" not in text
    assert not inside(client)


def test_who_renounces_there_comes_back_to_a_page_that_says_so(client: Any) -> None:
    answer = came_back(client, real.walked(begun(client), "mercier", BACK, act="cancel"))
    assert answer.status_code == 403
    assert "renoncé" in answer.content.decode()


def test_an_answer_is_used_once_by_the_browser_that_asked(client: Any, site: PreviewParts) -> None:
    from django.test import Client

    address = real.walked(begun(client), "mercier", BACK)
    other = Client(raise_request_exception=False, HTTP_HOST="localhost")
    assert came_back(other, address).status_code == 400
    assert not inside(other)
    assert came_back(client, address).status_code == 302
    assert came_back(client, address).status_code == 400


def test_a_session_of_before_is_another_after(client: Any) -> None:
    begin = begun(client)
    before = client.session.session_key
    came_back(client, real.walked(begin, "mercier", BACK))
    assert before != client.session.session_key


def test_what_vouched_for_one_user_says_nothing_of_another(client: Any) -> None:
    from django.contrib.auth import get_user_model

    logs_in(client, "mercier")
    kept = dict(client.session[UPSTREAM])
    client.force_login(get_user_model().objects.get(username="operator"), BACKEND)
    session = client.session
    session[UPSTREAM] = kept
    session.save()
    assert client.get("/operateur/alertes/").status_code == 302


def test_who_is_stopped_stays_out(client: Any, site: PreviewParts, monkeypatch: Any) -> None:
    from carnet.access.limits.refusals import AccountStopped

    async def stopped(*given: Any, **more: Any) -> None:
        raise AccountStopped

    monkeypatch.setattr(type(site), "actor", stopped)
    assert logs_in(client, "mercier").status_code == 403
    assert "_auth_user_id" not in client.session


def test_the_one_who_left_the_hospital_enters_no_more(client: Any, plugged: Plug) -> None:
    from django.test import Client

    logs_in(client, "mercier")
    plugged()
    PreviewUpstream.subjects = {}
    other = Client(raise_request_exception=False, HTTP_HOST="localhost")
    assert logs_in(other, "mercier").status_code == 403


def test_a_provider_that_is_away_is_said_so_and_comes_back(
    client: Any, hospital: Real, plugged: Plug
) -> None:
    plugged(issuer=f"http://127.0.0.1:{real.free_port()}")
    answer = client.post("/compte/fournisseur/hopital/")
    assert answer.status_code == 503
    assert "ne répond pas" in answer.content.decode()
    plugged()
    assert logs_in(client, "mercier").status_code == 302


def test_its_keys_change_and_the_next_log_in_works(
    client: Any, hospital: Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carnet.upstream import discovery

    logs_in(client, "mercier")
    hospital.stop()
    hospital.start()
    assert logs_in(client, "mercier").status_code == 403, "asked for again once a minute at most"
    monkeypatch.setattr(discovery, "AGAIN", 0.0)
    assert logs_in(client, "mercier").status_code == 302


def test_to_prove_it_again_is_to_log_in_there_again(client: Any) -> None:
    logs_in(client, "mercier")
    session = client.session
    session[AUTHENTICATED] = time.time() - 7200
    session.save()
    page = client.get("/compte/confirmer/?next=/patients/")
    assert 'value="again"' in page.content.decode()
    answer = logs_in(client, "mercier", why="again", next="/patients/")
    assert answer["Location"] == "/patients/"
    assert abs(client.session[AUTHENTICATED] - time.time()) < 30


def test_another_person_there_proves_nothing_for_this_one(client: Any) -> None:
    logs_in(client, "mercier")
    session = client.session
    session[AUTHENTICATED] = old = time.time() - 7200
    session.save()
    assert logs_in(client, "weak", why="again", next="/patients/").status_code == 403
    assert client.session[AUTHENTICATED] == old


def test_an_account_is_linked_and_unlinked_by_who_holds_it(
    client: Any, plugged: Plug, logged_in: Any
) -> None:
    from django.test import Client

    from carnet.portal.accounts.models import Account, Linked

    plugged('recognise = "link"\nopens = ["operator"]\n')
    assert logs_in(client, "mercier").status_code == 403
    Account.objects.update(demonstration=True)
    logged_in("operator")
    assert "Entrer aussi avec CHU des Quais" in client.get("/compte/securite/").content.decode()
    assert logs_in(client, "mercier", why="link")["Location"] == "/compte/securite/?fait=1"
    assert Linked.objects.get().account.subject == "operator:one"
    client.logout()
    Account.objects.update(demonstration=False)
    logs_in(client, "mercier")
    elsewhere = Client(raise_request_exception=False, HTTP_HOST="localhost")
    logs_in(elsewhere, "mercier")
    for one in (client, elsewhere):
        assert one.get("/operateur/alertes/").status_code == 200
    client.post("/compte/fournisseur/hopital/retirer/")
    assert not Linked.objects.exists()
    assert client.get("/operateur/alertes/").status_code == 200
    assert elsewhere.get("/operateur/alertes/").status_code == 302


def test_a_link_needs_somebody_logged_in_just_now(client: Any, logged_in: Any) -> None:
    assert client.post("/compte/fournisseur/hopital/", {"why": "link"}).status_code == 302
    from carnet.portal.accounts.models import Account

    Account.objects.update(demonstration=True)
    logged_in("gp")
    session = client.session
    session[AUTHENTICATED] = time.time() - 7200
    session.save()
    answer = client.post("/compte/fournisseur/hopital/", {"why": "link"})
    assert "/compte/confirmer/" in answer["Location"]


def test_to_log_out_says_where_one_is_logged_in_still(client: Any, hospital: Real) -> None:
    logs_in(client, "mercier")
    answer = client.post("/compte/deconnexion/")
    assert answer["Location"] == "/compte/fournisseur/hopital/sortie/"
    assert f"{hospital.issuer}/session/end" in client.get(answer["Location"]).content.decode()
    assert not inside(client)


def test_pro_sante_connect_names_a_professional_in_its_userinfo(client: Any) -> None:
    assert logs_in(client, "durand", "psc")["Location"] == HOME
    assert inside(client)


def test_we_prove_who_we_are_by_a_key_of_ours(client: Any) -> None:
    assert logs_in(client, "mercier", "keyed")["Location"] == HOME
    assert inside(client)


def test_franceconnect_names_a_person_by_their_traits_and_a_weak_log_in_there_names_nobody(
    client: Any,
) -> None:
    assert logs_in(client, "claire at home", "fc").status_code == 403
    assert logs_in(client, "claire", "fc")["Location"] == HOME
    assert client.get("/dossier/").status_code == 200


def test_a_person_of_one_provider_is_nobody_of_another(client: Any) -> None:
    for name, key in (("claire", "psc"), ("durand", "fc"), ("claire", "hopital")):
        assert logs_in(client, name, key).status_code == 403


def test_a_person_who_has_several_places_says_which(client: Any, site: PreviewParts) -> None:
    site.practised = (("s1", "CHU"), ("s2", "Cabinet"))
    try:
        logs_in(client, "mercier")
        assert client.get("/patients/")["Location"] == "/compte/situation/"
        client.post("/compte/situation/", {"situation": "s2"})
        assert inside(client)
    finally:
        site.practised = ()


def test_the_provider_ends_a_session_it_opened_and_no_other(client: Any, hospital: Real) -> None:
    from django.test import Client

    from carnet.portal.accounts.models import UpstreamSession

    other = Client(raise_request_exception=False, HTTP_HOST="localhost")
    browser = requests.Session()
    came_back(client, real.walked(begun(client), "mercier", BACK, one=browser))
    logs_in(other, "mercier")
    assert len(set(UpstreamSession.objects.values_list("sid", flat=True)) - {""}) == 2
    real.left(hospital.issuer, "carnet", browser)
    said = {"logout_token": hospital.told.said.get(timeout=10)}
    assert client.post("/compte/fournisseur/psc/fin/", said).status_code == 400, "it is for another"
    assert inside(client)
    assert client.post("/compte/fournisseur/hopital/fin/", said).status_code == 200
    assert (inside(client), inside(other)) == (False, True)
    for nothing in ({}, {"logout_token": "x.y.z"}):
        assert client.post("/compte/fournisseur/hopital/fin/", nothing).status_code == 400
    assert inside(other)


def test_without_a_file_there_is_no_button_and_no_page(client: Any, site: PreviewParts) -> None:
    assert "CHU des Quais" in client.get("/compte/connexion/").content.decode()
    site.upstream.providers = {}
    assert "CHU des Quais" not in client.get("/compte/connexion/").content.decode()
    assert client.post("/compte/fournisseur/hopital/").status_code == 404
    assert client.get("/compte/fournisseur/hopital/retour/?code=1&state=1").status_code == 404
