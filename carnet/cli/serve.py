# SPDX-License-Identifier: EUPL-1.2
"""carnet serve: the API and the pages, for real people."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import typer

from carnet import app as composition
from carnet import portal
from carnet.app.parts import matrix_of
from carnet.app.upstream import providers_of
from carnet.cli import check, common, serving


def serve(
    what: Annotated[
        Literal["all", "api"], typer.Argument(help="all: API and pages; api: the API alone.")
    ] = "all",
    data: common.Data = None,
    port: Annotated[int | None, typer.Option(help="Port (CARNET_PORT).")] = None,
    host: Annotated[str | None, typer.Option(help="Address (CARNET_HOST).")] = None,
    workers: Annotated[int, typer.Option(help="Serving processes.", min=1, max=64)] = 1,
) -> None:
    """Serve until a signal; refuses a database that is not up to date or not safe."""
    with common.refusals():
        settings = common.settings_of(data, port=port, host=host)
        matrix_of(settings)  # refused now, not by each worker
        providers_of(settings)
        serving.refuse_used_port(settings.host, settings.port)
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            check.guard(settings, server)
            if what == "all":
                composition.set_up_pages(settings, server, None)
                portal.migrate(server.url("carnet_admin"))
            common.remember(settings)
            serving.serve(replace(settings, pages=what == "all"), workers=workers)
