# SPDX-License-Identifier: EUPL-1.2
"""Clients of a developer's sandbox, ready made: an application, and the software of an organisation.

In a demonstration and a test instance alone: their tokens live a day. The key of the software is made here,
once for each installation, and rests in a file only its owner reads; no key is shipped.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from joserfc.jwk import ECKey

from carnet.access.door import Visit
from carnet.oauth import registering
from carnet.oauth.registering import Proposal

APP, SOFTWARE = "sandbox-app", "sandbox-software"
FOLDER: Final = "sandbox"  # of the data folder
BACK: Final = ("http://127.0.0.1:8765/", "http://localhost:8765/")
WHY: Final = "Bac à sable : ici, personne n’existe."


def of_people(id: str = APP) -> Proposal:
    """An application on a developer's machine, that a persona allows."""
    return Proposal(
        id, f"Bac à sable ({id})", "app",
        "openid fhirUser launch launch/patient offline_access patient/*.rs user/*.rs",
        redirects=BACK, origins=("http://localhost:8765", "http://127.0.0.1:8765"),
        native=True, sandbox=True,
    )  # fmt: skip


def of_organisation(subject: str, public: str, id: str = SOFTWARE) -> Proposal:
    """Software of an organisation, that signs."""
    return Proposal(
        id, f"Bac à sable ({id})", "software", "system/*.cruds user/*.cruds",
        method="private_key_jwt", subject=subject, keys=public, sandbox=True,
    )  # fmt: skip


async def ready(visit: Visit, folder: Path, subject: str) -> Path:
    """Register what is not registered yet, live at once; the file of the software's key."""
    # Whoever has the data folder and its database at the keyboard: there is no session to be old.
    visit = replace(visit, actor=replace(visit.actor, authenticated=visit.door.clock()))
    there = {each.id for each in await registering.listed(visit)}
    path = folder / FOLDER / f"{SOFTWARE}.json"
    key = held(path)
    for said in (of_people(), of_organisation(subject, public(key))):
        if said.id not in there:
            await registering.propose(visit, said)
            await registering.decide(visit, said.id, "approve", WHY)
    if SOFTWARE in there:
        await _known(visit, key)
    return path


async def _known(visit: Visit, key: ECKey) -> None:
    """The key of the file is one of the client's: a file that was lost is another key now."""
    client, _ = await registering.shown(visit, SOFTWARE)
    kids = [each["kid"] for each in (client.keys or {}).get("keys", ())]
    if key.kid in kids:
        return
    await registering.add_keys(visit, SOFTWARE, public(key))
    for kid in kids:
        await registering.remove_key(visit, SOFTWARE, kid)


def held(path: Path) -> ECKey:
    """The private key of a file (mode 0600), made when there is none."""
    if path.exists():
        return ECKey.import_key(json.loads(path.read_text("ascii")))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = ECKey.generate_key("P-384", auto_kid=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(key.as_dict(private=True), file)
    return key


def public(key: ECKey) -> str:
    """The part that is registered."""
    return json.dumps(key.as_dict(private=False))
