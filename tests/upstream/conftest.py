# SPDX-License-Identifier: EUPL-1.2
"""The pages, and a hospital's provider beside them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from carnet.upstream.discovery import Providers
from carnet.upstream.providers import load
from tests.portal.conftest import (
    anyio_backend,
    browser,
    client,
    cluster,
    logged_in,
    page,
    portal_database,
    site,
)
from tests.portal.preview import PreviewParts
from tests.portal.preview_upstream import PreviewUpstream
from tests.portal.setting import ADDRESS
from tests.upstream import real
from tests.upstream.real import Real

__all__ = [
    "anyio_backend", "browser", "client", "cluster", "logged_in", "page", "portal_database", "site",
]  # fmt: skip
BACK = f"{ADDRESS}/compte/fournisseur/hopital/retour/"
CLAIRE = {
    "family_name": "MARTIN", "given_name": "Claire", "birthdate": "1985-03-27", "gender": "female",
    "birthplace": "37261", "birthcountry": "99100",
}  # fmt: skip
OURS = RSAKey.generate_key(2048, {"use": "sig"})
PEOPLE: dict[str, dict[str, Any]] = {
    "durand": {
        "sub": "psc-1",
        "acr": "eidas1",
        "amr": ["card"],
        "claims": {
            "SubjectNameID": "810000000001",
            "SubjectRefPro": {"exercices": [{"codeProfession": "10"}]},
        },
    },
    "claire": {"sub": "fc-1", "acr": "eidas2", "amr": ["mfa"], "claims": CLAIRE},
    "claire at home": {"sub": "fc-2", "acr": "eidas0", "amr": ["pwd"], "claims": CLAIRE},
    "mercier": {
        "sub": "u-1",
        "acr": "urn:hospital:two",
        "amr": ["mfa"],
        "claims": {"rpps": "10000000001"},
    },
    "weak": {
        "sub": "u-2",
        "acr": "urn:hospital:one",
        "amr": ["pwd"],
        "claims": {"rpps": "10000000001"},
    },
    "nobody": {
        "sub": "u-3",
        "acr": "urn:hospital:two",
        "amr": ["mfa"],
        "claims": {"rpps": "10009999999"},
    },
    "silent": {"sub": "u-4", "acr": "urn:hospital:two", "amr": ["mfa"], "claims": {}},
}
SECTION = """
[hopital]
name.fr = "CHU des Quais"
name.en = "Quays hospital"
issuer = "{issuer}"
client_id = "carnet"
secret_file = "secret"
acr_values = ["urn:hospital:two"]
levels = {{ "urn:hospital:two" = "carnet:3" }}
algorithms = ["RS256"]
organisation = "urn:oid:1.2.250.1.71.4.2.2|370000481"
"""
NATION = """
[psc]
shape = "pro-sante-connect"
name.fr = "Pro Santé Connect"
issuer = "{issuer}"
client_id = "psc"
secret_file = "secret"

[fc]
shape = "franceconnect"
name.fr = "FranceConnect"
issuer = "{issuer}"
client_id = "fc"
secret_file = "secret"
algorithms = ["RS256"]

[keyed]
name.fr = "Clinique du Parc"
issuer = "{issuer}"
client_id = "keyed"
key_file = "ours.pem"
acr_values = ["urn:hospital:two"]
levels = {{ "urn:hospital:two" = "carnet:3" }}
organisation = "urn:oid:1.2.250.1.71.4.2.2|370000481"
"""


@pytest.fixture(scope="session")
def hospital(peers: Path) -> Iterator[Real]:
    """The provider's process."""
    library = peers / "oidc-provider" / "lib" / "index.js"
    told = real.Told()
    registered = [
        real.client(
            "carnet",
            BACK,
            backchannel_logout_uri=told.address,
            backchannel_logout_session_required=True,
        ),
        real.client("psc", BACK.replace("hopital", "psc")),
        real.client("fc", BACK.replace("hopital", "fc")),
        {
            "client_id": "keyed",
            "redirect_uris": [BACK.replace("hopital", "keyed")],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [OURS.as_dict(private=False)]},
        },
    ]
    with real.running(library, people=PEOPLE, clients=registered) as one:
        one.told = told
        yield one
    told.shutdown()
    told.server_close()


@pytest.fixture
def plugged(
    hospital: Real, site: PreviewParts, tmp_path: Path
) -> Iterator[Callable[..., PreviewParts]]:
    """Plug it in by the operator's file; what a test adds is of its section."""

    def plug(more: str = "", issuer: str = hospital.issuer, **subjects: str) -> PreviewParts:
        (tmp_path / "secret").write_text(real.SECRET)
        (tmp_path / "ours.pem").write_bytes(OURS.as_pem(private=True))
        os.chmod(tmp_path / "secret", 0o600)
        file = tmp_path / "providers.toml"
        file.write_text(SECTION.format(issuer=issuer) + more + NATION.format(issuer=issuer))
        site.upstream.providers = load(str(file), lenient=True)
        site.upstream.known = Providers()
        PreviewUpstream.told_of = []
        PreviewUpstream.subjects = {
            "10000000001": "rpps:10000000001", "810000000001": "rpps:10000000001",
            "MARTIN": "patient:claire", **subjects,
        }  # fmt: skip
        return site

    yield plug
    site.upstream.providers = {}
    forget()


def forget() -> None:
    """What a test made of accounts."""
    from django.contrib.auth.models import User

    from carnet.portal.accounts.models import Linked, UpstreamSession

    Linked.objects.all().delete()
    UpstreamSession.objects.all().delete()
    User.objects.filter(username__contains="-").delete()


def begun(client: Any, key: str = "hopital", **form: str) -> str:
    """Where the button leads."""
    answer = client.post(f"/compte/fournisseur/{key}/", form)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def came_back(client: Any, address: str) -> Any:
    """What the page of return answers."""
    return client.get(address.removeprefix(ADDRESS))


def logs_in(client: Any, name: str, key: str = "hopital", **form: str) -> Any:
    """All of a log-in."""
    return came_back(
        client, real.walked(begun(client, key, **form), name, BACK.replace("hopital", key))
    )
