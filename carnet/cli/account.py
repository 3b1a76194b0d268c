# SPDX-License-Identifier: EUPL-1.2
"""carnet account: stop an account and open it again; those stopped, those that wait for their code."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

from carnet.accounts import stop as stopping
from carnet.cli import common
from carnet.cli.client import By, act

commands = typer.Typer(no_args_is_help=True, help="Accounts: list, stop, open again.")
Sub = Annotated[str, typer.Argument(metavar="SUBJECT", help="The account: patient:…, rpps:….")]


@commands.command("list")
def list_(by: By, data: common.Data = None) -> None:
    """Print accounts that are stopped or wait for a code to be used, a JSON object a line. No name."""
    for each in act(data, by, stopping.listed):
        print(json.dumps(dataclasses.asdict(each), default=str))


@commands.command()
def stop(sub: Sub, by: By, data: common.Data = None) -> None:
    """End every session and token of an account; nobody enters by it."""
    act(data, by, lambda visit: stopping.stop(visit, sub))


@commands.command()
def reopen(sub: Sub, by: By, data: common.Data = None) -> None:
    """Open an account that was stopped."""
    act(data, by, lambda visit: stopping.reopen(visit, sub))
