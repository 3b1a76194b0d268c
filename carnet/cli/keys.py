# SPDX-License-Identifier: EUPL-1.2
"""carnet keys: the keys that sign tokens, shown and changed."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from carnet.access import door, keyring
from carnet.app.parts import longest
from carnet.cli import common

commands = typer.Typer(no_args_is_help=True, help="The keys that sign tokens: show, rotate.")


@commands.command()
def show(data: common.Data = None) -> None:
    """Print the public keys, as a JSON Web Key Set."""
    with common.refusals():
        settings = common.settings_of(data)
        keys = keyring.load_or_make(settings.keys, door.now, longest(settings))
        print(json.dumps(keys.public(), indent=2))


@commands.command()
def rotate(
    leaked: Annotated[
        bool,
        typer.Option(
            help="A key is in other hands: all it signed ends at once, everybody logs in again."
        ),
    ] = False,
    data: common.Data = None,
) -> None:
    """Add a key, which signs in ten minutes; those before verify until their tokens are over."""
    with common.refusals():
        settings = common.settings_of(data)
        keyring.load_or_make(settings.keys, door.now, longest(settings))
        key = keyring.rotate(settings.keys, door.now, longest(settings), leaked=leaked)
        print(key.kid)
