# SPDX-License-Identifier: EUPL-1.2
"""Register a client, decide of it, change what it may: acts of an operator, each a line that stays.

Suspending, ending, taking a key away and changing scopes raise the client's revision: every token of it
ends within a second (carnet/access/grants.py). A secret is told once; its SHA-256 is kept.
docs/decisions/0061.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from carnet import errors
from carnet.access import audit, scopes, stepup
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.config import Instance
from carnet.oauth import declared, keys, registered
from carnet.oauth.registered import ClientAct, Conn, Registered
from carnet.oauth.requests import digest, new_secret

KINDS: Final = ("app", "software")
METHODS: Final = ("none", "private_key_jwt", "client_secret_basic", "client_secret_post")
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS: Final = {
    "app": ["authorization_code", "refresh_token"],
    "software": ["client_credentials", EXCHANGE],
}
# act: (states it begins in, the state it ends in)
DECISIONS: Final = {
    "approve": (("proposed",), "live"),
    "suspend": (("live",), "suspended"),
    "resume": (("suspended",), "live"),
    "end": (("proposed", "live", "suspended"), "ended"),
}
OPENING: Final = ("approve", "resume")  # the others stop something, and wait for nothing
LONGEST_WHY: Final = 300
MOST_WAITING: Final = 100  # applications developers asked for, that no operator has looked at


class OperatorsAlone(errors.Forbidden):
    """Registering a client and deciding of it is for an operator."""


class UnknownClient(errors.NotFound):
    """No client has this client_id."""


class IdentifierTaken(errors.Conflict):
    """This client_id is taken; that of a client that ended is never given again."""


class WrongState(errors.Conflict):
    """Where this client stands, that cannot be done of it."""


class WrongClient(errors.Invalid):
    """What is said of this client does not go together."""


class NotInProduction(errors.BusinessRule):
    """A sandbox's client is registered in a demonstration or a test instance, never where people are real."""


class TooManyWait(errors.Conflict):
    """Many applications of the sandbox wait for an operator: ask again when they have been looked at."""


class NoReason(errors.Invalid):
    """Say why, in one line of 300 characters at most: who decides of this client later will read it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a client is registered with; texts as they were typed."""

    id: str
    name: str
    kind: str
    scopes: str
    method: str = "none"
    subject: str | None = None
    keys: str = ""
    redirects: Sequence[str] = ()
    origins: Sequence[str] = ()
    launch: str = ""
    homepage: str = ""
    privacy: str = ""
    sandbox: bool = False
    native: bool = False


async def propose(visit: Visit, said: Proposal) -> str | None:
    """Register a client that waits for a decision; its secret, when it has one, told this once."""
    _entitled(visit)
    return await _proposed(visit, said)


async def apply(visit: Visit, said: Proposal) -> str | None:
    """Whoever writes software asks for a sandbox's application; an operator decides. Nobody is logged in.

    Where people are real there is no such page; and while many wait, no other is taken.
    """
    if not sandboxes(visit.door.settings.instance):
        raise errors.NotFound
    if said.kind != "app" or not said.sandbox:
        raise WrongClient("What is asked for here is an application of the sandbox.")
    async with visit.door.pool.connection() as conn:
        waiting = await registered.waiting(conn, visit.actor.sub)
    if waiting >= MOST_WAITING:
        raise TooManyWait
    return await _proposed(visit, said)


async def _proposed(visit: Visit, said: Proposal) -> str | None:
    settings = visit.door.settings
    if said.sandbox and not sandboxes(settings.instance):
        raise NotInProduction
    values = _checked(said, lenient=sandboxes(settings.instance))
    secret = new_secret(visit.door.random) if said.method.startswith("client_secret") else None
    now = visit.door.clock()
    values |= {
        "secret": None if secret is None else digest(secret),
        "now": now,
        "by": visit.actor.sub,
    }
    async with visit.door.pool.connection() as conn, conn.transaction():
        taken = {declared.read_as(each) for each in await registered.names(conn)}
        if declared.read_as(values["name"]) in taken:
            raise declared.NameTaken
        if said.subject and not await registered.is_software(conn, said.subject):
            raise WrongClient("No software of one organisation has this subject: software:… .")
        if not await registered.make(conn, values):
            raise IdentifierTaken
        await _told(visit, conn, values["id"], "propose", values["scopes"], "", now)
    return secret


def sandboxes(instance: Instance) -> bool:
    """Whether nobody is real here: a demonstration, a test instance."""
    return instance in (Instance.DEMONSTRATION, Instance.TEST)


def _checked(said: Proposal, *, lenient: bool) -> dict[str, Any]:
    """Every column that a proposal says; a refusal with its sentence."""
    if said.kind not in KINDS or said.method not in METHODS:
        raise WrongClient("A client is an app or a software, and proves who it is in a known way.")
    if (said.kind == "software") != bool(said.subject):
        raise WrongClient("A software has the subject of its organisation's; an app has none.")
    if said.kind == "software" and (said.method != "private_key_jwt" or said.redirects):
        raise WrongClient(
            "Software of an organisation proves who it is by its key, without redirects."
        )
    if said.kind == "app" and not said.redirects:
        raise WrongClient("An app has one redirect at least: where its answer goes.")
    if said.native and said.method != "none":
        raise WrongClient("An application on people's devices keeps no secret: its method is none.")
    if (said.method == "private_key_jwt") != bool(said.keys.strip()):
        raise WrongClient(
            "A client whose method is private_key_jwt gives its public keys; no other."
        )
    held = keys.added(None, keys.read(said.keys), None) if said.keys.strip() else None
    return {
        "id": declared.identifier(said.id),
        "name": declared.name(said.name),
        "kind": said.kind,
        "subject": said.subject or None,
        "method": said.method,
        "keys": held,
        "redirects": redirects(said.redirects, native=said.native, lenient=lenient),
        "origins": origins(said.origins, lenient=lenient),
        "launch": declared.opening(said.launch, lenient=lenient) if said.launch else None,
        "grants": GRANTS[said.kind],
        "scopes": declared.asked(said.scopes, said.kind),
        "homepage": _page(said.homepage),
        "privacy": _page(said.privacy),
        "sandbox": said.sandbox,
        "native": said.native,
    }


def redirects(said: Sequence[str], *, native: bool, lenient: bool) -> list[str]:
    """Each right, none twice."""
    return _few([declared.redirect(each, native=native, lenient=lenient) for each in said])


def origins(said: Sequence[str], *, lenient: bool) -> list[str]:
    """Each right, none twice."""
    return _few([declared.origin(each, lenient=lenient) for each in said])


def _few(said: list[str]) -> list[str]:
    if len(said) > declared.MOST_ADDRESSES or len(set(said)) != len(said):
        raise declared.WrongAddress("Ten addresses at most, each once.")
    return said


def _page(said: str) -> str | None:
    return declared.page(said) if said else None


# ------------------------------------------------------------------------------- what is decided


async def decide(visit: Visit, id: str, act: str, why: str) -> None:
    """approve, suspend, resume or end, with the reason; ending ends what people allowed it too."""
    _operator(visit)
    if act not in DECISIONS:
        raise errors.Invalid
    if act in OPENING:
        _entitled(visit)
    why = " ".join(why.split())
    if not why or len(why) > LONGEST_WHY or not why.isprintable():
        raise NoReason
    begins, state = DECISIONS[act]
    async with _changing(visit, id) as (conn, client, now):
        if client.state not in begins:
            raise WrongState(f"This client is {client.state}: {act} is not for it.")
        if act in ("approve", "resume") and client.sandbox:
            _sandboxed(visit)
        await registered.decide(conn, id, state, visit.actor.sub, now)
        if act == "end":
            await registered.end_grants(conn, id, now)
        await _told(visit, conn, id, act, "", why, now)


def _sandboxed(visit: Visit) -> None:
    if not sandboxes(visit.door.settings.instance):
        raise NotInProduction


async def add_keys(visit: Visit, id: str, text: str, until: datetime | None = None) -> list[str]:
    """Public keys more, which prove who the client is until a day; their kids."""
    _entitled(visit)
    new = keys.read(text)
    async with _changing(visit, id) as (conn, client, now):
        _by_key(client)
        if until is not None and until <= now:
            raise keys.WrongKey("The day until which a key is good has not come yet.")
        held = keys.added(client.keys, new, until)
        await registered.change(conn, registered.SET_KEYS, id, held, ending=False)
        for each in new:
            await _told(visit, conn, id, "add-key", each["kid"], "", now)
    return [str(each["kid"]) for each in new]


async def remove_key(visit: Visit, id: str, kid: str) -> None:
    """A key proves nothing any more, and tokens of this client end."""
    _entitled(visit)
    async with _changing(visit, id) as (conn, client, now):
        _by_key(client)
        held = keys.removed(client.keys, kid)
        await registered.change(conn, registered.SET_KEYS, id, held, ending=True)
        await _told(visit, conn, id, "remove-key", kid, "", now)


def _by_key(client: Registered) -> None:
    if client.method != "private_key_jwt":
        raise WrongClient("This client does not prove who it is by keys.")


async def renew_secret(visit: Visit, id: str) -> str:
    """Another secret, told this once; the one before proves nothing any more, tokens end."""
    _entitled(visit)
    secret = new_secret(visit.door.random)
    async with _changing(visit, id) as (conn, client, now):
        if not client.method.startswith("client_secret"):
            raise WrongClient("This client does not prove who it is by a secret.")
        await registered.change(conn, registered.SET_SECRET, id, digest(secret), ending=True)
        await _told(visit, conn, id, "renew-secret", "", "", now)
    return secret


async def set_scopes(visit: Visit, id: str, text: str) -> str:
    """The widest it may ask from now on: tokens end, and grants that are wider now."""
    _entitled(visit)
    async with _changing(visit, id) as (conn, client, now):
        given = declared.asked(text, client.kind)
        held = frozenset(given.split())
        wider = [
            each
            for each in await registered.granted(conn, id)
            if not all(scopes.covered(word, held) for word in each.split())
        ]
        await registered.change(conn, registered.SET_SCOPES, id, given, ending=True)
        if wider:
            await registered.end_grants(conn, id, now, wider)
        await _told(visit, conn, id, "scopes", given, "", now)
    return given


async def set_redirects(visit: Visit, id: str, said: Sequence[str]) -> list[str]:
    """Where answers go from now on."""
    _entitled(visit)
    lenient = sandboxes(visit.door.settings.instance)
    async with _changing(visit, id) as (conn, client, now):
        given = redirects(said, native=client.native, lenient=lenient)
        if (client.kind == "app") != bool(given):
            raise WrongClient("An app has one redirect at least; a software has none.")
        await registered.change(conn, registered.SET_REDIRECTS, id, given, ending=False)
        await _told(visit, conn, id, "redirects", " ".join(given), "", now)
    return given


async def set_origins(visit: Visit, id: str, said: Sequence[str]) -> list[str]:
    """Whose pages may call us from now on."""
    _entitled(visit)
    given = origins(said, lenient=sandboxes(visit.door.settings.instance))
    async with _changing(visit, id) as (conn, _client, now):
        await registered.change(conn, registered.SET_ORIGINS, id, given, ending=False)
        await _told(visit, conn, id, "origins", " ".join(given), "", now)
    return given


# ------------------------------------------------------------------------------- what is seen


async def listed(visit: Visit) -> list[Registered]:
    """Every client, those that wait first."""
    _operator(visit)
    async with visit.door.pool.connection() as conn:
        return await registered.listed(conn, visit.door.clock())


async def shown(visit: Visit, id: str) -> tuple[Registered, list[ClientAct]]:
    """A client and its life."""
    _operator(visit)
    async with visit.door.pool.connection() as conn:
        found = await registered.one(conn, id, visit.door.clock())
        if found is None:
            raise UnknownClient
        return found, await registered.life(conn, id)


def ages(client: Registered, life: Sequence[ClientAct]) -> Mapping[str, datetime]:
    """When each key came, by kid; those of the beginning came with the client."""
    came = {each.detail: each.at for each in life if each.act == "add-key"}
    held = (client.keys or {}).get("keys", ())
    return {each["kid"]: came.get(each["kid"], client.made_at) for each in held}


def _operator(visit: Visit) -> None:
    if visit.actor.kind is not ActorKind.OPERATOR:
        raise OperatorsAlone


def _entitled(visit: Visit) -> None:
    """An operator who proved who they are lately: what follows lets somebody in."""
    _operator(visit)
    stepup.fresh(visit.actor, visit.door.clock())


@asynccontextmanager
async def _changing(visit: Visit, id: str) -> AsyncIterator[tuple[Conn, Registered, datetime]]:
    """One transaction on one client, which nobody else changes meanwhile; one that ended stays as it is."""
    _operator(visit)
    now = visit.door.clock()
    async with visit.door.pool.connection() as conn, conn.transaction():
        await registered.lock(conn, id)
        found = await registered.one(conn, id, now)
        if found is None:
            raise UnknownClient
        if found.state == "ended":
            raise WrongState("This client has ended: register another.")
        yield conn, found, now


async def _told(
    visit: Visit, conn: Conn, id: str, act: str, detail: str, why: str, now: datetime
) -> None:
    """A line of the client's life, and one of the audit, with what they tell."""
    await registered.tell(conn, id, ClientAct(0, now, visit.actor.sub, act, detail, why))
    await audit.write(conn, visit.trace(f"client-{act}", id), granted=True)
