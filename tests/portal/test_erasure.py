# SPDX-License-Identifier: EUPL-1.2
"""The account of who is erased: it opens nothing any more, and says nobody's name."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from carnet.access import door
from carnet.access.seal import SET, Sealer
from carnet.fhir.search.scope import Scope, context_parts
from carnet.postgres.cluster import Cluster
from tests.portal.preview import ACTORS

CID = 9_000_001


def test_an_erased_person_s_account_is_closed_and_names_nobody(
    site: Any,
    client: Any,
    cluster: Cluster,
    portal_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from allauth.account.models import EmailAddress, EmailConfirmation
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from carnet.portal.accounts.models import Account

    User: Any = get_user_model()
    made = {}
    for name in ("erased", "left"):
        user = User.objects.create_user(
            name, f"{name}@a.example", "Un-mot-de-passe-9", first_name="Ada", last_name="Erased"
        )
        Account.objects.create(user=user, subject=f"patient:{name}")
        monkeypatch.setitem(ACTORS, f"patient:{name}", ACTORS["patient:newcomer"])
        address = EmailAddress.objects.create(user=user, email=f"{name}@a.example", primary=True)
        EmailConfirmation.objects.create(email_address=address, key=name, sent=timezone.now())
        made[name] = user
    client.force_login(made["erased"], "allauth.account.auth_backends.AuthenticationBackend")
    keyring = door.load_or_make(tmp_path)
    with psycopg.connect(cluster.url(database=portal_database)) as conn:
        conn.execute("DELETE FROM access.seal")
        door.install(conn, keyring)
        for place, name in enumerate(made):
            conn.execute(
                "INSERT INTO access.subject (sub, kind, name, patient) VALUES (%s, 'patient', %s, %s)",
                (f"patient:{name}", name, CID + place),
            )
            conn.execute(
                "INSERT INTO access.record (cid, state, since) VALUES (%s, 'closed', now())",
                (CID + place,),
            )
        conn.commit()
        parts = context_parts(Scope(), erased=CID)
        sealed = Sealer(keyring.context).seal(parts, conn.pgconn.backend_pid, time.time())
        conn.execute(SET, (sealed,))
        conn.execute("SELECT access.erase(%s, now())", (CID,))
        conn.commit()
        said = conn.execute(
            "SELECT u.id, row_to_json(u)::text || coalesce(row_to_json(e)::text, '')"
            " FROM portal.auth_user u LEFT JOIN portal.account_emailaddress e ON e.user_id = u.id"
            " WHERE u.id = ANY (%s)", ([user.pk for user in made.values()],),
        ).fetchall()  # fmt: skip
    told = dict(said)
    assert made["erased"].pk not in told, "nothing of the log-in is left"
    assert "left@a.example" in told[made["left"].pk], "another's is as it was"
    assert EmailConfirmation.objects.filter(key="erased").count() == 0
    assert EmailConfirmation.objects.filter(key="left").count() == 1
    assert client.get("/dossier/").status_code == 302, (
        "whose session was open is asked who they are"
    )
    assert not client.login(username="erased", password="Un-mot-de-passe-9")
    assert not client.login(username=f"-{made['erased'].pk}", password="!")
    assert client.login(username="left", password="Un-mot-de-passe-9")
