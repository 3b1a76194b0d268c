# SPDX-License-Identifier: EUPL-1.2
"""The door: every read and write of health data passes here.

`decide` gives the scope; `visit` reads by it; `writing` writes. The scope is compiled into each
statement, row-level security repeats it under a sealed context, and the trace is in the same
transaction.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from carnet.access.door.decide import Decision, Door, TooManyPatients
from carnet.access.door.install import install
from carnet.access.door.visit import Nothing, Page, Visit
from carnet.access.door.writing import Unit, commit
from carnet.access.door.written import Address, UnknownOwner, Written
from carnet.access.limits import table as limits
from carnet.access.limits.counter import Counter
from carnet.access.matrix import Matrix
from carnet.access.seal import Sealer
from carnet.config import Instance, Settings
from carnet.fhir import definitions as r4
from carnet.fhir.search.own import Catalogue
from carnet.fhir.store.attachments import Attachments
from carnet.fhir.store.cursors import Cursors
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.ids import DIRECTORY, Ids
from carnet.fhir.store.index import Indexer
from carnet.fhir.store.keys import Keyring, load_or_make, take_over
from carnet.fhir.store.owners import Owners
from carnet.fhir.store.queries import Held
from carnet.fhir.store.rows import Stored
from carnet.fhir.store.vault import Vault
from carnet.postgres.pool import Pool

__all__ = [
    "DIRECTORY",
    "Address",
    "Decision",
    "Door",
    "Held",
    "Keyring",
    "Nothing",
    "Page",
    "Stored",
    "TooManyPatients",
    "Unit",
    "UnknownOwner",
    "Visit",
    "Written",
    "commit",
    "install",
    "load_or_make",
    "make",
    "numbers_of",
    "take_over",
]


def now() -> datetime:
    """The system's clock, UTC, in milliseconds as `lastUpdated` shows it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def numbers_of(settings: Settings, id: str) -> tuple[int, int] | None:
    """What an id of this installation stands for: compartment and number; None when it is not one."""
    ids = Ids(load_or_make(settings.keys).ids, now, secrets.randbits)
    return ids.decode(id)


def make(
    pool: Pool,
    settings: Settings,
    matrix: Matrix,
    keyring: Keyring,
    *,
    clock: Callable[[], datetime] = now,
    random: Callable[[int], bytes] = os.urandom,
    random_bits: Callable[[int], int] = secrets.randbits,
) -> Door:
    """The door of one process."""
    catalogue = Catalogue(r4.load())
    definitions = catalogue.definitions
    owners = Owners(definitions)
    hasher = Hasher(keyring.hashes)
    return Door(
        pool=pool,
        definitions=definitions,
        owners=owners,
        ids=Ids(keyring.ids, clock, random_bits),
        hasher=hasher,
        cursors=Cursors(keyring.cursors),
        vault=Vault(keyring.operator, random),
        catalogue=catalogue,
        indexer=Indexer(definitions, owners, hasher, catalogue),
        attachments=Attachments(settings.attachments, random),
        sealer=Sealer(keyring.context),
        matrix=matrix,
        clock=clock,
        random=random,
        settings=settings,
        names={number: name for name, number in definitions.types.items()},
        counter=Counter(
            pool,
            limits.load(demonstration=settings.instance is Instance.DEMONSTRATION),
            hashlib.blake2b(keyring.hashes, person=b"carnet limits").digest(),
        ),
    )
