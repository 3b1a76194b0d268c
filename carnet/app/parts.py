# SPDX-License-Identifier: EUPL-1.2
"""The parts of one process: pool, door, tokens, acts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from carnet import errors
from carnet.access import door, factors, keyring, queries
from carnet.access import matrix as matrices
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.access.grants import Grants
from carnet.access.limits.refusals import AccountStopped
from carnet.access.log import heads
from carnet.access.log.sealing import Sealing
from carnet.access.revisions import Revisions
from carnet.access.tokens import DAY, SECRETIVE, Tokens
from carnet.app import emergency, export, mail_sending, orientation, summary
from carnet.bulk import routes as bulk
from carnet.care.agenda import book, offer
from carnet.config import Instance, Settings
from carnet.directory import find as directory
from carnet.documents import (
    amend,
    announce,
    content,
    folders,
    guide,
    hide,
    publish,
    restore,
    upload,
    withdraw,
)
from carnet.documents import routes as documents
from carnet.documents.same import orders
from carnet.documents.same.already import families
from carnet.documents.text import words
from carnet.fhir.search.parse import Parser
from carnet.identity.traits import majority
from carnet.postgres.pool import Pool, open_pool
from carnet.postgres.server import Server
from carnet.rest import audit_events, codes
from carnet.rest.acts import Acts
from carnet.rest.checks import Checks
from carnet.rest.desk import Desk
from carnet.rights import explain
from carnet.rights import view as consents
from carnet.rights.clock import Shifted
from carnet.summary import patient_summary
from carnet.vigilance import find, insi, register

# Why each kind of account acts, in HL7's PurposeOfUse; the others treat.
PURPOSES = {
    ActorKind.PATIENT: "PATRQT",
    ActorKind.HELPER: "PATRQT",
    ActorKind.OPERATOR: "HOPERAT",
}


class NoMatrix(errors.Invalid):
    """A production instance starts only with an access matrix its operator named (CARNET_MATRIX)."""


@dataclass(frozen=True)
class Built:
    """One process, ready to serve."""

    settings: Settings
    pool: Pool
    door: Door
    desk: Desk


def insi_of(settings: Settings) -> insi.Insi:
    """The national identity service: simulated in a demonstration, else none is called."""
    if settings.instance is Instance.DEMONSTRATION:
        return insi.Simulator()
    return insi.NotConnected()


def acts(identities: insi.Insi | None = None) -> Acts:
    """What each slice does instead of a plain write; identities: the national identity service."""
    table = Acts()
    table.register("Patient", "create", register.by(identities or insi.NotConnected()))
    table.register("DocumentReference", "create", upload.deposit)
    table.register("DocumentReference", "patch", amend.amend)
    table.register("DocumentReference", "delete", withdraw.delete)
    table.register("Binary", "create", publish.binary)
    table.register("List", "create", publish.submission)
    table.register("List", "update", folders.update)
    table.prepares.append(content.packed)
    table.register("DocumentReference", "create", restore.document, profile=restore.PROFILE)
    table.register("Binary", "create", restore.file, profile=restore.PROFILE)
    table.register("List", "create", restore.lot, profile=restore.PROFILE)
    table.show("AuditEvent", audit_events.View())
    table.operate("GET", "AuditEvent", "proof", audit_events.proof)
    table.register("Consent", "create", consents.create)
    table.show("Consent", consents.View())
    codes.register(table)
    table.operate("GET", "Patient", "explain", explain.operation)
    table.operate("GET", "Patient", "take-away", export.operation)
    table.tell("Patient", "summary", summary.FORMS)
    table.announced.append(("Patient", "summary", patient_summary.DEFINITION))
    table.operate("POST", "DocumentReference", "hide", hide.hide_operation)
    table.operate("POST", "DocumentReference", "show", hide.show_operation)
    for name, act in (
        ("announce-later", announce.later_operation),
        ("announced", announce.announced_operation),
        ("hide-from-representatives", hide.keep_operation),
        ("show-to-representatives", hide.give_back_operation),
    ):
        table.operate("POST", "DocumentReference", name, act)
    emergency.register(table)
    orders.register(table)
    mail_sending.register(table)
    offer.register(table)
    book.register(table)
    guide.register(table)
    for slice_ in (bulk, documents):
        table.routes += slice_.ROUTES
        table.announced += slice_.ANNOUNCED
    table.resolve_by("Patient", find.by_identifier, register.agrees)
    for rtype in directory.TYPES:
        table.resolve_by(rtype, directory.resolver(rtype))
    return table


def matrix_of(settings: Settings) -> matrices.Matrix:
    """The access matrix; a production instance has none by default."""
    if settings.instance is Instance.PRODUCTION and not settings.matrix:
        raise NoMatrix
    return matrices.load(settings.matrix)


def longest(settings: Settings) -> int:
    """Seconds a token may live: where nobody is real a day, for load clients and sandboxes."""
    sandboxed = settings.instance in (Instance.DEMONSTRATION, Instance.TEST)
    return DAY if sandboxed else settings.token_lifetime


def tokens_of(settings: Settings, clock: Callable[[], datetime] = door.now) -> Tokens:
    """Issues and verifies."""
    keys = keyring.load_or_make(settings.keys, clock, longest(settings))
    return Tokens(keys, settings.base_url, clock, lifetime=longest(settings))


async def shifted(pool: Pool) -> Shifted:
    """The clock of a demonstration or test instance, as far ahead as it was moved."""
    clock = Shifted()
    async with pool.connection() as conn:
        await clock.refresh(conn)
    return clock


async def build(
    settings: Settings,
    server: Server,
    *,
    name: str = "carnet api",
    clock: Callable[[], datetime] = door.now,
    random: Callable[[int], bytes] = os.urandom,
    random_bits: Callable[[int], int] = secrets.randbits,
) -> Built:
    """Open the pool and put the parts of one process together.

    clock, random, random_bits: where time, bytes and numbers come from; tests bring their own.
    """
    pool = await open_pool(
        server.url("carnet_app"), min_size=2, max_size=settings.pool_size, name=name
    )
    if settings.lenient and clock is door.now:
        clock = await shifted(pool)
    made = door.make(
        pool,
        settings,
        matrix_of(settings),
        door.load_or_make(settings.keys),
        clock=clock,
        random=random,
        random_bits=random_bits,
    )
    words.loaded(settings.synonyms)  # what an operator wrote wrong is told at once
    families(Path(settings.examinations) if settings.examinations else None)
    orientation.checked(settings)
    checks = Checks(settings, pool)
    async with pool.connection() as conn:
        await made.catalogue.look(conn)
        await checks.look(conn)
    base = f"{settings.base_url}/fhir"
    parser = Parser(
        made.definitions,
        made.ids,
        made.cursors,
        made.owners,
        base,
        settings.page_size,
        settings.page_limit,
    )
    desk = Desk(
        settings=settings,
        door=made,
        tokens=tokens_of(settings, clock),
        revisions=Revisions(pool),
        grants=Grants(pool, clock),
        parser=parser,
        acts=acts(insi_of(settings)),
        checks=checks,
        request_id=lambda: secrets.token_hex(8),
        base=base,
    )
    return Built(settings, pool, made, desk)


class NotTheirs(errors.Forbidden):
    """You do not assist this professional."""


class NoSecret(errors.BusinessRule):
    """A secret connection is a minor's, on their own record, or a professional's who treats one."""


async def actor(
    built: Built,
    sub: str,
    *,
    client: str,
    situation: str | None = None,
    secret: bool = False,
    acting_for: int | None = None,
) -> Actor:
    """The actor of a subject, for a log-in or a token.

    secret: a connection that leaves no trace for a minor's representatives. acting_for: RPPS of the
    professional an assistant chose, the first of theirs when none is.
    """
    now = built.door.clock()
    async with built.pool.connection() as conn:
        found = await queries.subject(conn, sub, situation)
        if found is None:
            raise errors.Unauthenticated("Nobody of this name is known here.")
        if found.stopped:
            raise AccountStopped
        rpps = found.rpps
        if found.kind == ActorKind.ASSISTANT and acting_for is not None:
            if not await queries.assists(conn, sub, acting_for, now):
                raise NotTheirs
            rpps = acting_for
        elif found.kind == ActorKind.ASSISTANT:
            rpps = await queries.assisted(conn, sub, now)
        if secret and found.kind == ActorKind.PATIENT:
            known = await queries.identity(conn, found.patient or 0)
            if known is None or majority(known.birth_date) <= now:
                raise NoSecret
        elif secret and found.kind not in SECRETIVE:
            raise NoSecret
    return Actor(
        kind=ActorKind(found.kind),
        sub=found.sub,
        name=found.name,
        client=client,
        purpose=PURPOSES.get(ActorKind(found.kind), "TREAT"),
        rpps=rpps,
        profession=found.profession or "",
        situation=found.situation or "",
        org=found.org,
        org_name=found.org_name or "",
        patient=found.patient,
        secret=secret,
        rev=found.rev,
        acr=factors.PASSWORD,
        authenticated=now,
    )


def claims(built: Built, who: Actor, scope: str) -> dict[str, Any]:
    """The claims of an actor's token."""
    encode = built.door.ids.encode
    found: dict[str, Any] = {
        "sub": who.sub, "kind": str(who.kind), "name": who.name, "scope": scope,
        "purpose": who.purpose, "acr": who.acr or factors.PASSWORD, "client": who.client, "rev": who.rev,
    }  # fmt: skip
    if who.kind is ActorKind.PATIENT and who.patient is not None:
        found["patient"] = found["fhirUser"] = f"Patient/{encode(who.patient, who.patient)}"
    if who.secret:
        found["secret"] = True
    if who.org is not None:
        found["org"] = f"Organization/{encode(0, who.org)}"
    if who.kind is ActorKind.ASSISTANT and who.rpps is not None:
        found |= {"rpps": f"{who.rpps:011d}", "situation": who.situation}
    if who.kind is ActorKind.PROFESSIONAL and who.rpps is not None:
        found |= {
            "fhirUser": f"Practitioner?identifier={who.rpps:011d}",
            "rpps": f"{who.rpps:011d}",
            "profession": who.profession,
            "situation": who.situation,
        }
    return found


def sealing(settings: Settings, pool: Pool, made: Door) -> Sealing:
    """What seals the audit; pool: of the worker's role."""
    return Sealing(
        pool,
        heads.load_or_make(settings.keys),
        settings.roots,
        made.clock,
        made.random,
        delay=settings.seal_delay,
    )


def visit(built: Built, who: Actor) -> Visit:
    """A visit from inside the process (pages, commands)."""
    return Visit(built.door, who, secrets.token_hex(8))
