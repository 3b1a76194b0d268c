# SPDX-License-Identifier: EUPL-1.2
"""carnet client: applications and software that may act with a token: register, decide, keys, secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from carnet import errors
from carnet.access.door import Visit
from carnet.app.parts import build, visit
from carnet.cli import common, sandbox
from carnet.config import Settings
from carnet.oauth import declared, registering
from carnet.oauth.registered import ClientAct, Registered
from carnet.oauth.registering import Proposal
from carnet.postgres.server import Server

commands = typer.Typer(
    no_args_is_help=True,
    help="Applications and software of organisations: register, decide, keys, scopes.",
)
keys_ = typer.Typer(no_args_is_help=True, help="Public keys of a client: add, remove, list.")
secret_ = typer.Typer(no_args_is_help=True, help="The secret of a client: renew.")
commands.command()(sandbox.sandbox)
commands.command()(sandbox.token)
commands.add_typer(keys_, name="keys")
commands.add_typer(secret_, name="secret")

Id = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The client.")]
By = Annotated[str, typer.Option("--by", help="The operator who does it: operator:….")]
Why = Annotated[str, typer.Option(help="Why, in one line; it stays written.")]
KeyFile = Annotated[Path, typer.Option("--file", help="JWK, JWKS or PEM; public.", exists=True)]

Result = TypeVar("Result")


class WrongDay(errors.Invalid):
    """A day is written 2027-06-30."""


def act(data: Path | None, by: str, does: Callable[[Visit], Awaitable[Result]]) -> Result:
    """One act of an operator; refusals as exit codes."""
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            return asyncio.run(_acted(settings, server, by, does))


async def _acted(
    settings: Settings, server: Server, by: str, does: Callable[[Visit], Awaitable[Result]]
) -> Result:
    built = await build(settings, server, name="carnet client")
    try:
        return await does(visit(built, await common.operator(built.door, by, "carnet-client")))
    finally:
        await built.pool.close()


@commands.command()
def add(
    id: Id,
    name: Annotated[str, typer.Option(help="As people will read it.")],
    scopes: Annotated[str, typer.Option(help="The widest it may ask, between spaces.")],
    by: By,
    kind: Annotated[
        str, typer.Option(help="app (people allow it) or software (of an organisation).")
    ] = "app",
    subject: Annotated[
        str, typer.Option(help="Of a software: the subject of its organisation's, software:….")
    ] = "",
    method: Annotated[
        str,
        typer.Option(
            help="How it proves who it is: none, private_key_jwt, client_secret_basic or "
            "client_secret_post; a software: private_key_jwt."
        ),
    ] = "",
    key: Annotated[
        Path | None, typer.Option(help="Its public keys: JWK, JWKS or PEM.", exists=True)
    ] = None,
    redirect: Annotated[
        list[str] | None, typer.Option(help="Where its answer goes, whole; repeatable.")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Where its pages come from, for CORS; repeatable.")
    ] = None,
    launch: Annotated[str, typer.Option(help="Where an EHR launch begins.")] = "",
    homepage: Annotated[str, typer.Option(help="A page about it.")] = "",
    privacy: Annotated[str, typer.Option(help="Its notice about personal data.")] = "",
    native: Annotated[bool, typer.Option(help="It runs on the device of who uses it.")] = False,
    sandbox: Annotated[
        bool, typer.Option(help="Tokens of a day; in a demonstration or a test instance.")
    ] = False,
    data: common.Data = None,
) -> None:
    """Register a client; it waits until an operator approves it. A secret is printed this once."""
    said = Proposal(
        id=id, name=name, kind=kind, scopes=scopes,
        method=method or ("private_key_jwt" if kind == "software" else "none"),
        subject=subject or None, keys=key.read_text("utf-8", "replace") if key else "",
        redirects=redirect or (), origins=origin or (), launch=launch, homepage=homepage,
        privacy=privacy, sandbox=sandbox, native=native,
    )  # fmt: skip
    secret = act(data, by, lambda on: registering.propose(on, said))
    print(f"{id} is registered, and waits: carnet client approve {id} --by … --why …")
    for address in said.redirects:
        if shown := declared.reads(address):
            print(f"{address} is read as {shown}: look whether that is whom you mean.")
    if secret is not None:
        print(secret)


@commands.command("list")
def list_(by: By, data: common.Data = None) -> None:
    """Every client, one a line."""
    for each in act(data, by, registering.listed):
        print(f"{each.id} · {each.name} · {each.kind} · {each.state}{' · sandbox' * each.sandbox}")


@commands.command()
def show(id: Id, by: By, data: common.Data = None) -> None:
    """One client: what it may ask, its keys and their age, what was decided."""
    client, life = act(data, by, lambda on: registering.shown(on, id))
    for line in (*_lines(client), *_keys(client, life)):
        print(line)
    for each in life:
        print(f"{each.at:%Y-%m-%d %H:%M} {each.act} by {each.by} {each.detail} {each.why}".rstrip())


def _lines(client: Registered) -> list[str]:
    told = {
        "name": client.name, "kind": client.kind, "state": client.state,
        "organisation": client.organisation, "subject": client.subject, "method": client.method,
        "scopes": client.scopes, "redirects": " ".join(client.redirects),
        "origins": " ".join(client.origins), "launch": client.launch, "homepage": client.homepage,
        "privacy": client.privacy, "native": "yes" * client.native, "sandbox": "yes" * client.sandbox,
        "grants that live": client.living,
        "last token": f"{client.used_at:%Y-%m-%d %H:%M}" if client.used_at else "none yet",
    }  # fmt: skip
    return [f"{name}: {value}" for name, value in told.items() if value not in (None, "")]


def _keys(client: Registered, life: list[ClientAct]) -> list[str]:
    came = registering.ages(client, life)
    lines = []
    for each in (client.keys or {}).get("keys", ()):
        until = each.get("exp")
        over = f", until {datetime.fromtimestamp(until, UTC):%Y-%m-%d}" if until else ""
        kind = each.get("crv", each["kty"])
        lines.append(f"key {each['kid']}: {kind}, since {came[each['kid']]:%Y-%m-%d}{over}")
    return lines


def _decide(id: str, by: str, why: str, what: str, data: Path | None) -> None:
    act(data, by, lambda on: registering.decide(on, id, what, why))
    print(f"{id}: {what}, done")


@commands.command()
def approve(id: Id, by: By, why: Why, data: common.Data = None) -> None:
    """It may act from now on."""
    _decide(id, by, why, "approve", data)


@commands.command()
def suspend(id: Id, by: By, why: Why, data: common.Data = None) -> None:
    """All its tokens end within a second; what people allowed it waits."""
    _decide(id, by, why, "suspend", data)


@commands.command()
def resume(id: Id, by: By, why: Why, data: common.Data = None) -> None:
    """It may act again; tokens of before stay ended."""
    _decide(id, by, why, "resume", data)


@commands.command()
def end(id: Id, by: By, why: Why, data: common.Data = None) -> None:
    """For good: its tokens, what people allowed it, its name here."""
    _decide(id, by, why, "end", data)


@commands.command()
def scopes(
    id: Id,
    scope: Annotated[str, typer.Argument(help="The widest it may ask, between spaces.")],
    by: By,
    data: common.Data = None,
) -> None:
    """Change what it may ask: its tokens end, and what people allowed it that is wider now."""
    print(act(data, by, lambda on: registering.set_scopes(on, id, scope)))


@commands.command()
def redirects(
    id: Id,
    address: Annotated[list[str], typer.Argument(help="Every one from now on, whole.")],
    by: By,
    data: common.Data = None,
) -> None:
    """Change where its answers go."""
    for each in act(data, by, lambda on: registering.set_redirects(on, id, address)):
        print(each)


@commands.command()
def origins(
    id: Id,
    by: By,
    address: Annotated[list[str] | None, typer.Argument(help="Every one from now on.")] = None,
    data: common.Data = None,
) -> None:
    """Change whose pages may call the API for it; none: nobody's."""
    for each in act(data, by, lambda on: registering.set_origins(on, id, address or ())):
        print(each)


@keys_.command("add")
def add_key(
    id: Id,
    file: KeyFile,
    by: By,
    until: Annotated[str, typer.Option(help="Last day it is good for: 2027-06-30.")] = "",
    data: common.Data = None,
) -> None:
    """Add public keys of a file; those before go on."""
    with common.refusals():
        day = _day(until) if until else None
    text = file.read_text("utf-8", "replace")
    for kid in act(data, by, lambda on: registering.add_keys(on, id, text, day)):
        print(kid)


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        raise WrongDay from None


@keys_.command("remove")
def remove_key(
    id: Id,
    kid: Annotated[str, typer.Argument(help="The key.")],
    by: By,
    data: common.Data = None,
) -> None:
    """Take a key away: it proves nothing from now on, and the client's tokens end."""
    act(data, by, lambda on: registering.remove_key(on, id, kid))
    print(f"{kid} removed")


@keys_.command("list")
def list_keys(id: Id, by: By, data: common.Data = None) -> None:
    """The keys of a client and since when."""
    client, life = act(data, by, lambda on: registering.shown(on, id))
    for line in _keys(client, life):
        print(line)


@secret_.command()
def renew(id: Id, by: By, data: common.Data = None) -> None:
    """Print another secret, this once; the one before ends, and the client's tokens."""
    print(act(data, by, lambda on: registering.renew_secret(on, id)))
