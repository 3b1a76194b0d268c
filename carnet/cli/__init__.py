# SPDX-License-Identifier: EUPL-1.2
"""The command line: one module per command."""

from typing import Annotated

import typer

from carnet import __version__
from carnet.cli import (
    account,
    alerts,
    audit,
    check,
    client,
    clock,
    demo,
    dicom,
    directory,
    explain,
    hl7,
    identity,
    imports,
    keys,
    leaving,
    load,
    mail,
    matrix,
    migrate,
    notices,
    open,
    parameters,
    record,
    reindex,
    serve,
    terminology,
    token,
    worker,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Carnet: an open national health space. Free software, not an official service.",
)


def show_version(asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        typer.echo(f"carnet {__version__}")
        raise typer.Exit


@app.callback()
def carnet(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Carnet: an open national health space. Free software, not an official service."""


for command in (check.check, demo.demo, load.load, migrate.migrate, serve.serve, token.token):
    app.command()(command)
app.add_typer(account.commands, name="account")
app.add_typer(alerts.commands, name="alerts")
app.add_typer(audit.commands, name="audit")
app.add_typer(client.commands, name="client")
app.add_typer(directory.commands, name="directory")
app.add_typer(leaving.commands, name="export")
app.add_typer(identity.commands, name="identity")
app.add_typer(keys.commands, name="keys")
app.add_typer(mail.commands, name="mail")
app.add_typer(matrix.commands, name="matrix")
app.add_typer(record.commands, name="record")
app.add_typer(notices.commands, name="notices")
app.add_typer(parameters.commands, name="parameters")
app.add_typer(terminology.commands, name="terminology")
app.command("clock", context_settings={"ignore_unknown_options": True})(clock.clock)
app.command("open")(open.open_)
app.command("dicom")(dicom.dicom)
app.command("hl7")(hl7.hl7)
app.command("worker")(worker.work)
app.command("reindex")(reindex.reindex)
app.command("explain")(explain.explained)
app.command("import")(imports.take_in)
app.command("restore")(leaving.restored)


def main() -> None:
    """The console script."""
    app(prog_name="carnet")
